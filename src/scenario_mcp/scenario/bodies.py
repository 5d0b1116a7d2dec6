"""Bodies of replies: counted before and after they are inflated, and read as JSON, without holding the event loop.

The figures are times of one core that held everything else up, measured with the worst bodies that could be thought of.
"""

import json
import json.scanner
import math
import zlib
from collections.abc import AsyncIterable, Callable, Sequence
from threading import Lock
from time import perf_counter
from typing import Any

from anyio.lowlevel import checkpoint

from scenario_mcp import wording
from scenario_mcp.masking import Mask, masked
from scenario_mcp.scenario.threads import in_thread

STEP = 2**16  # bytes that are inflated at once, in less than 1 ms
HOLD_SECONDS = 0.005  # after which others get their turn: a chunk may hold a byte, and cost as much as one of 64 kB
INLINE = 2**15  # bytes that are read at once, in at most 15 ms; 2 kB of a job take 0.1 ms

# What a page of 500 model records does not come near: 2 MB, 15,000 lists and objects, 81,000 commas. Read in C, 16 MB
# of `[],` hold everything for 2.1 s; within these bounds a reply is dropped again in 30 ms, and read in 3 s at most.
MOST_CONTAINERS, MOST_COMMAS = 200_000, 1_000_000
LONGEST_NUMBER = 400  # characters; no float has more before its point, and Python refuses to read 4,301 digits
SAMPLES = 2**20  # bytes from one look for a longer number to the next; one of 16 million digits takes 76 ms


class Unreadable(Exception):
    """A body that is not read on; the message says why."""


def coding_of(headers: Sequence[str], asked: str) -> str:
    """Take the one coding of a body from the values of its Content-Encoding. Raises `Unreadable` for any other."""
    codings = [coding.strip().lower() for header in headers for coding in header.split(",")]
    codings = [coding for coding in codings if coding]
    if codings not in ([], ["identity"], [asked]):
        raise Unreadable(f"it is coded as {wording.quoted(', '.join(codings), 60)}, which was not asked for")
    return codings[0] if codings else "identity"


async def pour(raw: AsyncIterable[bytes], coding: str, most: int, write: Callable[[bytes], object]) -> None:
    """Hand a body to `write` piece by piece, without its coding: at most so many bytes of it, as sent and as inflated.

    Raises `Unreadable` for a longer body, or one that is not exactly one gzip member where that is its coding.
    """
    inflate = zlib.decompressobj(wbits=31) if coding == "gzip" else None
    sent = poured = 0
    turn = perf_counter()
    async for chunk in raw:
        sent += len(chunk)
        if sent > most:
            raise Unreadable(f"it is longer than {most // 10**6} MB")
        while chunk:
            piece, chunk = (chunk, b"") if inflate is None else _inflated(inflate, chunk)
            poured += len(piece)
            if poured > most:
                raise Unreadable(f"it is longer than {most // 10**6} MB")
            write(piece)
            if perf_counter() - turn > HOLD_SECONDS:
                await checkpoint()
                turn = perf_counter()
    if inflate is not None and sent and not inflate.eof:
        raise Unreadable("its compressed body ends too early")


async def read_json(body: bytes, mask: Mask) -> Any:
    """Read JSON as it may be used: no secret, no half characters, no number that is none, nothing very deep.

    Gives None for a body that is no JSON. Raises `Unreadable` for one that would take too long to read.
    """
    if len(body) <= INLINE:
        return _json(body, mask, _quick)
    try:
        return await in_thread(_large_json, body, mask)
    except OSError as fault:
        raise Unreadable(f"it is long, and {fault.strerror}") from fault


def _inflated(inflate: "zlib._Decompress", chunk: bytes) -> tuple[bytes, bytes]:
    try:
        piece = inflate.decompress(chunk, STEP)
    except zlib.error as fault:
        raise Unreadable("its compressed body is damaged") from fault
    if inflate.unused_data:
        raise Unreadable("something follows its compressed body")
    return piece, inflate.unconsumed_tail


def _large_json(body: bytes, mask: Mask) -> Any:
    containers = body.count(b"[") + body.count(b"{")
    numbers = (body[at : at + LONGEST_NUMBER] for at in range(0, len(body), SAMPLES))
    if containers > MOST_CONTAINERS or body.count(b",") > MOST_COMMAS or any(map(bytes.isdigit, numbers)):
        raise Unreadable("it has an odd shape")
    with _one_at_a_time:
        return _json(body, mask, _gentle)


def _json(body: bytes, mask: Mask, decoder: json.JSONDecoder) -> Any:
    try:
        data = decoder.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return masked(data, lambda text: mask(text if text.isascii() else wording.sound(text)))


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=lambda _: None, parse_float=_float, parse_int=_int)


def _float(text: str) -> float | None:
    number = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    return number if math.isfinite(number) else None


def _int(text: str) -> int | None:
    return int(text) if len(text) <= LONGEST_NUMBER else None


_quick = _decoder()
_gentle = _decoder()
# The scanner in C lets nothing else run before it is done. This one, of the same library and for the same purpose, is
# Python, which takes turns every 5 ms; texts it scans in C as well. A page of 500 models takes 0.2 s instead of 0.02.
_gentle.scan_once = json.scanner.py_make_scanner(_gentle)  # type: ignore[attr-defined]  # typeshed knows it not
_one_at_a_time = Lock()  # the more threads want their turn, the longer the event loop waits for its own
