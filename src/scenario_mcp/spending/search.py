"""Searches for lost answers: by the call that lost one, by its repeat, and in the background."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import replace

import anyio

from scenario_mcp.masking import masked
from scenario_mcp.scenario import jobs
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import (
    AnswerLost,
    CannotLook,
    Forbidden,
    NotConfigured,
    NotFound,
    Retired,
    ScenarioError,
    SeveralFound,
    Unauthorized,
)
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.spending import budget, kept, recovery
from scenario_mcp.spending.ledger import Ledger
from scenario_mcp.spending.recovery import Seen, Sought
from scenario_mcp.state import leases
from scenario_mcp.state.entries import ANSWERLESS, Entry
from scenario_mcp.state.faults import StoreFault

# A request counts as never accepted when it is that old, and two looks that far apart found nothing.
OLD_ENOUGH, APART = 60.0, 10.0
BEFORE, AFTER = 5.0, 180.0  # seconds around a request in which its job was made
UNSURE_BY = 26 * 3600.0  # the same, where only this machine's clock was known, which may have been set since
SURELY_KNOWN = 600.0  # seconds after which a job that Scenario does not know is gone, rather than not listed yet
HIDING = "newer jobs, or jobs that cannot be read or dated,"
HIDDEN = (
    "It may be running and billed. The same call is not sent again. Use list-jobs with everything: true to find it,"
    " or change an argument, like seed, for a new one."
)
LOOK_SECONDS = 20.0
ROUND, ROUNDS = 11.0, 12  # pause in seconds, and number, of the looks in the background
LEASE = "settle"
MOST_LOOKED_FOR = 20  # jobs that one round looks for, and whose end it reads
FORBIDS = (Forbidden, Unauthorized, NotConfigured, NotFound, Retired)  # answers that say that nobody may look

logger = logging.getLogger(__name__)


class Searches:
    """Looks for the jobs of answers that were lost."""

    def __init__(self, client: Client, ledger: Ledger) -> None:
        self._client = client
        self._ledger = ledger
        self._awake = False
        self._task: asyncio.Task[None] | None = None
        self._first_looks: dict[int, float] = {}  # by entry, on the event loop's clock

    async def look(self, entry: Entry, until: Deadline) -> bool:
        """Look once for the job of a lost answer; tell whether its entry is settled now, one way or the other.

        Raises `SeveralFound` and `CannotLook`.
        """
        entry = self._ledger.anew(entry)
        if entry.state not in ANSWERLESS:
            return True
        try:
            if self._client.clock.now() is None:  # its replies tell the time that the search goes by
                await jobs.page(self._client, until.or_within(LOOK_SECONDS), size=1)
            seen = await recovery.look(self._client, self._sought(entry), until.or_within(LOOK_SECONDS))
        except FORBIDS as refusal:
            raise CannotLook(
                f"The answer to a paid request was lost, and jobs cannot be listed: {refusal}"
            ) from refusal
        except ScenarioError as fault:
            logger.info("Jobs could not be listed: %s", fault)
            return False
        try:
            seen = await self._told_apart(entry, seen, until.or_within(LOOK_SECONDS))
            return self._settled_by(entry, seen)
        except StoreFault as fault:
            logger.info("What other calls own could not be read, or not be written: %s", fault)
            return False

    async def _told_apart(self, entry: Entry, seen: Seen, until: Deadline) -> Seen:
        """Leave of several jobs the only one with the words that were sent, where records name assets for them.

        All of them stay where it is not one alone: they may be the one all the same.
        """
        free = self._free(entry, seen.candidates)
        if len(free) < 2:
            return seen
        sought = self._sought(entry)
        spelt = await kept.in_words(self._client, sought.intent.body, free, until)
        own = [job for job in spelt if sought.is_answered_by(job)]
        return replace(seen, candidates=tuple(own), passed=tuple(spelt)) if len(own) == 1 else seen

    def _settled_by(self, entry: Entry, seen: Seen) -> bool:
        """Tell whether what was seen settles an entry. Raises `StoreFault`: what was not written is not settled."""
        free = self._free(entry, seen.candidates)
        if len(free) > 1:
            ids = ", ".join(job.id for job in free[:10])
            raise SeveralFound(f"The answer to a paid request was lost, and {len(free)} jobs may be its own: {ids}.")
        if free:
            return self._claim(entry, free[0])
        if not seen.whole or self._free(entry, (*seen.near, *seen.passed)):
            raise CannotLook(f"The answer to a paid request was lost, and {HIDING} hide its own.", HIDDEN)
        return self._counts_as_absent(entry)

    def _free(self, entry: Entry, found: Sequence[Job]) -> list[Job]:
        """Leave out the jobs of other entries."""
        owners = [(job, self._ledger.journal.of_job(job.id)) for job in found]
        return [job for job, owner in owners if owner is None or owner.id == entry.id]

    def awaken(self) -> None:
        """Look after what earlier servers left open, once, if they left anything."""
        if self._awake:
            return
        try:
            left_open = self._ledger.journal.open()
        except StoreFault:
            return  # the next call tries again
        self._awake = True
        if left_open:
            self.begin()

    def begin(self) -> None:
        """Look for lost answers in the background, if there are any and nobody does yet."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._settle())

    def stop(self) -> None:
        """Look no more."""
        self._awake = True
        if self._task is not None:
            self._task.cancel()

    async def settle_once(self, deadline: Deadline) -> bool:
        """Learn what became of everything that is open, as far as one look tells; True if another may tell more."""
        journal, more = self._ledger.journal, False
        self._ledger.bury_all()
        for entry in [entry for entry in journal.open() if entry.state in ANSWERLESS][:MOST_LOOKED_FOR]:
            try:
                more = not await self.look(entry, deadline) or more
            except AnswerLost as failure:
                logger.warning("%s %s", failure, failure.hint)
        for entry in [entry for entry in journal.open() if entry.job_id is not None][:MOST_LOOKED_FOR]:
            await self.read(entry, deadline.or_within(LOOK_SECONDS))
        return more

    async def read(self, entry: Entry, deadline: Deadline) -> Job | None:
        """Read the job of an entry, and note its end; one that cannot be read now is given by its id alone.

        None for one that Scenario does not know any more.
        """
        job = Job(entry.job_id or "")
        try:
            job = await jobs.get(self._client, job.id, deadline)
        except NotFound as refusal:
            names_it = re.search(r"\bjob", refusal.reason, re.IGNORECASE)  # else a gateway may not know the route
            if names_it and self._ledger.journal.clock() - entry.began > SURELY_KNOWN:
                self._ledger.gone(entry)
                return None
        except ScenarioError as fault:
            logger.info("Job %s could not be read: %s", job.id, fault)
        self._ledger.saw(job)
        return job

    async def _settle(self) -> None:
        try:
            for _ in range(ROUNDS):
                if not leases.take(self._ledger.journal, LEASE, 3 * (ROUND + LOOK_SECONDS)):
                    return
                if not await self.settle_once(Deadline.after(LOOK_SECONDS * 3)):
                    return
                await anyio.sleep(ROUND)
        except StoreFault as fault:
            logger.info("Another server or the next call settles what is open: %s", fault)
        except Exception:  # nobody waits for this task, so nobody else would hear of it
            logger.exception("Unexpected error while looking for lost answers")

    def _claim(self, entry: Entry, job: Job) -> bool:
        """Take the one job that may be an entry's own, unless another lost request may claim it as well."""
        journal = self._ledger.journal
        rivals = [
            other
            for other in journal.open()
            if other.id != entry.id and other.job_id is None and self._sought(other).is_answered_by(job)
        ]
        if any(other.state in ANSWERLESS for other in rivals):
            raise SeveralFound(
                f"The answers to two paid requests were lost, and the job {job.id} may be of the one or the other."
            )
        if rivals:
            return False
        cost = budget.known(job.cost)
        journal.accepted(entry.id, job.id, author=job.author, cost=cost, found=True)
        return self._ledger.anew(entry).state not in ANSWERLESS

    def _counts_as_absent(self, entry: Entry) -> bool:
        journal, api_now, first = self._ledger.journal, self._client.clock.now(), entry.api_first_look
        if api_now is None:
            return False
        now = anyio.current_time()
        waited = max(self._ledger.journal.clock() - entry.began, now - self._first_looks.setdefault(entry.id, now))
        began = entry.intent.api_began
        old_enough = api_now - (first if began is None else began) >= OLD_ENOUGH if first is not None else False
        # Scenario's clock is known from headers, which a cache may have kept: our own must agree that time has passed.
        if first is not None and old_enough and waited >= OLD_ENOUGH and api_now - first >= APART:
            journal.absent(entry.id)
            return True
        journal.looked(entry.id, api_now)
        return False

    def _sought(self, entry: Entry) -> Sought:
        """Say when the job of an entry was made: by Scenario's clock, or roughly where that was not known then."""
        intent = replace(entry.intent, body=masked(dict(entry.intent.body), self._client.mask))  # as replies are
        began, author = entry.intent.api_began, self._ledger.journal.author()
        if began is not None:
            return Sought(intent, began - BEFORE, began + AFTER, author)
        journal, api_now = self._ledger.journal, self._client.clock.now()
        began = entry.began if api_now is None else api_now - (journal.clock() - entry.began)
        return Sought(intent, began - UNSURE_BY, began + UNSURE_BY, author)
