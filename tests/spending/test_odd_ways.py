"""Odd ways in which something could be paid twice, or lost: long waits, clocks, records, locks, other servers."""

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from scenario_mcp.sandbox.world import World
from scenario_mcp.spending.budget import Caps
from scenario_mcp.state.alive import Process
from scenario_mcp.state.entries import Intent
from scenario_mcp.state.faults import StoreBroken
from scenario_mcp.state.folder import FILE
from scenario_mcp.state.journal import Journal
from scenario_mcp.state.store import Store
from support.agents import CANCEL, LIST, RERUN, TOOL, agent_of, made, text_of
from support.network import (
    GENERATE,
    Deliver,
    SandboxNetwork,
    answers,
    busy,
    hangs_after,
    refused,
    reset_after,
    reset_before,
    server_error,
)
from support.pictures import data_url, png
from support.servers import Machine
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

FOREVER = 10_000
JOINED = "This is the same generation as job"
FOUND = "the job was found again"
INTENT = Intent("identity", "tool", "/generate/x", "model_x", {"prompt": "p"})
FLUX1 = {"modelId": "model_bfl-flux-1-dev", "parameters": {"prompt": "sandbox:slow"}}


@contextmanager
def locked(state: Path | None) -> Iterator[None]:
    """Hold the write lock of the state file, as another server would."""
    assert state is not None
    other = sqlite3.connect(state / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for a moment only."""
    monkeypatch.setattr("scenario_mcp.state.store.PATIENCE", 0.05)
    monkeypatch.setattr("scenario_mcp.state.store.HURRIED", 0.01)


# --- what is looked for, and where


async def test_an_answer_lost_after_a_long_wait_for_a_slot_is_found(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 600
    network.plan(GENERATE, answers(429, {"remainingSeconds": 200}))
    network.plan(GENERATE, reset_after)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert FOUND in text_of(result)
    assert made(result)["jobId"] == world.ledger[0].job_id
    assert len(world.ledger) == 1


async def test_an_answer_lost_after_the_machine_slept_is_found(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    awake = world.clock
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        world.clock = lambda: awake() + 600  # all clocks go on, but the one that stands still while a machine sleeps
        network.plan(GENERATE, reset_after)
        result = await agent.call_tool(TOOL, arguments | {"seed": 2})

    assert FOUND in text_of(result)
    assert len(world.ledger) == 2


async def test_a_time_that_nothing_told_is_asked_for_before_paying(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    machine.skew = -300
    network.plan("GET /v1/models/", refused, 3)
    network.plan(GENERATE, hangs_after)
    async with agent_of(machine.server()) as agent:
        with anyio.move_on_after(10):
            await agent.call_tool(TOOL, arguments)
    machine.skew = 0
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert FOUND in text_of(result)
    assert len(world.ledger) == 1


async def test_without_scenarios_time_the_search_is_wide_and_still_ends(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    machine.skew = -3 * 3600
    network.plan("GET /v1/", refused, 6)  # no reply before the paid request
    network.plan(GENERATE, hangs_after)
    async with agent_of(machine.server()) as agent:
        with anyio.move_on_after(12):
            await agent.call_tool(TOOL, arguments)
    machine.skew = 0
    async with agent_of(machine.server()) as agent:
        found = await agent.call_tool(TOOL, arguments)
    network.plan("GET /v1/", refused, 6)
    network.plan(GENERATE, reset_before)
    async with agent_of(machine.server()) as agent:
        results = [await agent.call_tool(TOOL, arguments | {"seed": 2}) for _ in range(3)]

    assert FOUND in text_of(found)
    assert [result.is_error for result in results[:1]] == [True]
    assert made(results[-1])["status"] == "success"
    assert [bill.body.get("seed") for bill in world.ledger].count("2") in (1, 2)  # the third call may be a new one


async def test_looks_close_together_count_as_one(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    mended = anyio.Event()

    async def broken(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        return await (deliver(request) if mended.is_set() else server_error(request, deliver))

    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", broken, FOREVER)
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        await anyio.sleep(1_000)
        mended.set()
        began = world.clock()
        result = await agent.call_tool(TOOL, arguments)

    assert made(result)["status"] == "success"
    assert world.jobs[world.ledger[0].job_id].created - began >= 10


async def test_a_job_that_another_call_owns_hides_nothing_for_ever(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    one, two = (arguments | {"image": data_url(png(colour))} for colour in ("tan", "navy"))
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, one)
        network.plan(GENERATE, reset_before)
        results = [await agent.call_tool(TOOL, two) for _ in range(2)]

    assert made(results[-1])["jobId"] == world.ledger[1].job_id
    assert len(world.ledger) == 2


async def test_a_job_is_claimed_once_over_all_accounts(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    """The same key with and without a project makes two accounts that see the same jobs."""
    world.accounts["other"] = SANDBOX_CREDENTIALS[1]
    other = machine.server(credentials=("other", SANDBOX_CREDENTIALS[1]))
    async with agent_of(machine.server()) as one, agent_of(other) as two:
        await one.call_tool(TOOL, arguments)
        network.plan(GENERATE, reset_before)
        lost = await two.call_tool(TOOL, arguments)

    assert "No job was found" in text_of(lost)


async def test_half_a_character_does_not_hide_a_job(machine: Machine, network: SandboxNetwork, world: World) -> None:
    network.plan(GENERATE, reset_after)
    call = {"modelId": "model_bfl-flux-2-dev", "parameters": '{"prompt": "a fox \\ud83d"}'}
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool("run-model", call)

    assert FOUND in text_of(result)
    assert len(world.ledger) == 1


async def test_a_lora_on_its_base_is_found_whichever_model_its_record_names(
    machine: Machine, network: SandboxNetwork, world: World, hero: str
) -> None:
    async def names_the_base(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        listed = (await (await deliver(request)).aread()).replace(b"model_sandbox-ink", b"model_bfl-flux-1-dev")
        return httpx.Response(200, content=listed)

    network.plan(GENERATE, reset_after)
    network.plan("GET /v1/jobs", names_the_base)
    call = {"modelId": "model_sandbox-ink", "parameters": {"prompt": "a fox", "image": hero}}
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool("run-model", call)

    assert FOUND in text_of(result)


@pytest.mark.parametrize("status", [409, 425, 499])
async def test_a_refusal_that_is_not_certain_counts_as_a_lost_answer(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], status: int
) -> None:
    async def bills_and_refuses(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await deliver(request)
        return httpx.Response(status, json={"message": "odd"})

    network.plan(GENERATE, bills_and_refuses)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert FOUND in text_of(result)
    assert len(world.ledger) == 1


async def test_what_nobody_may_look_for_is_not_looked_for_again_and_again(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", answers(403, {"message": "Forbidden"}), FOREVER)
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        await anyio.sleep(600)

    assert network.count("GET /v1/jobs") == 2  # by the call, and once in the background


# --- what is joined


async def test_a_call_whose_pictures_took_long_joins_one_made_beside_it(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    """The same picture, once by a path that uploads slowly, once inside the call."""
    (Path.home() / "hero.png").write_bytes(png("tan"))

    async def slow(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await anyio.sleep(14)
        return await deliver(request)

    network.plan("POST /v1/assets", slow)
    results: dict[str, Any] = {}

    async def call(agent: Any, image: str) -> None:
        results[image[:4]] = await agent.call_tool(TOOL, arguments | {"image": image})

    async with agent_of(machine.server()) as agent, anyio.create_task_group() as tasks:
        tasks.start_soon(call, agent, "hero.png")
        tasks.start_soon(call, agent, data_url(png("tan")))

    assert len(world.ledger) == 1
    assert JOINED in text_of(results["hero"])


@pytest.mark.parametrize("record_first", [True, False])
async def test_run_model_is_joined_whether_or_not_the_record_can_be_read(
    machine: Machine, network: SandboxNetwork, world: World, hero: str, record_first: bool
) -> None:
    call = {**FLUX1, "parameters": FLUX1["parameters"] | {"image": hero, "loras": ["model_sandbox-ink"]}}  # type: ignore[operator]  # a dict
    for readable in (record_first, not record_first):
        network.plan("GET /v1/models/", server_error, 0 if readable else 3)
        async with agent_of(machine.server()) as agent:
            with anyio.move_on_after(12):
                await agent.call_tool("run-model", call)

    assert len(world.ledger) == 1


async def test_what_runs_is_joined_even_if_its_model_would_now_be_refused(machine: Machine, world: World) -> None:
    call = {**FLUX1, "parameters": FLUX1["parameters"] | {"extra": 1}}  # type: ignore[operator]  # a dict
    world.models["model_bfl-flux-1-dev"]["inputs"].append({"name": "extra", "type": "number"})
    async with agent_of(machine.server()) as agent:
        with anyio.move_on_after(5):
            await agent.call_tool("run-model", call)
    world.models["model_bfl-flux-1-dev"]["inputs"].pop()
    async with agent_of(machine.server()) as agent:
        again = await agent.call_tool("run-model", call)

    assert made(again)["jobId"] == world.ledger[0].job_id


async def test_a_generation_under_a_name_of_version_0_1_0_is_joined_and_made_again(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    tool, before = "post-skybox-base360-inferences", "post-skybox-base-360-inferences"
    call = {"prompt": "sandbox:slow"}
    machine.toolsets, machine.wait_seconds = ("edit",), 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(tool, call))["jobId"]
    assert machine.state is not None
    with closing(sqlite3.connect(machine.state / FILE, isolation_level=None)) as old:
        identity = machine.server().purchases.ledger.journal.identity(before, call)
        old.execute("UPDATE generations SET tool = ?, identity = ?", (before, identity))
    async with agent_of(machine.server()) as agent:
        joined = await agent.call_tool(tool, call)
        again = made(await agent.call_tool(RERUN, {"jobId": first}))["jobId"]

    assert JOINED in text_of(joined)
    assert {bill.job_id for bill in world.ledger} == {first, again}


async def test_an_own_request_is_never_taken_for_dead_however_the_clock_is_set(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 600
    network.plan(GENERATE, answers(429, {"remainingSeconds": 200}))
    results: list[Any] = []

    async def call(agent: Any) -> None:
        results.append(await agent.call_tool(TOOL, arguments))

    async with agent_of(machine.server()) as agent, anyio.create_task_group() as tasks:
        tasks.start_soon(call, agent)
        await anyio.sleep(5)
        machine.skew = 3 * 3600
        tasks.start_soon(call, agent)

    assert len(world.ledger) == network.count(GENERATE) - 1 == 1
    assert len({made(result)["jobId"] for result in results}) == 1


async def test_a_request_that_another_server_gave_up_is_not_sent(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, busy, 3)
    server = machine.server()
    async with agent_of(server) as agent:

        async def bury() -> None:
            await anyio.sleep(2)
            Journal(Store(machine.state), server.client.scope).bury()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bury)
            server.purchases.ledger.journal.process.die()  # so that others take this server for dead
            result = await agent.call_tool(TOOL, arguments)

    assert "Another server took this request for given up" in text_of(result)
    assert world.ledger == []


async def test_a_server_that_ends_begins_nothing_more(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, busy, 1)
    server = machine.server()
    async with agent_of(server) as agent:
        call = asyncio.create_task(agent.call_tool(TOOL, arguments))
        await anyio.sleep(0.5)
        await server.purchases.settle(1)
        refused_call = await call
        other = await agent.call_tool(TOOL, arguments | {"seed": 2})

    for result in (refused_call, other):
        assert "This server is ending" in text_of(result)
    assert world.ledger == []


# --- what becomes of odd jobs


async def test_a_job_that_scenario_forgot_is_not_joined_for_ever(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))["jobId"]
        world.jobs.clear()
        await anyio.sleep(60)
        joined = await agent.call_tool(TOOL, arguments)
        await anyio.sleep(600)
        anew = made(await agent.call_tool(TOOL, arguments))["jobId"]
        rows = made(await agent.call_tool(LIST, {}))["jobs"]

    assert JOINED in text_of(joined)
    assert anew != first
    assert [row["status"] for row in rows] == ["in-progress", "gone"]


async def test_an_answer_that_came_after_all_is_listed_with_its_results(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    server = machine.server()
    journal = server.purchases.ledger.journal
    async with agent_of(server) as agent:
        job_id = made(await agent.call_tool(TOOL, arguments))["jobId"]
        journal.store.execute("UPDATE generations SET state = 'late' WHERE job_id = ?", (job_id,))
        await anyio.sleep(10)
        [row] = made(await agent.call_tool(LIST, {}))["jobs"]

    assert (row["status"], row["results"]) == ("success", 4)


async def test_a_cancellation_tells_the_outcome(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))["jobId"]
        await agent.call_tool(CANCEL, {"jobId": first})
        anew = made(await agent.call_tool(TOOL, arguments))["jobId"]

    assert anew != first


async def test_a_cost_beyond_all_reason_loses_no_job(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    network.plan(GENERATE, answers(200, {"job": {"jobId": "job_x"}, "creativeUnitsCost": 1e300}))
    async with agent_of(machine.server()) as agent:
        ids = {made(await agent.call_tool(TOOL, arguments))["jobId"] for _ in range(2)}

    assert ids == {"job_x"}


async def test_what_was_made_without_a_cap_and_is_not_settled_stops_a_capped_server(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", answers(403, {}), FOREVER)
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
    machine.caps = Caps(per_day=Decimal(100))
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments | {"seed": 2})

    assert "1 generation(s) that were made without a cap are not settled" in text_of(result)
    assert world.ledger == []


# --- what is kept


@pytest.mark.parametrize(
    "hidden",
    [{"items": [{"image": data_url()}]}, {"style": {"image": data_url()}}, {"a.b": data_url()}, {"x": [[data_url()]]}],
)
async def test_pictures_anywhere_in_parameters_are_not_written_down_and_hide_no_results(
    machine: Machine, network: SandboxNetwork, world: World, tmp_path: Path, hidden: dict[str, Any]
) -> None:
    async def accepts_anything(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        plain = httpx.Request("POST", request.url, headers=request.headers, json={"prompt": "p"})
        return await deliver(plain)

    machine.shelf = tmp_path / "Scenario"
    network.plan("GET /v1/models/", answers(403, {}), FOREVER)
    network.plan(GENERATE, accepts_anything, FOREVER)
    call = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p", **hidden}}
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool("run-model", call))
        kept = b"".join(path.read_bytes() for path in machine.state.iterdir()) if machine.state else b""
        refused_call = await agent.call_tool(RERUN, {"jobId": first["jobId"]})
        again = await agent.call_tool(RERUN, {"jobId": first["jobId"], "overrides": hidden})

    assert "path" in first["assets"][0]
    assert b"base64" not in kept
    assert "was given as a data URL" in text_of(refused_call)
    assert made(again)["jobId"] != first["jobId"]


async def test_what_changes_nothing_that_is_made_makes_no_other_rerun(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))["jobId"]
        overrides: list[dict[str, Any]] = [{}, {"originalAssets": True}, {"dryRun": False}]
        ids = {made(await agent.call_tool(RERUN, {"jobId": first, "overrides": each}))["jobId"] for each in overrides}
        without_seed = made(await agent.call_tool(RERUN, {"jobId": first, "overrides": {"seed": None}}))["jobId"]

    assert len(ids) == 1
    assert without_seed not in ids


@pytest.mark.parametrize("name", ["ipAdapterImage", "ipAdapterImages"])
async def test_a_rerun_names_a_path_by_its_bytes_whatever_the_argument_is_called(
    machine: Machine, arguments: dict[str, Any], name: str
) -> None:
    machine.wait_seconds = 0
    ink = Path.home() / "ink.png"
    ids = []
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))["jobId"]
        for colour in ("red", "blue"):
            ink.write_bytes(png(colour))
            ids.append(made(await agent.call_tool(RERUN, {"jobId": first, "overrides": {name: "ink.png"}}))["jobId"])

    assert ids[0] != ids[1]


# --- locks and broken files


@pytest.mark.usefixtures("impatient")
async def test_a_file_that_is_locked_when_it_is_first_opened_is_opened_later(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(LIST, {})
    async with agent_of(machine.server()) as agent:
        with locked(machine.state):
            early = await agent.call_tool(TOOL, arguments)
        late = await agent.call_tool(TOOL, arguments)

    assert "It is safe to call again in a moment" in text_of(early)
    assert "cannot be kept" not in text_of(late)
    assert len(world.ledger) == 1


async def test_canceling_what_had_succeeded_tells_no_outcome_and_names_the_call_that_does(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))["jobId"]
        await anyio.sleep(10)
        canceled = made(await agent.call_tool(CANCEL, {"jobId": first}))
        again = await agent.call_tool(TOOL, arguments)

    assert canceled["next"] == {"tool": "wait-for-jobs", "arguments": {"jobIds": [first]}}
    assert made(again)["jobId"] == first
    assert len(world.ledger) == 1


@pytest.mark.usefixtures("impatient")
async def test_reading_tools_work_while_the_file_is_locked(machine: Machine, arguments: dict[str, Any]) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        begun = made(await agent.call_tool(TOOL, arguments))
        with locked(machine.state):
            listed = made(await agent.call_tool(LIST, {}))
            await agent.call_tool("wait-for-jobs", {"jobIds": [begun["jobId"]]})

    assert [row["jobId"] for row in listed["jobs"]] == [begun["jobId"]]


@pytest.mark.usefixtures("impatient")
async def test_a_refusal_that_could_not_be_noted_blocks_nothing(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def refuses_while_locked(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        lock.__enter__()
        return httpx.Response(400, json={"reason": "no"})

    lock = locked(machine.state)
    network.plan(GENERATE, refuses_while_locked)
    async with agent_of(machine.server()) as agent:
        assert (await agent.call_tool(TOOL, arguments)).is_error
        lock.__exit__(None, None, None)
        results = [await agent.call_tool(TOOL, arguments) for _ in range(2)]

    assert made(results[-1])["status"] == "success"
    assert len(world.ledger) == 1


@pytest.mark.usefixtures("impatient")
async def test_an_acceptance_that_could_not_be_noted_is_found_by_the_repeat(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def accepts_while_locked(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        response = await deliver(request)
        lock.__enter__()
        return response

    monkeypatch.setattr("scenario_mcp.spending.ledger.INSISTENCE", (0.1, 0.1))
    machine.wait_seconds = 0
    lock = locked(machine.state)
    network.plan(GENERATE, accepts_while_locked)
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        lock.__exit__(None, None, None)
        again = await agent.call_tool(TOOL, arguments)

    assert made(again)["jobId"] == first["jobId"] == world.ledger[0].job_id
    assert FOUND in text_of(again)


@pytest.mark.usefixtures("impatient")
async def test_an_acceptance_is_noted_as_soon_as_the_file_is_free(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    accepted = anyio.Event()

    async def accepts_while_locked(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        response = await deliver(request)
        lock.__enter__()
        accepted.set()
        return response

    async def let_go() -> None:
        await accepted.wait()
        await anyio.sleep(1)
        lock.__exit__(None, None, None)

    machine.wait_seconds = 0
    lock = locked(machine.state)
    network.plan(GENERATE, accepts_while_locked)
    server = machine.server()
    async with agent_of(server) as agent, anyio.create_task_group() as tasks:
        tasks.start_soon(let_go)
        made(await agent.call_tool(TOOL, arguments))
        entry = server.purchases.ledger.journal.of_job(world.ledger[0].job_id)

    assert entry is not None
    assert not entry.found


async def test_what_a_killed_server_was_sending_is_listed_as_unsure(machine: Machine) -> None:
    killed = machine.server().purchases.ledger.journal
    killed.begin(INTENT, 0.0, lambda _: False, lambda *_: None)
    async with agent_of(machine.server()) as agent:
        alive = made(await agent.call_tool(LIST, {}))
        killed.process.die(leave_file=True)
        dead = made(await agent.call_tool(LIST, {}))

    assert [row["note"] for row in alive["jobs"]] == ["being sent now"]
    assert ["its answer was lost" in row["note"] for row in dead["jobs"]] == [True]


def test_servers_that_all_begin_in_an_empty_folder_share_one_file(tmp_path: Path) -> None:
    for number in range(10):
        state = tmp_path / f"{number}"
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(_write, [state] * 8, range(8)))

        assert len(Store(state).execute("SELECT 1 FROM generations")) == 8
        assert sorted(path.name for path in state.iterdir() if "server" not in path.name)[:1] == [FILE]


def _write(state: Path, number: int) -> None:
    store = Store(state)
    Journal(store).begin(replace(INTENT, identity=f"{number}"), 0.0, lambda _: False, lambda *_: None)
    store.close()


def test_a_server_that_was_killed_is_dead_though_its_lock_file_is_there(tmp_path: Path) -> None:
    one, two = Process(tmp_path), Process(tmp_path)
    one.live()
    assert two.lives(one.name)

    one.die(leave_file=True)

    assert [path.name for path in tmp_path.iterdir()] == [f"server-{one.name}.lock"]
    assert not two.lives(one.name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o755, 0o775])  # as umasks make them; the group is the user's own
def test_an_open_folder_with_only_our_files_is_closed_and_one_with_others_left(tmp_path: Path, mode: int) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        folder.chmod(mode)
    (theirs / "letter.txt").touch()
    for folder in (ours, theirs):
        Store(folder).probe()

    assert [folder.stat().st_mode & 0o777 for folder in (ours, theirs)] == [0o700, mode]


async def test_a_request_under_way_never_meets_the_entry_of_another_in_a_new_file(tmp_path: Path) -> None:
    moments = iter((1_000.0, 1_001.0))
    journal = Journal(Store(tmp_path), clock=lambda: next(moments, 1_002.0))
    first = journal.begin(INTENT, 0.0, lambda _: False, lambda *_: None).entry
    for path in tmp_path.iterdir():
        path.unlink()
    other = Journal(Store(tmp_path), clock=lambda: 1_001.0)
    second = other.begin(replace(INTENT, identity="other"), 0.0, lambda _: False, lambda *_: None).entry

    with pytest.raises(StoreBroken, match="not the one that this server began with"):
        journal.accepted(first.id, "job_x", author=None, cost=None)

    assert second.id != first.id
    assert other.entry(second.id).state == "sending"
    assert other.of_job("job_x") is None


async def test_what_is_open_is_never_dropped(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    machine.wait_seconds, machine.skew = 0, -100 * 24 * 3600.0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:stuck"}))["jobId"]
    machine.skew = 0
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        again = made(await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:stuck"}))["jobId"]

    assert again == first
