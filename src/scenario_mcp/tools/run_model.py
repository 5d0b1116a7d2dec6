"""Running any custom model by its own inputs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from scenario_mcp.inferences.fields import DryRun, Id
from scenario_mcp.media import sources
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import InvalidArguments, NotFound, WrongModel
from scenario_mcp.scenario.models import Input, Model
from scenario_mcp.tools import advice, fitness, generation, parameters
from scenario_mcp.tools.generation import Order
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.look_up import look_up
from scenario_mcp.tools.outcome import NextCall, Outcome
from scenario_mcp.tools.services import Services


class RunModel(DryRun):
    """Run any model through its own inputs: images, video, audio, 3D, text.

    get-model tells a model's inputs; they are checked here before anything is sent. A Flux LoRA or composition runs on
    its base model by itself. Costs Creative Units; `dryRun: true` asks the price for free. Answers in time for the
    host, with the results or with a job id and the call that waits for it. Calling again makes and bills anew.
    """

    model_id: Id = Field(min_length=1, description="Id of the model to run.")
    parameters: dict[str, Any] = Field(
        description="The model's inputs by name, as get-model lists them; files as asset ids."
    )


@dataclass(frozen=True)
class _Place:
    """Where a model runs: the id in the URL, the inputs that are taken there, and what goes into the body besides."""

    model_id: str
    inputs: tuple[Input, ...] | None = None
    added: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


async def run_model(services: Services, arguments: RunModel, host: Host) -> Outcome:
    """Run `POST /generate/custom/{modelId}`, checked against the model's record.

    Raises `ScenarioError`: before anything is sent for what the record rules out.
    """
    remembered = services.models.remembered(arguments.model_id) is not None
    try:
        order = await _order(services, arguments, host.deadline)
    except (InvalidArguments, WrongModel):
        if not remembered:
            raise
        services.models.forget()  # the model may have changed since its record was read
        order = await _order(services, arguments, host.deadline)
    try:
        return await generation.run(services, order, host)
    except NotFound as refusal:
        if "model" in refusal.reason.lower():
            refusal.hint += await advice.near_models(services, arguments.model_id, host.deadline)
        raise


async def _order(services: Services, arguments: RunModel, deadline: Deadline) -> Order:
    place = await _place(services, arguments, deadline)
    lifted = parameters.lift(arguments.parameters, place.inputs)
    checked = parameters.Checked(lifted.parameters, (), ())
    if place.inputs is not None:
        checked = parameters.check(lifted.parameters, place.inputs, given_besides=place.added)
    problems = [*checked.problems, *_clashes(checked.parameters, place.added)]
    problems += [*_file_problems(checked.parameters, place.inputs or ())]
    problems += await _model_problems(services, checked.parameters, place.inputs or (), deadline)
    if problems:
        raise InvalidArguments((f"parameters.{name}", sentence) for name, sentence in problems)
    dry_run = bool(arguments.dry_run or lifted.dry_run)
    body = {**checked.parameters, **place.added}
    call = wire.Call("POST", wire.path("generate", "custom", place.model_id), wire.flags(dryRun=dry_run), body)
    notes = place.notes + lifted.notes + checked.notes
    return Order(call, arguments.model_id, notes, wait=lifted.wait is not False)


async def _place(services: Services, arguments: RunModel, deadline: Deadline) -> _Place:
    """Find where a model runs: at its own id, on its base, or not by this tool. Raises `WrongModel`."""
    model_id = arguments.model_id
    model, note, _ = await look_up(services, model_id, deadline)
    if model is None:
        return _Place(model_id, notes=(note,) if note else ())
    replacement = f"Scenario recommends {model.replacement} in place of {model_id}."
    notes = (replacement,) if model.replacement else ()
    if fitness.is_custom(model):
        unchecked = f"The record of {model_id} lists no inputs, so the parameters were not checked."
        return _Place(model_id, model.inputs, notes=notes if model.inputs else (*notes, unchecked))
    if model.type in fitness.BASES:
        return await _on_base(services, model, fitness.BASES[model.type], deadline, notes)
    if model.custom is False:
        raise await _wrong(services, model, arguments.parameters, deadline)
    unsure = f"The record of {model_id} does not say whether it runs here, so it was not checked."
    return _Place(model_id, model.inputs, notes=(*notes, unsure))


async def _on_base(
    services: Services, model: Model, base: fitness.Base, deadline: Deadline, notes: tuple[str, ...]
) -> _Place:
    record, note, _ = await look_up(services, base.model_id, deadline)
    inputs = record.inputs if record else None
    takes = next((each for each in inputs or () if each.name == base.input), None)
    in_a_list = takes.is_list if takes else base.input == "loras"
    runs = f"{model.id} is a {model.type}: it runs on the base model {base.model_id}, as its {base.input}."
    return _Place(
        base.model_id,
        inputs,
        {base.input: [model.id] if in_a_list else model.id},
        (*notes, runs, *((note,) if note else ())),
    )


async def _wrong(services: Services, model: Model, given: Mapping[str, Any], deadline: Deadline) -> WrongModel:
    reason = f"{model.id} is of type {model.type or 'unknown'}, which run-model cannot run. Nothing was sent or billed."
    carried = advice.carry_back(given)
    tools = fitness.tools_for(model)
    if tools:
        return WrongModel(reason, advice.worded(NextCall(tools[0], {"modelId": model.id, **carried})))
    return WrongModel(reason, await advice.modern_call(services, carried, model, deadline))


def _clashes(given: Mapping[str, Any], added: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in added.items():
        if name in given and given[name] != value:
            yield name, f"must be left out or be {value!r}: modelId already names the model that runs."


def _file_problems(given: Mapping[str, Any], inputs: Iterable[Input]) -> Iterator[tuple[str, str]]:
    for each in inputs:
        if not each.type.startswith("file") or each.name not in given:
            continue
        for text in _texts(given[each.name]):
            try:
                by_id = sources.read(text).form == "asset id"
            except sources.BadSource:
                by_id = False
            if not by_id:
                yield each.name, "must be an asset id (asset_...). Upload the file in Scenario and give its asset id."


async def _model_problems(
    services: Services, given: Mapping[str, Any], inputs: Iterable[Input], deadline: Deadline
) -> list[tuple[str, str]]:
    problems = []
    for each in inputs:
        if not each.model_types or not each.type.startswith("model") or each.name not in given:
            continue
        for model_id in _texts(given[each.name]):
            model, _, _ = await look_up(services, model_id, deadline)
            if model is not None and model.type is not None and model.type not in each.model_types:
                allowed = ", ".join(each.model_types)
                problems.append((each.name, f"must be of type {allowed}, but {model_id} is a {model.type}."))
    return problems


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
