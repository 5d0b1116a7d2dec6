"""Looking for the file that was meant, in the allowed folders alone, and naming what is there instead.

Folders are listed through `opened`, and whatever is found is held against the folders anew: nothing is seen here that
could not be asked for by its own name.
"""

import os
import re
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from scenario_mcp.media import names, opened
from scenario_mcp.media.allowed import LONGEST_PATH, Allowed
from scenario_mcp.media.sources import SUFFIXES, BadSource, FilePath
from scenario_mcp.nearness import near, near_pictures
from scenario_mcp.wording import quoted, visible

MOST_LOOKED_AT, LOOK_SECONDS = 50_000, 2.0  # names of one look, and for how long
MOST_ALIKE = 16  # names in one folder that differ in nothing that is seen
MOST_LISTED = 10  # pictures or folders that are named


class Look:
    """One look into the allowed folders, bounded; `whole` tells whether it saw all that it wanted to."""

    def __init__(self, allowed: Allowed) -> None:
        self.whole = True
        self._allowed = allowed
        self._left = MOST_LOOKED_AT
        self._until = time.monotonic() + LOOK_SECONDS

    def alike(self, target: Path) -> list[Path]:
        """Find what has the names of a resolved path, letters composed or not and blanks of any kind."""
        root = self._allowed.root_of(target)
        found = [] if root is None else [root]
        for part in () if root is None else target.relative_to(root).parts:
            deeper = {self._entered(path): None for folder in found for path in self._alike_in(folder, part)}
            found = [path for path in deeper if path is not None]
            if len(found) > MOST_ALIKE:
                self.whole = False
                return []
        return [path for path in found if is_there(path)]

    def names(self, folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """List what a folder holds by its names; less of it if the look ends. Raises `OSError`."""
        with opened.folder(folder) as holding:
            for entry in holding.entries():
                self._left -= 1
                if self._left < 0 or time.monotonic() > self._until:
                    self.whole = False
                    return
                yield entry.name, entry

    def shown(self, folder: Path) -> tuple[list[str], list[str]]:
        """List the pictures and the folders in a folder, as an agent may name them. Raises `OSError`."""
        root = self._allowed.root_of(folder)
        pictures, folders = [], []
        for name, entry in self.names(folder):
            plain = _plain(name)
            if plain is None or root is None or not self._allowed.holds(root, folder / name):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(plain)
            elif plain.lower().endswith(SUFFIXES) and (not entry.is_symlink() or self._entered(folder / name)):
                pictures.append(plain)
        return sorted(pictures), sorted(folders)

    def _alike_in(self, folder: Path, part: str) -> list[Path]:
        plain = folded(part)
        try:
            listed = [name for name, _ in self.names(folder)]
        except OSError:  # it may be passed through, though not be listed
            listed = [part]
        return [folder / name for name in listed if folded(name) == plain and plain]

    def _entered(self, path: Path) -> Path | None:
        try:
            return self._allowed.resolve(FilePath(str(path)))
        except BadSource:
            return None


def folded(name: str) -> str:
    """Spell a name as all names that look the same are spelt: composed, with plain single blanks, and all visible."""
    if name.isascii():
        return " ".join(name.split())
    return visible(" ".join(unicodedata.normalize("NFC", name).split())).strip()


def _plain(name: str) -> str | None:
    """Spell a name with plain blanks, as `alike` finds it again; None for one that cannot be shown."""
    plain = name if name.isascii() else "".join(" " if unicodedata.category(each) == "Zs" else each for each in name)
    plain = re.sub(" +", " ", plain).strip(" ")
    return plain if names.is_fit(plain) else None


def is_there(target: Path) -> bool:
    """Tell whether anything has a resolved path; also if that cannot be told."""
    try:
        with opened.folder(target.parent, search=True) as folder:
            return not target.name or folder.looked_at(target.name) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def missing(target: Path) -> tuple[Path, str, int]:
    """Give the last folder of a path that is there, the name that is missing in it, and how many names are missing."""
    parts = (target, *target.parents)
    for count, path in enumerate(parts[1:], 1):
        if is_there(path):
            return path, parts[count - 1].name, count
    return target.parent, target.name, len(parts)


def near_to(target: Path, look: Look) -> str:
    """Name what is near to a file that is not there, as a sentence after a blank; nothing if nothing is."""
    folder, name, count = missing(target)
    try:
        pictures, folders = look.shown(folder)
    except OSError:
        return ""
    if count > 1:
        found = ", ".join(map(quoted, near(name, folders)))
        return f" There is no folder {quoted(name)}. Near to it: {found}." if found else ""
    found = ", ".join(map(quoted, near_pictures(name, pictures)))
    return f" Near to it: {found}." if found else ""


def what_a_folder_holds(target: Path, look: Look) -> str | None:
    """Say that a path is a folder, and which pictures are in it; None if it is none that can be listed."""
    try:
        pictures, folders = look.shown(target)
    except OSError:
        return None
    pictures_in_it = f"Pictures in it: {_listed(pictures)}." if pictures else "It holds no pictures."
    folders_in_it = f" Folders in it: {_listed(folders)}." if folders and not pictures else ""
    shown = quoted(target, LONGEST_PATH)
    return f"is the folder {shown}, no regular file. Give the path of one picture. {pictures_in_it}{folders_in_it}"


def _listed(found: list[str]) -> str:
    more = f", and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
    return ", ".join(map(quoted, found[:MOST_LISTED])) + more
