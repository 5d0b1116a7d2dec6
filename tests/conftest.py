"""Fixtures, each around the last: a sandbox world, services that reach it, an agent; and a sandbox for real servers."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.serve import serving
from scenario_mcp.sandbox.world import World
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import Services
from support.agents import ERAS, Agent
from support.clock import LEAPING
from support.network import SandboxNetwork
from support.pictures import plain
from support.servers import Machine
from support.stdio import VERSIONS
from support.worlds import PlainWorld

# Tests of real servers, which wait most of the time; the longest first.
WAITING = (
    *("processes", "files_over_stdio", "commands", "python_client", "stdio", "start", "family_over_stdio"),
    *("published", "adding_one"),
)


@pytest.hookimpl(trylast=True)  # of what is left when others have been deselected
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let both halves of the list begin with tests that wait, so that of four workers two wait and two work."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        order = {f"test_{name}": number for number, name in enumerate(WAITING)}
        waiting = sorted((item for item in items if item.path.stem in order), key=lambda item: order[item.path.stem])
        working = [item for item in items if item.path.stem not in order]
        half = max(0, len(items) // 2 - len(waiting[::2]))
        items[:] = [*waiting[::2], *working[:half], *waiting[1::2], *working[half:]]


@pytest.fixture
def anyio_backend() -> tuple[str, Any]:
    return LEAPING


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads the settings, the .env or the home of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("SCENARIO_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)


@pytest.fixture
def world() -> PlainWorld:
    return PlainWorld(clock=lambda: 1_795_000_000.0 + anyio.current_time())


@pytest.fixture
def network(world: World) -> SandboxNetwork:
    return SandboxNetwork(world)


@pytest.fixture
def machine(network: SandboxNetwork, tmp_path: Path) -> Machine:
    """One person's machine, with a state folder that all of its servers share."""
    return Machine(network, state=tmp_path / "state", previews=False)


@pytest.fixture
async def services(network: SandboxNetwork) -> AsyncIterator[Services]:
    made = Machine(network).server()
    yield made
    await made.client.aclose()


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=VERSIONS)
def wire_era(request: pytest.FixtureRequest) -> Any:
    """The era of a host that speaks raw JSON-RPC with a real server."""
    return request.param


@pytest.fixture
def quick_world() -> PlainWorld:
    """A sandbox for real servers, in real time."""
    return PlainWorld(pace=0.05)


@pytest.fixture
def base_url(quick_world: World) -> Iterator[str]:
    with serving(quick_world) as url:
        yield url


@pytest.fixture
async def agent(services: Services) -> AsyncIterator[McpClient]:
    async with Agent(create_server(services), raise_exceptions=True) as client:
        yield client


@pytest.fixture
def hero(world: World) -> str:
    asset = world.add_picture(plain("tan", (512, 512)))
    assert asset is not None
    return asset.id


@pytest.fixture
def ink(world: World) -> str:
    asset = world.add_picture(plain("navy", (256, 256)))
    assert asset is not None
    return asset.id


@pytest.fixture
def arguments(hero: str, ink: str) -> dict[str, Any]:
    """A call that works."""
    return {"modelId": "model_sandbox-ink", "prompt": "a phoenix", "image": hero, "ipAdapterImages": [ink]}


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Put the handlers of signals back that a start within this process sets."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
