"""JSON as hosts write it: by the book, with the halves of characters mended that JavaScript leaves."""

from __future__ import annotations

import re
from typing import Any

_HEX = "[0-9a-fA-F]{2}"
_ESCAPE = re.compile(rf"\\(?:u[dD][89abAB]{_HEX}\\u[dD][c-fC-F]{_HEX}|(u[dD][89a-fA-F]{_HEX})|.)", re.DOTALL)


def read(text: str) -> Any:
    """Read a text. Raises `ValueError` for what is no JSON, nests deeper than 200 or holds a number of 4,300 digits."""
    from pydantic_core import from_json  # which the SDK has imported by then, except where its import failed

    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        if (whole := mended(text)) == text:
            raise
    return from_json(whole, allow_inf_nan=False)


def mended(text: str) -> str:
    """Put U+FFFD for each escaped half of a character: JavaScript writes one where it cuts an emoji."""
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], text)
