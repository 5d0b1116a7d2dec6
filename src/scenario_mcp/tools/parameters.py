"""Checking the parameters of a custom model against the inputs of its own record, all pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from scenario_mcp.inferences import schemas
from scenario_mcp.inferences.leniency import lenient
from scenario_mcp.scenario.errors import MOST_PROBLEMS
from scenario_mcp.scenario.models import Input, Requirement

Parameters = Mapping[str, Any]
Problem = tuple[str, str]

_JSON_TYPES = {"number": "number", "string": "string", "boolean": "boolean", "file": "string", "model": "string"}
_SCALARS = (str, int, float, bool)


class Checked(NamedTuple):
    """Parameters as they may be sent, what is wrong with them, and what was changed or could not be checked."""

    parameters: dict[str, Any]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def check(
    parameters: Parameters, inputs: Sequence[Input] | None, *, more_inputs: bool = False, besides: Iterable[str] = ()
) -> Checked:
    """Read parameters leniently and check them against a model's inputs; those given `besides` count as given.

    Without inputs only what JSON cannot carry is refused. With `more_inputs`, unknown names pass.
    """
    by_name = {each.name: each for each in inputs or ()}
    read = _read(parameters, by_name)
    problems = [*_not_json(read)]
    if inputs is not None:
        problems += _misfits(read, by_name, more_inputs=more_inputs)
        problems += _missing(read, by_name, {*read, *besides})
    return Checked(read, tuple(problems), tuple(_notes(parameters, read, by_name, more_inputs=more_inputs)))


def _read(parameters: Parameters, inputs: Mapping[str, Input]) -> dict[str, Any]:
    said = {name: value for name, value in parameters.items() if value is not None}
    read = lenient({"properties": {name: input_schema(each) for name, each in inputs.items()}}, said)
    for name, value in said.items():
        each = inputs.get(name)
        if each is None:
            continue
        if each.is_list and name not in read and each.default:
            read[name] = []  # an empty list says something where the default is not empty
        elif value == "" and each.type in ("file", "model"):
            read.pop(name)  # the way records spell "none" for these
        elif name in read and each.allowed:
            read[name] = _spelt(each.allowed, read[name])
    return read


def _spelt(allowed: Sequence[Any], value: Any) -> Any:
    """Spell a value as the record does: 512 and "512" are the same choice."""
    if isinstance(value, list):
        return [_spelt(allowed, each) for each in value]
    by_text = {_text(each): each for each in allowed}
    return by_text.get(_text(value), value) if isinstance(value, _SCALARS) else value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else schemas.plain(value)


def input_schema(each: Input) -> dict[str, Any]:
    """Say what an input takes in JSON Schema keywords; an input of an unknown type takes anything."""
    if each.type == "inputs_array":
        return {"type": "array", "items": {}}
    if each.is_list:
        # For lists the record's lengths count items: "Input loras must be at most 6 items long".
        counts = {"minItems": each.min_length, "maxItems": each.max_length}
        return {"type": "array", "items": _item_schema(each, each.type.removesuffix("_array")), **_said(counts)}
    return _item_schema(each, each.type)


def _item_schema(each: Input, kind: str) -> dict[str, Any]:
    if kind not in _JSON_TYPES:
        return {}
    if each.allowed:
        choices = [value for value in each.allowed if isinstance(value, _SCALARS)]
        return {"enum": choices} if len(choices) == len(each.allowed) else {}
    limits: dict[str, Any] = {}
    if kind == "number":
        limits = {"minimum": each.min, "maximum": each.max, "step": None if each.is_list else each.step}
    elif kind == "string" and not each.is_list:
        limits = {"minLength": each.min_length, "maxLength": each.max_length}
    return {"type": _JSON_TYPES[kind], **_said(limits)}


def _said(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in schema.items() if value is not None}


def _not_json(read: Parameters) -> Iterator[Problem]:
    for name, value in read.items():
        if not _is_json(value):
            yield name, "holds a number that is none (NaN or infinity). Give a finite one."


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_json, value.values()))
    return not isinstance(value, list) or all(map(_is_json, value))


def _misfits(read: Parameters, inputs: Mapping[str, Input], *, more_inputs: bool) -> Iterator[Problem]:
    unknown = [name for name in read if name not in inputs]
    for name, value in read.items():
        if name in inputs and value != inputs[name].default:
            yield from schemas.misfits(name, input_schema(inputs[name]), value)
        elif name in unknown[:MOST_PROBLEMS] and not more_inputs:  # to look for a near name takes time
            yield name, schemas.unknown(name, list(inputs))
        elif name not in inputs and not more_inputs:
            yield name, "is an unknown argument."


def _missing(read: Parameters, inputs: Mapping[str, Input], given: Set[str]) -> Iterator[Problem]:
    for each in inputs.values():
        if each.name not in given and (reason := _why_required(each.required, read, given)) is not None:
            yield each.name, f"is required{reason}. Give {schemas.expectation(input_schema(each))}."


def _why_required(rule: Requirement, read: Parameters, given: Set[str]) -> str | None:
    """Say why a missing input is required, or None. With several conditions, only all together are certain."""
    if rule.always:
        return ""
    if rule.if_defined and all(name in given for name in rule.if_defined):
        return f" because {_and(rule.if_defined)} is given"
    if rule.if_not_defined and all(name not in given for name in rule.if_not_defined):
        return f" because {_and(rule.if_not_defined)} is not given"
    met = [name for name, values in rule.if_values.items() if name in read and read[name] in values]
    if met and (rule.operator == "or" or len(met) == len(rule.if_values)):
        return f" because {' and '.join(f'{name} is {schemas.shown(read[name])}' for name in met)}"
    return None


def _may_be_required(rule: Requirement, read: Parameters) -> bool:
    """Tell whether some of the conditions hold, or one cannot be read."""
    return (
        rule.unclear
        or any(name in read for name in rule.if_defined)
        or any(name not in read for name in rule.if_not_defined)
        or (rule.operator is None and any(read.get(name) in values for name, values in rule.if_values.items()))
    )


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _notes(given: Parameters, read: Parameters, inputs: Mapping[str, Input], *, more_inputs: bool) -> Iterator[str]:
    for name, value in given.items():
        is_list = isinstance(value, list) or (isinstance(value, str) and value.lstrip().startswith("["))
        if name in inputs and inputs[name].is_list and value is not None and not is_list:
            yield f"{name} takes a list; the single value was put into one."
        if name in inputs and inputs[name].type.removesuffix("_array") not in (*_JSON_TYPES, "inputs"):
            yield f"The record does not say clearly what {name} takes, so it was not checked."
    for each in inputs.values():
        if each.name not in read and _may_be_required(each.required, read):
            yield f"{each.name} may be required with these parameters: the record's rule is not clear."
    if more_inputs:
        yield "The record has inputs that could not be read, so unknown names were not refused."
