"""From what a host sends to a validated input, or a refusal that names every field and its fix."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scenario_mcp.inferences import base, schemas
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.leniency import EMPTY_SAYS_NOTHING, lenient
from scenario_mcp.inferences.schemas import Schema
from scenario_mcp.inferences.values import SAID
from scenario_mcp.scenario.errors import InvalidArguments

Input = TypeVar("Input", bound=Fields)
Problem = tuple[str, str]
Check = Callable[[Mapping[str, Any]], Iterable[Problem]]


def validate(
    model: type[Input],
    schema: Schema,
    arguments: Mapping[str, Any] | None,
    check: Check,
) -> Input:
    """Read and validate a tool's arguments; `check` lists what the schema cannot say.

    Raises `InvalidArguments` with one line per problem.
    """
    given = lenient(schema, arguments or {}, EMPTY_SAYS_NOTHING)
    valid: Input | None = None
    problems: list[Problem] = []
    try:
        valid = model.model_validate(given)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        problems += dict.fromkeys(_explain(schema, detail) for detail in details)
    problems += (*base.conflicts(model, given), *check(given))
    if valid is None or problems:
        raise InvalidArguments(problems)
    return valid


def _explain(schema: Schema, detail: ErrorDetails) -> Problem:
    location, kind = detail["loc"], detail["type"]
    field, expected = _field(location), _schema_at(schema, location)
    if kind == "extra_forbidden":
        known = _schema_at(schema, location[:-1]).get("properties", {})
        return field, schemas.unknown(str(location[-1]), list(known))
    if kind == "missing":
        return field, f"is required. Give {schemas.expectation(expected)}: {expected.get('description', '')}"
    if kind == SAID:
        return field, f"{detail['msg']}."
    return field, schemas.refusal(expected, detail["input"])


def _field(location: Sequence[str | int]) -> str:
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return name.lstrip(".") or "arguments"


def _schema_at(schema: Schema, location: Sequence[str | int]) -> Schema:
    for part in location:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    return schema
