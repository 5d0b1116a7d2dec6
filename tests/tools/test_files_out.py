"""Files out: results land on disk once, whole and well named; small pictures of them go with the answer."""

import base64
import io
import json
import os
import random
import re
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient
from mcp.types import CallToolResult, ImageContent
from PIL import Image

from scenario_mcp.media import cards, names, previews
from scenario_mcp.media.files import Allowed
from scenario_mcp.sandbox.world import Draft, World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.state.store import Store
from scenario_mcp.tools.services import Services, services_over
from support.agents import TOOL, WAIT, made, text_of
from support.network import SandboxNetwork, answers, hangs_before, server_error
from support.nightly import by_day
from support.pictures import data_url, png
from support.worlds import SANDBOX_CREDENTIALS, PlainWorld

pytestmark = pytest.mark.anyio

FILES, UPLOAD, ASSETS = "GET /assets-transform/", "POST /v1/assets", "POST /v1/assets/get-bulk"
MOST = 700_000  # characters of a whole result as JSON
MOST_CHARACTERS = 150_000  # of a preview as base64


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "Scenario"


Make = Callable[..., Services]


@pytest.fixture
def make(network: SandboxNetwork, shelf: Path, tmp_path: Path) -> Make:
    """Make services that save, all over the same folders, as restarts do."""

    def services(**more: Any) -> Services:
        client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
        options: dict[str, Any] = {
            "allowed": Allowed((Path.home(), shelf), home=Path.home()),
            "store": Store(tmp_path / "state"),
            "shelf": shelf,
        }
        return services_over(client, 45, **(options | more))

    return services


@pytest.fixture
async def saving(make: Make) -> AsyncIterator[McpClient]:
    async with McpClient(create_server(make()), raise_exceptions=True) as client:
        yield client


def images(result: CallToolResult) -> list[Image.Image]:
    shown = [block for block in result.content if isinstance(block, ImageContent)]
    assert all(len(block.data) <= MOST_CHARACTERS for block in shown)
    return [Image.open(io.BytesIO(base64.b64decode(block.data))) for block in shown]


def everything(shelf: Path) -> list[str]:
    return sorted(str(path.relative_to(shelf)) for path in shelf.rglob("*") if path.is_file())


async def test_results_are_saved_under_names_a_person_reads(
    saving: McpClient, world: World, shelf: Path, arguments: dict[str, Any]
) -> None:
    result = await saving.call_tool(TOOL, arguments | {"prompt": "A Phoenix, over mountains!", "numSamples": 2})

    content = made(result)
    day = datetime.fromtimestamp(world.clock()).astimezone().strftime("%Y-%m-%d")
    tag = names.tag(content["jobId"])
    files = [f"{day}/a-phoenix-over-mountains-{tag}{end}" for end in ("-1.png", "-2.png", ".json")]
    assert everything(shelf) == files
    assert [each["path"] for each in content["assets"]] == [str(shelf / name) for name in files[:2]]
    assert not any("url" in each for each in content["assets"])
    for each in content["assets"]:
        assert each["path"] in text_of(result)
        assert Path(each["path"]).read_bytes() == world.assets[each["assetId"]].content
    assert world.leaks == []


async def test_a_card_beside_the_files_tells_how_they_were_made(
    saving: McpClient, shelf: Path, arguments: dict[str, Any]
) -> None:
    content = made(await saving.call_tool(TOOL, arguments | {"image": data_url(), "numSamples": 1, "seed": 7}))

    [card] = shelf.rglob("*.json")
    told = json.loads(card.read_text("utf-8"))
    assert told["tool"] == TOOL
    assert told["arguments"]["prompt"] == "a phoenix"
    assert told["arguments"]["image"] == "(a data URL)"
    assert (told["jobId"], told["modelId"]) == (content["jobId"], "model_sandbox-ink")
    assert told["creativeUnitsCost"] == content["creativeUnitsCost"]
    asset = content["assets"][0]
    assert told["files"] == {asset["assetId"]: {"file": Path(asset["path"]).name, "seed": "7"}}
    assert "base64" not in card.read_text("utf-8")


