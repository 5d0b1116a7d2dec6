"""What a host wrote on one line: an object, an error that answers it, or nothing.

The SDK passes over what it cannot read, and its host waits for ever. Here every line is read once, mended where its
meaning is plain, and refused where it cannot be served.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from scenario_mcp.inferences import host_json
from scenario_mcp.server.pipes import ENDS, LONGEST

# https://www.jsonrpc.org/specification#error_object
PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS = -32700, -32600, -32602
LONGEST_ID = 1_000  # characters; every answer repeats it

TOO_LONG = f"A line may hold at most {LONGEST // 2**20} MB. Give pictures as paths or asset ids."
NO_MESSAGE = (
    'A message is one object: jsonrpc is "2.0", method is a text, params, if any, are an object, and id, if any, is a'
    f" whole number or a text of at most {LONGEST_ID:,} characters. Several messages go on lines of their own."
)

NO_ARGUMENTS = (
    'arguments must be an object of names and values, like {{"query": "pixel art"}}, or that as a text, not {}.'
)
_KINDS = {str: "a text that holds no object", list: "a list", bool: "true or false", int: "a number", float: "a number"}

_FLAT = r'(?:"(?:[^"\\]|\\.)*"|[^"{}\[\],:\s]+)'
_MEMBER = rf'"(?:[^"\\]|\\.)*"\s*:\s*{_FLAT}\s*'
_ID = r'"id"\s*:\s*(-?\d{1,30}(?:\.\d{1,30})?|"(?:[^"\\]|\\.)*")\s*'
_AMONG_THE_FIRST = re.compile(rf"\s*\{{\s*(?:{_MEMBER},\s*)*?{_ID}[,}}]")
_AMONG_THE_LAST = re.compile(rf"[,{{]\s*{_ID}(?:,\s*{_MEMBER})*\}}\s*\Z")

Id = str | float | None


@dataclass(frozen=True)
class Refusal:
    """The error that answers a line; `id` is that of its message, if one was found, `data` what MCP adds to it."""

    code: int
    reason: str
    id: Id = None
    data: Any = None

    def response(self) -> bytes:
        """Write the answer, without an end of line."""
        error = {"code": self.code, "message": self.reason} | ({} if self.data is None else {"data": self.data})
        return json.dumps({"jsonrpc": "2.0", "id": self.id, "error": error}).encode()


def read(line: bytes) -> dict[str, Any] | Refusal | None:
    """Read the object on a line; None for a blank one.

    Bytes that are no UTF-8, and halves of characters, become U+FFFD.
    """
    if len(line) > LONGEST:
        return Refusal(INVALID_REQUEST, TOO_LONG, found_id(line[:ENDS] + line[-ENDS:]))
    text = line.decode("utf-8", "replace")
    if not text or text.isspace():
        return None
    try:
        message = host_json.read(text)
    except ValueError as fault:  # its words are the parser's, and repeat nothing of the line
        return Refusal(PARSE_ERROR, f"The line is not JSON that can be read: {fault}.", found_id(line))
    sound = isinstance(message, dict) and (is_response(message) or _is_id(message.get("id", 0)))
    return message if sound else no_message(message)


def with_read_arguments(message: dict[str, Any]) -> dict[str, Any] | Refusal:
    """Read the arguments of a tool call that a host wrote as text, or as an empty list or text for none."""
    params = message.get("params")
    if message.get("method") != "tools/call" or not isinstance(params, dict) or "arguments" not in params:
        return message
    written = params["arguments"]
    arguments = {} if written == [] or (isinstance(written, str) and not written.strip()) else written
    if isinstance(arguments, str):
        try:
            arguments = host_json.read(arguments)
        except ValueError:
            arguments = written
    if not isinstance(arguments, dict | None):
        return Refusal(INVALID_PARAMS, NO_ARGUMENTS.format(_KINDS[type(arguments)]), _shown(message.get("id")))
    return message if arguments is written else {**message, "params": {**params, "arguments": arguments}}


def no_message(value: Any) -> Refusal:
    """Refuse what is JSON, but no message."""
    return Refusal(INVALID_REQUEST, NO_MESSAGE, _shown(value.get("id")) if isinstance(value, dict) else None)


def is_response(message: dict[str, Any]) -> bool:
    """Tell whether an object answers a request; then it must never be answered itself, whatever is wrong with it."""
    return "method" not in message and ("result" in message or "error" in message)


def is_silent(message: Any) -> bool:
    """Tell whether a message is a note or a response, which nobody answers."""
    return isinstance(message, dict) and (is_response(message) or ("method" in message and "id" not in message))


def found_id(line: bytes) -> Id:
    """Find the id in a line that cannot be read: among its first members, or its last ones if all brackets close.

    What may be a response has none: its id is one of ours, and might be taken for one of the host's.
    """
    closed = all(line.count(left) == line.count(right) for left, right in ((b"{", b"}"), (b"[", b"]")))
    head, tail = (host_json.mended(end.decode("utf-8", "replace")) for end in (line[:ENDS], line[-ENDS:]))
    match = _AMONG_THE_FIRST.match(head) or (_AMONG_THE_LAST.search(tail) if closed else None)
    try:
        return _shown(json.loads(match[1])) if match and b'"method"' in line else None
    except ValueError:  # it is a text with an escape that is none
        return None


def _is_id(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and len(value) <= LONGEST_ID)


def _shown(value: Any) -> Id:
    """Give an id as JSON-RPC allows it, though MCP may not; None for what is none."""
    number = type(value) is int or (type(value) is float and math.isfinite(value))
    return value if number or isinstance(value, str) else None
