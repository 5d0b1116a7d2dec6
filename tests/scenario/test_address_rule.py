"""Which addresses are used, by what the API's own address is and by what a host stands for."""

from contextlib import nullcontext

import pytest

from scenario_mcp.scenario.addresses import Rule, Target, is_public_name, kind_of
from scenario_mcp.scenario.errors import AddressRefused

CLOUD, HERE, LAN, STUDIO = (
    "https://api.cloud.scenario.com/v1",
    "http://127.0.0.1:8000/v1",
    "https://10.0.0.5/v1",
    "https://gateway.studio.example:8443/v1",
)

USED: list[tuple[str, Target, list[str], bool]] = [
    # the API, where a request would go, what its host stands for, whether it may
    (CLOUD, Target("https", "cdn.cloud.scenario.com", 443), ["3.160.1.1", "2600:9000::1"], True),
    (CLOUD, Target("https", "bucket.s3.amazonaws.com", 443), ["52.216.1.1"], True),
    (CLOUD, Target("https", "files.example", 8443), ["52.216.1.1"], True),
    (CLOUD, Target("http", "cdn.cloud.scenario.com", 80), ["3.160.1.1"], False),
    (CLOUD, Target("ftp", "files.example", 21), ["52.216.1.1"], False),
    (CLOUD, Target("https", "files.example", 443, extras=True), ["52.216.1.1"], False),
    (CLOUD, Target("https", "files.example", 22), ["52.216.1.1"], False),
    (CLOUD, Target("https", "files.example", 0), ["52.216.1.1"], False),
    (CLOUD, Target("https", "files.example", 99_999), ["52.216.1.1"], False),
    (CLOUD, Target("https", "x." * 140, 443), ["52.216.1.1"], False),
    (CLOUD, Target("https", "files.example", 443), ["10.0.0.7"], False),
    (CLOUD, Target("https", "files.example", 443), ["127.0.0.1"], False),
    (HERE, Target("http", "127.0.0.1", 9000), ["127.0.0.1"], True),
    (HERE, Target("http", "localhost", 9000), ["::1", "127.0.0.1"], True),
    (HERE, Target("https", "files.example", 443), ["52.216.1.1"], True),
    (HERE, Target("http", "files.example", 80), ["52.216.1.1"], False),
    (HERE, Target("http", "nas", 80), ["10.0.0.7"], False),
    (HERE, Target("https", "nas", 443), ["10.0.0.7"], False),
    (HERE, Target("http", "127.0.0.1", 22), ["127.0.0.1"], False),
    (LAN, Target("https", "nas", 443), ["10.0.0.7"], True),
    (LAN, Target("https", "nas", 443), ["fd00::7"], True),
    (LAN, Target("http", "nas", 80), ["10.0.0.7"], False),
    (LAN, Target("https", "nas", 443), ["127.0.0.1"], False),
    (LAN, Target("https", "nas", 443), ["169.254.169.254"], False),
    (STUDIO, Target("https", "gateway.studio.example", 8443), ["10.0.0.5"], True),
    (STUDIO, Target("https", "gateway.studio.example", 443), ["10.0.0.5"], False),
    (STUDIO, Target("https", "gateway.studio.example", 8443), ["169.254.1.1"], False),
    (STUDIO, Target("https", "nas.studio.example", 443), ["10.0.0.5"], False),
]


@pytest.mark.parametrize(("api", "target", "addresses", "used"), USED)
def test_which_addresses_are_used(api: str, target: Target, addresses: list[str], used: bool) -> None:
    rule = Rule(api)
    with nullcontext() if used else pytest.raises(AddressRefused, match=f'"{target.host[:90]}'):
        rule.check(target)
        rule.check_addresses(target, addresses)


@pytest.mark.parametrize(
    ("api", "host", "used"),
    [
        (CLOUD, "cdn.cloud.scenario.com", True),
        (CLOUD, "localhost", False),
        (HERE, "localhost", True),
        (HERE, "127.0.0.9", True),
        (HERE, "10.0.0.5", False),
        (STUDIO, "gateway.studio.example", True),
        ("https://gateway:8443/v1", "gateway", True),
        ("https://gateway:8443/v1", "printer", False),
    ],
)
def test_which_names_are_used_where_a_proxy_looks_them_up(api: str, host: str, used: bool) -> None:
    with nullcontext() if used else pytest.raises(AddressRefused, match="SCENARIO_DOWNLOAD_HOSTS"):
        Rule(api).check_name(Target("https", host, 8443))


def test_what_no_setting_could_allow_names_none() -> None:
    with pytest.raises(AddressRefused) as raised:
        Rule(CLOUD).check_addresses(Target("https", "files.example", 443), ["169.254.169.254"])

    assert "SCENARIO_DOWNLOAD_HOSTS" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "public"),
        ("9.255.255.255", "public"),
        ("11.0.0.0", "public"),
        ("100.63.255.255", "public"),
        ("100.128.0.0", "public"),
        ("172.15.255.255", "public"),
        ("172.32.0.0", "public"),
        ("223.255.255.255", "public"),
        ("2001:200::1", "public"),
        ("3ffe::1", "public"),
        ("2001:db8::1", "special"),
        ("3fff::1", "special"),
        ("4000::1", "special"),
        ("1fff::1", "special"),
        ("127.255.255.255", "loopback"),
        ("fdff::1", "private"),
    ],
)
def test_the_borders_of_the_kinds_of_addresses(address: str, kind: str) -> None:
    assert kind_of(address) == kind


@pytest.mark.parametrize("host", ["example.com", "a-b.c_d.example", "xn--bcher-kva.example", "1.2.3.4.example", "8.to"])
def test_names_on_the_public_internet(host: str) -> None:
    assert is_public_name(host)


@pytest.mark.parametrize("host", ["", ".", "a.", ".example", "a b.example", "ü.example", "-a.example", "::1", "a.0x"])
def test_what_is_no_name_on_the_public_internet(host: str) -> None:
    assert not is_public_name(host)
