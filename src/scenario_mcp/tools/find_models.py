"""Finding models, by words or by what they can do."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import anyio
from pydantic import Field

from scenario_mcp import wording
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.values import Text, Whole
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.scenario.models import Listing, Model
from scenario_mcp.tools import fitness
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import ROOM, Report
from scenario_mcp.tools.services import Services

ROWS = 10  # models that are listed if the call does not say how many
MINE_PAGES, PUBLIC_PAGES, SEARCH_PAGES = 4, 8, 3  # pages that are read at most
TOLD_FIRST = ("img2img_ip_adapter", "txt2img_ip_adapter", "img2img", "txt2img", "inpaint", "controlnet")
TOLD = 6  # capabilities that a row tells
LONGEST = 80  # characters of a name
LONGEST_QUERY = 300  # characters by which models are ranked
SECONDS = 20.0  # that each of the two catalogues may take
NO_TOOL = {True: "no tool here runs it", False: "its record does not say what runs it"}


def runs_with(told: Mapping[str, Any], *, known: bool) -> str:
    """Word what runs a model: the tools that are told, or the toolsets that have some, if it is `known` at all."""
    if told.get("tools"):
        return f"run with {' or '.join(told['tools'])}"
    if told.get("toolsets"):
        return f"run with the toolset {' or '.join(told['toolsets'])}, which is off"
    return NO_TOOL[known]


class FindModels(Fields):
    """Find models by words, capability, type or tag; free.

    Looks through the project's own models and the public ones. Each row names the tools that run the model, and the
    plan it needs. get-model then tells what one model takes.
    """

    query: Text | None = Field(None, description="Words for its style, subject or name.")
    capability: Text | None = Field(None, description="For instance img2img_ip_adapter, txt2img or img2video.")
    type: Text | None = Field(None, description="For instance flux.1-lora or custom.")
    owner: Literal["mine", "public"] | None = Field(None, description="Only these; both if not given.")
    tags: list[Text] | None = Field(None, description='Tags that it must all have, like ["pixel art"].')
    limit: Whole | None = Field(None, ge=1, le=25, description="Most models to list; 10 if not given.")


async def find_models(services: Services, arguments: FindModels, host: Host) -> Report:
    """Search or list models, keep those that fit, and tell as many as asked for and as fit into the answer."""
    gathered = await _gather(services, arguments, host)
    fitting = [model for model in gathered.models if _fits(model, arguments)]
    if arguments.query:  # the two searches rank apart: what has more of the words comes first, then what is mine
        words = arguments.query[:LONGEST_QUERY].lower().split()
        fitting.sort(key=lambda model: -sum(word in _searched(model) for word in words))
    shown = fitting[: arguments.limit or ROWS]
    if arguments.query and shown:  # hits of the search lack what tells the tool and the plan
        shown = await _complete(services, shown, host)
    rows = [_row(model, services.toolsets) for model in shown]
    while (report := _report(rows, len(fitting), gathered)).size > ROOM and rows:
        rows.pop()
    return report


def _report(rows: Sequence[Mapping[str, Any]], found: int, gathered: "_Gathered") -> Report:
    notes = list(gathered.notes)
    if len(rows) < found:
        notes.append(f"{found - len(rows)} more fit. Narrow the search, or raise limit (at most 25).")
    if gathered.more:
        notes.append("There are more models than were looked through. Narrow the search with query.")
    lines = [_row_line(row) for row in rows] or ["No model fits. Use other words, or fewer conditions."]
    data = {"status": "success", "models": list(rows), "found": found}
    return Report(lines=(*lines, *(f"Note: {note}" for note in notes)), data=data | ({"notes": notes} if notes else {}))


class _Gathered(NamedTuple):
    models: list[Model]
    more: bool
    notes: list[str]


async def _gather(services: Services, arguments: FindModels, host: Host) -> _Gathered:
    """Read the project's own models and the public ones, side by side.

    Raises `ScenarioError` only if neither can be had.
    """
    wanted = {"mine": [False], "public": [True]}.get(arguments.owner or "", [False, True])
    read: dict[bool, Listing | ScenarioError] = {}

    async def one(public: bool) -> None:
        try:
            read[public] = await _read(services, arguments, public, host.deadline.or_within(SECONDS))
        except ScenarioError as failure:
            read[public] = failure

    async with anyio.create_task_group() as reading:
        for public in wanted:
            reading.start_soon(one, public)
    listings = [read[public] for public in wanted]
    failures = [each for each in listings if isinstance(each, ScenarioError)]
    if len(failures) == len(listings):
        raise failures[0]
    found: dict[str, Model] = {}
    more, notes = False, []
    for public, listing in zip(wanted, listings, strict=True):
        whose = "public" if public else "own"
        if isinstance(listing, ScenarioError):
            notes.append(f"The {whose} models could not be read: {wording.cut_line(str(listing), 200)}")
            continue
        if listing.fault is not None:
            notes.append(f"Not all {whose} models could be read: {wording.cut_line(str(listing.fault), 200)}")
        more = more or (listing.more and listing.fault is None)
        for model in listing.models:
            found.setdefault(model.id, model)
    return _Gathered(list(found.values()), more, notes)


async def _read(services: Services, arguments: FindModels, public: bool, deadline: Deadline) -> Listing:
    if arguments.query:
        return await services.models.search(arguments.query, public=public, pages=SEARCH_PAGES, deadline=deadline)
    pages = PUBLIC_PAGES if public else MINE_PAGES
    return await services.models.listed(public=public, pages=pages, deadline=deadline)


async def _complete(services: Services, shown: Sequence[Model], host: Host) -> list[Model]:
    try:
        whole = await services.models.bulk([model.id for model in shown], host.deadline)
    except ScenarioError:
        return list(shown)
    return [whole.get(model.id, model) for model in shown]


def _fits(model: Model, arguments: FindModels) -> bool:
    return (
        (arguments.capability is None or _plain(arguments.capability) in map(_plain, model.capabilities))
        and (arguments.type is None or arguments.type.casefold() == (model.type or "").casefold())
        and {tag.casefold() for tag in arguments.tags or ()} <= {tag.casefold() for tag in model.tags}
    )


def _searched(model: Model) -> str:
    return f"{model.id} {model.name} {model.description or ''} {' '.join(model.tags)}".lower()


def _plain(capability: str) -> str:
    return capability.lower().replace("-", "_")


def _row(model: Model, toolsets: Collection[str]) -> dict[str, Any]:
    tools = fitness.tools_for(model, toolsets)
    can = [each for each in TOLD_FIRST if each in model.capabilities]
    can += [each for each in model.capabilities if each not in can]
    row = {
        "modelId": model.id,
        "name": wording.cut(model.name, LONGEST),
        "type": model.type,
        "can": [*can[:TOLD], *([f"and {len(can) - TOLD} more"] if len(can) > TOLD else [])],
        "tools": tools,
        "toolsets": [] if tools else fitness.toolsets_for(model, toolsets),
        "plan": model.plan,
        "mine": None if model.public is None else not model.public,
        "retired": fitness.is_retired(model),
        "replacedBy": model.replacement,
    }
    return {name: value for name, value in row.items() if value not in (None, [], "", False)}


def _row_line(row: Mapping[str, Any]) -> str:
    parts = (
        row["modelId"],
        wording.quoted(row["name"]) if "name" in row else None,
        row.get("type"),
        f"can {', '.join(row['can'])}" if "can" in row else None,
        runs_with(row, known="can" in row),
        f"needs plan {row['plan']}" if "plan" in row else None,
        "mine" if "mine" in row else None,
        "probably retired" if "retired" in row else None,
        f"replaced by {row['replacedBy']}, its owner says" if "replacedBy" in row else None,
    )
    return " | ".join(part for part in parts if part)
