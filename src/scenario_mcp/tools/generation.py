"""Asking for a price, or buying a generation and following its job: what every paid tool ends in."""

import logging
from dataclasses import dataclass, replace

from scenario_mcp.scenario import jobs, records, wire
from scenario_mcp.scenario.jobs import Job, read_job
from scenario_mcp.spending import budget
from scenario_mcp.spending.purchase import SECONDS_FOR_RESULTS, Bought, Tell
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.jobs import BUG, conclude, in_progress, told, with_previews
from scenario_mcp.tools.outcome import DRY_RUN, Outcome
from scenario_mcp.tools.services import Services
from scenario_mcp.tools.wish import Wish

FREE = "Only the price was asked: nothing was made or billed."
UNASKED = "Only the price was asked, but Scenario started a job, which may be billed."
JOINED = (
    "This is the same generation as job {}: the call joined it, and nothing new was paid. For more variants in one call"
    " raise numSamples (numOutputs on custom models); for another one change an argument, like seed, or call rerun-job."
)
OTHER_PRICE = "Asked before, Scenario named a price of {} Creative Units; {} were billed. Tell the user."
FOUND = "Scenario's answer was lost on the way; the job was found again, and nothing was paid twice."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One generation as it would be sent: the wish, the call, and what the agent must be told of it.

    A dry run only asks for the price.
    """

    wish: Wish
    call: wire.Call
    dry_run: bool
    notes: tuple[str, ...] = ()


async def run(services: Services, order: Order, host: Host) -> Outcome:
    """Ask for the price of an order, or buy it and wait for its job.

    Raises `ScenarioError` if it is refused or its answer is lost.
    """
    return await (_price if order.dry_run else _purchase)(services, order, host)


async def joined(services: Services, wish: Wish, host: Host) -> Outcome | None:
    """Follow the very generation that is wished for, if it is under way or its outcome was not heard; else None.

    Asked before anything is uploaded or priced: none of that is needed to join. Raises `ScenarioError`.
    """
    ledger = services.purchases.ledger
    twin = ledger.twin(wish.identity(ledger.journal), wish.asked)
    if twin is None:
        services.purchases.check()
    bought = None if twin is None else await services.purchases.join(twin, wish.asked, host.deadline, _teller(host))
    return None if bought is None else await _follow(services, wish, bought, host)


def _teller(host: Host) -> Tell:
    async def tell(what: str) -> None:
        await host.progress(0, what)

    return tell


async def _price(services: Services, order: Order, host: Host) -> Outcome:
    answer = await services.client.send(wire.question(order.call), host.deadline)
    cost, discount = answer.get("creativeUnitsCost"), answer.get("creativeUnitsDiscount")
    quote = Outcome(
        DRY_RUN,
        model_id=order.wish.model_id,
        cost=records.number(cost),
        discount=records.number(discount),
        notes=(*order.notes, FREE),
    )
    job = read_job(answer.get("job"))
    if job is None:
        return quote
    # Never seen on these routes; if it happens, the person must hear of it.
    begun = in_progress(job, *order.notes, UNASKED)
    return replace(begun, model_id=order.wish.model_id, cost=quote.cost, discount=quote.discount)


async def _purchase(services: Services, order: Order, host: Host) -> Outcome:
    intent = order.wish.intent(services.purchases.ledger.journal, order.call)
    bought = await services.purchases.buy(intent, order.call, host.deadline, _teller(host), order.wish.asked)
    return await _follow(services, order.wish, bought, host, order.notes)


async def _follow(services: Services, wish: Wish, bought: Bought, host: Host, notes: tuple[str, ...] = ()) -> Outcome:
    """Wait for a job that is paid for, and tell what became of it; from here on no fault is an error."""

    async def on_progress(job: Job) -> None:
        await host.progress(100 * job.progress, told(job))

    try:
        await on_progress(bought.job)
        patience = services.wait_seconds if wish.wait else 0.0
        wait_until = host.deadline.sooner(SECONDS_FOR_RESULTS).or_within(patience)
        watched = await jobs.wait(services.client, bought.job, wait_until, on_progress)
        outcome = await conclude(services, watched, host, original=wish.original, answer=bought.answer)
        outcome = await with_previews(services, outcome, host)
    except Exception:  # the job is paid: even a bug of ours must not keep its id from the agent
        logger.exception("Unexpected error after job %s was accepted", bought.job.id)
        outcome = replace(in_progress(bought.job, BUG, original=wish.original), answer=bought.answer)
    said = [JOINED.format(bought.job.id)] if bought.joined else []
    if bought.entry.found:
        said.append(FOUND)
    price, billed = bought.entry.intent.price, budget.known(bought.cost)
    if not bought.joined and price is not None and billed is not None and price != billed:
        said.append(OTHER_PRICE.format(budget.shown(price), budget.shown(billed)))
    return replace(
        outcome,
        model_id=wish.model_id,
        cost=outcome.cost if bought.cost is None else bought.cost,
        discount=outcome.discount if bought.discount is None else bought.discount,
        notes=(*said, *notes, *outcome.notes, *services.purchases.remarks()),
    )
