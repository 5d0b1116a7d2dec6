"""Locks on files that the system lets go of however a process ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def lock(file: int) -> bool:
        """Lock an open file against every other opening of it; False if another has it. Raises `OSError`."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def keeps_locks(file: int) -> bool:
        """Tell whether the file system of an open file keeps the locks that SQLite takes."""
        return True

else:
    import fcntl

    def lock(file: int) -> bool:
        """Lock an open file against every other opening of it; False if another has it. Raises `OSError`."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def keeps_locks(file: int) -> bool:
        """Tell whether the file system of an open file, which nobody else has open, keeps the locks SQLite takes."""
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def open_plain(path: str | os.PathLike[str], flags: int) -> int:
    """Open a file, never through a link and never waiting; a new one is readable by this user alone.

    Raises `OSError`.
    """
    more = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC")  # none of them on Windows
    for name in more:
        flags |= getattr(os, name, 0)
    return os.open(path, flags, 0o600)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold the lock of a file that is there only meanwhile; False if another holds it. Raises `OSError`."""
    file = open_plain(path, os.O_RDWR | os.O_CREAT)
    try:
        # Whoever had it removes it: then this may be the lock of a file that nobody else will open.
        is_alone = lock(file) and os.path.lexists(path) and os.path.samestat(os.fstat(file), os.lstat(path))
        try:
            yield is_alone
        finally:
            if is_alone:
                with suppress(OSError):  # Windows removes no open file; one that is left is locked by nobody
                    path.unlink()
    finally:
        os.close(file)
