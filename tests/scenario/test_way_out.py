"""The way to Scenario through proxies and certificates of the environment, and what is said where there is none."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scenario_mcp.commands.cli import main
from scenario_mcp.commands.wiring import services_for
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NoAnswer, NotConnected
from scenario_mcp.scenario.network import certificates
from scenario_mcp.scenario.wire import Call
from scenario_mcp.settings import load
from support import bombs
from support.agents import agent_of, text_of
from support.certificates import certified
from support.hostile import Hostile, serving
from support.nightly import by_day
from support.proxies import Proxy, proxying
from support.stdio import environment

pytestmark = pytest.mark.anyio

HOST = "api.example"
FREE = Call("GET", "/models", wire.SAFE)
NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def api(host: str, folder: Path) -> AsyncIterator[tuple[Hostile, str]]:
    """An API that speaks TLS, and the file of the authority that certified it."""
    certificate = certified(host, folder)
    async with serving(bombs.answering(b'{"models": []}'), certificate.server) as server:
        yield server, str(certificate.authority)


def settings_of(proxy: Proxy) -> dict[str, dict[str, str]]:
    return {
        "socks": {"ALL_PROXY": proxy.socks},
        "socks, in small letters, that looks names up": {"all_proxy": proxy.socks.replace("socks5", "socks5h")},
        "http": {"HTTPS_PROXY": proxy.http},
        "http, without its scheme": {"HTTPS_PROXY": proxy.http.removeprefix("http://")},
        "http beside socks": {"HTTPS_PROXY": proxy.http, "ALL_PROXY": "socks5://127.0.0.1:1"},
        "http beside a scheme that nobody knows": {"https_proxy": proxy.http, "ALL_PROXY": "socks://127.0.0.1:1/"},
        "http beside another that cannot be read": {"HTTPS_PROXY": proxy.http, "HTTP_PROXY": "http://["},
    }


WAYS = [*settings_of(Proxy())]
ODD_EXCEPTIONS = [
    "[::1]",
    "localhost,127.0.0.1,[::1],*.orb.local",
    "fd07:b51a:cc66::/64,192.168.0.0/16",
    "::1/128",
    "http://[",
    "a:b:c, ,;",
    "%zz",
    "\u00e9\u00e9.example",
]


@pytest.mark.parametrize("way", WAYS)
async def test_a_proxy_of_the_environment_leads_to_the_api_and_to_files(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api(HOST, tmp_path) as (server, authority), proxying(server.port) as proxy:
        for name, value in (settings_of(proxy)[way] | {"SSL_CERT_FILE": authority}).items():
            monkeypatch.setenv(name, value)
        client = Client(f"https://{HOST}/v1", ("k", "s"))
        answer = await client.attempt(FREE)
        file = await client.content(f"https://{HOST}/file", Deadline.after(5), 1_000)
        await client.aclose()

    assert answer == {"models": []}
    assert file == b'{"models": []}'
    assert proxy.asked == [f"{way.split(' ')[0].rstrip(',')} {HOST}:443"] * 2


@pytest.mark.parametrize("exceptions", by_day(ODD_EXCEPTIONS[::2], ODD_EXCEPTIONS), ids=ascii)
async def test_exceptions_that_cannot_be_read_stop_no_call(
    exceptions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", exceptions)
    async with api(HOST, tmp_path) as (server, authority), proxying(server.port) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", authority)
        monkeypatch.setenv("HTTPS_PROXY", proxy.http)
        client = Client(f"https://{HOST}/v1", ("k", "s"))
        await client.attempt(FREE)
        await client.content(f"https://{HOST}/file", Deadline.after(5), 1_000)
        await client.aclose()

    assert len(proxy.asked) == 2


@pytest.mark.parametrize("exceptions", ["localhost", "[::1],localhost", "*", "fd07::/64,LOCALHOST:{port}"])
async def test_what_is_named_goes_past_the_proxy(
    exceptions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api("localhost", tmp_path) as (server, authority), proxying(server.port) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", authority)
        monkeypatch.setenv("HTTPS_PROXY", proxy.http)
        monkeypatch.setenv("NO_PROXY", exceptions.format(port=server.port))
        client = Client(f"https://localhost:{server.port}/v1", ("k", "s"))
        await client.attempt(FREE)
        await client.aclose()

    assert proxy.asked == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "foo://me:passw0rd@127.0.0.1:1"),
        ("https_proxy", "http://me:passw0rd@127.0.0.1:port"),
        ("ALL_PROXY", "socks://me:passw0rd@127.0.0.1:1"),
        ("all_proxy", "127.0.0.1:99999"),
        ("ALL_PROXY", "http://["),
        ("HTTPS_PROXY", "http://:8080"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem"),
        ("SSL_CERT_FILE", __file__),
    ],
)
async def test_a_variable_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    client = Client("https://api.example/v1", ("k", "s"))

    for attempt in (client.attempt(FREE), client.content("https://api.example/a", Deadline.after(5), 9)):
        with pytest.raises(NotConnected, match=rf"proxy or certificate settings .*\({variable} ") as raised:
            await attempt
        assert "passw0rd" not in f"{raised.value}"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize("value", ["127.0.0.1:1", "socks5://127.0.0.1:1"])
async def test_a_proxy_that_leads_nowhere_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    client = Client("https://api.example/v1", ("k", "s"))

    with pytest.raises(NotConnected, match=f"No connection to api.example could be made by the proxy of {variable} "):
        await client.attempt(FREE)


# Certificates


async def test_a_certificate_that_is_not_trusted_is_told_with_what_mends_it(tmp_path: Path) -> None:
    async with api("localhost", tmp_path) as (server, _):
        client = Client(f"https://localhost:{server.port}/v1", ("k", "s"))
        with pytest.raises(NotConnected) as of_api:
            await client.attempt(FREE)
        with pytest.raises(NoAnswer) as of_file:
            await client.content(f"https://localhost:{server.port}/a", Deadline.after(5), 9)
        await client.aclose()

    assert "does not trust the certificate" in of_api.value.hint
    assert of_api.value.hint.startswith("Nothing was sent. ")
    for told in (of_api, of_file):
        assert "name its PEM file in SSL_CERT_FILE" in told.value.hint
    assert server.requests == []


async def test_an_api_on_this_machine_is_checked_by_certificates_of_the_person_and_asked_past_proxies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with api("localhost", tmp_path) as (server, authority):
        monkeypatch.setenv("SSL_CERT_FILE", authority)
        settings = load(environment(f"https://localhost:{server.port}/v1"))
        async with agent_of(services_for(settings)) as agent:
            listed = await agent.call_tool("find-models", {})

    assert not listed.is_error, text_of(listed)
    assert server.requests


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_certificates_of_the_person_stand_beside_those_of_the_system(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certified(HOST, tmp_path)
    place = certificate.authority if variable == "SSL_CERT_FILE" else tmp_path
    monkeypatch.setenv(variable, str(place))

    context = certificates((variable, str(place)))

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 1


def test_doctor_says_what_mends_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/company.pem")
    for name, value in environment("https://localhost:1/v1").items():
        monkeypatch.setenv(name, value)

    assert main(["doctor"]) == 1
    assert "BAD  reachable: The proxy or certificate settings cannot be used (SSL_CERT_FILE names" in (
        capsys.readouterr().out
    )
