"""All 33 inferences through the real server: run end to end, and refused where they cannot work."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from scenario_mcp.inferences.table import BY_TOOLSET, INFERENCES, tool_name
from scenario_mcp.sandbox.world import World
from support.examples import NEEDED, WRONG, example, filled
from support.nightly import by_day
from support.pictures import png
from support.stdio import VERSIONS, StdioHost, data_in, environment, running
from support.worlds import PlainWorld

pytestmark = pytest.mark.anyio

KINDS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"<svg ": "svg",
}
WORDS = {
    "caption": "captions",
    "describe-style": "description",
    "embed": "embedding",
    "prompt": "prompts",
    "translate": "translation",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # subprocesses need real time


@pytest.fixture
def quick_world() -> World:
    return PlainWorld(pace=0.02, slots=40)


@pytest.fixture
def settings(base_url: str, tmp_path: Path) -> dict[str, str]:
    for name, colour in (("picture.png", "tan"), ("mask.png", "white")):
        (tmp_path / name).write_bytes(png(colour, (64, 48)))
    folders = {"OUTPUT_DIR": tmp_path / "results", "STATE_DIR": tmp_path / "state", "INPUT_DIRS": tmp_path}
    said = {f"SCENARIO_{name}": str(folder) for name, folder in folders.items()}
    return environment(base_url, SCENARIO_TOOLSETS="all", **said)


async def everything(host: StdioHost, calls: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Call every inference at once, in one write, and give the results by route."""
    results = await host.call_together((tool_name(route), given) for route, given in calls.items())
    return dict(zip(calls, results, strict=True))


@pytest.mark.parametrize("era", by_day(["modern"], VERSIONS))
async def test_every_inference_runs_end_to_end(
    settings: dict[str, str], quick_world: World, tmp_path: Path, era: str
) -> None:
    pictures = str(tmp_path / "picture.png"), str(tmp_path / "mask.png")

    async with running(era, environ=settings) as host:
        await host.hello()
        listed = (await host.request("tools/list"))["result"]["tools"]
        results = await everything(host, {route: example(route, *pictures) for route in INFERENCES})

    assert {tool["name"] for tool in listed} >= {"run-model", *map(tool_name, INFERENCES)}
    assert [each["content"][0]["text"] for each in results.values() if each["isError"]] == []
    assert sorted(bill.route for bill in quick_world.ledger) == sorted(INFERENCES)
    for route, result in results.items():
        made, text = data_in(result), result["content"][0]["text"]
        assert made["status"] == "success", route
        if route in BY_TOOLSET["text"]:
            assert made[WORDS[route]], route
            assert "assets" not in made
        else:
            assert len(made["assets"]) == {"texture": 8, "segment": 2}.get(route, 1), route
            expected = "svg" if route == "vectorize" else "png"
            for asset in made["assets"]:
                content = await anyio.Path(asset["path"]).read_bytes()
                assert [kind for start, kind in KINDS.items() if content.startswith(start)] == [expected], route
                assert asset["path"] in text


async def test_every_inference_refuses_what_cannot_work(
    settings: dict[str, str], quick_world: World, tmp_path: Path
) -> None:
    pictures = str(tmp_path / "picture.png"), str(tmp_path / "mask.png")
    whole = {route: example(route, *pictures) for route in INFERENCES}
    lacking = {route: {n: v for n, v in given.items() if n != NEEDED[route]} for route, given in whole.items()}
    wrong = {route: {**given, **filled(WRONG[route], *pictures)} for route, given in whole.items()}

    async with running("modern", environ=settings) as host:
        await host.hello()
        refused = [await everything(host, calls) for calls in (lacking, wrong)]

    fields = [NEEDED, {route: next(iter(given)) for route, given in WRONG.items()}]
    for results, field in zip(refused, fields, strict=True):
        for route, result in results.items():
            assert result["isError"], route
            assert f"- {field[route]}" in result["content"][0]["text"], route
    assert quick_world.requests == []
