"""Running a named inference: from validated arguments to finished images."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from scenario_mcp.inferences import base
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.fields import DryRun, Generation
from scenario_mcp.inferences.folding import fold
from scenario_mcp.inferences.table import INFERENCES, tool_name
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.errors import ApiError, InvalidArguments, WrongModel
from scenario_mcp.tools import advice, generation, pictures, sizes
from scenario_mcp.tools.fitness import judge
from scenario_mcp.tools.generation import Order
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.look_up import Knowledge, on_knowledge
from scenario_mcp.tools.outcome import Outcome
from scenario_mcp.tools.services import Services
from scenario_mcp.tools.wish import Again, Wish

QUERY = ("dryRun", "originalAssets")


async def generate(
    route: str, services: Services, arguments: Fields, host: Host, again: Again | None = None
) -> Outcome:
    """Run `POST /generate/{route}` and wait for its job, or only ask for its price when `dryRun` is set.

    Raises `ScenarioError`: before anything is sent for what the arguments or the model's record rule out.
    """
    asked, said = services.purchases.now(), arguments.model_dump(by_alias=True, exclude_unset=True)
    given, travels = fold(said), base.pictures_of(INFERENCES[route])
    looked = await pictures.look(services.intake, travels, given, host.deadline)
    dry_run, original = bool(given.get("dryRun")), bool(given.get("originalAssets"))
    named = {name: value for name, value in pictures.named(travels, given, looked).items() if name not in QUERY}
    wish = Wish(tool_name(route), given.get("modelId"), said, named, asked, original, again=again)
    if not dry_run and (twin := await generation.joined(services, wish, host)) is not None:
        return twin
    knowledge, remarks = await on_knowledge(services, host.deadline, partial(_checked, route, given))
    placed = await pictures.place(services.intake, travels, given, looked, host)
    left = {name: value for name, value in given.items() if name not in (*QUERY, *travels, *placed.used)}
    call = wire.Call(
        "POST",
        wire.path("generate", route),
        wire.PAID,
        wire.flags(originalAssets=original),
        {**left, **placed.fields},
        priced=issubclass(INFERENCES[route], DryRun),
    )
    try:
        notes = (*placed.notes, *_of_sizes(route, given, placed), *base.remarks(INFERENCES[route], given), *remarks)
        return await generation.run(services, Order(wish, call, dry_run, notes), host)
    except ApiError as refusal:
        refusal.hint += await advice.after_refusal(services, knowledge, refusal, route, given, host.deadline)
        raise


def _of_sizes(route: str, given: Mapping[str, Any], placed: pictures.Placed) -> Iterator[str]:
    drawn_for = {label: size for label, size in placed.sizes.items() if label in sizes.DRAWN_FOR}
    fields = {field.alias or name for name, field in INFERENCES[route].model_fields.items()}
    sources = placed.sizes if INFERENCES[route].redraws else {}
    return sizes.notes(sources, placed.masks, drawn_for, sizes.result_size(fields, given))


async def _checked(route: str, given: Mapping[str, Any], knowledge: Knowledge) -> tuple[Knowledge, tuple[str, ...]]:
    """Refuse what the model's record rules out; gives what was known, and notes.

    Only the image inferences run a model of the project; elsewhere `modelId` is an engine, or a model to look at.
    """
    if not issubclass(INFERENCES[route], Generation):
        return knowledge, ()
    model, note = await knowledge.of(given["modelId"])
    if model is None:
        return knowledge, (note,) if note else ()
    verdict = judge(model, route, given)
    if verdict.wrong_tool:
        hint = await advice.instead_of_named(knowledge, given, model)
        raise WrongModel(f"{verdict.wrong_tool} Nothing was generated or billed.", hint)
    if verdict.problems:
        raise InvalidArguments(verdict.problems)
    return knowledge, verdict.notes
