"""Reading a picture file that an agent named: only below the folders a person allows, only pictures."""

import errno
import sys
from dataclasses import dataclass
from pathlib import Path

from scenario_mcp.media import finding, opened, pictures, readings
from scenario_mcp.media.allowed import LONGEST_PATH, NO_FILE
from scenario_mcp.media.allowed import Allowed as Allowed  # whoever reads files says from where
from scenario_mcp.media.allowed import default_folders as default_folders
from scenario_mcp.media.finding import Look
from scenario_mcp.media.pictures import Picture
from scenario_mcp.media.sources import BadSource, FilePath
from scenario_mcp.wording import quoted

LONGEST_NAME = 120  # characters of a name that are repeated in an answer


@dataclass(frozen=True)
class PictureFile:
    """A picture that was read: the bytes that were checked are the bytes to send."""

    path: Path
    content: bytes
    picture: Picture


def read_picture(given: FilePath, allowed: Allowed) -> PictureFile:
    """Read a picture file once, and check it by its content. Raises `BadSource`."""
    look = Look(allowed)
    target = _find(given, allowed, look)
    content = _read(target, look)
    try:
        return PictureFile(target, content, pictures.inspect(content))
    except pictures.BadPicture as bad:
        raise BadSource(f"is the file {quoted(target.name, LONGEST_NAME)}, which {bad}") from None


def _find(given: FilePath, allowed: Allowed, look: Look) -> Path:
    """Find the one file that a path names as it stands, or else in whichever way it can be read. Raises `BadSource`."""
    windows, inside, refusals = allowed.platform == "win32", [], []
    for text in (given.text, *(reading.text for reading in readings.of(given.text, windows=windows))):
        try:
            inside.append(allowed.resolve(FilePath(text)))
        except BadSource as bad:
            refusals.append(bad)
            continue
        if text == given.text and finding.is_there(inside[0]):
            return inside[0]
    found = list(dict.fromkeys(path for target in inside for path in look.alike(target)))
    if len(found) == 1 and look.whole:
        return found[0]
    if len(found) > 1:
        fitting = " and ".join(quoted(path, LONGEST_PATH) for path in found[:2])
        raise BadSource(f"fits more than one file, like {fitting}. Rename one of them, or give an asset id.")
    looks = readings.looks(given.text, windows=windows)
    if not inside:
        raise BadSource(f"{refusals[0]}{looks}")
    nearest = min(inside, key=lambda target: finding.missing(target)[2])
    near = finding.near_to(nearest, Look(allowed))
    raise BadSource(f"names the file {_shown(nearest)}, which was not found.{near}{looks}")


def _read(target: Path, look: Look) -> bytes:
    try:
        return opened.read(target, pictures.MOST_BYTES)
    except opened.NotRegular:
        raise BadSource(finding.what_a_folder_holds(target, look) or NO_FILE) from None
    except opened.TooLarge:
        raise BadSource(f"is a file larger than {pictures.MOST_BYTES // 1_000_000} MB. Make it smaller.") from None
    except OSError as fault:
        raise BadSource(_why_not(target, fault)) from None


def _shown(target: Path) -> str:
    return quoted(target if len(f"{target}") <= LONGEST_PATH else f"{target.name[:80]}...", LONGEST_PATH)


def _why_not(target: Path, fault: OSError) -> str:
    if fault.errno in (errno.ENOENT, errno.ENOTDIR):  # it went meanwhile
        return f"names the file {_shown(target)}, which was not found."
    if fault.errno in (errno.EACCES, errno.EPERM):
        allow = (
            " Ask the user to allow it for the host app: System Settings, Privacy & Security, Files and Folders."
            if sys.platform == "darwin"
            else " Ask the user to let this program read it."
        )
        return f"names the file {_shown(target)}, which may not be read.{allow}"
    if fault.errno == errno.ELOOP:
        return NO_FILE
    return f"names the file {_shown(target)}, which cannot be read ({fault.strerror})."
