"""What keeps the state from being used: in words that say what is wrong, what may be lost, and what mends it."""

import errno
import sqlite3
from pathlib import Path
from typing import NamedTuple


class StoreFault(Exception):
    """The state cannot be used now, and what was to be done was not done."""


class StoreBusy(StoreFault):
    """Another server holds the file for longer than is waited for."""


class Wrong(NamedTuple):
    """One kind of fault: a sentence with the `{path}` it is about, what may be lost by it, and what mends it."""

    sentence: str
    loss: str
    mend: str


class StoreBroken(StoreFault):
    """The file cannot be read and written until a person acts; `mend` says how."""

    def __init__(self, wrong: Wrong, path: str | Path, **details: object) -> None:
        super().__init__(f"{wrong.sentence.format(path=path, **details)} {wrong.loss}")
        self.wrong = wrong
        self.mend = (
            f"Ask the user to {wrong.mend.format(path=path, **details)}, or to set SCENARIO_STATE_DIR to another folder"
            " (`memory` forgets on purpose, and holds no cap of a day)."
        )


class Unreadable(sqlite3.DatabaseError):
    """A row of the file holds what no server writes."""


_LOST = "What was paid for earlier, and what the cap of the day has counted, may be lost."
_KEPT = "Nothing that was written is lost."
_ANEW = (
    "run `scenario-mcp doctor --begin-anew` with the same SCENARIO_STATE_DIR, which sets aside what is there and begins"
    " a new file with all that can still be read"
)

DAMAGED = Wrong("The state file {path} is damaged and cannot be read.", _LOST, _ANEW)
GONE = Wrong("The state file {path} is gone, though this folder had one.", _LOST, f"put it back, or to {_ANEW}")
BEHIND = Wrong(
    "The state file {path} does not know the newest generations any more: it was emptied or replaced by an older copy,"
    " or the file with -wal at its end, which belongs to it, was removed.",
    _LOST,
    f"put both back as they were, or to {_ANEW}",
)
REPLACED = Wrong(
    "The state file {path} is not the one that this server began with: it was moved, removed or replaced.",
    _LOST,
    "put it back as it was, or to restart this server in its host, so that it takes what is there now",
)
NEWER = Wrong(
    "The state file {path} was written by a newer version of scenario-mcp.",
    _KEPT,
    f"update this one, or to {_ANEW}",
)
FOREIGN = Wrong(
    "The state file {path} holds tables, triggers or views that scenario-mcp did not make.",
    "What it says of what was paid for cannot be trusted.",
    _ANEW,
)
LINKED = Wrong(
    "{path} is a link, belongs to another user, has a second name, or is no file.",
    "Nothing was read from it or written to it.",
    f"put a plain file of this user there again, or to {_ANEW}",
)
FULL = Wrong(
    "The state file {path} cannot be written ({detail}): its disk is full, over a quota, or failing.",
    _KEPT,
    "free some space on that disk, or see what else is wrong with it",
)
FORBIDDEN = Wrong(
    "The state file {path} cannot be opened or written ({detail}): it, its folder or its disk is closed to this user.",
    _KEPT,
    "let this user read and write the folder and every file in it",
)
NO_LOCKS = Wrong(
    "The state file {path} lies on a file system that keeps no locks, without which servers that share it could pay"
    " twice and over a cap.",
    _KEPT,
    "move the folder to a disk of this machine",
)
FAILING = Wrong(
    "The state file {path} cannot be read or written ({detail}).",
    "What was being written may be lost.",
    "look after that disk: its space, a quota, its connection",
)
OTHERS_FOLDER = Wrong(
    "The state folder {path} belongs to user {owner}, and this server runs as user {user}.",
    "Whoever owns it could take the state file away.",
    "make it belong to the user that this server runs as",
)
OTHERS_WAY = Wrong(
    "{path}, above the state folder, belongs to user {owner}, and this server runs as user {user}.",
    "Whoever owns it could take the state folder away.",
    "make it belong to root or to the user that this server runs as",
)
OPEN_FOLDER = Wrong(
    "{path} may be written to by other users of this machine.",
    "They could take the state file away, or put another in its place.",
    'take that right away (`chmod go-w "{path}"`)',
)

# By SQLite's extended code, else by its primary one; a code that is not here is a bug of ours.
_LOCK_CODES = (
    *(sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_RDLOCK, sqlite3.SQLITE_IOERR_UNLOCK),
    *(sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK, sqlite3.SQLITE_IOERR_SHMLOCK),
)
_BY_CODE = {
    **dict.fromkeys(_LOCK_CODES, NO_LOCKS),
    sqlite3.SQLITE_READONLY_DBMOVED: REPLACED,
    sqlite3.SQLITE_IOERR_SHORT_READ: DAMAGED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR_WRITE: FULL,
    sqlite3.SQLITE_READONLY: FORBIDDEN,
    sqlite3.SQLITE_PERM: FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: FORBIDDEN,
    sqlite3.SQLITE_IOERR: FAILING,
    sqlite3.SQLITE_NOLFS: FAILING,
}
_WAITING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_BY_ERRNO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), FORBIDDEN),
    **dict.fromkeys((errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS), NO_LOCKS),
    errno.ELOOP: LINKED,
}


def is_waiting(fault: Exception) -> bool:
    """Tell whether SQLite could not get a lock: another server has it, or the file system keeps none."""
    return isinstance(fault, sqlite3.Error) and _code(fault) & 0xFF in _WAITING


def broken(fault: sqlite3.Error | OSError, path: Path) -> StoreBroken | None:
    """Say what a fault of SQLite or of the system means; None for one that only a bug explains."""
    if isinstance(fault, OSError):
        wrong = _BY_ERRNO.get(fault.errno or 0, FAILING)
        return StoreBroken(wrong, path, detail=fault.strerror)
    if isinstance(fault, sqlite3.ProgrammingError):
        return None
    code = _code(fault)
    found = _BY_CODE.get(code) or _BY_CODE.get(code & 0xFF)
    return found and StoreBroken(found, path, detail=getattr(fault, "sqlite_errorname", ""))


def _code(fault: sqlite3.Error) -> int:
    """Give SQLite's code; what has none was found in a row, like text that is no UTF-8."""
    return int(getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT))