async def test_whoever_asks_again_is_told_the_same_paths(
    make: Make, network: SandboxNetwork, shelf: Path, arguments: dict[str, Any]
) -> None:
    paths = []
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        paths.append([each["path"] for each in first["assets"]])
    for _ in range(2):
        async with McpClient(create_server(make()), raise_exceptions=True) as agent:
            again = made(await agent.call_tool(WAIT, {"jobIds": [first["jobId"]]}))
            paths.append([each["path"] for each in again["jobs"][0]["assets"]])

    assert paths[0] == paths[1] == paths[2]
    assert network.count(FILES) == 4
    assert len(everything(shelf)) == 5


async def test_what_a_slow_job_was_asked_for_is_still_on_its_card(
    make: Make, shelf: Path, arguments: dict[str, Any]
) -> None:
    async with McpClient(create_server(replace(make(), wait_seconds=0))) as agent:
        begun = made(await agent.call_tool(TOOL, arguments))
        made(await agent.call_tool(WAIT, {"jobIds": [begun["jobId"]]}))

    [card] = shelf.rglob("*.json")
    assert json.loads(card.read_text("utf-8"))["tool"] == TOOL


async def test_a_file_that_was_moved_away_is_saved_again_and_others_stay(
    saving: McpClient, network: SandboxNetwork, shelf: Path, arguments: dict[str, Any]
) -> None:
    first = made(await saving.call_tool(TOOL, arguments | {"numSamples": 2}))
    Path(first["assets"][0]["path"]).unlink()

    again = made(await saving.call_tool(WAIT, {"jobIds": [first["jobId"]]}))["jobs"][0]

    assert [each["path"] for each in again["assets"]] == [each["path"] for each in first["assets"]]
    assert network.count(FILES) == 3


async def test_a_card_that_was_lost_makes_no_second_copies(
    saving: McpClient, shelf: Path, arguments: dict[str, Any]
) -> None:
    first = made(await saving.call_tool(TOOL, arguments | {"numSamples": 2}))
    before = everything(shelf)
    [card] = shelf.rglob("*.json")
    card.unlink()

    again = made(await saving.call_tool(WAIT, {"jobIds": [first["jobId"]]}))["jobs"][0]

    assert [each["path"] for each in again["assets"]] == [each["path"] for each in first["assets"]]
    assert everything(shelf) == before


async def test_nothing_is_ever_overwritten(saving: McpClient, shelf: Path, arguments: dict[str, Any]) -> None:
    first = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))
    path = Path(first["assets"][0]["path"])
    [card] = shelf.rglob("*.json")
    card.unlink()
    path.write_bytes(b"a person's own work")

    again = made(await saving.call_tool(WAIT, {"jobIds": [first["jobId"]]}))["jobs"][0]

    assert path.read_bytes() == b"a person's own work"
    assert again["assets"][0]["path"] == str(path.with_stem(f"{path.stem} (2)"))


async def test_a_result_fed_back_is_not_uploaded(
    make: Make, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        first = made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))["assets"][0]
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        made(await agent.call_tool(TOOL, arguments | {"image": first["path"], "numSamples": 1}))

    assert world.ledger[1].body["image"] == first["assetId"]
    assert network.sent.count(UPLOAD) == 0


async def cut_short(request: httpx.Request, deliver: Any) -> httpx.Response:
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body", request=request)


async def cut_in_the_middle(request: httpx.Request, deliver: Any) -> httpx.Response:
    async def part() -> AsyncIterator[bytes]:
        yield png()[:20]
        raise httpx.ReadError("reset", request=request)

    return httpx.Response(200, content=part())


@pytest.mark.parametrize("fault", [answers(403, text="<Error>AccessDenied</Error>"), server_error, cut_short])
async def test_a_stale_address_is_refreshed_once(
    saving: McpClient, network: SandboxNetwork, arguments: dict[str, Any], fault: Any
) -> None:
    network.plan(FILES, fault)

    content = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))

    assert "path" in content["assets"][0]
    assert network.count(FILES) == 2
    assert network.sent.count(ASSETS) == 2


@pytest.mark.parametrize(
    "fault", [answers(403, text="denied"), server_error, cut_short, cut_in_the_middle, hangs_before]
)
async def test_what_cannot_be_downloaded_is_said_and_can_be_had_later(
    saving: McpClient, network: SandboxNetwork, shelf: Path, arguments: dict[str, Any], fault: Any
) -> None:
    network.plan(FILES, fault, 2)
    result = await saving.call_tool(TOOL, arguments | {"numSamples": 1})

    content = made(result)
    assert content["status"] == "success"
    assert "url" in content["assets"][0]
    assert any("not saved" in note for note in content["notes"])
    assert "not saved" in text_of(result)
    assert content["next"]["tool"] == WAIT
    assert everything(shelf) == []

    later = made(await saving.call_tool(content["next"]["tool"], content["next"]["arguments"]))
    assert "path" in later["jobs"][0]["assets"][0]


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file grow beyond some bytes, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, before)


