"""Answer a host's first messages from the committed view, while the SDK is still being imported.

The import takes ten times as long as everything else at the start, and all that hosts ask first is known beforehand. So
the handshake and the lists are answered here; with the first line that is anything else the pipes are handed over to
the SDK, which is shown the opening request once more, so that it knows what it would know.

Only what the SDK would answer in the very same way is answered here: the table is closed, the tests compare both ways.
Until the first answer is out, nothing is imported but what stands below; then the import runs in a thread, and this one
imports nothing. To leave the module out, leave it out in `commands/start.py`: nothing else knows it.
"""

from __future__ import annotations

import json
import os
import signal
import threading

from scenario_mcp import __version__
from scenario_mcp.server.view import shown

TYPE_CHECKING = False  # as typing has it, whose import would take longer than an answer
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

    from scenario_mcp.server.pipes import Pipes

MCP_MINOR = "2.3"  # of the SDK whose answers are known; with any other one nothing is answered here
LEGACY_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS = ("2026-07-28",)

VERSION, CLIENT, CAPABILITIES, SERVER = (
    f"io.modelcontextprotocol/{name}" for name in ("protocolVersion", "clientInfo", "clientCapabilities", "serverInfo")
)
OFFERED = {
    "prompts": {"listChanged": False},
    "resources": {"listChanged": False, "subscribe": False},
    "tools": {"listChanged": False},
}
CACHING = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "private"}
MODERN, LEGACY = "modern", "legacy"
INTERNAL_ERROR = -32603
LONGEST_ID = 100


