"""Wrong models and wrong parameters: refused by us unsent, or by the API for free; each answer names the way on."""

import json
import re
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support.agents import TOOL, data_of, text_of
from support.network import GENERATE, SandboxNetwork
from support.pictures import data_url, png
from support.worlds import BLIND

pytestmark = pytest.mark.anyio

RUN = "run-model"
FLUX1, FLUX2, STYLE = "model_bfl-flux-1-dev", "model_bfl-flux-2-dev", "model_telestyle-v2"
FILM, VOICE, STATUE = "model_sandbox-film", "model_sandbox-voice", "model_sandbox-statue"

US, API = "refused by us", "refused by the API for free"

# What is changed in a good call of the main tool, who refuses it, and words of the way on.
NAMED: list[tuple[dict[str, Any], str, str]] = [
    ({"modelId": FLUX1}, US, f'call run-model with {{"modelId": "{FLUX1}", "parameters": {{"prompt": "a phoenix"'),
    ({"modelId": STYLE}, US, '"contentImage": "{hero}", "styleImage": "{ink}"'),
    ({"modelId": FLUX2}, US, '"referenceImages": ["{hero}", "{ink}"]'),
    ({"modelId": FLUX2, "numSamples": 2, "seed": "7"}, US, '"numOutputs": 2, "seed": 7'),
    ({"modelId": FLUX2, "numSamples": 9}, US, "Not carried over: numSamples"),
    ({"modelId": FLUX1, "ipAdapterType": "style"}, US, "Not carried over: ipAdapterType, ipAdapterImages"),
    ({"modelId": FILM}, US, "cannot run. Nothing was generated or billed. Instead call run-model"),
    ({"modelId": "model_sandbox-kontext"}, US, "does not have the capability img2img_ip_adapter"),
    (
        {"modelId": "model_sandbox-kontext"},
        US,
        "It can: img2img. Nothing was generated or billed. Instead call run-model",
    ),
    ({"modelId": "model_sandbox-flux2"}, US, '{"modelId": "model_sandbox-flux2", "parameters": {"prompt"'),
    ({"modelId": "model_sandbox-qwen"}, US, f'run-model with {{"modelId": "{FLUX2}"'),
    ({"modelId": "model_sandbox-qwen"}, US, "what model_sandbox-qwen was trained on is not in it"),
    ({"modelId": "model_sandbox-bare"}, US, 'Instead call get-model with {"modelId": "model_sandbox-bare"}'),
    ({"modelId": VOICE}, US, "Still needed: text, voice"),
    (
        {"modelId": FLUX1, "concepts": [{"modelId": "model_sandbox-ink", "scale": 0.5}]},
        US,
        '"loras": ["model_sandbox-ink"], "lorasScale": [0.5]',
    ),
    (
        {"modelId": FLUX1, "concepts": [{"modelId": "model_sandbox-ink", "scale": -1}]},
        US,
        "Not carried over: ipAdapterImages, concepts",
    ),
    ({"modelId": FLUX1, "prompt": "long " * 300}, US, json.dumps("long " * 300)),
    ({"modelId": "model_public-0"}, US, 'run-model with {"modelId": "model_public-0"'),
    ({"guidance": 12}, US, "- guidance: must be from 0 to 10 for a model of type flux.1-lora, not 12"),
    ({"modelId": "flux.1-dev", "guidance": 10.5}, US, "from 0 to 10 for a model of type flux.1,"),
    ({"modelId": "model_sandbox-duo", "guidance": 20}, US, "type flux.1-composition"),
    ({"modelId": "model_sandbox-pro", "guidance": 1}, US, "from 2 to 5 for a model of type flux.1-pro"),
    ({"modelId": "model_sandbox-pro", "guidance": 6}, US, "from 2 to 5"),
    (
        {"modelId": "model_sandbox-sdxl", "width": 504},
        US,
        "- width: must be from 512 to 2048 for a model of type sd-xl",
    ),
    (
        {"modelId": "model_sandbox-sd15", "height": 1032},
        US,
        "- height: must be from 64 to 1024 for a model of type sd-1_5",
    ),
    ({"baseModelId": "flux.1-pro"}, US, "- baseModelId: must be one of flux.1-dev, flux.1-schnell"),
    ({"modelId": "model_sandbox-duo", "baseModelId": "x"}, US, "must be one of flux.1-dev, flux.1-schnell"),
    ({"modelId": "model_sandbox-sdxl"}, API, f'Instead call run-model with {{"modelId": "{FLUX2}"'),
    ({"modelId": "model_sandbox-sd15"}, API, "Its price is free to ask with dryRun"),
    ({"modelId": "model_sandbox-max"}, API, "needs the plan cu-max"),
    ({"modelId": "model_sandbox-inc"}, API, "model_sandbox-ink"),
    ({"modelId": "Ink and wash (sandbox)"}, API, "model_sandbox-ink"),
    ({"modelId": "model_nobody-knows"}, API, "find-models searches models by words"),
    ({"image": "asset_unknown"}, API, "Asset asset_unknown not found"),
]

