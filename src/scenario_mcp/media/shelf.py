"""The results folder as a whole: looked through within bounds, swept, and given new folders up to a number."""

import re
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from scenario_mcp.media import names, opened
from scenario_mcp.media.opened import Folder

MOST_LOOKED_AT, LOOK_SECONDS = 100_000, 3.0  # names, and for how long; more than years of results, on a slow disk
OLD_PART = 3 * 3600.0  # seconds after which nobody writes a file any more: no call lasts as long
_PART = re.compile(r"\.[0-9a-f]{16}\.part")


class TooManyFolders(Exception):
    """A folder that an agent may not have made any more."""


class NewFolders:
    """Makes the folders that agents choose, `most` of them; those that are there already do not count."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._left = most
        self._counting = threading.Lock()  # calls side by side must not count past one another

    def make(self, shelf: Path, parts: tuple[str, ...]) -> Path:
        """Make a folder below the resolved results folder. Raises `TooManyFolders` and `OSError`."""
        missing = len(parts) - _there(shelf, parts)
        with self._counting:
            if missing > self._left:
                raise TooManyFolders
            self._left -= missing
        with opened.folder(shelf.joinpath(*parts), make=True) as folder:  # may hang, and must hold up nobody else
            return folder.path


def _there(shelf: Path, parts: tuple[str, ...]) -> int:
    for depth in range(len(parts), 0, -1):
        with suppress(FileNotFoundError), opened.folder(shelf.joinpath(*parts[:depth])):
            return depth
    return 0


def files(shelf: Path, depth: int) -> Iterator[tuple[Folder, str]]:
    """Give what is no folder down to a depth, each with the folder that holds it, the last names first.

    Ends when enough was looked at; what cannot be read, is hidden or is a link is passed over.
    """
    until, looked_at = time.monotonic() + LOOK_SECONDS, 0
    waiting = [(shelf, 0)]
    while waiting:
        path, level = waiting.pop()
        below: list[str] = []
        with suppress(OSError), opened.folder(path) as folder:
            for entry in folder.entries():
                looked_at += 1
                if looked_at > MOST_LOOKED_AT or time.monotonic() > until:
                    return
                if not entry.is_dir(follow_symlinks=False):
                    yield folder, entry.name
                elif level < depth and names.is_fit(entry.name):
                    below.append(entry.name)
        waiting += [(path / name, level + 1) for name in sorted(below)]


def sweep(shelf: Path) -> None:
    """Remove what servers left half-written that were killed meanwhile."""
    oldest = time.time() - OLD_PART
    for folder, name in files(shelf, names.DEPTH):
        if _PART.fullmatch(name):
            with suppress(OSError):
                found = folder.looked_at(name)
                if found and stat.S_ISREG(found.st_mode) and found.st_mtime < oldest:
                    folder.remove(name)
