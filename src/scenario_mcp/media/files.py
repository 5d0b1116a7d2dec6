"""Reading a picture file that an agent named: only below the folders a person allows, only pictures.

A path comes from a model, which may have been talked into it. What is outside the folders, or hidden, is refused in the
same words whether or not it exists, so that nothing can be learned by asking.
"""

import errno
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PureWindowsPath

from scenario_mcp.media import pictures
from scenario_mcp.media.pictures import Picture
from scenario_mcp.media.sources import SUFFIXES, BadSource, FilePath

# What programs keep of a person, visible in the home folder of some platforms.
_PRIVATE = {"darwin": "library", "win32": "appdata"}
NO_FILE = "is a path of something that is no regular file. Give the path of a picture file."
# Names of devices on Windows in every folder, with any suffix: to open one may wait for a serial port.
_DEVICES = {"con", "conin$", "conout$", "prn", "aux", "nul"}
_DEVICES |= {f"{port}{number}" for port in ("com", "lpt") for number in (*range(10), *"¹²³")}
LONGEST_PATH = 500  # characters that are repeated in an answer
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"))


@dataclass(frozen=True)
class PictureFile:
    """A picture that was read: the bytes that were checked are the bytes to send."""

    path: Path
    content: bytes
    picture: Picture


@dataclass(frozen=True)
class Allowed:
    """The folders that files may come from, and the words that say so."""

    folders: tuple[Path, ...]
    home: Path | None = None
    platform: str = sys.platform

    def resolve(self, given: FilePath) -> Path:
        """Resolve `~` and links, and hold the target against the folders.

        Raises `BadSource`, always in the same words; others for a name that is no file's on this platform.
        """
        if self.platform == "win32" and _is_no_file_of_windows(given.text):
            raise BadSource(NO_FILE)
        try:
            target = Path(given.text).expanduser().resolve()
            if any(map(os.path.islink, (target, *target.parents))):  # a loop, of which Python 3.13 says nothing
                raise RuntimeError
        except (OSError, RuntimeError, ValueError):  # a loop of links, a user that is none, a name that is too long
            raise self._outside() from None
        if not any(self._below(folder, target) for folder in self.folders):
            raise self._outside()
        return target

    def _below(self, folder: Path, target: Path) -> bool:
        try:
            root = folder.resolve()
            parts = target.relative_to(root).parts
        except (OSError, RuntimeError, ValueError):
            return False
        if not parts or any(part.startswith(".") for part in parts):
            return False
        return not self._is_private(target) or self._is_private(root)

    def _is_private(self, path: Path) -> bool:
        """Tell whether a path lies in what programs keep in the home folder."""
        try:
            parts = path.relative_to(self.home.resolve()).parts if self.home else ()
        except (OSError, RuntimeError, ValueError):
            return False
        return bool(parts) and parts[0].casefold() == _PRIVATE.get(self.platform)

    def _outside(self) -> BadSource:
        named = ", ".join(str(folder) for folder in self.folders) or "none"
        return BadSource(
            f"is a path outside the folders that files may come from ({named}), or hidden in them."
            " Move the picture there, or ask the user to name its folder in SCENARIO_INPUT_DIRS."
        )


def _is_no_file_of_windows(path: str) -> bool:
    """Tell whether a path names a device or a stream of a file, which Windows opens like files."""
    parts = [part for part in PureWindowsPath(path).parts if part != PureWindowsPath(path).anchor]
    return any(":" in part or part.partition(".")[0].strip().casefold() in _DEVICES for part in parts)


def read_picture(given: FilePath, allowed: Allowed) -> PictureFile:
    """Read a picture file once, and check it by its content. Raises `BadSource`."""
    target = allowed.resolve(given)
    content = _read(target)
    try:
        return PictureFile(target, content, pictures.inspect(content))
    except pictures.BadPicture as bad:
        raise BadSource(f"is the file {target.name}, which {bad}") from None


def _read(target: Path) -> bytes:
    try:
        number = os.open(target, _FLAGS)
    except OSError as fault:
        raise BadSource(_why_not(target, fault)) from None
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise BadSource(NO_FILE)
        if found.st_size > pictures.MOST_BYTES:
            raise BadSource(f"is a file larger than {pictures.MOST_BYTES // 1_000_000} MB. Make it smaller.")
        with open(number, "rb", closefd=False) as file:
            return file.read(pictures.MOST_BYTES + 1)
    except OSError as fault:
        raise BadSource(_why_not(target, fault)) from None
    finally:
        os.close(number)


def _why_not(target: Path, fault: OSError) -> str:
    shown = f"{target}" if len(f"{target}") <= LONGEST_PATH else target.name[:80] + "..."
    if fault.errno in (errno.ENOENT, errno.ENOTDIR):
        near = get_close_matches(target.name.lower(), names := _picture_names(target.parent), 3, 0.5)
        hint = f" Near to it: {', '.join(names[each] for each in near)}." if near else ""
        return f"names the file {shown}, which was not found.{hint}"
    if fault.errno in (errno.EACCES, errno.EPERM):
        allow = (
            " Ask the user to allow it for the host app: System Settings, Privacy & Security, Files and Folders."
            if sys.platform == "darwin"
            else " Ask the user to let this program read it."
        )
        return f"names the file {shown}, which may not be read.{allow}"
    if fault.errno in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
        return NO_FILE
    return f"names the file {shown}, which cannot be read ({fault.strerror})."


def _picture_names(folder: Path) -> dict[str, str]:
    try:
        found = sorted(os.listdir(folder))
    except OSError:
        return {}
    return {name.lower(): name for name in found if name.lower().endswith(SUFFIXES) and not name.startswith(".")}


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
