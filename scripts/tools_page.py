"""The page docs/tools.md, made from the committed descriptions of the tools."""

from collections.abc import Iterator, Mapping
from typing import Any

from scenario_mcp.inferences import schemas
from scenario_mcp.server import snapshot, view
from scenario_mcp.tools.catalog import CORE, TOOLS, TOOLSETS, Tool

OPENING = """\
# Tools

Written by `make snap` from what hosts are sent; do not edit by hand.

Core is always on. `SCENARIO_TOOLSETS`, or `--toolsets`, adds sets: a comma list, or `all`. The sizes are characters of
compact JSON, output schemas and annotations included; a token is counted as four characters.

| set | what it adds | tools | characters | tokens, about |
|---|---|---:|---:|---:|
"""


def page() -> str:
    """Make the whole page."""
    sizes = "".join(_size_row(toolset, purpose) for toolset, purpose in TOOLSETS.items())
    sets = (line for toolset in TOOLSETS for line in _set(toolset))
    return "\n".join((OPENING + sizes, *_prompts(), *sets)).rstrip() + "\n"


def _prompts() -> Iterator[str]:
    yield "## Prompts\n\nWhat hosts show as slash commands or in a menu; those in bold are needed.\n"
    yield "| prompt | what it does | asks for |\n|---|---|---|"
    for entry in view.shown()["prompts"]:
        asked = (f"**`{each['name']}`**" if each["required"] else f"`{each['name']}`" for each in entry["arguments"])
        yield f"| `{entry['name']}` | {entry['description']} | {', '.join(asked)} |"
    yield ""


def _members(toolset: str) -> list[Tool]:
    return [tool for tool in TOOLS.values() if tool.toolset == toolset]


def _size_row(toolset: str, purpose: str) -> str:
    names = [tool.name for tool in _members(toolset)]
    size = snapshot.size(names)
    return f"| `{toolset}` | {purpose} | {len(names)} | {size:,} | {size // 4:,} |\n"


def _set(toolset: str) -> Iterator[str]:
    if tools := _members(toolset):
        yield f"## {'Core' if toolset == CORE else f'Set `{toolset}`'}\n"
    for tool in tools:
        yield from _tool(tool)


def _tool(tool: Tool) -> Iterator[str]:
    entry = snapshot.committed()[tool.name]
    schema = entry["inputSchema"]
    yield f"### `{tool.name}`\n"
    yield tool.description.replace("\n", "\n\n") + "\n"
    yield f"{snapshot.size([tool.name]):,} characters in the list.\n"
    yield "| parameter | takes | meaning |\n|---|---|---|"
    for name, each in schema["properties"].items():
        needed = "**" if name in schema.get("required", ()) else ""
        yield f"| {needed}`{name}`{needed} | {_cell(_takes(each))} | {_cell(each['description'])} |"
    yield ""


def _takes(schema: Mapping[str, Any]) -> str:
    if schema["type"] == "array":
        return f"{schemas.expectation(schema)}, each {schemas.expectation(schema['items'])}"
    return schemas.expectation(schema)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
