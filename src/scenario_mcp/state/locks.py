"""Locks on files that the system lets go of however a process ends."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def lock(file: int) -> bool:
        """Try to lock an open file against every other opening of it; tell whether that succeeded."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def lock(file: int) -> bool:
        """Try to lock an open file against every other opening of it; tell whether that succeeded."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@contextmanager
def alone(path: Path, patience: float) -> Iterator[bool]:
    """Let one process at a time into a block; gives False if another is in it for longer than so many seconds.

    Raises `OSError` when the lock's file cannot be made.
    """
    until = time.monotonic() + patience
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not (taken := lock(file)) and time.monotonic() < until:
            time.sleep(0.01)
        yield taken
    finally:
        os.close(file)
