"""Running a named inference: from validated arguments to finished images."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.fields import Fields
from scenario_mcp.media import sources
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.errors import ApiError, InvalidArguments, WrongModel
from scenario_mcp.tools import advice, generation
from scenario_mcp.tools.fitness import judge
from scenario_mcp.tools.generation import Order
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.look_up import Knowledge, on_knowledge
from scenario_mcp.tools.outcome import Outcome
from scenario_mcp.tools.services import Services

QUERY = ("dryRun", "originalAssets")

MASK_BY_ID = (
    "The mask went as maskId, which Scenario documents as ignored when image is given."
    " If the whole image changed, give the mask as a data URL in mask."
)
IMAGE_BY_ID = "imageHide and imageParentId have no effect on an image given by asset id."


async def generate(route: str, services: Services, arguments: Fields, host: Host) -> Outcome:
    """Run `POST /generate/{route}` and wait for its job, or only ask for its price when `dryRun` is set.

    Raises `ScenarioError`: before anything is sent for what the arguments or the model's record rule out.
    """
    given = rules.fold(arguments.model_dump(by_alias=True, exclude_unset=True))
    # In a thread, since decoding pictures takes time that other calls must not wait for.
    body, notes = await asyncio.to_thread(_body, given)
    knowledge, remarks = await on_knowledge(services, host.deadline, partial(_checked, route, given))
    dry_run, original = bool(given.get("dryRun")), bool(given.get("originalAssets"))
    query = wire.flags(dryRun=dry_run, originalAssets=original)
    call = wire.Call("POST", wire.path("generate", route), query, body)
    try:
        return await generation.run(services, Order(call, given["modelId"], notes + remarks, original), host)
    except ApiError as refusal:
        refusal.hint += await advice.after_refusal(services, knowledge, refusal, given, host.deadline)
        raise


async def _checked(route: str, given: Mapping[str, Any], knowledge: Knowledge) -> tuple[Knowledge, tuple[str, ...]]:
    """Refuse what the model's record rules out; gives what was known, and notes."""
    model, note = await knowledge.of(given["modelId"])
    if model is None:
        return knowledge, (note,) if note else ()
    verdict = judge(model, route, given)
    if verdict.wrong_tool:
        hint = await advice.instead_of_named(knowledge, given, model)
        raise WrongModel(f"{verdict.wrong_tool} Nothing was sent or billed.", hint)
    if verdict.problems:
        raise InvalidArguments(verdict.problems)
    return knowledge, verdict.notes


def _body(given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Make the request body: pictures checked and put where their form travels, all else as the caller said it."""
    body = {name: value for name, value in given.items() if name not in rules.PICTURES and name not in QUERY}
    problems: list[tuple[str, str]] = []
    notes: list[str] = []
    for name, travel in rules.PICTURES.items():
        if name not in given:
            continue
        try:
            form, value = _travelling(given[name])
        except sources.BadSource as bad:
            problems.append((name, f"{bad}"))
            continue
        body[travel.as_asset_id if form == "asset id" else travel.as_data_url] = value
        if name == "image" and form == "asset id" and ("imageHide" in given or "imageParentId" in given):
            notes.append(IMAGE_BY_ID)
    if problems:
        raise InvalidArguments(problems)
    if "maskId" in body:
        notes.append(MASK_BY_ID)
    return body, tuple(notes)


def _travelling(value: str | list[str]) -> tuple[sources.Form, str | list[str]]:
    if isinstance(value, str):
        source = sources.read(value)
        return source.form, source.text
    read = [sources.read(each) for each in value]
    forms = {source.form for source in read}
    if len(forms) > 1:
        raise sources.BadSource("mixes asset ids and data URLs. Give all of them in one form.")
    return forms.pop(), [source.text for source in read]
