"""Whoever may write in a person's folders puts links there, and swaps folders for links: nothing outside is reached."""

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client as McpClient
from mcp.types import ImageContent

from scenario_mcp.media.files import Allowed
from scenario_mcp.media.sources import FilePath
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support.agents import LIST, TOOL, WAIT, made, text_of
from support.network import SandboxNetwork
from support.pictures import png
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

FILES, ASSETS = "GET /assets-transform/", "POST /v1/assets/get-bulk"
SECRET = png("red", (24, 24))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "hero.png").write_bytes(SECRET)
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "Scenario"


@pytest.fixture
def start(network: SandboxNetwork, shelf: Path) -> Callable[..., McpClient]:
    def agent(**more: Any) -> McpClient:
        client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
        options: dict[str, Any] = {
            "allowed": Allowed((Path.home(),), home=Path.home()),
            "shelf": shelf,
            "previews": True,
        } | more
        return McpClient(create_server(services_over(client, 45, **options)), raise_exceptions=True)

    return agent


@pytest.fixture
async def agent(start: Callable[..., McpClient]) -> AsyncIterator[McpClient]:
    async with start() as agent:
        yield agent


@contextmanager
def swapping(folder: Path, target: Path) -> Iterator[None]:
    """Swap a folder for a link and back, over and over."""
    away, link = folder.with_name("away"), folder.with_name("link")
    link.symlink_to(target)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            folder.rename(away)
            link.rename(folder)
            folder.rename(link)
            away.rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("times", [50, pytest.param(400, marks=pytest.mark.nightly)])
async def test_a_folder_that_is_swapped_for_a_link_meanwhile_lets_no_picture_out(
    agent: McpClient, world: World, outside: Path, times: int
) -> None:
    folder = Path.home() / "pictures" / "deep"
    folder.mkdir(parents=True)
    (folder / "hero.png").write_bytes(png("green"))
    with swapping(folder, outside):
        for number in range(times):
            await agent.call_tool("upload-asset", {"file": "~/pictures/deep/hero.png", "hide": bool(number % 2)})

    uploaded = [asset.content for asset in world.assets.values()]
    assert png("green") in uploaded  # not swapped at every moment
    assert SECRET not in uploaded


@dataclass(frozen=True)
class SwappedAtOnce(Allowed):
    """Folders of which one is swapped for a link as soon as a path was checked."""

    folder: Path = Path()
    target: Path = Path()

    def resolve(self, given: FilePath) -> Path:
        checked = super().resolve(given)
        self.folder.rename(self.folder.with_name("away"))
        self.folder.symlink_to(self.target)
        return checked


@pytest.mark.parametrize(("swapped", "file"), [("", "hero.png"), ("deep", "hero.png"), ("deep", "her0.png")])
async def test_a_folder_that_is_swapped_right_after_the_check_shows_neither_pictures_nor_names(
    start: Callable[..., McpClient], world: World, outside: Path, swapped: str, file: str
) -> None:
    folder = Path.home() / "pictures"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "hero.png").write_bytes(png("green"))
    (outside / "deep").mkdir()
    (outside / "deep" / "hero.png").write_bytes(SECRET)
    swap: dict[str, Any] = {"folder": folder / swapped, "target": outside / swapped}

    async with start(allowed=SwappedAtOnce((Path.home(),), home=Path.home(), **swap)) as agent:
        result = await agent.call_tool("upload-asset", {"file": f"~/pictures/deep/{file}"})

    assert result.is_error
    assert "Near to it" not in text_of(result)
    assert SECRET not in [asset.content for asset in world.assets.values()]


@dataclass(frozen=True)
class SwappedLater(Allowed):
    """Folders of which one is swapped for a link when a path is held against them for the so manieth time."""

    folder: Path = Path()
    target: Path = Path()
    moments: list[int] = field(default_factory=list)

    def holds(self, root: Path, target: Path) -> bool:
        held = super().holds(root, target)
        self.moments[0] -= 1
        if self.moments[0] == 0:
            self.folder.rename(self.folder.with_name("away"))
            self.folder.symlink_to(self.target)
        return held


LOOKS_THE_SAME = "h\u00e9 ro.png"
IN_FACT = "he\u0301\u00a0ro.png"


