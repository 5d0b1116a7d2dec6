"""The journal survives what happens to files and clocks, and says when it cannot."""

import os
import sqlite3
import stat
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenario_mcp.sandbox.world import World
from scenario_mcp.spending.budget import Caps
from scenario_mcp.state.alive import Process
from scenario_mcp.state.entries import Intent
from scenario_mcp.state.faults import StoreBusy
from scenario_mcp.state.folder import FILE
from scenario_mcp.state.journal import Journal
from scenario_mcp.state.migrations import MIGRATIONS
from scenario_mcp.state.store import Store
from support.agents import LIST, TOOL, agent_of, made, text_of
from support.kernel import full_disk
from support.network import GENERATE, Deliver, SandboxNetwork
from support.pictures import data_url, png
from support.servers import Machine

pytestmark = pytest.mark.anyio

JOINED = "This is the same generation as job"
INTENT = Intent("identity", "tool", "/generate/x", "model_x", {"prompt": "p"})


def nothing(_: Any) -> bool:
    return False


@pytest.fixture
def state(machine: Machine) -> Path:
    assert machine.state is not None
    return machine.state


async def test_a_full_disk_refuses_to_pay_joins_all_the_same_and_is_gone_on_with_once_it_has_room(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        with full_disk(4096):
            joined = await agent.call_tool(TOOL, arguments)
            new = await agent.call_tool(TOOL, arguments | {"seed": 2})
            listed = await agent.call_tool(LIST, {})
            assert len(world.ledger) == 1
        later = await agent.call_tool(TOOL, arguments | {"seed": 2})
        listed_later = await agent.call_tool(LIST, {})

    assert made(joined)["jobId"] == first["jobId"]
    assert f"The state file {state / FILE} cannot be written (SQLITE_IOERR_WRITE)" in text_of(new)
    assert "Nothing was generated or billed, and whatever is free goes on." in text_of(new)
    assert [row["jobId"] for row in made(listed)["jobs"]] == [first["jobId"]]
    assert "Nothing more is paid for meanwhile. Ask the user to" in text_of(listed)
    assert made(later)["jobId"] == world.ledger[1].job_id
    assert "cannot be" not in text_of(later) + text_of(listed_later)


async def test_a_full_disk_stops_paying_under_a_cap_of_a_day(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any]
) -> None:
    machine.caps = Caps(per_day=Decimal(100))
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        with full_disk(4096):
            result = await agent.call_tool(TOOL, arguments | {"seed": 2})

    assert result.is_error
    assert f"The state file {state / FILE} cannot be written (SQLITE_IOERR_WRITE)" in text_of(result)
    assert len(world.ledger) == 1


async def test_a_newer_journal_is_refused_and_left_alone(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any]
) -> None:
    state.mkdir()
    with sqlite3.connect(state / FILE) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    database.close()
    before = (state / FILE).read_bytes()
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert f"{state / FILE} was written by a newer version of scenario-mcp" in text_of(result)
    assert "Ask the user to update this one, or to run `scenario-mcp doctor --begin-anew`" in text_of(result)
    assert world.ledger == []
    assert (state / FILE).read_bytes() == before
    assert [path.name for path in state.iterdir()] == [FILE]


