"""Carrying the arguments of one tool over to another, where they map and fit; all pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from scenario_mcp.inferences import base, schemas
from scenario_mcp.inferences.leniency import lenient
from scenario_mcp.inferences.table import INFERENCES
from scenario_mcp.scenario.models import Input
from scenario_mcp.tools import parameters
from scenario_mcp.tools.outcome import NextCall

LONGEST_TEXT = 4_000  # characters of an argument that a call repeats; prompts are shorter
LONGEST_DATA_URL = 200
MOST_ITEMS = 32

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
    "loras": ("loras",),
    "lorasScale": ("lorasScale",),
}
NOT_TOLD = frozenset({"modelId", "dryRun", "originalAssets"})  # arguments that are no loss, or told otherwise


class Carried(NamedTuple):
    """What was carried over, what found no place, and what the other tool needs besides."""

    arguments: dict[str, Any]
    left_out: tuple[str, ...]
    needed: tuple[str, ...]


def to_custom(given: Mapping[str, Any], inputs: Sequence[Input], besides: Iterable[str] = ()) -> Carried:
    """Carry the arguments of a named inference over to the inputs of a custom model; those `besides` are given."""
    by_name = {each.name: each for each in inputs}
    spread = _spread(given)
    carried: dict[str, Any] = {}
    left_out = [name for name in spread if name not in CARRIED and name not in NOT_TOLD]
    for name, targets in CARRIED.items():
        if name not in spread:
            continue
        target = next((by_name[each] for each in targets if each in by_name), None)
        if target is None or target.name in besides or not _place(carried, target, spread[name]):
            left_out.append("concepts" if name.startswith("loras") else name)
    needed = [field for field, _ in parameters.check(carried, inputs, besides=besides).problems]
    return Carried(carried, tuple(dict.fromkeys(left_out)), tuple(needed))


def _spread(given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell the concepts of a call as custom models do: two lists, of ids and of scales."""
    concepts = given.get("concepts")
    if not concepts:
        return dict(given)
    rest = {name: value for name, value in given.items() if name != "concepts"}
    return {
        **rest,
        "loras": [each["modelId"] for each in concepts],
        "lorasScale": [each["scale"] for each in concepts],
    }


def _place(carried: dict[str, Any], target: Input, value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    if target.is_list:
        wanted = [*carried.get(target.name, []), *values]
    elif len(values) == 1 and target.name not in carried:
        wanted = values[0]
    else:
        return False
    schema = parameters.input_schema(target)
    read = lenient({"properties": {target.name: schema}}, {target.name: wanted}).get(target.name)
    if read is None or any(schemas.misfits(target.name, schema, read)):
        return False
    carried[target.name] = read
    return True


def to_named(given: Mapping[str, Any], route: str, model_id: str) -> Carried:
    """Carry the parameters of a custom model over to the arguments of a named inference."""
    carried: dict[str, Any] = {}
    used: set[str] = set()
    for name, targets in CARRIED.items():
        target = next((each for each in targets if each in given and each not in used), None)
        if target is None:
            continue
        value = given[target]
        if name == "image" and isinstance(value, list):
            carried |= {"image": value[0]} if value else {}
            carried |= {"ipAdapterImages": value[1:]} if value[1:] else {}
        else:
            carried.setdefault(name, [value] if name == "ipAdapterImages" and not isinstance(value, list) else value)
        used.add(target)
    carried = _with_concepts(carried)
    # Custom models make one image unless told otherwise; the named inferences make four.
    carried.setdefault("numSamples", 1)
    refused = _refused(route, {"modelId": model_id, **carried})
    fitting = {name: value for name, value in carried.items() if name not in refused}
    lost = [name for name in given if name not in used and name not in NOT_TOLD]
    lost += [name for name in carried if name in refused]
    return Carried({"modelId": model_id, **fitting}, tuple(lost), tuple(_needed(route, fitting)))


def _with_concepts(carried: Mapping[str, Any]) -> dict[str, Any]:
    ids, scales = carried.get("loras"), carried.get("lorasScale")
    rest = {name: value for name, value in carried.items() if name not in ("loras", "lorasScale")}
    if isinstance(ids, list) and isinstance(scales, list) and len(ids) == len(scales):
        return {
            **rest,
            "concepts": [{"modelId": each, "scale": scale} for each, scale in zip(ids, scales, strict=True)],
        }
    return {**rest, **{name: carried[name] for name in ("loras", "lorasScale") if name in carried}}


def _refused(route: str, arguments: Mapping[str, Any]) -> set[str]:
    try:
        INFERENCES[route].model_validate(arguments)
    except ValidationError as error:
        return {str(detail["loc"][0]) for detail in error.errors(include_url=False, include_context=False)}
    return set()


def _needed(route: str, given: Mapping[str, Any]) -> list[str]:
    required = {field.alias or name for name, field in INFERENCES[route].model_fields.items() if field.is_required()}
    conflicts = (problem.field for problem in base.conflicts(INFERENCES[route], given))
    return [*sorted(required - {*given, "modelId"}), *(name for name in conflicts if name not in given)]


def worded(call: NextCall, carried: Carried | None = None) -> str:
    """Word a call that is ready to make, and what it lacks; what is too long to repeat is left out and named."""
    arguments, too_long = _repeatable(dict(call.arguments))
    said = [f"Instead call {call.tool} with {json.dumps(arguments, ensure_ascii=False)}."]
    if too_long:
        said.append(f"Add {_listed(too_long)} as before: too long to repeat here.")
    if carried and (needed := [name for name in carried.needed if name not in too_long]):
        said.append(f"Still needed: {_listed(needed)}.")
    if carried and carried.left_out:
        said.append(f"Not carried over: {_listed(carried.left_out)}.")
    return " ".join(said)


def _repeatable(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    kept: dict[str, Any] = {}
    too_long: list[str] = []
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            kept[name], inside = _repeatable(value)
            too_long += inside
        elif _is_short(value):
            kept[name] = value
        else:
            too_long.append(name)
    return kept, too_long


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= (LONGEST_DATA_URL if value[:5].lower() == "data:" else LONGEST_TEXT)
    if isinstance(value, list):
        return len(value) <= MOST_ITEMS and all(map(_is_short, value)) and len(json.dumps(value)) <= LONGEST_TEXT
    return True


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_ITEMS} more" if len(names) > MOST_ITEMS else ""
    return ", ".join(names[:MOST_ITEMS]) + more
