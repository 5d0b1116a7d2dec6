"""What else the text of a path may mean: as it is dragged into a window, quoted, mentioned or escaped; all pure.

A reading only says where to look. Whether anything is there, and may be read, is asked of each like of any path.
"""

import re
import shlex
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from scenario_mcp.wording import visible

MOST_READINGS = 16
MOST_CHARACTERS, MOST_QUOTES = 4_096, 3  # of a path, and pairs around it

QUOTES = dict(zip("'\"`<\u201c\u201e\u2018\u00ab", "'\"`>\u201d\u201c\u2019\u00bb", strict=True))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two characters at least: one letter is a drive
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_DRIVE = re.compile(r"([A-Za-z]):[/\\]")
_NETWORK = re.compile(r"[/\\]{2}")
_HOME = re.compile(r"(?:\$HOME|\$\{HOME\}|\$env:(?:HOME|USERPROFILE)|%USERPROFILE%)(?=[/\\]|$)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?\w+|%\w+%", re.ASCII)
_ESCAPE, _SHELL = re.compile(r"\\([^\w\\/])"), re.compile(r"['\"]|\\[^\w/]")
_LOCAL = ("", "localhost", "127.0.0.1", "[::1]")


class Reading(NamedTuple):
    """Another text that a path may have been meant as, and a sentence on what the given one looks like."""

    text: str
    looks: str


def of(text: str, *, windows: bool = False) -> list[Reading]:
    """List the other readings of a path, the nearest first, up to some."""
    found = {text: ""}
    waiting = [text] if len(text) <= MOST_CHARACTERS else []
    while waiting and len(found) < MOST_READINGS:
        each = waiting.pop(0)
        for read, looks in _WAYS if windows else (*_WAYS, *_FROM_WINDOWS):
            new = read(each)
            if new and new not in found and _is_path(new):
                found[new] = found[each] or looks
                waiting.append(new)
    return [Reading(new, looks) for new, looks in found.items() if new != text]


def looks(text: str, *, windows: bool = False) -> str:
    """Say what a path looks like that is none as it stands, as a sentence after a blank; nothing of a plain one."""
    sentence = next((each.looks for each in of(text, windows=windows) if each.looks), "")
    sentence = sentence or (VARIABLE if _VARIABLE.match(bare(text)) else "")
    return f" {sentence}" if sentence else ""


def bare(text: str) -> str:
    """Take blanks, and quotes of every kind, off the ends of a text."""
    plain = text.strip()
    for _ in range(MOST_QUOTES):
        if len(plain) > 1 and QUOTES.get(plain[0]) == plain[-1]:
            plain = plain[1:-1].strip()
    return plain


def has_scheme(text: str) -> bool:
    """Tell whether a text is an address of some scheme, and not the name of a file with a colon in it."""
    scheme = _SCHEME.match(text)
    return scheme is not None and (text[scheme.end() :][:1] in ("", "/") or "://" in text or "." not in text)


def is_network(path: str) -> bool:
    """Tell whether a path is that of a device, or of another machine."""
    return bool(_NETWORK.match(path))


def path_of(url: str) -> str | None:
    """Give the path in a file URL, in which people write `#`, `?` and `[` as they are; None for another machine's."""
    rest = url[5:]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() in _LOCAL:
            rest = slash + path
        elif re.fullmatch(r"~|\.{1,2}|[A-Za-z]:|\$\{?\w+\}?", host):  # two slashes, where three are right
            rest = rest[2:]
        else:
            return None
    path = unquote(rest, errors="surrogateescape")
    return path[1:] if re.match(r"/(?:[A-Za-z]:|~(?:/|$))", path) else path


def _is_path(text: str) -> bool:
    return "\0" not in text and not is_network(text) and not _ADDRESS.match(text)


def _as_a_shell_does(text: str) -> str | None:
    """Read the one word that a terminal wrote, with backslashes or quotes, also around a part."""
    try:
        words = shlex.split(text) if _SHELL.search(text) else []
    except ValueError:  # quotes or a backslash at the end
        return None
    return words[0] if len(words) == 1 else None


def _unescaped(text: str) -> str | None:
    return _ESCAPE.sub(r"\1", text)


def _at_home(text: str) -> str | None:
    return _HOME.sub("~", text, count=1) if _HOME.match(text) else None


def _of_url(text: str) -> str | None:
    return path_of(text) if text[:5].lower() == "file:" else None


def _mentioned(text: str) -> str | None:
    return text[1:] if text.startswith("@") else None


def _decoded(text: str) -> str | None:
    return unquote(text, errors="surrogateescape") if re.search("%[0-9A-Fa-f]{2}", text) else None


def _on_this_disk(text: str) -> str | None:
    """Name a drive of Windows as its subsystem for Linux does."""
    drive = _DRIVE.match(text)
    return f"/mnt/{drive[1].lower()}/{text[3:]}".replace("\\", "/") if drive else None


def _with_slashes(text: str) -> str | None:
    return text.replace("\\", "/") if "\\" in text and not _DRIVE.match(text) else None


VARIABLE = "It looks like a path with a variable; none is looked up: write the path out, with ~ for the home folder."
_ESCAPED = "It looks like a path that is escaped for a shell: give it plain, without backslashes and quotes."
_WINDOWS = "It looks like a path of Windows, on which this server does not run: "
_Way = tuple[Callable[[str], str | None], str]
_WAYS: tuple[_Way, ...] = (
    (bare, "It looks like a path in quotes or blanks: give it without them."),
    (visible, "It holds characters that show nothing: give it without them."),
    (_unescaped, _ESCAPED),
    (_as_a_shell_does, _ESCAPED),
    (_at_home, "It looks like a path with a variable: write ~ for the home folder."),
    (_of_url, "It looks like a file URL: give its path."),
    (_mentioned, "It looks like a mention: give the path without @."),
    (_decoded, "It looks like a path that is escaped for a URL: write the characters themselves, a blank for %20."),
)
_FROM_WINDOWS: tuple[_Way, ...] = (
    (_on_this_disk, f"{_WINDOWS}copy the file to this machine, and give its path here."),
    (_with_slashes, f"{_WINDOWS}write / for its backslashes."),
)
