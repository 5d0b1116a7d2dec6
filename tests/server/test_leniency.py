"""Sloppy hosts: what they send is read the way it was meant, and only what was said reaches Scenario."""

import json
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.media.masks import Mask
from scenario_mcp.sandbox.world import Seen, World
from support.agents import ABSENT, TOOL, data_of, text_of
from support.pictures import data_url, png

pytestmark = pytest.mark.anyio


def generate_request(world: World) -> Seen:
    [request] = [request for request in world.requests if "/generate/" in request.path]
    return request


READINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [  # what a host sends, what Scenario gets
    ({"width": "512"}, {"width": 512}),
    ({"width": "512.0"}, {"width": 512}),
    ({"width": 512.0}, {"width": 512}),
    ({"width": " 640 "}, {"width": 640}),
    ({"numSamples": "2"}, {"numSamples": 2}),
    ({"guidance": "3.5"}, {"guidance": 3.5}),
    ({"guidance": 3}, {"guidance": 3}),
    ({"strength": ".5"}, {"strength": 0.5}),
    ({"strength": "5e-1"}, {"strength": 0.5}),
    ({"hideResults": "true"}, {"hideResults": True}),
    ({"hideResults": "False"}, {"hideResults": False}),
    ({"seed": 42}, {"seed": "42"}),
    ({"seed": "042"}, {"seed": "042"}),
    ({"seed": 42.0}, {"seed": "42"}),
    ({"seed": " 42 "}, {"seed": "42"}),
    ({"modelId": " model_sandbox-ink "}, {"modelId": "model_sandbox-ink"}),
    ({"negativePrompt": None, "width": None, "concepts": None, "ipAdapterScales": []}, {}),
    ({"ipAdapterScales": 0.4}, {"ipAdapterScales": [0.4]}),
    ({"ipAdapterScales": "[0.4]"}, {"ipAdapterScales": [0.4]}),
    ({"ipAdapterScales": "0.4"}, {"ipAdapterScales": [0.4]}),
    ({"concepts": {"modelId": "m", "scale": "0.5"}}, {"concepts": [{"modelId": "m", "scale": 0.5}]}),
    ({"concepts": '[{"modelId": "m", "scale": 1}]'}, {"concepts": [{"modelId": "m", "scale": 1}]}),
    ({"concepts": ['{"modelId": "m", "scale": 1}']}, {"concepts": [{"modelId": "m", "scale": 1}]}),
    (
        {"concepts": [{"modelId": "m", "scale": 1, "modelEpoch": None}]},
        {"concepts": [{"modelId": "m", "scale": 1}]},
    ),
    ({"prompt": '{"not": "json to us"}'}, {"prompt": '{"not": "json to us"}'}),
    ({"prompt": "[1, 2]"}, {"prompt": "[1, 2]"}),
    ({"concepts": [], "modelEpoch": "[1"}, {"modelEpoch": "[1"}),
    ({"seed": "", "width": "", "guidance": " ", "hideResults": "", "scheduler": "", "modelEpoch": ""}, {}),
    ({"ipAdapterScales": "", "concepts": "", "ipAdapterType": "\t", "dryRun": ""}, {}),
    ({"negativePrompt": ""}, {"negativePrompt": ""}),
]


@pytest.mark.parametrize(("sent", "body"), READINGS, ids=[json.dumps(sent) for sent, _ in READINGS])
async def test_a_sloppy_host_is_read_as_it_meant(
    agent: McpClient, world: World, arguments: dict[str, Any], sent: dict[str, Any], body: dict[str, Any]
) -> None:
    result = await agent.call_tool(TOOL, arguments | sent)

    assert not result.is_error, text_of(result)
    base = {"modelId": arguments["modelId"], "prompt": "a phoenix", "image": arguments["image"]}
    assert world.ledger[0].body == base | {"ipAdapterImageIds": arguments["ipAdapterImages"]} | body


@pytest.mark.parametrize("word", ["true", "TRUE", True])
async def test_a_dry_run_written_as_text_is_still_a_dry_run(
    agent: McpClient, world: World, arguments: dict[str, Any], word: Any
) -> None:
    result = await agent.call_tool(TOOL, arguments | {"dryRun": word})

    assert data_of(result) is not None
    assert data_of(result)["status"] == "dry-run"
    assert world.ledger == []
    assert generate_request(world).query == {"dryRun": "true"}


async def test_flags_travel_as_query_strings_and_false_is_not_sent(
    agent: McpClient, world: World, arguments: dict[str, Any]
) -> None:
    await agent.call_tool(TOOL, arguments | {"dryRun": False, "originalAssets": True})

    assert generate_request(world).query == {"originalAssets": "true"}
    assert not {"dryRun", "originalAssets"} & set(world.ledger[0].body)


