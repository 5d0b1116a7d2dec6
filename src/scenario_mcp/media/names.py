"""Names of files and folders: fit for every system, and showing all that they hold."""

import hashlib
import re
import unicodedata
from base64 import b32encode
from pathlib import Path

from scenario_mcp import wording

WORDS, LONGEST, MOST_BYTES = 6, 48, 120  # words of a prompt in a name, their characters, and those as UTF-8
SHORT, SHORTEST = 16, 40  # bytes of words in a name that must be shorter still, and of such a name without its suffix
TAG, LONG_TAG = 4, 12  # characters of an id in a name; the long one where two ids share the short one
DEPTH, LONGEST_PART = 3, 40  # names in a folder that an agent chooses, and the characters of each

# Names of devices on Windows in every folder, with any suffix: to open one may wait for a serial port.
DEVICES = {"con", "conin$", "conout$", "prn", "aux", "nul"}
DEVICES |= {f"{port}{number}" for port in ("com", "lpt") for number in (*range(10), *"¹²³")}

RULE = (
    f'must lie below the results folder: up to {DEPTH} names with "/" between, each of up to {LONGEST_PART} letters,'
    ' digits, "-" and "_", with single blanks inside, and no name of a device.'
)


class BadName(ValueError):
    """A folder that an agent may not choose; the message completes the sentence "`folder` ..." and names one."""


def slug(words: str) -> str:
    """Make words fit for a file name on every system."""
    text = unicodedata.normalize("NFC", wording.clean(words, 1_000).casefold())
    plain = re.sub(r"[^\w]+|_+", "-", text).strip("-").split("-")
    short = within(MOST_BYTES, "-".join(plain[:WORDS])[:LONGEST]).strip("-")
    return "untitled" if not short or short in DEVICES else short


def shorter(name: str) -> str:
    """Make a name, without its suffix, as short as it can be, yet another one than that of every other name."""
    return f"{within(SHORT, name).strip('-')}-{tag(name, LONG_TAG)}"


def tag(name: str, length: int = TAG) -> str:
    """Shorten an id to some letters and digits."""
    return b32encode(hashlib.sha256(name.encode("utf-8", "replace")).digest()).decode()[:length].lower()


def folder(text: str, shelf: Path) -> tuple[str, ...]:
    """Read the folder that an agent chose below the results folder. Raises `BadName` for all that is not plain."""
    parts = tuple(unicodedata.normalize("NFC", text).rstrip("/").split("/"))
    if not 0 < len(parts) <= DEPTH or not all(map(_is_plain, parts)):
        raise BadName(f'{RULE} "{_mended(text.removeprefix(str(shelf)))}" would work.')
    return parts


def is_fit(name: str) -> bool:
    """Tell whether a name found on disk can stand in an answer as it is, and leads nowhere else."""
    return wording.clean(name, 255) == name and not name.startswith(".") and not set(name) & set('/\\:"')


def _is_plain(part: str) -> bool:
    letters = "".join(char for char in part if not unicodedata.category(char).startswith("M"))
    plain = re.fullmatch(r"\w[\w-]*(?: [\w-]+)*", letters) and wording.clean(part) == part
    fits = len(part) <= LONGEST_PART and len(part.encode()) <= MOST_BYTES
    return bool(plain) and fits and part.casefold() not in DEVICES


def _mended(text: str) -> str:
    """Find a folder that would do instead."""
    parts = (re.sub(r"[^\w-]+", " ", wording.clean(part)).strip(" -") for part in re.split(r"[/\\]", text))
    short = (within(MOST_BYTES, " ".join(part.split())[:LONGEST_PART]).strip(" -") for part in parts)
    named = [f"{part}-files" if part.casefold() in DEVICES else part for part in short if part]
    return "/".join(named[:DEPTH]) or "results"


def within(size: int, text: str) -> str:
    """Cut a text to so many bytes as UTF-8, which is what file systems count: some take 143 of them in a name."""
    return text.encode()[:size].decode(errors="ignore")
