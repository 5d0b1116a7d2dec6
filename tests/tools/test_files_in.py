"""Files in, as an agent gives them: four forms for every picture, uploaded once, and nothing lost on the way."""

import asyncio
import io
import json
import os
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient
from PIL import Image

from scenario_mcp.media.files import Allowed
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.state.folder import FILE
from scenario_mcp.state.store import Store
from scenario_mcp.state.uploads import Content, Uploads
from scenario_mcp.tools.services import services_over
from support.agents import TOOL, WAIT, data_of, text_of
from support.network import GENERATE, SandboxNetwork, answers, hangs_before, reset_before, server_error
from support.pictures import cut, data_url, noise, png
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

UPLOAD, UPLOADS, PARTS = "POST /v1/assets", "POST /v1/uploads", "PUT /parts/"


def uploads(network: SandboxNetwork) -> int:
    return network.sent.count(UPLOAD) + network.sent.count(UPLOADS)


def saved(name: str, content: bytes) -> str:
    """Write a file into the working directory, which is the home of the test."""
    Path(name).write_bytes(content)
    return name


@pytest.fixture
def path() -> str:
    return saved("hero.png", png("tan", (64, 48)))


FIELDS = ["image", "imageId", "ipAdapterImages", "ipAdapterImageIds", "ipAdapterImage", "ipAdapterImageId", "mask"]


@pytest.mark.parametrize("form", ["asset id", "path", "https URL", "data URL", "URL of a result", "file URL"])
@pytest.mark.parametrize("field", FIELDS)
async def test_every_picture_argument_takes_every_form(
    agent: McpClient, world: World, hero: str, ink: str, path: str, field: str, form: str
) -> None:
    source = {
        "asset id": hero,
        "path": path,
        "https URL": "https://example.com/hero.png",
        "data URL": data_url(png("tan", (64, 48))),
        "URL of a result": world.signed_url(hero, original=False),
        "file URL": f"file://{os.getcwd()}/{path}",
    }[form]
    given = {"modelId": "model_sandbox-ink", "prompt": "p", "image": ink, "ipAdapterImages": [ink]}
    for replaced in {"imageId": ("image",), "mask": ()}.get(field, ("ipAdapterImages",) if "ip" in field else ()):
        del given[replaced]
    given[field] = [source] if field.endswith("s") else source

    result = await agent.call_tool(TOOL, given)

    assert not result.is_error, text_of(result)
    assert len(world.ledger) == 1
    body = world.ledger[0].body
    if field == "mask":
        assert body["mask"].startswith("data:image/png;base64,")
    elif "ip" in field:
        assert len(body["ipAdapterImages" if form == "data URL" else "ipAdapterImageIds"]) == 1
    else:
        assert body["image"].startswith("data:" if form == "data URL" else "asset_")


async def test_references_of_mixed_forms_go_as_asset_ids_in_their_order(
    agent: McpClient, world: World, hero: str, ink: str, path: str
) -> None:
    given = [ink, path, data_url(png("red")), hero, "https://example.com/a.png"]
    result = await agent.call_tool(
        TOOL, {"modelId": "model_sandbox-ink", "prompt": "p", "image": hero, "ipAdapterImages": given}
    )

    assert not result.is_error, text_of(result)
    ids = world.ledger[0].body["ipAdapterImageIds"]
    assert (ids[0], ids[3]) == (ink, hero)
    assert [world.assets[ids[index]].content for index in (1, 2)] == [png("tan", (64, 48)), png("red")]
    assert len(set(ids)) == 5


@pytest.mark.parametrize(("megabytes", "route", "parts"), [(0.1, UPLOAD, 0), (5, UPLOADS, 1), (30, UPLOADS, 6)])
async def test_a_file_of_any_size_is_uploaded_once(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    arguments: dict[str, Any],
    megabytes: float,
    route: str,
    parts: int,
) -> None:
    content = noise(megabytes)
    saved("noise.png", content)
    for _ in range(2):
        result = await agent.call_tool(TOOL, arguments | {"image": "noise.png", "dryRun": True})
        assert not result.is_error, text_of(result)

    assert network.sent.count(route) == 1
    assert network.count(PARTS) == parts
    assert content in [asset.content for asset in world.assets.values()]
    assert world.leaks == []


