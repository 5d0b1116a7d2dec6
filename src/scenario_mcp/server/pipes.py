"""Stdin and stdout, which belong to JSON-RPC alone: taken once, then read and written as lines of bytes."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as typing has it; the server's first answer waits for this module
if TYPE_CHECKING:
    from typing import BinaryIO


LONGEST = 32 * 2**20  # bytes of a line: pictures travel inside calls
ENDS = 1_000  # bytes that are kept of the end of a longer one: some hosts write a message's id last
CHUNK = 2**16
AT_A_TERMINAL = (
    b"scenario-mcp serves MCP here, on stdin and stdout: a host starts it like this. `scenario-mcp --help` lists what a"
    b" person can do; Ctrl+D ends it.\n"
)
BOM = b"\xef\xbb\xbf"  # some hosts on Windows write it before their first line


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

    def read(self) -> bytes:
        """Read the next line, without a byte order mark; those first that are replayed. Nothing at the end.

        A line that is longer than `LONGEST` is read past: its ends stay, as a line that is too long still.
        """
        if self.replayed:
            line, end, self.replayed = self.replayed.partition(b"\n")
            return line + end
        line = self.reader.readline(LONGEST + 1)
        if len(line) <= LONGEST or line.endswith(b"\n"):
            return line.removeprefix(BOM)
        tail = line[-ENDS:]
        while not tail.endswith(b"\n") and (more := self.reader.readline(CHUNK)):
            tail = (tail + more)[-ENDS:]
        return line.removeprefix(BOM) + tail

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
    try:
        os.fstat(2)
    except OSError:  # its number must not become that of a pipe of ours
        os.open(os.devnull, os.O_WRONLY)
    if os.isatty(0):
        os.write(2, AT_A_TERMINAL)
    pipes = Pipes(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # what a library prints shows at once, and in order
    return pipes
