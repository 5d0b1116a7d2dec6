"""Leniency for sloppy hosts: numbers as text, null for "not said", JSON inside strings, one value for a list."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from scenario_mcp.inferences import host_json

Given = Mapping[str, Any]
Schema = Mapping[str, Any]


def lenient(schema: Schema, arguments: Given, empty: Collection[str] = ()) -> dict[str, Any]:
    """Read arguments the way their sender meant them, guided by the tool's own input schema.

    Text becomes the number, boolean, list or object that the schema wants; one value becomes a list of one; null, an
    empty list where a list is wanted, and an empty text where it can mean nothing else, mean "not said" and are
    dropped. `empty` are names of texts in which it can. What cannot be read stays as it is, for validation to refuse.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    read: dict[str, Any] = {}
    for name, value in arguments.items():
        meant = _read(properties[name], value) if name in properties else value
        if name in properties and (meant is None or _says_nothing(properties[name], value, may_be_empty=name in empty)):
            continue
        read[name] = meant
    return read


# Texts, and lists of texts, of our tools in which nothing says nothing. An empty picture, prompt or model is no slip
# that may pass: a mask that got lost on the way would change, and bill, the whole image.
EMPTY_SAYS_NOTHING = frozenset({
    "assetIds", "backgroundColor", "capability", "cursor", "folder", "jobId", "jobIds", "modelEpoch", "parentId",
    "query", "seed", "since", "tags", "text", "type", "unwantedSequences",
})  # fmt: skip


def _says_nothing(schema: Schema, value: Any, *, may_be_empty: bool) -> bool:
    """Tell whether a value is empty, as forms of hosts send what nobody filled in."""
    if value == [] or not isinstance(value, str) or value.strip():
        return value == [] and schema.get("type") == "array"
    plain = schema.get("items", schema) if schema.get("type") == "array" else schema
    return plain.get("type") not in ("string", None) or "enum" in plain or may_be_empty


def _read(schema: Schema, value: Any) -> Any:
    reader = _READERS.get(schema.get("type", ""))
    return value if value is None or reader is None else reader(schema, value)


def _read_integer(schema: Schema, value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}(\.0+)?\s*", value):
        return int(float(value)) if "." in value else int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _read_number(schema: Schema, value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(
        r"\s*[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?\s*", value
    ):
        number = float(value)
        if not math.isfinite(number):
            return value
        return int(value) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value) else number
    return value


def _read_boolean(schema: Schema, value: Any) -> Any:
    words = {"true": True, "false": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _read_array(schema: Schema, value: Any) -> Any:
    decoded = _decoded(value, list)
    items = decoded if isinstance(decoded, list) else [decoded]
    return [_read(schema.get("items", {}), item) for item in items]


def _read_object(schema: Schema, value: Any) -> Any:
    decoded = _decoded(value, dict)
    return lenient(schema, decoded) if isinstance(decoded, dict) and "properties" in schema else decoded


_READERS: dict[str, Callable[[Schema, Any], Any]] = {
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_boolean,
    "array": _read_array,
    "object": _read_object,
}


def _decoded(value: Any, kind: type) -> Any:
    opening = "[" if kind is list else "{"
    if not (isinstance(value, str) and value.lstrip().startswith(opening)):
        return value
    try:
        decoded = host_json.read(value)
    except ValueError:
        return value
    return decoded if isinstance(decoded, kind) else value
