"""Bad input: every case is refused before anything is sent, by a sentence that names the field and the fix."""

from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from support.agents import ABSENT, TOOL, text_of
from support.pictures import cut, data_url

pytestmark = pytest.mark.anyio

A, B = "asset_a", "asset_b"

Case = tuple[dict[str, Any], str, str]  # what is changed in a good call, the field to be named, words of the fix

RANGES: list[Case] = [
    ({"width": 56}, "width", "from 64 to 2048 that is a multiple of 8, not 56. Nearest: 64"),
    ({"width": 2056}, "width", "Nearest: 2048"),
    ({"width": 500}, "width", "multiple of 8, not 500. Nearest: 496"),
    ({"height": 0}, "height", "Nearest: 64"),
    ({"height": 4096}, "height", "Nearest: 2048"),
    ({"height": 70}, "height", "Nearest: 72"),
    ({"numSamples": 0}, "numSamples", "a whole number from 1 to 128, not 0. Nearest: 1"),
    ({"numSamples": 129}, "numSamples", "Nearest: 128"),
    ({"numInferenceSteps": 0}, "numInferenceSteps", "from 1 to 150"),
    ({"numInferenceSteps": 151}, "numInferenceSteps", "Nearest: 150"),
    ({"guidance": -0.1}, "guidance", "a number from 0 to 20, not -0.1. Nearest: 0"),
    ({"guidance": 20.5}, "guidance", "Nearest: 20"),
    ({"strength": 0}, "strength", "from 0.01 to 1"),
    ({"strength": 1.01}, "strength", "Nearest: 1"),
    ({"negativePromptStrength": -1}, "negativePromptStrength", "from 0 to 10"),
    ({"negativePromptStrength": 10.1}, "negativePromptStrength", "Nearest: 10"),
    ({"ipAdapterScales": [-0.5]}, "ipAdapterScales[0]", "from 0 to 1"),
    ({"ipAdapterImages": [A, B], "ipAdapterScales": [0.5, 1.5]}, "ipAdapterScales[1]", "Nearest: 1"),
    ({"ipAdapterScale": -0.5}, "ipAdapterScale", "from 0 to 1"),
    ({"ipAdapterScale": 2}, "ipAdapterScale", "Nearest: 1"),
    ({"concepts": [{"modelId": "m", "scale": -2.5}]}, "concepts[0].scale", "from -2 to 2"),
    ({"concepts": [{"modelId": "m", "scale": 2.5}]}, "concepts[0].scale", "Nearest: 2"),
]

WORDS: list[Case] = [
    ({"scheduler": "Euler"}, "scheduler", "one of DDIMScheduler"),
    ({"scheduler": "EulerDiscrete"}, "scheduler", "Did you mean EulerDiscreteScheduler?"),
    ({"ipAdapterType": "Style"}, "ipAdapterType", "Did you mean style?"),
    ({"ipAdapterType": "face"}, "ipAdapterType", "one of character, style"),
]

