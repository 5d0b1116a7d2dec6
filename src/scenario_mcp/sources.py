"""Where settings stand: in the environment, and in a small text file of NAME=value lines, whoever wrote it.

The server's first answer waits for this module, so what reads a file is imported when there is one.
"""

from __future__ import annotations

import io
import os
import re
import stat

from scenario_mcp import spelling

TYPE_CHECKING = False  # as typing has it, whose import would take as long as this module
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

GUARDS = ("SCENARIO_MAX_CU_PER_CALL", "SCENARIO_MAX_CU_PER_DAY", "SCENARIO_MAX_FILE_MB", "SCENARIO_INPUT_DIRS")
KEY_PAIRS = (("SCENARIO_API_KEY", "SCENARIO_API_SECRET"), ("SCENARIO_SDK_API_KEY", "SCENARIO_SDK_API_SECRET"))
KEY_NAMES = tuple(name for pair in KEY_PAIRS for name in pair)
MOST_BYTES = 64_000  # of a file of settings
LONGEST_SHOWN = 200  # characters of a value
NO_TEXT = "is not text in UTF-8. Save it as UTF-8"
_NOTHING = (
    " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\xad\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u3000\ufeff"
)
_QUOTES = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c", "\xab\xbb")
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))


class SettingsError(Exception):
    """A setting that cannot be used: the message names it and says what it must be; `rest` is what is left of it."""

    def __init__(self, message: str, rest: Any = None) -> None:
        super().__init__(message)
        self.rest = rest


class _Unreadable(Exception):
    """A file of which no settings can be read; the message goes on after its name."""


def shown(value: str) -> str:
    """Quote what a person, or somebody else, wrote, as `wording.quoted` does."""
    from scenario_mcp.wording import quoted

    return quoted(value, LONGEST_SHOWN)


def heeded(variables: Mapping[str, str]) -> dict[str, str]:
    """Give the settings among some variables, misspelt or not, without those that are empty or never filled in."""
    set_here = {name: bare(value) for name, value in variables.items() if spelling.may_be_ours(name)}
    return {name: value for name, value in set_here.items() if value and not _is_blank(name, value)}


def bare(value: str) -> str:
    """Take off a value what certainly is none of it: blanks and what shows nothing, and a pair of quotes around it."""
    inside = value.strip(_NOTHING)
    if len(inside) > 1 and inside[0] + inside[-1] in _QUOTES and not set(inside[0] + inside[-1]) & set(inside[1:-1]):
        return inside[1:-1].strip(_NOTHING)
    return inside


def _is_blank(name: str, value: str) -> bool:
    """Tell whether a host left a setting blank: it shows the placeholder then.

    Of what guards money and files only the bundle's own placeholder is a blank; another one is a value that is bad. One
    in place of a key is told.
    """
    if name in KEY_NAMES:
        return False
    return bool(re.fullmatch(r"\$\{user_config\.[^}]*\}" if name in GUARDS else r"\$\{[^}]*\}", value))


def file_of(
    folder: str | Path | None, env_file: str | Path | None, *, search: bool = True
) -> tuple[str, dict[str, str], list[str]]:
    """Give the path of the file that counts, what it sets, and what of it is passed over, and why.

    It is the one that `--env-file` names, or else a `.env` that is found. Raises `SettingsError` for the former.
    """
    path = os.fspath(env_file) if env_file is not None else _found_in(folder) if search else None
    if path is None:
        return "", {}, []
    try:
        settings, lines = _read(path)
    except _Unreadable as fault:
        if env_file is not None:
            raise SettingsError(f"--env-file {path}: it {fault}.{_near_to(path)}") from fault
        return path, {}, [f"{shown(path)}: it {fault}."]
    if not lines:
        return path, settings, []
    return path, settings, [f"line {', '.join(map(str, lines[:3]))} of {shown(path)}: it must be NAME=value."]


def _near_to(path: str) -> str:
    """Name files that are near to one that is not there, as a sentence after a blank; nothing if none is."""
    if os.path.lexists(path):
        return ""
    from scenario_mcp.nearness import beside

    near = ", ".join(map(shown, beside(path)))
    return f" Near to it: {near}." if near else ""


def _found_in(folder: str | Path | None) -> str | None:
    """Give the path of the `.env` in a folder, by default the working directory, if there is one."""
    try:
        path = os.path.join(folder or os.getcwd(), ".env")
    except OSError:  # the working directory was removed
        return None
    return path if os.path.exists(path) and not os.path.isdir(path) else None  # venvs have the name too


def _read(path: str) -> tuple[dict[str, str], list[int]]:
    """Give the settings in a file, and the numbers of the lines that name one but cannot be understood.

    Nothing is drawn into a value from elsewhere. Raises `_Unreadable`.
    """
    from dotenv.parser import parse_stream  # which says nothing: a warning for each line could fill a pipe

    text = re.sub(r"[^\S\r\n]{200,}", " ", _text(path))  # on blanks the parser's time grows with their square
    bindings = list(parse_stream(io.StringIO(text)))
    wrong = [each.original for each in bindings if each.error and spelling.PREFIX in each.original.string]
    lines = [each.line + each.string[: -len(each.string.lstrip())].count("\n") for each in wrong]
    return heeded({each.key: each.value or "" for each in bindings if each.key is not None}), lines


def _text(path: str) -> str:
    try:
        text = _content(path).decode("utf-8-sig")
    except OSError as fault:
        raise _Unreadable(f"cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise _Unreadable(NO_TEXT) from None
    if "\0" in text:  # UTF-16, in which no name would be found
        raise _Unreadable(NO_TEXT)
    return text


def _content(path: str) -> bytes:
    """Read a regular file without ever waiting for who is at the other end of a pipe."""
    number = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise _Unreadable("is no regular file")
        with open(number, "rb", closefd=False) as file:
            content = file.read(MOST_BYTES + 1)
    finally:
        os.close(number)
    if len(content) > MOST_BYTES:
        raise _Unreadable(f"is larger than {MOST_BYTES // 1_000} kB")
    return content
