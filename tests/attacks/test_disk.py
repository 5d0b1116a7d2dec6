"""A result may be of any size, come again and again, and be cut off: the disk of a person is not filled by it."""

import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp import settings
from scenario_mcp.commands.wiring import services_for
from scenario_mcp.sandbox.world import Draft, World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import Services, services_over
from support.agents import TOOL, made, text_of
from support.network import SandboxNetwork
from support.stdio import environment
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

FILES = "GET /assets-transform/"
GB = 1_000_000_000


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "Scenario"


def everything(shelf: Path) -> list[str]:
    return sorted(str(path.relative_to(shelf)) for path in shelf.rglob("*") if not path.is_dir())


def folders(shelf: Path) -> list[str]:
    return sorted(str(path.relative_to(shelf)) for path in shelf.rglob("*") if path.is_dir())


@pytest.fixture
def make(network: SandboxNetwork, shelf: Path) -> Callable[..., Services]:
    def services(**more: Any) -> Services:
        client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
        return services_over(client, 45, shelf=shelf, previews=False, **more)

    return services


@pytest.fixture
async def saving(make: Callable[..., Services]) -> AsyncIterator[McpClient]:
    async with McpClient(create_server(make()), raise_exceptions=True) as agent:
        yield agent


class TestOverTheNetwork:
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.mark.parametrize(("size", "fits"), [(900_000, True), (1_000_001, False), (40_000_000, False)])
    async def test_a_file_larger_than_a_person_allows_is_not_saved(
        self, base_url: str, quick_world: World, shelf: Path, size: int, fits: bool
    ) -> None:
        film = quick_world.store(Draft("video/mp4", lambda: bytes(size)))
        environ = environment(base_url, SCENARIO_OUTPUT_DIR=str(shelf), SCENARIO_MAX_FILE_MB="1")
        services = services_for(settings.load(environ))

        async with McpClient(create_server(services), raise_exceptions=True) as agent:
            result = await agent.call_tool("show-assets", {"assetIds": [film.id], "save": True})
        await services.client.aclose()

        assert ("path" in made(result)["assets"][0]) is fits
        assert len(everything(shelf)) == fits
        if not fits:
            assert "larger than 1 MB, the most that SCENARIO_MAX_FILE_MB allows" in text_of(result)


async def test_a_stream_without_end_is_cut_off_at_once_and_not_asked_for_again(
    make: Callable[..., Services], network: SandboxNetwork, world: World, shelf: Path, arguments: dict[str, Any]
) -> None:
    came: list[int] = []

    async def endless(request: httpx.Request, deliver: Any) -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(500):
                came.append(number)
                yield bytes(1_000_000)

        return httpx.Response(200, content=parts())

    network.plan(FILES, endless, 100)
    async with McpClient(create_server(make(max_file_mb=10)), raise_exceptions=True) as agent:
        result = await agent.call_tool(TOOL, arguments | {"numSamples": 1})

    assert "larger than 10 MB" in text_of(result)
    assert made(result)["status"] == "success"
    assert len(came) <= 12
    assert network.count(FILES) == 1
    assert everything(shelf) == []


@pytest.mark.parametrize(
    ("total", "free", "fits"),
    [
        pytest.param(500 * GB, 2 * GB, True, marks=pytest.mark.nightly),
        (500 * GB, GB, False),
        (8 * GB, GB, True),
        pytest.param(8 * GB, 0.4 * GB, False, marks=pytest.mark.nightly),
        pytest.param(0.2 * GB, 0.02 * GB, True, marks=pytest.mark.nightly),
        (0.2 * GB, 0.005 * GB, False),
        (0, 0, True),  # a network folder that knows no sizes
    ],
)
async def test_a_disk_keeps_some_room(
    make: Callable[..., Services], shelf: Path, arguments: dict[str, Any], total: float, free: float, fits: bool
) -> None:
    services = make(disk=lambda _: (int(total), int(free)))
    async with McpClient(create_server(services), raise_exceptions=True) as agent:
        result = await agent.call_tool(TOOL, arguments | {"numSamples": 1})

    assert made(result)["status"] == "success"
    assert ("path" in made(result)["assets"][0]) is fits
    assert ("the disk is nearly full" in text_of(result)) is not fits
    assert len(everything(shelf)) == 2 * fits


