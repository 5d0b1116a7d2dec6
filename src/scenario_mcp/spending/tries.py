"""Sending paid requests: each try in a task of its own, which no call can cancel once it has begun."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from scenario_mcp.scenario import jobs, records
from scenario_mcp.scenario.answers import is_whole, read_answer
from scenario_mcp.scenario.client import Client, Sending
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import AnswerLost, JournalBusy, NotConnected, ScenarioError
from scenario_mcp.scenario.jobs import Job, read_job
from scenario_mcp.scenario.wire import Call
from scenario_mcp.spending import budget
from scenario_mcp.spending.ledger import Ledger, refusing
from scenario_mcp.spending.recovery import answers_in_words
from scenario_mcp.state.entries import Entry
from scenario_mcp.state.faults import StoreFault
from scenario_mcp.state.journal import Journal

HEAR_SECONDS = 5.0  # that asking Scenario's time may take away from a call

logger = logging.getLogger(__name__)


class Tries:
    """The tries that this server has under way; `on_lost` hears of an answer lost with nobody waiting for it."""

    def __init__(self, client: Client, ledger: Ledger, on_lost: Callable[[], None]) -> None:
        self._client = client
        self._ledger = ledger
        self._on_lost = on_lost
        self._under_way: dict[int, asyncio.Task[dict[str, Any]]] = {}
        self._unheard: set[int] = set()  # of these, the ones whose call did not stay for the answer
        self._notes: set[asyncio.Task[None]] = set()
        self._ending = False

    def check(self) -> None:
        """Begin nothing in a server that ends. Raises `NotConnected`."""
        if self._ending:
            raise NotConnected("This server is ending.")

    def has(self, entry: Entry) -> bool:
        """Tell whether a try of an entry is not answered yet."""
        return entry.id in self._under_way

    def refused(self, entry: Entry) -> None:
        """Note that nothing of an entry was accepted, and that it is not sent any more."""
        self._ledger.journal.under_way.discard(entry.id)
        try:
            self._ledger.journal.refused(entry.id)
        except StoreFault:  # or other servers would take it for being sent
            note = asyncio.create_task(self._ledger.insist(partial(self._ledger.journal.refused, entry.id)))
            self._notes.add(note)
            note.add_done_callback(self._notes.discard)

    async def send(self, entry: Entry, deadline: Deadline, call: Call, sending: Sending) -> dict[str, Any]:
        """Try once; the answer is noted whether or not the call is still there to hear it.

        Raises as `Client.attempt` does, and `JournalBusy` or `JournalBroken` if it cannot be noted beforehand.
        """
        if self._client.clock.now() is None:  # by Scenario's time a lost answer is looked for
            with suppress(ScenarioError):
                await jobs.page(self._client, deadline.or_within(HEAR_SECONDS), size=1)
        self.check()
        with refusing():
            still_mine = self._ledger.journal.trying(entry.id, self._client.clock.now())
        if not still_mine:
            raise JournalBusy("Another server took this request for given up.")
        attempt = asyncio.create_task(self._attempt(entry, call, sending))
        self._under_way[entry.id] = attempt
        attempt.add_done_callback(partial(self._answered, entry))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            self._unheard.add(entry.id)
            if not sending.begun:
                attempt.cancel()
            raise

    async def end(self, seconds: float) -> None:
        """Begin no more, give what is under way so many seconds, and note as lost what is unanswered then."""
        self._ending = True
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=seconds)
        for entry_id in [*self._ledger.journal.under_way]:
            if entry_id in self._under_way:
                logger.error(
                    "A paid request was sent and not answered: a job may be running. It is looked for next time."
                )
                self._ledger.note(partial(Journal.lost, entry_id=entry_id))
            else:
                self._ledger.note(partial(Journal.refused, entry_id=entry_id))
        self._ledger.journal.under_way.clear()

    async def _attempt(self, entry: Entry, call: Call, sending: Sending) -> dict[str, Any]:
        journal = self._ledger.journal
        outcome: Callable[..., object] | None = None
        try:
            answer = await self._client.attempt(call, sending)
            job = job_of(answer)
        except AnswerLost:
            outcome = journal.lost
            raise
        except ScenarioError:
            raise  # nothing was accepted: the call tries again, or ends
        except BaseException:
            outcome = journal.lost if sending.begun else None
            raise
        else:
            outcome = partial(self._accepted, job=job, answer=answer, words=answers_in_words(entry.intent.route))
            return answer
        finally:
            if outcome is not None:
                await self._ledger.insist(partial(outcome, entry.id))

    def _accepted(self, entry_id: int, job: Job, answer: Mapping[str, Any], *, words: bool) -> None:
        """Note the job of an entry, what was answered besides, and that a job whose answer is its result is done."""
        journal, said = self._ledger.journal, read_answer(answer, words=words)
        cost = budget.known(records.number(answer.get("creativeUnitsCost")))
        journal.accepted(entry_id, job.id, author=job.author, cost=cost, answer=said)
        if is_whole(said):
            journal.ended(job.id, jobs.SUCCESS, journal.clock(), assets=(), cost=cost, refunded=False)

    def _answered(self, entry: Entry, attempt: "asyncio.Task[dict[str, Any]]") -> None:
        """See to the end of a try whose call did not stay for it."""
        del self._under_way[entry.id]
        failure = None if attempt.cancelled() else attempt.exception()
        if entry.id not in self._unheard:
            return
        self._unheard.discard(entry.id)
        if failure is not None:
            logger.warning("A paid request whose call had ended: %s", failure)
        if attempt.cancelled() or (isinstance(failure, ScenarioError) and not isinstance(failure, AnswerLost)):
            self.refused(entry)
            return
        self._ledger.journal.under_way.discard(entry.id)
        if failure is not None and not self._ending:
            self._on_lost()


def job_of(answer: Mapping[str, Any]) -> Job:
    """Read the job of an acceptance. Raises `AnswerLost` if it names none."""
    job = read_job(answer.get("job"))
    if job is None:
        raise AnswerLost("Scenario accepted the request but named no job; it may be running.")
    return job