async def test_two_calls_at_once_make_one_upload(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any], path: str
) -> None:
    calls = [agent.call_tool(TOOL, arguments | {"image": path, "dryRun": True}) for _ in range(3)]
    results = await asyncio.gather(*calls)

    assert not any(result.is_error for result in results)
    assert uploads(network) == 1


@pytest.fixture
def restarted(network: SandboxNetwork, tmp_path: Path) -> Any:
    """Start a server over the state of the last one."""

    async def call(arguments: dict[str, Any], **more: Any) -> Any:
        client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network, **more)
        store = Store(tmp_path / "state")
        allowed = Allowed((Path.home(),), home=Path.home())
        services = services_over(client, 45, allowed=allowed, store=store)
        async with McpClient(create_server(services), raise_exceptions=True) as agent:
            result = await agent.call_tool(TOOL, arguments)
        store.close()
        return result

    return call


async def test_a_restart_between_makes_no_second_upload(
    restarted: Any, network: SandboxNetwork, arguments: dict[str, Any], path: str
) -> None:
    for _ in range(2):
        assert not (await restarted(arguments | {"image": path, "dryRun": True})).is_error

    assert uploads(network) == 1


async def test_an_asset_that_was_deleted_is_uploaded_again(
    restarted: Any, network: SandboxNetwork, world: World, arguments: dict[str, Any], path: str
) -> None:
    await restarted(arguments | {"image": path, "dryRun": True})
    [uploaded] = [each for each in world.assets if each not in (arguments["image"], *arguments["ipAdapterImages"])]
    del world.assets[uploaded]

    for _ in range(2):
        assert not (await restarted(arguments | {"image": path, "dryRun": True})).is_error

    assert uploads(network) == 2


async def test_another_project_has_uploads_of_its_own(
    restarted: Any, network: SandboxNetwork, arguments: dict[str, Any], path: str
) -> None:
    await restarted(arguments | {"image": path, "dryRun": True})
    await restarted(arguments | {"image": path, "dryRun": True}, project_id="proj_other")

    assert uploads(network) == 2


async def test_with_a_broken_state_file_uploads_go_on_and_are_not_remembered(
    restarted: Any, network: SandboxNetwork, arguments: dict[str, Any], path: str, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / FILE).write_bytes(b"not a database at all" * 100)
    for _ in range(2):
        assert not (await restarted(arguments | {"image": path, "dryRun": True})).is_error

    assert uploads(network) == 2
    assert [each.name for each in (tmp_path / "state").iterdir()] == [FILE]


async def test_a_state_folder_that_cannot_be_used_is_done_without(
    restarted: Any, network: SandboxNetwork, arguments: dict[str, Any], path: str, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file stands here")

    assert not (await restarted(arguments | {"image": path, "dryRun": True})).is_error


async def test_the_state_holds_no_key(restarted: Any, arguments: dict[str, Any], path: str, tmp_path: Path) -> None:
    await restarted(arguments | {"image": path, "dryRun": True})

    for file in (tmp_path / "state").iterdir():
        assert not any(word.encode() in file.read_bytes() for word in SANDBOX_CREDENTIALS if word != "sandbox")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


async def test_how_an_image_is_filed_goes_with_its_upload(
    agent: McpClient, world: World, arguments: dict[str, Any], path: str, ink: str
) -> None:
    filing = {"imageHide": True, "imageParentId": ink}
    result = await agent.call_tool(TOOL, arguments | {"image": path, **filing})

    assert not result.is_error, text_of(result)
    asset = world.assets[world.ledger[0].body["image"]]
    assert (asset.hidden, asset.parent_id) == (True, ink)
    assert not set(filing) & set(world.ledger[0].body)


async def test_large_data_urls_are_uploaded_first(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    result = await agent.call_tool(TOOL, arguments | {"image": data_url(noise(3.5))})

    assert not result.is_error, text_of(result)
    assert world.ledger[0].body["image"].startswith("asset_")
    assert uploads(network) == 1


async def test_files_for_run_model_become_assets(agent: McpClient, world: World, path: str, hero: str) -> None:
    for model_id, parameters in {
        "model_bfl-flux-2-dev": {"prompt": "p", "referenceImages": [path, hero, data_url()]},
        "model_telestyle-v2": {"contentImage": path, "styleImage": "https://example.com/style.png"},
    }.items():
        result = await agent.call_tool("run-model", {"modelId": model_id, "parameters": parameters})
        assert not result.is_error, text_of(result)

    assert world.ledger[0].body["referenceImages"][1] == hero
    assert all(each.startswith("asset_") for each in world.ledger[0].body["referenceImages"])
    assert world.ledger[1].body["contentImage"] == world.ledger[0].body["referenceImages"][0]


async def test_heic_is_uploaded_as_it_is(agent: McpClient, network: SandboxNetwork, world: World) -> None:
    result = await agent.call_tool("upload-asset", {"file": saved("photo.heic", b"\0\0\0\x18ftypheic" + bytes(64))})

    assert not result.is_error, text_of(result)
    assert network.sent == [UPLOAD]


async def test_a_bad_file_among_good_ones_sends_none(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], path: str
) -> None:
    saved("key.png", b"-----BEGIN PRIVATE KEY-----")
    result = await agent.call_tool(TOOL, arguments | {"image": path, "ipAdapterImages": [path, "key.png", "no.png"]})

    assert result.is_error
    for problem in ('- ipAdapterImages[1]: is the file "key.png"', "- ipAdapterImages[2]: names the file"):
        assert problem in text_of(result)
    assert network.sent == []


@pytest.mark.parametrize(("fault", "times"), [(server_error, 2), (reset_before, 2), (hangs_before, 1)])
async def test_faults_that_pass_are_waited_out(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], fault: Any, times: int
) -> None:
    saved("noise.png", noise(6))
    network.plan(PARTS, fault, times)
    network.plan(UPLOADS, server_error)

    result = await agent.call_tool(TOOL, arguments | {"image": "noise.png"})

    assert not result.is_error, text_of(result)
    assert len(world.ledger) == 1


