"""Lines that a host may write by a fault, or by malice, with what answers each."""

import json
from dataclasses import dataclass
from typing import Any

from support.stdio import MODERN_META

NO_JSON, NO_MESSAGE = -32700, -32600
BOM = b"\xef\xbb\xbf"
MEGABYTES = 2**20
MUCH = b"A" * 33 * MEGABYTES


@dataclass(frozen=True)
class Row:
    """A line, the code of the error that answers it (None: it is served), and under which id."""

    line: bytes
    code: int | None
    id: Any = 7


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def rows(era: str) -> dict[str, Row]:
    """Lines that a host may write by a fault, or by malice."""
    meta = text(MODERN_META if era == "modern" else {})

    def call(query: bytes, number: bytes = b"7", more: bytes = b"") -> bytes:
        """Write a call as Python's hosts do: the id comes first."""
        params = b'{"name":"find-models","arguments":{"query":%s},"_meta":%s}' % (query, meta)
        return b'{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":%s%s}' % (number, params, more)

    def call_from_js(query: bytes) -> bytes:
        """Write a call as JavaScript's hosts do: the id comes last."""
        params = b'{"name":"find-models","arguments":{"query":%s},"_meta":%s}' % (query, meta)
        return b'{"method":"tools/call","params":%s,"jsonrpc":"2.0","id":7}' % params

    good = call(b'"fox"')
    return {
        "half a character": Row(call(rb'"a fox \ud83d"'), None),
        "the other half": Row(call(rb'"\udc00 a fox"'), None),
        "halves in the wrong order": Row(call(rb'"\udc00\ud83d\ud83d\ude00"'), None),
        "half a character in a name": Row(call(rb'{"\ud83d":1}'), None),
        "half a character in the id": Row(call(b'"fox"', rb'"\ud83d"'), None, "\ufffd"),
        "half a character in the method": Row(good.replace(b"tools/call", rb"tools/\ud83d"), -32601),
        "half a character as bytes": Row(call(b'"\xed\xa0\xbd"'), None),
        "a byte order mark": Row(BOM + good, None),
        "a carriage return": Row(good + b"\r", None),
        "carriage returns within": Row(good.replace(b",", b",\r"), None),
        "bytes that are no UTF-8": Row(call(b'"\xff\xfe"'), None),
        "an escaped backslash before what looks like half a character": Row(call(rb'"\\ud83d"'), None),
        "nested 300 deep": Row(call(b"[" * 300 + b"]" * 300), NO_JSON),
        "nested 300 deep, the id last": Row(call_from_js(b"[" * 300 + b"]" * 300), NO_JSON),
        "nested 100,000 deep": Row(call(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), NO_JSON),
        "nested 180 deep": Row(call(b"[" * 180 + b"]" * 180), None),
        "a number of 5,000 digits": Row(call(b"9" * 5_000), NO_JSON),
        "a number of 5,000 digits, the id last": Row(call_from_js(b"9" * 5_000), NO_JSON),
        "a number that is infinite": Row(call(b"1e999"), None),
        "not a number": Row(call(b"NaN"), NO_JSON),
        "infinity": Row(call(b"-Infinity"), NO_JSON),
        "a control character": Row(call(b'"\x01"'), NO_JSON),
        "an escape that is none": Row(call(rb'"\x"'), NO_JSON),
        "a text without an end": Row(call(b'"a fox'), NO_JSON),
        "a response that is nested 300 deep": Row(
            b'{"jsonrpc":"2.0","id":7,"result":{"x":%s}}' % (b"[" * 300 + b"]" * 300), NO_JSON, None
        ),
        "a line that breaks off": Row(good[:50], NO_JSON),
        "a line that breaks off after another id": Row(b'{"method":"x","params":{"id":7}', NO_JSON, None),
        "two messages on a line": Row(good + good, NO_JSON),
        "no JSON": Row(b"hello", NO_JSON, None),
        "UTF-16": Row(good.decode().encode("utf-16-le"), NO_JSON, None),
        "a NUL": Row(b"\0" + good, NO_JSON, None),
        "an id that is null": Row(call(b'"fox"', b"null"), NO_MESSAGE, None),
        "a fraction for an id": Row(call(b'"fox"', b"1.5"), NO_MESSAGE, 1.5),
        "a whole fraction for an id": Row(call(b'"fox"', b"7.0"), NO_MESSAGE, 7),
        "truth for an id": Row(call(b'"fox"', b"true"), NO_MESSAGE, None),
        "an object for an id": Row(call(b'"fox"', b"{}"), NO_MESSAGE, None),
        "a list for an id": Row(call(b'"fox"', b"[7]"), NO_MESSAGE, None),
        "infinity for an id": Row(call(b'"fox"', b"1e999"), NO_MESSAGE, None),
        "an id of 10,000 characters": Row(call(b'"fox"', text("x" * 10_000)), NO_MESSAGE, "x" * 10_000),
        "an id of 30 digits": Row(call(b'"fox"', b"1" * 30), None, int("1" * 30)),
        "no version of JSON-RPC": Row(good.replace(b'"jsonrpc":"2.0",', b""), NO_MESSAGE),
        "another version of JSON-RPC": Row(good.replace(b'"2.0"', b'"1.0"'), NO_MESSAGE),
        "a number for the version of JSON-RPC": Row(good.replace(b'"2.0"', b"2.0"), NO_MESSAGE),
        "no method": Row(b'{"jsonrpc":"2.0","id":7}', NO_MESSAGE),
        "a number for a method, and a result": Row(b'{"jsonrpc":"2.0","id":7,"method":5,"result":{}}', NO_MESSAGE),
        "a request and an error at once": Row(good[:-1] + b',"error":5}', None),
        "a number for a method": Row(good.replace(b'"tools/call"', b"5"), NO_MESSAGE),
        "a list of params": Row(b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[1]}', NO_MESSAGE),
        "a text for params": Row(b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":"x"}', NO_MESSAGE),
        "a broken note": Row(b'{"jsonrpc":"2.0","method":"notifications/x","params":[1]}', NO_MESSAGE, None),
        "a batch": Row(b"[%s,%s]" % (good, good), NO_MESSAGE, None),
        "an empty batch": Row(b"[]", NO_MESSAGE, None),
        "an empty object": Row(b"{}", NO_MESSAGE, None),
        "a text": Row(b'"tools/list"', NO_MESSAGE, None),
        "33 MB, the id last": Row(call_from_js(b'"%s"' % MUCH), NO_MESSAGE),
        "a number": Row(b"7", NO_MESSAGE, None),
        "null": Row(b"null", NO_MESSAGE, None),
    }


# What nobody answers: blank lines, and responses, whose ids are not the host's.
SILENT = {
    "an empty line": b"",
    "blanks": b" \t ",
    "a carriage return alone": b"\r",
    "a byte order mark alone": BOM,
    "a response to nothing": b'{"jsonrpc":"2.0","id":7,"result":{}}',
    "a broken response": b'{"jsonrpc":"2.0","id":7,"result":"x"}',
    "a broken error": b'{"jsonrpc":"2.0","id":1.5,"error":5}',
    "an error for no request": b'{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}',
    "a cancellation of a list": b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[1]}}',
    "a cancellation of an object": b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}',
    "a cancellation of nothing": b'{"jsonrpc":"2.0","method":"notifications/cancelled"}',
    "a token that is a list": b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":[1]}}',
    "an unknown note": b'{"jsonrpc":"2.0","method":"notifications/x"}',
}
