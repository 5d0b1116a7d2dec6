"""Stdin and stdout, which belong to JSON-RPC alone: taken once, then read and written as lines of bytes."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as typing has it; the server's first answer waits for this module
if TYPE_CHECKING:
    from typing import BinaryIO


class Pipes:
    """The two ends that a server speaks through.

    `replayed` are lines that were read but not served yet; what answers the first of them, under the id `dropped`, was
    told before and must not be told again.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self.reader = reader
        self.writer = writer
        self.replayed = b""
        self.dropped: str | None = None

    def write(self, line: bytes) -> None:
        """Write one line at once. Raises `OSError` if nobody reads."""
        self.writer.write(line + b"\n")
        self.writer.flush()


def claim() -> Pipes:
    """Take stdin and stdout for the protocol: from now on, prints land on stderr and stray reads find nothing.

    Raises `SystemExit` if one of them is closed.
    """
    try:
        for descriptor in (0, 1):
            os.fstat(descriptor)
    except OSError:
        raise SystemExit("scenario-mcp: stdin and stdout must be open, a host speaks through them.") from None
    pipes = Pipes(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # what a library prints shows at once, and in order
    return pipes
