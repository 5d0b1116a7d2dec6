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
    ) WITHOUT ROWID;
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
        try:
            if self._database is None:
                self._database = self._open()
            with self._database:
                return self._database.execute(sql, values).fetchall()
        except sqlite3.Error:
            logger.warning("The state could not be read or written", exc_info=True)
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
            except sqlite3.DatabaseError as fault:
                if isinstance(fault, sqlite3.OperationalError):  # locked or not writable, not broken
                    raise
                aside = path.with_name(f"{FILE}.broken-{time.time_ns()}")
                path.replace(aside)
                logger.warning("The state file was broken (%s); it was set aside as %s", fault, aside)
                return _opened(path)
        except (OSError, sqlite3.Error) as fault:
            logger.warning("The state cannot be kept in %s (%s); it is forgotten at the end", self._folder, fault)
            return _opened(":memory:")


def _opened(path: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        [[version]] = database.execute("PRAGMA user_version")
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            database.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
    except BaseException:
        database.close()
        raise
    return database