# Model, parameters, who refuses, the field that is named, and words of the way on.
CUSTOM: list[tuple[str, dict[str, Any], str, str, str]] = [
    (FLUX1, {}, US, "prompt", "is required. Give a text of at most 2048 characters"),
    (FLUX1, {"promt": "x"}, US, "promt", "Did you mean prompt?"),
    (FLUX1, {"prompt": "x", "num_outputs": 2}, US, "num_outputs", "Did you mean numOutputs?"),
    (FLUX1, {"prompt": "x", "numSamples": 2}, US, "numSamples", "unknown argument"),
    (FLUX1, {"prompt": "x", "scheduler": "DDIM"}, US, "scheduler", "Known are: prompt, image"),
    (FLUX1, {"prompt": 5}, US, "prompt", "must be a text"),
    (FLUX1, {"prompt": "x" * 2049}, US, "prompt", "of at most 2048 characters"),
    (FLUX1, {"prompt": "x", "numOutputs": 5}, US, "numOutputs", "from 1 to 4 in steps of 1, not 5. Nearest: 4."),
    (FLUX1, {"prompt": "x", "numOutputs": 0}, US, "numOutputs", "Nearest: 1."),
    (FLUX1, {"prompt": "x", "numOutputs": 2.6}, US, "numOutputs", "Nearest: 3."),
    (FLUX1, {"prompt": "x", "width": 500}, US, "width", "from 128 to 2048 in steps of 16, not 500. Nearest: 496."),
    (FLUX1, {"prompt": "x", "width": 2064}, US, "width", "Nearest: 2048."),
    (FLUX1, {"prompt": "x", "strength": 0}, US, "strength", "Nearest: 0.01."),
    (FLUX1, {"prompt": "x", "guidance": "high"}, US, "guidance", "a number from 0 to 10"),
    (FLUX1, {"prompt": "x", "seed": -1}, US, "seed", "Nearest: 0."),
    (
        FLUX1,
        {"prompt": "x", "seed": 2**31},
        US,
        "seed",
        "from 0 to 2147483647 in steps of 1, not 2147483648. Nearest: 2147483647",
    ),
    (FLUX1, {"prompt": "x", "image": "~/hero.png"}, US, "image", "was not found"),
    (FLUX1, {"prompt": "x", "image": "http://example.com/a.png"}, US, "image", "a scheme that cannot be used"),
    (FLUX1, {"prompt": "x", "image": ["asset_a", "asset_b"]}, US, "image", "must be a text"),
    (FLUX1, {"prompt": "x", "image": "asset_unknown"}, API, "", "Asset asset_unknown not found"),
    (FLUX1, {"prompt": "x", "loras": ["a"] * 7}, US, "loras", "a list of at most 6 items"),
    (FLUX1, {"prompt": "x", "loras": ["model_sandbox-duo"]}, US, "loras", "must be of type flux.1-lora"),
    (FLUX1, {"prompt": "x", "loras": ["model_nobody"]}, API, "", "Model model_nobody not found"),
    (FLUX1, {"prompt": "x", "loras": ["model_sandbox-inc"]}, API, "", "Near to it: model_sandbox-ink"),
    (FLUX1, {"prompt": "x", "lorasScale": [3]}, US, "lorasScale[0]", "from 0 to 2, not 3. Nearest: 2."),
    (FLUX1, {"prompt": "x", "lorasScale": [-0.5]}, US, "lorasScale[0]", "Nearest: 0."),
    (FLUX1, {"prompt": "x", "modelId": "model_sandbox-qwen"}, US, "modelId", "flux.1-lora, flux.1-composition"),
    (FLUX1, {"prompt": "x", "controlModality": "cany"}, US, "controlModality", "Did you mean canny?"),
    (FLUX1, {"prompt": "x", "controlModality": "canny"}, US, "controlImage", "because controlModality is given"),
    (FILM, {"duration": 5}, US, "prompt", "is required because firstFrame is not given"),
    (FILM, {"prompt": "x", "duration": 7}, US, "duration", "in steps of 5, not 7. Nearest: 5."),
    (FILM, {"prompt": "x", "duration": 15}, US, "duration", "Nearest: 10."),
    (FILM, {"prompt": "x", "aspectRatio": "2:1"}, US, "aspectRatio", "one of 1:1, 16:9, 9:16, 4:3, 3:4"),
    (FILM, {"prompt": "x", "sound": "loud"}, US, "sound", "true or false"),
    (FILM, {"prompt": "x", "sound": True}, US, "soundPrompt", "because sound is true"),
    (FILM, {"prompt": "x", "sound": "true"}, US, "soundPrompt", "because sound is true"),
    (FILM, {"prompt": "x", "lastFrame": "asset_a"}, US, "firstFrame", "because lastFrame is given"),
    (FILM, {"prompt": "x", "dryRun": "perhaps"}, US, "dryRun", "belongs beside parameters, not inside"),
    (VOICE, {"text": "x"}, US, "voice", 'is required. Give one of "calm a 0"'),
    (VOICE, {"text": "x", "voice": "calm a 9"}, US, "voice", 'Did you mean "calm a'),
    (VOICE, {"text": "", "voice": "calm a 0"}, US, "text", "of 1 to 300 characters"),
    (VOICE, {"text": "x", "voice": "calm a 0", "speed": 0.6}, US, "speed", "in steps of 0.25, not 0.6. Nearest: 0.5."),
    (VOICE, {"text": "x", "voice": "calm a 0", "keywords": [1]}, US, "keywords[0]", "a text"),
    (STATUE, {}, US, "images", "is required"),
    (STATUE, {"images": []}, US, "images", "is required"),
    (STATUE, {"images": ["asset_a"] * 5}, US, "images", "a list of at most 4 items"),
    (STYLE, {"contentImage": "asset_a"}, US, "styleImage", "is required"),
    (STYLE, {"contentImage": "asset_a", "styleImage": "asset_b", "prompt": "x"}, US, "prompt", "unknown argument"),
    ("flux.1-dev", {"prompt": "x", "image": "asset_a"}, US, "", f'Instead call {TOOL} with {{"modelId": "flux.1-dev"'),
    ("flux.1-dev", {"prompt": "x"}, US, "", "Still needed: image, ipAdapterImages."),
    ("flux.1-dev", {"prompt": "x", "aspectRatio": "1:1"}, US, "", "Not carried over: aspectRatio."),
    ("flux.1-dev", {"prompt": "x", "width": 1000.5}, US, "", "Not carried over: width."),
    ("flux.1-dev", {"prompt": "x", "numOutputs": 2}, US, "", '"numSamples": 2'),
    ("flux.1-dev", {"prompt": "x"}, US, "", '"numSamples": 1'),
    ("flux.1-dev", {"prompt": "x", "dryRun": True}, US, "", '"dryRun": true'),
    ("model_sandbox-kontext", {"prompt": "x"}, US, "referenceImages", "is required"),
    ("model_sandbox-qwen", {"prompt": "x"}, US, "", "whose modelId or loras takes models of type qwen-image-lora"),
    ("model_sandbox-sdxl", {"prompt": "x"}, US, "", "Instead call"),
    ("model_bfl-flux-9-dev", {"prompt": "x"}, API, "", "model_bfl-flux-2-dev"),
    (STATUE, {"images": ["asset_unknown"]}, API, "", "Asset asset_unknown not found"),
]


