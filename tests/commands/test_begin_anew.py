"""A person begins the memory of what was paid for anew; nothing else does."""

import os
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scenario_mcp.commands.cli import main
from scenario_mcp.sandbox.world import World
from scenario_mcp.spending.budget import Caps
from scenario_mcp.state.migrations import MIGRATIONS
from support.agents import LIST, TOOL, agent_of, made, text_of
from support.kernel import NOBODY, as_root, full_disk
from support.servers import Machine

pytestmark = pytest.mark.anyio

FILE = "state.db"
BeginAnew = Callable[[], tuple[int, str]]


@pytest.fixture
def state(machine: Machine) -> Path:
    assert machine.state is not None
    return machine.state


@pytest.fixture
def begin_anew(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> BeginAnew:
    monkeypatch.setenv("SCENARIO_STATE_DIR", f"{state}")

    def run() -> tuple[int, str]:
        return main(["doctor", "--begin-anew"]), capsys.readouterr().out

    return run


async def spend(machine: Machine, arguments: dict[str, Any], *seeds: int) -> list[str]:
    """Pay for a generation of each seed, and give their jobs' ids."""
    async with agent_of(machine.server()) as agent:
        return [str(made(await agent.call_tool(TOOL, arguments | {"seed": seed}))["jobId"]) for seed in seeds]


def change(state: Path, sql: str) -> None:
    with sqlite3.connect(state / FILE) as database:
        database.execute(sql)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def damage(file: Path, begin: float, end: float) -> None:
    """Overwrite a part of a file, from and to which share of its size."""
    content = file.read_bytes()
    first, last = int(begin * len(content)), int(end * len(content))
    file.write_bytes(content[:first] + b"\xff" * (last - first) + content[last:])


PLANTED = "CREATE TRIGGER t AFTER INSERT ON generations BEGIN DELETE FROM generations; END"
NEWER = f"PRAGMA user_version = {len(MIGRATIONS) + 1}"


@pytest.mark.parametrize("sql", [PLANTED, NEWER])
async def test_what_can_be_read_is_taken_over_so_that_caps_and_jobs_go_on(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], begin_anew: BeginAnew, sql: str
) -> None:
    machine.wait_seconds, machine.caps = 0, Caps(per_day=Decimal(25))  # one call costs 10
    jobs = await spend(machine, arguments | {"prompt": "sandbox:stuck"}, 1, 2)
    change(state, sql)
    before = (state / FILE).read_bytes()
    status, out = begin_anew()
    joined = await spend(machine, arguments | {"prompt": "sandbox:stuck"}, 1, 2)
    async with agent_of(machine.server()) as agent:
        capped = await agent.call_tool(TOOL, arguments | {"seed": 3})

    [aside] = state.glob(f"{FILE}.aside-*[0-9]")
    assert status == 0
    assert f"What was there is kept as {aside}" in out
    assert "Nothing was lost: all 2 generations were taken over" in out
    assert aside.read_bytes() == before
    assert joined == jobs
    assert "20 were spent within 24 hours" in text_of(capped)
    assert len(world.ledger) == 2


