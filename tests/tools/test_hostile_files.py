"""What an agent may be talked into naming as a picture: refused with a clear sentence, and nothing leaves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client as McpClient

from scenario_mcp.media.files import Allowed
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support.agents import TOOL, text_of
from support.network import SandboxNetwork
from support.paths import HOSTILE, build_home
from support.pictures import data_url
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

OTHER_FORMS = [
    ("http://example.com/a.png", "a scheme that cannot be used"),
    ("ftp://example.com/a.png", "a scheme that cannot be used"),
    ("https://me:secret@example.com/a.png", "credentials inside"),
    ("https://[::1/a.png", "not a whole https URL"),
    ("file://server/share/a.png", "a file URL of another machine"),
    ("\\\\server\\share\\a.png", "a network or device path"),
    ("\\\\.\\PhysicalDrive0", "a network or device path"),
    ("//server/share/a.png", "a network or device path"),
    ("~/a\0.png", "with a NUL in it"),
    ("data:image/png;base64,aGVsbG8=", "does not decode to an image"),
    ("data:image/png;base64,@@@", "broken or cut off"),
    (data_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "does not decode to an image"),
    ("hero", "none of the four forms"),
]
CASES = [*HOSTILE, *OTHER_FORMS]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = build_home(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "pictures")
    return home


@pytest.fixture
async def agent(network: SandboxNetwork, home: Path) -> AsyncIterator[McpClient]:
    client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
    services = services_over(client, 45, allowed=Allowed((home,), home=home))
    async with McpClient(create_server(services), raise_exceptions=True) as agent:
        yield agent


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(("text", "why"), CASES, ids=[case[0][:40].replace("\0", "NUL") for case in CASES])
async def test_hostile_files_are_refused_and_nothing_leaves(
    agent: McpClient, network: SandboxNetwork, world: World, home: Path, text: str, why: str
) -> None:
    given = {"modelId": "model_sandbox-ink", "prompt": "p", "image": data_url()}

    result = await agent.call_tool(TOOL, given | {"ipAdapterImages": [data_url(), text.replace("{home}", str(home))]})

    assert result.is_error
    assert "- ipAdapterImages[1]: " in text_of(result)
    assert why in text_of(result)
    assert network.sent == []
    assert world.ledger == []
