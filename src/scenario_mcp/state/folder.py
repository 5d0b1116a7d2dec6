"""The state folder and the files in it: this person's alone, never a link, and marked once they hold something."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from scenario_mcp.state.faults import LINKED, NO_LOCKS, OPEN_FOLDER, OTHERS_FOLDER, OTHERS_WAY, StoreBroken
from scenario_mcp.state.locks import keeps_locks, open_plain

FILE = "state.db"
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite adds to the name of the file for those that belong to it
ASIDE = ".aside-"  # stands between the name of a file that was set aside and the time of that
MARK = "state.mark"  # says that there is a state file here, and holds the number of its newest paid generation
_OURS = (FILE, MARK, "server-", "mending.lock")  # how names of ours begin; 0.1.0 made the last
_DIGITS = 20

_umask = Lock()  # it is the whole process's

Identity = tuple[int, int]  # device and inode


@contextmanager
def private() -> Iterator[None]:
    """Let what is made meanwhile be readable by this person alone."""
    with _umask:
        before = os.umask(0o077)
        try:
            yield
        finally:
            os.umask(before)


def prepare(folder: Path) -> None:
    """Make the folder, or close it to others if it holds nothing but our files.

    Raises `StoreBroken` for one from which others could take the file, or that keeps no locks, and `OSError`.
    """
    with private():
        folder.mkdir(parents=True, exist_ok=True)
    examine(folder)
    is_open = os.name == "posix" and folder.stat().st_mode & 0o077
    if is_open and all(each.name.startswith(_OURS) for each in folder.iterdir()):
        folder.chmod(0o700)
    if not _keeps_locks(folder):
        raise StoreBroken(NO_LOCKS, folder / FILE)


def is_begun(folder: Path | None) -> bool:
    """Tell whether there is a state file in a folder, or was. Raises `StoreBroken` as `examine`, and `OSError`."""
    if folder is None or not folder.is_dir():
        return False
    examine(folder)
    return any(os.path.lexists(folder / name) for name in (FILE, MARK)) or bool(set_aside(folder))


def set_aside(folder: Path) -> list[Path]:
    """List the state files that were set aside in a folder, the last of them last. Raises `OSError`."""
    files = {path: path.name.removeprefix(FILE + ASIDE) for path in folder.glob(f"{FILE}{ASIDE}*")}
    return sorted((path for path, time in files.items() if time.isdecimal()), key=lambda path: int(files[path]))


def examine(folder: Path) -> None:
    """Hold a folder, and the ways to it, to be such that nobody else can take its files away.

    Raises `StoreBroken`, and `OSError`.
    """
    check(folder.stat(), folder)
    if os.name == "posix":
        _check_ways_to(folder)


def check(status: os.stat_result, folder: Path) -> None:
    """Hold a folder to belong to this user, who alone may write to it. Raises `StoreBroken`."""
    if os.name != "posix":
        return
    if status.st_uid != os.geteuid():
        raise StoreBroken(OTHERS_FOLDER, folder, owner=status.st_uid, user=os.geteuid())
    shared = status.st_mode & stat.S_IWGRP and status.st_gid != os.getegid()
    if shared or status.st_mode & stat.S_IWOTH:
        raise StoreBroken(OPEN_FOLDER, folder)


def _check_ways_to(folder: Path) -> None:
    """Hold the folders above to keep it where it is, and a link to it to be this user's or the system's."""
    real = folder.resolve()
    # Whoever has the root has everything; in a container that is root of another user namespace.
    trusted = (0, os.geteuid(), os.stat(real.anchor).st_uid)
    for above in {*folder.absolute().parents, *real.parents}:
        status = above.stat()
        if status.st_uid not in trusted:  # who may rename what is in it, sticky or not
            raise StoreBroken(OTHERS_WAY, above, owner=status.st_uid, user=os.geteuid())
        shared = status.st_mode & stat.S_IWGRP and status.st_gid not in (0, os.getegid())
        if (shared or status.st_mode & stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
            raise StoreBroken(OPEN_FOLDER, above)
    if (owner := folder.lstat().st_uid) not in (0, os.geteuid()):
        raise StoreBroken(OTHERS_FOLDER, folder, owner=owner, user=os.geteuid())


def identity(path: str | Path) -> Identity | None:
    """Tell which file stands at a path; None for none. Raises `StoreBroken` for what is no plain file of this user."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    ours = os.name != "posix" or status.st_uid == os.geteuid()
    if not (stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and ours):
        raise StoreBroken(LINKED, path)
    return status.st_dev, status.st_ino


def make_private(path: Path) -> None:
    """Take from others the right to read a file, if they have it."""
    if path.lstat().st_mode & 0o077:
        path.chmod(0o600)


def marked(folder: Path) -> int | None:
    """Give the number in the mark of a folder, 0 if it holds none; None without a mark.

    Raises `StoreBroken`, and `OSError`.
    """
    if identity(folder / MARK) is None:
        return None
    file = open_plain(folder / MARK, os.O_RDONLY)
    try:
        held = os.read(file, _DIGITS)
    finally:
        os.close(file)
    return int(held) if held.isdigit() else 0


def raise_mark(folder: Path, number: int) -> None:
    """Mark a folder with the number of its newest generation. Raises `OSError`."""
    file = open_plain(os.path.join(folder, MARK), os.O_WRONLY | os.O_CREAT)
    try:
        os.write(file, _written(number))
    finally:
        os.close(file)


def draft_mark(folder: Path, number: int) -> Path:
    """Write a mark that may take the place of the one in a folder. Raises `OSError`."""
    draft = folder / f"{MARK}.{secrets.token_hex(6)}.new"
    file = open_plain(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.write(file, _written(number))
    finally:
        os.close(file)
    return draft


def _written(number: int) -> bytes:
    return f"{number:0{_DIGITS}}\n".encode()  # always as long, so that no digit of another is left behind it


def _keeps_locks(folder: Path) -> bool:
    """Tell whether the folder's file system keeps locks, of which SQLite only says that others have them.

    True if that cannot be tried, as in a folder that is read-only.
    """
    path = folder / f"server-{secrets.token_hex(6)}.lock"  # nobody else knows of it, so nobody else can have locked it
    try:
        file = open_plain(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except OSError:
        return True
    try:
        return keeps_locks(file)
    finally:
        os.close(file)
        path.unlink(missing_ok=True)
