"""Names of variables that were misspelt: they are told, never passed over, and the nearest known one with them."""

from __future__ import annotations

import re

TYPE_CHECKING = False  # as typing has it; a server's first answer may wait for this module
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

PREFIX = "SCENARIO_"
NEAR, SAME = 0.8, 0.92  # how much of two names must agree; the second, where a name does not even begin like ours
LONGEST_NAME = 60
_PARTS = ("SCEN", "CENA", "ENAR", "NARI", "ARIO")  # of the prefix, of which a slip leaves one whole


def may_be_ours(name: str) -> bool:
    """Tell whether a name may be meant for this server: a part of its prefix stands in it, in any letters."""
    upper = name.upper()
    return any(part in upper for part in _PARTS)


def nearest(name: str, known: Iterable[str], near: float = NEAR) -> str | None:
    """Find the known name that a misspelt one is nearest to, whatever its case and what stands between its words."""
    from difflib import get_close_matches

    spelt = {_plain(each): each for each in known}
    found = get_close_matches(_plain(name), spelt, 1, near)
    return spelt[found[0]] if found else None


def strays(settings: Collection[str], known: Collection[str], where: str) -> Iterator[tuple[str | None, str]]:
    """Tell the names of one place that seem to be meant for this server and are not known.

    Gives the nearest known name of each, if one is near, and a sentence. That repeats a name only as far as it is one:
    a line that was written wrong may hold the value in it.
    """
    for name in settings:
        begins_so = name.startswith(PREFIX)
        if name in known or not may_be_ours(name):
            continue
        near = nearest(name, known, NEAR if begins_so else SAME)
        if begins_so or near:
            shown = re.split(r"[^A-Za-z0-9_-]", name)[0][:LONGEST_NAME]
            yield near, f"{shown}{where}: no setting has this name{f'; {near} may be meant' if near else ''}."


def _plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name[: 2 * LONGEST_NAME].upper())
