"""Telling what one model can do and takes."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from scenario_mcp import wording
from scenario_mcp.inferences import schemas
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.values import Id
from scenario_mcp.scenario.models import Input, Model, Requirement
from scenario_mcp.tools import fitness
from scenario_mcp.tools.find_models import runs_with
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.look_up import Knowledge
from scenario_mcp.tools.outcome import ROOM, Report
from scenario_mcp.tools.parameters import input_schema
from scenario_mcp.tools.services import Services

MOST_NAMES = 24  # capabilities or base models that are told


class GetModel(Fields):
    """Tell what one model can do and takes: capabilities, base models, tools, inputs with ranges; free."""

    model_id: Id = Field(min_length=1, description="Id of the model.")


class _Detail(NamedTuple):
    """How much of each input is told: characters of its description and of what it takes, and allowed values."""

    description: int
    words: int
    allowed: int


DETAILS = (_Detail(120, 500, 30), _Detail(60, 300, 12), _Detail(0, 150, 8), _Detail(0, 60, 3))


async def get_model(services: Services, arguments: GetModel, host: Host) -> Report:
    """Tell a model's contract, in as much detail as fits into the answer. Raises `ScenarioError`."""
    model = await services.models.read(arguments.model_id, host.deadline)
    inputs, base, notes = model.inputs or (), None, []
    if model.type in fitness.BASES:
        base = fitness.BASES[model.type]
        record, note = await Knowledge(services.models, host.deadline).of(base.model_id)
        inputs = tuple(each for each in (record.inputs if record else None) or () if each.name != base.input)
        notes += [note] if note else []
    if model.more_inputs:
        notes.append("The record has more inputs, which could not be read.")
    for detail in DETAILS:
        report = _contract(model, services.toolsets, base, inputs, notes, detail)
        if report.size <= ROOM:
            return report

    def first(count: int) -> Report:
        left_out = f"{len(inputs) - count} more inputs are not told here."
        return _contract(model, services.toolsets, base, inputs[:count], [*notes, left_out], DETAILS[-1])

    most = bisect_right(range(len(inputs)), ROOM, key=lambda count: first(count + 1).size)
    return first(most)


def _contract(
    model: Model,
    toolsets: Collection[str],
    base: fitness.Base | None,
    inputs: Sequence[Input],
    notes: Sequence[str],
    detail: _Detail,
) -> Report:
    told = [_told(each, detail) for each in inputs]
    facts = {
        "status": "success",
        "modelId": model.id,
        "name": wording.cut(model.name, 80),
        "type": model.type,
        "description": wording.cut(model.description or "", 300),
        "capabilities": _few(model.capabilities),
        "tools": fitness.tools_for(model, toolsets),
        "toolsets": fitness.toolsets_for(model, toolsets),
        "plan": model.plan,
        "baseModelIds": _few(model.base_model_ids),
        "runsOn": base.model_id if base else None,
        "retired": fitness.is_retired(model) or None,
        "replacedBy": model.replacement,
        "inputs": told,
        "notes": list(notes),
    }
    data = {name: value for name, value in facts.items() if value not in (None, [], "")}
    return Report(tuple(_contract_lines(data)), data)


def _contract_lines(data: Mapping[str, Any]) -> Iterator[str]:
    runs = runs_with(data, known="capabilities" in data)
    yield f"{data['modelId']}: {wording.quoted(data.get('name', ''))}, type {data.get('type', 'unknown')}, {runs}"
    for name, words in (
        ("description", "Its owner's description: "),
        ("capabilities", "Can: "),
        ("toolsets", "Toolsets that have more tools for it, and are off: "),
        ("plan", "Needs plan: "),
        ("baseModelIds", "Base models (baseModelId): "),
        ("retired", "Probably retired: its family is no longer served"),
        ("replacedBy", "Its owner recommends instead: "),
    ):
        if name in data:
            value = data[name]
            if name == "description":
                value = wording.quoted(value)
            yield words if value is True else f"{words}{', '.join(value) if isinstance(value, list) else value}"
    if data.get("inputs"):
        where = f", those of its base model {data['runsOn']}" if "runsOn" in data else ""
        yield f"Inputs for run-model{where}:"
    for each in data.get("inputs", ()):
        yield f"- {each['name']}: {each['takes']}{_extras(each)}"
    for note in data.get("notes", ()):
        yield f"Note: {note}"


def _few(names: Sequence[str]) -> list[str]:
    more = [f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return [*names[:MOST_NAMES], *more]


def _extras(each: Mapping[str, Any]) -> str:
    parts = (
        each.get("required"),
        f"default {wording.shown(each['default'])}" if "default" in each else None,
        "changes the price" if each.get("changesPrice") else None,
    )
    said = "".join(f"; {part}" for part in parts if part)
    return f"{said}. {wording.quoted(each['description'])}" if "description" in each else said


def _told(each: Input, detail: _Detail) -> dict[str, Any]:
    told = {
        "name": each.name,
        "takes": _takes(each, detail),
        "required": _requirement(each.required),
        "default": each.default if len(wording.shown(each.default)) <= schemas.SHOWN else None,
        "changesPrice": each.costs or None,
        "description": (each.description or "")[: detail.description],
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _takes(each: Input, detail: _Detail) -> str:
    schema = input_schema(each)
    if each.type.startswith("file"):
        what = f"an asset id of kind {each.kind}" if each.kind else "an asset id"
    elif each.type.startswith("model"):
        what = f"the id of a model of type {' or '.join(each.model_types)}" if each.model_types else "a model id"
    else:
        what = schemas.expectation(schema.get("items", schema) if each.is_list else schema, detail.allowed)
    if each.is_list:
        what = f"{schemas.expectation(schema)}, each {what}"
    return wording.cut_line(what, detail.words)


def _requirement(rule: Requirement) -> str | None:
    if rule.always:
        return "required"
    if rule.if_defined:
        return f"required if {' and '.join(rule.if_defined)} is given"
    if rule.if_not_defined:
        return f"required unless {' or '.join(rule.if_not_defined)} is given"
    if rule.if_values:
        said = (f"{name} is {' or '.join(map(wording.shown, values))}" for name, values in rule.if_values.items())
        return f"required if {(' or ' if rule.operator == 'or' else ' and ').join(said)}"
    return None
