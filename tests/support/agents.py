"""What agents say and hear."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from mcp import Client as McpClient
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, TextContent

from scenario_mcp.server import snapshot
from scenario_mcp.server.app import create_server
from scenario_mcp.server.results import OUTPUT_SCHEMA
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


def made(result: CallToolResult) -> dict[str, Any]:
    """Give the structured content of a result that is no error."""
    assert not result.is_error, text_of(result)
    content: dict[str, Any] | None = result.structured_content
    assert content is not None
    return content


class Agent(McpClient):
    """An SDK client that holds each result against the output schema without listing and compiling all tools anew.

    That took half of the time of a call. `tests/test_python_client.py` and others call as the SDK does.
    """

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
        if not result.is_error and "outputSchema" in snapshot.committed()[name]:
            OUTPUT.validate(result.structured_content)
        return result


OUTPUT = Draft202012Validator(OUTPUT_SCHEMA)


@asynccontextmanager
async def agent_of(services: Services) -> AsyncIterator[McpClient]:
    """Connect an agent to a server, which ends with it."""
    async with Agent(create_server(services), raise_exceptions=True) as agent:
        yield agent
    await services.purchases.settle(0)
    await services.client.aclose()
