"""Every generation that was meant to be paid for, in one table that all servers of a state folder share."""

import hashlib
import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from scenario_mcp.state import queries
from scenario_mcp.state.alive import Process
from scenario_mcp.state.entries import (
    ABSENT,
    ANSWERLESS,
    GONE,
    LOST,
    REFUSED,
    SENDING,
    Entry,
    Intent,
    entry_of,
)
from scenario_mcp.state.store import Store

DAY = 24 * 3600.0
KEPT_SECONDS = 90 * DAY
SLACK = 1.0  # seconds between the arrival of a call and what it is taken for
SENDING_AT_MOST = 2 * 3600.0  # seconds; no call has a longer deadline


class Begun(NamedTuple):
    """The entry of a generation, and whether it was written for this call rather than found there."""

    entry: Entry
    mine: bool


class Journal:
    """The generations of one account, project and API root (`scope`), shared by all servers of a state folder."""

    def __init__(
        self, store: Store, scope: str = "", process: Process | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.process = process or Process(None)
        self.clock = clock
        self.store = store
        self.account = hashlib.sha256(scope.encode()).hexdigest()[:32]  # the key itself is not written to disk
        self._pruned = -math.inf
        self.under_way: set[int] = set()  # entries that this server is sending

    def identity(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Digest what makes two calls the same: the account, the tool, and what was asked of it."""
        said = json.dumps([self.account, tool, arguments], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()

    # --- beginning

    def begin(
        self, intent: Intent, asked: float, is_twin: Callable[[Entry], bool], check: Callable[[int, int], None]
    ) -> Begun:
        """Write an intent before it is sent, or give the twin that makes it needless, in one transaction.

        `asked` is when its call was made. `check` is told what was spent within the last day, all accounts together,
        and how many open entries have no price, and raises to refuse. Raises that, and `StoreFault`.
        """
        now = self.clock()

        def work(database: sqlite3.Connection) -> Begun:
            self.process.live()
            if twin := _first(map(entry_of, database.execute(queries.TWINS, (self.account, intent.identity))), is_twin):
                return Begun(twin, mine=False)
            check(*_one(database.execute(queries.SPENT_SINCE, (now - DAY,))))
            [last] = _one(database.execute(queries.NEWEST))
            [[again]] = database.execute(queries.ASKED, (self.account, intent.identity))
            values = {
                # Never counted from one again: a request under way must not meet the entry of another in a new file.
                "id": max(last + 1, int(now * 1e6)),
                "account": self.account,
                "identity": intent.identity,
                "process": self.process.name,
                "state": SENDING,
                "tool": intent.tool,
                "route": intent.route,
                "model_id": (intent.model_id or "").encode("utf-8", "replace").decode(),
                "arguments": json.dumps(intent.arguments),
                "left_out": json.dumps(intent.left_out),
                "body": json.dumps(intent.body),
                "began": now,
                "api_began": intent.api_began,
                "asked": max(asked, again or 0.0),
                "price": intent.price,
            }
            row = database.execute(
                f"INSERT INTO generations ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
                tuple(values.values()),
            )
            return Begun(Entry(row.lastrowid or 0, self.process.name, SENDING, intent, now), mine=True)

        begun = self.store.transact(work, paying=True)
        if begun.mine:
            self.under_way.add(begun.entry.id)
        return begun

    def trying(self, entry_id: int, api_now: float | None) -> bool:
        """Note that an entry is sent now; False if another server gave it up meanwhile. Raises `StoreFault`.

        Once a day it drops what is old, on Scenario's clock too: what was spent today must outlive a wrong clock here.
        """
        sql = "UPDATE generations SET began = ?, api_began = ? WHERE id = ? AND state = 'sending'"
        values = (now := self.clock(), api_now, entry_id)

        def work(database: sqlite3.Connection) -> tuple[bool, int]:
            if api_now is not None and not 0 <= now - self._pruned < DAY:
                database.execute(queries.PRUNE, (min(now, api_now) - KEPT_SECONDS,))
                self._pruned = now
            mine = database.execute(sql, values).rowcount > 0
            return mine, _one(database.execute(queries.NEWEST))[0]

        mine, newest = self.store.transact(work)
        self.store.raise_mark(newest)
        return mine

    def twin(self, identity: str, is_twin: Callable[[Entry], bool]) -> Entry | None:
        """Find the newest entry of this identity that counts as a twin. Raises `StoreFault`."""
        return _first(self.store.read(queries.TWINS, (self.account, identity), entry_of), is_twin)

    # --- what becomes of it

    def accepted(
        self,
        entry_id: int,
        job_id: str,
        *,
        author: str | None,
        cost: int | None,
        found: bool = False,
        answer: Mapping[str, Any] | None = None,
    ) -> bool:
        """Note the job of an entry: from its own answer, or `found` by looking. False for a find of no use.

        A job belongs to one entry: an answer takes it from whoever only found it, a find takes it from nobody.
        """

        def work(database: sqlite3.Connection) -> bool:
            if not found:
                database.execute(
                    "UPDATE generations SET job_id = NULL, state = CASE state WHEN 'accepted' THEN 'unsure' ELSE"
                    " 'absent' END WHERE job_id = ? AND id <> ? AND found",
                    (job_id, entry_id),
                )
                if database.execute(
                    "SELECT 1 FROM generations WHERE job_id = ? AND id <> ?", (job_id, entry_id)
                ).fetchone():
                    # An answer that names the job of another answer: what it cost counts, and nobody joins it.
                    database.execute(
                        f"UPDATE generations SET state = '{GONE}', ended = ?, cost = {queries.LARGER} WHERE id = ?",  # noqa: S608
                        (self.clock(), cost, cost, entry_id),
                    )
                    return True
            said = (job_id, author, cost, found, json.dumps(answer or {}), entry_id)
            taken = database.execute(
                "UPDATE OR IGNORE generations SET state = 'accepted', job_id = ?, author = ?,"
                " cost = COALESCE(?, cost), found = ?, answer = ? WHERE id = ? AND state IN"
                " ('sending', 'lost', 'unsure')",
                said,
            ).rowcount
            if not taken and not found:  # it was given up, or its job was found; its answer came all the same
                database.execute(
                    "UPDATE generations SET state = CASE job_id WHEN ? THEN state ELSE 'late' END, job_id = ?,"
                    " author = ?, cost = COALESCE(?, cost), found = ?, answer = ? WHERE id = ? AND"
                    " (job_id IS NULL OR found)",
                    (job_id, *said),
                )
            return bool(taken)

        return self.store.transact(work)

    def refused(self, entry_id: int) -> None:
        """Note that nothing was accepted."""
        self._move(entry_id, REFUSED, (SENDING,))

    def lost(self, entry_id: int) -> None:
        """Note that the answer did not come."""
        self._move(entry_id, LOST, (SENDING,))

    def absent(self, entry_id: int) -> None:
        """Note that a lost entry counts as never accepted."""
        self._move(entry_id, ABSENT, ANSWERLESS)

    def looked(self, entry_id: int, api_now: float) -> None:
        """Note that a lost entry was looked for in vain, and when that was first."""
        self._write(
            "UPDATE generations SET state = 'unsure', api_first_look = COALESCE(api_first_look, ?)"
            " WHERE id = ? AND state IN ('lost', 'unsure')",
            (api_now, entry_id),
        )

    def ended(
        self, job_id: str, state: str, at: float, *, assets: Sequence[str], cost: int | None, refunded: bool
    ) -> None:
        """Note the end of a job, in Scenario's word for it; of one that is not in the journal, nothing."""
        self._write(
            "UPDATE generations SET state = ?, ended = COALESCE(ended, ?), assets = ?,"  # noqa: S608
            f" cost = {queries.LARGER}, refunded = ?"
            " WHERE job_id = ? AND NOT (state = 'success' AND ? <> 'success')",  # what was made was billed
            (state, at, json.dumps(assets), cost, cost, refunded, job_id, state),
        )

    def filed(self, job_id: str, files: Mapping[str, str]) -> None:
        """Note where the results of a job are saved, by asset id."""
        self._write("UPDATE generations SET files = ? WHERE job_id = ?", (json.dumps(files), job_id))

    def told(self, job_id: str, took: float) -> None:
        """Note that a call has answered with the outcome of a job, and the seconds that it took.

        Only if the same was not asked for again after that call was made: else its host had given up on it.
        """
        now = self.clock()
        self._write(
            "UPDATE generations SET told = ?, took = ? WHERE job_id = ? AND asked <= ?",
            (now, took, job_id, now - took + SLACK),
        )

    def joined(self, entry_id: int, asked: float) -> None:
        """Note that the same was asked for again, so that nobody may have heard an earlier answer."""
        self._write("UPDATE generations SET asked = ?, told = NULL, took = NULL WHERE id = ?", (asked, entry_id))

    def bury(self) -> None:
        """Note as lost what servers that have ended were sending."""
        for entry in self._entries("state = 'sending'"):
            if not self.is_being_sent(entry):
                self.lost(entry.id)

    def is_being_sent(self, entry: Entry) -> bool:
        """Tell whether the server that sends an entry still does."""
        if entry.process == self.process.name:
            return entry.id in self.under_way
        return self.process.lives(entry.process) and self.clock() - entry.began < SENDING_AT_MOST

    # --- reading

    def entry(self, entry_id: int) -> Entry:
        """Read an entry anew. Raises `StoreFault`, and `LookupError` if it is gone."""
        entries = self.store.read("SELECT * FROM generations WHERE id = ?", (entry_id,), entry_of)
        if not entries:
            raise LookupError(f"The journal has no entry {entry_id} any more")
        return entries[0]

    def of_job(self, job_id: str, *, own: bool = False) -> Entry | None:
        """Find the entry of a job, of whichever account or of this one's `own`. Raises `StoreFault`."""
        whose, values = ("AND account = ?", (job_id, self.account)) if own else ("", (job_id,))
        sql = f"SELECT * FROM generations WHERE job_id = ? {whose}"  # noqa: S608
        return _first(self.store.read(sql, values, entry_of))

    def open(self) -> list[Entry]:
        """List what is not settled, newest first. Raises `StoreFault`."""
        return self._entries(f"state IN ({queries.OPEN_STATES}, 'late')")

    def newest(
        self, limit: int, *, before: int | None = None, since: float = 0.0, states: Sequence[str] = ()
    ) -> list[Entry]:
        """List the newest entries that came to a job or may have: older than a given one, of some time and states."""
        wanted = f"state IN ({', '.join('?' * len(states))})" if states else f"state NOT IN ('{REFUSED}', '{ABSENT}')"
        return self._entries(f"id < ? AND began >= ? AND {wanted}", (before or 2**62, since, *states), limit)

    def author(self) -> str | None:
        """Tell who Scenario says made the jobs of this account's key."""
        known = self._entries("author IS NOT NULL AND NOT found", limit=1, column="author")
        return known[0] if known else None

    def spent(self) -> int:
        """Add up the last day's units, all accounts together. Raises `StoreFault`."""
        return _one(self.store.read(queries.SPENT_SINCE, (self.clock() - DAY,), tuple))[0]

    def _entries(self, where: str, values: Sequence[Any] = (), limit: int = 200, column: str = "") -> list[Any]:
        sql = f"SELECT {column or '*'} FROM generations WHERE account = ? AND {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        shape = (lambda row: row[0]) if column else entry_of
        return self.store.read(sql, (self.account, *values, limit), shape)

    def _move(self, entry_id: int, state: str, origins: Sequence[str]) -> None:
        self._write(
            f"UPDATE generations SET state = ? WHERE id = ? AND state IN ({', '.join('?' * len(origins))})",  # noqa: S608
            (state, entry_id, *origins),
        )

    def _write(self, sql: str, values: Sequence[Any]) -> None:
        self.store.transact(lambda database: database.execute(sql, values))


def _first(entries: Iterable[Entry], fits: Callable[[Entry], bool] = lambda _: True) -> Entry | None:
    return next(filter(fits, entries), None)


def _one(rows: Iterable[Sequence[int]]) -> tuple[int, ...]:
    [numbers] = rows
    return tuple(numbers)
