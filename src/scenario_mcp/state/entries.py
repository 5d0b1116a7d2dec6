"""What the journal remembers of a generation, from before it is sent to what became of it.

States of an entry: `sending`, then `refused` (nothing was accepted), `accepted` (a job runs), or `lost` (the answer
did not come); a lost one that was looked for in vain is `unsure`, and `absent` once it counts as never accepted.
An accepted one ends in Scenario's own words: success, failure, canceled; or it is `gone`, when Scenario knows the job
no more. `late` is an answer that came after all.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scenario_mcp.state.faults import Unreadable

SENDING, ACCEPTED, REFUSED, LOST, UNSURE, ABSENT, LATE, GONE = (
    *("sending", "accepted", "refused", "lost", "unsure", "absent", "late", "gone"),
)
OPEN = (SENDING, ACCEPTED, LOST, UNSURE)
ANSWERLESS = (LOST, UNSURE)


@dataclass(frozen=True)
class Intent:
    """A generation that is about to be sent.

    `identity` is the digest that an identical call has too; `arguments` the caller's, and `body` the request's, both
    without data URLs; `left_out` are the paths of the arguments that held some. `price` is in millionths of a Creative
    Unit, `api_began` in seconds since the epoch on Scenario's clock, each if it is known.
    """

    identity: str
    tool: str
    route: str
    model_id: str | None
    arguments: Mapping[str, Any]
    left_out: tuple[tuple[str, ...], ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    price: int | None = None
    api_began: float | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the journal, as last read; times and units as in `Intent`, or of this machine's clock.

    `answer` is what the API answered besides the job: words, numbers.
    """

    id: int
    process: str
    state: str
    intent: Intent
    began: float
    cost: int | None = None
    job_id: str | None = None
    found: bool = False
    api_first_look: float | None = None
    ended: float | None = None
    refunded: bool = False
    assets: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    told: float | None = None
    took: float | None = None
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def units(self) -> int | None:
        """What it costs, or what it was said to, in millionths of a Creative Unit."""
        return self.intent.price if self.cost is None else self.cost


def entry_of(row: sqlite3.Row) -> Entry:
    """Read an entry from its row. Raises `Unreadable` for one that no server wrote."""
    try:
        return _entry_of(row)
    except (ValueError, TypeError, RecursionError) as fault:
        raise Unreadable(f"Row {row['id']} cannot be read") from fault


def _entry_of(row: sqlite3.Row) -> Entry:
    return Entry(
        id=row["id"],
        process=row["process"],
        state=row["state"],
        intent=Intent(
            identity=row["identity"],
            tool=row["tool"],
            route=row["route"],
            model_id=row["model_id"] or None,
            arguments=json.loads(row["arguments"]),
            left_out=tuple(map(tuple, json.loads(row["left_out"]))),
            body=json.loads(row["body"]),
            price=row["price"],
            api_began=row["api_began"],
        ),
        began=row["began"],
        cost=row["cost"],
        job_id=row["job_id"],
        found=bool(row["found"]),
        api_first_look=row["api_first_look"],
        ended=row["ended"],
        refunded=bool(row["refunded"]),
        assets=tuple(json.loads(row["assets"] or "[]")),
        files=json.loads(row["files"] or "{}"),
        told=row["told"],
        took=row["took"],
        answer=json.loads(row["answer"] or "{}"),
    )