def test_there_are_many_cases() -> None:
    assert len(NAMED) + len(CUSTOM) >= 40


@pytest.mark.parametrize("dry_run", [False, True], ids=["run", "dry run"])
@pytest.mark.parametrize(("change", "who", "way_on"), NAMED, ids=[str(case[0]) for case in NAMED])
async def test_a_model_that_the_named_inference_cannot_run_is_refused_with_the_way_on(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    arguments: dict[str, Any],
    hero: str,
    ink: str,
    change: dict[str, Any],
    who: str,
    way_on: str,
    dry_run: bool,
) -> None:
    result = await agent.call_tool(TOOL, arguments | change | {"dryRun": dry_run})

    assert result.is_error
    assert way_on.replace("{hero}", hero).replace("{ink}", ink) in text_of(result)
    assert bool(network.count(GENERATE)) == (who == API)
    assert world.ledger == []


async def test_the_price_question_stays_one_in_the_call_that_is_named_instead(
    agent: McpClient, world: World, arguments: dict[str, Any]
) -> None:
    for model_id in (FLUX2, "model_sandbox-sdxl"):
        refused = await agent.call_tool(TOOL, arguments | {"modelId": model_id, "dryRun": True})
        ready = re.search(r"Instead call run-model with (\{.*\})\.", text_of(refused))
        assert ready is not None

        result = await agent.call_tool(RUN, json.loads(ready[1]))

        assert data_of(result) is not None
        assert data_of(result)["status"] == "dry-run"
    assert world.ledger == []


