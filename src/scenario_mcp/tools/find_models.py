"""Finding models, by words or by what they can do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from scenario_mcp.inferences.fields import Fields, Text, Whole
from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.scenario.models import Model
from scenario_mcp.tools import fitness
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import ROOM, Report
from scenario_mcp.tools.services import Services

ROWS = 10  # models that are listed if the call does not say how many
MINE_PAGES, PUBLIC_PAGES, SEARCH_PAGES = 4, 8, 3  # pages that are read at most
TOLD_FIRST = ("img2img_ip_adapter", "txt2img_ip_adapter", "img2img", "txt2img", "inpaint", "controlnet")
TOLD = 6  # capabilities that a row tells


class FindModels(Fields):
    """Find models by words, capability, type or tag; free.

    Looks through the project's own models and the public ones. Each row names the tools that run the model, and the
    plan it needs. get-model then tells what one model takes.
    """

    query: Text | None = Field(None, description="Words for its style, subject or name.")
    capability: Text | None = Field(None, description="For instance img2img_ip_adapter, txt2img or img2video.")
    type: Text | None = Field(None, description="For instance flux.1-lora or custom.")
    owner: Literal["mine", "public"] | None = Field(None, description="Only these; both if not given.")
    tags: list[Text] | None = Field(None, description="Tags that it must all have.")
    limit: Whole | None = Field(None, ge=1, le=25, description="Most models to list; 10 if not given.")


async def find_models(services: Services, arguments: FindModels, host: Host) -> Report:
    """Search or list models, keep those that fit, and tell as many as asked for and as fit into the answer."""
    gathered = await _gather(services, arguments, host)
    fitting = [model for model in gathered.models if _fits(model, arguments)]
    if arguments.query:  # the two searches rank apart: what has more of the words comes first, then what is mine
        words = arguments.query.lower().split()
        fitting.sort(key=lambda model: -sum(word in _searched(model) for word in words))
    shown = fitting[: arguments.limit or ROWS]
    if arguments.query and shown:  # hits of the search lack what tells the tool and the plan
        shown = await _complete(services, shown, host)
    rows = [_row(model) for model in shown]
    while rows and _size(rows) > ROOM:
        rows.pop()
    notes = list(gathered.notes)
    if len(rows) < len(fitting):
        notes.append(f"{len(fitting) - len(rows)} more fit. Narrow the search, or raise limit (at most 25).")
    if gathered.cut:
        notes.append("There are more models than were looked through. Narrow the search with query.")
    lines = [_row_line(row) for row in rows] or ["No model fits. Use other words, or fewer conditions."]
    data = {"status": "success", "models": rows, "found": len(fitting)}
    return Report(lines=(*lines, *(f"Note: {note}" for note in notes)), data=data | ({"notes": notes} if notes else {}))


class _Gathered(NamedTuple):
    models: list[Model]
    cut: bool
    notes: list[str]


async def _gather(services: Services, arguments: FindModels, host: Host) -> _Gathered:
    """Read the project's own models and the public ones. Raises `ScenarioError` only if neither can be had."""
    wanted = {"mine": [False], "public": [True]}.get(arguments.owner or "", [False, True])
    found: dict[str, Model] = {}
    cut, notes, failures = False, [], []
    for public in wanted:
        try:
            models, more = await _read(services, arguments, public, host)
        except ScenarioError as failure:
            failures.append(failure)
            notes.append(f"The {'public' if public else 'own'} models could not be read: {failure}")
            continue
        cut = cut or more
        for model in models:
            found.setdefault(model.id, model)
    if len(failures) == len(wanted):
        raise failures[0]
    return _Gathered(list(found.values()), cut, notes)


async def _read(services: Services, arguments: FindModels, public: bool, host: Host) -> tuple[list[Model], bool]:
    if arguments.query:
        return await services.models.search(arguments.query, public=public, pages=SEARCH_PAGES, deadline=host.deadline)
    pages = PUBLIC_PAGES if public else MINE_PAGES
    return await services.models.listed(public=public, pages=pages, deadline=host.deadline)


async def _complete(services: Services, shown: Sequence[Model], host: Host) -> list[Model]:
    try:
        whole = await services.models.bulk([model.id for model in shown], host.deadline)
    except ScenarioError:
        return list(shown)
    return [whole.get(model.id, model) for model in shown]


def _fits(model: Model, arguments: FindModels) -> bool:
    return (
        (arguments.capability is None or _plain(arguments.capability) in map(_plain, model.capabilities))
        and (arguments.type is None or arguments.type == model.type)
        and all(tag in model.tags for tag in arguments.tags or ())
    )


def _searched(model: Model) -> str:
    return f"{model.id} {model.name} {model.description or ''} {' '.join(model.tags)}".lower()


def _plain(capability: str) -> str:
    return capability.lower().replace("-", "_")


def _row(model: Model) -> dict[str, Any]:
    can = [each for each in TOLD_FIRST if each in model.capabilities]
    can += [each for each in model.capabilities if each not in can]
    row = {
        "modelId": model.id,
        "name": model.name,
        "type": model.type,
        "can": [*can[:TOLD], *([f"and {len(can) - TOLD} more"] if len(can) > TOLD else [])],
        "tools": fitness.tools_for(model),
        "plan": model.plan,
        "mine": None if model.public is None else not model.public,
        "replacedBy": model.replacement,
    }
    return {name: value for name, value in row.items() if value not in (None, [], "", False)}


def _row_line(row: Mapping[str, Any]) -> str:
    parts = (
        row["modelId"],
        row.get("name"),
        row.get("type"),
        f"can {', '.join(row['can'])}" if "can" in row else None,
        f"run with {' or '.join(row['tools'])}" if "tools" in row else "no tool here runs it",
        f"needs plan {row['plan']}" if "plan" in row else None,
        "mine" if "mine" in row else None,
        f"replaced by {row['replacedBy']}" if "replacedBy" in row else None,
    )
    return " | ".join(part for part in parts if part)


def _size(rows: Iterable[Mapping[str, Any]]) -> int:
    return sum(len(json.dumps(row, ensure_ascii=False)) + len(_row_line(row)) + 4 for row in rows)
