"""The key pair in use: where it stands, why there is none, and what looks wrong in it. No value is ever shown.

The server's first answer waits for this module, so it imports next to nothing.
"""

from __future__ import annotations

import re

from scenario_mcp import sources

TYPE_CHECKING = False  # as typing has it, whose import would take as long as this module
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PAIRS = sources.KEY_PAIRS
NAMES = sources.KEY_NAMES
BEGINNING = "api_"  # of every key, and of no secret, as far as any was seen
LONGEST_PLACEHOLDER = 200
UNFILLED = "it holds a placeholder, which counts as not set"

# What hosts and shells did not fill in, references that nobody resolved, and what examples say in place of a key.
_STRONG = "your|insert|enter|paste|put|replace|change|here|goes|example|placeholder"
_WORDS = (
    f"{_STRONG}|my|the|add|fill|set|with|in|me|it|this|from|scenario|api|key|secret|token|id|value|sample|dummy|fake"
)
_EXAMPLE = rf"(?:{_WORDS})(?:[-_ .]*(?:{_WORDS}))+"
_PLACEHOLDERS = (
    r"\$[a-z_]\w*|\$?\$?\{.*\}|\$\(.*\)|%\w+%|<.*>|\[.*\]|@\w+(\.\w+)*\(.*\)",
    r"[a-z][a-z0-9+.-]*://.*|(arn|env|file|cmd|input|vault|keychain|secrets?|ssm|sops|pass|op)[:/ ].*",
    r"placeholder|example|todo|tbd|none|null|undefined|(api[-_])?(?P<same>[x*.•…?-])(?P=same){2,}",
    rf"(?=.*(?:{_STRONG})){_EXAMPLE}",
)
_ENDS = "[\"'`,;\u2018-\u201f\xab\xbb]"

# What no key holds, and how it came there. The first that is found in a key is told.
_ODD = (
    (r"(?i)^(bearer|basic|authorization)\b[\s:=]", 'begins like a header ("Bearer", "Basic"): give the key alone'),
    (r"^(export |set |\$env:)?\s*[A-Za-z_]\w*\s*=\s*[^=\s]", 'begins with "NAME=": give what stands behind it alone'),
    (r"[•…]|\*{3}|\.{3}", "is cut or masked, as pages show keys: copy it whole"),
    (f"^{_ENDS}|{_ENDS}$", "begins or ends with a quote, a comma or a semicolon"),
    (rf"(?i)^{_EXAMPLE}$", "is made of the words of an example"),
    (r"\s", "holds a blank or a line end"),
    (r"[^!-~]", "holds a letter that no key has, which may look like another one"),
)
_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "0123456789"
_PLAIN = frozenset(f"{_LETTERS}{_DIGITS}_-+/.")
_TWO_IN_ONE = "holds a colon, as if key and secret stood in one: give each in its own variable"


def filled_in(settings: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Give settings without the keys and secrets that are placeholders, and the names of those."""
    unfilled = [name for name in NAMES if _is_placeholder(settings.get(name, ""))]
    return {name: value for name, value in settings.items() if name not in unfilled}, unfilled


def choose(
    environment: Mapping[str, str], in_file: Mapping[str, str], *, trusted: bool
) -> tuple[tuple[str, str] | None, bool, str | None]:
    """Give the key pair in use, whether it stands in the file, and without a pair what is wrong, if anything is set.

    Key and secret come from one place: half a pair in the environment is not completed, nor another account used in
    its stead, by a file that is not trusted. Both hold no placeholders.
    """
    if pair := next(_pairs(environment), None):
        return _sendable(pair, environment, in_file=False)
    half = _half(environment)
    if half and not trusted:
        return None, False, half
    if pair := next(_pairs(in_file), None):
        return _sendable(pair, in_file, in_file=True)
    together = {**in_file, **environment}
    if pair := next(_pairs(together), None):  # of two places that are both the person's own
        return _sendable(pair, together, in_file=True)
    return None, False, _half(together)


def holds_pair(env_file: str | Path) -> bool:
    """Tell whether a file of settings holds a whole key pair. Raises `SettingsError` for one that cannot be read."""
    return any(_pairs(filled_in(sources.file_of(None, env_file)[1])[0]))


def oddities(pair: tuple[str, str], *places: Mapping[str, str]) -> tuple[str, ...]:
    """Say of a pair what no key and no secret holds, by the names of the variables that it stands in."""
    names = next(
        (both for both in PAIRS for place in places if (place.get(both[0]), place.get(both[1])) == pair), PAIRS[0]
    )
    odd = [f"{name} {words}" for name, value in zip(names, pair, strict=True) if (words := _odd(name, value))]
    if pair[0] == pair[1]:
        odd.append(f"{names[0]} and {names[1]} are the same")
    elif pair[1].startswith(f"{pair[0]}:"):
        odd.append(f"{names[1]} {_TWO_IN_ONE}")
    elif pair[1].startswith(BEGINNING) and not pair[0].startswith(BEGINNING):
        odd.append(f"{names[0]} and {names[1]} may have changed places: keys begin with {BEGINNING}")
    return tuple(odd)


def _is_plain(value: str) -> bool:
    """Tell at once of a value that it has the looks of a key: to compile all patterns takes longer than a start may."""
    return _PLAIN.issuperset(value.rstrip("=")) and any(digit in value for digit in _DIGITS)


def _odd(name: str, value: str) -> str | None:
    if _is_plain(value):
        return None
    if found := next((words for pattern, words in _ODD if re.search(pattern, value)), None):
        return found
    # https://www.rfc-editor.org/rfc/rfc7617#section-2: a user-id has no colon, a password may have one
    return _TWO_IN_ONE if ":" in value and not name.endswith("SECRET") else None


def _is_placeholder(value: str) -> bool:
    if not 0 < len(value) <= LONGEST_PLACEHOLDER or _is_plain(value):
        return False
    return any(re.fullmatch(each, value, re.IGNORECASE) for each in _PLACEHOLDERS)


def _pairs(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((settings[key], settings[secret]) for key, secret in PAIRS if key in settings and secret in settings)


def _sendable(
    pair: tuple[str, str], settings: Mapping[str, str], *, in_file: bool
) -> tuple[tuple[str, str] | None, bool, str | None]:
    bad = [name for name in NAMES if settings.get(name) in pair and not settings[name].isprintable()]
    return (None, False, f"{bad[0]} holds characters that no key has") if bad else (pair, in_file, None)


def _half(settings: Mapping[str, str]) -> str | None:
    for pair in PAIRS:
        present = [name for name in pair if name in settings]
        if len(present) == 1:
            missing = pair[1 - pair.index(present[0])]
            odd = _odd(present[0], settings[present[0]])
            return f"{missing} is not set, though {present[0]} is{f', which {odd}' if odd else ''}"
    return None
