"""Checking the parameters of a custom model against the inputs of its own record, all pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from scenario_mcp.inferences import rules, schemas
from scenario_mcp.inferences.schemas import Schema
from scenario_mcp.scenario.models import Input

Parameters = Mapping[str, Any]
Problem = tuple[str, str]

_JSON_TYPES = {"number": "number", "string": "string", "boolean": "boolean", "file": "string", "model": "string"}
LIFTED = ("dryRun", "wait")


class Lifted(NamedTuple):
    """Parameters without the options that belong outside them; an option is None where it was not said."""

    parameters: dict[str, Any]
    dry_run: bool | None
    wait: bool | None
    notes: tuple[str, ...]


def lift(parameters: Parameters, inputs: Sequence[Input] | None) -> Lifted:
    """Take `dryRun` and `wait` out of the parameters: inside the body the API passes over them, runs and bills.

    A model that has an input of that name keeps it. Raises nothing; what is no yes or no stays for `check` to refuse.
    """
    own = {each.name for each in inputs or ()}
    found = {name: _yes_or_no(parameters[name]) for name in LIFTED if name in parameters and name not in own}
    taken = {name: value for name, value in found.items() if value is not None}
    rest = {name: value for name, value in parameters.items() if name not in taken}
    notes = tuple(f"{name} was inside parameters, where Scenario passes over it; it was taken out." for name in taken)
    return Lifted(rest, taken.get("dryRun"), taken.get("wait"), notes)


def _yes_or_no(value: Any) -> bool | None:
    read = rules.lenient({"properties": {"it": {"type": "boolean"}}}, {"it": value}).get("it")
    return read if isinstance(read, bool) else None


class Checked(NamedTuple):
    """Parameters as they may be sent, what is wrong with them, and what was changed."""

    parameters: dict[str, Any]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def check(parameters: Parameters, inputs: Sequence[Input], given_besides: Iterable[str] = ()) -> Checked:
    """Read parameters leniently and check them against a model's inputs; those given besides count as given."""
    by_name = {each.name: each for each in inputs}
    schema = {"properties": {name: input_schema(each) for name, each in by_name.items()}}
    read = rules.lenient(schema, parameters)
    problems = [*_misfits(read, schema["properties"]), *_missing(read, by_name, set(given_besides))]
    return Checked(read, tuple(problems), tuple(_notes(parameters, by_name)))


def input_schema(each: Input) -> dict[str, Any]:
    """Say what an input takes in JSON Schema keywords; an input of an unknown type takes anything."""
    if each.type == "inputs_array":
        return {"type": "array", "items": {}}
    if each.is_list:
        item = each.type.removesuffix("_array")
        limits = {"minimum": each.min, "maximum": each.max, "enum": list(each.allowed)} if item != "file" else {}
        schema = {"type": "array", "items": _said({"type": _JSON_TYPES.get(item), **limits})}
        # Recorded: "Input loras must be at most 6 items long". For texts the same keywords may mean characters.
        counts = {"minItems": each.min_length, "maxItems": each.max_length} if item in ("file", "model") else {}
        return schema | _said(counts)
    if each.type not in _JSON_TYPES:
        return {}
    limits = {"minimum": each.min, "maximum": each.max, "step": each.step} if each.type == "number" else {}
    lengths = {"minLength": each.min_length, "maxLength": each.max_length} if each.type == "string" else {}
    return _said({"type": _JSON_TYPES[each.type], "enum": list(each.allowed), **limits, **lengths})


def _said(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in schema.items() if value not in (None, [])}


def _misfits(read: Parameters, properties: Mapping[str, Schema]) -> Iterator[Problem]:
    for name, value in read.items():
        if name in properties:
            yield from schemas.misfits(name, properties[name], value)
        else:
            yield name, schemas.unknown(name, list(properties))


def _missing(read: Parameters, inputs: Mapping[str, Input], given_besides: Set[str]) -> Iterator[Problem]:
    for each in inputs.values():
        if each.name in read or each.name in given_besides:
            continue
        if (reason := _why_required(each, read)) is not None:
            yield each.name, f"is required{reason}. Give {schemas.expectation(input_schema(each))}."


def _why_required(each: Input, read: Parameters) -> str | None:
    """Say why a missing input is required, or None. With several conditions, only all together are certain."""
    rule = each.required
    if rule.always:
        return ""
    if rule.if_defined and all(name in read for name in rule.if_defined):
        return f" because {_and(rule.if_defined)} is given"
    if rule.if_not_defined and all(name not in read for name in rule.if_not_defined):
        return f" because {_and(rule.if_not_defined)} is not given"
    met = [name for name, values in rule.if_values.items() if name in read and read[name] in values]
    if rule.if_values and len(met) == len(rule.if_values):
        return f" because {' and '.join(f'{name} is {schemas.shown(read[name])}' for name in met)}"
    return None


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _notes(given: Parameters, inputs: Mapping[str, Input]) -> Iterator[str]:
    for name, value in given.items():
        is_list = isinstance(value, list) or (isinstance(value, str) and value.lstrip().startswith("["))
        if name in inputs and inputs[name].is_list and value is not None and not is_list:
            yield f"{name} takes a list; the single value was put into one."
