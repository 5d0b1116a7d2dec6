"""One tool call from its name and arguments to its result, with every expected failure put into words."""

import logging
from collections.abc import Mapping
from typing import Any

import anyio.lowlevel

from scenario_mcp.inferences.schemas import Schema
from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.scenario.jobs import TERMINAL
from scenario_mcp.server import results, snapshot
from scenario_mcp.server.results import Rendered
from scenario_mcp.tools.arguments import validate
from scenario_mcp.tools.catalog import TOOLS, Tool
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import Outcome
from scenario_mcp.tools.services import Services
from scenario_mcp.wording import clean

SHORTEST_DEADLINE = 45.0  # hosts cut tool calls at about 60 s
# What hosts and frameworks add to the arguments of any tool, and their models cannot leave out.
OF_HOSTS = frozenset({
    "action", "chatInput", "random_string", "security_risk", "sessionId", "task_progress", "toolCallId", "toolSummary",
    "wait_for_previous",
})  # fmt: skip
MOST_TOLD = 20  # names in one line of the log

logger = logging.getLogger(__name__)


def call_seconds(services: Services) -> float:
    """Say how many seconds a call has from its arrival to its answer."""
    return max(SHORTEST_DEADLINE, services.wait_seconds)


async def call(
    services: Services, name: str, arguments: Mapping[str, Any] | None, host: Host, *, sandbox: bool
) -> Rendered:
    """Call a tool of the catalog. Raises `KeyError` for an unknown name; what else escapes is a bug."""
    rendered = await _call(services, TOOLS[name], arguments, host, sandbox=sandbox)
    return results.masked(rendered, services.client.mask)


async def _call(
    services: Services, tool: Tool, arguments: Mapping[str, Any] | None, host: Host, *, sandbox: bool
) -> Rendered:
    try:
        schema = snapshot.committed()[tool.name]["inputSchema"]
        given = validate(tool.input, schema, _without_those_of_hosts(schema, arguments or {}), tool.check)
        services.purchases.awaken()
        result = await tool.run(services, given, host)
        rendered = results.render(result, sandbox=sandbox)
        if isinstance(result, Outcome):
            await _answered(services, result, host)
        return rendered
    except ScenarioError as error:
        return results.render_error(error, sandbox=sandbox)


def _without_those_of_hosts(schema: Schema, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what a host added for itself, as long as the tool has no argument of that name."""
    names = [name for name in arguments if name in OF_HOSTS or name.startswith("_")]
    dropped = [name for name in names if name not in schema["properties"]]
    if dropped:
        logger.debug("Arguments of the host were left out: %s", ", ".join(map(clean, dropped[:MOST_TOLD])))
    return {name: value for name, value in arguments.items() if name not in dropped} if dropped else arguments


async def _answered(services: Services, outcome: Outcome, host: Host) -> None:
    """Note which jobs' outcomes this answer tells: the last thing before it is written."""
    await anyio.lowlevel.checkpoint()  # a cancellation that has arrived is heard now: then nobody gets this answer
    took = call_seconds(services) - host.deadline.remaining()
    for row in outcome.rows:
        if row.job_id is not None and row.status in TERMINAL:
            services.purchases.ledger.told(row.job_id, took)
