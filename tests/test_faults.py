"""Faults on the way: reads recover or fail clearly, nothing paid is sent twice, nothing accepted is lost."""

from typing import Any

import anyio
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from support.agents import LIST, TOOL, WAIT, data_of, text_of
from support.network import (
    ASSETS,
    GENERATE,
    JOBS,
    Fault,
    SandboxNetwork,
    answers,
    bad_gateway,
    busy,
    hangs_after,
    hangs_before,
    refused,
    reset_after,
    reset_before,
    server_error,
    truncated,
)
from support.pictures import data_url, png

pytestmark = pytest.mark.anyio

DEADLINE = 45.0
FOREVER = 10_000

LOSING: dict[str, Fault] = {  # after these, nobody knows what became of a request
    "500": server_error,
    "502 HTML": bad_gateway,
    "408": answers(408, {"message": "Request Timeout"}),
    "reset before": reset_before,
    "reset after": reset_after,
    "hang before": hangs_before,
    "hang after": hangs_after,
    "truncated JSON": truncated,
    "empty": answers(200, text=""),
    "not an object": answers(200, ["job"]),
    "endless": answers(200, text=" " * (17 * 2**20)),
}
BILLED = {"reset after", "hang after", "truncated JSON"}
HANGING = {"hang before", "hang after"}  # for longer than a call may take
PASSING: dict[str, Fault] = LOSING | {"refused": refused, "429": busy}  # a read may be repeated after any of these


def parametrized(faults: dict[str, Fault]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", faults)


@parametrized(LOSING)
async def test_a_lost_answer_to_a_paid_request_is_looked_for_and_never_asked_for_again(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str
) -> None:
    network.plan(GENERATE, LOSING[name], FOREVER)
    began = anyio.current_time()

    result = await agent.call_tool(TOOL, arguments)

    if name in HANGING:
        assert result.is_error
        assert "Make the same call again: it joins the request" in text_of(result)
    elif name in BILLED:
        made = data_of(result)
        assert made is not None
        assert (made["status"], made["jobId"]) == ("success", world.ledger[0].job_id)
        assert "the job was found again" in text_of(result)
    else:
        assert result.is_error
        assert "The answer to a paid request was lost" in text_of(result)
        assert "No job was found for it so far. It is safe to call again" in text_of(result)
    assert network.count(GENERATE) == 1
    assert len(world.ledger) == (1 if name in BILLED else 0)
    assert anyio.current_time() - began <= DEADLINE


async def test_an_acceptance_that_names_no_job_counts_as_lost(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, answers(200, {"inference": {}}))

    result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert "named no job" in text_of(result)
    assert network.count(GENERATE) == 1


@pytest.mark.parametrize("times", [1, 2])
async def test_a_paid_request_that_was_never_sent_is_tried_three_times(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], times: int
) -> None:
    network.plan(GENERATE, refused, times)

    result = await agent.call_tool(TOOL, arguments)

    assert data_of(result) is not None
    assert data_of(result)["status"] == "success"
    assert len(world.ledger) == 1


async def test_without_a_connection_the_error_says_that_nothing_was_sent(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, refused, FOREVER)

    result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert "Nothing was sent" in text_of(result)
    assert network.count(GENERATE) == 3
    assert world.ledger == []


async def test_a_busy_account_is_waited_for_with_progress(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, busy, 4)
    heard: list[str] = []
    values: list[float] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")
        values.append(progress)

    result = await agent.call_tool(TOOL, arguments, progress_callback=listen)

    assert data_of(result) is not None
    assert data_of(result)["status"] == "success"
    assert sum(message.startswith("waiting for a free slot") for message in heard) == 4
    assert values == sorted(set(values))
    assert network.count(GENERATE) == 5
    assert len(world.ledger) == 1


async def test_an_account_that_stays_busy_ends_in_an_error_that_names_the_limit(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, busy, FOREVER)
    began = anyio.current_time()

    result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert "Nothing was billed" in text_of(result)
    assert "parallel-inferences, at most 2 at once" in text_of(result)
    assert 25 < anyio.current_time() - began <= DEADLINE
    assert world.ledger == []


