"""How connections are made: to the API, and to the addresses that its replies name."""

import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.cookiejar import CookieJar
from itertools import chain, zip_longest
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpcore
import httpx

from scenario_mcp.scenario.addresses import DEFAULT_PORTS, Rule, Target
from scenario_mcp.scenario.network import CONNECT_SECONDS, READ_SECONDS
from scenario_mcp.scenario.threads import in_thread

MAX_CONNECTIONS = 16  # httpx 0.28 slows down badly beyond
MOST_ADDRESSES = 4  # of one host that are tried
NEXT_SECONDS = 1.0  # that an address has to answer in before the next one is tried

MUST_BE = "must be the address of a proxy, like http://proxy.example:8080; https, socks5 and socks5h work too"
_LIMITS = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class NoCookies(CookieJar):
    """A jar that takes no cookies: nothing that one server sets is sent to another, nor back."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Take nothing."""


def client(transport: httpx.AsyncBaseTransport | None, **options: Any) -> httpx.AsyncClient:
    """Make a client that follows nothing and takes no cookies; `transport` replaces the network."""
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=False,
        cookies=NoCookies(),
        limits=_LIMITS,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None),
        **options,
    )


async def look_up(host: str, port: int) -> Sequence[str]:
    """Look up the IP addresses of a host. Raises `OSError`, also for what cannot be the name of one."""
    try:
        found = await in_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError as fault:
        raise OSError("it is no name of a host") from fault
    return [str(address[0]) for *_, address in found]


class Files(httpx.AsyncBaseTransport):
    """Carries requests to addresses that `rule` allows, directly or by a proxy of the environment.

    A connection is made to an address that was judged, and to no other; what a proxy connects to is judged by its name.
    """

    def __init__(self, rule: Rule, context: ssl.SSLContext, resolve: Resolve, *, trust_env: bool) -> None:
        self._rule = rule
        self._direct = {scheme: _Direct(rule, scheme, context, resolve) for scheme in rule.schemes}
        proxied = by_proxy(context) if trust_env else None
        self._proxy = proxied and proxied[0]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises `AddressRefused` without sending it, and httpx's errors."""
        target = target_of(request.url)
        self._rule.check(target)
        if self._proxy is None or target.scheme != "https" or goes_past_proxies(target.host, target.port):
            return await self._direct[target.scheme].handle_async_request(request)
        self._rule.check_name(target)
        return await self._proxy.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in (*self._direct.values(), self._proxy):
            if transport is not None:
                await transport.aclose()


class Judged(httpx.AsyncBaseTransport):
    """The same over a network that makes no connections of its own: by name, or by what `resolve` says of it."""

    def __init__(self, rule: Rule, network: httpx.AsyncBaseTransport, resolve: Resolve | None = None) -> None:
        self._rule = rule
        self._network = network
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises `AddressRefused` without sending it."""
        target = target_of(request.url)
        self._rule.check(target)
        if self._resolve is None:
            self._rule.check_name(target)
        else:
            self._rule.check_addresses(target, await self._resolve(target.host, target.port))
        return await self._network.handle_async_request(request)


def target_of(url: httpx.URL) -> Target:
    """Say where a request would go, from the address that it is sent with."""
    port = url.port if url.port is not None else DEFAULT_PORTS.get(url.scheme, 0)
    return Target(url.scheme, url.raw_host.decode("ascii"), port, extras=bool(url.userinfo or url.fragment))


def to_api(url: str, context: ssl.SSLContext, *, trust_env: bool) -> tuple[httpx.AsyncBaseTransport, str | None]:
    """Make the transport for one host, by the proxy that the environment names for it or directly.

    Gives the name of the proxy's variable, too. httpx would read all variables of proxies, and fail on any that it
    cannot read, be it of use or not. Raises `ValueError`.
    """
    parts = urlsplit(url)
    used = trust_env and not goes_past_proxies(parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0))
    if used and (proxied := by_proxy(context)):
        return proxied
    return httpx.AsyncHTTPTransport(verify=context, limits=_LIMITS), None


def goes_past_proxies(host: str, port: int) -> bool:
    """Tell whether the environment, or the system, names a host among those that no proxy is asked for."""
    return bool(proxy_bypass(f"{host}:{port}"))


def by_proxy(context: ssl.SSLContext) -> tuple[httpx.AsyncHTTPTransport, str] | None:
    """Make a transport by the proxy that is set for https, and give the name of its variable; None if none is set.

    Raises `ValueError` that names the variable.
    """
    proxies = getproxies()
    kind = next((kind for kind in ("https", "all") if proxies.get(kind)), None)
    if kind is None:
        return None
    url = proxies[kind] if "://" in proxies[kind] else f"http://{proxies[kind]}"
    try:
        if not urlsplit(url).hostname or urlsplit(url).port == 0:  # it knows more of what cannot be than httpx does
            raise ValueError
        proxy = httpx.Proxy(url, ssl_context=context if url.lower().startswith("https:") else None)
        return httpx.AsyncHTTPTransport(verify=context, proxy=proxy, limits=_LIMITS), _variable_of(kind)
    except (ValueError, httpx.InvalidURL):  # whose words may hold the password of the proxy
        raise ValueError(f"{_variable_of(kind)} {MUST_BE}") from None


def _variable_of(kind: str) -> str:
    names = [name for name in os.environ if name.lower() == f"{kind}_proxy"]  # noqa: TID251  # as urllib reads them
    return min(names, key=str.isupper, default=f"The system's proxy for {kind}")  # the one in small letters wins


class _Direct(httpx.AsyncBaseTransport):
    """Connections of one scheme without a proxy: httpx's own transport, but for how they are made."""

    def __init__(self, rule: Rule, scheme: str, context: ssl.SSLContext, resolve: Resolve) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_Backend(rule, scheme, resolve),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url, content = request.url, request.stream
        if not isinstance(content, httpx.AsyncByteStream):
            raise TypeError("The content of a request must be asynchronous.")
        with _httpx_errors():
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=content,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(response.status, headers=response.headers, stream=_Stream(response))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class _Backend(httpcore.AsyncNetworkBackend):
    """Looks a host up, lets the rule judge all of its addresses, and connects to one of these."""

    def __init__(self, rule: Rule, scheme: str, resolve: Resolve) -> None:
        self._rule = rule
        self._scheme = scheme
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            with anyio.fail_after(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError as fault:
            raise httpcore.ConnectTimeout(f"{host} was not looked up in time") from fault
        except OSError as fault:
            raise httpcore.ConnectError(f"{host} cannot be looked up: {fault}") from fault
        if not addresses:
            raise httpcore.ConnectError(f"{host} has no address")
        self._rule.check_addresses(Target(self._scheme, host, port), addresses)
        *others, last = _alternating(addresses)[:MOST_ADDRESSES]
        for address in others:
            try:
                return await self._network.connect_tcp(address, port, NEXT_SECONDS, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)


def _alternating(addresses: Sequence[str]) -> list[str]:
    """Order addresses so that IPv4 and IPv6 take turns: where one of them does not work, none of it does."""
    first = [address for address in addresses if (":" in address) == (":" in addresses[0])]
    second = [address for address in addresses if address not in first]
    return [address for address in chain(*zip_longest(first, second)) if address]


@contextmanager
def _httpx_errors() -> Iterator[None]:
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError) as fault:
        kind: type[httpx.TransportError] = getattr(httpx, type(fault).__name__)  # the same names by intention
        raise kind(str(fault)) from fault
