"""The rule on addresses that replies name: where files may come from, and where parts of uploads may go.

Whoever writes a reply chooses its addresses. They must not lead into this machine, nor into the network around it, and
nothing goes there in clear. What counts is the address that a name stands for, at the moment of the connection.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from scenario_mcp import wording
from scenario_mcp.scenario.errors import AddressRefused

DEFAULT_PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1024  # below, but for the default ones, services of other kinds listen
LONGEST_HOST = 253

LOOPBACK, PRIVATE, PUBLIC, SPECIAL = "loopback", "private", "public", "special"

# The first network that holds an address says its kind; what stands in none of them is special too.
# https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
_KINDS = [
    (kind, ip_network(network))
    for kind, networks in (
        (LOOPBACK, "127.0.0.0/8 ::1/128"),
        (PRIVATE, "10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16 198.18.0.0/15 fc00::/7"),  # 198.18: of VPNs
        (SPECIAL, "0.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.51.100.0/24 203.0.113.0/24"),
        (SPECIAL, "224.0.0.0/3 2001::/23 2001:db8::/32 2002::/16 3fff::/20"),
        (PUBLIC, "0.0.0.0/0 2000::/3"),
    )
    for network in networks.split()
]
_CARRIES_V4 = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))  # mapped, and NAT64 by RFC 6052

# Names that lead into a network of one's own, or nowhere: RFC 6761, RFC 6762 appendix G, RFC 7686, RFC 8375, .internal
_NOT_PUBLIC = re.compile(
    "alt|arpa|corp|home|internal|intranet|invalid|lan|local|localdomain|localhost|onion|private|test"
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as the last label it makes a host an IPv4 address, however it is spelled


@dataclass(frozen=True)
class Target:
    """Where a request would go: `host` in lower case ASCII, `extras` whether the address holds a user or a fragment."""

    scheme: str
    host: str
    port: int
    extras: bool = False


def kind_of(address: str) -> str:
    """Say whether an IP address is `loopback`, `private`, `public` or `special`. Raises `ValueError` for no address."""
    return _kind(ip_address(address))


def is_public_name(host: str) -> bool:
    """Tell whether a host can only be a name on the public internet: no address in any spelling, no local name."""
    *labels, last = host.split(".")
    named = labels and all(map(_LABEL.fullmatch, (*labels, last)))
    return bool(named) and not _NOT_PUBLIC.fullmatch(last) and not _NUMBER.fullmatch(last)


class Rule:
    """Judges addresses for an API at `base_url`; `hosts` are names that a person trusts besides, like `*.example.com`.

    Only https to public addresses is allowed, with two exceptions. An API on this machine may name addresses on this
    machine, also in clear, and one at a private address private ones. The API's own host and the hosts that a person
    names may stand for private addresses.
    """

    def __init__(self, base_url: str, hosts: Sequence[str] = ()) -> None:
        api = urlsplit(base_url)
        self._api = (api.hostname or "", api.port or DEFAULT_PORTS.get(api.scheme))
        self._hosts = hosts
        # Only a host that is written as a local one is local: a name may stand for any address tomorrow.
        own = LOOPBACK if api.scheme == "http" or self._api[0] == "localhost" else _kind_or_none(self._api[0])
        self._own = frozenset({own} & {LOOPBACK, PRIVATE})
        self.schemes = ("https", "http") if LOOPBACK in self._own else ("https",)

    def check(self, target: Target) -> None:
        """Raise `AddressRefused` for a target that is refused wherever its host is."""
        if target.scheme not in self.schemes:
            raise _refusal(target, "only https addresses are used")
        if target.extras:
            raise _refusal(target, "it holds a user name or a fragment")
        if target.port != DEFAULT_PORTS[target.scheme] and not FIRST_FREE_PORT <= target.port <= 65535:
            raise _refusal(target, f"no files are served at port {target.port}")
        if len(target.host) > LONGEST_HOST:
            raise _refusal(target, "it is no host")

    def check_name(self, target: Target) -> None:
        """Raise `AddressRefused` for a host that may not be public by its name, where nobody can tell its address."""
        local = LOOPBACK in self._own and (target.host == "localhost" or _kind_or_none(target.host) == LOOPBACK)
        if not (is_public_name(target.host) or self._trusts(target) or local):
            raise _refusal(target, "that is no name on the public internet", may_be_named=True)

    def check_addresses(self, target: Target, addresses: Sequence[str]) -> None:
        """Raise `AddressRefused` unless all addresses that a host stands for are allowed."""
        allowed = {PUBLIC} | self._own | ({PRIVATE, LOOPBACK} if self._trusts(target) else set())
        if target.scheme == "http":
            allowed = {LOOPBACK}
        for address in addresses:
            kind = kind_of(address)
            if kind not in allowed:
                raise _refusal(target, f"it leads to a {kind} address", may_be_named=kind != SPECIAL)

    def _trusts(self, target: Target) -> bool:
        return (target.host, target.port) == self._api or any(
            target.host.endswith(host[1:]) if host.startswith("*.") else target.host == host for host in self._hosts
        )


def _kind(address: IPv4Address | IPv6Address) -> str:
    if any(address in network for network in _CARRIES_V4):
        return _kind(IPv4Address(int(address) & 0xFFFFFFFF))
    return next((kind for kind, network in _KINDS if address in network), SPECIAL)


def _kind_or_none(host: str) -> str | None:
    try:
        return kind_of(host)
    except ValueError:
        return None


def _refusal(target: Target, why: str, *, may_be_named: bool = False) -> AddressRefused:
    setting = "; SCENARIO_DOWNLOAD_HOSTS may name it" if may_be_named else ""
    return AddressRefused(f"The address on {wording.quoted(target.host, 100)} is not used: {why}{setting}.")
