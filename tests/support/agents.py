"""What agents say and hear."""

from mcp.types import CallToolResult, TextContent

TOOL = "post-img2img-ip-adapter-inferences"
WAIT = "wait-for-jobs"
CORE = [TOOL, "run-model", "find-models", "get-model", "upload-asset", "show-assets", WAIT]


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))
