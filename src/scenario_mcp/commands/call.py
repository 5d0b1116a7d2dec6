"""Call one tool from the shell."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import anyio

from scenario_mcp.commands.wiring import sandboxed, services_for
from scenario_mcp.nearness import near
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.server import dispatch, snapshot
from scenario_mcp.server.results import Rendered
from scenario_mcp.settings import Settings
from scenario_mcp.tools.catalog import TOOLS
from scenario_mcp.tools.services import Services
from scenario_mcp.wording import quoted

LONGEST_NAME = 60  # characters of a name of no tool


class _Terminal:
    """A person at a terminal: progress goes to stderr."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline

    async def progress(self, percent: float, message: str) -> None:
        print(f"{percent:5.1f} %  {message}", file=sys.stderr)


def run(settings: Settings, tool: str, words: Sequence[str], *, sandbox: bool) -> int:
    """Call a tool with `key=value` words; print its result as JSON on stdout, or why there is none on stderr.

    Returns 0 for a result, 1 for an error of the tool, 2 for words that cannot be understood.
    """
    if tool not in TOOLS:
        return _unknown(tool)
    if unclear := [*_unclear(tool, words)]:
        print(unclear[0], file=sys.stderr)
        return 2
    try:
        with sandboxed(settings, sandbox=sandbox) as chosen:
            rendered = anyio.run(_call, services_for(chosen), tool, arguments(words), chosen.sandbox)
    except KeyboardInterrupt:
        print("Interrupted. A job that was named above goes on at Scenario: see wait-for-jobs.", file=sys.stderr)
        return 130
    if rendered.data is None:
        print(rendered.text, file=sys.stderr)
    else:
        print(json.dumps(rendered.data, indent=2, ensure_ascii=False))
    return 1 if rendered.is_error else 0


def explain(tool: str) -> int:
    """Print what a tool does and takes; 2 if there is none of that name."""
    if tool not in TOOLS:
        return _unknown(tool)
    print(f"{tool}: {TOOLS[tool].description}\n")
    print("\n".join(f"  {line}" for line in snapshot.parameters(tool)))
    return 0


def _unknown(tool: str) -> int:
    meant = near(tool, TOOLS, 1)
    advice = f"Did you mean {meant[0]}?" if meant else "`scenario-mcp --toolsets all tools` lists them."
    print(f"There is no tool {quoted(tool, LONGEST_NAME)}. {advice}", file=sys.stderr)
    return 2


def _unclear(tool: str, words: Sequence[str]) -> Iterator[str]:
    """Say which words are no `key=value`, or hold JSON that cannot be read where a list or an object belongs."""
    properties = snapshot.committed()[tool]["inputSchema"]["properties"]
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            yield f"Arguments are written key=value, not {word!r}."
        elif value[:1] in ("{", "[") and properties.get(key, {}).get("type") in ("object", "array"):
            try:
                json.loads(value)
            except ValueError as fault:
                yield f"{key} is not JSON that can be read: {fault}. Put it in single quotes: '{key}=...'."


def arguments(words: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` words; a repeated key gives a list. Values stay text: validation reads them by the schema."""
    given: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in given:
            given[key] = value
        elif isinstance(given[key], list):
            given[key].append(value)
        else:
            given[key] = [given[key], value]
    return given


async def _call(services: Services, tool: str, given: dict[str, Any], sandbox: bool) -> Rendered:
    host = _Terminal(Deadline.after(dispatch.call_seconds(services)))
    try:
        return await dispatch.call(services, tool, given, host, sandbox=sandbox)
    finally:
        with anyio.CancelScope(shield=True):
            await services.purchases.settle()
            await services.client.aclose()