class Opening:
    """What a host has opened a connection with so far, and what it is answered."""

    def __init__(self, view: dict[str, Any], toolsets: Iterable[str]) -> None:
        wanted = {"core", *toolsets}
        self._lists: dict[str, dict[str, Any]] = {
            "tools/list": {
                "tools": [tool for name, tools in view["tools"].items() if name in wanted for tool in tools]
            },
            "prompts/list": {"prompts": view["prompts"]},
            "resources/list": {"resources": []},
            "resources/templates/list": {"resourceTemplates": view["resourceTemplates"]},
        }
        self._about = {"capabilities": OFFERED, "instructions": view["instructions"]}
        self._server = view["serverInfo"] | {"version": __version__}
        self._era: str | None = None
        self.request: dict[str, Any] | None = None
        self.notes: list[bytes] = []

    def take(self, line: bytes) -> tuple[bool, dict[str, Any] | None]:
        """Tell whether a line is of the closed table, and the response to it, if it is a request."""
        message = _read(line)
        if message == {"jsonrpc": "2.0", "method": "notifications/initialized"} and self._era == LEGACY:
            self.notes.append(line)
            return True, None
        if message is None or not _is_request(message):
            return False, None
        era, result = self._result(message["method"], message.get("params", {}))
        if result is None:
            return False, None
        if self.request is None:
            self._era, self.request = era, message
        return True, {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def _result(self, method: str, params: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        if method == "initialize":
            return LEGACY, self._greeting(params) if self._era is None else None
        if self._era in (None, MODERN) and _is_envelope(params):
            found = {"supportedVersions": list(MODERN_VERSIONS), **self._about} if method == "server/discover" else None
            found = self._lists.get(method) if found is None else found
            return MODERN, found and {**found, **CACHING, "_meta": {SERVER: self._server}}
        if self._era == LEGACY and _is_plain(params):
            return LEGACY, self._lists.get(method)
        return LEGACY, None

    def _greeting(self, params: dict[str, Any]) -> dict[str, Any] | None:
        said = {name: value for name, value in params.items() if name != "_meta"}
        sound = (
            set(said) == {"protocolVersion", "capabilities", "clientInfo"}
            and said["protocolVersion"] in LEGACY_VERSIONS
            and _are_capabilities(said["capabilities"])
            and _is_info(said["clientInfo"])
            and _is_plain({name: value for name, value in params.items() if name == "_meta"})
        )
        if not sound:
            return None
        return {"protocolVersion": said["protocolVersion"], "serverInfo": self._server, **self._about}


def _read(line: bytes) -> Any:
    """Read a line of JSON; None for what the SDK might read in another way."""
    try:
        text = line.decode("utf-8")
        return None if "\\ud" in text.lower() else json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _is_request(message: Any) -> bool:
    if not isinstance(message, dict) or not {"jsonrpc", "id", "method"} <= set(message) <= _MEMBERS:
        return False
    number = message["id"]
    plain = _is_token(number) and (not isinstance(number, str) or len(number) <= LONGEST_ID)
    named = message["jsonrpc"] == "2.0" and isinstance(message["method"], str)
    return plain and named and isinstance(message.get("params", {}), dict)


_MEMBERS = {"jsonrpc", "id", "method", "params"}


def _is_token(value: Any) -> bool:
    """Tell whether a value is an id or a progress token that every reader of JSON gives back as it is."""
    return (type(value) is int and abs(value) < 2**53) or (isinstance(value, str) and value.isprintable())


def _is_plain(params: dict[str, Any]) -> bool:
    """Tell whether params hold no more than a progress token."""
    meta = params.get("_meta", {})
    return set(params) <= {"_meta"} and isinstance(meta, dict) and _is_progress(meta)


def _is_progress(meta: dict[str, Any]) -> bool:
    return not meta or (set(meta) == {"progressToken"} and _is_token(meta["progressToken"]))


def _is_envelope(params: dict[str, Any]) -> bool:
    """Tell whether params hold no more than the complete envelope of a known version."""
    meta = params.get("_meta")
    if set(params) != {"_meta"} or not isinstance(meta, dict) or not {VERSION, CLIENT, CAPABILITIES} <= set(meta):
        return False
    return (
        meta[VERSION] in MODERN_VERSIONS
        and _is_info(meta[CLIENT])
        and _are_capabilities(meta[CAPABILITIES])
        and _is_progress({name: value for name, value in meta.items() if name not in (VERSION, CLIENT, CAPABILITIES)})
    )


def _is_info(info: Any) -> bool:
    return (
        isinstance(info, dict)
        and {"name", "version"} <= set(info) <= {"name", "version", "title"}
        and all(isinstance(value, str) for value in info.values())
    )


def _are_capabilities(said: Any) -> bool:
    return isinstance(said, dict) and all(name in _KNOWN and _KNOWN[name](value) for name, value in said.items())


def _is_objects(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


def _is_roots(value: Any) -> bool:
    return value == {} or (
        isinstance(value, dict) and set(value) == {"listChanged"} and value["listChanged"] in (True, False)
    )


_KNOWN: dict[str, Callable[[Any], bool]] = {
    "roots": _is_roots,
    "sampling": lambda value: value == {},
    "elicitation": lambda value: value == {} or (_is_objects(value) and set(value) <= {"form", "url"}),
    "experimental": _is_objects,
    "extensions": _is_objects,
}


def is_known_sdk(paths: Iterable[str]) -> bool:
    """Tell whether the SDK that will be imported is the one whose answers are known, by its folder of metadata."""
    for path in paths:
        if os.path.isfile(os.path.join(path, "mcp", "__init__.py")):
            names = os.listdir(path or ".")
            return any(name.startswith(f"mcp-{MCP_MINOR}.") and name.endswith(".dist-info") for name in names)
    return False


def open_with(pipes: Pipes, toolsets: Iterable[str], load: Callable[[], object]) -> None:
    """Answer a host until it asks for more than is known here; then everything is loaded, and the pipes are ready.

    Ends the process where it would have ended anyway: with stdin, or by a signal. When the import failed, every further
    request is told so.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_by_signal)
    opening = Opening(shown(), toolsets)
    loading = _Loading(load)
    while line := pipes.reader.readline():
        known, response = opening.take(line)
        if not known:
            break
        if response is not None:
            _tell(pipes, response)
            loading.begin()
    else:
        os._exit(0)
    if fault := loading.finish():
        _refuse_all(pipes, opening, line, fault)
    _hand_over(pipes, opening, line)


class _Loading:
    """The import of everything else: in a thread once begun, else by whoever waits for it."""

    def __init__(self, load: Callable[[], object]) -> None:
        self._load = load
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    def begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def finish(self) -> BaseException | None:
        """Wait for the end, and give what went wrong."""
        if self._thread is None:
            self._load()
        else:
            self._thread.join()
        return self._fault

    def _run(self) -> None:
        try:
            self._load()
        except BaseException as fault:  # told to the host and the log by who waits for it
            self._fault = fault


def _hand_over(pipes: Pipes, opening: Opening, line: bytes) -> None:
    """Leave for the SDK what opened the connection, under an id of our own, and the line that was not known here."""
    if opening.request is not None:
        pipes.dropped = f"opening-{os.urandom(8).hex()}"
        opened = json.dumps(opening.request | {"id": pipes.dropped}).encode() + b"\n"
        pipes.replayed = opened + b"".join(opening.notes)
    pipes.replayed += line


def _refuse_all(pipes: Pipes, opening: Opening, line: bytes, fault: BaseException) -> NoReturn:
    import traceback

    traceback.print_exception(fault)
    said = f"The server could not start: {type(fault).__name__}: {fault}. Its log has more; reinstall it if in doubt."
    while line:
        known, response = opening.take(line)
        if not known and _is_request(message := _read(line)):
            response = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": INTERNAL_ERROR, "message": said}}
        if response is not None:
            _tell(pipes, response)
        line = pipes.reader.readline()
    os._exit(1)


def _tell(pipes: Pipes, response: dict[str, Any]) -> None:
    try:
        pipes.write(json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode())
    except OSError:
        os.write(2, b"The host stopped listening\n")
        os._exit(1)


def _end_by_signal(number: int, _: object) -> NoReturn:
    os._exit(128 + number)
