"""The one way to send a paid request."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from scenario_mcp.scenario import records
from scenario_mcp.scenario.client import Client, OnPause, Sending
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import AnswerLost
from scenario_mcp.scenario.jobs import Job, read_job
from scenario_mcp.scenario.wire import Call

LOOK = "Look for it in Scenario before generating the same again."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Accepted:
    """A paid request that Scenario accepted: its job, and the price in Creative Units where the answer names it."""

    job: Job
    cost: float | None
    discount: float | None


class Purchases:
    """Sends paid requests, each try in a task of its own that no call can cancel once it has begun."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._under_way: set[asyncio.Task[dict[str, Any]]] = set()

    async def send(self, call: Call, deadline: Deadline, on_pause: OnPause) -> Accepted:
        """Send a paid request once, or again only when it was certainly not accepted (`wire.retry_pause`).

        Raises `AnswerLost` when it may have been accepted, other `ScenarioError`s when it certainly was not.
        """
        answer = await self._client.send(call, deadline, attempt=self._uncancelled, on_pause=on_pause)
        job = read_job(answer.get("job"))
        if job is None:
            raise AnswerLost("Scenario accepted the request but named no job; it may be running.")
        cost, discount = answer.get("creativeUnitsCost"), answer.get("creativeUnitsDiscount")
        return Accepted(job, records.number(cost), records.number(discount))

    async def settle(self, seconds: float) -> None:
        """Give the requests under way so many seconds, and log what is not answered by then."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        for _ in self._under_way:
            logger.error("A paid request was sent and its answer not waited for: a job may be running. %s", LOOK)

    async def _uncancelled(self, call: Call, sending: Sending) -> dict[str, Any]:
        attempt = asyncio.create_task(self._client.attempt(call, sending))
        self._under_way.add(attempt)
        attempt.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            if sending.begun:
                attempt.add_done_callback(_log_unheard)
            else:
                attempt.cancel()
            raise


def _log_unheard(attempt: asyncio.Task[dict[str, Any]]) -> None:
    """Log what became of a paid request whose call did not stay for the answer: it may be its only trace."""
    if attempt.cancelled():
        return
    if (failure := attempt.exception()) is not None:
        logger.error("A paid request whose call had ended: %s", failure)
        return
    job = read_job(attempt.result().get("job"))
    logger.error("A paid request whose call had ended was accepted as %s. %s", job.id if job else "some job", LOOK)
