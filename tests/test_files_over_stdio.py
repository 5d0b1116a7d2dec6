"""Files in and out through the real server: every form for every picture, uploads once, results on disk."""

import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from scenario_mcp.sandbox.world import World
from support.agents import TOOL
from support.nightly import by_day
from support.pictures import data_url, noise, png
from support.stdio import StdioHost, data_in, environment, running
from support.worlds import PlainWorld

pytestmark = pytest.mark.anyio

MOST = 700_000  # bytes of a result on the wire
MOST_MEMORY = 250_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


@pytest.fixture
def quick_world() -> PlainWorld:
    return PlainWorld(pace=0.02)


@pytest.fixture
def settings(base_url: str, tmp_path: Path) -> dict[str, str]:
    folders = {"SCENARIO_OUTPUT_DIR": tmp_path / "results", "SCENARIO_STATE_DIR": tmp_path / "state"}
    (tmp_path / "pictures").mkdir()
    folders["SCENARIO_INPUT_DIRS"] = tmp_path / "pictures"
    return environment(base_url, **{name: str(folder) for name, folder in folders.items()})


@pytest.fixture
def pictures(settings: dict[str, str]) -> Path:
    return Path(settings["SCENARIO_INPUT_DIRS"])


def start(settings: dict[str, str]) -> AbstractAsyncContextManager[StdioHost]:
    return running("modern", environ=settings)


async def call(host: StdioHost, name: str = TOOL, **arguments: Any) -> dict[str, Any]:
    [made] = await call_together(host, [(name, arguments)])
    return made


async def call_together(host: StdioHost, calls: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    results = await host.call_together(calls)
    assert [result["content"][0]["text"] for result in results if result["isError"]] == []
    assert max(len(line.encode()) for line in host.lines) < MOST
    return [data_in(result) for result in results]


def uploads(quick_world: World) -> int:
    return sum(each.path in ("/v1/assets", "/v1/uploads") for each in quick_world.requests if each.method == "POST")


FIELDS = ("image", "imageId", "ipAdapterImages", "ipAdapterImageIds", "ipAdapterImage", "ipAdapterImageId", "mask")


async def test_every_picture_argument_takes_every_form(
    settings: dict[str, str], quick_world: World, pictures: Path
) -> None:
    hero = quick_world.add_picture(png("tan", (64, 48)))
    assert hero is not None
    (pictures / "hero.png").write_bytes(png("olive", (64, 48)))
    forms = [hero.id, str(pictures / "hero.png"), "https://example.com/hero.png", data_url(png("navy"))]
    quotes = []
    for field in FIELDS:
        for form in forms:
            given: dict[str, Any] = {"image": hero.id, "ipAdapterImages": [hero.id]}
            given.pop("ipAdapterImages" if "ip" in field else "image" if field == "imageId" else "", None)
            given[field] = [form] if field.endswith("s") else form
            quotes.append((TOOL, {"modelId": "model_sandbox-ink", "prompt": "p", "dryRun": True, **given}))
    for form in forms:
        custom = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p", "referenceImages": [form, forms[0]]}}
        quotes.append(("run-model", {**custom, "dryRun": True}))
    async with start(settings) as host:
        await host.hello()
        quoted = await call_together(host, quotes)
        uploaded = await call_together(host, [("upload-asset", {"file": form}) for form in forms if form != hero.id])

    assert {each["status"] for each in quoted} == {"dry-run"}
    assert {each["assetId"] for each in uploaded} < set(quick_world.assets)
    assert quick_world.ledger == []
    assert quick_world.leaks == []


@pytest.mark.parametrize("megabytes", by_day([30], [5, 30]))
async def test_a_large_file_is_uploaded_once_over_calls_restarts_and_losses(
    settings: dict[str, str], quick_world: World, pictures: Path, megabytes: int
) -> None:
    path = pictures / "large.png"
    content = noise(megabytes)
    path.write_bytes(content)
    reference = data_url(png("navy"))

    async def used(host: StdioHost) -> str:
        made = await call(
            host,
            modelId="model_sandbox-ink",
            prompt="p",
            image=str(path),
            ipAdapterImages=[reference],
            numSamples=1,
            width=64,
            height=64,
        )
        assert made["status"] == "success"
        asset_id: str = quick_world.ledger[-1].body["image"]
        return asset_id

    async with start(settings) as host:
        await host.hello()
        first, second = await used(host), await used(host)
        if sys.platform == "linux":
            assert _most_memory(host.process.pid) < MOST_MEMORY
    assert first == second
    assert quick_world.assets[first].content == content
    assert uploads(quick_world) == 1

    async with start(settings) as host:
        await host.hello()
        assert await used(host) == first
        assert uploads(quick_world) == 1
        del quick_world.assets[first]
        again = await used(host)
        assert await used(host) == again != first
    assert uploads(quick_world) == 2


def _most_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


async def test_a_result_fed_back_is_not_uploaded(settings: dict[str, str], quick_world: World) -> None:
    picture = data_url(png("tan", (64, 48)))
    given: dict[str, Any] = {
        "modelId": "model_sandbox-ink",
        "prompt": "a fox",
        "ipAdapterImages": [picture],
        "numSamples": 1,
    }
    async with start(settings) as host:
        await host.hello()
        [made] = (await call(host, image=picture, **given))["assets"]
        assert Path(made["path"]).read_bytes() == quick_world.assets[made["assetId"]].content
        await call(host, image=made["path"], **given)

    assert quick_world.ledger[1].body["image"] == made["assetId"]
    assert uploads(quick_world) == 0


async def test_the_wire_stays_small_with_many_large_results(settings: dict[str, str], quick_world: PlainWorld) -> None:
    quick_world.paints = True
    picture = data_url(png("tan", (64, 48)))
    given: dict[str, Any] = {
        "modelId": "model_sandbox-ink",
        "prompt": "a fox",
        "ipAdapterImages": [picture],
        "image": picture,
    }
    async with start(settings) as host:
        await host.hello()
        for samples in (4, 12):
            made = await call(host, **given, numSamples=samples, width=1024, height=1024)
            assert len(made["assets"]) == samples