TYPES: list[Case] = [
    ({"width": "wide"}, "width", "a whole number"),
    ({"width": True}, "width", "a whole number"),
    ({"width": 512.5}, "width", "Nearest: 512"),
    ({"height": "512px"}, "height", "a whole number"),
    ({"numSamples": [2, 3]}, "numSamples", "a whole number"),
    ({"guidance": "high"}, "guidance", "a number"),
    ({"guidance": True}, "guidance", "a number"),
    ({"strength": "1e999"}, "strength", "a number"),
    ({"dryRun": "maybe"}, "dryRun", "true or false"),
    ({"dryRun": 1}, "dryRun", "true or false"),
    ({"originalAssets": "api"}, "originalAssets", "true or false"),
    ({"hideResults": {}}, "hideResults", "true or false"),
    ({"intermediateImages": "yes"}, "intermediateImages", "true or false"),
    ({"imageHide": 0}, "imageHide", "true or false"),
    ({"prompt": 5}, "prompt", "a text"),
    ({"prompt": ["a", "b"]}, "prompt", "a text"),
    ({"modelId": 7}, "modelId", "a text"),
    ({"image": 12}, "image", "a text"),
    ({"ipAdapterImages": [1]}, "ipAdapterImages[0]", "a text"),
    ({"ipAdapterImages": [None]}, "ipAdapterImages[0]", "a text"),
    ({"concepts": "none"}, "concepts[0]", "an object with modelId and scale"),
    ({"concepts": [{"scale": 1}]}, "concepts[0].modelId", "is required"),
    ({"concepts": [{"modelId": "m"}]}, "concepts[0].scale", "is required"),
    ({"concepts": [{"modelId": "m", "scale": 1, "weight": 2}]}, "concepts[0].weight", "unknown argument"),
    ({"modelEpoch": 1}, "modelEpoch", "a text"),
    ({"dryRun": []}, "dryRun", "true or false"),
    ({"numSamples": []}, "numSamples", "a whole number"),
    ({"width": 10**400}, "width", "Nearest: 2048."),
    ({"numSamples": 10**310}, "numSamples", "Nearest: 128."),
    ({"guidance": "1" * 100_000 + "x"}, "guidance", "a number"),
    ({"ipAdapterScales": "[" * 100_000}, "ipAdapterScales[0]", "a number"),
    ({"modelId": "m" * 300}, "modelId", "is too long to be an id"),
]

NAMES: list[Case] = [
    ({"promt": "x"}, "promt", "Did you mean prompt?"),
    ({"num_samples": 2}, "num_samples", "Did you mean numSamples?"),
    ({"ip_adapter_images": [A]}, "ip_adapter_images", "Did you mean ipAdapterImages?"),
    ({"model_id": "x"}, "model_id", "Did you mean modelId?"),
    ({"ModelID": "x"}, "ModelID", "Did you mean modelId?"),
    ({"aspectRatio": "1:1"}, "aspectRatio", "Known are: modelId, prompt, image"),
]

EMPTY: list[Case] = [
    ({"prompt": ""}, "prompt", "a text that is not empty"),
    ({"prompt": "  \n"}, "prompt", "must not be empty"),
    ({"prompt": ABSENT}, "prompt", "is required"),
    ({"prompt": None}, "prompt", "is required"),
    ({"modelId": ""}, "modelId", "a text that is not empty"),
    ({"modelId": " "}, "modelId", "not empty"),
    ({"modelId": ABSENT}, "modelId", "is required. Give a text that is not empty: Id of the model to run"),
    ({"image": ABSENT}, "image", "is needed"),
    ({"image": None}, "image", "is needed"),
    ({"image": ""}, "image", "must not be empty"),
    ({"ipAdapterImages": ABSENT}, "ipAdapterImages", "at least one reference picture"),
    ({"ipAdapterImages": []}, "ipAdapterImages", "at least one reference picture"),
    ({"mask": ""}, "mask", "must not be empty"),
]

SEEDS: list[Case] = [
    ({"seed": "-1"}, "seed", "whole number >= 0"),
    ({"seed": -1}, "seed", "whole number >= 0"),
    ({"seed": "1.5"}, "seed", "whole number >= 0"),
    ({"seed": 1.5}, "seed", "whole number >= 0"),
    ({"seed": "lucky"}, "seed", "whole number >= 0"),
    ({"seed": "٣"}, "seed", "whole number >= 0"),
    ({"seed": True}, "seed", "whole number >= 0"),
    ({"seed": [1, 2]}, "seed", "whole number >= 0"),
]

CONFLICTS: list[Case] = [
    ({"imageId": B}, "imageId", "Keep only image"),
    ({"mask": A, "maskId": B}, "maskId", "Keep only mask"),
    ({"ipAdapterImages": [A], "ipAdapterImageIds": [B]}, "ipAdapterImageIds", "Put every reference in ipAdapterImages"),
    ({"ipAdapterImages": [A], "ipAdapterImage": B}, "ipAdapterImage", "Put every reference in ipAdapterImages"),
    ({"ipAdapterImages": [A, B], "ipAdapterImageId": B}, "ipAdapterImageId", "ipAdapterImages"),
    (
        {"ipAdapterImages": ABSENT, "ipAdapterImageIds": [A], "ipAdapterImageId": B},
        "ipAdapterImageId",
        "something else than ipAdapterImageIds",
    ),
    ({"ipAdapterScales": [0.5], "ipAdapterScale": 0.6}, "ipAdapterScale", "Keep only ipAdapterScales"),
    ({"ipAdapterScales": [0.5, 0.6]}, "ipAdapterScales", "2 values for 1 reference(s)"),
]

