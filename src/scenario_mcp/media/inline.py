"""Base64 as agents and programs write it: broken into lines, escaped, for URLs, without its end signs, or bare."""

import base64
import re

from scenario_mcp.media import pictures

HEAD = 64  # characters that tell what bare base64 holds
SHORTEST, LOOKED_AT = 256, 4_096  # characters of a text that is no path if it has these letters alone
SHORTEST_NAME = 24  # characters between two slashes of such a text, on average
ESCAPES = {b"\\n": b"", b"\\r": b"", b"\\t": b"", b"\\/": b"/"} | {
    code: sign for plain, sign in {b"%2B": b"+", b"%2F": b"/", b"%3D": b"="}.items() for code in (plain, plain.lower())
}
BLANKS = (b"%0A", b"%0a", b"%0D", b"%0d", b"%20")
FOR_URLS = bytes.maketrans(b"-_", b"+/")
_LETTERS = re.compile(r"[A-Za-z0-9+/_\s\\-]+=*\s*")


def content_of(text: str) -> bytes | None:
    """Decode base64, whatever stands between its lines and whichever alphabet it has; None if it is none."""
    try:
        plain = text.encode("ascii")
        for written, meant in {**ESCAPES, **dict.fromkeys(BLANKS, b"")}.items():
            plain = plain.replace(written, meant)
        plain = plain.translate(FOR_URLS, b" \t\r\n\f\v").rstrip(b"=")
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None


def is_picture(text: str) -> bool:
    """Tell whether a text is the bare base64 of a picture, by its beginning."""
    head = text[: 2 * HEAD].strip()
    if len(head) < HEAD or not _LETTERS.fullmatch(head):
        return False
    plain = "".join(head.split())
    return pictures.kind_of(content_of(plain[: len(plain) // 4 * 4]) or b"") is not None


def is_other_base64(text: str) -> bool:
    """Tell whether a text looks like base64, and is as long as no path with so few folders."""
    head = text[:LOOKED_AT]
    long = len(head) >= SHORTEST and len(head) >= SHORTEST_NAME * (head.count("/") + 1)
    mixed = all(any(map(of, head)) for of in (str.isupper, str.islower, str.isdigit))
    return long and mixed and _LETTERS.fullmatch(head) is not None
