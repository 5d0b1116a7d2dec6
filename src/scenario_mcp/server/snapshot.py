"""What hosts are shown of this server, made from the models to be committed as tools.json.

It depends on the version and the toolsets alone, so that lists can be answered before anything else is loaded.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from scenario_mcp.inferences import schemas
from scenario_mcp.server import prompts, resources
from scenario_mcp.server.instructions import INSTRUCTIONS
from scenario_mcp.server.view import shown
from scenario_mcp.tools.catalog import TOOLS, TOOLSETS, Tool
from scenario_mcp.tools.schema import input_schema


def made() -> dict[str, Any]:
    """Make the view from the models: who the server is, tools by toolset, prompts, resource templates."""
    return {
        "serverInfo": {"name": "scenario-mcp", "title": "Scenario"},
        "instructions": INSTRUCTIONS,
        "prompts": prompts.entries(),
        "resourceTemplates": resources.entries(),
        "tools": {
            toolset: [_entry(tool) for tool in TOOLS.values() if tool.toolset == toolset] for toolset in TOOLSETS
        },
    }


@cache
def committed() -> dict[str, dict[str, Any]]:
    """Read the committed descriptions of tools, by name."""
    return {entry["name"]: entry for entries in shown()["tools"].values() for entry in entries}


def parameters(name: str) -> Iterator[str]:
    """Describe what a tool takes, one line for each argument."""
    schema = committed()[name]["inputSchema"]
    for each, told in schema["properties"].items():
        needed = ", needed" if each in schema.get("required", ()) else ""
        yield f"{each} ({schemas.expectation(told)}{needed}): {told['description']}"


def size(names: Iterable[str]) -> int:
    """Count the characters of some tools' descriptions as compact JSON, as a host is sent them."""
    listed = [committed()[name] for name in names]
    return len(json.dumps(listed, ensure_ascii=False, separators=(",", ":"))) if listed else 0


def written(view: dict[str, Any]) -> str:
    """Write a view the way the committed file has it."""
    return json.dumps(view, indent=1, ensure_ascii=False) + "\n"


def _entry(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": input_schema(tool.input),
        "annotations": {
            "readOnlyHint": tool.hints.read_only,
            "destructiveHint": tool.hints.destructive,
            "idempotentHint": tool.hints.idempotent,
            "openWorldHint": tool.hints.open_world,
        },
    }
