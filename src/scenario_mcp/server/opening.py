"""What a host may open a connection with, and what it is answered: a closed table, from the committed view.

Whatever is answered here, the SDK would answer in the very same way; what is not known in full is left to the SDK.
"""

from __future__ import annotations

import json

from scenario_mcp import __version__
from scenario_mcp.server import view

TYPE_CHECKING = False  # as typing has it; the server's first answer waits for this module
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NoReturn

LEGACY_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS = ("2026-07-28",)

VERSION, CLIENT, CAPABILITIES, LOG_LEVEL, SERVER = (
    f"io.modelcontextprotocol/{name}"
    for name in ("protocolVersion", "clientInfo", "clientCapabilities", "logLevel", "serverInfo")
)
LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
OFFERED = {
    "prompts": {"listChanged": False},
    "resources": {"listChanged": False, "subscribe": False},
    "tools": {"listChanged": False},
}
CACHING = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "private"}
MODERN, LEGACY = "modern", "legacy"
LONGEST_ID = 100
MOST_NOTES, LONGEST_NOTE = 16, 10_000  # bytes; they are kept until the SDK is loaded
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
        if is_note(message) and self._era is not None and len(self.notes) < MOST_NOTES and len(line) < LONGEST_NOTE:
            self.notes.append(line)
            return True, None
        if message is None or not is_request(message):
            return False, None
        params = message.get("params", {})
        if message["method"] == "ping" and self._era != MODERN and _is_plain(params):
            return True, {"jsonrpc": "2.0", "id": message["id"], "result": {}}
        era, result = self._result(message["method"], params)
        if result is None:
            return False, None
        if self.request is None:
            self._era, self.request = era, message
        return True, {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def _result(self, method: str, params: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        if method == "initialize":
            return LEGACY, self._greeting(params) if self._era is None else None
        if self._era in (None, MODERN) and _fits(ENVELOPED, params):
            found = {"supportedVersions": list(MODERN_VERSIONS), **self._about} if method == "server/discover" else None
            found = self._lists.get(method) if found is None else found
            return MODERN, found and {**found, **CACHING, "_meta": {SERVER: self._server}}
        if self._era == LEGACY and _is_plain(params):
            return LEGACY, self._lists.get(method)
        return LEGACY, None

    def _greeting(self, params: dict[str, Any]) -> dict[str, Any] | None:
        if not _is_plain(params) or not _fits(GREETING, params):
            return None
        return {"protocolVersion": params["protocolVersion"], "serverInfo": self._server, **self._about}


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


def is_note(message: Any) -> bool:
    """Tell whether a message is one that nobody answers; the SDK is shown it later, in its order."""
    return (
        isinstance(message, dict)
        and {"jsonrpc", "method"} <= set(message) <= {"jsonrpc", "method", "params"}
        and message["jsonrpc"] == "2.0"
        and isinstance(message["method"], str)
        and isinstance(message.get("params", {}), dict)
    )


def _is_plain(params: dict[str, Any]) -> bool:
    """Tell whether params are those of a handshake's era; in any other the SDK refuses them in its own words."""
    meta = params.get("_meta") or {}
    return _fits(PLAIN, params) and not any(key.startswith("io.modelcontextprotocol/") for key in meta)


def _fits(shape: Any, value: Any) -> bool:
    """Tell whether a value has a shape: a test, a list of a shape, or an object, which may hold more.

    A name of a shape that ends in `!` must be there, one in `?` must not be null, any other may be missing or null.
    Names with an underscore are left to the SDK, which reads some of them as its own.
    """
    if isinstance(shape, dict):
        named = isinstance(value, dict) and all("_" not in name or name == "_meta" for name in value)
        return named and all(_holds(name, each, value) for name, each in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(shape[0], each) for each in value)
    return bool(shape(value))


def _holds(name: str, shape: Any, value: dict[str, Any]) -> bool:
    key = name.rstrip("!?")
    if key not in value:
        return not name.endswith("!")
    return key == name if value[key] is None else _fits(shape, value[key])


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return value is True or value is False


def _are_objects(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


def _is_absent(value: Any) -> bool:
    return False


# What the SDK's own models accept, by their fields; it passes over all others.
_META: dict[str, Any] = {"progressToken?": _is_token}
_INFO: dict[str, Any] = {
    "name!": _is_text,
    "version!": _is_text,
    "title": _is_text,
    "description": _is_text,
    "websiteUrl": _is_text,
    "icons": [{"src!": _is_text, "mimeType": _is_text, "sizes": [_is_text], "theme": ("light", "dark").__contains__}],
}
_CAPABILITIES: dict[str, Any] = {
    "roots": {"listChanged": _is_flag},
    "sampling": {"context": {}, "tools": {}},
    "elicitation": {"form": {}, "url": {}},
    "experimental": _are_objects,
    "extensions": _are_objects,
    "tasks": {
        "list": {},
        "cancel": {},
        "requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}},
    },
}
PLAIN: dict[str, Any] = {"_meta": _META, "cursor": _is_absent}
GREETING: dict[str, Any] = {
    "protocolVersion!": LEGACY_VERSIONS.__contains__,
    "capabilities!": _CAPABILITIES,
    "clientInfo!": _INFO,
}
ENVELOPED: dict[str, Any] = {
    "_meta!": {
        VERSION + "!": MODERN_VERSIONS.__contains__,
        CAPABILITIES + "!": _CAPABILITIES,
        CLIENT: _INFO,
        LOG_LEVEL: LOG_LEVELS.__contains__,
        **_META,
    },
    "cursor": _is_absent,
}
