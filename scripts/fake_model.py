"""A model on loopback that makes the tool calls it is told to, in the four dialects that hosts speak to models.

It notes what each host shows it: that is what a real model would see of a result.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

Json = dict[str, Any]
NAME = "fake-model"
DONE = "DONE"
USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}


@dataclass
class Seen:
    """What a model was shown of the results of its calls: their texts, one for each, and how many pictures."""

    texts: list[str] = field(default_factory=list)
    pictures: int = 0


@dataclass(frozen=True)
class Call:
    """A tool call of the model, by the name that the host has given the tool."""

    name: str
    namespace: str | None
    arguments: Json


@dataclass(frozen=True)
class Dialect:
    """One way to speak to a model: which tools a request offers, what it shows, and how an answer is written."""

    tools: Callable[[Json], Iterator[tuple[str, str | None]]]
    seen: Callable[[Json], Seen]
    answer: Callable[[Json, Call | None, str], Json]
    stream: Callable[[Json], Iterator[Json]]


@dataclass
class FakeModel:
    """What the model shall do: steps, each a tool and its arguments, as a function of what it was told last."""

    steps: Sequence[tuple[str, Callable[[str], Json]]] = ()
    seen: Seen = field(default_factory=Seen)
    offered: int = 0
    base_url: str = ""

    def next_call(self, dialect: Dialect, body: Json) -> Call | None:
        """Note what a request shows, and give the call that comes next, if the request offers its tool."""
        offered = list(dialect.tools(body))
        shown = dialect.seen(body)
        if not offered:
            return None
        self.offered = max(self.offered, len(offered))
        if len(shown.texts) >= len(self.seen.texts):
            self.seen = shown
        if len(shown.texts) >= len(self.steps):
            return None
        tool, arguments = self.steps[len(shown.texts)]
        for name, namespace in offered:
            if _plain(name).endswith(_plain(tool)):
                return Call(name, namespace, arguments(shown.texts[-1] if shown.texts else ""))
        return None


def _plain(name: str) -> str:
    """Hosts put the server's name before a tool's, and write its dashes otherwise."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _blocks(content: Any) -> Iterator[Json]:
    yield from [{"type": "text", "text": content}] if isinstance(content, str) else content or ()


def _text(blocks: Any, *kinds: str) -> str:
    return "\n".join(block["text"] for block in _blocks(blocks) if block["type"] in kinds)


def _pictures(blocks: Any, *kinds: str) -> int:
    return sum(block["type"] in kinds for block in _blocks(blocks))


# Anthropic's messages


def _messages_seen(body: Json) -> Seen:
    blocks = [block for message in body["messages"] for block in _blocks(message["content"])]
    results = [block for block in blocks if block["type"] == "tool_result"]
    pictures = _pictures(blocks, "image") + sum(_pictures(each.get("content"), "image") for each in results)
    return Seen([_text(each.get("content"), "text") for each in results], pictures)


def _message(body: Json, call: Call | None, key: str) -> Json:
    block: Json = {"type": "text", "text": DONE}
    if call is not None:
        block = {"type": "tool_use", "id": f"toolu_{key}", "name": call.name, "input": call.arguments}
    return {
        "id": f"msg_{key}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", NAME),
        "content": [block],
        "stop_reason": "end_turn" if call is None else "tool_use",
        "stop_sequence": None,
        "usage": USAGE,
    }


def _message_events(message: Json) -> Iterator[Json]:
    [block] = message["content"]
    said = "text" in block
    yield {"type": "message_start", "message": message | {"content": [], "stop_reason": None}}
    empty: Json = {"text": ""} if said else {"input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block | empty}
    delta = (
        {"type": "text_delta", "text": block["text"]}
        if said
        else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    )
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
        "usage": USAGE,
    }
    yield {"type": "message_stop"}


# OpenAI's responses


def _response_tools(body: Json) -> Iterator[tuple[str, str | None]]:
    for tool in body.get("tools") or ():
        if tool.get("type") == "namespace":
            yield from ((each["name"], tool["name"]) for each in tool.get("tools", ()))
        elif tool.get("name"):
            yield tool["name"], None


def _responses_seen(body: Json) -> Seen:
    items = [] if isinstance(body["input"], str) else body["input"]
    outputs = [item["output"] for item in items if item.get("type") == "function_call_output"]
    others = [item.get("content") for item in items if item.get("role") == "user"]
    pictures = sum(_pictures(each, "input_image") for each in (*outputs, *others))
    return Seen([_text(each, "text", "input_text", "output_text") for each in outputs], pictures)


def _response(body: Json, call: Call | None, key: str) -> Json:
    item: Json = {
        "type": "message",
        "id": f"msg_{key}",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": DONE, "annotations": []}],
    }
    if call is not None:
        item = {
            "type": "function_call",
            "id": f"fc_{key}",
            "call_id": f"call_{key}",
            "name": call.name,
            "arguments": json.dumps(call.arguments),
            "status": "completed",
        } | ({"namespace": call.namespace} if call.namespace else {})
    return {
        "id": f"resp_{key}",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": body.get("model", NAME),
        "output": [item],
        "usage": USAGE | {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {}},
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
    }


