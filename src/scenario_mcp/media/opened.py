"""Opening files and folders without following a link: what was checked is what is opened.

A resolved path holds no links. It is opened name by name, each relative to the folder before it and none through a
link, so a folder that somebody swaps for a link meanwhile leads nowhere. Windows opens nothing relative to a folder:
there the path is resolved once more and compared.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom, BufferedReader
from pathlib import Path

from scenario_mcp.wording import quoted

_RELATIVE = os.open in os.supports_dir_fd and os.link in os.supports_dir_fd


def _flags(*names: str) -> int:
    return sum(getattr(os, name, 0) for name in names)


_SAFELY = _flags("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_BINARY")
_FOLDER = os.O_RDONLY | _SAFELY | _flags("O_DIRECTORY")
_STEP = _FOLDER | _flags("O_PATH")  # where there is O_PATH, a folder need not be readable to be passed through

A_LINK = "a link stands there, and nothing is written or read through links: remove it, or name its target instead"
NOT_REGULAR = "something that is no regular file stands there"


class NotRegular(OSError):
    """A pipe, a device, a socket, a folder or a link where a file is wanted; it was not opened."""


class TooLarge(OSError):
    """A file of more bytes than are wanted."""


class Folder:
    """An open folder; every name is looked up in it, wherever its path leads by now."""

    def __init__(self, path: Path, number: int | None) -> None:
        self.path = path
        self._number = number

    def entries(self) -> "Iterator[os.DirEntry[str]]":
        """List what the folder holds, in no order. Raises `OSError`."""
        with os.scandir(self.path if self._number is None else self._number) as found:
            yield from found

    def looked_at(self, name: str) -> os.stat_result | None:
        """Tell what has a name, links not followed; None if nothing has. Raises `OSError`."""
        try:
            return os.stat(self._at(name), dir_fd=self._number, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def link(self, name: str) -> str | None:
        """Tell where the link of a name leads; None if it is none. Raises `OSError`."""
        found = self.looked_at(name)
        if found is None or not stat.S_ISLNK(found.st_mode):
            return None
        return os.readlink(self._at(name), dir_fd=self._number)

    def is_regular(self, name: str) -> bool:
        """Tell whether a name is that of a regular file."""
        try:
            found = self.looked_at(name)
        except (OSError, ValueError):  # ValueError for a name with a NUL
            return False
        return found is not None and stat.S_ISREG(found.st_mode)

    def create(self, name: str) -> BufferedRandom:
        """Make a file that was not there, open to be written and read. Raises `OSError`."""
        return os.fdopen(self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL), "w+b")

    def read(self, name: str, most: int) -> bytes:
        """Read a regular file whole. Raises `NotRegular`, `TooLarge` and other `OSError`s."""
        with self._regular(name) as file:
            content = b"" if os.fstat(file.fileno()).st_size > most else file.read(most + 1)
            if len(content) > most or (not content and os.fstat(file.fileno()).st_size):
                raise TooLarge(errno.EFBIG, os.strerror(errno.EFBIG), str(self.path / name))
            return content

    def sha256(self, name: str, size: int) -> str | None:
        """Hash a regular file of this size; None for anything else."""
        try:
            with self._regular(name) as file:
                same = os.fstat(file.fileno()).st_size == size
                return hashlib.file_digest(file, "sha256").hexdigest() if same else None
        except OSError:
            return None

    def publish(self, name: str, new: str) -> None:
        """Let a file appear whole under a new name. Raises `FileExistsError` if that is taken, and other `OSError`s."""
        try:
            follow = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}
            os.link(self._at(name), self._at(new), src_dir_fd=self._number, dst_dir_fd=self._number, **follow)
        except (FileExistsError, FileNotFoundError):
            raise
        except OSError:  # file systems without hard links
            self.create(new).close()  # takes the name, so that the next step replaces nothing but this
            try:
                self.replace(name, new)
            except OSError:
                self.remove(new)
                raise

    def replace(self, name: str, new: str) -> None:
        """Give a file another name, over what has it. Raises `OSError`."""
        os.replace(self._at(name), self._at(new), src_dir_fd=self._number, dst_dir_fd=self._number)

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself. Raises `OSError`."""
        os.unlink(self._at(name), dir_fd=self._number)

    @contextmanager
    def _regular(self, name: str) -> Iterator[BufferedReader]:
        # Looked at first, since to open a device may move it; and again, since it may be another one by then.
        if not (found := self.looked_at(name)) or stat.S_ISREG(found.st_mode):
            number = self._open(name, os.O_RDONLY)
            with os.fdopen(number, "rb") as file:
                if stat.S_ISREG((opened := os.fstat(number)).st_mode):
                    if self._number is None:
                        _compare(self.path / name, opened)
                    yield file
                    return
        raise NotRegular(errno.EINVAL, NOT_REGULAR, str(self.path / name))

    def _open(self, name: str, flags: int) -> int:
        try:
            return os.open(self._at(name), flags | _SAFELY, 0o666, dir_fd=self._number)
        except OSError as fault:
            fault.filename = str(self.path / name)
            raise

    def _at(self, name: str) -> str:
        return name if self._number is not None else str(self.path / name)


@contextmanager
def folder(path: Path, *, make: bool = False, search: bool = False) -> Iterator[Folder]:
    """Open the folder of a resolved path, made if wanted; with `search` it need not be readable.

    Raises `OSError`, also where a link stands in the path.
    """
    if not _RELATIVE:
        if make:
            path.mkdir(parents=True, exist_ok=True)
        _compare(path, None)
        yield Folder(path, None)
        return
    number = _descend(path, _STEP if search else _FOLDER, make=make)
    try:
        yield Folder(path, number)
    finally:
        os.close(number)


def read(path: Path, most: int) -> bytes:
    """Read the regular file of a resolved path. Raises `NotRegular`, `TooLarge` and other `OSError`s."""
    with folder(path.parent, search=True) as holding:
        return holding.read(path.name, most)


def is_regular(path: str) -> bool:
    """Tell whether a path is that of a regular file, and not of a link."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _descend(path: Path, last: int, *, make: bool) -> int:
    names = path.parts[1:]
    held = os.open(path.anchor, _STEP if names else last)
    for depth, name in enumerate(names, 1):
        flags = last if depth == len(names) else _STEP
        try:
            deeper = _step(name, flags, held, make=make)
        except OSError as fault:
            fault.filename = str(Path(path.anchor, *names[:depth]))
            raise
        finally:
            os.close(held)
        held = deeper
    return held


def _step(name: str, flags: int, held: int, *, make: bool) -> int:
    try:
        return os.open(name, flags, dir_fd=held)
    except FileNotFoundError:
        if not make:
            raise
    except OSError:
        if stat.S_ISLNK(os.stat(name, dir_fd=held, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, A_LINK) from None
        raise
    with suppress(FileExistsError):  # another server made it meanwhile
        os.mkdir(name, dir_fd=held)
    return _step(name, flags, held, make=False)


def _compare(path: Path, found: os.stat_result | None) -> None:
    """Hold a path against itself resolved anew, and what was opened against what is there. Raises `OSError`."""
    same = os.path.normcase(os.path.realpath(path)) == os.path.normcase(path)
    if not same or (found is not None and not os.path.samestat(found, os.stat(path))):
        raise OSError(errno.ELOOP, A_LINK, str(path))


def in_words(fault: OSError) -> str:
    """Say what a fault is and where, without its number."""
    where = f" ({quoted(os.fsdecode(fault.filename), 500)})" if isinstance(fault.filename, str | bytes) else ""
    return f"{fault.strerror or type(fault).__name__}{where}"
