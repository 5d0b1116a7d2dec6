"""The two HTTP clients of a server, one for the API and one for files, made when they are needed."""

import os
import sys
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
CERTIFICATES = {"SSL_CERT_FILE": "cafile", "SSL_CERT_DIR": "capath"}  # as OpenSSL names them
KEEPS_ITS_OWN = ("darwin", "win32")  # systems that judge certificates themselves; others keep theirs in files
UNTRUSTED = (
    "This machine does not trust the certificate, as it happens behind a company's proxy that reads along, or when the"
    " clock is wrong. Ask the user to install the company's certificate in the system, or to name its PEM file in"
    " SSL_CERT_FILE, in the configuration of this server, and to restart it."
)


class Network:
    """Makes the clients, for the API at `base_url` and for files, whose addresses `rule` judges.

    Certificates are those that the system trusts, and those of SSL_CERT_FILE and SSL_CERT_DIR. `trust_env` lets the
    proxies of the environment apply; `transport` replaces the network, and `resolve` how hosts of files are looked up.
    """

    def __init__(
        self,
        base_url: str,
        rule: Rule,
        transport: "httpx.AsyncBaseTransport | None" = None,
        resolve: "Resolve | None" = None,
        *,
        trust_env: bool = True,
    ) -> None:
        self.replaced = transport is not None
        self.proxy_variable: str | None = None  # that names the proxy in use for the API
        self._base_url = base_url
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

                transport = self._transport
                if transport is None:
                    to_api = connections.to_api(self._base_url, self._certificates, trust_env=self._trust_env)
                    transport, self.proxy_variable = to_api
                self._api = connections.client(transport, headers={"Accept-Encoding": "gzip"})
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
                self._files = connections.client(judged, headers={"Accept-Encoding": "identity"})
        return self._files

    async def aclose(self) -> None:
        """Close the connections, if any were opened."""
        clients, self._api, self._files = (self._files, self._api), None, None
        for client in clients:
            if client is not None:
                await client.aclose()

    @property
    def _certificates(self) -> "ssl.SSLContext":
        named = {name: os.environ.get(name) for name in CERTIFICATES}  # noqa: TID251  # OpenSSL reads them too
        return certificates(*((name, place) for name, place in named.items() if place))


@lru_cache(maxsize=4)
def certificates(*named: tuple[str, str]) -> "ssl.SSLContext":
    """Read the certificates that servers are checked against: 30 ms for each set of variables, once a process.

    Raises `ValueError` that names the variable whose place cannot be read.
    """
    import ssl

    import certifi
    import truststore

    trusting = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name, place in named:
        try:
            trusting.load_verify_locations(**{CERTIFICATES[name]: place})
        except OSError as fault:  # ssl.SSLError is one
            raise ValueError(f"{name} names no certificates that can be read: {fault.strerror or fault}") from None
    if sys.platform in KEEPS_ITS_OWN:
        return trusting
    # Taken out of it, since it would read the files of the system anew for each connection.
    context = trusting.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost").context
    system = ssl.get_default_verify_paths().openssl_cafile  # which OpenSSL leaves out beside SSL_CERT_FILE
    if named and os.path.isfile(system):
        context.load_verify_locations(cafile=system)
    if not context.cert_store_stats()["x509_ca"]:  # a container may have none at all
        context.load_verify_locations(cafile=certifi.where())
    return context


def hint_for(fault: BaseException) -> str | None:
    """Say what to do about a fault of the network, if that is known."""
    import ssl

    cause: BaseException | None = fault
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return None if cause is None else UNTRUSTED


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
