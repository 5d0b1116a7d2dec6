"""What Scenario's description says only in prose: refused where it cannot work, told where a field does nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.inferences.fields import DryRun
from scenario_mcp.inferences.table import BY_TOOLSET, INFERENCES, tool_name
from scenario_mcp.sandbox.world import World
from support.agents import ABSENT, agent_of, made, text_of
from support.examples import PICTURE, example, filled
from support.network import SandboxNetwork
from support.servers import Machine

pytestmark = pytest.mark.anyio

P = PICTURE


@pytest.fixture
async def agent(network: SandboxNetwork) -> AsyncIterator[McpClient]:
    async with agent_of(Machine(network, previews=False, toolsets=tuple(BY_TOOLSET)).server()) as agent:
        yield agent


def changed(route: str, change: dict[str, Any], picture: str) -> dict[str, Any]:
    given = example(route, picture) | filled(change, picture, picture)
    return {name: value for name, value in given.items() if value is not ABSENT}


# Inference, what is changed in its example, the field that is refused, and words of the refusal.
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("controlnet", {"controlStart": 0.5, "controlEnd": 0.5}, "controlStart", "below controlEnd, which is 0.5, not 0.5"),
    ("controlnet", {"modality": "depth:1.5"}, "modality", "weights above 0 and up to 1"),
    ("controlnet", {"modality": "depth:much"}, "modality", "weights above 0 and up to 1"),
    ("controlnet", {"modality": "canny,depth,pose,seg"}, "modality", "at most 3"),
    ("controlnet", {"modality": "canny,canny"}, "modality", "different"),
    ("controlnet", {"modality": "city,canny"}, "modality", "a preset alone"),
    ("controlnet", {"controlImage": ABSENT}, "controlImage", "is needed"),
    ("controlnet", {"controlImageId": "asset_other"}, "controlImageId", "Keep only controlImage"),
    ("inpaint", {"mask": ABSENT}, "mask", "is needed"),
    ("inpaint", {"image": ABSENT}, "image", "is needed"),
    ("patch", {"backgroundColor": "transparent", "format": "jpeg"}, "backgroundColor", "when format is jpeg"),
    ("patch", {"patch": ABSENT, "position": ABSENT}, "patch", "is needed"),
    ("remove-background", {"backgroundColor": "transparent", "format": "jpeg"}, "backgroundColor", "format is jpeg"),
    ("generative-fill", {"maskId": "asset_other"}, "maskId", "Keep only mask"),
    ("prompt-editing", {"referenceImages": [P] * 6}, "referenceImages", "at most 5"),
    ("prompt-editing", {"referenceImages": [P] * 4, "modelId": "flux-kontext"}, "referenceImages", "at most 3"),
    ("prompt-editing", {"referenceImages": [P] * 3, "modelId": "runway-gen4-image"}, "referenceImages", "at most 2"),
    (
        "prompt-editing",
        {"modelId": "flux-kontext", "concepts": [{"modelId": "m", "scale": 1}]},
        "referenceImages",
        "together with concepts",
    ),
    ("prompt-editing", {"mask": P}, "mask", "counts only when modelId is gpt-image-1"),
    ("prompt-editing", {"concepts": [{"modelId": "m", "scale": 1}]}, "concepts", "only when modelId is flux-kontext"),
    ("prompt-editing", {"aspectRatio": "16:9", "modelId": "gpt-image-1"}, "aspectRatio", "one of 1:1, 3:2, 2:3, auto"),
    (
        "prompt-editing",
        {"modelId": "flux-kontext", "concepts": [{"modelId": "m", "scale": -1}]},
        "concepts[0].scale",
        "0",
    ),
    ("controlnet-img2img", {"controlImage": ABSENT}, "controlImage", "is needed"),
    ("patch", {"backgroundColor": " Transparent", "format": "jpeg"}, "backgroundColor", "when format is jpeg"),
    ("segment", {"resultMask": False, "resultImage": ABSENT}, "resultMask", "nothing would be given"),
    ("prompt", {"mode": "contextual"}, "images", "when mode is contextual"),
    ("prompt", {"prompt": ABSENT}, "prompt", "when mode is completion"),
    ("prompt", {"mode": "image-editing"}, "image", "when mode is image-editing"),
    ("prompt", {"mode": "image-editing", "image": P, "modelId": "model_x"}, "modelId", "one of gemini-2.0-flash"),
    ("describe-style", {"images": ABSENT}, "images", "is needed"),
    ("describe-style", {"assetIds": ["asset_other"]}, "assetIds", "Keep only images"),
    ("skybox-base-360", {"negativePrompt": "birds"}, "negativePromptStrength", "above 0"),
    ("skybox-base-360", {"negativePrompt": "birds", "negativePromptStrength": 0}, "negativePromptStrength", "above 0"),
    ("pixelate", {"colorPalette": [[0, 0, 256]]}, "colorPalette[0][2]", "from 0 to 255"),
    ("pixelate", {"colorPalette": [[0, 0]]}, "colorPalette[0]", "3"),
    ("segment", {"bbox": [1, 2, 3]}, "bbox", "4"),
    ("txt2img", {"seed": "-1"}, "seed", "whole number"),
]

# The same with what works, and what is told of it.
TOLD: list[tuple[str, dict[str, Any], str]] = [
    ("controlnet", {"controlImage": ABSENT, "image": P}, "does not document where the control is taken from"),
    ("controlnet", {"disableModalityDetection": False}, "disableModalityDetection has no effect on Flux"),
    (
        "controlnet",
        {"modelId": "model_sandbox-hologram", "controlEnd": 0.8},
        "controlEnd has an effect on models based on Flux dev only",
    ),
    ("txt2img", {"negativePrompt": "rain", "negativePromptStrength": 1, "guidance": 0.5}, "when guidance is below 1"),
    ("inpaint", {"negativePrompt": "rain"}, "negativePrompt has no effect on Flux models in this inference"),
    ("detect", {"factor": 2, "minThreshold": 1}, "minThreshold and factor do nothing unless modality is grayscale"),
    ("detect", {"modality": "pose", "lowThreshold": 1}, "lowThreshold does nothing unless modality is canny"),
    (
        "patch",
        {"patch": ABSENT, "crop": {"left": 0, "top": 0, "width": 9, "height": 9}},
        "position does nothing without",
    ),
    ("pixelate", {"colorPaletteSize": 8}, "colorPaletteSize does nothing beside colorPalette"),
    ("prompt-editing", {"seed": 1}, "seed does nothing unless modelId is flux-kontext"),
    ("prompt-editing", {"quality": "low"}, "quality does nothing unless modelId is gpt-image-1 or"),
    ("prompt-editing", {"modelId": "gpt-image-1", "compression": 50}, "compression does nothing unless format is"),
    ("prompt-editing", {"modelId": "flux-kontext", "strength": 0.5}, "strength does nothing without concepts"),
    ("reframe", {"horizontalExpansionRatio": 1.5}, "deprecated horizontalExpansionRatio"),
    ("reframe", {"negativePrompt": "rain"}, "deprecated negativePrompt"),
    (
        "segment",
        {"resultImage": ABSENT, "backgroundOpacity": 9},
        "backgroundOpacity does nothing unless resultImage is",
    ),
    ("skybox-base-360", {"strength": 0.5}, "strength does nothing without image"),
    ("skybox-base-360", {"structureImage": ABSENT}, "structureFidelity does nothing without structureImage or canny"),
    ("skybox-base-360", {"depthFidelity": 5}, "depthFidelity does nothing without depthImage"),
    ("skybox-base-360", {"styleImages": [P]}, "deprecated styleImages"),
    ("skybox-base-360", {"overrideEmbeddings": True}, "deprecated overrideEmbeddings"),
    ("skybox-upscale-360", {"targetWidth": 2048}, "scalingFactor does nothing beside targetWidth"),
    ("skybox-upscale-360", {"styleFidelity": 9}, "styleFidelity does nothing without styleImages"),
    ("texture", {"defaultParameters": True}, "raised does nothing beside defaultParameters"),
    ("upscale", {}, "run-model with modelId model_scenario-upscale-v3"),
    ("upscale", {"styleImagesFidelity": 9}, "styleImagesFidelity does nothing without styleImages"),
    ("vectorize", {"filterSpeckle": 4}, "filterSpeckle does nothing unless preset is custom"),
    ("vectorize", {"preset": ABSENT, "colorMode": "bw", "colorPrecision": 4}, "colorPrecision does nothing unless"),
    (
        "vectorize",
        {"preset": ABSENT, "mode": "polygon", "cornerThreshold": 4},
        "cornerThreshold does nothing unless mode",
    ),
    ("caption", {"modelId": "model_x", "detailsLevel": "action"}, "detailsLevel may do nothing beside modelId"),
    ("caption", {"temperature": 1, "topP": 0.5}, "temperature or topP, not both"),
    ("describe-style", {"modelId": "model_x"}, "modelId does nothing beside images"),
    ("prompt", {"mode": "image-editing", "image": P, "assetIds": [P]}, "assetIds does nothing when mode is image-edit"),
    ("prompt", {"mode": "contextual", "images": [P]}, "prompt does nothing when mode is contextual"),
    ("prompt", {"modelId": "model_x", "assetIds": [P]}, "modelId does nothing beside assetIds when mode"),
    ("prompt", {"modelId": "model_x", "images": [P]}, "modelId does nothing beside images when mode is completion"),
]


@pytest.mark.parametrize(("route", "change", "field", "words"), REFUSED, ids=[f"{c[0]} {c[1]}"[:80] for c in REFUSED])
async def test_what_cannot_work_is_refused_with_the_fix(
    agent: McpClient,
    network: SandboxNetwork,
    hero: str,
    route: str,
    change: dict[str, Any],
    field: str,
    words: str,
) -> None:
    result = await agent.call_tool(tool_name(route), changed(route, change, hero))

    assert result.is_error
    [line] = [line for line in text_of(result).splitlines() if line.startswith(f"- {field}")]
    assert words in line
    assert network.sent == []


@pytest.mark.parametrize(("route", "change", "words"), TOLD, ids=[f"{case[0]} {case[1]}"[:80] for case in TOLD])
async def test_what_will_do_nothing_is_told_with_the_price_already(
    agent: McpClient, world: World, hero: str, route: str, change: dict[str, Any], words: str
) -> None:
    world.models["model_sandbox-hologram"]["capabilities"] = ["controlnet"]

    free = {"dryRun": True} if issubclass(INFERENCES[route], DryRun) else {}
    result = made(await agent.call_tool(tool_name(route), {**changed(route, change, hero), **free}))

    assert any(words in note for note in result["notes"]), result["notes"]
    assert len(world.ledger) == (not free)


@pytest.mark.parametrize(
    "route", [route for route, model in INFERENCES.items() if route != "upscale" and issubclass(model, DryRun)]
)
async def test_nothing_is_told_of_a_call_without_fault(agent: McpClient, hero: str, route: str) -> None:
    result = made(await agent.call_tool(tool_name(route), {**example(route, hero), "dryRun": True}))

    said = [note for note in result["notes"] if not note.startswith("The mask ")]
    assert said == ["Only the price was asked: nothing was made or billed."]


@pytest.mark.parametrize("modality", ["canny", "depth:0.5", "tile : 1", "low-quality"])
async def test_a_modality_of_flux_is_sent_as_it_is(agent: McpClient, world: World, hero: str, modality: str) -> None:
    await agent.call_tool("post-controlnet-inferences", changed("controlnet", {"modality": modality}, hero))

    assert world.ledger[0].body["modality"] == modality


@pytest.mark.parametrize("modality", ["character", "landscape:0.5", "canny:0.5,depth:0.5,lines:0.3", "illusion:1"])
async def test_a_modality_of_other_families_is_left_to_the_api(
    agent: McpClient, world: World, hero: str, modality: str
) -> None:
    world.models["model_sandbox-hologram"]["capabilities"] = ["controlnet"]
    change = {"modality": modality, "modelId": "model_sandbox-hologram"}

    await agent.call_tool("post-controlnet-inferences", changed("controlnet", change, hero))

    assert world.ledger[0].body["modality"] == modality


@pytest.mark.parametrize("modality", ["canny:0.5,depth:0.5", "scribble", "city"])
async def test_flux_takes_one_modality_of_its_own(agent: McpClient, world: World, hero: str, modality: str) -> None:
    result = await agent.call_tool("post-controlnet-inferences", changed("controlnet", {"modality": modality}, hero))

    assert result.is_error
    assert "- modality: must be one of canny, depth, pose, tile, blur, gray, low-quality" in text_of(result)
    assert world.ledger == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"controlStart": 0.5}, "controlStart", "must be below 0.5"),
        ({"controlStart": 0.6, "modality": "depth"}, "controlStart", "must be below 0.6"),
        ({"aspectRatio": "16:9"}, "aspectRatio", "Use width and height"),
        ({"negativePrompt": "rain"}, "negativePromptStrength", "must be above 0"),
        ({"negativePrompt": "rain", "negativePromptStrength": 0}, "negativePromptStrength", "must be above 0"),
    ],
    ids=str,
)
async def test_what_flux_would_pass_over_is_refused_by_the_record(
    agent: McpClient, world: World, hero: str, change: dict[str, Any], field: str, words: str
) -> None:
    route = "controlnet" if field == "controlStart" else "txt2img"

    result = await agent.call_tool(tool_name(route), changed(route, change, hero))

    assert result.is_error
    assert f"- {field}: " in text_of(result)
    assert words in text_of(result)
    assert world.ledger == []
