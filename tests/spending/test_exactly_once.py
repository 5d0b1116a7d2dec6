"""A generation is paid for once, however often its call is made, cut off, or made in another server."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from support.agents import TOOL, WAIT, agent_of, made, text_of
from support.network import (
    GENERATE,
    JOBS,
    Deliver,
    SandboxNetwork,
    answers,
    busy,
    hangs_after,
    hangs_before,
    reset_before,
)
from support.pictures import data_url, png
from support.servers import Machine
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

DEADLINE = 45.0
FOREVER = 10_000
JOINED = "This is the same generation as job"


class Held:
    """A fault that holds a request until it is let go, and tells when it arrived."""

    def __init__(self) -> None:
        self.arrived = anyio.Event()
        self.let_go = anyio.Event()

    async def __call__(self, request: httpx.Request, deliver: Deliver) -> httpx.Response:
        self.arrived.set()
        await self.let_go.wait()
        return await deliver(request)


async def cut_off(agent: McpClient, arguments: dict[str, Any], seconds: float) -> None:
    """Call, and cancel the call after some seconds."""
    with anyio.move_on_after(seconds) as scope:
        await agent.call_tool(TOOL, arguments)
    assert scope.cancelled_caught


async def all_of(*calls: Callable[[], Awaitable[Any]]) -> list[Any]:
    results: dict[int, Any] = {}

    async def one(number: int, call: Callable[[], Awaitable[Any]]) -> None:
        results[number] = await call()

    async with anyio.create_task_group() as tasks:
        for number, call in enumerate(calls):
            tasks.start_soon(one, number, call)
    return [results[number] for number in sorted(results)]


# --- a: what is under way is joined


async def test_parallel_identical_calls_are_one_generation_and_each_says_so(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        results = await all_of(*[lambda: agent.call_tool(TOOL, arguments)] * 5)

    assert len(world.ledger) == 1
    assert {made(result)["jobId"] for result in results} == {world.ledger[0].job_id}
    assert all(len(made(result)["assets"]) == 4 for result in results)
    assert sum(JOINED in text_of(result) for result in results) == 4
    said = next(text_of(result) for result in results if JOINED in text_of(result))
    assert "nothing new was paid" in said
    assert "numSamples" in said
    assert "seed" in said


async def test_parallel_identical_calls_in_two_servers_are_one_generation(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    held = Held()
    network.plan(GENERATE, held)
    async with agent_of(machine.server()) as first, agent_of(machine.server()) as second:

        async def repeat() -> Any:
            await held.arrived.wait()
            with anyio.move_on_after(3):
                await anyio.Event().wait()
            held.let_go.set()
            return await second.call_tool(TOOL, arguments)

        results = await all_of(lambda: first.call_tool(TOOL, arguments), repeat)

    assert len(world.ledger) == 1
    assert network.count(GENERATE) == 1
    assert made(results[0])["jobId"] == made(results[1])["jobId"]
    assert JOINED in text_of(results[1])


async def test_a_repeat_while_its_twin_is_being_sent_waits_for_the_answer(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, hangs_after)
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 5)
        again = await agent.call_tool(TOOL, arguments)
        at_last = await agent.call_tool(TOOL, arguments)

    assert "is being sent by another call" in text_of(again)
    assert again.is_error
    assert made(at_last)["jobId"] == world.ledger[0].job_id
    assert len(world.ledger) == network.count(GENERATE) == 1


async def test_a_job_that_was_only_accepted_is_joined_whatever_was_answered(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        second = made(await agent.call_tool(TOOL, arguments))

    assert (first["status"], second["status"]) == ("in-progress", "in-progress")
    assert first["jobId"] == second["jobId"] == world.ledger[0].job_id
    assert first["creativeUnitsCost"] == second["creativeUnitsCost"]
    assert len(world.ledger) == 1


async def test_a_repeat_after_a_restart_joins_what_runs(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 1.2)
    async with agent_of(machine.server()) as agent:
        again = await agent.call_tool(TOOL, arguments)

    assert made(again)["jobId"] == world.ledger[0].job_id
    assert JOINED in text_of(again)
    assert len(world.ledger) == 1


async def test_a_joined_call_uploads_checks_and_prices_nothing(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    call = arguments | {"image": "https://example.com/a.png", "prompt": "sandbox:stuck"}
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, call, 3)
        sent = len(network.sent)
        await cut_off(agent, call, 3)

    assert {line.rpartition("/")[0] for line in network.sent[sent:]} == {"GET /v1/jobs"}
    assert len(world.ledger) == 1


async def test_a_call_that_was_refused_leaves_nothing_to_join(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, answers(400, {"reason": "no"}))
    async with agent_of(machine.server()) as agent:
        refused = await agent.call_tool(TOOL, arguments)
        again = await agent.call_tool(TOOL, arguments)

    assert refused.is_error
    assert JOINED not in text_of(again)
    assert made(again)["status"] == "success"
    assert len(world.ledger) == 1


async def test_a_call_canceled_while_it_waits_for_a_slot_leaves_nothing_to_join(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, busy, 3)
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 2)
        again = await agent.call_tool(TOOL, arguments)

    assert JOINED not in text_of(again)
    assert len(world.ledger) == 1


# --- b: an outcome that nobody heard


async def test_an_outcome_that_no_call_told_is_given_to_the_repeat(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 2)
        await anyio.sleep(29 * 60)
        again = await agent.call_tool(TOOL, arguments)
        anew = await agent.call_tool(TOOL, arguments)

    assert JOINED in text_of(again)
    assert made(again)["jobId"] == world.ledger[0].job_id
    assert JOINED not in text_of(anew)
    assert len(world.ledger) == 2


async def test_an_outcome_that_nobody_heard_for_half_an_hour_is_not_joined(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 2)
        await anyio.sleep(31 * 60)
        again = await agent.call_tool(TOOL, arguments)

    assert JOINED not in text_of(again)
    assert len(world.ledger) == 2


async def test_a_failure_that_nobody_heard_is_told_to_the_repeat(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    call = arguments | {"prompt": "sandbox:fail"}
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, call, 2)
        await anyio.sleep(60)
        again = await agent.call_tool(TOOL, call)

    assert again.is_error
    assert world.ledger[0].job_id in text_of(again)
    assert JOINED in text_of(again)
    assert len(world.ledger) == 1


async def test_waiting_for_a_job_tells_its_outcome_too(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        begun = made(await agent.call_tool(TOOL, arguments))
        await anyio.sleep(10)
        await agent.call_tool(WAIT, {"jobIds": [begun["jobId"]]})
        anew = await agent.call_tool(TOOL, arguments)

    assert JOINED not in text_of(anew)
    assert len(world.ledger) == 2


# --- c: a host that gave up without a word


async def test_a_long_call_is_joined_once_more_by_a_repeat_soon_after_it(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    world.pace = 2
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        await anyio.sleep(19)
        again = await agent.call_tool(TOOL, arguments)
        anew = await agent.call_tool(TOOL, arguments)

    assert JOINED in text_of(again)
    assert JOINED not in text_of(anew)
    assert len(world.ledger) == 2


async def test_a_long_call_is_not_joined_later(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    world.pace = 2
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        await anyio.sleep(21)
        anew = await agent.call_tool(TOOL, arguments)

    assert JOINED not in text_of(anew)
    assert len(world.ledger) == 2


async def test_a_quick_call_made_again_is_a_new_generation(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        for _ in range(3):
            assert JOINED not in text_of(await agent.call_tool(TOOL, arguments))

    assert len(world.ledger) == 3


# --- what makes two calls the same


async def joins(machine: Machine, first: dict[str, Any], second: dict[str, Any], tool: str = TOOL) -> bool:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        ids = [made(await agent.call_tool(tool, call))["jobId"] for call in (first, second)]
    return bool(ids[0] == ids[1])


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "order of names": ({"seed": "1", "strength": 0.5}, {"strength": 0.5, "seed": "1"}),
    "number as text": ({"seed": 1}, {"seed": "1"}),
    "old names": ({"ipAdapterScales": [0.5]}, {"ipAdapterScale": 0.5}),
    "originals": ({}, {"originalAssets": True}),
    "path and data URL of the same bytes": ({"image": "hero.png"}, {"image": data_url(png("tan"))}),
    "two paths of the same bytes": ({"image": "hero.png"}, {"image": "copy.png"}),
}
OTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "seed": ({"seed": 1}, {"seed": 2}),
    "seed or none": ({}, {"seed": 2}),
    "other bytes": ({"image": "hero.png"}, {"image": "ink.png"}),
    "other address": ({"image": "https://example.com/a.png"}, {"image": "https://example.com/b.png"}),
    "default said": ({}, {"numSamples": 4}),
}


@pytest.fixture(autouse=True)
def _pictures(_own_surroundings: None) -> None:
    for name, colour in (("hero.png", "tan"), ("copy.png", "tan"), ("ink.png", "navy")):
        Path.home().joinpath(name).write_bytes(png(colour))


@pytest.mark.parametrize("name", SAME)
async def test_calls_that_ask_for_the_same_are_joined(machine: Machine, arguments: dict[str, Any], name: str) -> None:
    first, second = SAME[name]

    assert await joins(machine, arguments | first, arguments | second)


@pytest.mark.parametrize("name", OTHER)
async def test_calls_that_ask_for_something_else_are_not_joined(
    machine: Machine, arguments: dict[str, Any], name: str
) -> None:
    first, second = OTHER[name]

    assert not await joins(machine, arguments | first, arguments | second)


async def test_a_picture_that_was_deleted_and_is_uploaded_again_changes_nothing(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    call = arguments | {"image": "hero.png", "prompt": "sandbox:slow"}
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, call, 3)
        world.assets.clear()
        again = await agent.call_tool(TOOL, call)

    assert made(again)["jobId"] == world.ledger[0].job_id
    assert len(world.ledger) == 1


async def test_another_account_joins_nothing(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    world.accounts["other"] = SANDBOX_CREDENTIALS[1]
    machine.wait_seconds = 0
    other = machine.server(credentials=("other", SANDBOX_CREDENTIALS[1]))
    async with agent_of(machine.server()) as one, agent_of(other) as two:
        ids = {made(await agent.call_tool(TOOL, arguments))["jobId"] for agent in (one, two)}

    assert len(ids) == len(world.ledger) == 2


async def test_run_model_is_joined_the_same_way(machine: Machine, world: World) -> None:
    call = {
        "modelId": "model_bfl-flux-2-dev",
        "parameters": {"prompt": "a fox", "referenceImages": [data_url(png("tan"))]},
    }
    by_path = call | {"parameters": {"prompt": "a fox", "referenceImages": "hero.png"}}

    assert await joins(machine, call, by_path, "run-model")
    assert len(world.ledger) == 1


async def test_a_question_for_the_price_joins_nothing_and_is_joined_by_nothing(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        statuses = [
            made(await agent.call_tool(TOOL, arguments | {"dryRun": dry_run}))["status"]
            for dry_run in (True, False, True, True)
        ]

    assert statuses == ["dry-run", "success", "dry-run", "dry-run"]
    assert network.count(GENERATE) == 4
    assert len(world.ledger) == 1


# --- lost answers


@pytest.mark.parametrize("skew", [-180.0, 0.0, 180.0])
async def test_a_job_whose_answer_was_lost_with_the_server_is_found_by_the_repeat(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], skew: float
) -> None:
    machine.skew = skew
    network.plan(GENERATE, hangs_after)
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 5)
    async with agent_of(machine.server()) as agent:
        again = await agent.call_tool(TOOL, arguments)

    assert made(again)["jobId"] == world.ledger[0].job_id
    assert "Scenario's answer was lost on the way; the job was found again" in text_of(again)
    assert network.count(GENERATE) == len(world.ledger) == 1


async def test_a_request_that_never_arrived_is_made_again_only_after_a_minute_and_two_looks(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, reset_before)
    began = anyio.current_time()
    async with agent_of(machine.server()) as agent:
        lost = await agent.call_tool(TOOL, arguments)
        looked_until = anyio.current_time() - began
        again = await agent.call_tool(TOOL, arguments)

    assert lost.is_error
    assert "No job was found for it so far. It is safe to call again" in text_of(lost)
    assert looked_until <= DEADLINE
    assert made(again)["status"] == "success"
    assert JOINED not in text_of(again)
    assert network.count(GENERATE) == 2
    assert world.ledger[0].job_id == made(again)["jobId"]
    assert world.jobs[world.ledger[0].job_id].created - world.clock() + anyio.current_time() - began >= 60


async def test_what_is_waited_for_is_told_meanwhile(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    heard: list[str] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    network.plan(GENERATE, reset_before)
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments, progress_callback=listen)

    assert heard.count("the answer was lost on the way, looking for the job") > 3


async def test_a_lost_answer_is_looked_for_soon_and_then_less_often(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    looked: list[float] = []

    async def timed(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        looked.append(anyio.current_time())
        return await deliver(request)

    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", timed, FOREVER)
    async with agent_of(machine.server()) as agent:
        began = anyio.current_time()
        await agent.call_tool(TOOL, arguments)

    assert [at - began for at in looked[:5]] == pytest.approx([1, 3, 7, 15, 31], abs=0.01)


async def test_a_look_that_fails_proves_nothing(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", answers(500, {}), FOREVER)
    async with agent_of(machine.server()) as agent:
        results = [await agent.call_tool(TOOL, arguments) for _ in range(4)]

    assert all(result.is_error for result in results)
    assert network.count(GENERATE) == 1
    assert world.ledger == []


async def test_a_key_that_may_not_list_jobs_never_sends_the_same_again(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", answers(403, {"message": "Forbidden"}), FOREVER)
    async with agent_of(machine.server()) as agent:
        first = await agent.call_tool(TOOL, arguments)
        await anyio.sleep(24 * 3600)
        again = await agent.call_tool(TOOL, arguments)

    for result in (first, again):
        assert result.is_error
        assert "may not list jobs" in text_of(result)
        assert "Another seed makes a new generation" in text_of(result)
    assert network.count(GENERATE) == 1


async def test_several_jobs_that_may_be_the_one_are_listed_and_nothing_is_sent(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def twice(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await deliver(request)
        await deliver(request)
        raise httpx.ReadError("reset", request=request)

    network.plan(GENERATE, twice)
    async with agent_of(machine.server()) as agent:
        first = await agent.call_tool(TOOL, arguments)
        await anyio.sleep(100)
        again = await agent.call_tool(TOOL, arguments)

    for result in (first, again):
        assert result.is_error
        assert all(bill.job_id in text_of(result) for bill in world.ledger)
    assert network.count(GENERATE) == 1


FOREIGN: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another prompt": lambda job: _with_input(job, prompt="another"),
    "another model": lambda job: _with_input(job, modelId="model_other"),
    "another route": lambda job: _with_input(job, type="txt2img"),
    "another kind": lambda job: job | {"jobType": "custom"},
    "too early": lambda job: job | {"createdAt": "2026-11-18T11:39:50Z"},
    "too late": lambda job: job | {"createdAt": "2026-11-18T11:49:50Z"},
}


def _with_input(job: dict[str, Any], **more: Any) -> dict[str, Any]:
    return job | {"metadata": job["metadata"] | {"input": job["metadata"]["input"] | more}}


def changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A fault that changes every job of a list on its way."""

    async def fault(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        listed = json.loads(await (await deliver(request)).aread())
        return httpx.Response(200, json=listed | {"jobs": [change(job) for job in listed["jobs"]]})

    return fault


@pytest.mark.parametrize("name", FOREIGN)
async def test_a_job_that_is_not_the_one_is_not_taken_for_it(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str
) -> None:
    async def and_lose(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await deliver(request)
        raise httpx.ReadError("reset", request=request)

    network.plan(GENERATE, and_lose)
    network.plan("GET /v1/jobs", changed(FOREIGN[name]), FOREVER)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert "No job was found" in text_of(result)


ODD: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "numbers as text": lambda job: _with_input(job, strength="0.50", numSamples="4"),
    "nothing repeated": lambda job: job | {"metadata": {}},
    "the route with dashes": lambda job: _with_input(job, type="img2img-ip-adapter"),
    "nothing repeated but the model": lambda job: job | {"metadata": {"input": {"modelId": "model_sandbox-ink"}}},
    "the picture as an address": lambda job: _with_input(job, image="https://cdn.example/x", mask=None),
    "no author, no kind": lambda job: job | {"authorId": None, "jobType": None},
    "spaces": lambda job: _with_input(job, prompt=" a phoenix\n"),
}


@pytest.mark.parametrize("name", ODD)
async def test_a_record_that_says_it_in_another_form_is_still_the_one(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str
) -> None:
    async def and_lose(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await deliver(request)
        raise httpx.ReadError("reset", request=request)

    network.plan(GENERATE, and_lose)
    network.plan("GET /v1/jobs", changed(ODD[name]), 1)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments | {"strength": 0.5, "numSamples": 4})

    assert made(result)["jobId"] == world.ledger[0].job_id


async def test_a_job_of_another_author_is_not_taken_once_the_keys_own_is_known(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def and_lose(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await deliver(request)
        raise httpx.ReadError("reset", request=request)

    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        network.plan(GENERATE, and_lose)
        network.plan("GET /v1/jobs", changed(lambda job: job | {"authorId": "apiu_other"}), FOREVER)
        result = await agent.call_tool(TOOL, arguments | {"seed": 7})

    assert "No job was found" in text_of(result)


async def test_a_job_that_another_call_knows_as_its_own_is_not_taken(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    one, two = (arguments | {"image": data_url(png(colour))} for colour in ("tan", "navy"))
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, one)
        network.plan(GENERATE, reset_before)
        result = await agent.call_tool(TOOL, two)

    assert "No job was found" in text_of(result)
    assert len(world.ledger) == 1


async def test_a_find_never_takes_a_job_whose_answer_is_still_on_its_way(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    """Two calls differ only in pictures that records do not repeat; one arrives late, the other never."""
    one, two = (arguments | {"image": data_url(png(colour))} for colour in ("tan", "navy"))

    async def answers_late(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        response = await deliver(request)
        await response.aread()
        await anyio.sleep(9)
        return response

    network.plan(GENERATE, answers_late)
    network.plan(GENERATE, reset_before)
    async with agent_of(machine.server()) as agent:

        async def second() -> Any:
            await anyio.sleep(1)
            return await agent.call_tool(TOOL, two)

        first, lost = await all_of(lambda: agent.call_tool(TOOL, one), second)

    assert made(first)["jobId"] == world.ledger[0].job_id
    assert JOINED not in text_of(first)
    assert "No job was found" in text_of(lost)


async def test_what_a_dead_server_left_is_settled_in_the_background_of_the_first_call(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, hangs_after)
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 5)
    async with agent_of(server := machine.server()) as agent:
        await agent.list_tools()
        assert network.count(JOBS.rstrip("/")) == 0
        await agent.call_tool("find-models", {"query": "ink"})
        await anyio.sleep(5)
        entry = server.purchases.ledger.journal.of_job(world.ledger[0].job_id)

    assert entry is not None
    assert (entry.state, entry.found) == ("success", True)


async def test_what_a_dead_server_left_is_settled_once_the_file_can_be_read(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, hangs_after)
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 5)
    assert machine.state is not None
    machine.state.chmod(0o707)
    async with agent_of(server := machine.server()) as agent:
        await agent.call_tool("find-models", {"query": "ink"})
        machine.state.chmod(0o700)
        await agent.call_tool("find-models", {"query": "ink"})
        await anyio.sleep(5)
        entry = server.purchases.ledger.journal.of_job(world.ledger[0].job_id)

    assert entry is not None
    assert entry.found


async def test_only_one_of_several_servers_settles_what_is_open(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, hangs_before)
    async with agent_of(machine.server()) as agent:
        await cut_off(agent, arguments, 5)
    async with agent_of(machine.server()) as one, agent_of(machine.server()) as two:
        for agent in (one, two):
            await agent.call_tool("find-models", {"query": "ink"})
        await anyio.sleep(5)

    assert [seen.query for seen in world.requests if seen.path == "/v1/jobs"].count({"pageSize": "50"}) == 1


async def test_more_jobs_than_are_looked_through_prove_nothing(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def crowd(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        of_another = {"createdAt": world.iso(world.clock()), "metadata": {"input": {"modelId": "model_other"}}}
        listed = [{"jobId": f"job_{number}"} | of_another for number in range(50)]
        return httpx.Response(
            200, json={"jobs": listed, "nextPaginationToken": "more"}, headers=(await deliver(request)).headers
        )

    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", crowd, FOREVER)
    async with agent_of(machine.server()) as agent:
        for _ in range(3):
            said = text_of(await agent.call_tool(TOOL, arguments))
            assert "newer jobs, or jobs that cannot be read or dated, hide its own" in said
            assert "change an argument, like seed, for a new one" in said

    assert network.count(GENERATE) == 1
