"""Finished files on disk: whole or not at all, never over another, within the room that a person leaves for them."""

import errno
import hashlib
import os
import secrets
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from scenario_mcp.media import names, opened, pictures
from scenario_mcp.media.opened import Folder

# Suffixes that no system and no browser runs; what is not listed becomes .bin.
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
    "application/json": ".data.json",  # a result must not pass for a card
}
SVG = "image/svg+xml"
MEGABYTE = 1_000_000
KEPT_FREE, KEPT_SHARE = 1_000_000_000, 20  # bytes of a disk that stay free, or one part in so many of a small one
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
CANNOT_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EROFS}
MOST_NAMES = 99  # numbered names that are tried before a random one is taken


class NotWhole(ValueError):
    """A file that cannot be what it is said to be."""


def disk(path: Path) -> tuple[int, int]:
    """Measure the disk of a folder: its bytes, and those that are free. Raises `OSError`."""
    usage = shutil.disk_usage(path)
    return usage.total, usage.free


@dataclass(frozen=True)
class Room:
    """What may be written: `most` bytes in one file, and as much as leaves the disk some room."""

    most: int = 2_000 * MEGABYTE
    disk: Callable[[Path], tuple[int, int]] = disk

    def check(self, folder: Path, coming: int) -> None:
        """Refuse bytes that would fill the disk. Raises `OSError`."""
        total, free = self.disk(folder)
        kept = min(KEPT_FREE, total // KEPT_SHARE)
        if total and free - coming < kept:  # some network folders know no sizes
            words = f"the disk is nearly full, and {kept / MEGABYTE:,.0f} MB stay free: make room, then call again"
            raise OSError(errno.ENOSPC, words, str(folder))


@dataclass(frozen=True)
class Kept:
    """A file that was saved: its size in bytes, and a remark if it was not saved as what it is said to be."""

    path: Path
    sha256: str
    size: int
    remark: str | None = None


class Draft:
    """A file that is being written to a resolved folder: not there under its name before it is kept.

    `add` only collects. `flush`, `keep` and `discard` write, and may take long: they are for threads, one at a time.
    """

    def __init__(self, folder: Path, room: Room) -> None:
        self._folder, self._room = folder, room
        self._name = f".{secrets.token_hex(8)}.part"
        self._chunks: deque[bytes] = deque()
        self._size = self._written = 0
        self._sha256 = hashlib.sha256()
        self._header = b""
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()
        self._unwanted = False

    @property
    def pending(self) -> int:
        """The bytes that were added and not written yet."""
        return self._size - self._written

    def add(self, chunk: bytes) -> None:
        """Take the next bytes. Raises `OSError` as soon as they are too many."""
        self._size += len(chunk)
        if self._size > self._room.most:
            most = f"{self._room.most / MEGABYTE:,.0f} MB"
            raise OSError(errno.EFBIG, f"it is larger than {most}, the most that SCENARIO_MAX_FILE_MB allows")
        if chunk:
            self._chunks.append(chunk)

    def flush(self, patience: float = -1) -> None:
        """Write what was added, after another thread that does so, for which `patience` is waited. Raises `OSError`."""
        if not self._lock.acquire(timeout=patience):
            raise TimeoutError(errno.ETIMEDOUT, "the disk takes nothing more", str(self._folder))
        try:
            self._flush()
        finally:
            self._lock.release()

    def keep(self, name: str, mime_type: str | None) -> Kept:
        """Give the file its name, or the next free one; in any case nothing else is left of it.

        Raises `NotWhole` for a file that is empty or not what it is said to be, and `OSError`.
        """
        with self._lock:
            try:
                if not self._size:
                    raise NotWhole("what came is empty or no picture")
                file = self._flush()
                unsure = _synced(file)
                suffix, remark = _suffix(self._header, mime_type, file, self._size)
                file.close()  # Windows renames no open file
                with opened.folder(self._folder) as folder:
                    name = self._publish(folder, name, suffix)
                remarks = "; ".join(filter(None, (remark, unsure)))
                return Kept(
                    self._folder / name, self._sha256.hexdigest(), self._size, remarks and f"{remarks} ({name})"
                )
            finally:
                self._remove()

    def give_up(self) -> None:
        """Let no thread that still writes publish anything."""
        self._unwanted = True

    def discard(self) -> None:
        """Remove what was written, after the thread that writes it."""
        self.give_up()
        with self._lock:
            self._remove()

    def _flush(self) -> BinaryIO:
        self._check_wanted()
        if self._file is None:
            with opened.folder(self._folder, make=True) as folder:
                self._file = folder.create(self._name)
        content = b"".join(iter(lambda: self._chunks.popleft() if self._chunks else b"", b""))
        self._room.check(self._folder, len(content))
        self._file.write(content)
        self._file.flush()
        self._written += len(content)
        self._sha256.update(content)
        self._header = self._header or content[:32]
        return self._file

    def _publish(self, folder: Folder, name: str, suffix: str) -> str:
        digest = self._sha256.hexdigest()
        for free in _names(name, suffix):
            self._check_wanted()
            try:
                folder.publish(self._name, free)
            except FileExistsError:
                if folder.sha256(free, self._size) != digest:
                    continue
            except OSError as fault:
                if fault.errno != errno.ENAMETOOLONG or len(name.encode()) <= names.SHORTEST:
                    raise
                return self._publish(folder, names.shorter(name), suffix)
            return free
        raise AssertionError("names do not end")

    def _check_wanted(self) -> None:
        if self._unwanted:
            raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))

    def _remove(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                file.close()
            with suppress(OSError), opened.folder(self._folder) as folder:
                folder.remove(self._name)


def _names(name: str, suffix: str) -> Iterator[str]:
    yield f"{name}{suffix}"
    yield from (f"{name} ({number}){suffix}" for number in range(2, MOST_NAMES + 1))
    while True:
        yield f"{name} ({secrets.token_hex(4)}){suffix}"


def _synced(file: BinaryIO) -> str | None:
    """Let the disk keep what was written, whatever happens; gives a remark where it does not say that it did.

    Network folders and those of programs often cannot say it, which is no reason to throw a whole file away. Raises
    `OSError` where it notices only now that it is full.
    """
    try:
        os.fsync(file.fileno())
    except OSError as fault:
        if fault.errno in FULL:
            raise
        if fault.errno not in CANNOT_SYNC:
            return f"the disk did not confirm that it keeps the file: {fault.strerror}"
    return None


def _suffix(header: bytes, mime_type: str | None, file: BinaryIO, size: int) -> tuple[str, str | None]:
    """Choose the suffix by what the file holds first, and a remark if it is not the one that its type has."""
    plain = (mime_type or "").partition(";")[0].strip().lower()
    if kind := pictures.kind_of(header):
        return kind.suffix, None
    if plain == SVG:
        from scenario_mcp.media import svg  # with its parser, which few servers ever need

        try:
            risk = svg.risk(file, size)
        except svg.NoSvg:
            raise NotWhole("what came is no SVG") from None
        remark = f"the SVG holds {risk}, so it was saved as text, which no browser runs"
        return (".svg", None) if risk is None else (".svg.txt", remark)
    if plain.startswith("image/"):
        raise NotWhole("what came is empty or no picture")
    return SUFFIXES.get(plain, ".bin"), None
