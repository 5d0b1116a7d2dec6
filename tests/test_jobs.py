"""Jobs as an agent sees them: progress, ends of every kind, and waiting for several at once."""

import json
from dataclasses import replace
from typing import Any, cast

import anyio
import httpx
import pytest
from mcp import Client as McpClient
from mcp.types import CallToolResult

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.jobs import read_job
from scenario_mcp.server.app import McpHost, create_server
from scenario_mcp.tools.services import Services
from support.agents import TOOL, WAIT, data_of, text_of
from support.network import ASSETS, GENERATE, JOBS, SandboxNetwork, answers, server_error

pytestmark = pytest.mark.anyio


async def _start(agent: McpClient, arguments: dict[str, Any], prompt: str) -> str:
    """Start a job without following it, and give its id."""
    job_id: str = _structured(await agent.call_tool(TOOL, arguments | {"prompt": prompt}))["jobId"]
    return job_id


def _structured(result: CallToolResult) -> dict[str, Any]:
    content: dict[str, Any] | None = data_of(result)
    assert content is not None
    return content


@pytest.fixture
async def hasty(services: Services) -> Any:
    """An agent whose paid calls return once they are accepted."""
    at_once = replace(services, wait_seconds=0)
    async with McpClient(create_server(at_once), raise_exceptions=True) as client:
        yield client


async def test_progress_grows_and_names_the_job_and_its_status(
    agent: McpClient, world: World, arguments: dict[str, Any]
) -> None:
    heard: list[tuple[float, float | None, str]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message or ""))

    await agent.call_tool(TOOL, arguments, progress_callback=listen)

    values = [progress for progress, _, _ in heard]
    assert values == sorted(set(values))
    assert all(0 <= value <= 100 and len(f"{value}") <= len("99.99") for value in values)
    assert {total for _, total, _ in heard} == {100}
    assert [message.split(",")[0] for _, _, message in heard] == ["queued", "in-progress", "in-progress", "success"]
    assert all(message.endswith(f", {next(iter(world.jobs))}") for _, _, message in heard)


async def test_progress_stays_within_a_hundred_however_much_is_told(services: Services) -> None:
    told: list[tuple[float, float]] = []

    class Session:
        async def report_progress(self, progress: float, total: float, message: str) -> None:
            told.append((progress, total))

    host = McpHost(cast("Any", Session()), Deadline.after(45))
    for percent in (0, 0, 7.0000001, 100, *[100] * 300, 3):
        await host.progress(percent, "saved")

    values = [progress for progress, _ in told]
    assert values == sorted(set(values))
    assert values[-1] <= 100
    assert all(value == round(value, 2) for value in values)


async def test_the_last_word_of_a_wait_is_what_became_of_each_job(
    agent: McpClient, world: World, arguments: dict[str, Any]
) -> None:
    for plan, last in (("sandbox:stuck", "still in-progress"), ("a phoenix", "success"), ("sandbox:fail", "failure")):
        heard: list[tuple[float, str]] = []

        async def listen(progress: float, total: float | None, message: str | None) -> None:
            heard.append((progress, message or ""))  # noqa: B023  # it is called before the next round

        begun = data_of(await agent.call_tool(TOOL, arguments | {"prompt": plan, "seed": f"{len(last)}"}))
        await agent.call_tool(WAIT, {"jobIds": [begun["jobId"]]}, progress_callback=listen)

        assert heard[-1][1].startswith(last)
        assert heard[-1][1].endswith(begun["jobId"])
        assert (heard[-1][0] < 99) == (last == "still in-progress")
    heard = []
    await agent.call_tool(WAIT, {"jobIds": ["job_x"]}, progress_callback=listen)
    assert heard[-1][1] == "not found, job_x"