def _response_events(response: Json) -> Iterator[Json]:
    [item] = response["output"]
    events: list[Json] = [
        {"type": "response.created", "response": response | {"status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]
    yield from (event | {"sequence_number": number} for number, event in enumerate(events))


# OpenAI's chat completions


def _chat_tools(body: Json) -> Iterator[tuple[str, str | None]]:
    yield from ((tool["function"]["name"], None) for tool in body.get("tools") or ())


def _chat_seen(body: Json) -> Seen:
    told = [message for message in body["messages"] if message["role"] == "tool"]
    pictures = sum(_pictures(message.get("content"), "image_url") for message in body["messages"])
    return Seen([_text(message.get("content"), "text") for message in told], pictures)


def _completion(body: Json, call: Call | None, key: str) -> Json:
    message: Json = {"role": "assistant", "content": DONE}
    if call is not None:
        function = {"name": call.name, "arguments": json.dumps(call.arguments)}
        called = {"index": 0, "id": f"call_{key}", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [called]}
    choice = {"index": 0, "message": message, "finish_reason": "stop" if call is None else "tool_calls"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {"id": key, "object": "chat.completion", "created": 0, "model": NAME, "choices": [choice], "usage": usage}


def _completion_events(completion: Json) -> Iterator[Json]:
    [choice] = completion["choices"]
    chunk = completion | {"object": "chat.completion.chunk"}
    yield chunk | {"choices": [{"index": 0, "delta": choice["message"], "finish_reason": None}]}
    yield chunk | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}


# Gemini's content


def _gemini_tools(body: Json) -> Iterator[tuple[str, str | None]]:
    for tool in body.get("tools") or ():
        yield from ((each["name"], None) for each in tool.get("functionDeclarations", ()))


def _gemini_seen(body: Json) -> Seen:
    parts = [part for content in body.get("contents", ()) for part in content.get("parts", ())]
    told = [part["functionResponse"] for part in parts if "functionResponse" in part]
    within = [part for each in told for part in each.get("parts", ())]
    pictures = sum("inlineData" in part for part in (*parts, *within))
    return Seen([json.dumps(each["response"], ensure_ascii=False) for each in told], pictures)


def _content(body: Json, call: Call | None, key: str) -> Json:
    part: Json = {"text": DONE}
    if call is not None:
        part = {"functionCall": {"name": call.name, "args": call.arguments, "id": key}}
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": NAME,
    }


def _plain_tools(body: Json) -> Iterator[tuple[str, str | None]]:
    yield from ((tool["name"], None) for tool in body.get("tools") or () if "name" in tool)


MESSAGES = Dialect(_plain_tools, _messages_seen, _message, _message_events)
RESPONSES = Dialect(_response_tools, _responses_seen, _response, _response_events)
CHAT = Dialect(_chat_tools, _chat_seen, _completion, _completion_events)
GEMINI = Dialect(_gemini_tools, _gemini_seen, _content, lambda content: iter([content]))
BY_PATH: Mapping[str, Dialect] = {
    "/messages": MESSAGES,
    "/responses": RESPONSES,
    "/chat/completions": CHAT,
    ":generateContent": GEMINI,
    ":streamGenerateContent": GEMINI,
}


@contextmanager
def serving(model: FakeModel) -> Iterator[FakeModel]:
    """Serve a model on a free port of loopback, at its `base_url`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(model))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: FakeModel  # set by the server's own class

    def do_GET(self) -> None:
        """List the one model."""
        listed = {"id": NAME, "object": "model", "type": "model", "display_name": NAME, "created": 0}
        self._send(json.dumps({"object": "list", "data": [listed], "has_more": False}))

    def do_HEAD(self) -> None:
        """Be there."""
        self._send("")

    def do_POST(self) -> None:
        """Answer in the dialect of the path."""
        path, body = self.path.partition("?")[0], self._body()
        dialect = next((each for end, each in BY_PATH.items() if path.endswith(end)), None)
        if dialect is None:  # tokens that are counted, and what hosts tell their makers
            self._send(json.dumps({"input_tokens": 10, "totalTokens": 10}))
            return
        answer = dialect.answer(body, self.model.next_call(dialect, body), f"{next(_COUNT)}")
        if body.get("stream") or "stream" in path:
            events = [_event(event, named=dialect is MESSAGES) for event in dialect.stream(answer)]
            end = ["data: [DONE]\n\n"] if dialect is CHAT else []
            self._send("".join([*events, *end]), "text/event-stream")
        else:
            self._send(json.dumps(answer))

    def _body(self) -> Json:
        if self.headers.get("Transfer-Encoding") == "chunked":
            read = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                read += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            read = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body: Json = json.loads(read or b"{}")
        return body

    def _send(self, text: str, kind: str = "application/json") -> None:
        content = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Say nothing of each request."""


_COUNT = count()


def _event(event: Json, *, named: bool) -> str:
    return (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n"


def _handler(model: FakeModel) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"model": model})
