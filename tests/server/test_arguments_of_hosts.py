"""What hosts do to arguments: they add their own, write them as text, and fill forms with empty texts."""

import json
import logging
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.server.dispatch import OF_HOSTS
from support.agents import TOOL, made, text_of
from support.pipes import conversation
from support.stdio import INFO, VERSIONS

pytestmark = pytest.mark.anyio

# n8n, Copilot, Windsurf, OpenHands, Zed and others; the last ones are kinds that nobody has named yet.
THEIRS: list[dict[str, Any]] = [
    {"toolCallId": "call_1", "sessionId": "s", "action": "sendMessage", "chatInput": "hello"},
    {"_sessionID": "s", "_placeholder": "", "_": None, "_meta": {"x": [1]}},
    {
        "wait_for_previous": True,
        "task_progress": "- [x] one",
        "security_risk": "LOW",
        "toolSummary": "Drawing a phoenix",
    },
    {"random_string": "dummy"},
    {"_context": {"deep": [{"er": 1}]}, "__proto__": {}, "_\x1b[31m\n": 1},
]


@pytest.mark.parametrize("theirs", THEIRS, ids=lambda theirs: next(iter(theirs)))
async def test_what_a_host_adds_for_itself_is_left_out(
    agent: McpClient, world: World, arguments: dict[str, Any], theirs: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        called = await agent.call_tool(TOOL, arguments | theirs)
        listed = await agent.call_tool("list-jobs", theirs)

    assert made(called)["status"] == "success"
    assert not listed.is_error
    assert len(world.ledger) == 1
    assert not set(theirs) & set(world.ledger[0].body)
    [told, _] = [record.message for record in caplog.records if "Arguments of the host" in record.message]
    assert len(told.splitlines()) == 1
    assert "\x1b" not in told


async def test_misspelt_arguments_are_refused_as_ever(
    agent: McpClient, world: World, arguments: dict[str, Any]
) -> None:
    for wrong in ("numSample", "session_id", "Action", "guidance_", "toolcallid"):
        refused = await agent.call_tool(TOOL, arguments | {wrong: 1})

        assert refused.is_error
        assert f"- {wrong}: " in text_of(refused)
    assert world.ledger == []


async def test_within_the_parameters_of_a_model_nothing_is_left_out(agent: McpClient, world: World) -> None:
    for name in ("_sessionID", *sorted(OF_HOSTS)):
        run = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "a fox", name: "x"}}
        refused = await agent.call_tool("run-model", run)

        assert refused.is_error
        assert f"parameters.{name}" in text_of(refused)
    assert world.ledger == []


EMPTY = [
    ("find-models", {"query": "", "type": "", "tags": "", "cursor": " ", "limit": "", "capability": ""}),
    ("list-jobs", {"status": "", "limit": "", "cursor": "", "since": ""}),
    ("show-assets", {"jobId": "", "assetIds": ["asset_x"], "cursor": ""}),
]


@pytest.mark.parametrize(("tool", "form"), EMPTY, ids=[tool for tool, _ in EMPTY])
async def test_forms_that_were_emptied_say_nothing(agent: McpClient, tool: str, form: dict[str, Any]) -> None:
    properties = (await agent.list_tools()).tools
    known = next(each for each in properties if each.name == tool).input_schema["properties"]
    asked = {name: value for name, value in form.items() if name in known}
    emptied = {name: value for name, value in asked.items() if isinstance(value, list)}

    filled, bare = await agent.call_tool(tool, asked), await agent.call_tool(tool, emptied)

    assert len(asked) > 1
    assert text_of(filled) == text_of(bare)


@pytest.mark.parametrize("name", ["image", "ipAdapterImages", "mask", "maskId", "imageParentId"])
async def test_an_empty_picture_or_id_is_refused_and_says_what_to_do(
    agent: McpClient, world: World, arguments: dict[str, Any], name: str
) -> None:
    for empty in ("", "  "):
        refused = await agent.call_tool(TOOL, arguments | {name: [empty] if name == "ipAdapterImages" else empty})

        assert refused.is_error
        assert "must not be empty: give one, or leave it out where none is needed" in text_of(refused)
    assert world.ledger == []


GREETING = {"protocolVersion": VERSIONS["legacy"], "capabilities": {}, "clientInfo": INFO}
JOBS = '{"limit": 3}'
WRITTEN: list[tuple[Any, str]] = [  # arguments as a host wrote them, and what the answer says
    ("{}", ""),
    ("", ""),
    ("  \n", ""),
    ([], ""),
    (None, ""),
    (JOBS, ""),
    (f" {JOBS}\n", ""),
    (json.dumps({"limit": "3"}), ""),
    ("[]", "arguments must be an object"),
    ('"limit"', "a text that holds no object"),
    (json.dumps(JOBS), "a text that holds no object"),
    ("limit=3", "a text that holds no object"),
    ("{'limit': 3}", "a text that holds no object"),
    ("NaN", "a text that holds no object"),
    (JOBS[:-1], "a text that holds no object"),
    ([JOBS], "not a list"),
    ([{"limit": 3}], "not a list"),
    (7, "not a number"),
    (1.5, "not a number"),
    (True, "not true or false"),
]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("fast", [True, False], ids=["fast start", "--no-fast-start"])
async def test_arguments_as_text_are_read_and_others_are_told_what_is_wrong(fast: bool) -> None:
    calls: list[dict[str, Any]] = [
        {"id": f"{number}", "method": "tools/call", "params": {"name": "list-jobs", "arguments": written}}
        for number, (written, _) in enumerate(WRITTEN)
    ]
    lines = [{"id": "hello", "method": "initialize", "params": GREETING}, *calls]
    sent = [json.dumps({"jsonrpc": "2.0", **line}).encode() for line in lines]

    answers = await conversation(sent, [call["id"] for call in calls], fast=fast)

    by_id = {answer.get("id"): answer for answer in answers}
    for number, (written, complaint) in enumerate(WRITTEN):
        answer = by_id[f"{number}"]
        if complaint:
            assert answer["error"]["code"] == -32602, written
            assert complaint in answer["error"]["message"]
        else:
            assert not answer["result"]["isError"], answer
