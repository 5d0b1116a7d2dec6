"""What agents say and hear."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

from mcp import Client as McpClient
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, ImageContent, TextContent

from scenario_mcp import wording
from scenario_mcp.inferences import schemas
from scenario_mcp.server.app import create_server
from scenario_mcp.server.results import DATA_KEY
from scenario_mcp.tools.services import Services

ERAS = ("auto", "legacy")  # the SDK client's words for protocol 2026-07-28 and for the handshake of 2025-11-25
TOOL = "post-img2img-ip-adapter-inferences"
WAIT = "wait-for-jobs"
LIST, RERUN, CANCEL = "list-jobs", "rerun-job", "cancel-job"
CORE = [
    TOOL,
    "run-model",
    "find-models",
    "get-model",
    "upload-asset",
    "show-assets",
    WAIT,
    LIST,
    RERUN,
    CANCEL,
]


class Absence(Enum):
    """In place of a value: without the argument. An enum, so that a test has one name in every process."""

    ABSENT = "absent"


ABSENT = Absence.ABSENT


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def data_of(result: CallToolResult) -> Any:
    """Give the data of a result, from where it stands; None if it has none."""
    return result.structured_content or (result.meta or {}).get(DATA_KEY)


def made(result: CallToolResult) -> dict[str, Any]:
    """Give the data of a result that is no error."""
    assert not result.is_error, text_of(result)
    data: dict[str, Any] | None = data_of(result)
    assert data is not None
    return data


# What is told as how many, by other words, or only if it is not 0.
IMPLIED = ("embedding", "status", "found", "creativeUnitsDiscount")


def untold(data: Any, text: str, name: str = "") -> Iterator[str]:
    """Find the facts of a result's data that its text leaves out."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in IMPLIED:
                yield from untold(value, text, f"{name}.{key}" if name else key)
    elif isinstance(data, list):
        for value in data:
            yield from untold(value, text, name)
    elif data is not None:
        said = data if isinstance(data, str) else schemas.plain(data) if not isinstance(data, bool) else ""
        forms = (said, json.dumps(said, ensure_ascii=False)[1:-1], wording.quoted(said, len(said)))
        if not any(form in text for form in forms):
            yield f"{name}: {said}"


class Agent(McpClient):
    """An SDK client that holds each result to its contract, and lists no tools to do so, which took half of a call.

    Of records that are spoilt on purpose the text may leave out what is no fact.
    """

    spoilt = False

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        read_timeout_seconds: float | None = None,
        progress_callback: ProgressFnT | None = None,
        **_: Any,
    ) -> CallToolResult:
        result = await self.session.send_request(
            CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments)),
            CallToolResult,
            request_read_timeout_seconds=read_timeout_seconds,
            progress_callback=progress_callback,
        )
        assert result.structured_content is None or not any(isinstance(each, ImageContent) for each in result.content)
        left_out = [*untold(data_of(result), text_of(result))]
        assert self.spoilt or not left_out, left_out
        return result


@asynccontextmanager
async def agent_of(services: Services, *, spoilt: bool = False) -> AsyncIterator[McpClient]:
    """Connect an agent to a server, which ends with it."""
    made = Agent(create_server(services), raise_exceptions=True)
    made.spoilt = spoilt
    async with made as agent:
        yield agent
    await services.purchases.settle(0)
    await services.client.aclose()
