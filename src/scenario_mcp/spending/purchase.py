"""The one way to send a paid request: at most once, within the caps, and never forgotten.

Scenario has no idempotency key. So each request is written into the journal before it is sent; an identical call joins
it; a lost answer is looked for among the project's jobs instead of being asked for again.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import anyio

from scenario_mcp.scenario import records
from scenario_mcp.scenario.answers import Answer, done, read_answer
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import (
    AnswerLost,
    JobBegun,
    NoFreeSlot,
    RateLimited,
    ScenarioError,
    StillSending,
)
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.scenario.wire import Call
from scenario_mcp.spending import budget, prices
from scenario_mcp.spending.budget import Caps
from scenario_mcp.spending.ledger import Ledger
from scenario_mcp.spending.recovery import answers_in_words
from scenario_mcp.spending.search import Searches
from scenario_mcp.spending.tries import Tries, job_of
from scenario_mcp.state.entries import ABSENT, ACCEPTED, ANSWERLESS, REFUSED, SENDING, Entry, Intent
from scenario_mcp.state.journal import Begun

FIRST_GLANCE, LONGEST_GLANCE = 0.05, 1.0  # seconds between looks at what another call is sending
FIRST_LOOK, LONGEST_LOOK = 1.0, 16.0  # seconds between looks for a lost answer
SECONDS_FOR_RESULTS = 5.0  # kept free before the deadline of a call that looks or joins, to answer
FORGETFUL = "Keep the job id: this call may not be remembered."

Tell = Callable[[str], Awaitable[None]]

SETTLE_SECONDS = 3.0  # that a paid request under way gets to be answered when the process ends

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bought:
    """A generation that Scenario accepted: its entry, its job as last seen, and whether another call paid for it.

    `cost` and `discount` are in Creative Units where they are known; `answer` is what was answered besides the job.
    """

    entry: Entry
    job: Job
    joined: bool = False
    cost: float | None = None
    discount: float | None = None
    answer: Answer = field(default_factory=dict, repr=False)


class Purchases:
    """Buys generations, each of them once, however often and from however many servers it is asked for."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger | None = None,
        caps: Caps | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        self.ledger = ledger or Ledger(client)
        self._client = client
        self.caps = caps or Caps()
        self._remarks = [f"Ignored {each}" for each in remarks]  # to be told once
        self._searches = Searches(client, self.ledger)
        self._begun: str | None = None  # the job that a question for a price has begun
        self._tries = Tries(client, self.ledger, self._searches.begin)

    async def buy(
        self, intent: Intent, call: Call, deadline: Deadline, tell: Tell, asked: float | None = None
    ) -> Bought:
        """Send a paid request, or join its twin.

        `tell` hears what is waited for; `asked` is when the call was made, on this machine's clock.

        Raises `AnswerLost` when it may have been accepted, `StillSending` when its answer is awaited, and other
        `ScenarioError`s, like `BadSettings` and `JournalBroken`, when it certainly was not accepted.
        """
        self.check()
        asked = self.ledger.journal.clock() if asked is None else asked
        price = await self._price(call, deadline) if self.caps.any else None
        while True:
            entry, mine = self._begin(replace(intent, price=price), asked)
            bought = await (
                self._send(entry, call, deadline, tell) if mine else self.join(entry, asked, deadline, tell)
            )
            if bought is not None:
                return bought

    async def join(self, entry: Entry, asked: float, deadline: Deadline, tell: Tell) -> Bought | None:
        """Share what becomes of an entry; None if nothing was accepted, so that the call may be made anew.

        `asked` is when the call that joins was made.

        Raises `AnswerLost` and `StillSending`, and `JournalBusy` and `JournalBroken` if it cannot be written that the
        server which sent it has ended.
        """
        until = deadline.sooner(SECONDS_FOR_RESULTS)
        pause = FIRST_GLANCE
        self.ledger.note(lambda journal: journal.joined(entry.id, asked))
        while True:
            entry = self.ledger.anew(entry)
            if entry.state in (REFUSED, ABSENT):
                return None
            if entry.state in ANSWERLESS:
                await self._seek(entry, until, tell, pause=0.0)
            elif entry.state != SENDING:
                return await self._joined(entry, until)
            elif self.ledger.bury(entry):
                continue
            elif pause >= until.remaining():
                raise StillSending("The same generation is being sent by another call, and not answered yet.")
            else:
                await tell("the same generation is being sent by another call")
                await anyio.sleep(pause)
                pause = min(LONGEST_GLANCE, 2 * pause)

    def check(self) -> None:
        """Refuse while nothing may be paid at all, before anything is done for it. Raises `BadSettings`."""
        budget.check_settings(self.caps)

    def now(self) -> float:
        """Tell the time on this machine's clock, as the journal has it."""
        return self.ledger.journal.clock()

    def awaken(self) -> None:
        """Begin to settle what earlier servers left open; called at each tool call, it works at the first."""
        self._searches.awaken()

    def remarks(self) -> list[str]:
        """Say what a person must know: of the day's cap, of what the journal cannot remember, and once of settings."""
        trouble = self.ledger.trouble()
        settings, self._remarks = self._remarks, []
        said = [trouble and f"{FORGETFUL} {trouble}"]
        if self.caps.per_day is not None:
            spent = self.ledger.spent()
            said.append(None if spent is None else budget.left(self.caps, spent))
        return [*(each for each in said if each), *settings]

    async def look_after(self, deadline: Deadline) -> None:
        """Learn what became of everything that is open, as far as one look tells by the deadline."""
        await self._searches.settle_once(deadline)

    async def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """End: begin no more, give the requests under way so many seconds, and note as lost what is unanswered."""
        self._searches.stop()
        await self._tries.end(seconds)
        self.ledger.close()

    # --- before it is sent

    async def _price(self, call: Call, deadline: Deadline) -> int:
        if self._begun is not None:
            raise JobBegun(self._begun)
        try:
            return await prices.ask(self._client, call, self.caps, deadline)
        except JobBegun as begun:
            self._begun = begun.job_id
            raise

    def _begin(self, intent: Intent, asked: float) -> Begun:
        def check(spent: int, unpriced: int) -> None:
            budget.check_unpriced(self.caps, unpriced)
            budget.check_day(self.caps, intent.price, spent)

        self._tries.check()
        return self.ledger.begin(intent, asked, check)

    # --- sending

    async def _send(self, entry: Entry, call: Call, deadline: Deadline, tell: Tell) -> Bought | None:
        """Send until it is accepted; None if its answer was lost and it turned out that nothing was accepted."""

        async def on_pause(failure: ScenarioError, seconds: float) -> None:
            waits = isinstance(failure, RateLimited)
            slot = "waiting for a free slot" if isinstance(failure, NoFreeSlot) else "Scenario asks to wait"
            what = slot if waits else "no connection yet"
            await tell(f"{what}, next try in {seconds:.0f} s")

        try:
            answer = await self._client.send(
                call, deadline, attempt=partial(self._tries.send, entry, deadline), on_pause=on_pause
            )
        except AnswerLost as failure:
            if self._tries.has(entry):
                raise StillSending("The request was sent and Scenario has not answered yet.") from failure
            self.ledger.journal.under_way.discard(entry.id)
            return await self._found(entry, failure, deadline, tell)
        except (ScenarioError, asyncio.CancelledError):
            if not self._tries.has(entry):
                self._tries.refused(entry)
            raise
        except BaseException:  # a bug, which says nothing of what was accepted
            self.ledger.journal.under_way.discard(entry.id)
            raise
        self.ledger.journal.under_way.discard(entry.id)
        cost, discount = answer.get("creativeUnitsCost"), answer.get("creativeUnitsDiscount")
        return Bought(
            entry,
            done(job_of(answer), said := read_answer(answer, words=answers_in_words(entry.intent.route))),
            cost=records.number(cost),
            discount=records.number(discount),
            answer=said,
        )

    # --- a lost answer, and another call's entry

    async def _found(self, entry: Entry, failure: AnswerLost, deadline: Deadline, tell: Tell) -> Bought | None:
        until = deadline.sooner(SECONDS_FOR_RESULTS)
        try:
            await self._seek(entry, until, tell, pause=FIRST_LOOK, failure=failure)
        except BaseException:
            self._searches.begin()
            raise
        entry = self.ledger.anew(entry)
        bought = await self._read(entry, until) if entry.job_id else None
        return None if bought is None else replace(bought, joined=False)

    async def _seek(
        self, entry: Entry, until: Deadline, tell: Tell, *, pause: float, failure: AnswerLost | None = None
    ) -> None:
        """Look for a lost answer until its entry is settled. Raises `AnswerLost` when it is not by then."""
        step = 2 * pause or FIRST_LOOK
        while pause < until.remaining():
            await tell("the answer was lost on the way, looking for the job")
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

    async def _read(self, entry: Entry, until: Deadline) -> Bought | None:
        job = done(Job(entry.job_id or ""), entry.answer)
        if not job.ended:
            read = await self._searches.read(entry, until)
            if read is None:
                return None
            job = read
        return Bought(entry, job, joined=True, cost=budget.units(entry.units), answer=entry.answer)