@pytest.mark.usefixtures("small_disk")
async def test_a_full_disk_hides_no_result(
    make: Make, world: PlainWorld, shelf: Path, arguments: dict[str, Any]
) -> None:
    world.paints = True
    async with McpClient(create_server(make(store=Store(None))), raise_exceptions=True) as agent:
        content = made(await agent.call_tool(TOOL, arguments | {"numSamples": 2, "width": 1024, "height": 1024}))

    assert content["status"] == "success"
    assert all("url" in each for each in content["assets"])
    assert sum("was not saved: File too large" in note for note in content["notes"]) == 2
    assert everything(shelf) == []
    assert len(world.ledger) == 1


async def test_a_folder_that_is_none_hides_no_result(saving: McpClient, shelf: Path, arguments: dict[str, Any]) -> None:
    shelf.write_text("a file stands here")

    content = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))

    assert "url" in content["assets"][0]
    assert any("was not saved" in note for note in content["notes"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_folder_hides_no_result(saving: McpClient, shelf: Path, arguments: dict[str, Any]) -> None:
    shelf.mkdir(mode=0o500)

    content = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))

    assert "url" in content["assets"][0]
    assert any("Permission denied" in note for note in content["notes"])


async def test_saving_stops_in_time_and_waiting_saves_the_rest(
    make: Make, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    async def slow(request: Any, deliver: Any) -> Any:
        await anyio.sleep(25)
        return await deliver(request)

    network.plan(FILES, slow, 6)
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        began = anyio.current_time()
        content = made(await agent.call_tool(TOOL, arguments | {"numSamples": 6}))
        assert anyio.current_time() - began <= 45
        assert sum("path" in each for each in content["assets"]) == 4
        assert any("2 result(s) are not saved yet" in note for note in content["notes"])
        later = made(await agent.call_tool(WAIT, content["next"]["arguments"]))

    assert all("path" in each for each in later["jobs"][0]["assets"])


async def test_calls_that_save_the_same_job_at_once_download_it_once(
    make: Make, network: SandboxNetwork, shelf: Path, arguments: dict[str, Any]
) -> None:
    async with McpClient(create_server(replace(make(), wait_seconds=0)), raise_exceptions=True) as agent:
        job_id = made(await agent.call_tool(TOOL, arguments | {"numSamples": 2}))["jobId"]
        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(agent.call_tool, WAIT, {"jobIds": [job_id]})

    assert network.count(FILES) == 2
    assert len(everything(shelf)) == 3


async def test_a_call_that_saves_slowly_holds_up_no_other_beyond_its_time(
    make: Make, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def slow(request: Any, deliver: Any) -> Any:
        await anyio.sleep(60)
        return await deliver(request)

    network.plan(FILES, slow, 100)
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        took: list[float] = []

        async def timed(name: str, given: dict[str, Any]) -> None:
            began = anyio.current_time()
            content = made(await agent.call_tool(name, given))
            assert content["status"] == "success"
            took.append(anyio.current_time() - began)

        async with anyio.create_task_group() as calls:
            calls.start_soon(timed, TOOL, arguments | {"numSamples": 1, "prompt": "a fox"})
            await anyio.sleep(2)
            calls.start_soon(timed, WAIT, {"jobIds": [next(iter(world.jobs))]})

    assert max(took) <= 45


NO_FILES: list[Any] = [
    answers(200, text="<html>Sign in to the wifi</html>", content_type="text/html"),
    answers(200, text=""),
]


@pytest.mark.parametrize("fault", NO_FILES, ids=["html", "empty"])
async def test_what_is_no_picture_is_not_taken_for_the_result(
    saving: McpClient, network: SandboxNetwork, shelf: Path, arguments: dict[str, Any], fault: Any
) -> None:
    network.plan(FILES, fault, 2)

    content = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))
    assert "url" in content["assets"][0]
    assert any("empty or no picture" in note for note in content["notes"])
    assert everything(shelf) == []

    later = made(await saving.call_tool(WAIT, content["next"]["arguments"]))
    assert later["jobs"][0]["assets"][0]["path"].endswith(".png")


