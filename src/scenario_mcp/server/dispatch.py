"""One tool call from its name and arguments to its result, with every expected failure put into words."""

from collections.abc import Mapping
from typing import Any

from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.server import results, snapshot
from scenario_mcp.server.arguments import validate
from scenario_mcp.server.results import Rendered
from scenario_mcp.tools.catalog import TOOLS
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.services import Services

SHORTEST_DEADLINE = 45.0  # hosts cut tool calls at about 60 s


def call_seconds(services: Services) -> float:
    """Say how many seconds a call has from its arrival to its answer."""
    return max(SHORTEST_DEADLINE, services.wait_seconds)


async def call(
    services: Services, name: str, arguments: Mapping[str, Any] | None, host: Host, *, sandbox: bool
) -> Rendered:
    """Call a tool of the catalog. Raises `KeyError` for an unknown name; what else escapes is a bug."""
    tool = TOOLS[name]
    try:
        given = validate(tool.input, snapshot.committed()[name]["inputSchema"], arguments, tool.check)
        return results.render(await tool.run(services, given, host), sandbox=sandbox)
    except ScenarioError as error:
        return results.render_error(error, sandbox=sandbox)
