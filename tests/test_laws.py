"""The laws that hold for every tool, whoever adds it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient

import scenario_mcp
from scenario_mcp.inferences import schemas
from scenario_mcp.inferences.table import BY_TOOLSET, INFERENCES, route_of, tool_name
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.wire import Call
from scenario_mcp.server import snapshot, view
from scenario_mcp.server.app import create_server
from scenario_mcp.server.instructions import INSTRUCTIONS
from scenario_mcp.spending.purchase import Purchases
from scenario_mcp.tools.catalog import PAID, TOOLS, TOOLSETS, Hints, Tool
from scenario_mcp.tools.services import services_over
from support.examples import example
from support.network import GENERATE, SandboxNetwork
from support.worlds import SANDBOX_CREDENTIALS

SRC = Path(scenario_mcp.__file__).parent
BUDGET = 24_000  # characters of compact JSON of the default list
LARGEST_TOOL = 7_500  # of any tool, with all that a host is sent
MAIN_TOOL_BUDGET = 6_000  # of which name, description and input schema of the main tool

KEYWORDS = {
    "type",
    "description",
    "properties",
    "required",
    "items",
    "enum",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
}
# (tool, property): the ones that take what a model's own inputs, or another tool's arguments, say
OPEN_OBJECTS = {("run-model", "parameters"), ("rerun-job", "overrides")}

every_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)


def entry_of(tool: Tool) -> dict[str, Any]:
    return snapshot.committed()[tool.name]


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_the_committed_snapshot_is_what_the_models_say() -> None:
    committed = (SRC / "server" / view.FILE).read_text("utf-8")

    assert committed == snapshot.written(snapshot.made()), "stale: run `make snap` and look at the diff"


@pytest.mark.anyio
@pytest.mark.parametrize("toolsets", [(), ("images",), ("edit", "text"), tuple(TOOLSETS)], ids="+".join)
async def test_the_server_serves_the_snapshot(era: str, toolsets: tuple[str, ...]) -> None:
    services = services_over(Client("https://unused.example", None), 45, toolsets=toolsets)

    async with McpClient(create_server(services), mode=era) as agent:
        listed = (await agent.list_tools()).tools
        hello = agent.instructions

    assert [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed] == [
        snapshot.committed()[tool.name]
        for toolset in TOOLSETS
        if toolset in ("core", *toolsets)
        for tool in TOOLS.values()
        if tool.toolset == toolset
    ]
    assert hello == INSTRUCTIONS


@every_tool
def test_names_are_short_and_plain(tool: Tool) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,47}", tool.name)  # hosts cut 60 to 64, with mcp__scenario__ before the name
    assert TOOLS[tool.name] is tool


def test_names_are_unique() -> None:
    assert len(snapshot.committed()) == sum(map(len, snapshot.made()["tools"].values())) == len(TOOLS)


@every_tool
def test_a_description_says_first_what_the_tool_does_and_then_what_it_costs(tool: Tool) -> None:
    first = re.split(r"(?<=[.;])\s", tool.description)[0]

    assert 20 <= len(first) <= 120
    assert len(tool.description) <= 1_000
    assert ("Costs Creative Units" if tool.paid else "free") in tool.description


@every_tool
def test_an_input_schema_uses_only_what_every_host_reads(tool: Tool) -> None:
    schema = entry_of(tool)["inputSchema"]
    assert schema["type"] == "object"

    for name, node in _nodes("", schema):
        assert set(node) <= KEYWORDS, name
        assert isinstance(node["type"], str), name
        assert node["type"] != "null", name
        assert all(isinstance(each, str) for each in node.get("enum", ())), name
        if node["type"] == "array":
            assert "items" in node, name
        if node["type"] == "object":
            assert "properties" in node or (tool.name, name) in OPEN_OBJECTS, name
        assert set(node.get("required", [])) <= set(node.get("properties", {})), name


@every_tool
def test_every_property_is_described(tool: Tool) -> None:
    for name, node in _nodes("", entry_of(tool)["inputSchema"]):
        for each, child in node.get("properties", {}).items():
            assert child.get("description"), f"{name}.{each}"


@every_tool
def test_lists_and_objects_are_described_by_an_example_that_fits(tool: Tool) -> None:
    for name, node in entry_of(tool)["inputSchema"]["properties"].items():
        if node["type"] not in ("array", "object"):
            continue
        found = re.search(r"like ([\[{].*[\]}])", node["description"])
        assert found or node["description"].startswith("Deprecated"), name
        if found:
            assert [*schemas.misfits(name, node, json.loads(found[1].split("; ")[0].split(": label")[0]))] == []


@every_tool
def test_what_is_not_required_is_not_said(tool: Tool) -> None:
    required = set(entry_of(tool)["inputSchema"].get("required", []))

    for field in tool.input.model_fields.values():
        assert (field.alias in required) == field.is_required()
        assert field.is_required() or field.default is None


@every_tool
def test_no_tool_promises_structured_content(tool: Tool) -> None:
    assert "outputSchema" not in entry_of(tool), "clients would take a result that shows pictures for an error"


ANNOTATIONS = dict.fromkeys(
    ("wait-for-jobs", "list-jobs", "find-models", "get-model", "show-assets"),
    Hints(read_only=True, destructive=False, idempotent=True, open_world=False),
) | dict.fromkeys(
    ("run-model", "rerun-job", *map(tool_name, INFERENCES)),
    Hints(read_only=False, destructive=False, idempotent=False, open_world=False),
)
ANNOTATIONS["cancel-job"] = Hints(read_only=False, destructive=False, idempotent=True, open_world=False)
ANNOTATIONS["upload-asset"] = Hints(read_only=False, destructive=False, idempotent=True, open_world=False)


@every_tool
def test_all_four_annotations_are_those_of_the_table(tool: Tool) -> None:
    hints = ANNOTATIONS[tool.name]

    assert tool.title
    assert entry_of(tool)["annotations"] == {
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
        "openWorldHint": hints.open_world,
    }


def test_every_inference_is_a_paid_tool() -> None:
    assert all(TOOLS[tool_name(route)].hints == PAID for route in INFERENCES)


def test_the_default_list_is_small() -> None:
    names = [tool.name for tool in TOOLS.values() if tool.toolset == "core"]

    assert len(names) == 10
    assert snapshot.size(names) <= BUDGET


@every_tool
def test_every_tool_is_small(tool: Tool) -> None:
    assert snapshot.size([tool.name]) <= LARGEST_TOOL


def test_every_inference_is_in_the_toolset_of_the_table() -> None:
    for toolset, members in BY_TOOLSET.items():
        assert [TOOLS[tool_name(route)].toolset for route in members] == [toolset] * len(members)
    assert set(BY_TOOLSET) == set(TOOLSETS)


def test_the_main_tool_is_small() -> None:
    entry = snapshot.committed()["post-img2img-ip-adapter-inferences"]

    assert len(compact({key: entry[key] for key in ("name", "description", "inputSchema")})) <= MAIN_TOOL_BUDGET


def test_the_instructions_are_short() -> None:
    assert len(INSTRUCTIONS) < 2_000


CALLS = {"run-model": {"modelId": "model_bfl-flux-1-dev", "parameters": {"prompt": "p"}}}


@pytest.mark.anyio
@pytest.mark.parametrize("tool", [tool for tool in TOOLS.values() if tool.paid], ids=lambda tool: tool.name)
async def test_every_paid_route_goes_through_purchases(world: World, hero: str, tool: Tool) -> None:
    for_purchases, for_all_else = SandboxNetwork(world), SandboxNetwork(world)
    purchases = Purchases(Client(for_purchases.base_url, SANDBOX_CREDENTIALS, transport=for_purchases))
    client = Client(for_all_else.base_url, SANDBOX_CREDENTIALS, transport=for_all_else)
    route = route_of(tool.name)
    given = example(route, hero) if route else CALLS.get(tool.name, {})
    services = services_over(client, 45, toolsets=TOOLSETS)

    async with McpClient(create_server(replace(services, purchases=purchases)), raise_exceptions=True) as agent:
        if tool.name == "rerun-job":
            await agent.call_tool("run-model", CALLS["run-model"])
            given = {"jobId": world.ledger.pop().job_id}
        result = await agent.call_tool(tool.name, given)

    assert not result.is_error
    assert for_all_else.count(GENERATE) == 0
    assert len(world.ledger) == 1


@pytest.mark.anyio
async def test_a_paid_call_past_purchases_is_refused_by_the_client(network: SandboxNetwork) -> None:
    client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)

    with pytest.raises(TypeError, match="Purchases"):
        await client.send(Call("POST", "/generate/img2img-ip-adapter", wire.PAID, body={}), Deadline.after(1))

    assert network.sent == []


def test_modules_are_rooms_not_halls() -> None:
    lengths = {path.relative_to(SRC): len(path.read_text("utf-8").splitlines()) for path in SRC.rglob("*.py")}

    assert {path: length for path, length in lengths.items() if length > 300} == {}


def _nodes(name: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield name, node
    if "items" in node:
        yield from _nodes(f"{name}[]", node["items"])
    for each, child in node.get("properties", {}).items():
        yield from _nodes(f"{name}.{each}".lstrip("."), child)