@pytest.mark.parametrize(
    ("reply", "pause"),
    [
        (answers(429, {"reason": "cooldown", "remainingSeconds": 20}), 20),
        (answers(429, {"reason": "cooldown", "details": {"remainingSeconds": 20}}), 20),
        (answers(429, {"reason": "slow down"}, Retry_After="7"), 7),
        (answers(429, {"reason": "slow down"}, Retry_After="0"), 1),
    ],
)
async def test_the_pause_that_a_429_asks_for_is_kept(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any], reply: Fault, pause: float
) -> None:
    sent_at: list[float] = []

    async def timed(request: Any, deliver: Any) -> Any:
        sent_at.append(anyio.current_time())
        return await (reply(request, deliver) if len(sent_at) == 1 else deliver(request))

    network.plan(GENERATE, timed, 2)

    await agent.call_tool(TOOL, arguments)

    assert sent_at[1] - sent_at[0] == pytest.approx(pause, abs=0.01)


NO_WAITING = {
    "quota": {"reason": "quota", "details": {"actionName": "creative-units", "actionLimit": 500, "limitScope": "team"}},
    "seat": {"reason": "limit of seats", "limitScope": "seat"},
    "none on this plan": {"details": {"actionName": "parallel-inferences", "actionLimit": 0}},
    "shortage": {"reason": "Not enough Creative Units"},
    "nothing said": {},
}


@pytest.mark.parametrize("body", NO_WAITING.values(), ids=NO_WAITING)
async def test_a_limit_that_no_waiting_frees_is_told_at_once_with_its_reason(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], body: dict[str, Any]
) -> None:
    network.plan(GENERATE, answers(429, body), FOREVER)
    began = anyio.current_time()

    result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert anyio.current_time() - began < 1
    assert network.count(GENERATE) == 1
    assert "Nothing was billed" in text_of(result)
    assert "free slot" not in text_of(result)
    for said in (body.get("reason"), *{**body, **body.get("details", {})}.values()):
        assert not isinstance(said, str | int) or str(said) in text_of(result)


async def test_a_pause_that_would_end_after_the_deadline_is_not_begun(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, answers(429, {"reason": "cooldown", "remainingSeconds": 300}))
    began = anyio.current_time()

    result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert anyio.current_time() - began < 1


@pytest.mark.parametrize("free_at", range(0, 50, 3))
@pytest.mark.parametrize("latency", [0.2, 1.5, 4.0])
async def test_a_slot_that_frees_late_over_a_slow_line_loses_nothing(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    arguments: dict[str, Any],
    free_at: float,
    latency: float,
) -> None:
    async def slow(request: Any, deliver: Any) -> Any:
        await anyio.sleep(latency / 2)
        answer = await (deliver(request) if anyio.current_time() >= free_at else busy(request, deliver))
        await anyio.sleep(latency / 2)
        return answer

    network.plan("", slow, FOREVER)

    result = await agent.call_tool(TOOL, arguments)

    if result.is_error:
        assert world.ledger == []
        assert "Nothing was" in text_of(result)
    else:
        assert [bill.job_id in text_of(result) for bill in world.ledger] == [True]
    assert anyio.current_time() <= DEADLINE


async def test_a_paid_request_is_not_begun_when_its_answer_could_not_come_in_time(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, answers(429, {"reason": "cooldown", "remainingSeconds": 36}))

    result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert network.count(GENERATE) == 1
    assert world.ledger == []


