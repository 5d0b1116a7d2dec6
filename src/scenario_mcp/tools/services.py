"""What every tool works with, made once per server."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenario_mcp.media.files import Allowed
from scenario_mcp.media.outputs import MEGABYTE, Room, disk
from scenario_mcp.scenario.account import Account
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.models import Models
from scenario_mcp.spending.budget import Caps
from scenario_mcp.spending.ledger import Ledger
from scenario_mcp.spending.purchase import Purchases
from scenario_mcp.state.journal import Journal
from scenario_mcp.state.store import Store
from scenario_mcp.state.uploads import Uploads
from scenario_mcp.tools.delivery import Delivery
from scenario_mcp.tools.intake import Intake
from scenario_mcp.tools.threads import Lanes
from scenario_mcp.tools.wish import Origin, origin_of


@dataclass(frozen=True)
class Services:
    """The API client, the models and the plan read through it, the way to spend, and the ways for files in and out.

    `wait_seconds` is how long a paid call waits for its job, `toolsets` are shown besides core.
    """

    client: Client
    models: Models
    account: Account
    purchases: Purchases
    intake: Intake
    delivery: Delivery
    wait_seconds: float
    toolsets: frozenset[str] = frozenset()


def services_over(
    client: Client,
    wait_seconds: float,
    *,
    allowed: Allowed | None = None,
    store: Store | None = None,
    journal: Journal | None = None,
    caps: Caps | None = None,
    shelf: Path | None = None,
    max_file_mb: int = 2_000,
    disk: Callable[[Path], tuple[int, int]] = disk,
    previews: bool = True,
    toolsets: Iterable[str] = (),
    remarks: Sequence[str] = (),
) -> Services:
    """Make the services of one client; without more said, no folder is open to it and nothing outlives it.

    `store` remembers uploads and `journal` generations, `caps` bound what may be spent; `shelf` is the folder that
    results are saved in, `max_file_mb` the most megabytes that one of them may have, `disk` measures the bytes of a
    folder's disk and those that are free; `previews` whether small pictures of them go with an answer. `remarks` are
    told once.
    """
    store = store or Store(None)
    ledger = Ledger(client, journal or Journal(store, client.scope))

    def origin(job_id: str) -> Origin | None:
        entry = ledger.of_job(job_id)
        return None if entry is None else origin_of(entry)

    lanes, room = Lanes(), Room(max_file_mb * MEGABYTE, disk)
    intake = Intake(client, allowed or Allowed(()), Uploads(store, client.scope), lanes)
    delivery = Delivery(client, intake, shelf, origin, room=room, lanes=lanes, with_previews=previews)
    return Services(
        client,
        Models(client),
        Account(client),
        Purchases(client, ledger, caps, remarks),
        intake,
        delivery,
        wait_seconds,
        frozenset(toolsets),
    )
