"""Foreign words made fit to show: the one boundary for texts of records, replies, strangers and file names.

Whoever writes a model's name, a picture's prompt or a file's name may hope that a model reads it as an instruction.
So a foreign text stays on one line, shows every character that it holds, is cut, and is quoted wherever it stands in a
line of ours; what must be an id or a single word is dropped unless it has that shape.
"""

import json
import re
import unicodedata
from typing import Any

LENGTH = 300  # characters of a foreign text, if nobody says
LONGEST_ID, LONGEST_ADDRESS = 200, 3_000
MOST_KNOWN = 10_000  # characters whose visibility is remembered

# Characters that show nothing, though Unicode counts some of them as letters or marks (Default_Ignorable_Code_Point,
# and the Braille blank): with them a text can say to a model what no person sees.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Combining marks, of which three in a row may stay: more of them draw over other lines.
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS = re.compile(f"({_MARK}{{3}}){_MARK}+")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}  # controls, formats, halves, private use, nothing, blanks
_ID = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:/+-]*[A-Za-z0-9_])?")
_WORD = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:/+-]*[A-Za-z0-9_+])?")
# Printable ASCII without blanks, quotes, <>, \, ^, `, {, | and }.
_ADDRESS = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+")


def cut(text: str, length: int) -> str:
    """Cut a text to so many characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def cut_line(text: str, length: int) -> str:
    """Cut a line of ours, which may quote foreign words: quotes that are open at its end are closed."""
    shorter = cut(text, length)
    return f'{shorter}"' if shorter != text and shorter.count('"') % 2 else shorter


class _Visible(dict[int, int]):
    """Maps what shows nothing to a blank, for `str.translate`: Python's categories are too slow for each character."""

    def __missing__(self, code: int) -> int:
        shown = _BLANK if unicodedata.category(chr(code)) in _HIDDEN else code
        if len(self) < MOST_KNOWN:
            self[code] = shown
        return shown


_BLANK = ord(" ")
_BARS, _MARKS_OF_QUOTES = (
    "|\u01c0\u2223\u2502\u2758\uff5c",
    "\u02ba\u02dd\u02ee\u05f4\u2057\u2e42\U0001f676\U0001f677\U0001f678",
)
_VISIBLE = _Visible({ord(bar): ord("¦") for bar in _BARS} | {ord(mark): ord("'") for mark in _MARKS_OF_QUOTES})


def clean(text: object, length: int = LENGTH) -> str:
    """Put a foreign text on one line of visible characters, at most so many.

    Line ends, controls and columns' bars become blanks or look-alikes; what shows nothing is taken out.
    """
    # Only so much is looked at: a text of many megabytes must not take the time of other calls.
    plain = str(text)[: 2 * length + 200]
    if not plain.isascii():
        plain = _MARKS.sub(r"\1", _INVISIBLE.sub("", plain))
    return cut(" ".join(plain.translate(_VISIBLE).split()), length)


def visible(text: str) -> str:
    """Take out of a text what shows nothing."""
    return _INVISIBLE.sub("", text).translate(_NOTHING)


_NOTHING = dict.fromkeys((*range(32), *range(127, 160)))


def quoted(text: object, length: int = LENGTH) -> str:
    """Quote a foreign text for a line of ours; no quote and no backslash inside it can end it, or keep it open."""
    plain = unquotable(clean(text, length)).replace("\\", "\\\\")
    return f'"{plain}"'


def unquotable(text: str) -> str:
    """Replace the quotes in a clean text, so that it can stand between ours."""
    return text.translate(_QUOTES)


_QUOTES = dict.fromkeys(
    (ord('"'), *range(0x201C, 0x2020), 0x2033, 0x2036, 0x275D, 0x275E, *range(0x301D, 0x3020), 0xFF02), "'"
)


def identifier(value: object) -> str | None:
    """Take an id of a record, or None for what has not the shape of one."""
    return value if isinstance(value, str) and len(value) <= LONGEST_ID and _ID.fullmatch(value) else None


def word(value: object, length: int = 80) -> str | None:
    """Take a single technical word, like a type, a capability or a MIME type; None for anything else."""
    return value if isinstance(value, str) and len(value) <= length and _WORD.fullmatch(value) else None


def address(value: object) -> str | None:
    """Take a web address that can stand in a line as it is; None for anything else."""
    return value if isinstance(value, str) and len(value) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(value) else None


def sound(value: Any) -> Any:
    """Replace halves of characters, which JSON can escape but UTF-8 cannot write: one would end the MCP stream."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [sound(each) for each in value]
    if isinstance(value, dict):
        return {sound(key): sound(each) for key, each in value.items()}
    return value


def shown(value: object, length: int = LENGTH) -> str:
    """Show a foreign value as JSON on one line of visible characters, cut."""
    if isinstance(value, str):
        return quoted(value, length)
    text = clean(written(value, length), length + 1)
    return text if len(text) <= length else quoted(text, length)  # what is cut may end within quotes of its own


def written(value: object, most: int) -> str:
    """Write a foreign value as JSON, but no more of it than so many characters tell, and one part more."""
    text = ""
    for part in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        text += part
        if len(text) > most:
            break
    return text


def named(value: object) -> str:
    """Name a foreign value among others: a single word as it is, anything else as JSON."""
    return word(value) or shown(value)


def size(count: int) -> str:
    """Write a number of bytes as people do."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB" if count >= 1e3 else f"{count} B"