async def test_of_a_damaged_file_what_is_left_is_taken_over_and_the_loss_is_said(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    jobs = await spend(machine, arguments | {"prompt": "p" * 1500}, *range(8))
    change(state, "UPDATE generations SET told = told")
    damage(state / FILE, 0.75, 0.8)
    status, out = begin_anew()
    async with agent_of(machine.server()) as agent:
        listed = made(await agent.call_tool(LIST, {"limit": 50}))["jobs"]
        made(await agent.call_tool(TOOL, arguments))

    kept = [row["jobId"] for row in listed]
    assert status == 0
    assert f"{len(kept)} of 8 generations could be read and were taken over" in out
    assert "Others are lost" in out
    assert 0 < len(kept) < 8
    assert {jobs[0], jobs[-1]} <= set(kept)  # what lies on both sides of the damage


@pytest.mark.parametrize("wreck", ["damaged", "gone", "linked"])
async def test_of_a_file_that_cannot_be_read_at_all_that_is_said_and_caps_begin_at_nothing(
    machine: Machine, state: Path, arguments: dict[str, Any], begin_anew: BeginAnew, wreck: str
) -> None:
    machine.caps = Caps(per_day=Decimal(12))
    await spend(machine, arguments, 1)
    change(state, "UPDATE generations SET told = told")
    content, victim = (state / FILE).read_bytes(), state.with_name("victim")
    victim.write_bytes(content)
    match wreck:
        case "damaged":
            damage(state / FILE, 0, 1)
        case "gone":
            for path in state.glob(f"{FILE}*"):
                path.unlink()
        case _:
            (state / FILE).unlink()
            (state / FILE).symlink_to(victim)
    status, out = begin_anew()
    await spend(machine, arguments, 2)

    assert status == 0
    assert "No generation was found in it: caps count from 0" in out
    assert ("Nothing was there any more." in out) == (wreck == "gone")
    assert victim.read_bytes() == content


@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal"])
async def test_a_link_beside_the_file_is_set_aside_and_not_followed(
    machine: Machine, state: Path, arguments: dict[str, Any], begin_anew: BeginAnew, end: str
) -> None:
    jobs = await spend(machine, arguments, 1)
    machine.state = state.with_name("later")
    machine.state.mkdir(mode=0o700)
    change(state, "UPDATE generations SET told = told")
    (state / FILE).rename(machine.state / FILE)
    victim = state.with_name("victim")
    victim.write_bytes(b"mine" * 4096)
    (machine.state / f"{FILE}{end}").symlink_to(victim)
    os.environ["SCENARIO_STATE_DIR"] = f"{machine.state}"
    status, out = begin_anew()
    async with agent_of(machine.server()) as agent:
        listed = made(await agent.call_tool(LIST, {}))["jobs"]

    assert status == 0
    assert "Nothing was lost" in out
    assert [row["jobId"] for row in listed] == jobs
    assert victim.read_bytes() == b"mine" * 4096


async def test_an_older_copy_is_not_said_to_be_whole(
    machine: Machine, state: Path, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    await spend(machine, arguments, 1)
    change(state, "UPDATE generations SET told = told")
    older = (state / FILE).read_bytes()
    await spend(machine, arguments, 2)
    for path in state.glob(f"{FILE}-*"):
        path.unlink()
    (state / FILE).unlink()
    (state / FILE).write_bytes(older)
    status, out = begin_anew()

    assert status == 0
    assert "1 generations could be read and were taken over" in out
    assert "Others are lost" in out


async def test_what_was_planted_makes_no_room_under_a_cap(
    machine: Machine, state: Path, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    machine.caps = Caps(per_day=Decimal(12))
    await spend(machine, arguments, 1)
    change(state, PLANTED.replace("INSERT", "DELETE"))
    change(
        state,
        "INSERT INTO generations (account, identity, process, state, tool, route, model_id, arguments, left_out, body,"
        " began, asked, cost) SELECT account, 'x', process, state, tool, route, model_id, arguments, left_out, body,"
        " began, asked, -cost FROM generations",
    )
    status, out = begin_anew()
    async with agent_of(machine.server()) as agent:
        capped = await agent.call_tool(TOOL, arguments | {"seed": 2})

    assert status == 0
    assert "1 of 2 generations could be read" in out
    assert "10 were spent within 24 hours" in text_of(capped)


async def test_a_server_that_had_the_old_file_pays_nothing_before_it_is_restarted(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as running:
        first = made(await running.call_tool(TOOL, arguments))
        status, out = begin_anew()
        refused = await running.call_tool(TOOL, arguments | {"seed": 2})
        async with agent_of(machine.server()) as restarted:
            joined = made(await restarted.call_tool(TOOL, arguments))
            made(await restarted.call_tool(TOOL, arguments | {"seed": 3}))
        still = await running.call_tool(TOOL, arguments | {"seed": 4})

    assert status == 0
    assert "all 1 generations were taken over" in out
    assert "Restart every server that still runs on this folder" in out
    for result in (refused, still):
        assert "is not the one that this server began with" in text_of(result)
        assert "restart this server" in text_of(result)
    assert joined["jobId"] == first["jobId"]
    assert len(world.ledger) == 2


async def test_a_server_that_never_had_a_file_goes_on_with_the_new_one(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    state.mkdir(mode=0o700)
    (state / FILE).write_bytes(b"broken" * 1000)
    async with agent_of(machine.server()) as agent:
        refused = await agent.call_tool(TOOL, arguments)
        status, _ = begin_anew()
        made(await agent.call_tool(TOOL, arguments))

    assert refused.is_error
    assert status == 0
    assert len(world.ledger) == 1


async def test_where_there_never_was_a_file_nothing_is_begun(state: Path, begin_anew: BeginAnew) -> None:
    status, out = begin_anew()

    assert status == 1
    assert f"nothing was begun anew: {state} never held a state file" in out
    assert not state.exists()


async def test_while_another_server_writes_nothing_is_begun(
    machine: Machine, state: Path, arguments: dict[str, Any], begin_anew: BeginAnew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenario_mcp.state.anew.PATIENCE", 0.05)
    await spend(machine, arguments, 1)
    before = sorted(path.name for path in state.iterdir())
    other = sqlite3.connect(state / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, out = begin_anew()
    other.close()

    assert status == 1
    assert "Another server of this machine is writing the state file; try again." in out
    assert sorted(path.name for path in state.iterdir()) == before


async def test_on_a_full_disk_the_old_file_stays_where_it_is(
    machine: Machine, state: Path, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    [job] = await spend(machine, arguments, 1)
    with full_disk(1024):
        status, out = begin_anew()
    async with agent_of(machine.server()) as agent:
        listed = made(await agent.call_tool(LIST, {}))["jobs"]

    assert status == 1
    assert "nothing was begun anew." in out
    assert [row["jobId"] for row in listed] == [job]
    assert list(state.glob("*.new*")) == []


@as_root
async def test_a_folder_of_another_owner_is_no_matter_of_a_new_file(
    machine: Machine, state: Path, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    await spend(machine, arguments, 1)
    os.chown(state, NOBODY, NOBODY)
    status, out = begin_anew()

    assert status == 1
    assert f"{state} belongs to user {NOBODY}" in out
    assert list(state.glob("*aside*")) == []


async def test_cut_short_it_leaves_a_folder_without_a_file_which_is_no_first_start(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], begin_anew: BeginAnew
) -> None:
    await spend(machine, arguments, 1)
    (state / FILE).rename(state / f"{FILE}.aside-1")  # where the old is aside, and the new one not in its place
    async with agent_of(machine.server()) as agent:
        refused = await agent.call_tool(TOOL, arguments | {"seed": 2})
    status, _ = begin_anew()
    await spend(machine, arguments, 3)

    assert f"{state / FILE} is gone" in text_of(refused)
    assert status == 0
    assert len(world.ledger) == 2
