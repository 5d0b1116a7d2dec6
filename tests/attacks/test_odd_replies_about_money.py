"""No reply, however odd, makes a generation be paid for twice, or a cap let more through than it says."""

import json
from asyncio import StreamWriter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.errors import AnswerLost
from scenario_mcp.scenario.wire import Call
from scenario_mcp.spending.budget import Caps
from support.agents import LIST, TOOL, WAIT, agent_of, made, text_of
from support.certificates import certified
from support.hostile import Requests, serving
from support.network import GENERATE, JOBS, Deliver, Fault, SandboxNetwork, answers, reset_after, reset_before
from support.servers import Machine

pytestmark = pytest.mark.anyio

FOREVER = 10_000
LISTED = "GET /v1/jobs"


@pytest.fixture
def machine(network: SandboxNetwork, tmp_path: Path) -> Machine:
    return Machine(network, state=tmp_path / "state", previews=False)


def changed(change: Callable[[dict[str, Any]], object]) -> Fault:
    async def fault(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        response = await deliver(request)
        await response.aread()
        data = response.json()
        change(data)
        return httpx.Response(response.status_code, json=data, headers={"date": response.headers.get("date", "")})

    return fault


async def asked_again_and_again(machine: Machine, arguments: dict[str, Any], tool: str = TOOL) -> list[str]:
    """Make the same call over some minutes, as an agent does that hears of a lost answer."""
    async with agent_of(machine.server()) as agent:
        texts = []
        for _ in range(4):
            texts.append(text_of(await agent.call_tool(tool, arguments)))
            await anyio.sleep(100)
    return texts


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"jobs": None}, {"jobs": {"0": {}}}, {"jobs": "x"}, {"data": []}, {"error": "oops"}),
        *({"jobs": [], "nextPaginationToken": token} for token in ({"more": 1}, ["next"], 7, "x" * 100_000)),
    ],
    ids=lambda body: str(body)[:60],
)
async def test_a_list_of_jobs_that_is_none_never_says_that_there_is_no_job(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], body: dict[str, Any]
) -> None:
    network.plan(GENERATE, reset_after)
    network.plan(LISTED, answers(200, body), FOREVER)

    await asked_again_and_again(machine, arguments)

    assert len(world.ledger) == 1


def _of_time(created: Any) -> Callable[[dict[str, Any]], object]:
    return lambda data: [job.update(createdAt=created) for job in data.get("jobs", ())]


@pytest.mark.parametrize(
    "created", [None, 1_795_000_000, "Wed, 18 Nov 2026 11:06:40 GMT", "1999-01-01T00:00:00Z", "soon"]
)
async def test_a_job_without_a_time_that_agrees_is_never_passed_over(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], created: Any
) -> None:
    network.plan(GENERATE, reset_after)
    network.plan(LISTED, changed(_of_time(created)), FOREVER)

    texts = await asked_again_and_again(machine, arguments)

    assert len(world.ledger) == 1
    assert "cannot be read or dated" in texts[-1]


async def test_replies_whose_dates_run_ahead_do_not_make_a_lost_answer_old(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def later(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        response = await deliver(request)
        ahead = datetime.fromtimestamp(world.clock() + 3_600, UTC)
        response.headers["date"] = format_datetime(ahead, usegmt=True)
        return response

    network.plan(GENERATE, reset_before)
    network.plan(LISTED, later, FOREVER)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert "No job was found for it so far" in text_of(result)
    assert network.count(GENERATE) == 1


@pytest.mark.parametrize("seconds", [-60, 400])
async def test_clocks_that_differ_by_minutes_pay_nothing_twice(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], seconds: float
) -> None:
    created = world.iso(world.clock() + seconds)
    network.plan(GENERATE, reset_after)
    network.plan(LISTED, changed(_of_time(created)), FOREVER)

    await asked_again_and_again(machine, arguments)

    assert len(world.ledger) == 1


REPEATED: dict[str, tuple[str, Callable[[str], str]]] = {
    "composed": ("a cafe\u0301 in the rain", lambda _: "a caf\u00e9 in the rain"),
    "with other line ends": ("a fox\r\nin snow", lambda text: text.replace("\r\n", "\n")),
    "with fewer blanks": ("a  fox   in snow", lambda _: "a fox in snow"),
    "as HTML has it": ("ink & wash <fox>", lambda _: "ink &amp; wash &lt;fox&gt;"),
    "cut": ("a fox in the snow, " * 60, lambda text: text[:1_000]),
    "as an asset": ("a fox in snow", lambda _: "asset_prompt1"),
}


@pytest.mark.parametrize("form", REPEATED)
async def test_a_job_that_repeats_its_prompt_in_another_form_is_found(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], form: str
) -> None:
    prompt, write = REPEATED[form]
    network.plan(GENERATE, reset_after)

    def change(data: dict[str, Any]) -> None:
        for job in data.get("jobs", ()):
            job["metadata"]["input"]["prompt"] = write(prompt)

    network.plan(LISTED, changed(change), FOREVER)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, {**arguments, "prompt": prompt})

    assert "the job was found again" in text_of(result)
    assert len(world.ledger) == 1


async def test_a_prompt_that_holds_the_secret_is_found_again(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    [(_, secret), *_] = world.accounts.items()
    network.plan(GENERATE, reset_after)

    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, {**arguments, "prompt": f"a fox with {secret} on its back"})

    assert "the job was found again" in text_of(result)
    assert len(world.ledger) == 1


