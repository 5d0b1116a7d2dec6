"""The agent's view of the tools: made from the models, committed as tools.json, served from there."""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from scenario_mcp.server.results import OUTPUT_SCHEMA
from scenario_mcp.tools.catalog import TOOLS, Tool
from scenario_mcp.tools.schema import input_schema

FILE = "tools.json"


def entries() -> list[dict[str, Any]]:
    """Describe every tool as `tools/list` does, from the models."""
    return [_entry(tool) for tool in TOOLS.values()]


@cache
def committed() -> dict[str, dict[str, Any]]:
    """Read the committed descriptions, by tool name."""
    listed = json.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in listed}


def size(names: Iterable[str]) -> int:
    """Count the characters of some tools' descriptions as compact JSON, as a host is sent them."""
    listed = [committed()[name] for name in names]
    return len(json.dumps(listed, ensure_ascii=False, separators=(",", ":"))) if listed else 0


def written(listed: list[dict[str, Any]]) -> str:
    """Write descriptions the way the committed file has them."""
    return json.dumps(listed, indent=1, ensure_ascii=False) + "\n"


def _entry(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": input_schema(tool.input),
        **({"outputSchema": OUTPUT_SCHEMA} if tool.gives_outcome else {}),
        "annotations": {
            "readOnlyHint": tool.hints.read_only,
            "destructiveHint": tool.hints.destructive,
            "idempotentHint": tool.hints.idempotent,
            "openWorldHint": tool.hints.open_world,
        },
    }
