"""The sandbox serves its own server alone: no page of a browser, no other person of the machine, no endless body."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from scenario_mcp.commands.wiring import sandboxed
from scenario_mcp.sandbox.serve import serving
from scenario_mcp.sandbox.world import World
from scenario_mcp.settings import Settings
from support.nightly import by_day
from support.pictures import png
from support.worlds import SANDBOX_CREDENTIALS

MEGABYTE = b"x" * 2**20


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, str]]:
    world = World()  # as the product makes it
    with serving(world) as url:
        yield world, url


@pytest.fixture
def world(served: tuple[World, str]) -> World:
    served[0].requests.clear()
    return served[0]


@pytest.fixture
def base_url(served: tuple[World, str]) -> str:
    return served[1]


@pytest.fixture(scope="module")
def http(served: tuple[World, str]) -> Iterator[httpx.Client]:
    """Speak with the key that this sandbox has."""
    world, base_url = served
    with httpx.Client(base_url=base_url, auth=next(iter(world.accounts.items()))) as client:
        yield client


@pytest.fixture
def picture(world: World, base_url: str) -> str:
    """Store a picture, and give the address under which the sandbox shows it."""
    asset = world.add_picture(png("tan"))
    assert asset is not None
    return world.signed_url(asset.id, original=True)


def test_every_run_has_a_key_of_its_own(http: httpx.Client) -> None:
    keys = set()
    for _ in range(2):
        with sandboxed(Settings(), sandbox=True) as chosen:
            assert chosen.credentials is not None
            keys.add(chosen.credentials)
            own, known = [
                http.get(f"{chosen.base_url}/models", auth=pair) for pair in (chosen.credentials, SANDBOX_CREDENTIALS)
            ]

            assert (own.status_code, known.status_code) == (200, 401)

    assert len(keys) == 2
    assert all(len(secret) >= 32 for _, secret in keys)


def test_a_key_that_is_almost_right_is_none(world: World, http: httpx.Client) -> None:
    key, secret = next(iter(world.accounts.items()))
    for pair in ((key, secret[:-1]), (key, ""), ("", secret), ("", ""), (key, f"{secret}x"), (key, "\u00e9")):
        assert http.get("models", auth=pair).status_code == 401


# What a page names whose host was bound to this machine meanwhile, {port} being the right port.
HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1:{port}0",
    "127.0.0.1:{port}@evil.example",
    "[::ffff:127.0.0.1]:{port}",
    "2130706433:{port}",
    "0.0.0.0:{port}",
    "localhost.:{port}",
    "",
]
ORIGINS = ["http://evil.example", "https://evil.example:{port}", "null", "http://127.0.0.1:1", "file://", ""]


@pytest.mark.parametrize("host", by_day(HOSTS[::3], HOSTS))
def test_a_request_for_another_host_is_refused_by_both_origins(
    world: World, http: httpx.Client, picture: str, host: str
) -> None:
    answers = [http.get(url, headers={"Host": host.format(port=urlsplit(url).port)}) for url in _both(http, picture)]

    assert [answer.status_code for answer in answers] == [421, 421]
    assert world.requests == []


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_another_origin_is_refused_by_both(
    world: World, http: httpx.Client, picture: str, origin: str
) -> None:
    answers = [
        http.get(url, headers={"Origin": origin.format(port=urlsplit(url).port)}) for url in _both(http, picture)
    ]

    assert [answer.status_code for answer in answers] == [421, 421]
    assert not any("access-control-allow-origin" in answer.headers for answer in answers)
    assert world.requests == []


def _both(http: httpx.Client, picture: str) -> tuple[str, str]:
    return f"{http.base_url}models", picture


@pytest.mark.parametrize("hosts", [(), ("127.0.0.1:{port}", "evil.example"), ("evil.example", "127.0.0.1:{port}")])
def test_a_request_with_no_host_or_with_two_is_refused(world: World, base_url: str, hosts: tuple[str, ...]) -> None:
    port = urlsplit(base_url).port
    named = "".join(f"Host: {host.format(port=port)}\r\n" for host in hosts)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET /v1/models HTTP/1.0\r\n{named}\r\n".encode())
        answer = connection.makefile("rb").readline()

    assert answer.split()[1] in (b"400", b"421")
    assert world.requests == []


def test_a_picture_is_shown_only_under_its_whole_address(world: World, picture: str, http: httpx.Client) -> None:
    bare, _, signed = picture.partition("?")
    asset = world.add_picture(png("navy"))
    assert asset is not None
    other = f"{bare.rpartition('/')[0]}/{asset.id}?{signed}"
    cut = [picture[:-30], picture.replace("Signature=", "Signature=0"), picture.replace("Signature=", "Signature=%C3")]
    stranger = World().signed_url(asset.id, original=True).partition("?")[2]

    assert http.get(picture, auth=None).status_code == 200
    assert {http.get(url, auth=None).status_code for url in (bare, other, *cut, f"{bare}?{stranger}")} == {403}


def test_a_body_is_read_no_further_than_it_may_be_long(world: World, http: httpx.Client, base_url: str) -> None:
    parts = http.post("uploads", json={"fileName": "a.png", "contentType": "image/png", "fileSize": 9, "parts": 1})
    places = {"POST": f"{base_url}/assets", "PUT": parts.json()["upload"]["parts"][0]["url"]}

    for method, url in places.items():
        sent = 0

        def endless() -> Iterator[bytes]:
            nonlocal sent
            for _ in range(100):
                sent += 1
                yield MEGABYTE

        with suppress(httpx.TransportError):  # the connection may break before its answer is read
            assert http.request(method, url, content=endless()).status_code == 413
        assert sent < 100, method


@pytest.mark.parametrize("changed", [{"parts": 10_000}, {"parts": -1}, {"parts": "x"}, {"fileSize": 10**15}])
def test_an_upload_is_refused_whose_size_makes_no_sense(http: httpx.Client, changed: dict[str, Any]) -> None:
    sound = {"fileName": "a.png", "contentType": "image/png", "fileSize": 9, "parts": 1}

    assert http.post("uploads", json=sound).status_code == 200
    assert http.post("uploads", json=sound | changed).status_code == 400


def test_a_part_that_was_never_offered_is_not_taken(world: World, http: httpx.Client) -> None:
    begun = http.post("uploads", json={"fileName": "a.png", "contentType": "image/png", "fileSize": 9, "parts": 1})
    first = begun.json()["upload"]["parts"][0]["url"]
    wrong = [first[:-1] + "2", first[:-1] + "0", first.replace("upload_sandbox_", "upload_sandbox_0")]

    assert {http.put(url, content=b"x" * 9, auth=lambda request: request).status_code for url in wrong} == {403}
    assert http.put(first, content=b"x" * 9, auth=lambda request: request).status_code == 200


def test_a_body_that_nests_too_deep_is_refused(http: httpx.Client) -> None:
    assert http.post("assets", content=b"[" * 100_000).status_code == 400