async def test_a_server_stops_paying_when_a_newer_one_takes_its_file_over_and_still_notes_what_it_has_paid_for(
    machine: Machine, state: Path, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def accepts_as_a_newer_server_begins(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        response = await deliver(request)
        with sqlite3.connect(state / FILE) as database:
            database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        database.close()
        return response

    machine.wait_seconds = 0
    network.plan(GENERATE, accepts_as_a_newer_server_begins)
    async with agent_of(machine.server()) as agent:
        paid = made(await agent.call_tool(TOOL, arguments))
        again = made(await agent.call_tool(TOOL, arguments))
        other = await agent.call_tool(TOOL, arguments | {"seed": 2})

    assert again["jobId"] == paid["jobId"]
    assert "was written by a newer version of scenario-mcp" in text_of(other)
    assert len(world.ledger) == 1


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_journal_of_every_earlier_version_is_taken_over(tmp_path: Path, version: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with sqlite3.connect(state / FILE) as database:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                database.execute(statement)
        database.execute("INSERT INTO uploads VALUES ('scope', 'digest', 0, '', 'asset_x')")
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    store = Store(state)

    Journal(store).begin(INTENT, 0.0, nothing, lambda *_: None)

    [row] = store.execute("SELECT asset_id FROM uploads")
    assert row["asset_id"] == "asset_x"
    assert (state / "state.mark").exists()


@pytest.mark.parametrize("hours", [-48, -1, 1])
async def test_a_clock_that_is_set_neither_pays_twice_nor_lifts_a_cap(
    machine: Machine, world: World, arguments: dict[str, Any], hours: float
) -> None:
    machine.caps = Caps(per_day=Decimal("12"))
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        machine.skew = hours * 3600
        again = made(await agent.call_tool(TOOL, arguments))
        too_much = await agent.call_tool(TOOL, arguments | {"seed": 2})

    assert first["jobId"] == again["jobId"]
    assert "SCENARIO_MAX_CU_PER_DAY" in text_of(too_much)
    assert len(world.ledger) == 1


async def test_a_clock_set_back_after_an_answer_costs_at_most_one_call(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    world.pace = 2
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        machine.skew = -3600
        await agent.call_tool(TOOL, arguments)
        anew = await agent.call_tool(TOOL, arguments)

    assert JOINED not in text_of(anew)
    assert len(world.ledger) == 2


async def test_only_this_person_may_read_what_is_remembered(
    machine: Machine, state: Path, arguments: dict[str, Any]
) -> None:
    before, machine.state = os.umask(0), state / "below"
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        os.umask(before)
        parent, state = state, machine.state

        assert stat.S_IMODE(state.stat().st_mode) == stat.S_IMODE(parent.stat().st_mode) == 0o700
        assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {
            path.name: 0o600 for path in state.iterdir()
        }
        assert len(list(state.glob("server-*.lock"))) == 1

    assert list(state.glob("server-*.lock")) == []


async def test_pictures_inside_calls_and_keys_are_not_written_down(
    machine: Machine, state: Path, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments | {"image": data_url(png("tan")), "ipAdapterImages": [data_url()]})
        kept = b"".join(path.read_bytes() for path in state.iterdir())

    assert b"a phoenix" in kept
    assert b"base64" not in kept
    assert b"needs-no-secret" not in kept


async def test_entries_are_dropped_after_ninety_days(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
    clock = world.clock
    world.clock = lambda: clock() + 91 * 24 * 3600
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments | {"seed": 2})
        rows = made(await agent.call_tool(LIST, {}))["jobs"]

    assert len(rows) == 1


def test_a_lock_that_another_server_holds_is_waited_for_and_then_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenario_mcp.state.store.PATIENCE", 0.05)
    journal = Journal(Store(tmp_path))
    journal.begin(INTENT, 0.0, nothing, lambda *_: None)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreBusy):
        journal.begin(replace(INTENT, identity="other"), 0.0, nothing, lambda *_: None)
    other.close()

    assert journal.begin(replace(INTENT, identity="other"), 0.0, nothing, lambda *_: None).mine


async def test_a_busy_journal_refuses_to_pay_and_says_to_call_again(
    machine: Machine, state: Path, world: World, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenario_mcp.state.store.PATIENCE", 0.05)
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(LIST, {})
        other = sqlite3.connect(state / FILE, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        busy = await agent.call_tool(TOOL, arguments)
        other.close()
        made(await agent.call_tool(TOOL, arguments))

    assert "Nothing was generated or billed. It is safe to call again in a moment." in text_of(busy)
    assert len(world.ledger) == 1


def test_one_open_entry_per_identity_even_past_the_rules(tmp_path: Path) -> None:
    journal = Journal(Store(tmp_path))
    journal.begin(INTENT, 0.0, nothing, lambda *_: None)

    with pytest.raises(sqlite3.IntegrityError):
        journal.begin(INTENT, 0.0, nothing, lambda *_: None)


def test_a_job_belongs_to_one_entry_and_an_answer_takes_it_from_a_find(tmp_path: Path) -> None:
    journal = Journal(Store(tmp_path))
    one, two = (journal.begin(replace(INTENT, identity=name), 0.0, nothing, lambda *_: None).entry for name in "ab")
    journal.lost(one.id)

    assert journal.accepted(one.id, "job_x", author=None, cost=None, found=True)
    assert not journal.accepted(one.id, "job_y", author=None, cost=None, found=True)
    assert journal.accepted(two.id, "job_x", author=None, cost=1)
    assert (journal.entry(one.id).state, journal.entry(one.id).job_id) == ("unsure", None)
    assert not journal.accepted(one.id, "job_x", author=None, cost=None, found=True)


def test_an_answer_that_comes_after_all_is_not_forgotten(tmp_path: Path) -> None:
    journal = Journal(Store(tmp_path))
    entry = journal.begin(INTENT, 0.0, nothing, lambda *_: None).entry
    journal.lost(entry.id)
    journal.absent(entry.id)
    journal.begin(INTENT, 0.0, nothing, lambda *_: None)

    journal.accepted(entry.id, "job_x", author=None, cost=2_000_000)

    assert (journal.entry(entry.id).state, journal.entry(entry.id).job_id) == ("late", "job_x")
    assert journal.spent() == 2_000_000


def test_an_answer_is_not_told_to_a_call_that_was_followed_by_one_that_waits_for_an_earlier_try(tmp_path: Path) -> None:
    now = 1000.0
    journal = Journal(Store(tmp_path), clock=lambda: now)
    first = journal.begin(INTENT, 900.0, nothing, lambda *_: None).entry
    journal.lost(first.id)
    journal.joined(first.id, 990.0)  # the second call waits for what becomes of the first try
    journal.absent(first.id)
    second = journal.begin(INTENT, 900.0, nothing, lambda *_: None).entry
    journal.accepted(second.id, "job_x", author=None, cost=None)
    journal.ended("job_x", "success", now, assets=(), cost=None, refunded=False)

    journal.told("job_x", took=100.0)  # to the first call, made at 900

    assert journal.entry(second.id).told is None


@pytest.mark.parametrize(("found", "state"), [("job_x", "accepted"), ("job_of_another", "late")])
def test_the_answer_itself_is_worth_more_than_a_find(tmp_path: Path, found: str, state: str) -> None:
    journal = Journal(Store(tmp_path))
    entry = journal.begin(INTENT, 0.0, nothing, lambda *_: None).entry
    journal.lost(entry.id)
    journal.accepted(entry.id, found, author=None, cost=None, found=True)

    journal.accepted(entry.id, "job_x", author="me", cost=2_000_000, answer={"translation": "a cat"})

    now = journal.entry(entry.id)
    assert (now.state, now.job_id, now.found, now.cost) == (state, "job_x", False, 2_000_000)
    assert now.answer == {"translation": "a cat"}


def test_a_server_lives_until_it_ends_however_it_ends(tmp_path: Path) -> None:
    one, two = Process(tmp_path), Process(tmp_path)
    one.live()

    assert two.lives(one.name)
    assert one.lives(one.name)
    assert not two.lives("1-nobody")

    one.die()

    assert not two.lives(one.name)
    assert list(tmp_path.iterdir()) == []
