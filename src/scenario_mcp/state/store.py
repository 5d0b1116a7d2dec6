"""The one file that survives a restart: opened when first used, migrated, set aside if broken, or done without."""

import logging
import os
import secrets
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from scenario_mcp.state.locks import alone
from scenario_mcp.state.migrations import MIGRATIONS

FILE, MENDING = "state.db", "mending.lock"
PATIENCE = 2.0  # seconds for another server of the same person to finish a write
HURRIED = 0.05  # the same, after one such wait was in vain
MENDINGS, MISHAPS = 6, 3  # tries to mend the file within one use of it, and disk errors that opening anew may cure

Done = TypeVar("Done")
logger = logging.getLogger(__name__)


class StoreBusy(Exception):
    """Another server holds the file for longer than is waited for."""


class _Newer(Exception):
    """The file was written by a newer version of this package."""


class Store:
    """A small SQLite database in `folder`, or in memory only if there is none or it cannot be used.

    `trouble` says why nothing is kept on disk though it should be; `remark` what else a person must know of the file.
    """

    def __init__(self, folder: Path | None) -> None:
        self.trouble: str | None = None
        self.remark: str | None = None
        self._folder = folder
        self._database: sqlite3.Connection | None = None
        self._inode: int | None = None  # of the file that is open
        self._suspect: int | None = None  # of one that was found broken once
        self._mishaps = 0
        self._patience = PATIENCE

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run one statement and give its rows; a fault is logged and gives none, since no call must fail over it."""
        try:
            return self._repaired(lambda database: database.execute(sql, values).fetchall())
        except (StoreBusy, sqlite3.Error) as fault:
            logger.warning("The state could not be read or written (%s)", fault)
            return []

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run one query and give its rows. Raises `StoreBusy`."""
        return self._repaired(lambda database: database.execute(sql, values).fetchall())

    def transact(self, work: Callable[[sqlite3.Connection], Done]) -> Done:
        """Do some work as one transaction that no other server can come between; it may be begun anew.

        What the work raises undoes it. A file that takes no more writes is left as it is and gone on with in memory.
        Raises `StoreBusy`, with nothing done.
        """

        def transaction(database: sqlite3.Connection) -> Done:
            database.execute("BEGIN IMMEDIATE")
            try:
                done = work(database)
                database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
            return done

        done = self._repaired(transaction)
        if self._patience != PATIENCE:
            self._hurry(PATIENCE)
        return done

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _repaired(self, work: Callable[[sqlite3.Connection], Done]) -> Done:
        """Do work on the open database; what broke it is mended and the work done again."""
        for last in (*(False,) * MENDINGS, True):
            try:
                return work(self._connected())
            except sqlite3.IntegrityError:
                raise
            except sqlite3.DatabaseError as fault:
                if _is_busy(fault):
                    self._hurry(HURRIED)
                    raise StoreBusy("Another server of this machine is writing the state file.") from fault
                if last or self._folder is None or self.trouble is not None:
                    raise
                self._mend(fault)
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    def _connected(self) -> sqlite3.Connection:
        """Give the open database; a file that was moved or removed meanwhile is not gone on with."""
        if self._database is not None and self._inode != self._inode_now():
            self.close()
        if self._database is None:
            self._database = self._open()
        return self._database

    def _inode_now(self) -> int | None:
        if self._folder is None or self.trouble is not None:
            return None
        try:
            return os.stat(self._folder / FILE).st_ino
        except OSError:
            return None

    def _hurry(self, patience: float) -> None:
        """Wait for others this long from now on: after one vain wait the calls of this server wait no more."""
        self._patience = patience
        if self._database is not None:
            self._database.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")

    def _open(self) -> sqlite3.Connection:
        if self._folder is None:
            return _opened(":memory:")
        try:
            make_private_folder(self._folder)
            with self._undisturbed(self._folder):
                _make_private(self._folder / FILE)
                self._inode = self._inode_now()
                return _opened(self._folder / FILE, self._patience)
        except (OSError, _Newer) as fault:
            self._forgetful(fault)
        except sqlite3.OperationalError as fault:
            if _is_busy(fault) or self._is_mishap(fault):
                raise
            self._forgetful(fault)
        self._inode = None
        return _opened(":memory:")

    @contextmanager
    def _undisturbed(self, folder: Path) -> Iterator[None]:
        """Open while nobody sets the file aside: else a broken one may be read with the log of a new one."""
        with ExitStack() as stack:
            with suppress(OSError):  # a folder that takes no file holds nobody who could set one aside
                stack.enter_context(alone(folder / MENDING, PATIENCE))
            yield

    def _mend(self, fault: sqlite3.DatabaseError) -> None:
        """Open a broken file anew, since another server may have mended it, and set it aside if it is broken still.

        One that takes no more writes is left.
        """
        if self._is_mishap(fault):
            self._mishaps += 1
            self.close()
            return
        if not _is_broken(fault):
            self._leave(fault)
            return
        self.close()
        if self._suspect != self._inode:
            self._suspect = self._inode
        elif self._folder is not None:
            self._set_aside(self._folder / FILE)

    def _leave(self, fault: sqlite3.Error) -> None:
        """Go on in memory with what the file holds, when it takes no more writes."""
        memory, file = sqlite3.connect(":memory:", isolation_level=None), self._database
        try:
            if file is not None:
                file.backup(memory)
        except sqlite3.Error:
            memory.close()
            memory = _opened(":memory:")
        memory.row_factory = sqlite3.Row
        self.close()
        self._forgetful(fault)
        self._database, self._inode = memory, None

    def _forgetful(self, fault: Exception) -> None:
        self.trouble = f"The state cannot be kept in {self._folder} ({fault}); it is forgotten when this server ends."
        logger.warning("%s", self.trouble)

    def _is_mishap(self, fault: sqlite3.Error) -> bool:
        """Tell of a disk error that opening the file anew may cure: another server was setting it aside."""
        return self._mishaps < MISHAPS and _code(fault) == sqlite3.SQLITE_IOERR

    def _set_aside(self, path: Path) -> None:
        """Rename a broken file, unless another server has put a new one in its place."""
        aside = path.with_name(f"{FILE}.broken-{time.time_ns()}")
        try:
            with alone(path.with_name(MENDING), PATIENCE) as taken:
                if not taken or self._inode_now() != self._suspect:
                    return
                for rest in ("-wal", "-shm", ""):  # the file itself last: then nobody makes new ones beside it
                    with suppress(FileNotFoundError):
                        path.with_name(FILE + rest).replace(aside.with_name(aside.name + rest))
        except OSError as fault:
            logger.warning("The state file is broken and cannot be set aside: %s", fault)
            return
        self.remark = (
            f"The state file was broken; it was set aside as {aside} and a new one begun, so earlier generations and"
            " what they cost are not known to this server."
        )
        logger.warning("%s", self.remark)


