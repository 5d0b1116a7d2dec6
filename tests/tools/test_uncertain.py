"""What the records leave open is no reason to refuse: the call goes through, with a note."""

from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support.agents import TOOL, text_of
from support.network import Fault, SandboxNetwork, answers, hangs_before, refused, reset_before, server_error
from support.worlds import BLIND

pytestmark = pytest.mark.anyio

RUN = "run-model"
INK, FLUX1 = "model_sandbox-ink", "model_bfl-flux-1-dev"

RECORDS: list[tuple[str, dict[str, Any], str]] = [  # what the record says instead, and words of the note
    ("no type", {"type": None}, "does not say what it can do"),
    ("no capabilities", {"capabilities": []}, "does not say what it can do"),
    ("capabilities of another kind", {"capabilities": "all of them"}, "does not say what it can do"),
    ("an unknown type", {"type": "flux.9-lora"}, "type flux.9-lora is not known here"),
    ("a type without a range of its own", {"type": "flux.1-krea-lora"}, "type flux.1-krea-lora is not known here"),
    ("no base models", {"compliantModelIds": []}, "does not list its base models"),
    ("a replacement", {"tags": ["deprecated:model_new"]}, "recommends model_new"),
]
CERTAIN: list[tuple[str, dict[str, Any]]] = [  # what the record says besides, and changes nothing
    ("no word on custom", {"custom": None}),
    ("a plan", {"accessRestrictions": 25}),
    ("more than we know", {"aura": {"glow": 1}, "capabilities": ["img2img_ip_adapter", "img2scent"]}),
]


@pytest.mark.parametrize(("what", "change", "note"), RECORDS, ids=[case[0] for case in RECORDS])
async def test_a_record_that_leaves_it_open_refuses_nothing(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    arguments: dict[str, Any],
    what: str,
    change: dict[str, Any],
    note: str,
) -> None:
    network.plan(f"GET /v1/models/{INK}", answers(200, {"model": world.models[INK] | change}))

    result = await agent.call_tool(TOOL, arguments | {"guidance": 10, "baseModelId": "flux.1-dev"})

    assert not result.is_error, text_of(result)
    assert len(world.ledger) == 1
    assert note in text_of(result)


@pytest.mark.parametrize(("what", "change"), CERTAIN, ids=[case[0] for case in CERTAIN])
async def test_a_record_that_says_enough_needs_no_note(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], what: str, change: Any
) -> None:
    network.plan(f"GET /v1/models/{INK}", answers(200, {"model": world.models[INK] | change}))

    result = await agent.call_tool(TOOL, arguments)

    assert not result.is_error, text_of(result)
    assert "Note:" not in text_of(result)


FAULTS: list[tuple[str, Fault, str]] = [
    ("404", answers(404, {"reason": "Model not found"}), "finds no record"),
    ("403", answers(403, {"message": "API Keys cannot access protected resources"}), "could not be read"),
    ("401", answers(401, {"message": "Unauthorized"}), "could not be read"),
    ("500", server_error, "could not be read"),
    ("refused", refused, "could not be read"),
    ("reset", reset_before, "could not be read"),
    ("hang", hangs_before, "could not be read"),
    ("no record", answers(200, {"model": {}}), "could not be read"),
    ("not a record", answers(200, {"model": "ink"}), "could not be read"),
    ("429 for long", answers(429, {"remainingSeconds": 300}), "could not be read"),
]


@pytest.mark.parametrize(("what", "fault", "note"), FAULTS, ids=[case[0] for case in FAULTS])
@pytest.mark.parametrize("tool", [TOOL, RUN])
async def test_without_a_record_the_call_goes_through_unchecked_with_a_note(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    arguments: dict[str, Any],
    what: str,
    fault: Fault,
    note: str,
    tool: str,
) -> None:
    model_id = INK if tool == TOOL else FLUX1
    network.plan(f"GET /v1/models/{model_id}", fault, 100)
    given = arguments if tool == TOOL else {"modelId": FLUX1, "parameters": {"prompt": "x"}}

    result = await agent.call_tool(tool, given)

    assert not result.is_error, text_of(result)
    assert note in text_of(result)
    assert len(world.ledger) == 1


