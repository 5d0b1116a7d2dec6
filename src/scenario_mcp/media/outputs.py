"""Finished files on disk: named for a person, whole or not at all, never over another.

A job's files stand in a folder of its day, each named by words of the prompt, a tag of the job and a number. Beside
them a card, a small JSON, tells how they were made and which asset each file is; it is also how they are found again.
"""

import hashlib
import json
import os
import re
import secrets
from base64 import b32encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from scenario_mcp.media import pictures

WORDS, LONGEST = 6, 48  # words of a prompt in a name, and their characters
TAG, LONG_TAG = 4, 12  # characters of an id in a name; the long one where two ids share the short one
SUFFIXES = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "video/x-msvideo": ".avi",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "model/gltf-binary": ".glb",
    "model/obj": ".obj",
    "text/plain": ".txt",
    "application/json": ".json",
    "image/svg+xml": ".svg",
}


@dataclass(frozen=True)
class Place:
    """Where the files of one job belong: a folder, and what their names begin with."""

    folder: Path
    stem: str

    @property
    def card(self) -> Path:
        """The file that tells how the others were made."""
        return self.folder / f"{self.stem}.json"


def place(shelf: Path, made: datetime, words: str, job_id: str) -> Place:
    """Choose the place of a job's files: the one that has its card already, or one by its day, prompt and id."""
    tags = [tag(job_id, length) for length in (TAG, LONG_TAG)]
    for found in (path for each in tags for path in sorted(shelf.glob(f"*/*-{each}.json"))):
        known = Place(found.parent, found.stem)
        if read_card(known).get("jobId") == job_id:
            return known
    free = (Place(shelf / f"{made:%Y-%m-%d}", f"{slug(words)}-{each}") for each in tags)
    return next(each for each in free if not each.card.exists() or each.stem.endswith(tags[-1]))


def slug(words: str) -> str:
    """Make words fit for a file name on every system."""
    plain = re.sub(r"[^\w]+|_+", "-", words.casefold()).strip("-").split("-")
    return "-".join(plain[:WORDS])[:LONGEST].strip("-") or "untitled"


def tag(name: str, length: int = TAG) -> str:
    """Shorten an id to some letters and digits."""
    return b32encode(hashlib.sha256(name.encode()).digest()).decode()[:length].lower()


@dataclass(frozen=True)
class Draft:
    """A file that is being written: not there yet under its name."""

    path: Path
    file: BinaryIO


@contextmanager
def draft(folder: Path) -> Iterator[Draft]:
    """Open a temporary file in a folder; what is not kept by the end is removed. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{secrets.token_hex(8)}.part"
    try:
        with path.open("xb") as file:
            yield Draft(path, file)
    finally:
        path.unlink(missing_ok=True)


def keep(written: Draft, folder: Path, name: str, mime_type: str | None) -> tuple[Path, str]:
    """Give a written file its name, or the next free one, and its SHA-256.

    Raises `NotWhole` for a file that is empty or not what it is said to be, and `OSError`.
    """
    written.file.flush()
    os.fsync(written.file.fileno())
    written.file.close()  # Windows renames no open file
    digest = _sha256(written.path)
    suffix = _suffix(written.path, mime_type)
    number = 1
    while True:
        path = folder / (f"{name}{suffix}" if number == 1 else f"{name} ({number}){suffix}")
        try:
            _publish(written.path, path)
        except FileExistsError:
            if _sha256(path) != digest:
                number += 1
                continue
        return path, digest


class NotWhole(ValueError):
    """A file that cannot be what it is said to be."""


def _publish(draft: Path, path: Path) -> None:
    """Let a file appear whole under a new name. Raises `FileExistsError` if the name is taken."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links
        with path.open("xb"):  # takes the name, so that the next step replaces nothing but this
            pass
        draft.replace(path)


def read_card(place: Place) -> dict[str, Any]:
    """Read a job's card; empty if there is none that can be read."""
    try:
        card = json.loads(place.card.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def filed(place: Place, card: Mapping[str, Any]) -> dict[str, Path]:
    """List the files of a card that are still there, by asset id."""
    files = card.get("files")
    entries = files.items() if isinstance(files, dict) else ()
    named = ((each, entry.get("file")) for each, entry in entries if isinstance(entry, dict))
    paths = ((each, place.folder / name) for each, name in named if isinstance(name, str) and name == Path(name).name)
    return {each: path for each, path in paths if path.is_file()}


def write_card(place: Place, card: Mapping[str, Any]) -> None:
    """Write a job's card, whole or not at all. Raises `OSError`."""
    with draft(place.folder) as written:
        written.file.write(json.dumps(card, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        written.file.close()  # Windows renames no open file
        written.path.replace(place.card)


def _suffix(path: Path, mime_type: str | None) -> str:
    plain = (mime_type or "").partition(";")[0]
    with path.open("rb") as file:
        header = file.read(32)
    named = pictures.kind_of(header)
    if not header or (plain.startswith("image/") and plain != "image/svg+xml" and named is None):
        raise NotWhole("what came is empty or no picture")
    return named.suffix if named else SUFFIXES.get(plain, ".bin")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