async def test_an_upload_that_fails_bills_nothing(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], path: str
) -> None:
    network.plan(UPLOAD, answers(400, {"reason": "Input image must be a valid image"}))
    refused = await agent.call_tool(TOOL, arguments | {"image": path})
    missing = await agent.call_tool(TOOL, arguments | {"image": "https://example.com/missing.png"})

    assert "Input image must be a valid image" in text_of(refused)
    assert "image could not be uploaded: " in text_of(refused)
    assert "Nothing was generated or billed" in text_of(refused)
    assert 'image could not be uploaded: Scenario could not take the file: "The file could not be' in text_of(missing)
    assert network.count(GENERATE) == 0
    assert world.ledger == []


async def test_a_mask_beside_large_data_urls_stays_within_one_request(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    grey = Image.frombytes("L", (1_300, 1_300), random.Random(3).randbytes(1_300 * 1_300))
    out = io.BytesIO()
    grey.save(out, "PNG")
    given = arguments | {"image": data_url(noise(2.2)), "mask": data_url(out.getvalue()), "numSamples": 1}

    result = await agent.call_tool(TOOL, given)

    assert not result.is_error, text_of(result)
    body = world.ledger[0].body
    assert body["image"].startswith("asset_")
    assert "not mostly black and white" in text_of(result)


async def test_a_mask_that_scenario_does_not_know_is_refused(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    result = await agent.call_tool(TOOL, arguments | {"mask": "asset_gone"})

    assert "- mask: names the asset asset_gone, which Scenario does not know" in text_of(result)
    assert network.count(GENERATE) == 0


async def test_parts_go_where_their_numbers_say(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    content = noise(11)
    saved("noise.png", content)

    async def backwards(request: Any, deliver: Any) -> Any:
        answer = await deliver(request)
        body = json.loads(await answer.aread())
        body["upload"]["parts"].reverse()
        return httpx.Response(200, json=body)

    network.plan(UPLOADS, backwards)

    result = await agent.call_tool(TOOL, arguments | {"image": "noise.png"})

    assert not result.is_error, text_of(result)
    assert world.assets[world.ledger[0].body["image"]].content == content


async def test_servers_that_begin_together_share_one_state(tmp_path: Path) -> None:
    stores = [Store(tmp_path / "state") for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(_write, stores, range(12)))

    [row] = Store(tmp_path / "state").execute("SELECT count(*) FROM uploads")
    assert tuple(row) == (12,)


def _write(store: Store, number: int) -> None:
    Uploads(store, "scope").put(Content(f"{number}"), "asset_x")
    store.close()


async def test_a_state_file_that_breaks_later_is_left_as_it_is(tmp_path: Path) -> None:
    first = Store(tmp_path / "state")
    for number in range(300):
        Uploads(first, "scope").put(Content(f"{number}" * 30), "asset_x")
    first.close()
    file = tmp_path / "state" / FILE
    content = file.read_bytes()
    broken = content[:4096] + b"\xff" * (len(content) - 4096)
    file.write_bytes(broken)

    again = Uploads(Store(tmp_path / "state"), "scope")
    again.put(Content("new"), "asset_y")

    assert again.get(Content("new")) is None
    assert file.read_bytes() == broken


async def test_an_upload_longer_than_a_call_goes_on_and_the_same_call_joins_it(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    saved("noise.png", noise(11))

    async def slow(request: Any, deliver: Any) -> Any:
        await anyio.sleep(14)
        return await deliver(request)

    network.plan(PARTS, slow, 3)
    began = anyio.current_time()

    first = await agent.call_tool(TOOL, arguments | {"image": "noise.png"})
    assert first.is_error
    assert "joins the upload" in text_of(first)
    assert anyio.current_time() - began <= 45
    assert world.ledger == []

    second = await agent.call_tool(TOOL, arguments | {"image": "noise.png"})
    assert not second.is_error, text_of(second)
    assert network.sent.count(UPLOADS) == 1
    assert network.count(PARTS) == 3


async def test_progress_of_an_upload_is_told_in_bytes(agent: McpClient, arguments: dict[str, Any]) -> None:
    saved("noise.png", noise(6))
    heard: list[str] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    await agent.call_tool(TOOL, arguments | {"image": "noise.png"}, progress_callback=listen)

    assert 'uploading "noise.png": 5.2 MB of 6.0 MB' in heard


async def test_upload_asset_gives_an_id_that_tools_take(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], path: str
) -> None:
    result = await agent.call_tool("upload-asset", {"file": path, "hide": True})

    assert data_of(result) is not None
    asset_id = data_of(result)["assetId"]
    assert asset_id in text_of(result)
    assert world.assets[asset_id].hidden
    again = await agent.call_tool("upload-asset", {"file": path, "hide": True})
    assert data_of(again) == data_of(result)
    assert uploads(network) == 1
    assert not (await agent.call_tool(TOOL, arguments | {"image": asset_id})).is_error


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"file": "hero.png", "kind": "video"}, "must be an https URL"),
        ({"file": "asset_x"}, "is the asset asset_x already"),
        ({"file": "hero"}, "none of the four forms"),
        ({"file": "~/nothing.png"}, "was not found"),
        ({}, "is required"),
    ],
)
async def test_upload_asset_refuses_what_it_cannot_upload(
    agent: McpClient, network: SandboxNetwork, given: dict[str, Any], why: str
) -> None:
    result = await agent.call_tool("upload-asset", given)

    assert result.is_error
    assert why in text_of(result)
    assert network.sent == []