async def test_absent_arguments_are_refused_like_empty_ones(agent: McpClient) -> None:
    result = await agent.call_tool(TOOL, None)

    assert result.is_error
    for field in ("modelId", "prompt", "image", "ipAdapterImages"):
        assert f"- {field}: " in text_of(result)


FOLDINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [  # {image} and {ink} stand for the ids of stored pictures
    ({"imageId": "{hero}"}, {"image": "{hero}", "ipAdapterImageIds": ["{ink}"]}),
    ({"image": "{hero}", "imageId": "{hero}"}, {"image": "{hero}", "ipAdapterImageIds": ["{ink}"]}),
    ({"image": "{hero}", "ipAdapterImages": "{ink}"}, {"image": "{hero}", "ipAdapterImageIds": ["{ink}"]}),
    (
        {"image": "{hero}", "ipAdapterImages": ABSENT, "ipAdapterImageIds": ["{ink}", "{hero}"]},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}", "{hero}"]},
    ),
    (
        {"image": "{hero}", "ipAdapterImages": ABSENT, "ipAdapterImage": "{ink}"},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}"]},
    ),
    (
        {"image": "{hero}", "ipAdapterImages": ABSENT, "ipAdapterImageId": "{ink}"},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}"]},
    ),
    (
        {"image": "{hero}", "ipAdapterImages": ["{ink}"], "ipAdapterImageId": "{ink}", "ipAdapterImageIds": "{ink}"},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}"]},
    ),
    (
        {"image": "{hero}", "ipAdapterImages": ["{ink}", "{hero}"], "ipAdapterScale": 0.3},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}", "{hero}"], "ipAdapterScales": [0.3, 0.3]},
    ),
    (
        {"image": "{hero}", "ipAdapterScale": 0.3, "ipAdapterScales": [0.3]},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}"], "ipAdapterScales": [0.3]},
    ),
    (
        {"image": "{hero}", "ipAdapterImages": ["{ink}", "{hero}"], "ipAdapterScales": [0.3]},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}", "{hero}"], "ipAdapterScales": [0.3]},
    ),
    (
        {"image": "{hero}", "mask": "{hero}", "maskId": "{hero}"},
        {"image": "{hero}", "ipAdapterImageIds": ["{ink}"], "mask": "{grey hero}"},
    ),
    ({"image": "{url}", "imageHide": True}, {"image": "{url}", "ipAdapterImageIds": ["{ink}"], "imageHide": True}),
    (
        {"image": "{url}", "ipAdapterImages": ["{url}"], "mask": "{url}"},
        {"image": "{url}", "ipAdapterImages": ["{url}"], "mask": "{grey white}"},
    ),
]


@pytest.mark.parametrize(("sent", "body"), FOLDINGS, ids=[str(sent) for sent, _ in FOLDINGS])
async def test_old_and_double_names_fold_into_the_modern_ones(
    agent: McpClient, world: World, hero: str, ink: str, sent: dict[str, Any], body: dict[str, Any]
) -> None:
    def filled(value: Any) -> Any:
        stored = {"{hero}": hero, "{ink}": ink, "{url}": data_url(png("white"))} | {
            "{grey hero}": Mask(world.assets[hero].content).url,
            "{grey white}": Mask(png("white")).url,
        }
        return [filled(each) for each in value] if isinstance(value, list) else stored.get(value, value)

    given = {"modelId": "model_sandbox-ink", "prompt": "p", "ipAdapterImages": [ink]} | {
        name: filled(value) for name, value in sent.items()
    }

    result = await agent.call_tool(TOOL, {name: value for name, value in given.items() if value is not ABSENT})

    assert not result.is_error, text_of(result)
    expected = {"modelId": "model_sandbox-ink", "prompt": "p"} | {name: filled(value) for name, value in body.items()}
    assert world.ledger[0].body == expected


async def test_a_mask_by_asset_id_is_sent_as_such_with_a_note(agent: McpClient, arguments: dict[str, Any]) -> None:
    result = await agent.call_tool(TOOL, arguments | {"maskId": arguments["image"]})

    assert data_of(result) is not None
    assert any("maskId" in note for note in data_of(result)["notes"])
    assert "Note: The mask went as maskId" in text_of(result)


async def test_what_has_no_effect_on_an_asset_id_is_a_note(agent: McpClient, arguments: dict[str, Any]) -> None:
    result = await agent.call_tool(TOOL, arguments | {"imageHide": True})

    assert "imageHide and imageParentId have no effect" in text_of(result)
