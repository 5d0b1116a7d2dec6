"""Which of the servers that share a state folder are still running.

Each holds the lock of a file of its own as long as it lives: the system lets go of it however the process ends, and
no process number that is given again, no clock that was set and no container can make a dead one look alive.
"""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from scenario_mcp.state.locks import lock, open_plain


class Process:
    """One server, this one, among those of a state folder; without a folder it is the only one."""

    def __init__(self, folder: Path | None) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._folder = folder
        self._file: int | None = None

    def live(self) -> None:
        """Take the lock that says that this server lives; again does nothing. Raises `OSError` if it cannot be had."""
        if self._folder is None or self._file is not None:
            return
        file = open_plain(self._path(self.name), os.O_RDWR | os.O_CREAT)
        try:
            lock(file)
        except OSError:
            os.close(file)
            self._remove(self._path(self.name))
            raise
        self._file = file

    def lives(self, name: str) -> bool:
        """Tell whether a server that wrote under this name still runs."""
        if name == self.name:
            return True
        if self._folder is None or not re.fullmatch(r"[\w-]+", name):
            return False
        path = self._path(name)
        try:
            file = open_plain(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # nothing says that it is gone
        try:
            if not lock(file):
                return True
        except OSError:
            return True
        finally:
            os.close(file)
        self._remove(path)
        return False

    def die(self, *, leave_file: bool = False) -> None:
        """Let go of the lock, as the end of the process does; one that is killed leaves its file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
            if not leave_file:
                self._remove(self._path(self.name))

    def _path(self, name: str) -> Path:
        assert self._folder is not None  # noqa: S101  # asked only where there is a folder
        return self._folder / f"server-{name}.lock"

    @staticmethod
    def _remove(path: Path) -> None:
        with suppress(OSError):  # Windows removes no open file; it is tried again by whoever asks next
            path.unlink(missing_ok=True)
