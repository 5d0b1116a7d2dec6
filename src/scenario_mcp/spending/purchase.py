"""The one way to send a paid request: at most once, within the caps, and never forgotten.

Scenario has no idempotency key. So each request is written into the journal before it is sent; an identical call joins
it; a lost answer is looked for among the project's jobs instead of being asked for again.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio

from scenario_mcp.scenario import jobs, records
from scenario_mcp.scenario.client import Client, OnPause, Sending
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import (
    AnswerLost,
    JournalBusy,
    NotConnected,
    OverCap,
    ScenarioError,
    StillSending,
)
from scenario_mcp.scenario.jobs import Job, read_job
from scenario_mcp.scenario.wire import Call
from scenario_mcp.spending import budget, prices
from scenario_mcp.spending.budget import Caps
from scenario_mcp.spending.ledger import Ledger
from scenario_mcp.spending.search import Searches
from scenario_mcp.state.entries import ABSENT, ACCEPTED, ANSWERLESS, REFUSED, SENDING, Entry, Intent
from scenario_mcp.state.journal import Journal
from scenario_mcp.state.store import StoreBusy

FIRST_GLANCE, LONGEST_GLANCE = 0.05, 1.0  # seconds between looks at what another call is sending
FIRST_LOOK, LONGEST_LOOK = 1.0, 16.0  # seconds between looks for a lost answer
SECONDS_FOR_RESULTS = 5.0  # kept free before the deadline of a call that looks or joins, to answer
FORGETFUL = "Calls of other servers or of earlier ones are not known, so the same call may be paid for again."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bought:
    """A generation that Scenario accepted: its entry, its job as last seen, and whether another call paid for it.

    `cost` and `discount` are in Creative Units where they are known.
    """

    entry: Entry
    job: Job
    joined: bool = False
    cost: float | None = None
    discount: float | None = None


class Purchases:
    """Sends paid requests, each try in a task of its own that no call can cancel once it has begun."""

    def __init__(self, client: Client, ledger: Ledger | None = None, caps: Caps | None = None) -> None:
        self.ledger = ledger or Ledger(client)
        self._client = client
        self.caps = caps or Caps()
        self._searches = Searches(client, self.ledger)
        self._under_way: dict[int, asyncio.Task[dict[str, Any]]] = {}
        self._mine: set[int] = set()  # entries between their beginning and their end in this server
        self._unheard: set[int] = set()  # of these, the ones whose call did not stay for the answer
        self._ending = False

    async def buy(
        self, intent: Intent, call: Call, deadline: Deadline, on_pause: OnPause, asked: float | None = None
    ) -> Bought:
        """Send a paid request, or join its twin; `asked` is when its call was made, on this machine's clock.

        Raises `AnswerLost` when it may have been accepted, `StillSending` when its answer is awaited, and other
        `ScenarioError`s when it certainly was not accepted.
        """
        asked = self.ledger.journal.clock() if asked is None else asked
        price = await prices.ask(self._client, call, self.caps, deadline) if self.caps.any else None
        while True:
            timed = replace(intent, price=price, api_began=self._client.clock.now())
            entry, mine = self._begin(timed, asked)
            bought = await (self._send(entry, call, deadline, on_pause) if mine else self.join(entry, asked, deadline))
            if bought is not None:
                return bought

    async def join(self, entry: Entry, asked: float, deadline: Deadline) -> Bought | None:
        """Share what becomes of an entry; None if nothing was accepted, so that the call may be made anew.

        `asked` is when the call that joins was made.

        Raises `AnswerLost` and `StillSending`.
        """
        until = deadline.sooner(SECONDS_FOR_RESULTS)
        pause = FIRST_GLANCE
        self.ledger.note(lambda journal: journal.joined(entry.id, asked))
        while True:
            entry = self.ledger.anew(entry)
            if entry.state in (REFUSED, ABSENT):
                return None
            if entry.state in ANSWERLESS:
                await self._seek(entry, until, pause=0.0)
            elif entry.state != SENDING:
                return await self._joined(entry, until)
            elif self.ledger.bury(entry):
                continue
            elif pause >= until.remaining():
                raise StillSending("The same generation is being sent by another call, and not answered yet.")
            else:
                await anyio.sleep(pause)
                pause = min(LONGEST_GLANCE, 2 * pause)

    def now(self) -> float:
        """Tell the time on this machine's clock, as the journal has it."""
        return self.ledger.journal.clock()

    def awaken(self) -> None:
        """Begin to settle what earlier servers left open; called at each tool call, it works at the first."""
        self._searches.awaken()

    def remarks(self) -> list[str]:
        """Say what a person must know of money: what the day's cap leaves, and what the journal cannot remember."""
        journal = self.ledger.journal
        said = [journal.trouble and f"{journal.trouble} {FORGETFUL}", journal.remark]
        if self.caps.per_day is not None:
            spent = self.ledger.spent()
            said.append(None if spent is None else budget.left(self.caps, spent))
        return [each for each in said if each]

    async def look_after(self, deadline: Deadline) -> None:
        """Learn what became of everything that is open, as far as one look tells by the deadline."""
        await self._searches.settle_once(deadline)

    async def settle(self, seconds: float) -> None:
        """End: begin no more, give the requests under way so many seconds, and note as lost what is unanswered."""
        self._ending = True
        self._searches.stop()
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=seconds)
        for entry_id in self._mine:
            if entry_id in self._under_way:
                logger.error(
                    "A paid request was sent and not answered: a job may be running. It is looked for next time."
                )
                self.ledger.note(partial(Journal.lost, entry_id=entry_id))
            else:
                self.ledger.note(partial(Journal.refused, entry_id=entry_id))
        self._mine.clear()
        self.ledger.close()

    # --- before it is sent

    def _begin(self, intent: Intent, asked: float) -> tuple[Entry, bool]:
        def check(spent: int) -> None:
            if self.caps.per_day is not None and self.ledger.journal.trouble:
                raise OverCap(f"{budget.PER_DAY} cannot be held. {self.ledger.journal.trouble}")
            budget.check_day(self.caps, intent.price, spent)

        if self._ending:
            raise NotConnected("This server is ending.")
        try:
            entry, mine = self.ledger.begin(intent, asked, check)
        except StoreBusy as busy:
            raise JournalBusy(str(busy)) from busy
        if mine:
            self._mine.add(entry.id)
        return entry, mine

    # --- sending

    async def _send(self, entry: Entry, call: Call, deadline: Deadline, on_pause: OnPause) -> Bought | None:
        """Send until it is accepted; None if its answer was lost and it turned out that nothing was accepted."""
        try:
            answer = await self._client.send(
                call, deadline, attempt=partial(self._uncancelled, entry), on_pause=on_pause
            )
        except AnswerLost as failure:
            if entry.id in self._under_way:
                raise StillSending("The request was sent and Scenario has not answered yet.") from failure
            self._mine.discard(entry.id)
            return await self._found(entry, failure, deadline)
        except BaseException:
            if entry.id not in self._under_way:
                self._refused(entry)
            raise
        self._mine.discard(entry.id)
        cost, discount = answer.get("creativeUnitsCost"), answer.get("creativeUnitsDiscount")
        return Bought(entry, _job_of(answer), cost=records.number(cost), discount=records.number(discount))

    def _refused(self, entry: Entry) -> None:
        self._mine.discard(entry.id)
        self.ledger.note(lambda journal: journal.refused(entry.id))

    async def _uncancelled(self, entry: Entry, call: Call, sending: Sending) -> dict[str, Any]:
        if self._ending:
            raise NotConnected("This server is ending.")
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

    async def _attempt(self, entry: Entry, call: Call, sending: Sending) -> dict[str, Any]:
        """Send once, and note what became of it whether or not the call is still there to hear."""
        outcome: Callable[..., object] | None = None
        try:
            answer = await self._client.attempt(call, sending)
            job = _job_of(answer)
        except AnswerLost:
            outcome = self.ledger.journal.lost
            raise
        except ScenarioError:
            raise  # nothing was accepted: the call tries again, or ends
        except BaseException:
            outcome = self.ledger.journal.lost if sending.begun else None
            raise
        else:
            cost = records.number(answer.get("creativeUnitsCost"))
            outcome = partial(
                self.ledger.journal.accepted,
                job_id=job.id,
                author=job.author,
                cost=None if cost is None or cost < 0 else budget.millionths(cost),
            )
            return answer
        finally:
            if outcome is not None:
                await self.ledger.insist(partial(outcome, entry.id))

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
            self._refused(entry)
            return
        self._mine.discard(entry.id)
        if failure is not None:
            self._searches.begin()

    # --- a lost answer, and another call's entry

    async def _found(self, entry: Entry, failure: AnswerLost, deadline: Deadline) -> Bought | None:
        until = deadline.sooner(SECONDS_FOR_RESULTS)
        try:
            await self._seek(entry, until, pause=FIRST_LOOK, failure=failure)
        except BaseException:
            self._searches.begin()
            raise
        entry = self.ledger.anew(entry)
        return replace(await self._read(entry, until), joined=False) if entry.job_id else None

    async def _seek(self, entry: Entry, until: Deadline, *, pause: float, failure: AnswerLost | None = None) -> None:
        """Look for a lost answer until its entry is settled. Raises `AnswerLost` when it is not by then."""
        step = pause or FIRST_LOOK
        while pause < until.remaining():
            await anyio.sleep(pause)
            if await self._searches.look(entry, until):
                return
            pause, step = step, min(LONGEST_LOOK, 2 * step)
        raise failure or AnswerLost("The answer to this very request was lost earlier, and it is still looked for.")

    async def _joined(self, entry: Entry, until: Deadline) -> Bought | None:
        bought = await self._read(entry, until)
        now = self.ledger.anew(entry)
        if entry.state == ACCEPTED and now.told is None and not self.ledger.is_twin(now, math.inf):
            return None  # it ended long ago, and nobody had looked
        return bought

    async def _read(self, entry: Entry, until: Deadline) -> Bought:
        """Read the job of an entry; what cannot be read is followed all the same."""
        job = Job(entry.job_id or "")
        try:
            job = await jobs.get(self._client, job.id, until)
        except ScenarioError as fault:
            logger.info("Job %s could not be read: %s", job.id, fault)
        self.ledger.saw(job)
        cost = None if entry.units is None else entry.units / budget.MILLION
        return Bought(entry, job, joined=True, cost=cost)


def _job_of(answer: Mapping[str, Any]) -> Job:
    """Read the job of an acceptance. Raises `AnswerLost` if it names none."""
    job = read_job(answer.get("job"))
    if job is None:
        raise AnswerLost("Scenario accepted the request but named no job; it may be running.")
    return job
