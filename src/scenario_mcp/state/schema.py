"""A state file as SQLite opens it: nothing in it is believed before its tables are those that we make."""

import sqlite3
import time
from contextlib import closing
from functools import cache
from pathlib import Path

from scenario_mcp.state.faults import FOREIGN, NEWER, Wrong, is_waiting
from scenario_mcp.state.migrations import MIGRATIONS

# A planted file must run nothing of its own: what its schema says is data, and damage is found before it spreads.
_HARDENED = ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = NORMAL")


def connect(path: Path | str, patience: float = 0.0) -> sqlite3.Connection:
    """Open a file, or make it; others are waited for so many seconds. Raises `sqlite3.Error`."""
    database = sqlite3.connect(path, timeout=patience, isolation_level=None)
    try:
        database.row_factory = sqlite3.Row
        for setting in _HARDENED:
            database.execute(f"PRAGMA {setting}")
    except BaseException:
        database.close()
        raise
    return database


def wrong(database: sqlite3.Connection) -> Wrong | None:
    """Say what is wrong with the tables of a file, if anything is; asked within a transaction."""
    version = version_of(database)
    if version > len(MIGRATIONS):
        return NEWER
    return FOREIGN if version < 0 or _objects(database) != _own_objects(version) else None


def migrate(database: sqlite3.Connection) -> None:
    """Bring an own file up to date; several servers may begin at once, and one of them migrates."""
    database.execute("BEGIN IMMEDIATE")
    version = version_of(database)
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        for statement in statements:
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {number}")
    database.execute("COMMIT")


def use_wal(database: sqlite3.Connection, patience: float) -> None:
    """Switch to the write-ahead log; while another server does so the file is locked, whatever the timeout.

    Where the file system refuses it, SQLite stays with its rollback journal by itself.
    """
    until = time.monotonic() + patience
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as fault:
            if time.monotonic() > until or not is_waiting(fault):
                raise
            time.sleep(0.01)


def version_of(database: sqlite3.Connection) -> int:
    """Tell the version of a file; 0 of an empty one."""
    return _number(database, "PRAGMA user_version")


def touch(database: sqlite3.Connection) -> None:
    """Write to a file, and change nothing."""
    database.execute(f"PRAGMA user_version = {version_of(database)}")


def cookie(database: sqlite3.Connection) -> tuple[int, int]:
    """Give the numbers that change with every change of the tables, or of what they mean."""
    return _number(database, "PRAGMA schema_version"), version_of(database)


def newest(database: sqlite3.Connection) -> int:
    """Give the number of the newest generation that was ever written to a file."""
    return _number(database, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'generations'")


def _number(database: sqlite3.Connection, sql: str) -> int:
    [[number]] = database.execute(sql)
    return int(number)


_Object = tuple[str, str, str, str]


@cache
def _own_objects(version: int) -> frozenset[_Object]:
    with closing(sqlite3.connect(":memory:")) as model:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                model.execute(statement)
        return _objects(model)


def _objects(database: sqlite3.Connection) -> frozenset[_Object]:
    rows = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return frozenset((kind, name, table, " ".join((sql or "").split())) for kind, name, table, sql in rows)
