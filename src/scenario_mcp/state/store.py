"""The one file that survives a restart: opened when first used, migrated, set aside if broken, or done without."""

import logging
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE = "state.db"
PATIENCE = 2.0  # seconds for another server of the same person to finish a write

# One entry per version of the file; never changed, only added to.
MIGRATIONS = (
    """
    CREATE TABLE uploads (
        scope TEXT NOT NULL, sha256 TEXT NOT NULL, hide INTEGER NOT NULL, parent TEXT NOT NULL,
        asset_id TEXT NOT NULL, PRIMARY KEY (scope, sha256, hide, parent)
    ) WITHOUT ROWID
    """,
)

logger = logging.getLogger(__name__)


class Store:
    """A small SQLite database in `folder`, or in memory only if there is none or it cannot be used."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._database: sqlite3.Connection | None = None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and give its rows; a fault is logged and gives none, since no call must fail over it."""
        for last in (False, True):
            try:
                if self._database is None:
                    self._database = self._open()
                return self._database.execute(sql, values).fetchall()
            except sqlite3.Error as fault:
                logger.warning("The state could not be read or written (%s)", fault)
                if last or self._folder is None or not _is_broken(fault):
                    break
                self.close()
                _set_aside(self._folder / FILE)
        return []

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> sqlite3.Connection:
        if self._folder is None:
            return _opened(":memory:")
        path = self._folder / FILE
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                return _opened(path)
            except sqlite3.Error as fault:
                if not _is_broken(fault):
                    raise
                _set_aside(path)
                return _opened(path)
        except (OSError, sqlite3.Error) as fault:
            logger.warning("The state cannot be kept in %s (%s); it is forgotten at the end", self._folder, fault)
            return _opened(":memory:")


def _is_broken(fault: sqlite3.Error) -> bool:
    """Tell a broken file from one that is locked or may not be written."""
    return type(fault) is sqlite3.DatabaseError


def _set_aside(path: Path) -> None:
    aside = path.with_name(f"{FILE}.broken-{time.time_ns()}")
    try:
        path.replace(aside)
    except OSError as fault:
        logger.warning("The state file is broken and cannot be set aside: %s", fault)
        return
    for rest in ("-wal", "-shm"):
        path.with_name(FILE + rest).unlink(missing_ok=True)
    logger.warning("The state file was broken; it was set aside as %s", aside)


def _opened(path: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        _use_wal(database)
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")  # several servers may begin at once; one of them migrates
        [[version]] = database.execute("PRAGMA user_version")
        for number, statement in enumerate(MIGRATIONS[version:], version + 1):
            database.execute(statement)
            database.execute(f"PRAGMA user_version = {number}")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def _use_wal(database: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; while another server does so the file is locked, whatever the timeout."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
