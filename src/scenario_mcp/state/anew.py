"""Beginning a state file anew, which only a person does: what is there is set aside, what it still tells is kept."""

import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from scenario_mcp.state import folder as place
from scenario_mcp.state import schema
from scenario_mcp.state.entries import entry_of
from scenario_mcp.state.faults import DAMAGED, LINKED, StoreBroken, StoreBusy, Unreadable, broken, is_waiting
from scenario_mcp.state.folder import BESIDE, FILE, MARK
from scenario_mcp.state.store import PATIENCE


class Anew(NamedTuple):
    """What became of the old file: the names it has now, the generations kept of it, and how many there were.

    `held` is None if nobody can tell any more.
    """

    aside: tuple[Path, ...]
    kept: int
    held: int | None


def begin_anew(folder: Path | None) -> Anew | None:
    """Begin a new file with the generations that can still be read of the old one; None where there never was one.

    Nothing is deleted. Raises `StoreFault` while another server writes, or if something else is wrong than the file:
    then the old one is in its place, or none is, which is no first start.
    """
    if folder is None:
        return None
    path, draft = folder / FILE, folder / f"{FILE}.{secrets.token_hex(6)}.new"
    try:
        if not place.is_begun(folder):
            return None
        place.prepare(folder)
        if not os.path.lexists(folder / MARK):
            place.raise_mark(folder, 0)
        strange = tuple(_set_aside(path, [end for end in BESIDE if not _is_plain(f"{path}{end}")]))
        with closing(_opened(path)) as old, place.private(), closing(schema.connect(draft)) as new:
            schema.migrate(new)
            anew, newest = _keep(old, new), schema.newest(new)
            with suppress(StoreBroken):  # for a mark that is none, which a new one replaces
                if newest < (place.marked(folder) or 0):
                    anew = anew._replace(held=None)
            new.close()
            if os.name == "nt":
                old.close()  # Windows renames no open file
            # While no server can write to it, and the file first: without what belongs to it, it would be an older one.
            aside = strange + tuple(_set_aside(path, ("", *BESIDE)))
        place.lower_mark(folder, newest)
        draft.rename(path)
    except (sqlite3.Error, OSError) as fault:
        with suppress(OSError):
            draft.unlink()
        if is_waiting(fault):
            raise StoreBusy("Another server of this machine is writing the state file; try again.") from fault
        raise broken(fault, path) or fault from fault
    return anew._replace(aside=aside)


def _opened(path: Path) -> sqlite3.Connection:
    """Open the old file, and keep servers from writing to it; one that is gone or damaged is as good as empty."""
    try:
        if place.identity(path) is not None:
            database = schema.connect(path, PATIENCE)
            database.execute("BEGIN IMMEDIATE")
            return database
    except StoreBroken as fault:
        if fault.wrong is not LINKED:
            raise
    except sqlite3.Error as fault:
        known = broken(fault, path)
        if known is None or known.wrong is not DAMAGED:
            raise
    return schema.connect(":memory:")


def _keep(old: sqlite3.Connection, new: sqlite3.Connection) -> Anew:
    """Copy every generation that can be read, from both ends of what cannot."""
    theirs = {row["name"] for row in _rows(old, "PRAGMA table_info(generations)")}
    columns = [row["name"] for row in new.execute("PRAGMA table_info(generations)")]
    ours = [name for name in columns if name in theirs]
    if not ours:
        return Anew((), 0, None)
    put = f"INSERT OR IGNORE INTO generations ({', '.join(ours)}) VALUES ({', '.join('?' * len(ours))})"  # noqa: S608
    new.execute("BEGIN")
    for order in ("DESC", "ASC"):
        for row in _rows(old, f"SELECT {', '.join(ours)} FROM generations ORDER BY id {order}"):  # noqa: S608
            values = dict(zip(ours, row, strict=True))
            if _is_sound(dict.fromkeys(columns) | values):
                new.execute(put, tuple(values.values()))
    new.execute("COMMIT")
    [[kept]] = new.execute("SELECT COUNT(*) FROM generations")
    [held] = [row[0] for row in _rows(old, "SELECT COUNT(*) FROM generations")] or [None]
    return Anew((), kept, held)


def _is_sound(row: Any) -> bool:
    """Tell whether a row is one that a server may have written: what it cost must not make room under a cap."""
    try:
        entry = entry_of(row)
    except Unreadable:
        return False
    costs: tuple[Any, ...] = (entry.cost, entry.intent.price)
    return all(cost is None or (isinstance(cost, int) and cost >= 0) for cost in costs)


def _rows(database: sqlite3.Connection, sql: str) -> Iterator[sqlite3.Row]:
    """Give the rows of a query up to the first that cannot be read."""
    with suppress(sqlite3.DatabaseError):
        yield from database.execute(sql)


def _is_plain(path: str) -> bool:
    try:
        place.identity(path)
    except StoreBroken:
        return False
    return True


def _set_aside(path: Path, ends: Iterable[str]) -> Iterator[Path]:
    """Rename what stands at a path and at its longer names."""
    stamp = time.time_ns()
    for end in ends:
        if os.path.lexists(f"{path}{end}"):
            yield Path(f"{path}{end}").rename(f"{path}.aside-{stamp}{end}")