RECORDS: list[dict[str, Any]] = [
    {"createdAt": "0001-01-01T00:00:00Z"},
    {"createdAt": "soon"},
    {"createdAt": None, "metadata": {}},
]


@pytest.mark.parametrize("change", RECORDS, ids=str)
async def test_an_odd_record_hides_no_result_and_keeps_its_place(
    make: Make,
    network: SandboxNetwork,
    arguments: dict[str, Any],
    change: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()

    async def odd(request: Any, deliver: Any) -> Any:
        answer = await deliver(request)
        job = json.loads(await answer.aread())["job"]
        ids = {"assetIds": job["metadata"]["assetIds"]}
        metadata = {**job["metadata"], **change.get("metadata", {}), **ids}
        if "metadata" in change:
            metadata.pop("input")
        return httpx.Response(200, json={"job": {**job, **change, "metadata": metadata}})

    network.plan("GET /v1/jobs/", odd, 100)
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        first = made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        again = made(await agent.call_tool(WAIT, {"jobIds": [first["jobId"]]}))
    monkeypatch.undo()
    time.tzset()

    assert first["status"] == "success"
    assert again["jobs"][0]["assets"][0]["path"] == first["assets"][0]["path"]


@pytest.mark.parametrize("card", ["[]", "{", '{"files": ["x"]}', '{"files": {"asset_x": "x.png"}}'])
async def test_a_card_that_cannot_be_read_hides_no_result(
    saving: McpClient, shelf: Path, arguments: dict[str, Any], card: str
) -> None:
    first = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))
    [found] = shelf.rglob("*.json")
    found.write_text(card)

    again = made(await saving.call_tool(WAIT, {"jobIds": [first["jobId"]]}))

    assert "path" in again["jobs"][0]["assets"][0]


def test_two_jobs_that_share_a_tag_share_no_card(tmp_path: Path) -> None:
    day = datetime(2026, 11, 22).astimezone()
    first = cards.place(tmp_path, day, "a fox", "job_1")
    cards.write_card(first, {"jobId": "job_other"})

    second = cards.place(tmp_path, day, "a fox", "job_1")
    cards.write_card(second, {"jobId": "job_1"})

    assert second.card != first.card
    assert cards.place(tmp_path, datetime(2027, 1, 1).astimezone(), "renamed", "job_1") == second


async def test_cards_hold_no_signed_addresses_and_no_pictures(
    saving: McpClient, shelf: Path, arguments: dict[str, Any]
) -> None:
    signed = "https://bucket.example.com/a.png?X-Amz-Signature=deadbeef"
    pictures = {"ipAdapterImages": [signed], "image": "  " + data_url(png("red"))}
    made(await saving.call_tool(TOOL, arguments | pictures | {"numSamples": 1}))

    [card] = shelf.rglob("*.json")
    assert "deadbeef" not in card.read_text("utf-8")
    assert "base64" not in card.read_text("utf-8")
    assert "https://bucket.example.com/a.png" in card.read_text("utf-8")


async def test_the_card_names_the_cost_that_only_the_acceptance_told(
    saving: McpClient, network: SandboxNetwork, shelf: Path, arguments: dict[str, Any]
) -> None:
    async def unbilled(request: Any, deliver: Any) -> Any:
        answer = await deliver(request)
        job = json.loads(await answer.aread())["job"]
        return httpx.Response(200, json={"job": {name: value for name, value in job.items() if name != "billing"}})

    network.plan("GET /v1/jobs/", unbilled, 100)
    content = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))

    [card] = shelf.rglob("*.json")
    assert json.loads(card.read_text("utf-8"))["creativeUnitsCost"] == content["creativeUnitsCost"]


