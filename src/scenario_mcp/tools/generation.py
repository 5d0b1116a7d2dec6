"""Asking for a price, or buying a generation and following its job: what every paid tool ends in."""

import logging
from dataclasses import dataclass, replace

from scenario_mcp.scenario import jobs, records, wire
from scenario_mcp.scenario.errors import RateLimited, ScenarioError
from scenario_mcp.scenario.jobs import Job, read_job
from scenario_mcp.tools.delivery import Origin
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.jobs import BUG, SECONDS_FOR_RESULTS, conclude, in_progress, told, with_previews
from scenario_mcp.tools.outcome import DRY_RUN, Outcome
from scenario_mcp.tools.services import Services

FREE = "Only the price was asked: nothing was made or billed."
UNASKED = "Only the price was asked, but Scenario started a job, which may be billed."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One generation as it will be sent: the call, the model it is for, and what the agent must be told of it.

    A call that is not paid only asks for the price. `original` asks for untransformed files; without `wait` the
    outcome comes as soon as the job is accepted. `origin` is the agent's call, for the card beside the results.
    """

    call: wire.Call
    model_id: str
    notes: tuple[str, ...] = ()
    original: bool = False
    wait: bool = True
    origin: Origin | None = None


async def run(services: Services, order: Order, host: Host) -> Outcome:
    """Ask for the price of an order, or buy it and wait for its job.

    Raises `ScenarioError` if it is refused or its answer is lost.
    """
    return await (_purchase if order.call.paid else _price)(services, order, host)


async def _price(services: Services, order: Order, host: Host) -> Outcome:
    answer = await services.client.send(order.call, host.deadline)
    cost, discount = answer.get("creativeUnitsCost"), answer.get("creativeUnitsDiscount")
    quote = Outcome(
        DRY_RUN,
        model_id=order.model_id,
        cost=records.number(cost),
        discount=records.number(discount),
        notes=(*order.notes, FREE),
    )
    job = read_job(answer.get("job"))
    if job is None:
        return quote
    # Never seen on these routes; if it happens, the person must hear of it.
    begun = in_progress(job, *order.notes, UNASKED)
    return replace(begun, model_id=order.model_id, cost=quote.cost, discount=quote.discount)


async def _purchase(services: Services, order: Order, host: Host) -> Outcome:
    async def on_pause(failure: ScenarioError, seconds: float) -> None:
        what = "waiting for a free slot" if isinstance(failure, RateLimited) else "no connection yet"
        await host.progress(0, f"{what}, next try in {seconds:.0f} s")

    async def on_progress(job: Job) -> None:
        await host.progress(100 * job.progress, told(job))

    accepted = await services.purchases.send(order.call, host.deadline, on_pause)
    if order.origin is not None:
        services.delivery.remember(accepted.job.id, replace(order.origin, cost=accepted.cost))
    try:
        await on_progress(accepted.job)
        patience = services.wait_seconds if order.wait else 0.0
        wait_until = host.deadline.sooner(SECONDS_FOR_RESULTS).or_within(patience)
        watched = await jobs.wait(services.client, accepted.job, wait_until, on_progress)
        outcome = await conclude(services, watched, host, original=order.original)
        outcome = await with_previews(services, outcome, host)
    except Exception:  # the job is paid: even a bug of ours must not keep its id from the agent
        logger.exception("Unexpected error after job %s was accepted", accepted.job.id)
        outcome = in_progress(accepted.job, BUG, original=order.original)
    return replace(
        outcome,
        model_id=order.model_id,
        cost=outcome.cost if accepted.cost is None else accepted.cost,
        discount=outcome.discount if accepted.discount is None else accepted.discount,
        notes=order.notes + outcome.notes,
    )