async def test_a_key_that_may_not_read_models_still_makes_images(
    network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    blind = services_over(Client(network.base_url, BLIND, transport=network), 45)
    async with McpClient(create_server(blind), raise_exceptions=True) as agent:
        made = await agent.call_tool(TOOL, arguments)
        ran = await agent.call_tool(RUN, {"modelId": FLUX1, "parameters": {"prompt": "x", "surprise": 1}})
        found = await agent.call_tool("find-models", {})

    assert not made.is_error
    assert "could not be read" in text_of(made)
    assert "Unknown input surprise" in text_of(ran)
    assert found.is_error
    assert len(world.ledger) == 1


ENGINE_NOTES: list[tuple[dict[str, Any], str]] = [
    ({"scheduler": "LCMScheduler"}, "scheduler has no effect on Flux models"),
    ({"negativePrompt": "x"}, "negativePrompt has no effect on Flux models"),
    ({"negativePrompt": "x", "negativePromptStrength": 1}, "negativePrompt and negativePromptStrength has no effect"),
    ({"modelId": "flux.1-dev", "modelEpoch": "1"}, "modelEpoch has an effect on Flux LoRAs only"),
    ({"modelId": "flux.1-dev", "baseModelId": "flux.1-dev"}, "baseModelId has an effect on Flux LoRAs only"),
]


@pytest.mark.parametrize(("change", "note"), ENGINE_NOTES, ids=[str(case[0]) for case in ENGINE_NOTES])
async def test_what_has_no_effect_on_the_model_is_a_note(
    agent: McpClient, arguments: dict[str, Any], change: dict[str, Any], note: str
) -> None:
    result = await agent.call_tool(TOOL, arguments | change)

    assert not result.is_error, text_of(result)
    assert note in text_of(result)


PROMPT = {"name": "prompt", "type": "string"}
EITHER = {"name": "image", "type": "file", "required": {"ifNotDefined": {"prompt": "", "video": ""}}}
SUNDAYS = {"name": "image", "type": "file", "required": {"onSundays": True}}

CUSTOM: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [  # model, its record, parameters, note
    ("no inputs", {"inputs": []}, {"prompt": "x"}, "lists no inputs"),
    ("inputs of another kind", {"inputs": "many"}, {"prompt": "x"}, "lists no inputs"),
    (
        "an input of a new type",
        {"inputs": [{"name": "prompt", "type": "poem"}]},
        {"prompt": "x"},
        "does not say clearly what prompt takes",
    ),
    (
        "an input without a type",
        {"inputs": [{"name": "prompt"}, PROMPT | {"name": "more"}]},
        {"prompt": 5},
        "what prompt takes",
    ),
    (
        "a type of another kind",
        {"inputs": [{"name": "prompt", "type": ["string", "null"]}]},
        {"prompt": "x"},
        "what prompt takes",
    ),
    ("an input without a name", {"inputs": [{"type": "string"}, PROMPT]}, {"words": "x"}, "could not be read"),
    ("no input that can be read", {"inputs": ["prompt", None]}, {"prompt": "x"}, "lists no inputs"),
    ("a rule of a new kind", {"inputs": [PROMPT, SUNDAYS]}, {"prompt": "x"}, "image may be required"),
    ("two conditions of which one holds", {"inputs": [PROMPT, EITHER]}, {"prompt": "x"}, "image may be required"),
]


@pytest.mark.parametrize(("what", "change", "given", "note"), CUSTOM, ids=[case[0] for case in CUSTOM])
async def test_inputs_that_leave_it_open_refuse_nothing(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    what: str,
    change: dict[str, Any],
    given: dict[str, Any],
    note: str,
) -> None:
    network.plan(f"GET /v1/models/{FLUX1}", answers(200, {"model": world.models[FLUX1] | change}))
    network.plan("POST /v1/generate/", answers(200, {"job": {"jobId": "job_x", "status": "queued"}}))
    network.plan("GET /v1/jobs/", answers(200, {"job": {"jobId": "job_x", "status": "success"}}))

    result = await agent.call_tool(RUN, {"modelId": FLUX1, "parameters": given})

    assert network.count("POST /v1/generate/") == 1
    assert note in text_of(result)


async def test_a_model_that_nobody_has_described_runs_with_a_note(agent: McpClient, network: SandboxNetwork) -> None:
    record = {"id": "model_new", "name": "New", "type": "flux.9-lora"}
    network.plan("GET /v1/models/model_new", answers(200, {"model": record}))
    network.plan("POST /v1/generate/", answers(200, {"job": {"jobId": "job_x", "status": "failure"}}))

    result = await agent.call_tool(RUN, {"modelId": "model_new", "parameters": {"prompt": "x"}})

    assert "does not say whether it runs here" in text_of(result)
