"""Run one client, in an environment that holds nothing else, against the server and a model on loopback.

`client.py NAME BASE_URL PICTURE COMMAND...` lets an agent of a framework answer the model at BASE_URL, or, where a
client has no agent, makes the calls itself and prints what it got. It also turns all tools into what models take.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

TOOL = "post-img2img-ip-adapter-inferences"
PROMPT = "Make two pictures and show the first."
NAME, KEY = "fake-model", "no-key-is-needed"
BASE_URL, PICTURE, (COMMAND, *ARGS) = sys.argv[2], sys.argv[3], sys.argv[4:]
ENV = {name: value for name, value in os.environ.items() if name.startswith("SCENARIO_")}
GENERATION = {
    "modelId": "model_sandbox-ink",
    "prompt": "a phoenix",
    "image": PICTURE,
    "ipAdapterImages": [PICTURE],
    "numSamples": 2,
}
SLOWEST = 60  # seconds of a call; some have 5 by default


def printed(results: list[Any], version: str) -> None:
    """Print what calls gave, as the parent reads it."""
    blocks = [[block.model_dump() for block in result.content] for result in results]
    texts = ["\n".join(block["text"] for block in each if block["type"] == "text") for each in blocks]
    pictures = sum(block["type"] == "image" for each in blocks for block in each)
    others = sorted({block["type"] for each in blocks for block in each} - {"text", "image"})
    print(json.dumps({"texts": texts, "pictures": pictures, "others": others, "version": version}))


def first_asset(result: Any) -> dict[str, Any]:
    """Go on with the first id in a result."""
    [found, *_] = re.findall(r"asset_sandbox_\w+", result.content[0].text)
    return {"assetIds": [found]}


async def mcp() -> None:
    """Call with the official SDK, and give one call up before the client leaves."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    server = StdioServerParameters(command=COMMAND, args=ARGS, env=ENV)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        greeted = await session.initialize()
        assert (await session.list_tools()).tools
        made = await session.call_tool(TOOL, GENERATION)
        shown = await session.call_tool("show-assets", first_asset(made))
        stuck = GENERATION | {"prompt": "sandbox:stuck"}
        with suppress(Exception):  # its kind changed over the versions
            await session.call_tool(TOOL, stuck, read_timeout_seconds=timedelta(seconds=2))
            print("a call that is stuck was answered")
    printed([made, shown], str(greeted.protocolVersion))


async def fastmcp() -> None:
    """Call with FastMCP's client."""
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    async with Client(StdioTransport(COMMAND, ARGS, env=ENV)) as client:
        assert await client.list_tools()
        made = await client.call_tool(TOOL, GENERATION)
        shown = await client.call_tool("show-assets", first_asset(made))
    printed([made, shown], "")


async def langchain() -> None:
    """Bind LangChain's tools to four kinds of models, and run an agent."""
    from langchain.agents import create_agent
    from langchain_anthropic import ChatAnthropic
    from langchain_google_genai import ChatGoogleGenerativeAI
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from langchain_mcp_adapters.tools import load_mcp_tools
    from langchain_openai import ChatOpenAI

    def client(*more: str) -> MultiServerMCPClient:
        return MultiServerMCPClient(
            {"scenario": {"transport": "stdio", "command": COMMAND, "args": [*ARGS, *more], "env": ENV}}
        )

    every = await client("--toolsets", "all").get_tools()
    model = ChatOpenAI(model=NAME, base_url=f"{BASE_URL}/v1", api_key=KEY)
    model.bind_tools(every)
    model.bind_tools(every, strict=True)
    ChatAnthropic(model_name=NAME, api_key=KEY).bind_tools(every)
    ChatGoogleGenerativeAI(model=NAME, google_api_key=KEY).bind_tools(every)
    async with client().session("scenario") as session:  # else each call starts a server of its own
        agent = create_agent(model, await load_mcp_tools(session))
        await agent.ainvoke({"messages": [("user", PROMPT)]})
    print(json.dumps({"converted": len(every)}))


