"""run-model: any custom model by its own inputs, from the call to the files."""

import json
import re
from typing import Any

import anyio
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support.agents import made, text_of
from support.network import GENERATE, SandboxNetwork, answers, hangs_before, server_error
from support.worlds import BLIND

pytestmark = pytest.mark.anyio

RUN = "run-model"
FLUX1, FLUX2, FILM, VOICE = "model_bfl-flux-1-dev", "model_bfl-flux-2-dev", "model_sandbox-film", "model_sandbox-voice"


async def run(agent: McpClient, model_id: str, parameters: Any, **more: Any) -> Any:
    return await agent.call_tool(RUN, {"modelId": model_id, "parameters": parameters, **more})


@pytest.mark.parametrize(
    ("model_id", "parameters", "mime_type"),
    [
        (FLUX1, {"prompt": "a fox", "numOutputs": 2}, "image/png"),
        (FILM, {"prompt": "a fox runs", "duration": 10}, "video/x-msvideo"),
        (VOICE, {"text": "hello", "voice": "calm a 0"}, "audio/wav"),
        ("model_sandbox-statue", {"images": ["{hero}"]}, "model/gltf-binary"),
        ("model_sandbox-story", {"prompt": "a fox"}, "text/plain"),
    ],
)
async def test_models_of_every_kind_run_to_their_files(
    agent: McpClient, world: World, hero: str, model_id: str, parameters: dict[str, Any], mime_type: str
) -> None:
    filled = {name: [hero] if value == ["{hero}"] else value for name, value in parameters.items()}

    result = await run(agent, model_id, filled)

    content = made(result)
    assert content["status"] == "success"
    assert content["modelId"] == model_id
    assert {asset["mimeType"] for asset in content["assets"]} == {mime_type}
    assert world.ledger[0].route == f"custom/{model_id}"
    assert content["assets"][0]["assetId"] in text_of(result)


async def test_the_result_names_what_was_made(agent: McpClient) -> None:
    result = await run(agent, FILM, {"prompt": "a fox runs"})

    assert "success: 1 video by job" in text_of(result)


async def test_a_dry_run_asks_only_the_price(agent: McpClient, world: World) -> None:
    content = made(await run(agent, FLUX1, {"prompt": "a fox", "numOutputs": 2}, dryRun=True))

    assert content["status"] == "dry-run"
    assert content["creativeUnitsCost"] > 0
    assert world.ledger == []


@pytest.mark.parametrize("word", [True, "true"])
async def test_a_dry_run_inside_the_parameters_is_lifted_out_and_bills_nothing(
    agent: McpClient, world: World, word: Any
) -> None:
    content = made(await run(agent, FLUX1, {"prompt": "a fox", "dryRun": word}))

    assert content["status"] == "dry-run"
    assert "dryRun was inside parameters" in content["notes"][0]
    assert world.ledger == []


async def test_one_dry_run_of_two_is_enough(agent: McpClient, world: World) -> None:
    for outside, inside in ((True, False), (False, True)):
        made(await run(agent, FLUX1, {"prompt": "a fox", "dryRun": inside}, dryRun=outside))

    assert world.ledger == []


async def test_wait_false_inside_the_parameters_returns_once_accepted(agent: McpClient, world: World) -> None:
    content = made(await run(agent, FLUX1, {"prompt": "a fox", "wait": False}))

    assert content["status"] == "in-progress"
    assert content["next"]["arguments"] == {"jobIds": [world.ledger[0].job_id]}
    assert "wait" not in world.ledger[0].body


async def test_a_single_value_where_a_list_is_wanted_is_wrapped_with_a_note(
    agent: McpClient, world: World, hero: str
) -> None:
    content = made(await run(agent, FLUX2, {"prompt": "a fox", "referenceImages": hero}))

    assert world.ledger[0].body["referenceImages"] == [hero]
    assert "referenceImages takes a list" in content["notes"][0]


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        ({"numOutputs": "2"}, {"numOutputs": 2}),
        ({"seed": "7"}, {"seed": 7}),
        ({"strength": "0.5", "image": "{hero}"}, {"strength": 0.5, "image": "{hero}"}),
        ({"guidance": None}, {}),
        (
            {"lorasScale": "[0.5]", "loras": '["model_sandbox-ink"]'},
            {"lorasScale": [0.5], "loras": ["model_sandbox-ink"]},
        ),
        ({"image": "", "modelId": ""}, {}),
    ],
)
async def test_sloppy_parameters_are_read_as_they_were_meant(
    agent: McpClient, world: World, hero: str, sent: dict[str, Any], body: dict[str, Any]
) -> None:
    def filled(given: dict[str, Any]) -> dict[str, Any]:
        return {name: hero if value == "{hero}" else value for name, value in given.items()}

    made(await run(agent, FLUX1, {"prompt": "a fox", **filled(sent)}))

    assert world.ledger[0].body == {"prompt": "a fox", **filled(body)}


