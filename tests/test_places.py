"""Folders and addresses that were written wrong: the error says how they are written, and nothing is paid before."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client as McpClient

from scenario_mcp.commands.cli import main
from scenario_mcp.commands.wiring import services_for
from scenario_mcp.sandbox.world import World
from scenario_mcp.settings import load
from support import bombs
from support.agents import agent_of, text_of
from support.hostile import serving
from support.pictures import png
from support.stdio import environment

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.pathsep != ":", reason="on Windows other marks stand between folders"),
]

RUN = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p", "numOutputs": 1}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # a real sandbox on loopback needs real time


@asynccontextmanager
async def agent_with(base_url: str, **more: str) -> AsyncIterator[McpClient]:
    environ = environment(base_url, SCENARIO_STATE_DIR="memory", SCENARIO_OUTPUT_DIR="none", **more)
    async with agent_of(services_for(load(environ))) as agent:
        yield agent


@pytest.mark.parametrize("value", ["/a,/b", "/a;/b", "/a, ~/b", "~/a | /b", "/a b;~", "/a:/b,/c"])
async def test_folders_with_another_mark_between_them_are_told_and_open_nothing(
    base_url: str, quick_world: World, value: str
) -> None:
    mark = next(char for char in value if char in ",;|")
    async with agent_with(base_url, SCENARIO_INPUT_DIRS=value) as agent:
        refused = await agent.call_tool("run-model", RUN)

    assert text_of(refused).startswith(f'SCENARIO_INPUT_DIRS must have ":" between folders, not "{mark}": "')
    assert quick_world.ledger == []
    assert load({"SCENARIO_INPUT_DIRS": value}).input_dirs == ()


@pytest.mark.parametrize("value", ["/a,b", "/photos;2026", "/a,b:/c"])
def test_a_mark_within_a_name_is_part_of_it(value: str) -> None:
    assert load({"SCENARIO_INPUT_DIRS": value}).input_dirs == tuple(map(Path, value.split(":")))


async def test_a_folder_that_is_not_there_is_told_where_a_picture_in_it_is_refused(
    base_url: str, tmp_path: Path
) -> None:
    picture = tmp_path / "hero.png"
    picture.write_bytes(png())
    async with agent_with(base_url, SCENARIO_INPUT_DIRS=f"{tmp_path},b:/") as agent:
        found = await agent.call_tool("upload-asset", {"file": str(picture)})
    async with agent_with(base_url, SCENARIO_INPUT_DIRS=f"{tmp_path},b") as agent:
        refused = await agent.call_tool("upload-asset", {"file": str(picture)})

    assert not found.is_error
    assert f"files may come from ({tmp_path},b (not there))" in text_of(refused)


def test_doctor_names_a_folder_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENARIO_INPUT_DIRS", f"{tmp_path},b:{tmp_path}")

    assert main(["doctor"]) == 1

    out = capsys.readouterr().out
    assert (
        f'BAD  picture folders: {tmp_path},b is no folder. Mend SCENARIO_INPUT_DIRS: between folders stands ":".' in out
    )
    assert out.count("is no folder") == 1


ROOTS = [
    "https://api.cloud.scenario.com",
    "https://api.cloud.scenario.com/",
    "https://API.cloud.scenario.com/v1/models",
    "https://app.scenario.com",
    "https://api.cloud.scenario.com/v2",
    "https://scenario.com/api/v1",
]


@pytest.mark.parametrize("value", ROOTS)
async def test_an_address_of_scenario_s_that_is_no_root_of_its_api_sends_nothing(value: str) -> None:
    async with agent_with(value) as agent:
        refused = await agent.call_tool("find-models", {})

    assert text_of(refused).startswith(
        "SCENARIO_BASE_URL must end in /v1, like https://api.cloud.scenario.com/v1, which holds if it is not set"
    )


@pytest.mark.parametrize("value", ["https://api.cloud.scenario.com/v1", "https://api.cloud.scenario.com/v1/"])
def test_the_root_itself_is_taken(value: str) -> None:
    settings = load({"SCENARIO_BASE_URL": value})

    assert (settings.unreachable, settings.base_url) == (None, "https://api.cloud.scenario.com/v1")


NOT_THERE = {
    "no such route": (b'{"message": "Not Found"}', 404),
    "as AWS says it": (b'{"message": "Missing Authentication Token"}', 403),
    "a page": (b"<html>Welcome</html>", 200),
    "a redirect": (b"", 302),
    "a bad request": (b'{"message": "no"}', 400),
}


@pytest.mark.parametrize(("body", "status"), NOT_THERE.values(), ids=NOT_THERE)
@pytest.mark.parametrize("call", [("find-models", {}), ("get-model", {"modelId": "model_x"})], ids=["find", "get"])
async def test_an_address_without_its_version_is_named_where_the_api_is_not_found(
    body: bytes, status: int, call: tuple[str, dict[str, str]]
) -> None:
    async with serving(bombs.answering(body, status=status)) as server:
        root = server.base_url.removesuffix("/v1")
        async with agent_with(root) as agent:
            refused = await agent.call_tool(*call)
        async with agent_with(server.base_url) as agent:
            other = await agent.call_tool(*call)

    assert f"SCENARIO_BASE_URL is {root} and does not end in /v1" in text_of(refused)
    assert "does not end in /v1" not in text_of(other)


async def test_it_is_named_too_where_a_paid_call_is_refused() -> None:
    body, status = NOT_THERE["no such route"]
    async with (
        serving(bombs.answering(body, status=status)) as server,
        agent_with(server.base_url.removesuffix("/v1")) as agent,
    ):
        refused = await agent.call_tool("run-model", RUN)

    assert refused.is_error
    assert "and does not end in /v1" in text_of(refused)
