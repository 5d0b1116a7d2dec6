"""What every tool works with, made once per server."""

from dataclasses import dataclass

from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.models import Models
from scenario_mcp.spending.purchase import Purchases


@dataclass(frozen=True)
class Services:
    """The API client, the models read through it, the way to spend, and the seconds a paid call waits for its job."""

    client: Client
    models: Models
    purchases: Purchases
    wait_seconds: float


def services_over(client: Client, wait_seconds: float) -> Services:
    """Make the services of one client."""
    return Services(client, Models(client), Purchases(client), wait_seconds)