@pytest.mark.parametrize("moment", range(1, 11))
@pytest.mark.parametrize("asked", [LOOKS_THE_SAME, "secret.png", "", "out.png"])
async def test_a_folder_that_is_swapped_while_a_file_is_looked_for_shows_neither_pictures_nor_names(
    start: Callable[..., McpClient], world: World, outside: Path, moment: int, asked: str
) -> None:
    folder = Path.home() / "pictures"
    folder.mkdir()
    (folder / IN_FACT).write_bytes(png("green"))
    (folder / "out.png").symlink_to(outside)
    for name in (IN_FACT, "secret name.png"):
        (outside / name).write_bytes(SECRET)
    (outside / "out.png").symlink_to("/a/secret/place")
    swap: dict[str, Any] = {"folder": folder, "target": outside, "moments": [moment]}

    async with start(allowed=SwappedLater((Path.home(),), home=Path.home(), **swap)) as agent:
        said = text_of(await agent.call_tool("upload-asset", {"file": f"~/pictures/{asked}"}))

    assert "secret name" not in said
    assert "/a/secret" not in said
    assert SECRET not in [asset.content for asset in world.assets.values()]


@pytest.mark.parametrize("times", [30, pytest.param(400, marks=pytest.mark.nightly)])
async def test_a_folder_that_is_swapped_meanwhile_lets_no_picture_out_by_a_name_that_looks_the_same(
    agent: McpClient, world: World, outside: Path, times: int
) -> None:
    folder = Path.home() / "pictures" / "deep"
    folder.mkdir(parents=True)
    (folder / IN_FACT).write_bytes(png("green"))
    (outside / IN_FACT).write_bytes(SECRET)
    with swapping(folder, outside):
        for number in range(times):
            file = f"~/pictures/deep/{LOOKS_THE_SAME}"
            await agent.call_tool("upload-asset", {"file": file, "hide": bool(number % 2)})

    assert SECRET not in [asset.content for asset in world.assets.values()]


async def test_a_picture_that_is_swapped_for_a_link_meanwhile_lets_none_out(
    agent: McpClient, world: World, outside: Path
) -> None:
    picture = Path.home() / "hero.png"
    picture.write_bytes(png("green"))
    with swapping(picture, outside / "hero.png"):
        for _ in range(30):
            await agent.call_tool("upload-asset", {"file": "~/hero.png"})

    assert SECRET not in [asset.content for asset in world.assets.values()]


async def test_an_allowed_folder_that_becomes_a_link_does_not_take_along_what_is_open(
    start: Callable[..., McpClient], world: World, outside: Path
) -> None:
    inner = Path.home() / "shared" / "pictures"
    inner.mkdir(parents=True)
    (inner / "hero.png").write_bytes(png("green"))
    (outside / "pictures").mkdir()
    (outside / "pictures" / "hero.png").write_bytes(SECRET)
    async with start(allowed=Allowed((Path.home(), inner), home=Path.home())) as agent:
        await agent.call_tool("upload-asset", {"file": str(inner / "none.png")})
        inner.parent.rename(Path.home() / "away")
        inner.parent.symlink_to(outside)

        result = await agent.call_tool("upload-asset", {"file": str(inner / "hero.png")})

    assert result.is_error
    assert "outside the folders" in text_of(result)
    assert SECRET not in [asset.content for asset in world.assets.values()]


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_a_chosen_folder_that_becomes_a_link_while_the_api_is_asked_is_not_written_through(
    agent: McpClient, network: SandboxNetwork, hero: str, shelf: Path, outside: Path
) -> None:
    (shelf / "best").mkdir(parents=True)

    async def swap(request: httpx.Request, deliver: Any) -> httpx.Response:
        (shelf / "best").rmdir()
        (shelf / "best").symlink_to(outside)
        answer: httpx.Response = await deliver(request)
        return answer

    network.plan(ASSETS, swap)
    result = await agent.call_tool("show-assets", {"assetIds": [hero], "save": True, "folder": "best"})

    assert "a link stands there" in text_of(result)
    assert listed(outside) == ["hero.png"]


async def test_a_folder_that_becomes_a_link_while_a_file_is_downloaded_is_not_written_through(
    agent: McpClient, network: SandboxNetwork, shelf: Path, outside: Path, arguments: dict[str, Any]
) -> None:
    async def swap(request: httpx.Request, deliver: Any) -> httpx.Response:
        answer: httpx.Response = await deliver(request)
        content = await answer.aread()

        async def parts() -> AsyncIterator[bytes]:
            yield content
            for folder in shelf.iterdir():
                folder.rename(folder.with_name("moved"))
                folder.symlink_to(outside)

        shelf.joinpath(today(network.world)).mkdir(parents=True, exist_ok=True)
        return httpx.Response(200, content=parts())

    network.plan(FILES, swap)
    result = await agent.call_tool(TOOL, arguments | {"numSamples": 1})

    assert made(result)["status"] == "success"
    assert "a link stands there" in text_of(result)
    assert listed(outside) == ["hero.png"]


def today(world: World) -> str:
    return datetime.fromtimestamp(world.clock()).astimezone().strftime("%Y-%m-%d")


