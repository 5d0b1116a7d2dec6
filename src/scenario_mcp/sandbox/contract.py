"""What request bodies may hold, by the field contract that was distilled from Scenario's public description."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Schema = Mapping[str, Any]

IGNORED = frozenset({"dryRun", "wait"})  # in a body the real API passes over them, runs the job and bills it
MULTIPLES = {"width": 8, "height": 8}  # of the image inferences; stated in the description's prose only
PRESETS = ("character", "landscape", "city", "interior")  # of modality; named in prose only

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@cache
def contract() -> dict[str, Schema]:
    """Load the contract: for each inference its operation, query parameters and body schema."""
    loaded: dict[str, Schema] = json.loads(files(__package__).joinpath("contract.json").read_text("utf-8"))
    return loaded


def objections(route: str, body: Mapping[str, Any]) -> list[str]:
    """List what the API would object to in a body, in the style of its recorded answers."""
    sent = {name: value for name, value in body.items() if name not in IGNORED}
    schema = contract()[route]
    if "guidance" not in schema["properties"]:
        return list(_check("", schema, sent))
    found = list(_check("", schema, {**sent, **_plain_modality(sent)}))
    return found or [
        f"Input {name} must be a {step} multiple" for name, step in MULTIPLES.items() if sent.get(name, 0) % step
    ]


def _plain_modality(sent: Mapping[str, Any]) -> dict[str, str]:
    """Reduce a modality of the image inferences, which may weigh and combine names, to one that the enum can judge."""
    modality = sent.get("modality")
    if not isinstance(modality, str):
        return {}
    names = [part.partition(":")[0].strip() for part in modality.split(",")]
    return {"modality": next((name for name in names if name not in PRESETS), "canny")}


def _check(name: str, schema: Schema, value: Any) -> Iterator[str]:
    wanted = _TYPES.get(schema.get("type", ""))
    if wanted is None:  # the description does not say
        return
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        yield f"Input {name} must be a {schema['type']}"
    elif isinstance(value, dict):
        yield from _check_object(name, schema, value)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _check(f"{name}[{index}]", schema.get("items", {}), each)
    else:
        yield from _check_value(name, schema, value)


def _check_object(name: str, schema: Schema, value: Mapping[str, Any]) -> Iterator[str]:
    for required in schema.get("required", []):
        if required not in value:
            yield f"Input {_join(name, required)} is required"
    for key, each in value.items():
        if key in schema["properties"]:
            yield from _check(_join(name, key), schema["properties"][key], each)
        else:
            yield f"Unknown input {_join(name, key)}"


def _check_value(name: str, schema: Schema, value: Any) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"Input {name} must be one of {', '.join(schema['enum'])}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"Input {name} must be at least {schema['minimum']:g}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"Input {name} must be at most {schema['maximum']:g}"


def _join(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name
