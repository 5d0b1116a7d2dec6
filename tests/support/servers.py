"""Servers over a sandbox network, one or several on a state folder, on a clock that a test may set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from scenario_mcp.media.files import Allowed
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.clock import ApiClock
from scenario_mcp.spending.budget import Caps
from scenario_mcp.state.alive import Process
from scenario_mcp.state.journal import Journal
from scenario_mcp.state.store import Store
from scenario_mcp.tools.services import Services, services_over
from support.network import SandboxNetwork
from support.worlds import SANDBOX_CREDENTIALS


@dataclass
class Machine:
    """What the servers of one person share: a network, a state folder (or none), a clock and a results folder.

    `skew` is by how many seconds its clock is wrong.
    """

    network: SandboxNetwork
    state: Path | None = None
    shelf: Path | None = None
    skew: float = 0.0
    caps: Caps | None = None
    wait_seconds: float = 45.0
    previews: bool = True
    toolsets: tuple[str, ...] = ()

    @property
    def clock(self) -> Callable[[], float]:
        return lambda: self.network.world.clock() + self.skew

    def server(
        self,
        store: Store | None = None,
        credentials: tuple[str, str] = SANDBOX_CREDENTIALS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> Services:
        """Start one more server; it opens nothing before it is called."""
        clock = ApiClock(lambda: self.clock())
        client = Client(self.network.base_url, credentials, transport=transport or self.network, clock=clock)
        store = store or Store(self.state)
        return services_over(
            client,
            self.wait_seconds,
            allowed=Allowed((Path.home(),), home=Path.home()),
            store=store,
            journal=Journal(store, client.scope, Process(self.state), self.clock),
            caps=self.caps,
            shelf=self.shelf,
            previews=self.previews,
            toolsets=self.toolsets,
        )
