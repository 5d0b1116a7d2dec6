"""What every tool works with, made once per server."""

from dataclasses import dataclass
from pathlib import Path

from scenario_mcp.media.files import Allowed
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.models import Models
from scenario_mcp.spending.purchase import Purchases
from scenario_mcp.state.store import Store
from scenario_mcp.state.uploads import Uploads
from scenario_mcp.tools.delivery import Delivery
from scenario_mcp.tools.intake import Intake


@dataclass(frozen=True)
class Services:
    """The API client, the models read through it, the way to spend, and the ways in and out for files.

    `wait_seconds` is how long a paid call waits for its job.
    """

    client: Client
    models: Models
    purchases: Purchases
    intake: Intake
    delivery: Delivery
    wait_seconds: float


def services_over(
    client: Client,
    wait_seconds: float,
    *,
    allowed: Allowed | None = None,
    store: Store | None = None,
    shelf: Path | None = None,
    previews: bool = True,
) -> Services:
    """Make the services of one client; without more said, no folder is open to it and nothing outlives it.

    `shelf` is the folder that results are saved in, `previews` whether small pictures of them go with an answer.
    """
    known = Uploads(store or Store(None), client.scope)
    intake = Intake(client, allowed or Allowed(()), known)
    delivery = Delivery(client, intake, shelf, with_previews=previews)
    return Services(client, Models(client), Purchases(client), intake, delivery, wait_seconds)