async def test_parameters_may_come_as_json_text(agent: McpClient, world: World) -> None:
    made(await run(agent, FLUX1, '{"prompt": "a fox"}'))

    assert world.ledger[0].body == {"prompt": "a fox"}


@pytest.mark.parametrize(
    ("model_id", "base", "body"),
    [
        ("model_sandbox-ink", FLUX1, {"modelId": "model_sandbox-ink"}),
        ("model_sandbox-duo", FLUX1, {"modelId": "model_sandbox-duo"}),
        ("model_sandbox-flux2", FLUX2, {"loras": ["model_sandbox-flux2"]}),
        ("model_sandbox-flux2-edit", FLUX2, {"loras": ["model_sandbox-flux2-edit"]}),
    ],
)
async def test_a_lora_runs_on_its_base_model(
    agent: McpClient, world: World, model_id: str, base: str, body: dict[str, Any]
) -> None:
    content = made(await run(agent, model_id, {"prompt": "a fox"}))

    assert content["status"] == "success"
    assert content["modelId"] == model_id
    assert f"runs on the base model {base}" in content["notes"][0]
    assert world.ledger[0].route == f"custom/{base}"
    assert world.ledger[0].body == {"prompt": "a fox", **body}


async def test_a_kontext_lora_runs_on_its_base_model(agent: McpClient, world: World, hero: str) -> None:
    made(await run(agent, "model_sandbox-kontext", {"prompt": "a fox", "referenceImages": hero}))

    assert world.ledger[0].route == "custom/model_flux-kontext-editing"
    assert world.ledger[0].body["loras"] == ["model_sandbox-kontext"]


@pytest.mark.parametrize(
    ("model_id", "other", "body"),
    [
        ("model_sandbox-ink", {"modelId": "model_sandbox-duo"}, {"modelId": "model_sandbox-duo"}),
        (
            "model_sandbox-flux2",
            {"loras": ["model_sandbox-flux2-edit"]},
            {"loras": ["model_sandbox-flux2", "model_sandbox-flux2-edit"]},
        ),
    ],
)
async def test_a_lora_that_names_another_in_its_parameters_is_refused_with_the_call_to_make(
    agent: McpClient, world: World, model_id: str, other: dict[str, Any], body: dict[str, Any]
) -> None:
    result = await run(agent, model_id, {"prompt": "a fox", **other})

    assert result.is_error
    assert "Nothing was generated or billed" in text_of(result)
    assert world.ledger == []
    ready = re.search(r"Instead call run-model with (\{.*\})\.", text_of(result))
    assert ready is not None
    made(await agent.call_tool(RUN, json.loads(ready[1])))
    assert world.ledger[0].body == {"prompt": "a fox", **body}


async def test_a_lora_named_among_others_runs_with_them(agent: McpClient, world: World) -> None:
    both = ["model_sandbox-flux2-edit", "model_sandbox-flux2"]
    made(await run(agent, "model_sandbox-flux2", {"prompt": "a fox", "loras": both}))

    assert world.ledger[0].body["loras"] == both


async def test_loras_beside_a_composition_are_said_to_replace_its_own(agent: McpClient) -> None:
    content = made(await run(agent, "model_sandbox-duo", {"prompt": "a fox", "loras": ["model_sandbox-ink"]}))

    assert any("loras replace" in note for note in content["notes"])


async def test_a_lora_whose_base_changed_is_checked_on_the_new_record(agent: McpClient, world: World) -> None:
    made(await run(agent, FLUX1, {"prompt": "a fox"}))
    inputs = world.models[FLUX1]["inputs"]
    world.models[FLUX1] |= {"inputs": [*inputs, {"name": "tiling", "type": "boolean"}]}

    made(await run(agent, "model_sandbox-ink", {"prompt": "a fox", "tiling": True}))


async def test_a_base_that_requires_what_the_lora_stands_for_is_content(agent: McpClient, world: World) -> None:
    for each in world.models[FLUX1]["inputs"]:
        if each["name"] == "loras":
            each["required"] = {"ifNotDefined": {"modelId": "One of both"}}

    made(await run(agent, "model_sandbox-ink", {"prompt": "a fox"}))