async def test_upload_asset_lets_scenario_fetch_other_files(agent: McpClient, world: World) -> None:
    result = await agent.call_tool("upload-asset", {"file": "https://example.com/a.mp4", "kind": "video"})

    assert data_of(result) is not None
    assert data_of(result)["assetId"] in world.assets
    assert WAIT not in text_of(result)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_picture_that_is_cut_off_is_refused_before_another_is_uploaded(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any], path: str, kind: str
) -> None:
    saved("cut.img.png", cut(kind))

    for given in ({"image": path, "ipAdapterImages": ["cut.img.png"]}, {"image": "cut.img.png"}):
        result = await agent.call_tool(TOOL, arguments | given)
        assert re.search('is the file "cut.img.png", which is .*(broken|cut off)', text_of(result))
    upload = await agent.call_tool("upload-asset", {"file": "cut.img.png"})
    assert upload.is_error

    assert network.sent == []


async def test_bare_base64_is_sent_and_is_remembered_nowhere(
    restarted: Any, world: World, arguments: dict[str, Any], tmp_path: Path
) -> None:
    bare = data_url(noise(0.05)).partition(",")[2]

    result = await restarted(arguments | {"image": "\n".join(bare[at : at + 76] for at in range(0, len(bare), 76))})

    assert not result.is_error, text_of(result)
    assert world.ledger[0].body["image"] == f"data:image/png;base64,{bare}"
    for file in (tmp_path / "state").iterdir():
        assert bare[:60].encode() not in file.read_bytes()