def make_private_folder(folder: Path) -> None:
    """Make the state folder, for this person alone; one that holds other things too stays as open as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = (FILE, "server-", MENDING)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077 and all(each.name.startswith(ours) for each in folder.iterdir()):
        folder.chmod(0o700)


def _is_broken(fault: sqlite3.Error) -> bool:
    """Tell a broken file from one that is locked or may not be written."""
    return type(fault) is sqlite3.DatabaseError


def _is_busy(fault: sqlite3.Error) -> bool:
    return _code(fault) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(fault: sqlite3.Error) -> int:
    return int(getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def _make_private(path: Path) -> None:
    """Make the file, readable by this person alone; SQLite gives the files beside it the same mode.

    It is never opened here: to close it would take away the locks that SQLite holds on it in this process.
    """
    if path.exists():
        with suppress(FileNotFoundError, PermissionError):
            path.chmod(0o600)
        return
    draft = path.with_name(f"{FILE}.{secrets.token_hex(6)}.part")
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        os.link(draft, path)
    except OSError:  # it is there by now, or the file system knows no links and SQLite makes it
        pass
    finally:
        draft.unlink()


def _opened(path: Path | str, patience: float = 0.0) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=patience, isolation_level=None)
    database.row_factory = sqlite3.Row
    try:
        if _version(database) > len(MIGRATIONS):  # before anything is written
            raise _Newer("it was written by a newer version of scenario-mcp: update this one")
        _use_wal(database, patience)
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN IMMEDIATE")  # several servers may begin at once; one of them migrates
        version = _version(database)
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            for statement in statements:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number}")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def _version(database: sqlite3.Connection) -> int:
    [[version]] = database.execute("PRAGMA user_version")
    return int(version)


def _use_wal(database: sqlite3.Connection, patience: float) -> None:
    """Switch to the write-ahead log; while another server does so the file is locked, whatever the timeout.

    Where the file system refuses it, SQLite stays with its rollback journal by itself.
    """
    until = time.monotonic() + patience
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
