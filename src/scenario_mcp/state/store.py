"""The one file that survives a restart: opened when first used, and believed while it is the same, whole and ours.

Whatever keeps it from being read and written is said, and refuses, until a person acts. Nothing is set aside, and
nothing is gone on with elsewhere: a memory that forgets would pay twice, and lift the cap of a day.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from scenario_mcp.state import folder as place
from scenario_mcp.state import schema
from scenario_mcp.state.faults import (
    BEHIND,
    DAMAGED,
    FULL,
    GONE,
    REPLACED,
    StoreBroken,
    StoreBusy,
    StoreFault,
    broken,
    is_waiting,
)
from scenario_mcp.state.folder import BESIDE, FILE, Identity
from scenario_mcp.state.migrations import MIGRATIONS

PATIENCE = 2.0  # seconds for another server of the same person to finish a write
HURRIED = 0.05  # the same, after one such wait was in vain

Done = TypeVar("Done")
Shape = TypeVar("Shape")
logger = logging.getLogger(__name__)

_let_go: list[sqlite3.Connection] = []  # of files that are elsewhere now; to close one would remove its successor's log


class Store:
    """A small SQLite database in `folder`, or in memory if there is none.

    Each use raises `StoreBusy` while another server holds the file, and `StoreBroken` while it cannot be used; it is
    tried again at the next, so that a file that was mended is gone on with.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._path = "" if folder is None else os.path.join(folder, FILE)
        self._database: sqlite3.Connection | None = None
        self._file: Identity | None = None  # the one that this server began with; it goes on with no other
        self._beside: tuple[Identity | None, ...] = ()  # what SQLite keeps beside it while it is open
        self._cookie = (0, 0)
        self._damaged = False
        self._fault: StoreBroken | None = None
        self._patience = PATIENCE

    def read(self, sql: str, values: Sequence[Any], shape: Callable[[sqlite3.Row], Shape]) -> list[Shape]:
        """Run one statement and give its rows, each in some shape. Raises `StoreFault`."""

        def query(database: sqlite3.Connection) -> list[Shape]:
            self._check_files()
            return [shape(row) for row in database.execute(sql, values)]

        return self._use(query)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run one statement and give its rows; a fault is logged and gives none, since no call must fail over it."""
        try:
            return self.read(sql, values, lambda row: row)
        except (StoreFault, sqlite3.Error) as fault:
            logger.warning("The state could not be read or written (%s)", fault)
            return []

    def transact(self, work: Callable[[sqlite3.Connection], Done], *, paying: bool = False) -> Done:
        """Do some work as one transaction that no other server can come between; `paying` looks twice before.

        What the work raises undoes it; an `OSError` counts as a fault of the folder. Raises `StoreFault`, with nothing
        done.
        """

        def transaction(database: sqlite3.Connection) -> Done:
            database.execute("BEGIN IMMEDIATE")
            try:
                self._check_files()  # within: whoever replaces the file on purpose holds this lock meanwhile
                if paying:
                    self._check_wholly(database)
                done = work(database)
                database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
            return done

        done = self._use(transaction)
        if self._patience != PATIENCE:
            self._hurry(PATIENCE)
        return done

    def raise_mark(self, number: int) -> None:
        """Note beside the file that it holds a generation of this number: an older file is known by that.

        Raises `StoreFault`.
        """
        if self._folder is not None:
            folder = self._folder
            self._use(lambda _: place.raise_mark(folder, number))

    def probe(self) -> None:
        """Write to the file, as whoever pays must be able to. Raises `StoreFault`."""
        self.transact(schema.touch, paying=True)
        self._fault = None  # only now: a transaction may have nothing to write

    def trouble(self) -> StoreBroken | None:
        """Tell what keeps the file from being written: if something did, it is tried anew."""
        if self._fault is not None:
            with suppress(StoreFault):
                self.probe()
        return self._fault

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._database is not None:
            if self._is_elsewhere():
                _let_go.append(self._database)
            else:
                self._database.close()
            self._database = None

    # --- using it

    def _use(self, work: Callable[[sqlite3.Connection], Done]) -> Done:
        """Do work on the open database, and say in words what keeps it from being done."""
        try:
            if self._database is None:
                self._database = self._open()
            return work(self._database)
        except StoreBroken as fault:
            raise self._noted(fault) from None
        except (sqlite3.Error, OSError) as fault:
            if is_waiting(fault):
                self._hurry(HURRIED)
                raise StoreBusy("Another server of this machine is writing the state file.") from fault
            if (known := broken(fault, Path(self._path)) or self._changed()) is None:
                raise
            if known.wrong is not FULL:  # then it can still be read, as it could not if it were opened anew
                self.close()
            raise self._noted(known) from fault

    def _noted(self, fault: StoreBroken) -> StoreBroken:
        if fault.wrong is DAMAGED and self._file is not None:
            self._damaged = True  # whatever else can be read of it
        self._fault = fault
        return fault

    def _hurry(self, patience: float) -> None:
        """Wait for others this long from now on: after one vain wait the calls of this server wait no more."""
        self._patience = patience
        if self._database is not None:
            self._database.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")

    # --- whether it is still the same

    def _check_files(self) -> None:
        """Hold the folder to be ours alone, and the files to be those that were opened. Raises `StoreBroken`."""
        if self._folder is None:
            return
        try:
            place.check(os.stat(self._folder), self._folder)
        except FileNotFoundError:
            raise StoreBroken(REPLACED, self._path) from None
        if place.identity(self._path) != self._file:
            raise StoreBroken(REPLACED, self._path)
        if self._damaged:
            raise StoreBroken(DAMAGED, self._path)

    def _check_wholly(self, database: sqlite3.Connection) -> None:
        """Hold the log to be the one that was opened too, and the tables to be ours if anybody changed them.

        Raises `StoreBroken`.
        """
        if self._folder is None:
            return
        if self._identities_beside() != self._beside:
            raise StoreBroken(REPLACED, self._path)
        if (cookie := schema.cookie(database)) != self._cookie:
            if (wrong := schema.wrong(database)) is not None:
                raise StoreBroken(wrong, self._path)
            self._cookie = cookie

    def _changed(self) -> StoreBroken | None:
        """Tell whether the tables were changed so that a statement of ours failed, which else only a bug explains."""
        if self._folder is None or self._database is None:
            return None
        wrong = schema.wrong(self._database)
        return wrong and StoreBroken(wrong, self._path)

    def _is_elsewhere(self) -> bool:
        try:
            return self._folder is not None and (self._file, self._beside) != (
                place.identity(self._path),
                self._identities_beside(),
            )
        except (StoreBroken, OSError):
            return True

    def _identities_beside(self) -> tuple[Identity | None, ...]:
        return tuple(place.identity(f"{self._path}{end}") for end in BESIDE[:2])

    # --- opening it

    def _open(self) -> sqlite3.Connection:
        if self._folder is None:
            database = schema.connect(":memory:")
            schema.migrate(database)
            return database
        place.prepare(self._folder)
        # Looked for before the file: whoever makes a file marks the folder after it.
        mark, file = place.marked(self._folder), place.identity(self._path)
        if self._file is not None and file != self._file:
            raise StoreBroken(REPLACED, self._path)
        if file is None and (mark is not None or place.set_aside(self._folder)):
            raise StoreBroken(GONE, self._path)
        for end in BESIDE:
            place.identity(f"{self._path}{end}")
        with place.private():
            database = schema.connect(self._path, self._patience)
        try:
            self._take_over(self._folder, database, mark)
        except BaseException:
            database.close()
            raise
        opened = place.identity(self._path)
        if file is not None and file != opened:  # another took its place meanwhile
            _let_go.append(database)
            raise StoreBroken(REPLACED, self._path)
        self._file, self._beside = opened, self._identities_beside()
        return database

    def _take_over(self, folder: Path, database: sqlite3.Connection, mark: int | None) -> None:
        """Believe a file once its tables are ours and it holds what the mark says; migrate it, and mark the folder."""
        database.execute("BEGIN")
        wrong, version = schema.wrong(database), schema.version_of(database)
        database.execute("COMMIT")
        if wrong is None and mark is not None and version == 0:
            wrong = BEHIND
        if wrong is not None:  # before anything is written
            raise StoreBroken(wrong, self._path)
        place.make_private(Path(self._path))
        schema.use_wal(database, self._patience)
        if version < len(MIGRATIONS):
            schema.migrate(database)
        newest = schema.newest(database)
        if newest < (mark or 0):
            raise StoreBroken(BEHIND, self._path)
        if mark is None:
            place.raise_mark(folder, newest)
        self._cookie = schema.cookie(database)
