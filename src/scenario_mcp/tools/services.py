"""What every tool works with, made once per server."""

from dataclasses import dataclass

from scenario_mcp.scenario.client import Client
from scenario_mcp.spending.purchase import Purchases


@dataclass(frozen=True)
class Services:
    """The API client, the way to spend, and how many seconds a paid call may wait for its job."""

    client: Client
    purchases: Purchases
    wait_seconds: float
