"""Reading bodies: the same result however they come, in one piece or in many, short or long."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from time import process_time
from typing import Any

import pytest

from scenario_mcp.masking import no_mask
from scenario_mcp.scenario import bodies
from scenario_mcp.scenario.bodies import Unreadable

pytestmark = pytest.mark.anyio


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


@pytest.mark.parametrize("size", [1, 7, 1_000, 10**6])
@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_a_body_is_the_same_in_however_many_pieces_it_comes(size: int, coding: str) -> None:
    content = b"".join(b"line %d\n" % number for number in range(1_500)) + bytes(200_000)
    sent = gzip.compress(content) if coding == "gzip" else content[:20_000]
    got = bytearray()

    await bodies.pour(pieces(sent, size), coding, len(content), got.extend)

    assert got == (content if coding == "gzip" else sent)


@pytest.mark.parametrize("most", [0, 1, 999, 1_000])
async def test_never_more_than_the_most_is_handed_on(most: int) -> None:
    for coding, sent in (("gzip", gzip.compress(bytes(1_000))), ("identity", bytes(1_000))):
        got = bytearray()
        with nullcontext() if most == 1_000 else pytest.raises(Unreadable, match="longer than"):
            await bodies.pour(pieces(sent, 64), coding, most, got.extend)
        assert len(got) <= most


async def test_an_empty_body_is_empty_in_any_coding() -> None:
    got = bytearray()
    await bodies.pour(pieces(b"", 1), "gzip", 10, got.extend)

    assert got == b""


TEXTS = [
    "{}",
    "[]",
    "0",
    '"text"',
    '{"a": [1, -2.5, 1e3, true, false, null, "\\u00e9\\n\\"x"]}',
    ' {"a":{"b":[[],{}]}} ',
]


@pytest.mark.parametrize("text", [*TEXTS, "", "{", "[1,]", '{"a":}', "01", "nul", '"\n"', "{} {}", "\ufeff{}"])
async def test_long_bodies_are_read_as_short_ones_are(text: str) -> None:
    blanks = b" " * (bodies.INLINE + 1)

    short = await bodies.read_json(text.encode(), no_mask)
    long = await bodies.read_json(text.encode() + blanks, no_mask)

    assert short == long == (json.loads(text) if text in TEXTS else {} if text == "\ufeff{}" else None)


async def test_a_page_of_500_model_records_is_read_in_time() -> None:
    inputs = [{"name": f"size{number}", "type": "number", "min": 1, "max": 100, "default": 7} for number in range(25)]
    page: dict[str, Any] = {
        "models": [{"id": f"model_{number}", "description": "words " * 100, "inputs": inputs} for number in range(500)]
    }
    began = process_time()

    assert await bodies.read_json(json.dumps(page).encode(), no_mask) == page

    assert process_time() - began < 5


async def test_the_last_of_equal_keys_counts() -> None:
    assert await bodies.read_json(b'{"a": 1, "a": 2}', no_mask) == {"a": 2}
