"""The MCP server: the SDK's low-level `Server`, given our tools. The one user of the SDK's server side."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import anyio
from mcp import MCPError, types
from mcp.server import Server
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession

from scenario_mcp import __version__
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NotFound, ScenarioError
from scenario_mcp.server import dispatch, prompts, resources, view
from scenario_mcp.server.resources import Content
from scenario_mcp.server.results import DATA_KEY, Rendered
from scenario_mcp.tools.services import Services

logger = logging.getLogger(__name__)

UNKNOWN = "If the tool is a paid one, a job may be running: list-jobs shows it, and the same call again joins it."

_Context = ServerRequestContext[Any, Any]
LISTS: tuple[Any, ...] = (
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
)
_CACHE = CacheHint(ttl_ms=60_000, scope="private")


LAST_PERCENT, LEAST_STEP = 99.0, 0.01  # the call itself is the last hundredth: files are saved, pictures made small
KNOWN_LINKS = "2025-06-18"  # the first version that has them; clients of earlier ones throw the whole result away


def _blocks(rendered: Rendered, *, links: bool) -> Iterator[types.ContentBlock]:
    """Make the content of a result: text first, then what there is to see, then, if they are wanted, links."""
    yield types.TextContent(type="text", text=rendered.text)
    for preview in rendered.previews:
        yield types.ImageContent(type="image", data=preview.data, mime_type=preview.mime_type)
    for link in rendered.links if links else ():
        yield types.ResourceLink(type="resource_link", uri=link.uri, name=link.name, mime_type=link.mime_type)


class McpHost:
    """The host of one tool call, reached through its MCP session."""

    def __init__(self, session: ServerSession, deadline: Deadline) -> None:
        self.deadline = deadline
        self._session = session
        self._told = 0.0

    async def progress(self, percent: float, message: str) -> None:
        """Send an MCP progress notification out of 100; the value grows each time, as the protocol wants.

        What goes wrong here is logged and no more: a paid call must not fail over a host that cannot be told.
        """
        told = round(min(max(min(percent, LAST_PERCENT), self._told + LEAST_STEP), 100.0), 2)
        if told == self._told:
            return
        self._told = told
        try:
            await self._session.report_progress(told, 100.0, message)
        except Exception:
            logger.debug("Progress could not be told", exc_info=True)


class _Handlers:
    """What the server answers, over the services; nothing is opened before it is asked."""

    def __init__(
        self,
        services: Services,
        entries: Sequence[dict[str, Any]],
        hung_up: anyio.Event | None,
        *,
        sandbox: bool,
        links: bool,
    ) -> None:
        self._services = services
        self._hung_up = hung_up
        self._links = links
        self._entries = {entry["name"]: entry for entry in entries}
        self._sandbox = sandbox
        self._listed: list[types.Tool] = []

    async def list_tools(self, _: _Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        if not self._listed:
            self._listed.extend(types.Tool.model_validate(entry) for entry in self._entries.values())
        return types.ListToolsResult(tools=self._listed)

    async def list_prompts(self, _: _Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult.model_validate({"prompts": view.shown()["prompts"]})

    async def get_prompt(self, _: _Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        if params.name not in prompts.PROMPTS:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
        try:
            text = prompts.write(params.name, params.arguments)
        except prompts.PromptError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from None
        asked = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(description=prompts.PROMPTS[params.name].description, messages=[asked])

    async def call_tool(self, context: _Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in self._entries:
            raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name}")
        host = McpHost(context.session, Deadline.after(dispatch.call_seconds(self._services), self._hung_up))
        try:
            rendered = await dispatch.call(self._services, params.name, params.arguments, host, sandbox=self._sandbox)
        except Exception as bug:
            logger.exception("Unexpected error in %s", params.name)
            raise MCPError(
                code=types.INTERNAL_ERROR,
                message=f"Internal error in {params.name}: a bug of this server, told in its log. {UNKNOWN}",
            ) from bug
        links = self._links and context.protocol_version >= KNOWN_LINKS
        return types.CallToolResult(
            content=[*_blocks(rendered, links=links)],
            structured_content=None if rendered.previews else rendered.data,
            is_error=rendered.is_error,
            _meta={DATA_KEY: rendered.data} if rendered.previews else None,
        )

    async def list_resources(
        self, _: _Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[])  # there would be too many; their ids stand in results

    async def list_resource_templates(
        self, _: _Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        listed = {"resourceTemplates": view.shown()["resourceTemplates"]}
        return types.ListResourceTemplatesResult.model_validate(listed)

    async def read_resource(self, _: _Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        try:
            contents = await resources.read(self._services, params.uri)
        except (resources.UnknownResource, NotFound):
            raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": params.uri}) from None
        except ScenarioError as error:
            message = self._services.client.mask(f"{error} {error.hint}".strip())
            raise MCPError(types.INTERNAL_ERROR, message) from None
        return types.ReadResourceResult(contents=[self._content(params.uri, each) for each in contents])

    def _content(self, uri: str, content: Content) -> types.TextResourceContents | types.BlobResourceContents:
        if content.text is not None:
            text = self._services.client.mask(content.text)
            return types.TextResourceContents(uri=uri, mime_type=content.mime_type, text=text)
        return types.BlobResourceContents(uri=uri, mime_type=content.mime_type, blob=content.blob or "")


def create_server(
    services: Services, *, sandbox: bool = False, links: bool = False, hung_up: anyio.Event | None = None
) -> Server[Any]:
    """Make the MCP server over the services, with the tools of their toolsets; it opens nothing until it is called.

    With `links`, results carry links to their resources, for hosts whose protocol has them. Once `hung_up` is set,
    calls that wait for jobs are answered with what is known of them.
    """
    handlers = _Handlers(services, view.tools(services.toolsets), hung_up, sandbox=sandbox, links=links)
    shown = view.shown()
    return Server(
        **shown["serverInfo"],
        version=__version__,
        instructions=shown["instructions"],
        cache_hints=dict.fromkeys(LISTS, _CACHE),
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_resource_templates,
        on_read_resource=handlers.read_resource,
    )
