"""The call to make instead, when a model or a route is the wrong one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NamedTuple

from scenario_mcp.inferences import rules, schemas
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.scenario.models import Input, Model
from scenario_mcp.tools.fitness import BASES, RUN_MODEL, is_custom
from scenario_mcp.tools.outcome import NextCall
from scenario_mcp.tools.parameters import input_schema
from scenario_mcp.tools.services import Services

FIND_MODELS = "find-models"
SECONDS = 8.0  # that looking for advice may take
LONGEST_VALUE = 200  # characters of an argument that advice repeats

# A modern model that takes a content and a style picture and a prompt, for who comes from a retired one.
MODERN = Model(
    id="model_bfl-flux-2-dev",
    type="custom",
    custom=True,
    inputs=(
        Input("prompt", "string"),
        Input("referenceImages", "file_array", kind="image", max_length=5),
        Input("numOutputs", "number", min=1, max=4, step=1),
        Input("width", "number", min=128, max=2048, step=16),
        Input("height", "number", min=128, max=2048, step=16),
        Input("guidance", "number", min=1, max=10),
        Input("numInferenceSteps", "number", min=1, max=100, step=1),
        Input("seed", "number", min=0, max=2147483647, step=1),
    ),
)

# Which inputs of custom models take what an argument of the named inferences says, best first.
CARRIED: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "image": ("image", "contentImage", "inputImage", "referenceImages", "images"),
    "ipAdapterImages": ("styleImage", "styleImages", "referenceImages", "images"),
    "mask": ("mask", "maskImage"),
    "strength": ("strength",),
    "numSamples": ("numOutputs", "numSamples", "numImages"),
    "width": ("width",),
    "height": ("height",),
    "guidance": ("guidance", "guidanceScale"),
    "numInferenceSteps": ("numInferenceSteps",),
    "negativePrompt": ("negativePrompt",),
    "seed": ("seed",),
}
NOT_TOLD = frozenset({"modelId", "dryRun", "originalAssets"})  # arguments whose loss in a carried call is no loss


class Carried(NamedTuple):
    """Parameters for a custom model, and the arguments that found no place in them."""

    parameters: dict[str, Any]
    left_out: tuple[str, ...]


def carry(given: Mapping[str, Any], inputs: Sequence[Input]) -> Carried:
    """Carry the arguments of a named inference over to the inputs of a custom model, where they map and fit."""
    by_name = {each.name: each for each in inputs}
    parameters: dict[str, Any] = {}
    left_out = [name for name in given if name not in CARRIED and name not in NOT_TOLD]
    for name, targets in CARRIED.items():
        if name not in given:
            continue
        target = next((by_name[each] for each in targets if each in by_name), None)
        if target is None or not _place(parameters, target, given[name]):
            left_out.append(name)
    return Carried(parameters, tuple(left_out))


def _place(parameters: dict[str, Any], target: Input, value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    if target.is_list:
        wanted = [*parameters.get(target.name, []), *values]
    elif len(values) == 1 and target.name not in parameters:
        wanted = values[0]
    else:
        return False
    schema = {"properties": {target.name: input_schema(target)}}
    read = rules.lenient(schema, {target.name: wanted}).get(target.name)
    if read is None or any(schemas.misfits(target.name, schema["properties"][target.name], read)):
        return False
    parameters[target.name] = read
    return True


def carry_back(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Carry the parameters of a custom model over to the arguments of a named inference, where they map."""
    given: dict[str, Any] = {}
    used: set[str] = set()
    for name, targets in CARRIED.items():
        target = next((each for each in targets if each in parameters and each not in used), None)
        if target is None:
            continue
        value = parameters[target]
        if name == "image" and isinstance(value, list):
            given |= {"image": value[0]} if value else {}
            given |= {"ipAdapterImages": value[1:]} if value[1:] else {}
        else:
            given.setdefault(name, [value] if name == "ipAdapterImages" and not isinstance(value, list) else value)
        used.add(target)
    return given


async def modern_call(services: Services, given: Mapping[str, Any], model: Model | None, deadline: Deadline) -> str:
    """Word the run-model call that comes nearest to a named inference, ready to make."""
    target = MODERN
    if model is not None and is_custom(model) and model.inputs:
        target = model
    elif model is not None and model.type in BASES:
        base = await _record(services, BASES[model.type].model_id, deadline)
        target = replace(base, id=model.id) if base else MODERN  # run-model runs a LoRA on its base by itself
    carried = carry(given, target.inputs or ())
    call = NextCall(RUN_MODEL, {"modelId": target.id, "parameters": carried.parameters})
    lost = f" Not carried over: {', '.join(carried.left_out)}." if carried.left_out else ""
    return f"{worded(call)}{lost} Its price is free to ask with dryRun: true."


async def near_models(services: Services, model_id: str, deadline: Deadline) -> str:
    """Word the models whose ids or names are near to an unknown one, and how to search."""
    known: dict[str, str] = {}
    for public in (False, True):
        try:
            models, _ = await services.models.listed(public=public, pages=2, deadline=deadline.or_within(SECONDS))
        except ScenarioError:
            continue
        known |= {name: model.id for model in models for name in (model.id, model.name) if name}
    near = dict.fromkeys(known[name] for name in get_close_matches(model_id, known, 4, 0.6))
    said = f" Near to it: {', '.join(near)}." if near else ""
    return f"{said} {FIND_MODELS} searches models by words."


def worded(call: NextCall) -> str:
    """Word a call that is ready to make; what is too long to repeat is named instead."""
    return f"Instead call {call.tool} with {json.dumps(_shortened(dict(call.arguments)), ensure_ascii=False)}."


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return "(the same, which is too long to repeat here)"
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _shortened(each) for name, each in value.items()}
    return value


async def _record(services: Services, model_id: str, deadline: Deadline) -> Model | None:
    try:
        model = await services.models.get(model_id, deadline.or_within(SECONDS))
    except ScenarioError:
        return None
    return model if model.inputs else None