async def test_previews_are_numbered_as_results_are_listed(
    make: Make, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    async with McpClient(create_server(replace(make(), wait_seconds=0)), raise_exceptions=True) as agent:
        calls = [arguments | {"numSamples": 2, "seed": seed} for seed in range(2)]
        ids = [made(await agent.call_tool(TOOL, call))["jobId"] for call in calls]
        denied: list[str] = []

        async def deny_one(request: Any, deliver: Any) -> Any:
            denied.append(request.url.path)
            return httpx.Response(403) if request.url.path == denied[0] else await deliver(request)

        network.plan(FILES, deny_one, 100)
        result = await agent.call_tool(WAIT, {"jobIds": ids})

    said = text_of(result)
    assert [line.partition(".")[0] for line in said.splitlines() if ". asset_" in line] == ["1", "2", "3", "4"]
    missing = next(line.partition(".")[0] for line in said.splitlines() if "not saved" in line)
    named = re.findall(r"preview of result (\d)", said)
    assert named == [number for number in "1234" if number != missing]
    assert len(images(result)) == 3


async def test_the_largest_answer_stays_within_its_room(make: Make, network: SandboxNetwork) -> None:
    async def finished(request: Any, deliver: Any) -> Any:
        job_id = request.url.path.rpartition("/")[2]
        ids = [f"asset_{job_id}_{number}" for number in range(128)]
        return httpx.Response(200, json={"job": {"jobId": job_id, "status": "success", "metadata": {"assetIds": ids}}})

    async def described(request: Any, deliver: Any) -> Any:
        ids = json.loads(request.content)["assetIds"]
        url = "http://cdn.sandbox/assets-transform/x?Policy=" + "p" * 600
        return httpx.Response(200, json={"assets": [{"id": each, "url": url, "mimeType": "image/png"} for each in ids]})

    network.plan("GET /v1/jobs/", finished, 100)
    network.plan(ASSETS, described, 100)
    async with McpClient(create_server(make(shelf=None, previews=False)), raise_exceptions=True) as agent:
        result = await agent.call_tool(WAIT, {"jobIds": [f"job_{number}" for number in range(32)]})

    content = made(result)
    assert len(result.model_dump_json()) < 200_000
    assert len(content["jobs"]) == 32
    assert "more results are not listed: show-assets" in text_of(result)


async def test_show_assets_knows_where_the_files_of_a_job_are(
    saving: McpClient, shelf: Path, arguments: dict[str, Any]
) -> None:
    begun = made(await saving.call_tool(TOOL, arguments | {"numSamples": 2}))
    before = everything(shelf)

    for given in ({"jobId": begun["jobId"]}, {"jobId": begun["jobId"], "save": True}):
        shown = made(await saving.call_tool("show-assets", given))
        assert [each["path"] for each in shown["assets"]] == [each["path"] for each in begun["assets"]]
    assert everything(shelf) == before


async def test_without_a_folder_nothing_is_saved_and_addresses_are_told(
    make: Make, shelf: Path, arguments: dict[str, Any]
) -> None:
    async with McpClient(create_server(make(shelf=None)), raise_exceptions=True) as agent:
        result = await agent.call_tool(TOOL, arguments | {"numSamples": 1})

    assert "url" in made(result)["assets"][0]
    assert len(images(result)) == 1
    assert not shelf.exists()


@pytest.mark.parametrize(("samples", "count"), by_day([(1, 1), (4, 4), (5, 1)], [(1, 1), (4, 4), (5, 1), (9, 1)]))
async def test_a_few_pictures_get_a_preview_each_and_more_a_contact_sheet(
    saving: McpClient, world: PlainWorld, arguments: dict[str, Any], samples: int, count: int
) -> None:
    world.paints = True
    result = await saving.call_tool(TOOL, arguments | {"numSamples": samples, "width": 1024, "height": 768})

    made(result)
    shown = images(result)
    assert len(shown) == count
    assert all(max(picture.size) <= 768 for picture in shown)
    if count == samples:
        assert {picture.size for picture in shown} == {(768, 576)}


async def test_progress_of_saving_is_told_in_bytes(saving: McpClient, arguments: dict[str, Any]) -> None:
    heard: list[str] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    await saving.call_tool(TOOL, arguments | {"numSamples": 2}, progress_callback=listen)

    assert [each for each in heard if each.endswith((" MB", " kB", " B"))][-1].startswith("saved 2 of 2 results, ")


async def test_previews_can_be_turned_off(make: Make, arguments: dict[str, Any]) -> None:
    async with McpClient(create_server(make(previews=False)), raise_exceptions=True) as agent:
        assert images(await agent.call_tool(TOOL, arguments)) == []


def shown_of(*contents: bytes) -> list[previews.Preview]:
    gallery = previews.Gallery(range(1, len(contents) + 1))
    for number, content in enumerate(contents, 1):
        gallery.add(number, content)
    return gallery.previews()


def encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def decoded(shown: previews.Preview) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(shown.data)))


