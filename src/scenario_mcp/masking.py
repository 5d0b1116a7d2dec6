"""Hiding the secret in every text that leaves, however it is spelt there."""

import base64
import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from scenario_mcp import wording

HIDDEN = "[hidden]"
SHORTEST = 8  # characters of a secret that is looked for; a shorter one would hide words at random
ROUNDS = 4  # escapings of escapings that are looked through
WINDOW, OVERLAP = 20_000, 2_000  # characters of a long text at once: nothing else runs while one is looked through
DEEPEST = 200  # levels of a value that are looked through; no host sends more, and Python recurses no thousand

Mask = Callable[[str], str]

_ESCAPES = frozenset("%\\&")  # one of these stands in every text that spells a character in another way
_BACKSLASHED = re.compile(
    r"(?:\\+u\{0*([0-9a-f]{1,6})\}|(?:\\+u(?:0000)?|%u)([0-9a-f]{4})|\\+x([0-9a-f]{2})|\\+([/\"'&+=<>:.\\-]))",
    re.IGNORECASE,
)
_NUMBERED = re.compile("&#0*([0-9]+)")
_URL_SAFE = str.maketrans("+/", "-_")


def no_mask(text: str) -> str:
    """Hide nothing, where there is no secret."""
    return text


def mask_of(credentials: tuple[str, str] | None) -> Mask:
    """Make the function that hides a secret: bare, beside its key, in base64 or hex, in any usual escaping.

    A text that spells it in an escaping comes back without that escaping, on one line, and a very long one not at all.
    """
    if credentials is None or len(credentials[1]) < SHORTEST:
        return no_mask
    return _Hiding(tuple(sorted(dict.fromkeys(_spellings(*credentials)), key=len, reverse=True)))


class _Hiding:
    def __init__(self, spellings: tuple[str, ...]) -> None:
        self._spellings = spellings
        self._shortest = min(map(len, spellings))  # an escaping makes it only longer

    def __call__(self, text: str) -> str:
        if len(text) > WINDOW + OVERLAP:
            windows = (text[at : at + WINDOW + OVERLAP] for at in range(0, len(text), WINDOW))
            return HIDDEN if any(self(window) != window for window in windows) else text
        if len(text) < self._shortest:
            return text
        if self._spells(text):
            for spelling in self._spellings:
                text = text.replace(spelling, HIDDEN)
        text = self._hidden_between(text)
        return text if _ESCAPES.isdisjoint(text) else self._escaped(text)

    def _hidden_between(self, text: str) -> str:
        """Look again without what is left out of a text before it is shown, or where a line of base64 is broken."""
        plain = "".join((text if text.isascii() else wording.visible(text)).split())
        return HIDDEN if plain != text and self._spells(plain) else text

    def _escaped(self, text: str) -> str:
        plain = text
        for _ in range(ROUNDS):
            plain, before = _unescaped(plain), plain
            if plain == before:
                break
            if self._spells(plain):
                return self(" ".join(plain.split()))
        return text

    def _spells(self, text: str) -> bool:
        return any(map(text.__contains__, self._spellings))


def masked(value: Any, mask: Mask, levels: int = DEEPEST) -> Any:
    """Hide the secret in every text of a value as JSON has them; what lies deeper than so many levels is left out."""
    if isinstance(value, str):
        return mask(value)
    if not isinstance(value, list | dict):
        return value
    if levels == 0:
        return None
    if isinstance(value, list):
        return [masked(each, mask, levels - 1) for each in value]
    return {mask(name): masked(each, mask, levels - 1) for name, each in value.items()}


def _spellings(key: str, secret: str) -> Iterator[str]:
    """Write the secret in each way that is no escaping: itself, hex, and base64 wherever in a text it stands."""
    content = secret.encode()
    yield secret
    yield content.hex()
    yield content.hex().upper()
    yield secret.replace(" ", "+")  # as forms have it
    for text in (f"{key}:{secret}", secret):
        for coding in ("utf-8", "utf-16-le"):
            yield from _base64(base64.b64encode(text.encode(coding)).decode().rstrip("="))
    for offset in (1, 2):  # in a longer text its base64 begins at one of three places in a group of four
        whole = base64.b64encode(bytes(offset) + content).decode().rstrip("=")
        yield from _base64(whole[offset + 1 : len(whole) - bool((offset + len(content)) % 3)])
    yield from _base64(base64.b64encode(content).decode()[: len(content) // 3 * 4])


def _base64(plain: str) -> Iterator[str]:
    if len(plain) >= SHORTEST:
        yield plain
        yield plain.translate(_URL_SAFE)


def _unescaped(text: str) -> str:
    """Take one round of escaping off: as JSON and other languages have it, as HTML has it, as URLs have it."""
    text = _BACKSLASHED.sub(_char, text)
    if "&#" in text or ";" in text:  # or it is the address of a page, whose parts take their time
        # A number of thousands of digits is an error to Python, and no character.
        text = html.unescape(_NUMBERED.sub(lambda number: f"&#{number[1][:8]}", text))
    return unquote(text, errors="replace")


def _char(escape: "re.Match[str]") -> str:
    braced, four, two, char = escape.groups()
    code = int(braced or four or two or "0", 16)
    return char or (chr(code) if code < 0xD800 or 0xDFFF < code <= 0x10FFFF else "")
