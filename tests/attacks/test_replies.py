"""Replies are not believed: their bodies are bounded before and after they are inflated, and hold nothing up."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import AnswerLost, ApiError, NoAnswer, ScenarioError
from scenario_mcp.scenario.wire import Call
from support import bombs
from support.agents import TOOL, text_of
from support.clock import LEAPING
from support.hostile import Behaviour, serving
from support.network import ASSETS, GENERATE, JOBS, SandboxNetwork, answers
from support.nightly import by_day, crossed

pytestmark = pytest.mark.anyio

PAID = Call("POST", "/generate/img2img-ip-adapter", wire.PAID, body={"prompt": "p"})
FREE = Call("GET", "/jobs/job_x", wire.SAFE)
KEY, SECRET = "api_key", "the_secret_value+of/one=person"
MEGABYTE = 2**20
LONGEST_PAUSE = 0.05  # seconds of work


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return LEAPING if "agent" in request.fixturenames else "asyncio"  # real sockets need real time


def client_of(base_url: str, **more: Any) -> Client:
    return Client(base_url, (KEY, SECRET), trust_env=False, **more)


async def asked(behaviour: Behaviour, call: Call = FREE) -> Any:
    """Ask a server once and give its answer, or the failure."""
    async with serving(behaviour) as server:
        client = client_of(server.base_url)
        try:
            return await client.attempt(call)
        except ScenarioError as failure:
            return failure
        finally:
            await client.aclose()
            assert len(server.requests) == 1


# Section 2: codings

ODD_CODINGS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "two codings": (gzip.compress(gzip.compress(bombs.JOB)), ("Content-Encoding: gzip, gzip",)),
    "three codings": (bombs.zeros(1, 3), ("Content-Encoding: gzip, gzip, gzip",)),
    "two codings in two headers": (
        gzip.compress(gzip.compress(bombs.JOB)),
        ("Content-Encoding: gzip", "Content-Encoding: GZIP"),
    ),
    "one that is none besides": (gzip.compress(bombs.JOB), ("Content-Encoding: gzip, identity",)),
    "one that was not asked for": (zlib.compress(bombs.JOB), ("Content-Encoding: deflate",)),
    "one that nobody knows": (bombs.JOB, ("Content-Encoding: \x7f, nonsense",)),
    "something after its end": (gzip.compress(bombs.JOB) + b"more", ("Content-Encoding: gzip",)),
    "two members": (gzip.compress(bombs.JOB) * 2, ("Content-Encoding: gzip",)),
    "no end": (gzip.compress(bombs.JOB)[:-8], ("Content-Encoding: gzip",)),
}


@pytest.mark.parametrize("name", by_day(list(ODD_CODINGS)[::2], ODD_CODINGS))
async def test_a_body_of_more_than_the_coding_that_was_asked_for_is_no_answer(name: str) -> None:
    body, headers = ODD_CODINGS[name]

    assert isinstance(await asked(bombs.answering(body, *headers)), NoAnswer)
    assert isinstance(await asked(bombs.answering(body, *headers), PAID), AnswerLost)


@pytest.mark.parametrize("coding", ["gzip", "GZip", " gzip "])
async def test_the_coding_that_was_asked_for_is_read(coding: str) -> None:
    answer = await asked(bombs.answering(gzip.compress(bombs.JOB), f"Content-Encoding: {coding}"))

    assert answer == json.loads(bombs.JOB)


@pytest.mark.parametrize(("call", "codings"), crossed([FREE, PAID], [2, 1]))
async def test_a_small_reply_that_inflates_without_end_takes_little_memory(call: Call, codings: int) -> None:
    bomb = bombs.zeros(128, codings)
    headers = ["Content-Encoding: " + ", ".join(["gzip"] * codings)]

    with bombs.peak() as megabytes:
        failure = await asked(bombs.answering(bomb, *headers), call)

    assert isinstance(failure, AnswerLost if call is PAID else NoAnswer)
    assert megabytes[0] < 60


@pytest.mark.parametrize("length", [True, False])
async def test_a_long_reply_that_is_not_compressed_is_not_read_to_its_end(length: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 60000000000\r\n" if length else b"")

    async with asyncio.timeout(10):
        failure = await asked(bombs.dripping(head + b"\r\n{", bytes(MEGABYTE), 0))

    assert "longer than 16 MB" in str(failure)


async def test_a_compressed_reply_that_never_says_anything_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    name_of_a_file = b"\x1f\x8b\x08\x08" + bytes(6)  # which ends with a zero, and may be of any length

    async with asyncio.timeout(10):
        failure = await asked(bombs.dripping(head + name_of_a_file, b"x" * MEGABYTE, 0))

    assert "longer than 16 MB" in str(failure)


async def test_a_bomb_among_files_takes_little_memory() -> None:
    bomb = bombs.answering(bombs.zeros(128, 2), "Content-Encoding: gzip, gzip")
    async with serving(bomb) as server:
        client = client_of(server.base_url)
        with bombs.peak() as megabytes, pytest.raises(NoAnswer, match="coded as"):
            await client.content(server.base_url, Deadline.after(10), 60_000_000)
        await client.aclose()

    assert megabytes[0] < 60


async def test_the_answer_to_a_part_of_an_upload_is_not_inflated() -> None:
    async with serving(bombs.answering(bombs.zeros(128, 2), "Content-Encoding: gzip, gzip")) as server:
        client = client_of(server.base_url)
        with bombs.peak() as megabytes:
            await client.put(server.base_url, b"part", Deadline.after(10))
        await client.aclose()

    assert megabytes[0] < 60


async def test_a_part_of_an_upload_that_is_answered_without_end_is_taken_by_the_status() -> None:
    async with serving(bombs.dripping(b"HTTP/1.1 200 OK\r\n\r\n", bytes(50_000), 0)) as server, asyncio.timeout(10):
        client = client_of(server.base_url)
        await client.put(server.base_url, b"part", Deadline.after(20))
        await client.aclose()


async def test_a_file_longer_than_its_bound_is_refused_before_it_is_written() -> None:
    async with serving(bombs.answering(bytes(MEGABYTE))) as server:
        client = client_of(server.base_url)
        written = bytearray()
        with pytest.raises(NoAnswer, match="longer than"):
            await client.download(server.base_url, Deadline.after(10), written.extend, 500_000)
        assert written == b""
        await client.download(server.base_url, Deadline.after(10), written.extend, MEGABYTE)
        await client.aclose()

    assert len(written) == MEGABYTE


async def test_a_file_that_does_not_say_its_length_ends_at_its_bound() -> None:
    async with serving(bombs.dripping(b"HTTP/1.1 200 OK\r\n\r\n", bytes(50_000), 0)) as server:
        client = client_of(server.base_url)
        written = bytearray()
        with pytest.raises(NoAnswer, match="longer than"):
            await client.download(server.base_url, Deadline.after(10), written.extend, MEGABYTE)
        await client.aclose()

    assert len(written) <= MEGABYTE


async def test_a_paid_job_whose_acceptance_is_coded_oddly_is_found_again_and_paid_once(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, bombs.coded(bombs.zeros(1, 2), "gzip, gzip"))

    result = await agent.call_tool(TOOL, arguments)

    assert "the job was found again" in text_of(result)
    assert network.count(GENERATE) == len(world.ledger) == 1


# Time

ENDLESS: dict[str, Behaviour] = {
    "a body": bombs.dripping(b"HTTP/1.1 200 OK\r\n\r\n{", b" ", 0.02),
    "a head": bombs.dripping(b"HTTP/1.1 200 OK\r\nX: y", b"y", 0.02),
    "informational answers": bombs.dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_answer_that_never_ends_is_given_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenario_mcp.scenario.client.ANSWER_SECONDS", 0.2, raising=False)

    async with asyncio.timeout(5):
        assert isinstance(await asked(ENDLESS[name], PAID), AnswerLost)


def _lists() -> bytes:
    return b'{"job": [' + b"[]," * (5 * MEGABYTE) + b"[]]}"


HOLDING: dict[str, Callable[[], bytes]] = {
    "lists": _lists,
    "not quite so many lists": lambda: b'{"job": [' + b"[]," * 300_000 + b"1]}",
    "objects": lambda: b'{"job": [' + b'{"a":{}},' * (3 * MEGABYTE // 2) + b"1]}",
    "numbers": lambda: b'{"job": [' + b"1.5," * (4 * MEGABYTE - 10) + b"1]}",
    "one number": lambda: b'{"job": ' + b"9" * (16 * MEGABYTE - 100) + b"}",
}


@pytest.mark.parametrize("name", by_day(["lists"], HOLDING))
async def test_a_long_reply_of_an_odd_shape_does_not_hold_the_event_loop(name: str) -> None:
    behaviour = bombs.answering(HOLDING[name]())

    async with bombs.heart() as beating:
        failure = await asked(behaviour)

    assert "odd shape" in str(failure)
    assert beating.pause < LONGEST_PAUSE


async def test_a_body_in_chunks_of_one_byte_does_not_hold_the_event_loop() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    behaviour = bombs.sending(head + b"1\r\n \r\n" * 30_000 + b"2\r\n{}\r\n0\r\n\r\n")

    async with bombs.heart() as beating:
        assert await asked(behaviour) == {}

    assert beating.pause < LONGEST_PAUSE


@pytest.mark.nightly
async def test_a_record_of_100_000_inputs_comes_through_while_the_event_loop_turns() -> None:
    item = b'{"name": "", "kind": "", "a": "", "b": "", "c": "", "d": "", "e": "", "f": "", "g": ""}'
    record = b'{"model": {"id": "model_x", "inputs": [' + b",".join([item] * 100_000) + b"]}}"
    behaviour = bombs.answering(record)

    async with bombs.heart() as beating:
        answer = await asked(behaviour)

    assert answer["model"]["inputs"] == [json.loads(item)] * 100_000
    assert beating.pause < LONGEST_PAUSE


# Values

ODD_VALUES: dict[str, tuple[str, Any]] = {
    "a number of 5,000 digits": ("9" * 5_000, None),
    "a fraction of 5,000 digits": ("0." + "9" * 5_000, None),
    "a number that floats do not hold": ("-1e999", None),
    "no number": ("NaN", None),
    "half a character": (r'"\ud83d"', "?"),
    "deep nesting": ('{"x":' * 400 + "1" + "}" * 400, dict),
}


@pytest.mark.parametrize(("name", "filling"), crossed(list(ODD_VALUES), [0, 100_000]))
async def test_an_odd_value_leaves_the_rest_of_a_reply_readable(name: str, filling: int) -> None:
    text, value = ODD_VALUES[name]
    body = f'{{"odd": {text}, "job": {{"jobId": "job_real"}}, "filling": "{"x" * filling}"}}'

    answer = await asked(bombs.answering(body.encode()))

    assert answer["job"] == {"jobId": "job_real"}
    assert answer["odd"] == value or type(answer["odd"]) is value
    json.dumps(answer, allow_nan=False).encode()
    assert depth(answer) <= 210


def depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@pytest.mark.parametrize("body", [b"[" * 500_000, b"\xed\xa0\xbd", b'{"a": "' + b"\xff" * 100_000 + b'"}', b"{" * 5])
async def test_what_is_no_json_is_no_answer_and_no_crash(body: bytes) -> None:
    assert isinstance(await asked(bombs.answering(body)), NoAnswer)


async def test_an_error_of_many_megabytes_still_says_its_status() -> None:
    words = json.dumps({"reason": [["no"] * 10] * 100_000}).encode()

    async with bombs.heart() as beating:
        failure = await asked(bombs.answering(words, status=403))

    assert isinstance(failure, ApiError)
    assert failure.status == 403
    assert beating.pause < LONGEST_PAUSE


async def test_long_headers_are_cut_or_refused() -> None:
    assert isinstance(await asked(bombs.answering(b"{}", f"X: {'y' * 300_000}")), NoAnswer)
    assert await asked(bombs.answering(b"{}", f"Date: {'Mon, ' * 15_000}", f"Retry-After: {'9' * 9_000}")) == {}


# Section 5: the secret, as it comes in

ESCAPED: dict[str, str] = {
    "as it is": SECRET,
    "as JSON may": SECRET.replace("_", r"\u005f"),
    "as .NET does": SECRET.replace("+", r"\u002B"),
    "as PHP does": SECRET.replace("/", r"\/"),
    "all of it": "".join(f"\\u{ord(char):04x}" for char in SECRET),
    "twice": SECRET.replace("_", r"\\u005f"),
    "as URLs do": SECRET.replace("+", "%2B").replace("/", "%2f"),
    "as HTML does": SECRET.replace("=", "&#0000061;"),
    "after a number that Python does not read": "&#" + "9" * 5_000 + ";" + SECRET.replace("=", "&#61;"),
    "in base64 without padding": "YXBpX2tleTp0aGVfc2VjcmV0X3ZhbHVlK29mL29uZT1wZXJzb24",
    "in a very long text": "%" * 30_000 + SECRET.replace("_", "%5f"),
}


@pytest.mark.parametrize(("name", "status"), crossed(list(ESCAPED), [200, 400]))
async def test_the_secret_is_hidden_however_a_reply_spells_it(name: str, status: int) -> None:
    spelled = ESCAPED[name]
    bodies = {200: f'{{"job": {{"error": ["{spelled}"], "{spelled}": 1}}}}', 400: f'{{"reason": "bad {spelled} "}}'}

    answer = await asked(bombs.answering(bodies[status].encode(), status=status))

    text = f"{answer} {answer.hint}" if isinstance(answer, ApiError) else json.dumps(answer)
    assert "[hidden]" in text
    for part in ("secret", "5f", "c2VjcmV0", "x2tleT"):
        assert part not in text.lower()


async def test_the_secret_is_hidden_in_a_reply_of_megabytes() -> None:
    body = json.dumps({"job": {"error": SECRET, "filling": ["x" * 1_000] * 2_000}}).encode()

    answer = await asked(bombs.answering(body.replace(b"_", b"\\u005f")))

    assert answer["job"]["error"] == "[hidden]"


@pytest.mark.parametrize("before", [0, 250])  # the latter so that its words are cut within the secret
async def test_the_secret_is_hidden_in_what_is_no_http(before: int) -> None:
    failure = await asked(bombs.sending(f"{'x' * before}{SECRET} the header was\r\n\r\n".encode()), PAID)

    assert isinstance(failure, AnswerLost)
    assert "the_s" not in str(failure)


async def test_a_job_that_failed_with_words_that_echo_the_secret_does_not_show_it(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    words = json.dumps({"job": {"jobId": "job_x", "status": "failure", "metadata": {"error": "for needs-no-secret"}}})
    network.plan(JOBS, answers(200, text=words.replace("needs-no", r"needs\u002dno")), 99)

    result = await agent.call_tool("wait-for-jobs", {"jobIds": ["job_x"]})

    assert "for [hidden]" in text_of(result)
    assert "needs-no-secret" not in str(result)


async def test_a_refusal_that_echoes_the_secret_in_an_escaping_does_not_show_it(
    agent: McpClient, network: SandboxNetwork
) -> None:
    network.plan(ASSETS, answers(401, text=r'{"reason": "Basic needs%2Dno\u0025\u0032\u0044secret"}'), 99)

    result = await agent.call_tool("show-assets", {"assetIds": ["asset_x"]})

    assert "Basic [hidden]" in text_of(result)
    assert "needs" not in text_of(result)
