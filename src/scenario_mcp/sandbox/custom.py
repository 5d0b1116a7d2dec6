"""What the API checks of a custom generation, by the inputs of the model's record."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scenario_mcp.sandbox.contract import IGNORED
from scenario_mcp.sandbox.models import Record

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "file": (str,),
    "model": (str,),
    "inputs": (dict,),
}


def accepted(inputs: Sequence[Record], body: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what the API takes note of: without misplaced options, and without single values where lists belong."""
    lists = {each["name"] for each in inputs if each["type"].endswith("_array")}
    return {
        name: value
        for name, value in body.items()
        if name not in IGNORED and not (name in lists and not isinstance(value, list))
    }


def objections(inputs: Sequence[Record], body: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[str]:
    """List what the API would object to, in the words of its recorded answers; `types` are those of known models."""
    by_name = {each["name"]: each for each in inputs}
    for name, value in body.items():
        if name not in by_name:
            yield f"Unknown input {name}"
        else:
            yield from _value(by_name[name], value, types)
    for each in inputs:
        if each["name"] not in body and _required(each.get("required", {}), body):
            yield f"Input {each['name']} is required"


def _value(each: Record, value: Any, types: Mapping[str, str]) -> Iterator[str]:
    name, kind = each["name"], each["type"].removesuffix("_array")
    values = value if each["type"].endswith("_array") else [value]
    if each["type"].endswith("_array") and "maxLength" in each and len(values) > each["maxLength"]:
        yield f"Input {name} must be at most {each['maxLength']} items long"
    for item in values:
        if not isinstance(item, _TYPES[kind]) or (isinstance(item, bool) and kind != "boolean"):
            yield f"Input {name} must be a {kind}"
            return
        yield from _item(each, kind, item)
    if kind == "model" and "modelTypes" in each:
        wrong = [item for item in values if item in types and types[item] not in each["modelTypes"]]
        if wrong:
            yield f"Invalid model(s): {', '.join(wrong)}.\nAllowed model types: {', '.join(each['modelTypes'])}"


def _item(each: Record, kind: str, item: Any) -> Iterator[str]:
    name = each["name"]
    if "allowedValues" in each and item not in each["allowedValues"]:
        yield f"Input {name} must be one of {', '.join(map(str, each['allowedValues']))}"
    if kind == "number" and "max" in each and item > each["max"]:
        yield f"Input {name} must be at most {each['max']:g}"
    if kind == "number" and "min" in each and item < each["min"] and each["type"] == "number":
        yield f"Input {name} must be at least {each['min']:g}"  # of lists, the real API lets these through
    if kind == "number" and "step" in each and item % each["step"] and (item - each["min"]) % each["step"]:
        yield f"Input {name} must be a multiple of {each['step']:g}"
    if kind == "string" and len(item) > each.get("maxLength", len(item)):
        yield f"Input {name} must be at most {each['maxLength']} characters long"


def _required(rule: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    return (
        rule.get("always", False)
        or any(name in body for name in rule.get("ifDefined", {}))
        or any(name not in body for name in rule.get("ifNotDefined", {}))
        or any(
            body.get(name) == value
            for spelling in ("conditionalValues", "conditional")
            for name, value in rule.get(spelling, {}).items()
        )
    )