PICTURE = data_url(png("red"))
REPEATED: dict[
    str, tuple[str, dict[str, Any], str, int]
] = {  # how often a request is sent whose answer is lost: at most thrice a read, once what makes something
    "a record": ("get-model", {"modelId": "model_sandbox-ink"}, "GET /v1/models/", 3),
    "a search": ("find-models", {"query": "ink", "owner": "mine"}, "POST /v1/search/models", 3),
    "a list": (LIST, {"everything": True}, "GET /v1/jobs", 3),
    "facts": ("show-assets", {"assetIds": ["asset_x"]}, "POST /v1/assets/get-bulk", 3),
    "an upload": ("upload-asset", {"file": PICTURE}, "POST /v1/assets", 1),
    "an import": ("upload-asset", {"file": "https://example.com/a.png"}, "POST /v1/uploads", 1),
    "a generation": ("run-model", {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p"}}, GENERATE, 1),
}


@pytest.mark.parametrize("name", REPEATED)
async def test_what_would_make_a_second_thing_is_not_sent_again_when_its_answer_is_lost(
    agent: McpClient, network: SandboxNetwork, name: str
) -> None:
    tool, given, prefix, times = REPEATED[name]
    network.plan(prefix, reset_after, FOREVER)

    await agent.call_tool(tool, given)

    assert [network.sent.count(line) for line in {*network.sent} if line.startswith(prefix)] == [times]


@parametrized(PASSING)
@pytest.mark.parametrize("route", [JOBS, ASSETS])
async def test_reads_recover_from_a_fault_that_passes(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], route: str, name: str
) -> None:
    network.plan(route, PASSING[name], 2)

    result = await agent.call_tool(TOOL, arguments)

    made = data_of(result)
    assert made is not None
    assert made["status"] == "success"
    assert all(asset["url"] for asset in made["assets"])
    assert network.count(GENERATE) == len(world.ledger) == 1


LASTING: dict[str, Fault] = PASSING | {
    "401": answers(401, {"message": "Unauthorized"}),
    "403": answers(403, {"message": "Forbidden"}),
    "404": answers(404, {"reason": "Job not found"}),
    "redirect": answers(302, {}, Location="https://elsewhere.example"),
}


@parametrized(LASTING)
async def test_an_accepted_job_is_never_turned_into_an_error_by_its_polls(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str
) -> None:
    network.plan(JOBS, LASTING[name], FOREVER)
    began = anyio.current_time()

    result = await agent.call_tool(TOOL, arguments)

    made = data_of(result)
    assert not result.is_error
    assert made is not None
    assert made["status"] == "in-progress"
    assert made["jobId"] == world.ledger[0].job_id
    assert made["next"] == {"tool": WAIT, "arguments": {"jobIds": [made["jobId"]]}}
    assert "could not be read" in " ".join(made["notes"])
    assert anyio.current_time() - began <= DEADLINE
    assert network.count(GENERATE) == 1


@parametrized(LASTING)
async def test_finished_images_are_never_lost_over_their_addresses(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str
) -> None:
    network.plan(ASSETS, LASTING[name], FOREVER)
    began = anyio.current_time()

    result = await agent.call_tool(TOOL, arguments)

    made = data_of(result)
    assert not result.is_error
    assert made is not None
    assert made["status"] == "success"
    assert [asset["assetId"] for asset in made["assets"]] == list(world.jobs[made["jobId"]].asset_ids)
    assert made["next"]["tool"] == WAIT
    assert "addresses could not be read" in text_of(result)
    assert anyio.current_time() - began <= DEADLINE


@parametrized(PASSING)
async def test_a_price_question_recovers_from_a_fault_that_passes(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str
) -> None:
    network.plan(GENERATE, PASSING[name], 2)

    result = await agent.call_tool(TOOL, arguments | {"dryRun": True})

    assert data_of(result) is not None
    assert data_of(result)["status"] == "dry-run"
    assert world.ledger == []


@parametrized(PASSING)
async def test_a_price_question_that_fails_for_good_fails_clearly_and_in_time(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str
) -> None:
    network.plan(GENERATE, PASSING[name], FOREVER)
    began = anyio.current_time()

    result = await agent.call_tool(TOOL, arguments | {"dryRun": True})

    assert result.is_error
    assert "No job was found" not in text_of(result)
    assert network.count(GENERATE) <= 3
    assert anyio.current_time() - began <= DEADLINE
    assert world.ledger == []
