"""Running any custom model by its own inputs."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic import Field

from scenario_mcp.inferences.fields import DryRun
from scenario_mcp.inferences.values import Id
from scenario_mcp.media import sources
from scenario_mcp.media.sources import AssetId, BadSource, DataUrl, Link
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ApiError, InvalidArguments, WrongModel
from scenario_mcp.scenario.models import Input, Model
from scenario_mcp.tools import advice, carry, fitness, generation, misplaced, model_files, parameters
from scenario_mcp.tools.fitness import RUN_MODEL
from scenario_mcp.tools.generation import Order
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.loaded import Loaded
from scenario_mcp.tools.look_up import Knowledge, on_knowledge
from scenario_mcp.tools.outcome import NextCall, Outcome
from scenario_mcp.tools.services import Services
from scenario_mcp.tools.wish import Again, Wish, name_of


class RunModel(DryRun):
    """Run any model through its own inputs: images, video, audio, 3D, text.

    get-model tells a model's inputs; they are checked here before anything is sent. A Flux LoRA or composition runs on
    its base model by itself. Costs Creative Units; `dryRun: true` asks the price for free. Answers in time for the
    host, with the results or with a job id and the call that waits for it. The same call again joins a job that runs;
    after its results it bills anew.
    """

    model_id: Id = Field(min_length=1, description="Id of the model to run.")
    parameters: dict[str, Any] = Field(
        description='The model\'s inputs by name, as get-model lists them, like {"prompt": "a fox"}; pictures in any'
        " form, other files as asset ids or https URLs."
    )


@dataclass(frozen=True)
class _Place:
    """Where a model runs: the id in the URL, what is known of its inputs, and what goes into the body besides."""

    model_id: str
    record: Model | None = None
    added: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[Input, ...] | None:
        """The inputs that are taken there, if they are known."""
        return self.record.inputs if self.record else None


@dataclass(frozen=True)
class _Plan:
    """What will be sent once its files are assets: the call, which of its inputs are files, and what was asked."""

    call: wire.Call
    files: tuple[Input, ...]
    asked: Mapping[str, Any]
    notes: tuple[str, ...]
    wait: bool


async def run_model(services: Services, arguments: RunModel, host: Host, again: Again | None = None) -> Outcome:
    """Run `POST /generate/custom/{modelId}`, checked against the model's record.

    Raises `ScenarioError`: before anything is sent for what the arguments or the record rule out.
    """
    asked, (arguments, remarks) = services.purchases.now(), _priced(arguments)
    lifted = misplaced.lift(arguments.parameters, None)
    said = arguments.model_dump(by_alias=True, exclude_unset=True)

    def wish_for(named: Mapping[str, Any], *, wait: bool = lifted.wait is not False) -> Wish:
        what = {"modelId": arguments.model_id, "parameters": named}
        return Wish(RUN_MODEL, arguments.model_id, said, what, asked, wait=wait, again=again)

    try:
        plan = await on_knowledge(services, host.deadline, partial(_plan, arguments, services.toolsets))
    except (InvalidArguments, WrongModel):
        # The record may have changed since the same was asked for: what runs already is joined all the same.
        wish = wish_for(_named(lifted.parameters, {}))
        if not arguments.dry_run and (twin := await generation.joined(services, wish, host)) is not None:
            return twin
        raise
    loaded = await _load(services, plan, host.deadline)
    wish = wish_for(_named(plan.asked, loaded), wait=plan.wait)
    if not arguments.dry_run and (twin := await generation.joined(services, wish, host)) is not None:
        return twin
    body, of_files = await model_files.place(services.intake, plan.files, plan.call.body or {}, loaded, host)
    call = replace(plan.call, body=body)
    try:
        return await generation.run(
            services, Order(wish, call, bool(arguments.dry_run), remarks + plan.notes + of_files), host
        )
    except ApiError as refusal:
        refusal.hint += await advice.after_custom_refusal(
            services, refusal, arguments.model_id, call.body or {}, host.deadline, dry_run=bool(arguments.dry_run)
        )
        raise


def _priced(arguments: RunModel) -> tuple[RunModel, tuple[str, ...]]:
    """Ask for the price if `dryRun` stands anywhere, and not only beside the parameters. Raises `InvalidArguments`."""
    priced = misplaced.take_dry_run(arguments.parameters)
    if priced.problems:
        raise InvalidArguments((f"parameters.{name}", sentence) for name, sentence in priced.problems)
    changed = {"parameters": priced.parameters} | ({"dry_run": True} if priced.dry_run else {})
    return arguments.model_copy(update=changed), priced.notes


async def _plan(arguments: RunModel, toolsets: Collection[str], knowledge: Knowledge) -> _Plan:
    """Decide what to send, and which inputs of it are files. Raises `InvalidArguments` and `WrongModel`."""
    place = await _place(arguments, toolsets, knowledge)
    lifted = misplaced.lift(arguments.parameters, place.inputs)
    more_inputs = place.record is not None and place.record.more_inputs
    checked = parameters.check(lifted.parameters, place.inputs, more_inputs=more_inputs, besides=place.added)
    given, problems = checked.parameters, [*lifted.problems, *checked.problems]
    problems += [*_file_problems(given, place.inputs or ())]
    if not problems:
        problems += await _model_problems(knowledge, given, place.inputs or ())
    if problems:
        raise InvalidArguments((f"parameters.{name}", sentence) for name, sentence in problems)
    body = {**place.added, **given}
    call = wire.Call("POST", wire.path("generate", "custom", place.model_id), wire.PAID, body=body, priced=True)
    files = tuple(each for each in place.inputs or () if each.type.startswith("file") and each.name in given)
    notes = place.notes + lifted.notes + checked.notes
    return _Plan(call, files, lifted.parameters, notes, wait=lifted.wait is not False)


async def _load(services: Services, plan: _Plan, deadline: Deadline) -> dict[str, list[Loaded]]:
    """Read and check the files that are here; nothing is sent. Raises `InvalidArguments`."""
    body = plan.call.body or {}
    texts = [(each.name, text) for each in plan.files for text in _texts(body[each.name])]
    given = [(f"parameters.{name}", sources.read(text)) for name, text in texts]
    loaded = await services.intake.load(given, deadline)
    by_input: dict[str, list[Loaded]] = {each.name: [] for each in plan.files}
    for (name, _), each in zip(texts, loaded, strict=True):
        by_input[name].append(each)
    return by_input


def _named(asked: Mapping[str, Any], loaded: Mapping[str, Sequence[Loaded]]) -> dict[str, Any]:
    """Name the files of the parameters by what they hold, and everything else as it was said.

    The record, which tells what is a file and what a list, may be there for one call and not for its repeat. So
    nothing is named by it but what only it tells: which texts are paths.
    """
    files = {name: [name_of(each) for each in given] for name, given in loaded.items()}
    return {name: _plain(files.get(name, value)) for name, value in asked.items()}


def _plain(value: Any) -> Any:
    """Name a file by its form alone, and a list of one as its only item."""
    if isinstance(value, list):
        items = [_plain(each) for each in value]
        return items[0] if len(items) == 1 else items
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    try:
        source = sources.read(value)
    except BadSource:
        return value
    if isinstance(source, DataUrl):
        return sources.named(source)
    if isinstance(source, AssetId | Link):
        return source.id if isinstance(source, AssetId) else source.url
    return value


async def _place(arguments: RunModel, toolsets: Collection[str], knowledge: Knowledge) -> _Place:
    """Find where a model runs: at its own id, on its base, or not by this tool. Raises `WrongModel`."""
    model_id = arguments.model_id
    model, note = await knowledge.of(model_id)
    if model is None:
        return _Place(model_id, notes=(note,) if note else ())
    notes = (fitness.RECOMMENDED.format(model.replacement, model_id),) if model.replacement else ()
    if fitness.is_custom(model):
        unchecked = f"The record of {model_id} lists no inputs, so the parameters were not checked."
        return _Place(model_id, model, notes=notes if model.inputs else (*notes, unchecked))
    if model.type in fitness.BASES:
        return await _on_base(arguments, model, fitness.BASES[model.type], knowledge, notes)
    if model.custom is False:
        reason = f"{model.id} is of type {model.type or 'unknown'}, which run-model cannot run under its own id."
        dry_run = bool(arguments.dry_run)
        hint = await advice.instead_of_custom(arguments.parameters, model, toolsets, dry_run=dry_run)
        raise WrongModel(f"{reason} Nothing was generated or billed.", hint)
    unsure = f"The record of {model_id} does not say whether it runs here, so it was not checked."
    return _Place(model_id, model, notes=(*notes, unsure))


async def _on_base(
    arguments: RunModel, model: Model, base: fitness.Base, knowledge: Knowledge, notes: tuple[str, ...]
) -> _Place:
    """Run a trained model on its base, by the input of the base that takes it. Raises `WrongModel`."""
    record, note = await knowledge.of(base.model_id)
    name, in_a_list = _taking(model, base, record)
    given = arguments.parameters.get(name)
    own = [model.id] if in_a_list else model.id
    others = given if isinstance(given, list) else [given]
    if given not in (None, "", []) and model.id not in others:
        both = [model.id, *others] if in_a_list else given
        both_given = {**arguments.parameters, name: both}
        price_only = {"dryRun": True} if arguments.dry_run else {}
        call = NextCall(RUN_MODEL, {"modelId": base.model_id, "parameters": both_given, **price_only})
        reason = f"modelId names {model.id}, and parameters.{name} another model. Nothing was generated or billed."
        raise WrongModel(reason, f"Leave {name} out to run {model.id} alone. {carry.worded(call)}")
    runs = f"{model.id} is a {model.type}: it runs on the base model {base.model_id}, as its {name}."
    said = [*notes, runs, *([note] if note else [])]
    if name == "modelId" and (model.type or "").endswith("-composition") and arguments.parameters.get("loras"):
        said.append("loras replace the LoRAs of the composition.")
    return _Place(base.model_id, record, {name: own} if given in (None, "", []) else {}, tuple(said))


def _taking(model: Model, base: fitness.Base, record: Model | None) -> tuple[str, bool]:
    """Name the input of a base that takes a trained model, and tell whether it is a list."""
    takes = [
        each
        for each in (record.inputs if record else None) or ()
        if each.type in ("model", "model_array") and (not each.model_types or model.type in each.model_types)
    ]
    takes.sort(key=lambda each: each.name != base.input)
    return (takes[0].name, takes[0].is_list) if takes else (base.input, base.input == "loras")


def _file_problems(given: Mapping[str, Any], inputs: Iterable[Input]) -> Iterator[tuple[str, str]]:
    for each in inputs:
        if not each.type.startswith("file") or each.name not in given:
            continue
        for text in _texts(given[each.name]):
            try:
                source = sources.read(text)
            except BadSource as bad:
                yield each.name, f"{bad}"
                continue
            if model_files.kind(each) != "image" and not isinstance(source, AssetId | Link):
                yield each.name, f"must be an asset id or an https URL: {each.kind} files are not read from here."


async def _model_problems(
    knowledge: Knowledge, given: Mapping[str, Any], inputs: Iterable[Input]
) -> list[tuple[str, str]]:
    named = [
        (each, _texts(given[each.name]))
        for each in inputs
        if each.model_types and each.type.startswith("model") and each.name in given
    ]
    records = await knowledge.of_many([model_id for _, ids in named for model_id in ids])
    return [
        (each.name, f"must be of type {', '.join(each.model_types)}, but {model_id} is a {model.type}.")
        for each, ids in named
        for model_id in ids
        if (model := records.get(model_id)) and model.type is not None and model.type not in each.model_types
    ]


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
