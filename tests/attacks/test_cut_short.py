"""Attacks on what begins the memory of payments anew: it is killed, fails, or is done twice at once, at each step."""

import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.commands.cli import main
from scenario_mcp.sandbox.world import World
from scenario_mcp.server.app import create_server
from scenario_mcp.spending.budget import Caps
from support.agents import LIST, TOOL, agent_of, made, text_of
from support.kernel import begun_anew_but
from support.servers import Machine

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="nothing else stops a process so")]

FILE, MARK = "state.db", "state.mark"


@pytest.fixture
def state(machine: Machine) -> Path:
    assert machine.state is not None
    return machine.state


@pytest.fixture
async def job(machine: Machine, arguments: dict[str, Any]) -> str:
    """One generation that fills the cap, of a server that was killed: it stands in the log beside the file alone."""
    machine.caps = Caps(per_day=Decimal(12))  # one call costs 10
    async with McpClient(create_server(machine.server()), raise_exceptions=True) as agent:
        return str(made(await agent.call_tool(TOOL, arguments))["jobId"])


async def assert_refused(machine: Machine, state: Path, arguments: dict[str, Any], *words: str) -> None:
    """Have a new server pay for something else, which it must not."""
    machine.state = state
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments | {"seed": 2})
    assert result.is_error, text_of(result)
    for word in words:
        assert word in text_of(result)


async def assert_mended(machine: Machine, state: Path, arguments: dict[str, Any], job: str) -> None:
    """Begin anew, and hold the new file to know what was paid."""
    os.environ["SCENARIO_STATE_DIR"] = f"{state}"
    assert main(["doctor", "--begin-anew"]) == 0
    assert list(state.glob("*.new*")) == []
    await assert_kept(machine, state, arguments, job)


async def assert_kept(machine: Machine, state: Path, arguments: dict[str, Any], job: str) -> None:
    machine.state = state
    async with agent_of(machine.server()) as agent:
        assert [row["jobId"] for row in made(await agent.call_tool(LIST, {}))["jobs"]] == [job]
        assert "10 were spent within 24 hours" in text_of(await agent.call_tool(TOOL, arguments | {"seed": 2}))


def wreck(state: Path, mark: str) -> None:
    """Let the mark be what a beginning has to lower, or what it cannot write to."""
    (state / MARK).unlink()
    match mark:
        case "too high":
            (state / MARK).write_text("9" * 20)
        case "a folder":
            (state / MARK).mkdir()
        case _:
            (state / MARK).symlink_to(state / "elsewhere")


@pytest.mark.nightly
@pytest.mark.parametrize("mark", ["too high", "a folder", "a link"])
async def test_killed_at_any_step_it_lifts_no_cap_and_the_next_one_keeps_all(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], job: str, mark: str
) -> None:
    wreck(state, mark)
    folders = begun_anew_but("kill", state)
    for folder in folders:
        await assert_refused(machine, folder, arguments)
        await assert_mended(machine, folder, arguments, job)

    assert len(folders) > 8
    assert set(folders.values()) == {-signal.SIGKILL}
    assert len(world.ledger) == 1


@pytest.mark.parametrize(
    "mark",
    [
        "a folder",
        pytest.param("too high", marks=pytest.mark.nightly),
        pytest.param("a link", marks=pytest.mark.nightly),
    ],
)
async def test_a_fault_at_any_step_puts_everything_back(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], job: str, mark: str
) -> None:
    wreck(state, mark)
    folders = begun_anew_but("fault", state)
    *undone, last = [folder for folder, code in folders.items() if code == 1]
    names = {path.name for folder in undone for path in folder.glob("state.*")}
    for folder in folders:
        await assert_refused(machine, folder, arguments)
    for folder in (undone[-1], last):
        await assert_mended(machine, folder, arguments, job)

    assert len(undone) > 5
    assert names - {f"{FILE}-wal", f"{FILE}-shm"} == {FILE, MARK}
    assert (last / FILE).exists()  # where only the new mark was not in its place yet
    assert len(world.ledger) == 1


@pytest.mark.nightly
async def test_two_at_once_lift_no_cap_and_keep_all(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], job: str
) -> None:
    wreck(state, "too high")
    folders = begun_anew_but("other", state)
    for folder in folders:
        await assert_refused(machine, folder.with_name(f"{folder.name}-meanwhile"), arguments)
        await assert_kept(machine, folder, arguments, job)

    assert set(folders.values()) == {2}
    assert len(world.ledger) == 1


async def test_neither_file_nor_mark_beside_what_was_set_aside_is_no_first_start(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], job: str
) -> None:
    for path in list(state.glob(f"{FILE}*")):
        path.rename(state / path.name.replace(FILE, f"{FILE}.aside-7"))
    (state / MARK).unlink()
    await assert_refused(machine, state, arguments, f"{state / FILE} is gone")
    await assert_mended(machine, state, arguments, job)

    assert len(world.ledger) == 1


async def test_a_log_that_a_newer_file_left_is_not_read_into_an_older_one(
    machine: Machine, state: Path, arguments: dict[str, Any], job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in list(state.glob(f"{FILE}*")):
        path.rename(state / path.name.replace(FILE, f"{FILE}.aside-7"))
    (state / f"{FILE}-wal").write_bytes(b"of a newer file")
    await assert_mended(machine, state, arguments, job)

    assert "Others are lost" in capsys.readouterr().out  # since what the newer one held is
    assert [path.read_bytes() for path in state.glob("*-wal")].count(b"of a newer file") == 1
