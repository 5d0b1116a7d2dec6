"""Beginning a state file anew, which only a person does: what is there is set aside, what it still tells is kept."""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from scenario_mcp.state import folder as place
from scenario_mcp.state import locks, schema
from scenario_mcp.state.entries import entry_of
from scenario_mcp.state.faults import DAMAGED, LINKED, StoreBroken, StoreBusy, Unreadable, broken, is_waiting
from scenario_mcp.state.folder import ASIDE, BESIDE, FILE, MARK
from scenario_mcp.state.store import PATIENCE

LOCK = "server-begin-anew.lock"


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
    then the old one is in its place, or none is, which is no first start. One that is cut short is made good by the
    next, which finds the old file where it was or puts it back.
    """
    if folder is None:
        return None
    path = folder / FILE
    try:
        if not place.is_begun(folder):
            return None
        place.prepare(folder)
        with locks.alone(folder / LOCK) as is_alone:
            if not is_alone:
                raise StoreBusy("The state file is just being begun anew; try again.")
            is_newest = _recover(path)
            try:
                anew = _replace(folder, path)
            finally:
                if os.path.lexists(path):  # else a draft tells the next one which file was set aside last
                    _clear(folder)
    except (sqlite3.Error, OSError) as fault:
        if is_waiting(fault):
            raise StoreBusy("Another server of this machine is writing the state file; try again.") from fault
        raise broken(fault, path) or fault from fault
    return anew if is_newest else anew._replace(held=None)


def _replace(folder: Path, path: Path) -> Anew:
    """Put a new file in the place of the old one, with a single step in which the new one begins to count.

    Before it, everything is undone by a fault; a kill leaves the old file, or none. After it there only is a mark that
    may still be too high, so that the new file is refused.
    """
    stamp = time.time_ns()
    mark, draft = folder / MARK, _draft(path, stamp)
    with ExitStack() as undo:
        aside = _set_aside(path, [end for end in BESIDE if not _is_plain(f"{path}{end}")], stamp - 1, undo)
        with closing(_opened(path)) as old:
            with place.private(), closing(schema.connect(draft)) as new:
                schema.migrate(new)
                anew, newest = _keep(old, new), schema.newest(new)
            is_strange, marked = not _is_plain(f"{mark}"), 0
            if not is_strange:
                marked = place.marked(folder) or 0
                place.raise_mark(folder, max(marked, newest))
            new_mark = place.draft_mark(folder, newest)
            if os.name == "nt":
                old.close()  # Windows renames no open file
            # While no server can write to it, and the file first: without what belongs to it, it would be an older one.
            aside += _set_aside(path, ("", *BESIDE), stamp, undo)
            aside += _set_aside(mark, [""] if is_strange else [], stamp, undo)
        draft.rename(path)  # once the old one is closed, which removes a log by its name
        undo.pop_all()
    if is_strange or marked > newest:
        new_mark.replace(mark)
    return anew._replace(aside=aside, held=None if marked > newest else anew.held)


def _recover(path: Path) -> bool:
    """Put back the file that was set aside last, where none is in its place; False if there was a newer one."""
    files = [] if os.path.lexists(path) else place.set_aside(path.parent)
    if not files:
        return True
    was_cut_short = os.path.lexists(_draft(path, int(files[-1].suffix.removeprefix(ASIDE))))
    if not was_cut_short:  # then what is left beside the path belongs to the newer one
        _set_aside(path, BESIDE, time.time_ns())
    for end in ("", *BESIDE)[::-1]:
        _put_back(f"{files[-1]}{end}", f"{path}{end}")
    return was_cut_short


def _clear(folder: Path) -> None:
    """Remove the drafts of this beginning, and of earlier ones that were cut short."""
    for draft in (*folder.glob(f"{FILE}.*.new*"), *folder.glob(f"{MARK}.*.new")):
        with suppress(OSError):
            draft.unlink()


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


def _set_aside(path: Path, ends: Iterable[str], stamp: int, undo: ExitStack | None = None) -> tuple[Path, ...]:
    """Rename what stands at a path and at its longer names, and let that be undone."""
    found = [end for end in ends if os.path.lexists(f"{path}{end}")]
    for end in found:
        aside = f"{path}{ASIDE}{stamp}{end}"
        os.rename(f"{path}{end}", aside)
        if undo is not None:
            undo.callback(_put_back, aside, f"{path}{end}")
    return tuple(Path(f"{path}{ASIDE}{stamp}{end}") for end in found)


def _put_back(aside: str, name: str) -> None:
    if os.path.lexists(aside) and not os.path.lexists(name):
        os.rename(aside, name)


def _draft(path: Path, stamp: int) -> Path:
    """Name the new file so that one which is left tells what its beginning set aside."""
    return path.with_name(f"{path.name}.{stamp}.new")
