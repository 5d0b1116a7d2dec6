"""Cards: small JSON files beside results, which tell how they were made and which asset each file is.

They are how results are found again. Whoever may write in the results folder may have written one, so a card is read
only if it is a small regular file, and believed only about files beside it.
"""

import errno
import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scenario_mcp.media import opened, shelf
from scenario_mcp.media.names import LONG_TAG, SHORT, TAG, is_fit, slug, tag, within

MOST_BYTES = 1_000_000
_SIGNED = re.compile(r"((?:\\?/){2}[^\s?#;]+)(?:[?#;]\S*)?")  # no start is tried twice: long texts take no time
_DATA = re.compile(r"data:[\w.+-]+/[\w.+-]+[^\s,]{0,200},\S*", re.IGNORECASE)
LONGEST_VALUE, DEEPEST = 2_000, 12  # characters of a text that a card repeats, and how deep it repeats what is nested


@dataclass(frozen=True)
class Place:
    """Where the files of one job belong: a resolved folder, and what their names begin with."""

    folder: Path
    stem: str

    @property
    def card(self) -> Path:
        """The file that tells how the others were made."""
        return self.folder / f"{self.stem}.json"


def place(top: Path, made: datetime, words: str, job_id: str) -> Place:
    """Choose the place of a job's files below the resolved results folder.

    That is the one that has its card already, or one by its day, prompt and id.
    """
    tags = [tag(job_id, length) for length in (TAG, LONG_TAG)]
    own = [Place(top / f"{made:%Y-%m-%d}", f"{slug(words)}-{each}") for each in tags]
    endings = tuple(f"-{each}.json" for each in tags)
    others = (
        Place(folder.path, name[:-5]) for folder, name in shelf.files(top, 1) if name.endswith(endings) and is_fit(name)
    )
    for found in (*own, *others):
        if read_card(found).get("jobId") == job_id:
            return found
    return own[1] if os.path.lexists(own[0].card) else own[0]


def read_card(place: Place) -> dict[str, Any]:
    """Read a job's card; empty if there is none that can be read."""
    try:
        card = json.loads(opened.read(place.card, MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return card if isinstance(card, dict) else {}


def filed(place: Place, card: Mapping[str, Any]) -> dict[str, Path]:
    """List the files of a card that are still there, by asset id; they are regular files beside it."""
    files = card.get("files")
    entries = files.items() if isinstance(files, dict) else ()
    named = ((each, entry.get("file")) for each, entry in entries if isinstance(entry, dict))
    plain = {each: name for each, name in named if isinstance(name, str) and is_fit(name)}
    try:
        with opened.folder(place.folder) as folder:
            return {each: place.folder / name for each, name in plain.items() if folder.is_regular(name)}
    except OSError:
        return {}


def write_card(place: Place, card: Mapping[str, Any]) -> None:
    """Write a job's card, whole or not at all; what is not a card of the same job stays. Raises `OSError`.

    Where its name is too long it gets a shorter one, which ends alike and so is found.
    """
    try:
        _write(place, card)
    except OSError as fault:
        words, _, end = place.stem.rpartition("-")
        if fault.errno != errno.ENAMETOOLONG or len(words.encode()) <= SHORT:
            raise
        _write(Place(place.folder, f"{within(SHORT, words).strip('-')}-{end}"), card)


def _write(place: Place, card: Mapping[str, Any]) -> None:
    content = _encoded(card)
    if len(content) > MOST_BYTES:
        content = _encoded({**card, "arguments": "(too long to repeat)"})
    with opened.folder(place.folder, make=True) as folder:
        if folder.looked_at(place.card.name) and read_card(place).get("jobId") != card.get("jobId"):
            raise OSError(errno.EEXIST, "something else has its name: move it away", str(place.card))
        part = f".{secrets.token_hex(8)}.part"
        try:
            with folder.create(part) as file:
                file.write(content)
            folder.replace(part, place.card.name)
        except OSError:
            with suppress(OSError):
                folder.remove(part)
            raise


def short(value: Any, depth: int = 0) -> Any:
    """Repeat arguments without the pictures inside them, what addresses may be signed with, and endless depth."""
    if isinstance(value, str):
        if value.lstrip()[:5].lower() == "data:":
            return f"(a data URL of {len(value)} characters)"
        return _SIGNED.sub(r"\1", _DATA.sub("(a data URL)", value[:LONGEST_VALUE]))
    if isinstance(value, Mapping | list) and depth >= DEEPEST:
        return "(deeper)"
    if isinstance(value, Mapping):
        return {str(name)[:LONGEST_VALUE]: short(each, depth + 1) for name, each in value.items()}
    return [short(each, depth + 1) for each in value] if isinstance(value, list) else value


def _encoded(card: Mapping[str, Any]) -> bytes:
    return json.dumps(card, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
