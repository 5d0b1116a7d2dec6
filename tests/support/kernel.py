"""What a kernel, a disk or another user may do: refuse system calls, be full, come as somebody else."""

import os
import platform
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

NOBODY = 65534
CALLS = {  # numbers of system calls, by machine
    "x86_64": {"fsync": 74, "fcntl": 72, "flock": 73, "pwrite64": 18},
    "aarch64": {"fsync": 82, "fcntl": 25, "flock": 32, "pwrite64": 68},
}
LOCK_COMMANDS = (5, 6, 7, 36, 37, 38)  # of fcntl: F_GETLK to F_OFD_SETLKW

as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes another user")
with_filters = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in CALLS, reason="the kernel has no such filters"
)

# Puts a filter before the process that runs it, and then runs our command line.
_FILTERED = """
import ctypes, sys
program, arguments = bytes.fromhex(sys.argv[1]), sys.argv[2:]
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
code = ctypes.create_string_buffer(program)
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(38, 1, 0, 0, 0) == 0
assert prctl(22, 2, ctypes.byref(Program(len(program) // 8, ctypes.addressof(code))), 0, 0) == 0
from scenario_mcp.commands.cli import main
sys.exit(main(arguments))
"""

# Refuses names of more bytes than a file system takes, and then runs our command line.
_SHORT_NAMES = """
import errno, os, sys
longest, arguments = int(sys.argv[1]), sys.argv[2:]
NAMES = {"open": [0], "os.link": [0, 1], "os.rename": [0, 1], "os.mkdir": [0]}
def hook(event, details):
    for each in NAMES.get(event, ()):
        if isinstance(details[each], str) and len(os.fsencode(os.path.basename(details[each]))) > longest:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
sys.addaudithook(hook)
from scenario_mcp.commands.cli import main
sys.exit(main(arguments))
"""

# Begins a state folder anew in many copies of it; in each, something happens before one more step, until all of it
# comes to its end. A step is what Python does to a file of the state. Prints how each ended: a signal's number, or 0.
_AT_EACH_STEP = """
import os, shutil, signal, sys
from pathlib import Path
from scenario_mcp.state import anew

STEPS = {"open", "os.rename", "os.remove", "sqlite3.connect"}
state, event, past = Path(sys.argv[1]), sys.argv[2], 0

def begin(folder, last, event):
    def hook(step, details):
        nonlocal last
        if step in STEPS and f"{folder}/state." in str(details):
            last -= 1
            if last == 0 and event == "fault":
                raise OSError(5, "Input/output error")
            if last == 0:
                os.kill(os.getpid(), signal.SIGKILL if event == "kill" else signal.SIGSTOP)
    if last:
        sys.addaudithook(hook)
    try:
        anew.begin_anew(folder)
    except anew.StoreBroken:
        os._exit(1)
    except anew.StoreBusy:
        os._exit(2)
    os._exit(3 if event == "fault" and last <= 0 else 0)

while True:
    past += 1
    folder = state.with_name(f"{state.name}-{past:02}")
    shutil.copytree(state, folder, symlinks=True)
    first = os.fork() or begin(folder, past, event)
    status = os.waitpid(first, os.WUNTRACED)[1]
    if os.WIFSTOPPED(status):
        other = os.fork() or begin(folder, 0, event)
        status = os.waitpid(other, 0)[1]
        shutil.copytree(folder, f"{folder}-meanwhile", symlinks=True)
        os.kill(first, signal.SIGCONT)
        os.waitpid(first, 0)
    elif os.waitstatus_to_exitcode(status) == 0:
        shutil.rmtree(folder)
        break
    print(os.waitstatus_to_exitcode(status))
"""


def begun_anew_but(event: Literal["kill", "fault", "other"], state: Path) -> dict[Path, int]:
    """Begin copies of a state folder anew, each with a kill, a fault or another beginning before one more of its steps.

    Gives the exit code of each, by folder: 0 or 3 (in spite of the fault) if it came to its end, 1 for a fault, 2 if it
    had to wait. Of `other` it is that of the other beginning, after which a copy was made: the name ends in -meanwhile.
    """
    command = [sys.executable, "-c", _AT_EACH_STEP, f"{state}", event]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return {
        state.with_name(f"{state.name}-{past:02}"): int(code) for past, code in enumerate(done.stdout.split(), start=1)
    }


def command_refused(call: str, error: int, arguments: Sequence[str]) -> list[str]:
    """Give the command that runs ours in a process whose kernel answers a system call with an error.

    Of `fcntl` only what locks is answered so.
    """

    def load(offset: int) -> bytes:
        return struct.pack("HBBI", 0x20, 0, 0, offset)

    def skip_unless(value: int, count: int) -> bytes:
        return struct.pack("HBBI", 0x15, 0, count, value)

    def end(action: int) -> bytes:
        return struct.pack("HBBI", 0x06, 0, 0, action)

    allow, refuse = end(0x7FFF0000), end(0x00050000 | error)
    program = [load(0), skip_unless(CALLS[platform.machine()][call], 0)]
    if call == "fcntl":
        program.append(load(24))  # its second argument
        for command in LOCK_COMMANDS:
            program += [skip_unless(command, 1), refuse]
    else:
        program.append(refuse)
    program[1] = skip_unless(CALLS[platform.machine()][call], len(program) - 2)
    program.append(allow)
    return [sys.executable, "-c", _FILTERED, b"".join(program).hex(), *arguments]


def command_with_short_names(longest: int, arguments: Sequence[str]) -> list[str]:
    """Give the command that runs ours on a file system whose names have at most so many bytes."""
    return [sys.executable, "-c", _SHORT_NAMES, str(longest), *arguments]


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, before)


@contextmanager
def another_user(folder: Path | None = None) -> Iterator[None]:
    """Be somebody who is not root, and who owns a folder: another user than root, and oneself than any other."""
    if os.geteuid() != 0:
        yield
        return
    if folder is not None:
        os.chown(folder, NOBODY, NOBODY)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def common_folder() -> Iterator[Path]:
    """A folder that every user reaches, and that whoever runs the tests owns."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
