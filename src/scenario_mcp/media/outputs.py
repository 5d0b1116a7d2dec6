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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from scenario_mcp.media import pictures

WORDS, LONGEST = 6, 48  # words of a prompt in a name, and their characters
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
    """Choose the place of a job's files: always the same for the same job."""
    return Place(shelf / f"{made:%Y-%m-%d}", f"{slug(words)}-{tag(job_id)}")


def slug(words: str) -> str:
    """Make words fit for a file name on every system."""
    plain = re.sub(r"[^\w]+|_+", "-", words.casefold()).strip("-").split("-")
    return "-".join(plain[:WORDS])[:LONGEST].strip("-") or "untitled"


def tag(name: str) -> str:
    """Shorten an id to four letters and digits."""
    return b32encode(hashlib.sha256(name.encode()).digest()).decode()[:4].lower()


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
    """Give a written file its name, or the next free one, and its SHA-256. Raises `OSError`."""
    written.file.flush()
    os.fsync(written.file.fileno())
    digest = _sha256(written.path)
    suffix = _suffix(written.path, mime_type)
    for number in count(1):
        path = folder / (f"{name}{suffix}" if number == 1 else f"{name} ({number}){suffix}")
        if path.exists():
            if _sha256(path) == digest:
                return path, digest
            continue
        with suppress(FileExistsError):
            _publish(written.path, path)
            return path, digest
    raise AssertionError("count() never ends")  # pragma: no cover


def _publish(draft: Path, path: Path) -> None:
    """Let a file appear whole under a new name. Raises `FileExistsError` if the name was taken meanwhile."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links
        if path.exists():
            raise FileExistsError from None
        draft.rename(path)


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
    named = ((each, entry.get("file")) for each, entry in (files.items() if isinstance(files, dict) else ()))
    paths = ((each, place.folder / name) for each, name in named if isinstance(name, str) and name == Path(name).name)
    return {each: path for each, path in paths if path.is_file()}


def write_card(place: Place, card: Mapping[str, Any]) -> None:
    """Write a job's card, whole or not at all. Raises `OSError`."""
    with draft(place.folder) as written:
        written.file.write(json.dumps(card, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        written.file.flush()
        written.path.replace(place.card)


def _suffix(path: Path, mime_type: str | None) -> str:
    with path.open("rb") as file:
        named = pictures.kind_of(file.read(32))
    return named.suffix if named else SUFFIXES.get((mime_type or "").partition(";")[0], ".bin")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
