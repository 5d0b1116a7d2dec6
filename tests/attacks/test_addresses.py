"""Addresses that replies name lead nowhere near this machine: files come from and go to the public internet only."""

import asyncio
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp.media.files import Allowed
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario import uploads, wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NoAnswer, ScenarioError
from scenario_mcp.scenario.uploads import Filing
from scenario_mcp.scenario.wire import Call
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support import bombs
from support.agents import text_of
from support.certificates import certified
from support.hostile import Hostile, Requests, serving
from support.network import API, ASSETS, SandboxNetwork, answers
from support.nightly import by_day
from support.pictures import noise, png
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

PUBLIC_API = "https://api.example/v1"
FREE = Call("GET", "/jobs/job_x", wire.SAFE)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # real sockets need real time


class Camera:
    """A service on this machine that has a picture; `visits` counts who connected to it, in whatever protocol."""

    def __init__(self, server: Hostile, visits: list[int]) -> None:
        self.server = server
        self.visits = visits

    @property
    def port(self) -> int:
        return self.server.port


@pytest.fixture
async def camera() -> AsyncIterator[Camera]:
    visits: list[int] = []
    shows = bombs.answering(png("red", (640, 480)), "Content-Type: image/png", "Set-Cookie: seen=yes; Path=/")

    async def behaviour(requests: Requests, writer: Writer) -> None:
        visits.append(1)
        await shows(requests, writer)

    async with serving(behaviour) as server:
        yield Camera(server, visits)


def client_of(base_url: str = PUBLIC_API, **more: Any) -> Client:
    return Client(base_url, ("api_key", "the_secret_value"), **{"trust_env": False, **more})


async def fetched(client: Client, url: str, seconds: float = 5) -> bytes:
    try:
        return await client.content(url, Deadline.after(seconds), 1_000_000)
    finally:
        await client.aclose()


LOCAL = [
    "http://127.0.0.1:{port}/camera",
    "http://localhost:{port}/camera",
    "http://user:pw@127.0.0.1:{port}/",
    "http://127.0.0.9:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://127.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://2130706433:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://localhost.:{port}/",
    "https://0x7f000001:{port}/",
    "https://127.1:{port}/",
    "https://0.0.0.0:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://user@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/#@cdn.cloud.scenario.com/",
    "https://cdn.cloud.scenario.com@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@cdn.cloud.scenario.com/",
]


@pytest.mark.parametrize("address", by_day(LOCAL[::2], LOCAL))
async def test_a_result_on_this_machine_is_not_fetched(camera: Camera, address: str) -> None:
    with pytest.raises(NoAnswer):
        await fetched(client_of(), address.format(port=camera.port))

    assert camera.visits == []


@pytest.mark.parametrize("address", by_day(LOCAL[1::4], LOCAL))
async def test_no_part_of_an_upload_goes_to_this_machine(camera: Camera, address: str) -> None:
    client = client_of()
    with pytest.raises(NoAnswer):
        await client.put(address.format(port=camera.port), b"the picture of a person", Deadline.after(5))
    await client.aclose()

    assert camera.visits == []


class Elsewhere(httpx.AsyncBaseTransport):
    """The sandbox's API in memory, and the real network for all else."""

    def __init__(self, network: SandboxNetwork) -> None:
        self._api = network
        self._network = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        carrier = self._api if request.url.host == API else self._network
        return await carrier.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


@pytest.fixture
def network(world: World) -> SandboxNetwork:
    """An API that is not on this machine."""
    return SandboxNetwork(world, base_url=f"https://{API}/v1")


@pytest.fixture
async def agent(network: SandboxNetwork, tmp_path: Path) -> AsyncIterator[McpClient]:
    client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=Elsewhere(network))
    services = services_over(client, 5, allowed=Allowed((Path.home(),), home=Path.home()), shelf=tmp_path / "shelf")
    async with McpClient(create_server(services), raise_exceptions=True) as connected:
        yield connected
    await client.aclose()


