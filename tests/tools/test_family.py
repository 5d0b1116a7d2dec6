"""All 33 inferences: each works, refuses what cannot work, and sends what its caller said."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.inferences.base import pictures_of
from scenario_mcp.inferences.fields import DryRun
from scenario_mcp.inferences.table import BY_TOOLSET, INFERENCES, tool_name
from scenario_mcp.sandbox.contract import contract
from scenario_mcp.sandbox.world import World
from support.agents import agent_of, made, text_of
from support.examples import EXAMPLES, NEEDED, WRONG, example, filled
from support.network import GENERATE, SandboxNetwork
from support.nightly import by_day
from support.pictures import data_url, halves, png
from support.servers import Machine

pytestmark = pytest.mark.anyio

every_inference = pytest.mark.parametrize("route", INFERENCES)
ALL = tuple(BY_TOOLSET)


@pytest.fixture
async def agent(network: SandboxNetwork) -> AsyncIterator[McpClient]:
    async with agent_of(Machine(network, previews=False, toolsets=ALL).server()) as agent:
        yield agent


@pytest.fixture
def mask(world: World) -> str:
    asset = world.add_picture(halves((512, 512)))
    assert asset is not None
    return asset.id


def test_every_inference_has_its_examples() -> None:
    assert set(EXAMPLES) == set(WRONG) == set(NEEDED) == set(INFERENCES) == set(contract())


@every_inference
async def test_it_gives_its_result_and_is_billed_once(
    agent: McpClient, world: World, hero: str, mask: str, route: str
) -> None:
    result = made(await agent.call_tool(tool_name(route), example(route, hero, mask)))

    assert result["status"] == "success"
    assert [bill.route for bill in world.ledger] == [route]
    assert result["creativeUnitsCost"] == world.ledger[0].cost
    assert result.get("assets") or route in BY_TOOLSET["text"]
    assert all("mask lets 50 % of the image change" in note for note in result.get("notes", ())) or route == "upscale"


@pytest.mark.parametrize("route", [route for route, model in INFERENCES.items() if issubclass(model, DryRun)])
async def test_its_price_is_asked_for_free(agent: McpClient, world: World, hero: str, mask: str, route: str) -> None:
    result = made(await agent.call_tool(tool_name(route), {**example(route, hero, mask), "dryRun": True}))

    assert result["status"] == "dry-run"
    assert result["creativeUnitsCost"] > 0
    assert world.ledger == []


@every_inference
async def test_without_what_it_needs_nothing_is_sent(
    agent: McpClient, network: SandboxNetwork, hero: str, mask: str, route: str
) -> None:
    given = {name: value for name, value in example(route, hero, mask).items() if name != NEEDED[route]}

    result = await agent.call_tool(tool_name(route), given)

    assert result.is_error
    assert f"- {NEEDED[route]}: is " in text_of(result) or f"- {NEEDED[route]} is " in text_of(result)
    assert network.sent == []


@every_inference
async def test_what_is_out_of_its_range_is_not_sent(
    agent: McpClient, network: SandboxNetwork, hero: str, mask: str, route: str
) -> None:
    [field] = WRONG[route]

    result = await agent.call_tool(tool_name(route), {**example(route, hero, mask), **filled(WRONG[route], hero, mask)})

    assert result.is_error
    assert re.search(rf"- {field}\b", text_of(result)), text_of(result)
    assert network.sent == []


@every_inference
async def test_an_unknown_argument_is_not_sent(
    agent: McpClient, network: SandboxNetwork, hero: str, mask: str, route: str
) -> None:
    result = await agent.call_tool(tool_name(route), {**example(route, hero, mask), "sampler": "k_euler"})

    assert result.is_error
    assert "sampler" in text_of(result)
    assert network.sent == []


@every_inference
async def test_only_what_was_said_is_sent(agent: McpClient, world: World, hero: str, mask: str, route: str) -> None:
    given = example(route, hero, mask)

    await agent.call_tool(tool_name(route), given)

    [bill] = world.ledger
    moved = {"ipAdapterImages": "ipAdapterImageIds", "controlImage": "controlImageId"}
    assert set(bill.body) - {"mask", "maskId"} == {moved.get(name, name) for name in given} - {"mask"}
    for name in set(given) - set(pictures_of(INFERENCES[route])):
        assert bill.body[name] == given[name]


# --- pictures

LOOKS_LIKE_A_PICTURE = re.compile(r"image(s|Id|Ids)?$|^mask(Id)?$|^texture$|^assetIds$", re.IGNORECASE)
PICTURE_FIELDS = [(route, name) for route, model in INFERENCES.items() for name in pictures_of(model)]


@every_inference
def test_every_picture_of_the_contract_takes_the_four_forms(route: str) -> None:
    named = {
        f"{name}.{inner}" if inner else name
        for name, schema in contract()[route]["properties"].items()
        for inner in schema.get("properties", {"": None})
        if LOOKS_LIKE_A_PICTURE.search(inner or name) and _holds_text(schema["properties"][inner] if inner else schema)
    }

    assert set(pictures_of(INFERENCES[route])) == named


def _holds_text(schema: Mapping[str, Any]) -> bool:
    return "string" in (schema.get("type"), schema.get("items", {}).get("type"))


FORMS = ("asset id", "path", "https URL", "data URL")
# By day each argument has one form, in turn, and of those that travel alike the first has all.
EACH = {(route, name, FORMS[number % len(FORMS)]) for number, (route, name) in enumerate(PICTURE_FIELDS)}
ALIKE = {pictures_of(INFERENCES[route])[name]: (route, name) for route, name in reversed(PICTURE_FIELDS)}


@pytest.mark.parametrize(
    ("route", "field", "form"),
    by_day(
        EACH | {(*first, form) for first in ALIKE.values() for form in FORMS},
        [(route, name, form) for route, name in PICTURE_FIELDS for form in FORMS],
    ),
)
async def test_a_picture_argument_takes_a_form(
    agent: McpClient, world: World, hero: str, mask: str, route: str, field: str, form: str
) -> None:
    Path.home().joinpath("new.png").write_bytes(halves())
    forms = {
        "asset id": hero,
        "path": "~/new.png",
        "https URL": "https://example.com/new.png",
        "data URL": data_url(halves((48, 64))),
    }

    result = await agent.call_tool(tool_name(route), _with(example(route, hero, mask), field, forms[form]))

    assert made(result)["status"] == "success"
    assert len(world.ledger) == 1
    assert "~/new.png" not in str(world.ledger[0].body)
    assert "https://example.com" not in str(world.ledger[0].body)


# Names of one thing, of which the example has another.
INSTEAD = {
    "imageId": "image",
    "controlImageId": "controlImage",
    "maskId": "mask",
    "assetIds": "images",
    **dict.fromkeys(("ipAdapterImage", "ipAdapterImageId", "ipAdapterImageIds"), "ipAdapterImages"),
}


def _with(given: dict[str, Any], field: str, picture: str) -> dict[str, Any]:
    """Put a picture into an argument, in the place of whichever says the same."""
    outer, _, inner = field.partition(".")
    if inner:
        return {**given, outer: {**given[outer], inner: picture}}
    rest = {name: value for name, value in given.items() if name != INSTEAD.get(field)}
    if field == "assetIds" and "images" in given and contract()["caption"]["properties"].keys() >= given.keys():
        rest["images"] = [picture]  # which caption needs, and both may say the same
    if field == "mask" and given.get("modelId") is None and "referenceImages" in given:
        rest["modelId"] = "gpt-image-1"  # the only engine that takes one
    if field == "image" and given.get("mode"):
        rest["mode"] = "image-editing"
    lists = ("images", "assetIds", "styleImages", "referenceImages", "ipAdapterImages", "ipAdapterImageIds")
    return {**rest, field: [picture] if field in lists else picture}


async def test_a_picture_that_must_be_an_asset_is_uploaded_though_it_came_as_a_data_url(
    agent: McpClient, world: World
) -> None:
    await agent.call_tool("post-vectorize-inferences", {"image": data_url(png("navy", (32, 32)))})

    assert world.ledger[0].body["image"] in world.assets


async def test_a_data_url_travels_inside_the_call_where_scenario_takes_it(agent: McpClient, world: World) -> None:
    given = {"image": data_url(), "patch": {"image": data_url(), "mode": "erase"}}

    await agent.call_tool("post-patch-inferences", given)

    assert world.ledger[0].body == given


# --- twins


@pytest.mark.parametrize("route", [route for route in INFERENCES if route not in BY_TOOLSET["text"]])
async def test_the_same_call_again_joins_its_job(
    network: SandboxNetwork, world: World, hero: str, mask: str, tmp_path: Path, route: str
) -> None:
    machine = Machine(network, state=tmp_path, previews=False, toolsets=ALL, wait_seconds=0)
    async with agent_of(machine.server()) as first:
        begun = made(await first.call_tool(tool_name(route), example(route, hero, mask)))

    async with agent_of(machine.server()) as second:
        again = made(await second.call_tool(tool_name(route), example(route, hero, mask)))

    assert again["jobId"] == begun["jobId"]
    assert network.count(GENERATE) == len(world.ledger) == 1


@every_inference
async def test_it_can_be_made_once_more(agent: McpClient, world: World, hero: str, mask: str, route: str) -> None:
    first = made(await agent.call_tool(tool_name(route), example(route, hero, mask)))

    again = made(await agent.call_tool("rerun-job", {"jobId": first["jobId"]}))

    assert again["status"] == "success"
    assert [bill.route for bill in world.ledger] == [route] * 2
    assert world.ledger[0].body == world.ledger[1].body
