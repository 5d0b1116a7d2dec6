"""The folders that files may come from: whether a path, wherever links lead it, stays in them and is not hidden.

A path comes from a model, which may have been talked into it. What is outside the folders, or hidden, is refused in the
same words whether or not it exists, so that nothing can be learned by asking.
"""

import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PureWindowsPath
from threading import Thread

from scenario_mcp.media import names, opened
from scenario_mcp.media.readings import MOST_CHARACTERS
from scenario_mcp.media.sources import BadSource, FilePath
from scenario_mcp.wording import quoted

# What programs keep of a person, visible in the home folder of some platforms.
_PRIVATE = {"darwin": "library", "win32": "appdata"}
MOST_FOLDERS, MOST_LINKS = 256, 16  # of a path: to resolve one takes time that grows with their square
NO_FILE = "is a path of something that is no regular file. Give the path of a picture file."
LONGEST_PATH = 500  # characters that are repeated in an answer
AT_ONCE = 0.05  # seconds that all folders have to be resolved in, when the first of them is asked for
SOON = 0.1  # seconds in which a folder that does not hang is resolved


class _Root:
    """A folder that is resolved once: if it is swapped for a link later, what is open does not move along.

    In a thread of its own, since one on a network disk that hangs must hold up only who asks for what is in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self.missing = False  # as far as is known by now
        self._hangs = False  # one that does is not waited for a little each time anew
        self._thread = Thread(target=self._resolve, daemon=True)
        self._thread.start()

    def path(self, wait: float | None) -> Path | None:
        """Give the resolved folder; None if it has none, or not within so many seconds."""
        if wait is None or not self._hangs:
            self._thread.join(wait)
            self._hangs = self._thread.is_alive()
        return self._path

    def _resolve(self) -> None:
        with suppress(OSError, RuntimeError, ValueError):  # a loop of links
            self._path = self._folder.resolve()
            self.missing = not self._path.is_dir()


@dataclass(frozen=True)
class Allowed:
    """The folders that files may come from, and the words that say so."""

    folders: tuple[Path, ...]
    home: Path | None = None
    platform: str = sys.platform

    @cached_property
    def _roots(self) -> tuple["_Root", ...]:
        roots = tuple(map(_Root, self.folders))
        until = time.monotonic() + AT_ONCE
        for root in roots:  # all of them, before the first is used: one that is swapped later does not move along
            root.path(max(0.0, until - time.monotonic()))
        return roots

    def resolve(self, given: FilePath) -> Path:
        """Resolve `~` and links, and hold the target against the folders.

        Raises `BadSource`, always in the same words; others for a name that is no file's on this platform.
        """
        if len(given.text) > MOST_CHARACTERS or len(re.findall(r"[/\\]", given.text)) > MOST_FOLDERS:
            raise BadSource("is longer than paths are. Give the plain path of a file.")
        if self.platform == "win32" and _is_no_file_of_windows(given.text):
            raise BadSource(NO_FILE)
        try:
            path = Path(given.text).expanduser()
            if ".." in path.parts and not self._names_a_place_within(path):
                raise self._outside()  # else it would tell whether a link outside is there, and where it leads
            target = path.resolve()
            if any(map(os.path.islink, (target, *target.parents))):  # a loop, of which Python 3.13 says nothing
                raise RuntimeError
        except (OSError, RuntimeError, ValueError):  # a loop of links, a user that is none, a name that is too long
            raise self._outside() from None
        if self.root_of(target) is None:
            raise self._outside(self._link_out(path))
        return target

    def root_of(self, target: Path) -> Path | None:
        """Give the allowed folder that a resolved path lies in, and is not hidden in; None if there is none."""
        for wait in (SOON, None):
            for root in self._roots:
                if (found := root.path(wait)) and self.holds(found, target):
                    return found
        return None

    def _names_a_place_within(self, path: Path) -> bool:
        """Tell whether a path stays in the folders, and out of what is hidden, at each step of it as it is written."""
        roots = [*self.folders, *(found for root in self._roots if (found := root.path(SOON)))]
        steps = [Path(os.path.abspath(Path(*path.parts[:count]))) for count in range(1, len(path.parts) + 1)]
        allowed = all(any(step.is_relative_to(root) or root.is_relative_to(step) for root in roots) for step in steps)
        return allowed and not any(part.startswith(".") and part != ".." for part in path.parts)

    def holds(self, root: Path, target: Path) -> bool:
        """Tell whether a resolved path lies in a resolved folder, and is not hidden in it."""
        if not target.is_relative_to(root):
            return False
        parts = target.relative_to(root).parts
        if any(part.startswith(".") for part in parts):
            return False
        return not self._is_private(target) or self._is_private(root)

    def _is_private(self, path: Path) -> bool:
        """Tell whether a path lies in what programs keep in the home folder."""
        if self.platform not in _PRIVATE:
            return False
        try:
            parts = path.relative_to(self.home.resolve()).parts if self.home else ()
        except (OSError, RuntimeError, ValueError):
            return False
        return bool(parts) and parts[0].casefold() == _PRIVATE.get(self.platform)

    def _link_out(self, path: Path) -> str:
        """Say which link in the folders a path leaves them by, as a sentence after a blank; nothing if there is none.

        Links are read in the folders alone and never followed outside: what is told is what stands in a folder.
        """
        if ".." in path.parts:
            return ""
        said, path = "", Path(os.path.abspath(path))
        for _ in range(MOST_LINKS):
            if not (found := self._first_link(path)):
                return said
            link, target, rest = found
            said = f" On its way {quoted(link, LONGEST_PATH)} is a link to {quoted(target, LONGEST_PATH)}."
            path = target / rest
        return ""

    def _first_link(self, path: Path) -> tuple[Path, Path, Path] | None:
        """Find the first link of a path in the folders: where it stands, where it leads, and what follows it."""
        roots = [(folder, root.path(SOON)) for folder, root in zip(self.folders, self._roots, strict=True)]
        bases = ((base, real) for folder, real in roots if real for base in (folder, real) if path.is_relative_to(base))
        base, here = next(bases, (None, None))
        if base is None or here is None:
            return None
        root, parts = here, path.relative_to(base).parts
        for count, part in enumerate(parts, 1):
            if not self.holds(root, here / part):
                return None
            try:
                with opened.folder(here, search=True) as folder:
                    link = folder.link(part)
            except OSError:
                return None
            if link is not None:
                return here / part, Path(os.path.normpath(here / link)), Path(*parts[count:])
            here /= part
        return None

    def _outside(self, link: str = "") -> BadSource:
        named = ", ".join(
            f"{each}{' (not there)' * root.missing}" for each, root in zip(self.folders, self._roots, strict=True)
        )
        return BadSource(
            f"is a path outside the folders that files may come from ({named or 'none'}), or hidden in them.{link}"
            " Move the picture there, or ask the user to name its folder in SCENARIO_INPUT_DIRS."
        )


def _is_no_file_of_windows(path: str) -> bool:
    """Tell whether a path names a device or a stream of a file, which Windows opens like files."""
    parts = [part for part in PureWindowsPath(path).parts if part != PureWindowsPath(path).anchor]
    return any(":" in part or part.partition(".")[0].strip().casefold() in names.DEVICES for part in parts)


def default_folders(home: Path | None, working: Path | None) -> Sequence[Path]:
    """List the folders that files may come from if nobody says: home, and the working directory.

    Not the latter if it lies above home, as a root does, or within home, where hidden folders must stay hidden; which
    cannot be told without a home, so then there is none.
    """
    if home is None or working is None or working == Path(working.anchor):
        return () if home is None else (home,)
    pairs = [(home, working), (home.resolve(), working.resolve())]
    related = any(one.is_relative_to(other) or other.is_relative_to(one) for one, other in pairs)
    return (home,) if related else (home, working)
