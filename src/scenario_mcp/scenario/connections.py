"""How connections are made."""

from typing import Any

import httpx

from scenario_mcp.scenario.network import CONNECT_SECONDS, READ_SECONDS

MAX_CONNECTIONS = 16  # httpx 0.28 slows down badly beyond

_LIMITS = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)


def client(transport: httpx.AsyncBaseTransport | None, **options: Any) -> httpx.AsyncClient:
    """Make a client that follows nothing; `transport` replaces the network."""
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=False,
        limits=_LIMITS,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None),
        **options,
    )
