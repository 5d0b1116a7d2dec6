"""Reading a picture file that an agent named: only below the folders a person allows, only pictures.

A path comes from a model, which may have been talked into it. What is outside the folders, or hidden, is refused in the
same words whether or not it exists, so that nothing can be learned by asking.
"""

import errno
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from pathlib import Path, PureWindowsPath
from threading import Thread

from scenario_mcp.media import names, opened, pictures
from scenario_mcp.media.pictures import Picture
from scenario_mcp.media.sources import SUFFIXES, BadSource, FilePath
from scenario_mcp.wording import quoted

# What programs keep of a person, visible in the home folder of some platforms.
_PRIVATE = {"darwin": "library", "win32": "appdata"}
MOST_CHARACTERS, MOST_FOLDERS = 4_096, 256  # of a path: to resolve one takes time that grows with their square
NO_FILE = "is a path of something that is no regular file. Give the path of a picture file."
LONGEST_PATH, LONGEST_NAME = 500, 120  # characters that are repeated in an answer
AT_ONCE = 0.05  # seconds that all folders have to be resolved in, when the first of them is asked for
SOON = 0.1  # seconds in which a folder that does not hang is resolved
MOST_NEAR = 5_000  # names that are looked through for one like it


@dataclass(frozen=True)
class PictureFile:
    """A picture that was read: the bytes that were checked are the bytes to send."""

    path: Path
    content: bytes
    picture: Picture


class _Root:
    """A folder that is resolved once: if it is swapped for a link later, what is open does not move along.

    In a thread of its own, since one on a network disk that hangs must hold up only who asks for what is in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self.missing = False  # as far as is known by now
        self._thread = Thread(target=self._resolve, daemon=True)
        self._thread.start()

    def path(self, wait: float | None) -> Path | None:
        """Give the resolved folder; None if it has none, or not within so many seconds."""
        self._thread.join(wait)
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
            target = Path(given.text).expanduser()
            if ".." in target.parts and not self._names_a_place_within(target):
                raise self._outside()  # else it would tell whether a link outside is there, and where it leads
            target = target.resolve()
            if any(map(os.path.islink, (target, *target.parents))):  # a loop, of which Python 3.13 says nothing
                raise RuntimeError
        except (OSError, RuntimeError, ValueError):  # a loop of links, a user that is none, a name that is too long
            raise self._outside() from None
        if not any(self._below(root.path(wait), target) for wait in (SOON, None) for root in self._roots):
            raise self._outside()
        return target

    def _names_a_place_within(self, path: Path) -> bool:
        """Tell whether a path stays in the folders, and out of what is hidden, at each step of it as it is written."""
        roots = [*self.folders, *(found for root in self._roots if (found := root.path(SOON)))]
        steps = [Path(os.path.abspath(Path(*path.parts[:count]))) for count in range(1, len(path.parts) + 1)]
        allowed = all(any(step.is_relative_to(root) or root.is_relative_to(step) for root in roots) for step in steps)
        return allowed and not any(part.startswith(".") and part != ".." for part in path.parts)

    def _below(self, root: Path | None, target: Path) -> bool:
        if root is None or not target.is_relative_to(root):
            return False
        parts = target.relative_to(root).parts
        if not parts or any(part.startswith(".") for part in parts):
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

    def _outside(self) -> BadSource:
        named = ", ".join(
            f"{each}{' (not there)' * root.missing}" for each, root in zip(self.folders, self._roots, strict=True)
        )
        return BadSource(
            f"is a path outside the folders that files may come from ({named or 'none'}), or hidden in them."
            " Move the picture there, or ask the user to name its folder in SCENARIO_INPUT_DIRS."
        )


def _is_no_file_of_windows(path: str) -> bool:
    """Tell whether a path names a device or a stream of a file, which Windows opens like files."""
    parts = [part for part in PureWindowsPath(path).parts if part != PureWindowsPath(path).anchor]
    return any(":" in part or part.partition(".")[0].strip().casefold() in names.DEVICES for part in parts)


def read_picture(given: FilePath, allowed: Allowed) -> PictureFile:
    """Read a picture file once, and check it by its content. Raises `BadSource`."""
    target = allowed.resolve(given)
    content = _read(target)
    try:
        return PictureFile(target, content, pictures.inspect(content))
    except pictures.BadPicture as bad:
        raise BadSource(f"is the file {quoted(target.name, LONGEST_NAME)}, which {bad}") from None


def _read(target: Path) -> bytes:
    try:
        return opened.read(target, pictures.MOST_BYTES)
    except opened.NotRegular:
        raise BadSource(NO_FILE) from None
    except opened.TooLarge:
        raise BadSource(f"is a file larger than {pictures.MOST_BYTES // 1_000_000} MB. Make it smaller.") from None
    except OSError as fault:
        raise BadSource(_why_not(target, fault)) from None


def _why_not(target: Path, fault: OSError) -> str:
    shown = quoted(target if len(f"{target}") <= LONGEST_PATH else f"{target.name[:80]}...", LONGEST_PATH)
    if fault.errno in (errno.ENOENT, errno.ENOTDIR):
        near = get_close_matches(target.name.lower(), known := _picture_names(target.parent), 3, 0.5)
        hint = f" Near to it: {', '.join(quoted(known[each]) for each in near)}." if near else ""
        return f"names the file {shown}, which was not found.{hint}"
    if fault.errno in (errno.EACCES, errno.EPERM):
        allow = (
            " Ask the user to allow it for the host app: System Settings, Privacy & Security, Files and Folders."
            if sys.platform == "darwin"
            else " Ask the user to let this program read it."
        )
        return f"names the file {shown}, which may not be read.{allow}"
    if fault.errno == errno.ELOOP:
        return NO_FILE
    return f"names the file {shown}, which cannot be read ({fault.strerror})."


def _picture_names(folder: Path) -> dict[str, str]:
    """List pictures that may have been meant, by their names in small letters; only names that can be shown."""
    try:
        with opened.folder(folder) as holding:
            found = [entry.name for entry in islice(holding.entries(), MOST_NEAR)]
    except OSError:
        return {}
    return {name.lower(): name for name in sorted(found) if name.lower().endswith(SUFFIXES) and names.is_fit(name)}


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
