"""Recognizing the job of a lost answer: other tools' jobs are not it, other forms of its own words are."""

from typing import Any

import pytest

from scenario_mcp.scenario import wire
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.spending.recovery import TYPES, Sought
from scenario_mcp.state.entries import Intent

MADE = "2026-11-24T10:00:00.000Z"
NOON = 1_795_514_400.0


def is_answered(route: str, body: dict[str, Any], kind: str | None, said: dict[str, Any]) -> bool:
    intent = Intent("i", "t", f"{wire.GENERATE}{route}", body.get("modelId"), {}, body=body)
    job = Job("job_x", created=MADE, type=kind, input=said, model_id=said.get("modelId"))
    return Sought(intent, 0.0, 4e9).is_answered_by(job)


@pytest.mark.parametrize("tool", TYPES)
def test_a_tool_is_answered_by_a_job_of_its_own_type(tool: str) -> None:
    for kind in (*TYPES[tool], None, "a-type-of-tomorrow"):
        assert is_answered(tool, {"image": "asset_1"}, kind, {"image": "https://cdn.example/a.png"})


@pytest.mark.parametrize("tool", TYPES)
def test_a_tool_is_not_answered_by_a_job_of_another(tool: str) -> None:
    for kind in {each for types in TYPES.values() for each in types} - {*TYPES[tool]}:
        assert not is_answered(tool, {"image": "asset_1"}, kind, {})


@pytest.mark.parametrize("kind", ["remove-background", "caption", "upscale", "embed", "texture", "custom"])
def test_an_image_inference_is_not_answered_by_the_job_of_a_tool(kind: str) -> None:
    assert not is_answered("txt2img", {"modelId": "m", "prompt": "p"}, kind, {})


@pytest.mark.parametrize("kind", ["caption", "embed", "describe-style", "translate", "flux", "inference"])
def test_a_custom_model_is_not_answered_in_words_nor_by_an_image_inference(kind: str) -> None:
    assert not is_answered("custom/model_x", {"prompt": "p"}, kind, {})


def test_an_inference_that_is_not_listed_here_is_known_by_its_own_name() -> None:
    assert is_answered("colorize", {"image": "a"}, "colorize", {"modelId": "model_colorizer"})
    assert not is_answered("colorize", {"image": "a"}, "caption", {})


SAME: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("translate", {"prompt": "un chat"}, "generate-prompt", {"prompt": "Translate into English: un chat"}),
    ("patch", {"image": "a", "patch": {"image": "b", "mode": "erase"}}, "patch-image", {"patch": "b"}),
    ("upscale", {"image": "a"}, "custom", {"modelId": "model_scenario-upscale-v3"}),
    ("remove-background", {"image": "a"}, "custom", {"modelId": "model_of-scenario"}),
    ("caption", {"images": ["a"], "modelId": "model_mine"}, "caption", {"modelId": "gpt-5"}),
    ("prompt-editing", {"image": "a", "modelId": "gpt-image-1"}, "openai-image-generation", {"modelId": "model_gpt"}),
    ("prompt-editing", {"image": "a"}, "flux", {"modelId": "flux-kontext"}),
]
OTHER: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("describe-style", {"modelId": "model_a"}, "describe-style", {"modelId": "model_b"}),
    ("prompt-editing", {"image": "a", "modelId": "gpt-image-1"}, "image-prompt-editing", {"modelId": "flux-kontext"}),
    ("prompt-editing", {"image": "a", "prompt": "x"}, "flux", {"type": "txt2img", "modelId": "flux.1-dev"}),
    ("detect", {"image": "a", "modality": "canny"}, "detection", {"modality": "depth"}),
    ("translate", {"prompt": "un chat"}, "translate", {"prompt": "un chien"}),
    ("embed", {"text": "a"}, "custom", {}),
]


@pytest.mark.parametrize(("route", "body", "kind", "said"), SAME, ids=str)
def test_what_a_record_says_in_another_form_speaks_for_it(
    route: str, body: dict[str, Any], kind: str, said: dict[str, Any]
) -> None:
    assert is_answered(route, body, kind, said)


@pytest.mark.parametrize(("route", "body", "kind", "said"), OTHER, ids=str)
def test_what_a_record_says_otherwise_speaks_against_it(
    route: str, body: dict[str, Any], kind: str, said: dict[str, Any]
) -> None:
    assert not is_answered(route, body, kind, said)