async def test_many_loras_are_looked_up_together_and_in_time(
    agent: McpClient, network: SandboxNetwork, world: World
) -> None:
    network.plan("POST /v1/models/get-bulk", hangs_before, 10)
    began = anyio.current_time()

    made(await run(agent, FLUX1, {"prompt": "a fox", "loras": ["model_sandbox-ink"] * 6, "wait": False}))

    assert network.count("POST /v1/models/get-bulk") == 1
    assert anyio.current_time() - began <= 9


ODD_FLAGS: list[Any] = [1, "yes", ["true"], {"value": True}, "perhaps"]


@pytest.mark.parametrize("value", ODD_FLAGS, ids=str)
@pytest.mark.parametrize("name", ["dryRun", "dry_run", "DRYRUN", "wait"])
async def test_a_misplaced_option_that_is_no_yes_or_no_is_refused_even_without_a_record(
    network: SandboxNetwork, world: World, name: str, value: Any
) -> None:
    blind = services_over(Client(network.base_url, BLIND, transport=network), 45)
    async with McpClient(create_server(blind), raise_exceptions=True) as agent:
        result = await run(agent, FLUX1, {"prompt": "a fox", name: value})

    assert result.is_error
    assert "belongs beside parameters" in text_of(result)
    assert world.ledger == []


@pytest.mark.parametrize("name", ["dryRun", "dry_run", "dryrun", "dry-run"])
async def test_a_misplaced_dry_run_is_honoured_however_spelt_even_without_a_record(
    network: SandboxNetwork, world: World, name: str
) -> None:
    blind = services_over(Client(network.base_url, BLIND, transport=network), 45)
    async with McpClient(create_server(blind), raise_exceptions=True) as agent:
        content = made(await run(agent, FLUX1, {"prompt": "a fox", name: "true", "guidance": None}))

    assert content["status"] == "dry-run"
    assert world.ledger == []


async def test_a_lora_whose_base_cannot_be_read_still_runs_with_a_note(
    agent: McpClient, network: SandboxNetwork, world: World
) -> None:
    network.plan(f"GET /v1/models/{FLUX1}", server_error, 10)

    content = made(await run(agent, "model_sandbox-ink", {"prompt": "a fox"}))

    assert world.ledger[0].body == {"prompt": "a fox", "modelId": "model_sandbox-ink"}
    assert any("could not be read" in note for note in content["notes"])


async def test_a_lost_answer_is_never_followed_by_another_request(
    agent: McpClient, network: SandboxNetwork, world: World
) -> None:
    network.plan(GENERATE, server_error, 10)

    result = await run(agent, FLUX1, {"prompt": "a fox"})

    assert result.is_error
    assert "No job was found for it so far" in text_of(result)
    assert network.count(GENERATE) == 1


async def test_a_record_that_changed_is_read_again_before_a_refusal(
    agent: McpClient, world: World, network: SandboxNetwork
) -> None:
    made(await run(agent, FLUX1, {"prompt": "a fox"}))
    inputs = world.models[FLUX1]["inputs"]
    world.models[FLUX1] |= {"inputs": [*inputs, {"name": "tiling", "type": "boolean"}]}

    made(await run(agent, FLUX1, {"prompt": "a fox", "tiling": True}))

    assert network.count(f"GET /v1/models/{FLUX1}") == 2


async def test_a_record_is_read_once_in_five_minutes(agent: McpClient, network: SandboxNetwork) -> None:
    for _ in range(3):
        made(await run(agent, FLUX1, {"prompt": "a fox"}))
    assert network.count(f"GET /v1/models/{FLUX1}") == 1

    await anyio.sleep(301)
    made(await run(agent, FLUX1, {"prompt": "a fox"}))
    assert network.count(f"GET /v1/models/{FLUX1}") == 2


async def test_the_deprecated_is_run_with_a_note_that_names_its_replacement(agent: McpClient) -> None:
    content = made(await run(agent, "model_sandbox-story", {"prompt": "a fox"}))

    assert "recommends model_sandbox-film" in content["notes"][0]


async def test_an_unknown_model_that_the_api_refuses_names_near_ones(agent: McpClient, world: World) -> None:
    result = await run(agent, "model_bfl-flux-3-dev", {"prompt": "a fox"})

    assert result.is_error
    assert "model_bfl-flux-2-dev" in text_of(result)
    assert "find-models" in text_of(result)
    assert world.ledger == []


async def test_a_refusal_for_another_reason_names_no_models(agent: McpClient, network: SandboxNetwork) -> None:
    network.plan(GENERATE, answers(404, {"reason": "Asset asset_x not found"}))

    result = await run(agent, FLUX1, {"prompt": "a fox"})

    assert "find-models" not in text_of(result)
