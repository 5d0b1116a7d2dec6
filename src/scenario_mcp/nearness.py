"""Which of some known names is most like one that was meant: of files, tools, settings."""

import os
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

MOST = 3
ALIKE = 0.6  # of 1: what is less alike is no suggestion
SHORTEST = 3  # letters that a word must share with the begin of another; fewer in scripts of more letters
MOST_BESIDE = 5_000  # names in a folder that are compared
MOST_COMPARED, COMPARED = 5_000, 40  # names, and characters of each: the time grows with the square of these

_WORD = re.compile(r"[^\W_]+")


def near(meant: str, known: Iterable[str], most: int = MOST) -> list[str]:
    """Give the names that are most like the one meant, the likest first.

    A word in common counts, also one that begins another; and so do letters that were swapped, added or left out.
    """
    plain, words = _plain(meant), _words(meant)
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(plain)
    rated = []
    for count, name in enumerate(known):
        letters = _letters(matcher, _plain(name)) if count < MOST_COMPARED else 0.0
        rated.append((-max(letters, _shared(words, _words(name))), name))
    return [name for rating, name in sorted(rated) if -rating >= ALIKE][:most]


def near_pictures(meant: str, known: Iterable[str], most: int = MOST) -> list[str]:
    """Give the names of files that are most like the one meant, whatever their suffixes."""
    stems: dict[str, list[str]] = {}
    for name in known:
        stems.setdefault(Path(name).stem, []).append(name)
    return [name for stem in near(Path(meant).stem, stems, most) for name in sorted(stems[stem])][:most]


def beside(path: str | Path) -> list[str]:
    """Give the names near to a file that a person named and that is not there, of those in its folder."""
    folder, name = os.path.split(path)
    with suppress(OSError), os.scandir(folder or ".") as found:
        return near(name, [entry.name for entry in islice(found, MOST_BESIDE)])
    return []


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name[: 4 * COMPARED]).casefold()[:COMPARED]


def _words(name: str) -> list[str]:
    return _WORD.findall(_plain(name))


def _shared(meant: list[str], words: list[str]) -> float:
    """Rate what the words of one name share with those of another, by their letters."""
    shared = sum(len(word) for word in meant if any(_begins(word, other) for other in words))
    return ALIKE + (1 - ALIKE) * shared / sum(map(len, meant)) if shared else 0.0


def _begins(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and (short == long or len(short) >= (SHORTEST if short.isascii() else 1))


def _letters(matcher: "SequenceMatcher[str]", name: str) -> float:
    matcher.set_seq1(name)
    quick = min(matcher.real_quick_ratio(), matcher.quick_ratio())
    return matcher.ratio() if quick >= ALIKE else 0.0