def test_previews_of_noise_stay_within_their_budget() -> None:
    noise = encoded(Image.frombytes("RGB", (1500, 1500), random.Random(1).randbytes(1500 * 1500 * 3)))

    shown = shown_of(noise, noise)

    assert len(shown) == 2
    assert all(len(each.data) <= MOST_CHARACTERS for each in shown)
    assert len(shown_of(*[png()] * 128)) == 1


def test_what_is_transparent_stands_on_a_checkerboard() -> None:
    [shown] = shown_of(encoded(Image.new("RGBA", (64, 64), (0, 0, 0, 0))))

    grey = decoded(shown).convert("L")
    assert len({grey.getpixel(place) for place in ((4, 4), (12, 4))}) == 2
    assert grey.getpixel((4, 4)) == grey.getpixel((12, 12))


def test_greys_of_sixteen_bits_keep_their_shades() -> None:
    ramp = Image.new("I;16", (64, 8))
    for x in range(64):
        for y in range(8):
            ramp.putpixel((x, y), x * 1024)

    [shown] = shown_of(encoded(ramp))

    shades = list(decoded(shown).convert("L").crop((0, 4, 64, 5)).tobytes()[::16])
    assert shades == sorted(set(shades))


def test_a_sheet_keeps_the_place_of_what_could_not_be_had() -> None:
    red = encoded(Image.new("RGB", (64, 64), "red"))

    [shown] = shown_of(red, red, b"no picture", red, red, red)

    cell = previews.SIDE // 3
    centres = [decoded(shown).convert("RGB").getpixel((cell * x + cell // 2, cell // 2)) for x in range(3)]
    assert [pixel[0] > 200 > pixel[1] for pixel in centres] == [True, True, False]  # type: ignore[index]  # three bands
    assert shown.shows == "contact sheet of results 1 to 6, each with its number"


def test_what_is_no_picture_gets_no_preview() -> None:
    assert shown_of(b"no picture") == []


async def test_results_can_be_read_as_resources(saving: McpClient, arguments: dict[str, Any]) -> None:
    content = made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))

    told, shown = (await saving.read_resource(f"scenario://assets/{content['assets'][0]['assetId']}")).contents
    assert json.loads(told.text)["assetId"] == content["assets"][0]["assetId"]  # type: ignore[union-attr]  # a text
    assert shown.mime_type == "image/jpeg"
    [job] = (await saving.read_resource(f"scenario://jobs/{content['jobId']}")).contents
    assert json.loads(job.text)["status"] == "success"  # type: ignore[union-attr]  # a text
    templates = (await saving.list_resource_templates()).resource_templates
    assert [each.title for each in templates] == ["A picture or file", "A generation"]
    assert [each.uri_template for each in templates] == ["scenario://assets/{assetId}", "scenario://jobs/{jobId}"]
    assert (await saving.list_resources()).resources == []


@pytest.mark.parametrize(
    "uri", ["scenario://assets/asset_x", "scenario://jobs/job_x", "scenario://models/m", "file:///etc/passwd"]
)
async def test_a_resource_that_is_none_is_a_protocol_error(make: Make, uri: str) -> None:
    async with McpClient(create_server(make())) as agent:
        with pytest.raises(Exception, match="Resource not found"):
            await agent.read_resource(uri)


async def test_other_files_are_saved_with_their_suffix(saving: McpClient, hero: str) -> None:
    for model_id, parameters, suffix in (
        ("model_sandbox-film", {"prompt": "a fox runs"}, ".avi"),
        ("model_sandbox-voice", {"text": "hello", "voice": "calm a 0"}, ".wav"),
        ("model_sandbox-statue", {"images": [hero]}, ".glb"),
        ("model_sandbox-story", {"prompt": "a fox"}, ".txt"),
    ):
        result = await saving.call_tool("run-model", {"modelId": model_id, "parameters": parameters})
        [asset] = made(result)["assets"]
        assert asset["path"].endswith(suffix)
        assert images(result) == []
        assert [block.type for block in result.content] == ["text"]


async def test_an_asset_that_is_not_there_is_an_error_and_one_beside_others_is_none(
    saving: McpClient, hero: str
) -> None:
    gone = await saving.call_tool("show-assets", {"assetIds": ["asset_gone"]})
    beside = await saving.call_tool("show-assets", {"assetIds": ["asset_gone", hero]})

    assert gone.is_error
    assert "Scenario knows no asset asset_gone" in text_of(gone)
    assert not beside.is_error


async def test_show_assets_shows_and_saves(saving: McpClient, shelf: Path, hero: str, ink: str) -> None:
    result = await saving.call_tool("show-assets", {"assetIds": [hero, ink, hero, "asset_gone"]})

    content = made(result)
    assert [each["assetId"] for each in content["assets"]] == [hero, ink]
    assert "Scenario knows no asset asset_gone" in text_of(result)
    assert len(images(result)) == 2
    assert not shelf.exists()

    kept = made(await saving.call_tool("show-assets", {"assetIds": [hero], "save": True, "folder": "best/ones"}))
    path = Path(kept["assets"][0]["path"])
    assert path.parent == shelf / "best/ones"
    assert path.suffix == ".png"


async def test_show_assets_shows_the_results_of_a_job_with_their_facts(
    saving: McpClient, arguments: dict[str, Any]
) -> None:
    begun = made(await saving.call_tool(TOOL, arguments | {"numSamples": 14, "seed": 3}))

    result = await saving.call_tool("show-assets", {"jobId": begun["jobId"]})

    assert len(made(result)["assets"]) == 12
    assert len(images(result)) == 1
    assert 'model model_sandbox-ink, seed 3, prompt "a phoenix"' in text_of(result)
    assert "2 more are not shown" in text_of(result)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "is needed"),
        ({"assetIds": ["asset_x"], "jobId": "job_x"}, "only one of them"),
        ({"assetIds": ["asset_x"] * 13}, "a list of 1 to 12 items"),
        ({"assetIds": ["asset_x"], "folder": "x"}, "only with save"),
        ({"assetIds": ["asset_x"], "save": True, "folder": "../x"}, "below the results folder"),
        ({"assetIds": ["asset_x"], "save": True, "folder": "/etc"}, "below the results folder"),
        ({"assetIds": ["asset_x"], "save": True, "folder": ".hidden"}, "below the results folder"),
        ({"assetIds": ["asset_x"], "save": True, "folder": "a\0b"}, "below the results folder"),
    ],
)
async def test_show_assets_refuses_what_it_cannot_do(
    saving: McpClient, network: SandboxNetwork, given: dict[str, Any], why: str
) -> None:
    result = await saving.call_tool("show-assets", given)

    assert result.is_error
    assert why in text_of(result)
    assert network.sent == []


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("A phoenix, over mountains!", "a-phoenix-over-mountains"),
        ("../../etc/passwd", "etc-passwd"),
        ("con", "untitled"),
        ("", "untitled"),
        ("???", "untitled"),
        ("один два", "один-два"),
        ("a" * 300, "a" * 48),
        ("one two three four five six seven eight", "one-two-three-four-five-six"),
        ('x:y|z"<>*\0\n', "x-y-z"),
    ],
)
def test_names_are_fit_for_every_system(words: str, slug: str) -> None:
    assert names.slug(words) == slug


async def test_many_results_of_several_jobs_stay_within_one_answer(
    make: Make, world: World, arguments: dict[str, Any]
) -> None:
    async with McpClient(create_server(replace(make(), wait_seconds=0)), raise_exceptions=True) as agent:
        ids = [
            made(await agent.call_tool(TOOL, arguments | {"numSamples": 40, "width": 64, "height": 64, "seed": seed}))
            for seed in range(3)
        ]
        ids = [each["jobId"] for each in ids]
        result = await agent.call_tool(WAIT, {"jobIds": ids})

    assert len(images(result)) == 1
    assert sum(len(row["assets"]) for row in made(result)["jobs"]) == 120


async def test_a_picture_too_large_for_a_preview_is_still_saved(
    saving: McpClient, world: World, network: SandboxNetwork
) -> None:
    out = io.BytesIO()
    Image.new("1", (7_000, 7_000)).save(out, "PNG")
    asset = world.store(Draft("image/png", out.getvalue, 7_000, 7_000))

    result = await saving.call_tool("show-assets", {"assetIds": [asset.id], "save": True})

    assert "path" in made(result)["assets"][0]
    assert images(result) == []