async def test_a_folder_of_a_day_that_is_a_link_gets_no_results(
    agent: McpClient, world: World, shelf: Path, outside: Path, arguments: dict[str, Any]
) -> None:
    shelf.mkdir()
    (shelf / today(world)).symlink_to(outside)

    result = await agent.call_tool(TOOL, arguments | {"numSamples": 1})

    assert made(result)["status"] == "success"
    assert "a link stands there" in text_of(result)
    assert "url" in made(result)["assets"][0]
    assert listed(outside) == ["hero.png"]

    (shelf / today(world)).unlink()  # as the note says
    later = made(await agent.call_tool(WAIT, made(result)["next"]["arguments"]))
    assert later["jobs"][0]["assets"][0]["path"].startswith(str(shelf / today(world)))


async def test_a_linked_folder_with_a_card_gets_no_results(
    agent: McpClient, shelf: Path, outside: Path, arguments: dict[str, Any]
) -> None:
    first = made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    path = Path(first["assets"][0]["path"])
    path.unlink()
    path.parent.rename(outside / "day")
    (shelf / "other").symlink_to(outside / "day")

    again = made(await agent.call_tool(WAIT, {"jobIds": [first["jobId"]]}))["jobs"][0]

    assert again["assets"][0]["path"] == str(path)
    assert listed(outside) == ["day", f"day/{path.stem.removesuffix('-1')}.json", "hero.png"]


@pytest.mark.parametrize("parts", ["best/ones", "best/of/all"])
async def test_a_link_in_the_middle_of_a_chosen_folder_is_refused(
    agent: McpClient, hero: str, shelf: Path, outside: Path, parts: str
) -> None:
    shelf.mkdir()
    (shelf / "best").symlink_to(outside)

    result = await agent.call_tool("show-assets", {"assetIds": [hero], "save": True, "folder": parts})

    assert result.is_error
    assert "a link stands there" in text_of(result)
    assert listed(outside) == ["hero.png"]


async def test_a_card_that_names_a_link_shows_no_picture_from_outside(
    agent: McpClient, shelf: Path, outside: Path, arguments: dict[str, Any]
) -> None:
    first = made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    path = Path(first["assets"][0]["path"])
    original = path.read_bytes()
    path.unlink()
    path.symlink_to(outside / "hero.png")

    result = await agent.call_tool(WAIT, {"jobIds": [first["jobId"]]})

    saved = Path(made(result)["jobs"][0]["assets"][0]["path"])
    assert saved == path.with_stem(f"{path.stem} (2)")
    assert saved.read_bytes() == original
    assert [block for block in result.content if isinstance(block, ImageContent)]
    assert (outside / "hero.png").read_bytes() == SECRET


async def test_a_list_of_jobs_names_no_file_that_became_a_link(
    agent: McpClient, outside: Path, arguments: dict[str, Any]
) -> None:
    first = made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    path = Path(first["assets"][0]["path"])
    [row] = made(await agent.call_tool(LIST, {}))["jobs"]
    assert row["files"] == [str(path)]
    path.unlink()
    path.symlink_to(outside / "hero.png")

    [row] = made(await agent.call_tool(LIST, {}))["jobs"]

    assert "files" not in row
    assert row["assetIds"] == [first["assets"][0]["assetId"]]


async def test_a_card_that_is_a_link_is_neither_read_nor_written_through(
    agent: McpClient, shelf: Path, outside: Path, arguments: dict[str, Any]
) -> None:
    first = made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    [card] = shelf.rglob("*.json")
    card.rename(outside / "card.json")
    card.symlink_to(outside / "card.json")
    before = (outside / "card.json").read_bytes()

    again = made(await agent.call_tool(WAIT, {"jobIds": [first["jobId"]]}))["jobs"][0]

    assert "path" in again["assets"][0]
    assert card.is_symlink()
    assert (outside / "card.json").read_bytes() == before


async def test_a_results_folder_that_a_person_made_a_link_is_followed_and_one_that_becomes_a_link_is_not(
    agent: McpClient, shelf: Path, outside: Path, tmp_path: Path, arguments: dict[str, Any]
) -> None:
    disk = tmp_path / "large disk"
    disk.mkdir()
    shelf.symlink_to(disk)
    made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    assert len(list(disk.rglob("*.png"))) == 1

    shelf.unlink()
    shelf.symlink_to(outside)
    os.rename(disk, tmp_path / "gone")
    disk.symlink_to(outside)
    result = await agent.call_tool(TOOL, arguments | {"numSamples": 1, "prompt": "another"})

    assert listed(outside) == ["hero.png"]
    assert made(result)["status"] == "success"
    assert "a link stands there" in text_of(result)