async def openai_agents() -> None:
    """Convert tools for OpenAI's agents, strict and not, and run one."""
    from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled
    from agents.mcp import MCPServerStdio
    from agents.mcp.util import MCPUtil
    from openai import AsyncOpenAI

    set_tracing_disabled(True)

    def server(*more: str) -> MCPServerStdio:
        params = {"command": COMMAND, "args": [*ARGS, *more], "env": ENV}
        return MCPServerStdio(params=params, client_session_timeout_seconds=SLOWEST)

    async with server("--toolsets", "all") as each:
        every = await each.list_tools()
        for strict in (False, True):
            converted = [MCPUtil.to_function_tool(tool, each, strict) for tool in every]
            assert len(converted) == len(every)
    model = OpenAIResponsesModel(NAME, AsyncOpenAI(base_url=f"{BASE_URL}/v1", api_key=KEY))
    async with server() as each:
        await Runner.run(Agent(name="a", model=model, mcp_servers=[each]), PROMPT)
    print(json.dumps({"converted": len(every)}))


async def semantic_kernel() -> None:
    """Run an agent of Semantic Kernel."""
    from openai import AsyncOpenAI
    from semantic_kernel.agents import ChatCompletionAgent
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
    from semantic_kernel.connectors.mcp import MCPStdioPlugin

    model = OpenAIChatCompletion(NAME, async_client=AsyncOpenAI(base_url=f"{BASE_URL}/v1", api_key=KEY))
    plugin = MCPStdioPlugin(name="scenario", command=COMMAND, args=ARGS, env=ENV, request_timeout=SLOWEST)
    async with plugin:
        await ChatCompletionAgent(service=model, plugins=[plugin]).get_response(PROMPT)
    print(json.dumps({}))


async def google_genai() -> None:
    """Convert tools for Gemini with Google's SDK, and make the calls."""
    from google.genai import _mcp_utils
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    server = StdioServerParameters(command=COMMAND, args=[*ARGS, "--toolsets", "all"], env=ENV)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        greeted = await session.initialize()
        every = (await session.list_tools()).tools
        assert len(_mcp_utils.mcp_to_gemini_tools(every)) == len(every)
        made = await session.call_tool(TOOL, GENERATION)
        shown = await session.call_tool("show-assets", first_asset(made))
    version = getattr(greeted, "protocol_version", None) or greeted.protocolVersion
    printed([made, shown], version)


async def google_adk() -> None:
    """Run an agent of Google's kit, which speaks to Gemini."""
    os.environ |= {"GOOGLE_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": BASE_URL}
    from google.adk.agents import LlmAgent
    from google.adk.runners import InMemoryRunner
    from google.adk.tools.mcp_tool.mcp_session_manager import StdioConnectionParams
    from google.adk.tools.mcp_tool.mcp_toolset import McpToolset
    from google.genai import types
    from mcp import StdioServerParameters

    def toolset(*more: str) -> McpToolset:
        params = StdioServerParameters(command=COMMAND, args=[*ARGS, *more], env=ENV)
        return McpToolset(connection_params=StdioConnectionParams(server_params=params, timeout=SLOWEST))

    tools = toolset("--toolsets", "all")
    every = await tools.get_tools()
    assert all(tool._get_declaration() for tool in every)
    await tools.close()
    tools = toolset()
    runner = InMemoryRunner(LlmAgent(name="a", model="gemini-fake", tools=[tools]), app_name="a")
    session = await runner.session_service.create_session(app_name="a", user_id="u")
    asked = types.Content(role="user", parts=[types.Part(text=PROMPT)])
    async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=asked):
        pass
    await tools.close()
    print(json.dumps({"converted": len(every)}))


async def pydantic_ai() -> None:
    """Run an agent of Pydantic AI."""
    from pydantic_ai import Agent
    from pydantic_ai.mcp import MCPToolset
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel(NAME, provider=OpenAIProvider(base_url=f"{BASE_URL}/v1", api_key=KEY))
    entry = {"command": COMMAND, "args": ARGS, "env": ENV}
    tools = MCPToolset({"mcpServers": {"scenario": entry}})
    await Agent(model, toolsets=[tools]).run(PROMPT)
    print(json.dumps({}))


CLIENTS: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    **dict.fromkeys(("mcp-1.9", "mcp-1.15", "mcp-1.30"), mcp),
    "fastmcp": fastmcp,
    "langchain": langchain,
    "openai-agents": openai_agents,
    "semantic-kernel": semantic_kernel,
    "google-genai": google_genai,
    "google-adk": google_adk,
    "pydantic-ai": pydantic_ai,
}

asyncio.run(CLIENTS[sys.argv[1]]())
