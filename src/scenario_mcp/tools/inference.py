"""Running a named inference: from validated arguments to finished images."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.fields import Fields
from scenario_mcp.media import sources
from scenario_mcp.scenario import jobs, records, wire
from scenario_mcp.scenario.errors import InvalidArguments, ScenarioError
from scenario_mcp.scenario.jobs import Job, read_job
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.jobs import SECONDS_FOR_RESULTS, conclude, in_progress
from scenario_mcp.tools.outcome import DRY_RUN, Outcome
from scenario_mcp.tools.services import Services

logger = logging.getLogger(__name__)

QUERY = ("dryRun", "originalAssets")

MASK_BY_ID = (
    "The mask went as maskId, which Scenario documents as ignored when image is given."
    " If the whole image changed, give the mask as a data URL in mask."
)
UNASKED = "Only the price was asked, but Scenario started a job, which may be billed."
BUG = "This server had an internal error while it followed the job; its log has the details."
IMAGE_BY_ID = "imageHide and imageParentId have no effect on an image given by asset id."


async def generate(route: str, services: Services, arguments: Fields, host: Host) -> Outcome:
    """Run `POST /generate/{route}` and wait for its job, or only ask for its price when `dryRun` is set."""
    given = rules.fold(arguments.model_dump(by_alias=True, exclude_unset=True))
    body, notes = _body(given)
    dry_run, original = bool(given.get("dryRun")), bool(given.get("originalAssets"))
    query = wire.flags(dryRun=dry_run, originalAssets=original)
    call = wire.Call("POST", wire.path("generate", route), query, body, paid=not dry_run)
    model_id = given["modelId"]
    if dry_run:
        return await _price(services, call, host, model_id, notes)
    return await _purchase(services, call, host, model_id, notes, original=original)


async def _price(services: Services, call: wire.Call, host: Host, model_id: str, notes: tuple[str, ...]) -> Outcome:
    answer = await services.client.send(call, host.deadline)
    cost, discount = answer.get("creativeUnitsCost"), answer.get("creativeUnitsDiscount")
    quote = Outcome(
        DRY_RUN, model_id=model_id, cost=records.number(cost), discount=records.number(discount), notes=notes
    )
    job = read_job(answer.get("job"))
    if job is None:
        return quote
    # Never seen on these routes; if it happens, the person must hear of it.
    return replace(in_progress(job, *notes, UNASKED), model_id=model_id, cost=quote.cost, discount=quote.discount)


async def _purchase(
    services: Services, call: wire.Call, host: Host, model_id: str, notes: tuple[str, ...], *, original: bool
) -> Outcome:
    async def on_pause(_: ScenarioError, seconds: float) -> None:
        await host.progress(0, f"waiting for a free slot, next try in {seconds:.0f} s")

    async def on_progress(job: Job) -> None:
        await host.progress(100 * job.progress, f"{job.status} {job.progress:.0%}")

    accepted = await services.purchases.send(call, host.deadline, on_pause)
    try:
        await on_progress(accepted.job)
        wait_until = host.deadline.sooner(SECONDS_FOR_RESULTS).or_within(services.wait_seconds)
        watched = await jobs.wait(services.client, accepted.job, wait_until, on_progress)
        outcome = await conclude(services, watched, host.deadline, original=original)
    except Exception:  # the job is paid: even a bug of ours must not keep its id from the agent
        logger.exception("Unexpected error after job %s was accepted", accepted.job.id)
        outcome = in_progress(accepted.job, BUG, original=original)
    return replace(
        outcome,
        model_id=model_id,
        cost=outcome.cost if accepted.cost is None else accepted.cost,
        discount=outcome.discount if accepted.discount is None else accepted.discount,
        notes=notes + outcome.notes,
    )


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
