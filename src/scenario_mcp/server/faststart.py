"""Answer a host's first messages from the committed view, while the SDK is still being imported.

The import takes ten times as long as everything else at the start, and all that hosts ask first is known beforehand. So
the handshake and the lists are answered here; with the first line that is anything else the pipes are handed over to
the SDK, which is shown the opening request once more, so that it knows what it would know.

What is answered stands in `opening.py`. Until the first answer is out, nothing is imported but what stands below; then
the import runs in a thread, and this one imports nothing. Only `commands/start.py` knows this module; without it, the
pipes never replay anything.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

from scenario_mcp.server.opening import Opening, is_request, read_line

TYPE_CHECKING = False  # as typing has it, whose import would take longer than an answer
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

    from scenario_mcp.server.pipes import Pipes

MCP_MINOR = "2.3"  # of the SDK whose answers are known; with any other one nothing is answered here
INTERNAL_ERROR = -32603
MOST_ANSWERS = 64  # far more than hosts ask first; from then on whoever reads must not wait for who writes


def is_possible() -> bool:
    """Tell whether a server here may start fast: not on Windows, and only with the SDK whose answers are known."""
    return sys.platform != "win32" and is_known_sdk(sys.path)


def is_known_sdk(paths: Iterable[str]) -> bool:
    """Tell whether the SDK that will be imported is the one whose answers are known, by its folder of metadata."""
    for path in paths:
        if os.path.isfile(os.path.join(path, "mcp", "__init__.py")):
            try:
                names = os.listdir(path or ".")
            except OSError:
                return False
            found = [name for name in names if name.startswith("mcp-") and name.endswith(".dist-info")]
            return bool(found) and all(name.startswith(f"mcp-{MCP_MINOR}.") for name in found)
    return False


def open_with(pipes: Pipes, toolsets: Iterable[str], load: Callable[[], Any]) -> Any:
    """Answer a host until it asks for more than is known here, and give what was loaded meanwhile.

    Ends the process where it would have ended anyway: with stdin, or by a signal. When loading failed, the log is told
    at once, and the host with every further request.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_by_signal)
    opening, loading = Opening(toolsets), _Loading(load)
    answered = 0
    while line := pipes.read():
        if answered == MOST_ANSWERS:
            break
        if line.isspace():
            continue
        known, response = opening.take(line)
        if not known:
            break
        if response is not None:
            _tell(pipes, response)
            loading.begin()
            answered += 1
    else:
        os._exit(0 if loading.fault is None else 1)
    loading.finish()
    if loading.fault is not None:
        _refuse_all(pipes, opening, line, loading.fault)
    _hand_over(pipes, opening, line)
    return loading.loaded


class _Loading:
    """The making of everything else: in a thread once begun, else by whoever waits for it."""

    loaded: Any

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._thread: threading.Thread | None = None
        self.fault: BaseException | None = None

    def begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait for the end."""
        if self._thread is None:
            self.loaded = self._load()
        else:
            self._thread.join()

    def _run(self) -> None:
        try:
            self.loaded = self._load()
        except BaseException as fault:  # also told to the host, by who waits for it
            self.fault = fault
            _log(fault)


def _log(fault: BaseException) -> None:
    import traceback

    try:
        traceback.print_exception(fault)
    except Exception:  # nobody reads stderr: the host is told all the same
        return


def _hand_over(pipes: Pipes, opening: Opening, line: bytes) -> None:
    """Leave for the SDK what opened the connection, under an id of our own, and the line that was not known here."""
    if opening.request is not None:
        pipes.dropped = f"opening-{os.urandom(8).hex()}"
        opened = json.dumps(opening.request | {"id": pipes.dropped}).encode() + b"\n"
        pipes.replayed = opened + b"".join(opening.notes)
    pipes.replayed += line


def _refuse_all(pipes: Pipes, opening: Opening, line: bytes, fault: BaseException) -> NoReturn:
    from scenario_mcp.server import lines

    said = f"The server could not start: {type(fault).__name__}: {fault}. Its log has more; reinstall it if in doubt."
    while line:
        known, response = opening.take(line)
        message = read_line(line)
        if response is not None:
            _tell(pipes, response)
        elif not known and not line.isspace() and not lines.is_silent(message):
            number = message["id"] if is_request(message) else lines.found_id(line)
            _write(pipes, lines.Refusal(INTERNAL_ERROR, said, number).response())
        line = pipes.read()
    os._exit(1)


def _tell(pipes: Pipes, response: dict[str, Any]) -> None:
    _write(pipes, json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode())


def _write(pipes: Pipes, line: bytes) -> None:
    try:
        pipes.write(line)
    except OSError:
        os.write(2, b"The host stopped listening\n")
        os._exit(1)


def _end_by_signal(number: int, _: object) -> NoReturn:
    os._exit(128 + number)
