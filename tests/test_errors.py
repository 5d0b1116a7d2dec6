"""What every error owes the agent: text, what to change, and no secret."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp.inferences.table import BY_TOOLSET, route_of
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario import errors
from scenario_mcp.scenario.errors import ApiError, ScenarioError
from scenario_mcp.tools.catalog import TOOLS
from support.agents import TOOL, WAIT, agent_of, data_of, text_of
from support.examples import example
from support.network import Deliver, SandboxNetwork
from support.nightly import by_day
from support.pictures import data_url
from support.servers import Machine
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

SECRETS = (SANDBOX_CREDENTIALS[1], base64.b64encode(":".join(SANDBOX_CREDENTIALS).encode()).decode())

# A call of each tool that reaches the API.
CALLS: dict[str, dict[str, Any]] = {
    "run-model": {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p"}},
    "find-models": {"query": "ink"},
    "get-model": {"modelId": "model_sandbox-ink"},
    "upload-asset": {"file": data_url()},
    "show-assets": {"assetIds": ["asset_x"]},
    WAIT: {"jobIds": ["job_x"]},
    "list-jobs": {"everything": True},
    "cancel-job": {"jobId": "job_x"},
}

ACTIONS = ("Ask ", "ask ", "Check ", "call again", "look first", "Use ", "use ", "Change ", "give ", "not followed")


def _all_below(kind: type[ScenarioError]) -> Iterator[type[ScenarioError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all_below(each)


HINTED = [
    each
    for each in _all_below(ScenarioError)
    # These two are made with what to change, where it is known.
    if each not in (errors.InvalidArguments, errors.WrongModel)
]


@pytest.mark.parametrize("kind", HINTED, ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_next(kind: type[ScenarioError]) -> None:
    assert any(word in kind.hint for word in ACTIONS), kind.hint
    assert len(kind.hint) <= 400


@pytest.mark.parametrize("kind", HINTED, ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_tree_at_the_top_of_its_module(kind: type[ScenarioError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


STATUSES = (302, 400, 401, 402, 403, 404, 405, 408, 410, 413, 418, 429, 500, 502, 503)
BY_STATUS = (TOOL, WAIT, "find-models")  # that pay, wait and read: by day they meet every status, the others some
CASES = [(name, status) for name in TOOLS if name != "rerun-job" for status in STATUSES]  # it calls one of the others


@pytest.mark.parametrize(
    ("tool", "status"), by_day([case for case in CASES if case[0] in BY_STATUS or case[1] in (400, 429, 503)], CASES)
)
async def test_an_answer_that_echoes_the_request_shows_no_secret(
    network: SandboxNetwork, world: World, hero: str, tool: str, status: int
) -> None:
    async def echo(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        said = {"reason": f"model refused: {dict(request.headers)} {SANDBOX_CREDENTIALS[1]}", "trace_id": SECRETS[1]}
        return httpx.Response(status, json=said)

    network.plan("", echo, times=10_000)

    route = route_of(tool)
    async with agent_of(Machine(network, previews=False, toolsets=tuple(BY_TOOLSET)).server()) as agent:
        result = await agent.call_tool(tool, example(route, hero) if route else CALLS[tool])

    shown = result.model_dump_json()
    waits_on = tool == WAIT and status in (408, 429, 500, 502, 503)  # what may pass says nothing of the job
    assert result.is_error != waits_on
    assert any(word in text_of(result) for word in (*ACTIONS, "Next: call"))
    assert "[hidden]" in shown
    assert not any(secret in shown for secret in SECRETS)
    assert world.ledger == []


def test_an_error_of_the_api_quotes_its_words_and_its_trace() -> None:
    error = ApiError(400, "no such sampler", trace_id="tr_1")

    assert str(error) == 'Scenario answered 400: "no such sampler" (trace id tr_1).'
    assert isinstance(error, ScenarioError)


async def test_a_refusal_before_sending_is_text_alone(agent: McpClient, world: World) -> None:
    result = await agent.call_tool(TOOL, {})

    assert result.is_error
    assert data_of(result) is None
    assert "Fix these arguments" in text_of(result)
    assert world.requests == []
