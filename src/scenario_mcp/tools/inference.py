"""Running a named inference: from validated arguments to finished images."""

import asyncio
from collections.abc import Mapping
from typing import Any

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.fields import Fields
from scenario_mcp.media import sources
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.errors import ApiError, InvalidArguments, NotFound, Retired, WrongModel
from scenario_mcp.scenario.models import Model
from scenario_mcp.tools import advice, generation
from scenario_mcp.tools.fitness import judge
from scenario_mcp.tools.generation import Order
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.look_up import Found, look_up
from scenario_mcp.tools.outcome import Outcome
from scenario_mcp.tools.services import Services

QUERY = ("dryRun", "originalAssets")
WRONG_ROUTE = ("Standalone models are not supported",)  # how the API says that a model wants /generate/custom

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
    found = await look_up(services, given["modelId"], host.deadline)
    remarks = await _checked(services, route, given, found, host)
    dry_run, original = bool(given.get("dryRun")), bool(given.get("originalAssets"))
    query = wire.flags(dryRun=dry_run, originalAssets=original)
    call = wire.Call("POST", wire.path("generate", route), query, body)
    try:
        return await generation.run(services, Order(call, given["modelId"], notes + remarks, original), host)
    except ApiError as refusal:
        refusal.hint += await _advice(services, given, found.model, refusal, host)
        raise


async def _checked(
    services: Services, route: str, given: Mapping[str, Any], found: Found, host: Host
) -> tuple[str, ...]:
    """Refuse what the model's record rules out, reading it again if it was only remembered; gives notes."""
    model, note, fresh = found
    if model is None:
        return (note,) if note else ()
    verdict = judge(model, route, given)
    if not verdict.wrong_tool and not verdict.problems:
        return verdict.notes
    if not fresh:
        again = await look_up(services, model.id, host.deadline, again=True)
        return await _checked(services, route, given, again, host)
    if verdict.wrong_tool:
        hint = await advice.modern_call(services, given, model, host.deadline)
        raise WrongModel(f"{verdict.wrong_tool} Nothing was sent or billed.", hint)
    raise InvalidArguments(verdict.problems)


async def _advice(
    services: Services, given: Mapping[str, Any], model: Model | None, refusal: ApiError, host: Host
) -> str:
    """Say what to call instead, for a refusal that the model or the route is the reason of."""
    if isinstance(refusal, Retired) or refusal.reason.startswith(WRONG_ROUTE):
        return f" {await advice.modern_call(services, given, model, host.deadline)}"
    if isinstance(refusal, NotFound) and "model" in refusal.reason.lower():
        return await advice.near_models(services, given["modelId"], host.deadline)
    return ""


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
