"""The client over real sockets on loopback, against servers that misbehave."""

import asyncio
import base64
import logging
import socket
from typing import Any

import httpx
import pytest

from scenario_mcp.scenario import wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import AnswerLost, ApiError, NoAnswer, NotConfigured, NotConnected, Redirected
from scenario_mcp.scenario.wire import Call
from support import hostile
from support.hostile import Behaviour

pytestmark = pytest.mark.anyio

PAID = Call("POST", "/generate/img2img-ip-adapter", wire.PAID, body={"prompt": "p"})
FREE = Call("GET", "/jobs/job_x", wire.SAFE)
KEY, SECRET = "api_key", "s3cr3t-that-nobody-must-see"
TOKEN = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # real sockets need real time


def client_of(base_url: str, **more: Any) -> Client:
    return Client(base_url, (KEY, SECRET), trust_env=False, **more)


LOSING: list[Any] = [
    hostile.resets_after_reading,
    hostile.closes_without_answer,
    hostile.answers_garbage,
    hostile.cuts_the_body,
    hostile.cuts_a_chunked_body,
    hostile.lies_about_gzip,
    hostile.sends_a_gzip_bomb,
    hostile.resets_at_once,
]


@pytest.mark.parametrize("behaviour", LOSING, ids=lambda each: each.__name__)
async def test_a_paid_request_over_a_broken_connection_is_sent_once_and_lost(behaviour: Behaviour) -> None:
    async with hostile.serving(behaviour) as server:
        client = client_of(server.base_url)
        with pytest.raises(AnswerLost):
            await client.attempt(PAID)
        await client.aclose()

    assert len(server.requests) <= 1


@pytest.mark.parametrize("behaviour", LOSING, ids=lambda each: each.__name__)
async def test_a_read_over_a_broken_connection_is_unanswered(behaviour: Behaviour) -> None:
    async with hostile.serving(behaviour) as server:
        client = client_of(server.base_url)
        with pytest.raises(NoAnswer):
            await client.attempt(FREE)
        await client.aclose()


async def test_a_connection_that_the_server_closed_in_between_loses_no_paid_request() -> None:
    async with hostile.serving(hostile.closes_after_each_answer) as server:
        client = client_of(server.base_url)
        await client.attempt(FREE)
        await asyncio.wait_for(
            server.closed.wait(), 20
        )  # the end of the connection must arrive before it is used again
        answer = await client.attempt(PAID)
        await client.aclose()

    assert answer["job"]["jobId"] == "job_real"
    assert len(server.requests) == 2


@pytest.mark.parametrize("call", [PAID, FREE])
async def test_nobody_listening_is_not_connected(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(NotConnected, match=r"No connection to 127\.0\.0\.1"):
        await client_of(f"http://127.0.0.1:{port}/v1").attempt(call)


async def test_an_unknown_host_is_not_connected() -> None:
    with pytest.raises(NotConnected):
        await client_of("https://scenario.invalid/v1").attempt(PAID)


async def test_credentials_travel_as_basic_auth_and_the_project_in_the_query() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    client = client_of(
        "https://api.example/v1/", project_id="proj_x", user_agent="ua/1", transport=httpx.MockTransport(handler)
    )
    await client.send(Call("GET", "/jobs/a", wire.SAFE, {"pageSize": "1"}), Deadline.after(1))

    [request] = seen
    assert str(request.url) == "https://api.example/v1/jobs/a?pageSize=1&projectId=proj_x"
    assert request.headers["authorization"] == f"Basic {TOKEN}"
    assert request.headers["user-agent"] == "ua/1"
    assert request.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(("call", "read"), [(PAID, 60), (FREE, 15)])
async def test_each_kind_of_call_has_its_own_patience(call: Call, read: float) -> None:
    seen: list[dict[str, float | None]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json={})

    await client_of("https://api.example/v1", transport=httpx.MockTransport(handler)).attempt(call)

    assert seen == [{"connect": 5, "read": read, "write": read, "pool": None}]


async def test_at_most_sixteen_connections_are_open_and_the_rest_wait_their_turn() -> None:
    crowd = hostile.Crowd(16)
    async with hostile.serving(crowd) as server:
        client = client_of(server.base_url)
        await asyncio.gather(*(client.attempt(FREE) for _ in range(40)))
        await client.aclose()

    assert crowd.most == 16


async def test_redirects_are_not_followed() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    client = client_of("https://api.example/v1", transport=httpx.MockTransport(handler))
    with pytest.raises(Redirected):
        await client.attempt(PAID)

    assert seen == ["api.example"]


async def test_without_credentials_nothing_is_sent() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError("sent")

    client = Client("https://api.example/v1", None, transport=httpx.MockTransport(handler))
    with pytest.raises(NotConfigured) as raised:
        await client.attempt(PAID)

    assert "SCENARIO_API_KEY" in raised.value.hint
    assert "--sandbox" in raised.value.hint


async def test_why_there_are_no_credentials_is_said() -> None:
    with pytest.raises(NotConfigured, match="SCENARIO_API_SECRET is not set, so nothing was sent"):
        await Client("https://a.example", None, no_credentials=("SCENARIO_API_SECRET is not set",)).attempt(FREE)


async def test_half_characters_are_sent_as_question_marks() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.content == b'{"prompt":"?"}'
        return httpx.Response(200, json={})

    client = client_of("https://api.example/v1", transport=httpx.MockTransport(handler))
    await client.attempt(Call("POST", "/generate/x", wire.PAID, body={"prompt": "\udcff"}))


async def test_an_error_that_echoes_the_credentials_does_not_show_them(caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"reason": f"bad header {request.headers['authorization']} {SECRET}"})

    client = client_of("https://api.example/v1", transport=httpx.MockTransport(handler))
    with caplog.at_level(logging.DEBUG), pytest.raises(ApiError) as raised:
        await client.attempt(PAID)

    for shown in (str(raised.value), raised.value.hint, caplog.text, repr(client)):
        assert SECRET not in shown
        assert TOKEN not in shown


async def test_downloads_carry_no_credentials() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        assert request.headers["accept-encoding"] == "identity"
        return httpx.Response(200, content=b"bytes")

    client = client_of("https://api.example/v1", transport=httpx.MockTransport(handler))

    got = bytearray()
    await client.download("https://cdn.example/a.png", Deadline.after(1), got.extend)
    assert got == b"bytes"


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_a_download_that_is_refused_says_so(status: int) -> None:
    client = client_of("https://api.example/v1", transport=httpx.MockTransport(lambda request: httpx.Response(status)))

    with pytest.raises(NoAnswer, match=f"status {status}"):
        await client.download("https://cdn.example/a.png", Deadline.after(1), len)


async def test_a_download_over_a_broken_connection_says_so() -> None:
    async with hostile.serving(hostile.cuts_the_body) as server:
        client = client_of(server.base_url)
        with pytest.raises(NoAnswer, match="could not be downloaded"):
            await client.download(server.base_url, Deadline.after(5), len)
        await client.aclose()