async def test_what_is_too_long_to_repeat_is_left_out_and_named(agent: McpClient, arguments: dict[str, Any]) -> None:
    result = await agent.call_tool(TOOL, arguments | {"modelId": STYLE, "image": data_url(png(size=(64, 64)))})

    assert "Add contentImage as before: too long to repeat here." in text_of(result)
    assert "base64" not in text_of(result)


@pytest.mark.parametrize(
    ("model_id", "way_on"),
    [
        ("flux.1-dev", '"modelId": "flux.1-dev"}}'),
        ("model_sandbox-ink", f'Instead call run-model with {{"modelId": "{FLUX1}"'),
        ("model_sandbox-sdxl", f'Instead call run-model with {{"modelId": "{FLUX2}"'),
    ],
)
async def test_a_key_that_may_not_read_models_is_told_the_way_on_after_the_refusal(
    network: SandboxNetwork, world: World, arguments: dict[str, Any], model_id: str, way_on: str
) -> None:
    blind = services_over(Client(network.base_url, BLIND, transport=network), 45)
    async with McpClient(create_server(blind), raise_exceptions=True) as agent:
        ran = await agent.call_tool(RUN, {"modelId": model_id, "parameters": {"prompt": "x"}})
        named = await agent.call_tool(TOOL, arguments | {"modelId": STYLE})

    assert ran.is_error
    assert way_on in text_of(ran)
    assert f'Instead call get-model with {{"modelId": "{STYLE}"}}. It tells the parameters' in text_of(named)
    assert world.ledger == []


async def test_the_call_that_is_named_instead_works(agent: McpClient, world: World, arguments: dict[str, Any]) -> None:
    for model_id in (STYLE, FLUX2, FLUX1, "model_sandbox-sdxl", "model_sandbox-flux2", "model_sandbox-kontext"):
        refused = await agent.call_tool(TOOL, arguments | {"modelId": model_id, "seed": 7})
        ready = re.search(r"Instead call run-model with (\{.*\})\.", text_of(refused))
        assert ready is not None, text_of(refused)

        result = await agent.call_tool(RUN, json.loads(ready[1]))

        assert not result.is_error, text_of(result)
    assert len(world.ledger) == 6


@pytest.mark.parametrize(
    ("model_id", "parameters", "who", "field", "way_on"), CUSTOM, ids=[f"{case[0]} {case[1]}"[:90] for case in CUSTOM]
)
async def test_parameters_that_the_model_does_not_take_are_refused_with_the_way_on(
    agent: McpClient,
    network: SandboxNetwork,
    world: World,
    model_id: str,
    parameters: dict[str, Any],
    who: str,
    field: str,
    way_on: str,
) -> None:
    result = await agent.call_tool(RUN, {"modelId": model_id, "parameters": parameters})

    assert result.is_error
    assert way_on in text_of(result)
    assert (f"- parameters.{field}: " in text_of(result)) == bool(field)
    assert bool(network.count(GENERATE)) == (who == API)
    assert world.ledger == []