async def test_polling_begins_after_a_second_and_slows_to_three(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    polled_at: list[float] = []

    async def timed(request: Any, deliver: Any) -> Any:
        polled_at.append(anyio.current_time())
        return await deliver(request)

    network.plan(JOBS, timed, 1000)
    began = anyio.current_time()

    await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:stuck"})

    pauses = [later - earlier for earlier, later in zip([began, *polled_at], polled_at, strict=False)]
    assert pauses[:4] == pytest.approx([1, 1.5, 2.25, 3], abs=0.01)
    assert pauses[4:] == pytest.approx([3] * len(pauses[4:]), abs=0.01)


@pytest.mark.parametrize(
    ("wait_seconds", "at_least", "at_most"), [(0, 0, 0.1), (10, 6, 10), (45, 35, 40), (90, 80, 85)]
)
async def test_a_long_job_is_handed_over_in_time_with_the_next_call(
    services: Services,
    world: World,
    arguments: dict[str, Any],
    wait_seconds: float,
    at_least: float,
    at_most: float,
) -> None:
    patient = replace(services, wait_seconds=wait_seconds)
    began = anyio.current_time()

    async with McpClient(create_server(patient), raise_exceptions=True) as agent:
        result = await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:stuck"})

    made = _structured(result)
    assert made["status"] == "in-progress"
    assert made["next"] == {"tool": WAIT, "arguments": {"jobIds": [world.ledger[0].job_id]}}
    assert f'Next: call wait-for-jobs with {{"jobIds": ["{world.ledger[0].job_id}"]}}' in text_of(result)
    assert at_least <= anyio.current_time() - began <= at_most


async def test_the_call_named_next_gives_the_results(hasty: McpClient, arguments: dict[str, Any]) -> None:
    begun = _structured(await hasty.call_tool(TOOL, arguments | {"originalAssets": True}))

    waited = _structured(await hasty.call_tool(begun["next"]["tool"], begun["next"]["arguments"]))

    assert waited["status"] == "success"
    [row] = waited["jobs"]
    assert row["jobId"] == begun["jobId"]
    assert len(row["assets"]) == 4
    assert all("/assets/" in asset["url"] for asset in row["assets"])
    assert "next" not in waited


async def test_a_failed_job_is_an_error_with_its_reason_its_hint_and_its_refund(
    agent: McpClient, arguments: dict[str, Any]
) -> None:
    result = await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:fail"})

    assert result.is_error
    said = text_of(result)
    assert 'failed: "The sandbox was asked to fail"' in said
    assert "Leave sandbox:fail out of the prompt." in said
    assert "Scenario refunds failed jobs." in said
    assert _structured(result)["jobId"] in said


async def test_a_canceled_job_is_an_error_that_names_it(agent: McpClient, arguments: dict[str, Any]) -> None:
    result = await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:cancel"})

    assert result.is_error
    assert f"Job {_structured(result)['jobId']} was canceled" in text_of(result)


async def _answered_as(record: dict[str, Any], request: httpx.Request) -> httpx.Response:
    job_id = request.url.path.rpartition("/")[2]
    return httpx.Response(200, content=json.dumps({"job": {"jobId": job_id} | record, "more": True}))


async def test_a_job_that_is_not_refunded_is_said_to_be_so(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    record = {"status": "failure", "billing": {"disableRefund": True}, "metadata": {"error": "nsfw"}}
    network.plan(JOBS, lambda request, _: _answered_as(record, request))

    result = await agent.call_tool(TOOL, arguments)

    assert 'failed: "nsfw". It is not refunded.' in text_of(result)


async def test_unknown_fields_and_words_in_replies_are_accepted(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    strange = {"status": "dreaming", "progress": "half", "metadata": None, "new": {"field": [1]}, "billing": 10**400}
    network.plan(JOBS, lambda request, _: _answered_as(strange, request), 1000)

    made = _structured(await agent.call_tool(TOOL, arguments))

    assert made["status"] == "in-progress"
    assert made["lastSeen"] == "dreaming 0%"
    assert made["jobId"] == world.ledger[0].job_id


async def test_the_record_of_another_job_is_not_taken_for_ours(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(JOBS, answers(200, {"job": {"jobId": "job_other", "status": "success"}}), 3)

    made = _structured(await agent.call_tool(TOOL, arguments))

    assert (made["status"], made["jobId"]) == ("success", world.ledger[0].job_id)
    assert len(made["assets"]) == 4


async def test_progress_beyond_its_range_is_put_into_it(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(JOBS, lambda request, _: _answered_as({"status": "in-progress", "progress": 7}, request), 1000)

    made = _structured(await agent.call_tool(TOOL, arguments))

    assert made["lastSeen"] == "in-progress 100%"


LONG_INTEGER = int("9" * 400)

FEES: list[tuple[Any, float | None]] = [  # billing of a record, Creative Units
    ({"cuCost": 5, "cuCostDetails": {"quality-gate": 1.75}}, 6.75),
    ({"cuCost": 5, "cuCostDetails": {"quality-gate": 1.75, "upscale": 2}}, 8.75),
    ({"cuCost": 5, "cuCostDetails": {}}, 5),
    ({"cuCost": 5}, 5),
    ({"cuCost": 5, "cuCostDetails": {"quality-gate": None, "odd": "free", "more": True}}, 5),
    ({"cuCost": 5, "cuCostDetails": [1, 2]}, 5),
    ({"cuCostDetails": {"quality-gate": 1.75}}, 1.75),
    ({"cuCost": 1, "cuCostDetails": {f"fee{number}": 1 for number in range(100_000)}}, 65),
    ({}, None),
]


@pytest.mark.parametrize(("billing", "units"), FEES, ids=range(len(FEES)))
def test_what_a_job_costs_is_its_main_cost_and_all_fees(billing: Any, units: float | None) -> None:
    job = read_job({"jobId": "job_x", "billing": billing})

    assert job is not None
    assert job.cost == units


@pytest.mark.parametrize(
    "job", [{"progress": LONG_INTEGER}, {"billing": {"cuCost": LONG_INTEGER}}, {"status": "\ud83d"}, {"metadata": [1]}]
)
async def test_an_odd_acceptance_loses_no_job_id(
    hasty: McpClient, network: SandboxNetwork, arguments: dict[str, Any], job: dict[str, Any]
) -> None:
    accepted = {"job": {"jobId": "job_x", "status": "queued"} | job, "creativeUnitsCost": LONG_INTEGER}
    network.plan(GENERATE, answers(200, accepted))

    made = _structured(await hasty.call_tool(TOOL, arguments))

    assert (made["status"], made["jobId"]) == ("in-progress", "job_x")


async def test_half_characters_in_replies_do_not_end_the_connection(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    record = {"status": "failure", "metadata": {"error": "bad \ud83d prompt", "hint": "\udc00"}}
    network.plan(JOBS, lambda request, _: _answered_as(record, request))

    result = await agent.call_tool(TOOL, arguments)

    assert 'failed: "bad ? prompt"' in text_of(result)


async def test_the_words_of_a_failure_are_cut(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    record = {"status": "failure", "metadata": {"error": "x" * 200_000, "hint": "y" * 200_000}}
    network.plan(JOBS, lambda request, _: _answered_as(record, request))

    result = await agent.call_tool(TOOL, arguments)

    assert len(text_of(result)) < 1_000


async def test_a_success_without_results_says_how_to_ask_again(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(JOBS, lambda request, _: _answered_as({"status": "success"}, request))

    made = _structured(await agent.call_tool(TOOL, arguments))

    assert made["status"] == "success"
    assert "names no results" in made["notes"][0]
    assert made["next"]["tool"] == WAIT


async def test_results_that_scenario_does_not_describe_are_named_with_a_note(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(ASSETS, answers(200, {"assets": []}))

    made = _structured(await agent.call_tool(TOOL, arguments))

    assert [asset["assetId"] for asset in made["assets"]] == list(world.jobs[made["jobId"]].asset_ids)
    assert "addresses of 4 result(s) were not given" in made["notes"][0]
    assert made["next"]["tool"] == WAIT


async def test_costs_are_the_same_in_text_and_data(
    hasty: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    cost = {"creativeUnitsCost": 1234567.25, "creativeUnitsDiscount": 10.754321}
    network.plan(GENERATE, answers(200, {"job": {"jobId": "job_x"}, **cost}))

    result = await hasty.call_tool(TOOL, arguments)

    assert "1234567.25 Creative Units (discount 10.754321)" in text_of(result)
    assert _structured(result)["creativeUnitsCost"] == 1234567.25
    assert _structured(result)["creativeUnitsDiscount"] == 10.754321


async def test_what_the_same_call_again_does_is_in_text_and_data(hasty: McpClient, arguments: dict[str, Any]) -> None:
    result = await hasty.call_tool(TOOL, arguments)

    for said in (text_of(result), " ".join(_structured(result)["notes"])):
        assert "the same generation called again joins it" in said


async def test_that_a_price_cost_nothing_is_in_text_and_data(agent: McpClient, arguments: dict[str, Any]) -> None:
    result = await agent.call_tool(TOOL, arguments | {"dryRun": True})

    for said in (text_of(result), " ".join(_structured(result)["notes"])):
        assert "nothing was made or billed" in said


async def test_several_jobs_are_waited_for_together(hasty: McpClient, world: World, arguments: dict[str, Any]) -> None:
    prompts = ("a", "b", "sandbox:fail", "sandbox:stuck")
    job_ids = [await _start(hasty, arguments, prompt) for prompt in prompts]
    heard: list[str] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    began = anyio.current_time()
    result = await hasty.call_tool(WAIT, {"jobIds": [*job_ids, "job_unknown", job_ids[0]]}, progress_callback=listen)

    made = _structured(result)
    assert not result.is_error
    assert made["status"] == "in-progress"
    assert [row["status"] for row in made["jobs"]] == ["success", "success", "failure", "in-progress", "error"]
    assert "Job job_unknown not found" in made["jobs"][4]["error"]
    assert made["next"] == {"tool": WAIT, "arguments": {"jobIds": [job_ids[3]]}}
    assert 30 < anyio.current_time() - began <= 40.1
    assert any("of 5 jobs ended" in message for message in heard)
    for row in made["jobs"]:
        assert row["jobId"] in text_of(result)


async def test_thirty_two_jobs_can_be_waited_for(hasty: McpClient, world: World, arguments: dict[str, Any]) -> None:
    world.slots = 40
    job_ids = [await _start(hasty, arguments | {"numSamples": 1}, f"number {number}") for number in range(32)]

    made = _structured(await hasty.call_tool(WAIT, {"jobIds": job_ids}))

    assert made["status"] == "success"
    assert [row["jobId"] for row in made["jobs"]] == job_ids


@pytest.mark.parametrize(
    ("job_ids", "fix"),
    [([], "is required"), (["job_x"] * 33, "a list of 1 to 32 items"), ([""], "must not be empty"), (None, "required")],
)
async def test_how_many_jobs_may_be_waited_for_is_checked(
    agent: McpClient, world: World, job_ids: Any, fix: str
) -> None:
    result = await agent.call_tool(WAIT, {"jobIds": job_ids})

    assert result.is_error
    assert "- jobIds" in text_of(result)
    assert fix in text_of(result)
    assert world.requests == []


async def test_only_unknown_jobs_is_an_error(agent: McpClient) -> None:
    result = await agent.call_tool(WAIT, {"jobIds": "job_unknown"})

    assert result.is_error
    assert "Job job_unknown not found" in text_of(result)
    assert "Check the id" in text_of(result)


async def test_waiting_goes_on_over_a_fault_at_the_first_look(
    hasty: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    job_id = await _start(hasty, arguments, "a")
    network.plan(JOBS, server_error, 4)

    made = _structured(await hasty.call_tool(WAIT, {"jobIds": [job_id]}))

    assert made["status"] == "success"
    assert network.count(GENERATE) == 1


async def test_a_row_that_breaks_takes_no_other_away(
    hasty: McpClient, network: SandboxNetwork, arguments: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: httpx.Request, deliver: Any) -> httpx.Response:
        raise ZeroDivisionError

    job_id = await _start(hasty, arguments, "a")
    network.plan("GET /v1/jobs/job_broken", broken, 100)

    made = _structured(await hasty.call_tool(WAIT, {"jobIds": [job_id, "job_broken"]}))

    assert [row["status"] for row in made["jobs"]] == ["success", "in-progress"]
    assert made["next"]["arguments"] == {"jobIds": ["job_broken"]}
    assert "ZeroDivisionError" in caplog.text


async def test_an_id_that_is_too_long_is_refused(agent: McpClient, world: World) -> None:
    result = await agent.call_tool(WAIT, {"jobIds": ["j" * 70_000]})

    assert "- jobIds[0]: is too long to be an id." in text_of(result)
    assert len(text_of(result)) < 300
    assert world.requests == []


async def test_a_pause_that_a_poll_is_asked_for_is_kept(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    polled_at: list[float] = []

    async def busy(request: httpx.Request, deliver: Any) -> httpx.Response:
        polled_at.append(anyio.current_time())
        return httpx.Response(429, json={"remainingSeconds": 70 if len(polled_at) == 1 else 1})

    network.plan(JOBS, busy, 2)

    made = _structured(await agent.call_tool(TOOL, arguments))

    assert made["status"] == "in-progress"
    assert len(polled_at) == 1


@pytest.mark.parametrize("job_id", ["../models", "..", ".", "a/b?c=d#e", "job_%2e%2e", "job ünïcode"])
async def test_no_id_reaches_another_route(agent: McpClient, network: SandboxNetwork, job_id: str) -> None:
    result = await agent.call_tool(WAIT, {"jobIds": [job_id]})

    assert result.is_error
    assert all(line.startswith(JOBS) and line.count("/") == 3 and len(line) > len(JOBS) for line in network.sent)


async def test_a_dry_run_that_runs_a_job_all_the_same_is_told(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, answers(200, {"job": {"jobId": "job_x", "status": "queued"}, "creativeUnitsCost": 4}))

    made = _structured(await agent.call_tool(TOOL, arguments | {"dryRun": True}))

    assert made["status"] == "in-progress"
    assert made["jobId"] == "job_x"
    assert "may be billed" in " ".join(made["notes"])
