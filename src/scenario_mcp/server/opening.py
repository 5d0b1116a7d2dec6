"""What a host may open a connection with, and what it is answered: a closed table, from the committed view.

Whatever is answered here, the SDK would answer in the very same way; what is not known in full is left to the SDK.
"""

from __future__ import annotations

import json

from scenario_mcp import __version__
from scenario_mcp.server import view

TYPE_CHECKING = False  # as typing has it; the server's first answer waits for this module
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

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
LONGEST_ID = 100
MOST_NESTED = 100  # brackets in a line; the SDK refuses what is too deep


class Opening:
    """What a host has opened a connection with so far, and what it is answered."""

    def __init__(self, toolsets: Iterable[str]) -> None:
        shown = view.shown()
        self._lists: dict[str, dict[str, Any]] = {
            "tools/list": {"tools": view.tools(toolsets)},
            "prompts/list": {"prompts": shown["prompts"]},
            "resources/list": {"resources": []},
            "resources/templates/list": {"resourceTemplates": shown["resourceTemplates"]},
        }
        self._about = {"capabilities": OFFERED, "instructions": shown["instructions"]}
        self._server = shown["serverInfo"] | {"version": __version__}
        self._era: str | None = None
        self.request: dict[str, Any] | None = None
        self.notes: list[bytes] = []

    def take(self, line: bytes) -> tuple[bool, dict[str, Any] | None]:
        """Tell whether a line is of the closed table, and the response to it, if it is a request."""
        message = read_line(line)
        if message == {"jsonrpc": "2.0", "method": "notifications/initialized"} and self._era == LEGACY:
            self.notes.append(line)
            return True, None
        if message is None or not is_request(message):
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


def read_line(line: bytes) -> Any:
    """Read a line of JSON; None for what the SDK might read in another way."""
    try:
        text = line.decode("utf-8")
    except ValueError:
        return None
    odd = "\\ud" in text.lower() or text.count("{") + text.count("[") > MOST_NESTED
    try:
        return None if odd else json.loads(text, parse_constant=_refuse)
    except ValueError:
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def is_request(message: Any) -> bool:
    """Tell whether a message is a request whose id every reader of JSON gives back as it is."""
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