async def test_a_camera_on_this_machine_is_neither_shown_nor_saved(
    agent: McpClient, network: SandboxNetwork, camera: Camera, tmp_path: Path
) -> None:
    record = {"id": "asset_x", "url": f"http://127.0.0.1:{camera.port}/camera", "mimeType": "image/png"}
    network.plan(ASSETS, answers(200, {"assets": [record]}), 99)

    result = await agent.call_tool("show-assets", {"assetIds": ["asset_x"], "save": True})

    assert camera.visits == []
    assert [block.type for block in result.content] == ["text"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert 'The address on "127.0.0.1" is not used: only https addresses are used' in text_of(result)


async def test_a_picture_of_the_person_is_not_uploaded_to_this_machine(
    agent: McpClient, world: World, camera: Camera
) -> None:
    world.cdn_origin = f"http://127.0.0.1:{camera.port}"
    picture = Path("large.png")
    picture.write_bytes(noise(3.5))

    result = await agent.call_tool("upload-asset", {"file": str(picture.resolve())})

    assert camera.visits == []
    assert result.is_error
    assert 'The address on "127.0.0.1" is not used' in text_of(result)
    assert "Nothing was generated or billed" in text_of(result)


async def test_a_part_whose_address_is_refused_is_not_tried_again() -> None:
    looked_up: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["192.168.1.1"]

    upload = {"id": "upload_x", "parts": [{"number": 1, "url": "https://nas.example/1"}]}
    network = httpx.MockTransport(lambda request: httpx.Response(200, json={"upload": upload}))
    client = client_of(transport=network, resolve=resolve)

    async def tell(sent: int, total: int) -> None:
        pass

    with pytest.raises(NoAnswer, match="leads to a private address"):
        await uploads.upload(client, "a.png", "image/png", bytes(4_000_000), Filing(), Deadline.after(30), tell)

    assert looked_up == ["nas.example"]


NAMES: list[tuple[list[str], bool]] = [
    (["93.184.216.34"], True),
    (["2606:2800:220:1:248:1893:25c8:1946"], True),
    (["64:ff9b::5db8:d822"], True),
    (["93.184.216.34", "127.0.0.1"], False),
    (["93.184.216.34", "fd00::1"], False),
    (["10.0.0.1"], False),
    (["172.31.255.255"], False),
    (["192.168.1.1"], False),
    (["100.100.100.200"], False),
    (["169.254.169.254"], False),
    (["192.0.0.192"], False),
    (["198.18.0.1"], False),
    (["224.0.0.1"], False),
    (["255.255.255.255"], False),
    (["0.0.0.0"], False),
    (["::"], False),
    (["::1"], False),
    (["fe80::1%2"], False),
    (["fec0::1"], False),
    (["ff02::1"], False),
    (["::ffff:10.0.0.1"], False),
    (["::ffff:169.254.169.254"], False),
    (["64:ff9b::7f00:1"], False),
    (["64:ff9b:1::7f00:1"], False),
    (["2002:7f00:1::"], False),
    (["2001:0:7f00:1::1"], False),
    (["::7f00:1"], False),
    (["fd00:ec2::254"], False),
]


@pytest.mark.parametrize(("addresses", "allowed"), by_day(NAMES[::3], NAMES))
async def test_what_a_name_stands_for_decides(addresses: Sequence[str], allowed: bool) -> None:
    seen: list[str] = []

    def network(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, content=b"file")

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    client = client_of(transport=httpx.MockTransport(network), resolve=resolve)
    if allowed:
        assert await fetched(client, "https://cdn.example/a") == b"file"
    else:
        with pytest.raises(NoAnswer, match=r'"cdn\.example" is not used: it leads to'):
            await fetched(client, "https://cdn.example/a?Signature=do-not-repeat")
        assert seen == []


@pytest.mark.parametrize(
    ("hosts", "url", "allowed"),
    [
        (["files.corp"], "https://files.corp/a", True),
        (["*.corp"], "https://files.corp/a", True),
        (["*.corp"], "https://corp/a", False),
        (["files.corp"], "https://other.corp/a", False),
        (["files.corp"], "https://files.corp.evil.example/a", False),
        (["files.corp"], "http://files.corp/a", False),
        (["files.corp"], "https://user@files.corp/a", False),
        (["*.corp"], "https://evilcorp/a", False),
    ],
)
async def test_hosts_that_a_person_names_may_be_private_ones(hosts: list[str], url: str, allowed: bool) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["10.0.0.7"]

    network = httpx.MockTransport(lambda request: httpx.Response(200, content=b"file"))
    client = client_of(transport=network, resolve=resolve, download_hosts=hosts)
    if allowed:
        assert await fetched(client, url) == b"file"
    else:
        with pytest.raises(NoAnswer, match="is not used"):
            await fetched(client, url)


async def test_a_name_is_looked_up_once_and_the_connection_made_to_what_was_found(camera: Camera) -> None:
    looked_up: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["127.0.0.77"]

    client = client_of(camera.server.base_url, resolve=rebinding)
    assert await fetched(client, f"http://files.test:{camera.port}/a") == png("red", (640, 480))

    assert looked_up == ["files.test"]
    assert f"Host: files.test:{camera.port}" in camera.server.requests[0]


async def test_an_address_that_does_not_answer_is_passed_over(camera: Camera) -> None:
    async def several(host: str, port: int) -> Sequence[str]:
        return ["::1", "127.0.0.9", "127.0.0.1"]

    client = client_of(camera.server.base_url, resolve=several)

    assert await fetched(client, f"http://files.test:{camera.port}/a") == png("red", (640, 480))


async def test_a_name_of_very_many_addresses_is_not_tried_at_all_of_them(camera: Camera) -> None:
    async def crowd(host: str, port: int) -> Sequence[str]:
        return [*(f"127.0.1.{number}" for number in range(1, 60)), "127.0.0.1"]

    client = client_of(camera.server.base_url, resolve=crowd)
    with pytest.raises(ScenarioError):
        await fetched(client, f"http://files.test:{camera.port}/a")

    assert camera.visits == []


async def test_a_loopback_api_names_no_other_addresses_in_clear(camera: Camera) -> None:
    for found in (["10.0.0.1"], ["93.184.216.34"], ["127.0.0.1", "169.254.169.254"]):

        async def resolve(host: str, port: int, found: Sequence[str] = found) -> Sequence[str]:
            return found

        with pytest.raises(NoAnswer, match="it leads to"):
            await fetched(client_of(camera.server.base_url, resolve=resolve), f"http://files.test:{camera.port}/a")

    assert camera.visits == []


async def test_a_name_that_is_never_found_takes_no_longer_than_the_call_has() -> None:
    async def stuck(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with asyncio.timeout(3):
        with pytest.raises(NoAnswer, match="could not be downloaded"):
            await fetched(client_of(resolve=stuck), "https://cdn.example/a", seconds=0.1)


@pytest.mark.parametrize("host", ["cdn.invalid", "a" * 64 + ".example", "xn--a.example", "a..example", "-.example"])
async def test_a_name_that_is_none_is_told(host: str) -> None:
    with pytest.raises(NoAnswer):
        await fetched(client_of(), f"https://{host}/a")


async def test_a_redirect_to_this_machine_is_not_followed(camera: Camera) -> None:
    location = f"http://127.0.0.1:{camera.port}/camera"
    network = httpx.MockTransport(lambda request: httpx.Response(302, headers={"Location": location}))

    with pytest.raises(NoAnswer, match="status 302"):
        await fetched(client_of(transport=network), "https://cdn.example/a")

    assert camera.visits == []


# Behind a proxy nobody here knows what a name stands for.


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hostile]:
    async with serving(bombs.answering(b"", status=502)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
        yield server


NO_NAMES = [
    "127.0.0.1",
    "[::1]",
    "10.0.0.1",
    "93.184.216.34",
    "2130706433",
    "0x7f.1",
    "127.1",
    "1.2.3.0x4",
    "localhost",
    "printer",
    "nas.local",
    "a.localhost",
    "metadata.google.internal",
    "router.lan",
    "box.home.arpa",
    "git.corp",
    "cdn.example.",
    "1.0.0.127.in-addr.arpa",
]


@pytest.mark.parametrize("host", by_day(NO_NAMES[::3], NO_NAMES))
async def test_behind_a_proxy_only_names_on_the_public_internet_are_asked_for(proxy: Hostile, host: str) -> None:
    with pytest.raises(NoAnswer):
        await fetched(client_of(trust_env=True), f"https://{host}/a")

    assert proxy.requests == []


async def test_behind_a_proxy_other_names_are_asked_for(proxy: Hostile) -> None:
    with pytest.raises(NoAnswer, match="could not be downloaded"):
        await fetched(client_of(trust_env=True), "https://cdn.cloud.scenario.com/a")
    with pytest.raises(NoAnswer, match="could not be downloaded"):
        await fetched(client_of(trust_env=True, download_hosts=["printer"]), "https://printer/a")

    assert [head.split()[1] for head in proxy.requests] == ["cdn.cloud.scenario.com:443", "printer:443"]


async def test_past_a_proxy_addresses_count(proxy: Hostile, camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")

    with pytest.raises(NoAnswer, match="leads to a loopback address"):
        await fetched(client_of(trust_env=True), f"https://localhost:{camera.port}/a")

    assert proxy.requests == []
    assert camera.visits == []


# TLS is about the name, though the connection is made to an address.


@pytest.mark.parametrize(("name", "trusted"), [("files.test", True), ("other.test", False)])
async def test_the_certificate_must_be_the_one_of_the_name(
    name: str, trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certified("files.test", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with serving(bombs.answering(b"file"), tls=certificate.server) as server:
        client = client_of("https://localhost/v1", resolve=resolve, trust_env=True)
        if trusted:
            assert await fetched(client, f"https://{name}:{server.port}/a") == b"file"
        else:
            with pytest.raises(NoAnswer, match="could not be downloaded"):
                await fetched(client, f"https://{name}:{server.port}/a")


# Cookies


async def test_no_cookie_of_anybody_is_sent_to_anybody(camera: Camera) -> None:
    setting = bombs.answering(b"{}", "Set-Cookie: session=abc; Path=/", "Set-Cookie: a=b; Domain=127.0.0.1")
    async with serving(setting) as api:
        client = client_of(api.base_url)
        for _ in range(2):
            await client.content(f"http://127.0.0.1:{camera.port}/a", Deadline.after(5), 1_000_000)
            await client.put(f"http://127.0.0.1:{camera.port}/a", b"part", Deadline.after(5))
            await client.send(FREE, Deadline.after(5))
        await client.aclose()

        heads = [*api.requests, *camera.server.requests]

    assert len(heads) == 6
    assert not [head for head in heads if "cookie" in head.lower()]
