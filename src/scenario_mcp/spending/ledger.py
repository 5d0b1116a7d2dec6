"""The journal as spending uses it: with Scenario's times and words, and without faults that would stop a call."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import anyio

from scenario_mcp.scenario import jobs, records
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.errors import JournalBroken, JournalBusy
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.spending import budget, twins
from scenario_mcp.state.entries import GONE, Entry, Intent
from scenario_mcp.state.faults import StoreBroken, StoreBusy, StoreFault
from scenario_mcp.state.journal import Begun, Journal
from scenario_mcp.state.store import Store

INSISTENCE = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # seconds between tries to write what must not be lost

logger = logging.getLogger(__name__)


@contextmanager
def refusing() -> Iterator[None]:
    """Refuse a call for a fault of the journal. Raises `JournalBusy` and `JournalBroken`."""
    try:
        yield
    except StoreBusy as busy:
        raise JournalBusy(str(busy)) from busy
    except StoreBroken as fault:
        raise JournalBroken(str(fault), f"{JournalBroken.unpaid} {fault.mend}") from fault


class Ledger:
    """What one server has bought and may still buy, over the journal that it shares with others."""

    def __init__(self, client: Client, journal: Journal | None = None) -> None:
        self.journal = journal or Journal(Store(None), client.scope)
        self._client = client

    def begin(self, intent: Intent, asked: float, check: Callable[[int, int], None]) -> Begun:
        """Write an intent unless it has a twin (`Journal.begin`); `asked` is when its call was made.

        Raises `JournalBusy` and `JournalBroken`.
        """
        with refusing():
            return self.journal.begin(intent, asked, partial(self.is_twin, asked=asked), check)

    def twin(self, identity: str, asked: float) -> Entry | None:
        """Find what a call of this identity would join; none while the journal is busy, since sending asks again.

        Raises `JournalBroken`.
        """
        try:
            with refusing():
                return self.journal.twin(identity, partial(self.is_twin, asked=asked))
        except JournalBusy:
            return None

    def is_twin(self, entry: Entry, asked: float) -> bool:
        """Tell whether an identical call joins an entry now."""
        return twins.is_twin(entry, self.journal.clock(), asked)

    def anew(self, entry: Entry) -> Entry:
        """Read an entry again; as it was, if it cannot be read now."""
        try:
            return self.journal.entry(entry.id)
        except (StoreFault, LookupError):
            return entry

    def of_job(self, job_id: str) -> Entry | None:
        """Find the entry of a job; none while the journal cannot be read."""
        try:
            return self.journal.of_job(job_id)
        except StoreFault:
            return None

    def own(self, job_id: str) -> Entry | None:
        """Find the entry of a job of this account; none while the journal cannot be read."""
        try:
            return self.journal.of_job(job_id, own=True)
        except StoreFault:
            return None

    def bury(self, entry: Entry) -> bool:
        """Note an entry as lost if the server that was sending it has ended; tell whether it has.

        Raises `JournalBusy` and `JournalBroken`.
        """
        if self.journal.is_being_sent(entry):
            return False
        with refusing():
            self.journal.lost(entry.id)
        return True

    def saw(self, job: Job) -> None:
        """Note how a job ended, if it did; jobs that are not in the journal are passed over."""
        if job.ended:
            self.note(
                lambda journal: journal.ended(
                    job.id,
                    job.status,
                    self._ended_at(job),
                    assets=job.asset_ids,
                    cost=budget.known(job.cost),
                    refunded=job.status == jobs.FAILURE and job.refundable,
                )
            )

    def gone(self, entry: Entry) -> None:
        """Note that Scenario does not know the job of an entry any more."""
        at = self.journal.clock()
        self.note(lambda journal: journal.ended(entry.job_id or "", GONE, at, assets=(), cost=None, refunded=False))

    def bury_all(self) -> None:
        """Note as lost what servers that have ended were sending."""
        self.note(Journal.bury)

    def filed(self, job: Job, files: Mapping[str, Path]) -> None:
        """Note where the results of a job are saved, by asset id."""
        if files:
            self.note(lambda journal: journal.filed(job.id, {asset_id: str(path) for asset_id, path in files.items()}))

    def spent(self) -> int | None:
        """Add up what was spent within 24 hours, in millionths of a Creative Unit; None if it cannot be read now."""
        try:
            return self.journal.spent()
        except StoreFault as fault:
            logger.info("What was spent could not be read: %s", fault)
            return None

    def trouble(self) -> str | None:
        """Say what keeps the journal from being written, and what mends it, if anything does."""
        fault = self.journal.store.trouble()
        return None if fault is None else f"{fault} Nothing more is paid for meanwhile. {fault.mend}"

    def told(self, job_id: str, took: float) -> None:
        """Note that a call has answered with the outcome of a job, and the seconds that it took."""
        self.note(lambda journal: journal.told(job_id, took))

    def note(self, write: Callable[[Journal], object]) -> None:
        """Write down what can be learned again; a fault is logged."""
        try:
            write(self.journal)
        except StoreFault as fault:
            logger.warning("The journal misses a note: %s", fault)

    async def insist(self, write: Callable[[], object]) -> None:
        """Write down what must not be lost, as often as it takes while another server holds the journal.

        A journal that is broken is not waited for: a person mends it, and a call has its job's id to tell.
        """
        reason: StoreFault | None = None
        for pause in INSISTENCE:
            try:
                write()
            except StoreBusy as busy:
                reason = busy
                await anyio.sleep(pause)
            except StoreBroken as fault:
                reason = fault
                break
            else:
                return
        logger.error("The journal could not be written (%s): a later call looks for the job of a paid request", reason)

    def close(self) -> None:
        """Tell the other servers that this one ends."""
        self.journal.process.die()

    def _ended_at(self, job: Job) -> float:
        """Tell when a job ended, on this machine's clock."""
        now, api_now, ended = self.journal.clock(), self._client.clock.now(), records.moment(job.updated)
        return now if api_now is None or ended is None else now - max(0.0, api_now - ended)
