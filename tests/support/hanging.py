"""Disks and network folders that do not answer: a real pipe that nobody writes to stands for them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scenario_mcp.media.files import Allowed
from scenario_mcp.media.sources import FilePath


class Pipe:
    """Holds whoever waits for it until it is let go."""

    def __init__(self) -> None:
        self._end, self._other = os.pipe()

    def wait(self) -> None:
        os.read(self._end, 1)

    def wake(self, count: int) -> None:
        """Let so many of those go that wait."""
        os.write(self._other, bytes(count))

    def let_go(self) -> None:
        os.close(self._other)


@contextmanager
def hanging() -> Iterator[Pipe]:
    """Make a pipe that holds threads as long as the block runs."""
    pipe = Pipe()
    try:
        yield pipe
    finally:
        pipe.let_go()


@dataclass(frozen=True)
class NetworkFolder(Allowed):
    """Folders of which those with this word in their path do not answer."""

    pipe: Pipe | None = field(default=None, compare=False)
    word: str = "hung"

    def resolve(self, given: FilePath) -> Path:
        if self.pipe is not None and self.word in given.text:
            self.pipe.wait()
        return super().resolve(given)


class DeadDisk(type(Path())):  # type: ignore[misc]  # the class of paths of this system
    """A folder on a disk that does not answer."""

    pipe: Pipe

    def resolve(self, strict: bool = False) -> Path:
        self.pipe.wait()
        return Path(super().resolve(strict))


@contextmanager
def fifos(*paths: Path) -> Iterator[None]:
    """Put pipes under these names; whoever waits at one of them by the end is let go."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
    try:
        yield
    finally:
        for path in paths:
            if path.exists():
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
