"""What the account may still spend, as far as the key may read it."""

from dataclasses import dataclass

import anyio

from scenario_mcp import wording
from scenario_mcp.scenario import records, wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ScenarioError

FRESH_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """A team's plan by name, and the Creative Units that are left in its billing period, each if known."""

    name: str | None = None
    left: float | None = None


class Account:
    """Reads the plan of the key's team, and remembers it for a minute, also that it may not be read."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._read: tuple[float, Plan] | None = None

    async def plan(self, deadline: Deadline) -> Plan:
        """Tell the plan; an empty one if the key may not read it or it cannot be had in time. Raises nothing."""
        if self._read is not None and anyio.current_time() - self._read[0] < FRESH_SECONDS:
            return self._read[1]
        try:
            plan = await self._plan(deadline)
        except ScenarioError as fault:
            plan = Plan()
            if fault.passing:
                return plan
        self._read = (anyio.current_time(), plan)
        return plan

    async def _plan(self, deadline: Deadline) -> Plan:
        teams = records.items(
            (await self._client.send(wire.Call("GET", wire.path("teams"), wire.SAFE), deadline)).get("teams")
        )
        ids = [wording.identifier(records.mapping(team).get("id")) for team in teams]
        if len(ids) != 1 or ids[0] is None:  # a key of several teams does not say which one pays
            return Plan()
        read = await self._client.send(wire.Call("GET", wire.path("teams", ids[0], "limits"), wire.SAFE), deadline)
        allowed = records.number(records.mapping(read.get("limits")).get("creativeUnits"))
        used = records.number(records.mapping(read.get("values")).get("creativeUnits"))
        bought = [records.mapping(each).get("remaining") for each in records.items(read.get("oneShotCreativeUnits"))]
        left = None if allowed is None or used is None else max(0.0, allowed - used)
        if left is not None:
            left += sum(records.number(each) or 0.0 for each in bought)
        return Plan(records.words(read.get("plan"), 40), left)