async def test_an_answer_that_names_another_place_may_be_an_acceptance(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def see_other(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        await deliver(request)
        return httpx.Response(303, headers={"location": "/v1/jobs/job_x"})

    network.plan(GENERATE, see_other)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert "the job was found again" in text_of(result)
    assert len(world.ledger) == 1


@pytest.mark.parametrize(
    "text", ["<html>404 nginx</html>", '{"message": "Not Found"}', '{"message": "no Route matched"}']
)
async def test_a_gateway_that_does_not_find_a_running_job_ends_no_job(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], text: str
) -> None:
    world.pace = 1_000.0
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        await anyio.sleep(900)
        network.plan(JOBS, answers(404, text=text), FOREVER)
        await agent.call_tool(LIST, {})
        await agent.call_tool(TOOL, arguments)

    assert len(world.ledger) == 1


def _prices(world: World) -> float:
    return world.ledger[0].cost


async def _paid_under(machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]) -> int:
    """Make ten generations under a cap of the day for two, and count those that were paid."""
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, {**arguments, "seed": "1"})
        price = _prices(world)
    machine.caps = Caps(per_day=Decimal(str(2.5 * price)))
    async with agent_of(machine.server()) as agent:
        for seed in range(2, 11):
            await agent.call_tool(TOOL, {**arguments, "seed": str(seed)})
    return len(world.ledger)


async def test_replies_that_repeat_one_job_do_not_lift_the_cap_of_the_day(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    first: list[str] = []

    def same(data: dict[str, Any]) -> None:
        if "job" in data:
            first.append(data["job"]["jobId"])
            data["job"]["jobId"] = first[0]

    network.plan(GENERATE, changed(same), FOREVER)

    assert await _paid_under(machine, network, world, arguments) == 2


@pytest.mark.parametrize("cost", [0, 1e-9])
async def test_an_acceptance_that_says_to_cost_nothing_does_not_lift_the_cap_of_the_day(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], cost: float
) -> None:
    network.plan(GENERATE, changed(lambda data: "job" in data and data.update(creativeUnitsCost=cost)), FOREVER)

    assert await _paid_under(machine, network, world, arguments) == 2


async def test_a_job_that_succeeded_is_not_refunded_by_a_later_word(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        job_id = made(await agent.call_tool(TOOL, arguments))["jobId"]
        spent = made(await agent.call_tool(LIST, {}))["spending"]["last24Hours"]
        network.plan(JOBS, changed(lambda data: data["job"].update(status="failure")), FOREVER)
        await agent.call_tool(WAIT, {"jobIds": [job_id]})
        again = made(await agent.call_tool(LIST, {}))["spending"]["last24Hours"]

    assert spent == again == _prices(world)


@pytest.mark.parametrize("price", [1e18, 10**40, 1e300])
async def test_a_price_beyond_reason_is_over_every_cap(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], price: float
) -> None:
    machine.caps = Caps(per_day=Decimal(10) ** 8)
    network.plan(GENERATE, changed(lambda data: data.update(creativeUnitsCost=price)), FOREVER)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert result.is_error
    assert world.ledger == []


@pytest.mark.parametrize("field", ["description", "prompts", "captions", "translation", "embedding"])
async def test_a_field_beside_a_running_job_is_not_taken_for_its_result(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any], field: str
) -> None:
    value: Any = [1.0, 2.0] if field == "embedding" else ["a"] if field.endswith("s") else "a"
    network.plan(GENERATE, changed(lambda data: data.update({field: value})), FOREVER)
    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool(TOOL, arguments))

    assert len(result["assets"]) == 4
    assert field not in result
    assert len(world.ledger) == 1


async def test_a_price_question_that_begins_a_job_is_told_and_not_asked_again(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    async def drops_the_query(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        return await deliver(
            httpx.Request(
                request.method, request.url.copy_with(query=None), headers=request.headers, content=request.content
            )
        )

    machine.caps = Caps(per_day=Decimal(12))
    network.plan(GENERATE, drops_the_query, FOREVER)
    async with agent_of(machine.server()) as agent:
        first = text_of(await agent.call_tool(TOOL, arguments))
        second = text_of(await agent.call_tool(TOOL, {**arguments, "seed": "7"}))

    [bill] = world.ledger
    assert bill.job_id in first
    assert bill.job_id in second
    assert "Nothing was generated or billed" not in first


def _answer(body: Mapping[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (
        len(content),
        content,
    )


@pytest.mark.parametrize("tls", [False, True], ids=["in clear", "encrypted"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_answer_that_was_there_before_its_request_names_no_job_of_ours(
    tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certified("localhost", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))

    async def counts_wrong(requests: Requests, writer: StreamWriter) -> None:
        while not (await requests.next()).startswith("POST"):
            writer.write(_answer({"jobs": []}) + _answer({"job": {"jobId": "job_of_another", "status": "queued"}}))
            await writer.drain()
        writer.write(_answer({"job": {"jobId": "job_of_ours", "status": "queued"}}))
        await writer.drain()

    async with serving(counts_wrong, certificate.server if tls else None) as hostile:
        base_url = hostile.base_url.replace("http://127.0.0.1", "https://localhost") if tls else hostile.base_url
        client = Client(base_url, ("key", "secret"), trust_env=tls)
        await client.attempt(Call("GET", "/jobs", wire.SAFE))
        with pytest.raises(AnswerLost, match="an answer was there before its request"):
            await client.attempt(Call("POST", "/generate/img2img", wire.PAID, body={}))
        job = await client.attempt(Call("POST", "/generate/img2img", wire.PAID, body={}))  # on a connection of its own
        await client.aclose()

    assert job["job"]["jobId"] == "job_of_ours"
