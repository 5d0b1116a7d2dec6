"""What agents say and hear."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

from mcp import Client as McpClient
from mcp.types import CallToolResult, TextContent

from scenario_mcp.server.app import create_server
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


@asynccontextmanager
async def agent_of(services: Services) -> AsyncIterator[McpClient]:
    """Connect an agent to a server, which ends with it."""
    async with McpClient(create_server(services), raise_exceptions=True) as agent:
        yield agent
    await services.purchases.settle(0)
    await services.client.aclose()
