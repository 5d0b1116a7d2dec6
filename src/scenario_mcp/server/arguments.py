"""From what a host sends to a validated input, or a refusal that names every field and its fix."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.fields import Fields
from scenario_mcp.scenario import records
from scenario_mcp.scenario.errors import InvalidArguments

Input = TypeVar("Input", bound=Fields)
Schema = Mapping[str, Any]
Problem = tuple[str, str]

SHOWN = 60  # characters of a wrong value that are repeated in a refusal


def validate(model: type[Input], schema: Schema, arguments: Mapping[str, Any] | None) -> Input:
    """Read and validate a tool's arguments. Raises `InvalidArguments` with one line per problem."""
    given = rules.lenient(schema, arguments or {})
    valid: Input | None = None
    problems: list[Problem] = []
    try:
        valid = model.model_validate(given)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        problems += dict.fromkeys(_explain(schema, detail) for detail in details)
    problems += rules.conflicts(model, given)
    if valid is None or problems:
        raise InvalidArguments(problems)
    return valid


def _explain(schema: Schema, detail: ErrorDetails) -> Problem:
    location, kind = detail["loc"], detail["type"]
    field, parent = _field(location), _schema_at(schema, location[:-1])
    if kind == "extra_forbidden":
        return field, _unknown(str(location[-1]), list(parent.get("properties", {})))
    expected = _schema_at(schema, location)
    if kind == "missing":
        return field, f"is required. Give {_expectation(expected)}: {expected.get('description', '')}".rstrip(": ")
    if kind in ("blank", "seed"):
        return field, f"{detail['msg']}."
    return field, f"must be {_expectation(expected)}, not {_shown(detail['input'])}.{_nearest(expected, detail)}"


def _field(location: Sequence[str | int]) -> str:
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return name.lstrip(".") or "arguments"


def _schema_at(schema: Schema, location: Sequence[str | int]) -> Schema:
    for part in location:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    return schema


def _unknown(name: str, known: list[str]) -> str:
    camel = "".join(part.capitalize() for part in name.split("_"))
    lower = {each.lower(): each for each in known}
    near = get_close_matches(camel.lower(), lower, 1) or get_close_matches(name.lower(), lower, 1)
    advice = f"Did you mean {lower[near[0]]}?" if near else f"Known are: {', '.join(known)}."
    return f"is an unknown argument. {advice}"


def _expectation(schema: Schema) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    what = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "a text",
        "array": "a list",
        "object": "an object",
    }.get(schema.get("type", ""), "something else")
    return " ".join((what, *_bounds(schema)))


def _bounds(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"from {low:g} to {high:g}"
    if "multipleOf" in schema:
        yield f"that is a multiple of {schema['multipleOf']}"
    if "minItems" in schema or "maxItems" in schema:
        yield f"of {schema.get('minItems', 0)} to {schema.get('maxItems', 'any number of')} items"
    if "required" in schema:
        yield f"with {' and '.join(schema['required'])}"
    if schema.get("minLength"):
        yield "that is not empty"


def _nearest(schema: Schema, detail: ErrorDetails) -> str:
    value = detail["input"]
    if "enum" in schema and isinstance(value, str):
        near = get_close_matches(value, schema["enum"], 1)
        return f" Did you mean {near[0]}?" if near else ""
    if schema.get("type") not in ("integer", "number") or records.number(value) is None:
        return ""
    low, high, step = schema.get("minimum", value), schema.get("maximum", value), schema.get("multipleOf", 1)
    clamped = min(max(value, low), high)
    nearest = round(clamped / step) * step if schema["type"] == "integer" else clamped
    return f" Nearest: {nearest:g}."


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
