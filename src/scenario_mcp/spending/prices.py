"""Asking what a call will cost before it is paid for, where a cap is set."""

from scenario_mcp import wording
from scenario_mcp.scenario import records
from scenario_mcp.scenario.client import PAID_SECONDS, Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import JobBegun, NoAnswer, NotConnected, OverCap, RateLimited, Unavailable
from scenario_mcp.scenario.wire import Call, question
from scenario_mcp.spending import budget
from scenario_mcp.spending.budget import Caps

SECONDS = 12.0  # that asking may take away from a call
AGAIN = "Nothing was generated or billed. The price is asked anew when you call again in a moment."
HIDING = (NoAnswer, NotConnected, RateLimited, Unavailable)  # faults over which a price cannot be learned


async def ask(client: Client, call: Call, caps: Caps, deadline: Deadline) -> int:
    """Ask what a paid call will cost, in millionths of a Creative Unit, and hold it against the cap of one call; free.

    Raises `OverCap`, also if the price cannot be learned, and the `ScenarioError` with which the call is refused.
    """
    if not call.priced:
        raise OverCap("Scenario names no price of this kind of call before it runs, which counts as over the cap.")
    try:
        answer = await client.send(question(call), deadline.sooner(PAID_SECONDS).or_within(SECONDS))
    except HIDING as fault:
        raise OverCap(f"The price could not be learned, which counts as over the cap. {fault}", AGAIN) from fault
    cost = records.number(answer.get("creativeUnitsCost"))
    if job := answer.get("job"):
        raise JobBegun(wording.identifier(records.mapping(job).get("jobId")) or "without an id")
    if cost is None or cost < 0:
        raise OverCap("Scenario did not name the price, which counts as over the cap.")
    price = min(budget.millionths(cost), budget.MOST)
    budget.check_call(caps, price)
    return price