async def test_a_disk_that_fills_up_meanwhile_stops_a_long_file_and_nothing_is_left(
    make: Callable[..., Services], network: SandboxNetwork, world: World, shelf: Path
) -> None:
    film = world.store(Draft("video/mp4", lambda: b"long"))

    async def long(request: httpx.Request, deliver: Any) -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(1_000_000)
                await anyio.sleep(1)

        return httpx.Response(200, content=parts())

    network.plan(FILES, long)
    asked: list[Path] = []

    def filling(path: Path) -> tuple[int, int]:
        asked.append(path)
        return 100 * GB, 2 * GB if len(asked) < 2 else GB

    async with McpClient(create_server(make(disk=filling)), raise_exceptions=True) as agent:
        result = await agent.call_tool("show-assets", {"assetIds": [film.id], "save": True})

    assert "the disk is nearly full" in text_of(result)
    assert len(asked) == 2
    assert everything(shelf) == []


async def test_what_a_killed_server_left_half_written_is_swept_at_the_first_save(
    saving: McpClient, shelf: Path, arguments: dict[str, Any]
) -> None:
    old = time.time() - 24 * 3600
    swept = [f".{number:016x}.part" for number in range(3)]
    swept = [f"{folder}{name}" for folder, name in zip(("", "2026-01-01/", "best/of/all/"), swept, strict=True)]
    kept = [
        *("2026-01-01/.0123456789abcdef.part.png", "2026-01-01/0123456789abcdef.part", ".0123456789ABCDEF.part"),
        *("2026-01-01/.note.part", "best/a picture.png", "2026-01-01/.00000000000000ff.part"),
    ]
    for name in (*swept, *kept):
        path = shelf / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        if "ff.part" not in name:  # that one is being written by another server
            os.utime(path, (old, old))
    outside = shelf.parent / ".00000000000000aa.part"
    outside.write_bytes(b"somebody's own")
    os.utime(outside, (old, old))
    (shelf / "2026-01-01" / outside.name).symlink_to(outside)
    (shelf / "away").symlink_to(shelf.parent)

    made(await saving.call_tool(TOOL, arguments | {"numSamples": 1}))

    assert [name for name in swept if (shelf / name).exists()] == []
    assert [name for name in kept if not (shelf / name).exists()] == []
    assert outside.exists()
    assert (shelf / "2026-01-01" / outside.name).is_symlink()


async def test_an_agent_makes_no_copy_for_each_folder_that_it_invents(
    saving: McpClient, hero: str, shelf: Path
) -> None:
    for number in range(60):
        result = await saving.call_tool("show-assets", {"assetIds": [hero], "save": True, "folder": f"copy-{number}"})

    assert result.is_error
    assert "20 new ones are the most until the server is started again" in text_of(result)
    assert len(everything(shelf)) == len(folders(shelf)) == 20

    again = made(await saving.call_tool("show-assets", {"assetIds": [hero], "save": True, "folder": "copy-3"}))
    assert again["assets"][0]["path"].startswith(str(shelf / "copy-3"))
    (shelf / "my own").mkdir()
    made(await saving.call_tool("show-assets", {"assetIds": [hero], "save": True, "folder": "my own"}))
    assert len(everything(shelf)) == 21


async def test_folders_in_folders_and_calls_at_once_count_each(saving: McpClient, hero: str, shelf: Path) -> None:
    async def save(folder: str) -> None:
        await saving.call_tool("show-assets", {"assetIds": [hero], "save": True, "folder": folder})

    async with anyio.create_task_group() as calls:
        for number in range(30):
            calls.start_soon(save, f"a{number}/b/c")

    assert 15 <= len(folders(shelf)) <= 20