PICTURES: list[Case] = [
    ({"image": "hero"}, "image", "Give an asset id (asset_...), a path of a picture file, an https URL, or a data URL"),
    ({"image": "http://example.com/hero.png"}, "image", "has a scheme that cannot be used"),
    ({"image": "asset_"}, "image", "none of the four forms"),
    ({"image": "asset_../models"}, "image", "was not found"),
    ({"image": "../../etc/hosts.png"}, "image", "outside the folders"),
    ({"image": "iVBORw0KGgoAAAANSUhEUg=="}, "image", "none of the four forms"),
    ({"prompt": "", "image": "ftp://x"}, "image", "has a scheme that cannot be used"),
    ({"image": "data:image/png;base64,"}, "image", "does not decode to an image"),
    ({"image": "data:image/png;base64,aGVsbG8="}, "image", "does not decode to an image"),
    ({"image": "data:image/png;base64,@@@"}, "image", "base64 is broken"),
    ({"image": "data:image/png,iVBORw0KGgo"}, "image", "without base64 content"),
    ({"image": "data:text/plain;base64,aGVsbG8="}, "image", "does not decode to an image"),
    ({"image": data_url()[:-40]}, "image", "data URL"),
    ({"image": data_url(cut("JPEG"), "image/jpeg")}, "image", "does not decode to an image"),
    ({"image": data_url(cut("GIF"), "image/gif")}, "image", "does not decode to an image"),
    ({"image": data_url(cut("WEBP"), "image/webp")}, "image", "does not decode to an image"),
    ({"image": data_url(mime="text/plain")}, "image", "does not decode to an image"),
    ({"image": data_url(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n")}, "image", "does not decode"),
    ({"image": data_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")}, "image", "does not decode"),
    ({"mask": "mask.png"}, "mask", "was not found"),
    ({"mask": "mask"}, "mask", "none of the four forms"),
    ({"mask": "data:image/png;base64,AAAA"}, "mask", "does not decode to an image"),
    ({"maskId": "mask"}, "maskId", "none of the four forms"),
    ({"ipAdapterImages": [A, "\\\\server\\ink.png"]}, "ipAdapterImages[1]", "a network or device path"),
    ({"ipAdapterImages": ABSENT, "ipAdapterImage": "data:image/png;base64,AAAA"}, "ipAdapterImages[0]", "not decode"),
    ({"imageId": "hero", "image": ABSENT}, "imageId", "none of the four forms"),
]

CASES = [*RANGES, *WORDS, *TYPES, *NAMES, *EMPTY, *SEEDS, *CONFLICTS, *PICTURES]


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(("change", "field", "fix"), CASES, ids=[f"{c[1]}={str(c[0])[:50]}" for c in CASES])
async def test_bad_input_is_refused_unsent_with_field_and_fix(
    agent: McpClient, world: World, arguments: dict[str, Any], change: dict[str, Any], field: str, fix: str
) -> None:
    changed = {name: value for name, value in (arguments | change).items() if value is not ABSENT}

    result = await agent.call_tool(TOOL, changed)

    said = text_of(result)
    assert result.is_error
    assert f"- {field}: " in said
    assert fix in said
    assert world.requests == []
    assert world.ledger == []


async def test_a_refusal_stays_readable_however_much_is_wrong(agent: McpClient, arguments: dict[str, Any]) -> None:
    wrong = {"ipAdapterScales": [7] * 20_000, "x" * 300_000: 1, "prompt": {"deep": "y" * 300_000}}

    result = await agent.call_tool(TOOL, arguments | wrong)

    assert len(text_of(result)) < 8_000
    assert "- and 19983 more" in text_of(result)
