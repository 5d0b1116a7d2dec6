"""The two HTTP clients of a server, one for the API and one for files, made when they are needed."""

import os
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from scenario_mcp import wording
from scenario_mcp.scenario.addresses import Rule
from scenario_mcp.scenario.errors import NotConnected

if TYPE_CHECKING:
    import ssl

    import httpx

    from scenario_mcp.scenario.connections import Resolve

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # httpx reads these


class Network:
    """Makes the clients. `rule` judges where files come from and go to.

    `trust_env` lets proxy and certificate variables of the environment apply; `transport` replaces the network, and
    `resolve` how hosts of files are looked up.
    """

    def __init__(
        self,
        rule: Rule,
        transport: "httpx.AsyncBaseTransport | None" = None,
        resolve: "Resolve | None" = None,
        *,
        trust_env: bool = True,
    ) -> None:
        self.replaced = transport is not None
        self._rule = rule
        self._transport = transport
        self._resolve = resolve
        self._trust_env = trust_env
        self._api: httpx.AsyncClient | None = None
        self._files: httpx.AsyncClient | None = None

    def api(self) -> "httpx.AsyncClient":
        """Give the client for the API. Raises `NotConnected` if settings of the network cannot be used."""
        if self._api is None:
            with _usable_settings():
                from scenario_mcp.scenario import connections

                on_the_way = {} if self.replaced else {"verify": self._certificates, "trust_env": self._trust_env}
                self._api = connections.client(self._transport, headers={"Accept-Encoding": "gzip"}, **on_the_way)
        return self._api

    def files(self) -> "httpx.AsyncClient":
        """Give the client for files, which has no credentials. Raises `NotConnected` likewise."""
        if self._files is None:
            with _usable_settings():
                from scenario_mcp.scenario import connections

                judged: httpx.AsyncBaseTransport
                if self._transport is None:
                    resolve = self._resolve or connections.look_up
                    judged = connections.Files(self._rule, self._certificates, resolve, trust_env=self._trust_env)
                else:
                    judged = connections.Judged(self._rule, self._transport, self._resolve)
                self._files = connections.client(judged, headers={"Accept-Encoding": "identity"}, trust_env=False)
        return self._files

    async def aclose(self) -> None:
        """Close the connections, if any were opened."""
        clients, self._api, self._files = (self._files, self._api), None, None
        for client in clients:
            if client is not None:
                await client.aclose()

    @property
    def _certificates(self) -> "ssl.SSLContext":
        places = [os.environ.get(name) for name in CERTIFICATE_VARIABLES]  # noqa: TID251  # httpx reads the same ones
        return _certificates(self._trust_env, *places)


@lru_cache(maxsize=4)
def _certificates(trust_env: bool, *_: str | None) -> "ssl.SSLContext":
    """Read the certificates that servers are checked against: 20 ms for each set of variables, once a process."""
    import httpx

    return httpx.create_ssl_context(trust_env=trust_env)


def raw(response: "httpx.Response") -> AsyncIterable[bytes]:
    """Give the body of a reply as it is sent, also where a transport has it whole already."""
    return cast("AsyncIterable[bytes]", response.stream)


@contextmanager
def _usable_settings() -> Iterator[None]:
    import httpx

    try:
        yield
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as fault:
        # Proxy and certificate variables of the environment are read here, and may be wrong in any way.
        words = wording.clean(fault) or type(fault).__name__
        raise NotConnected(f"The proxy or certificate settings cannot be used ({words}).") from fault
