"""Masks and sizes, told before anything is paid: what may change, what is tiny, what has another shape."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient
from PIL import Image

from scenario_mcp.sandbox.world import Draft, World
from support.agents import TOOL, agent_of, made, text_of
from support.network import SandboxNetwork, answers, hangs_before, server_error
from support.odd_pictures import content_of, motif, saved
from support.pictures import data_url, halves, plain
from support.servers import Machine

pytestmark = pytest.mark.anyio

PRICE = {"dryRun": True}
WHITE, BLACK = saved(Image.new("L", (64, 48), 255), "PNG"), saved(Image.new("L", (64, 48)), "PNG")


def kept(name: str, content: bytes) -> str:
    Path.home().joinpath(name).write_bytes(content)
    return f"~/{name}"


def box(left: int, top: int, right: int, bottom: int) -> bytes:
    return saved(motif((400, 400), (left, top, right, bottom)), "PNG")


@pytest.mark.parametrize(
    ("mask", "covered"),
    [
        (halves(), "50 % of the image change, at the left (0 to 50 % from the left, 0 to 100 % from the top)"),
        (box(300, 300, 400, 400), "6 % of the image change, in the lower right (75 to 100 % from the left, 75 to 100"),
        (box(0, 0, 400, 20), "5 % of the image change, at the top (0 to 100 % from the left, 0 to 5 %"),
        (box(180, 180, 220, 220), "1 % of the image change, in the middle (45 to 55 % from the left, 45 to 55 %"),
        (box(0, 0, 2, 2), "less than 1 % of the image change, in the upper left (0 to 1 % from"),
        (box(0, 0, 399, 400), "99 % of the image change, all over it (0 to 100 %"),
        (plain("navy", (64, 64)), "is nowhere nearer to white than halfway, so hardly anything may change."),
        (WHITE, "lets all of the image change."),
    ],
)
async def test_what_a_mask_covers_is_told_with_the_price_and_with_the_result(
    agent: McpClient, arguments: dict[str, Any], mask: bytes, covered: str
) -> None:
    given = arguments | {"mask": kept("mask.png", mask)}

    for more in (PRICE, {}):
        result = await agent.call_tool(TOOL, given | more)
        assert not result.is_error, text_of(result)
        assert covered in text_of(result)


@pytest.mark.parametrize("form", ["path", "data URL", "asset id", "https URL"])
async def test_a_mask_without_any_white_is_refused_before_anything_else_is_uploaded(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], form: str
) -> None:
    stored = world.add_picture(BLACK)
    assert stored is not None
    mask = {
        "path": kept("black.png", BLACK),
        "data URL": data_url(BLACK),
        "asset id": stored.id,
        "https URL": "https://example.com/black.png",
    }[form]
    if form == "https URL":  # the sandbox paints what it fetches, so this one is put in its place
        network.plan("GET /assets-transform/", black)
    image = kept("hero.png", plain("tan", (512, 512)))
    before = set(world.assets)

    for field in ("mask", "maskId"):
        result = await agent.call_tool(TOOL, {**arguments, "image": image, field: mask})
        assert result.is_error
        assert f"- {field}: is a mask with no white at all, so nothing could change" in text_of(result)
        if form == "https URL":
            network.plan("GET /assets-transform/", black)

    assert world.ledger == []
    assert plain("tan", (512, 512)) not in [asset.content for each, asset in world.assets.items() if each not in before]


async def black(request: Any, deliver: Any) -> Any:
    import httpx

    return httpx.Response(200, content=BLACK, headers={"content-type": "image/png"})


async def test_a_mask_by_its_id_that_cannot_be_looked_at_is_left_to_scenario(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan("GET /assets-transform/", server_error, 9)

    result = await agent.call_tool(TOOL, arguments | {"maskId": arguments["image"]})

    assert not result.is_error, text_of(result)
    assert world.ledger[0].body["maskId"] == arguments["image"]


@pytest.fixture
async def all_tools(network: SandboxNetwork) -> Any:
    async with agent_of(Machine(network, previews=False, toolsets=("images", "edit")).server()) as agent:
        yield agent


@pytest.mark.parametrize("field", ["mask", "maskId"])
async def test_a_mask_of_generative_fill_is_looked_at_as_well(
    all_tools: McpClient, network: SandboxNetwork, world: World, hero: str, field: str
) -> None:
    given = {"image": hero, "prompt": "grass"}
    refused = await all_tools.call_tool("post-generative-fill-inferences", {**given, field: kept("black.png", BLACK)})
    taken = await all_tools.call_tool(
        "post-generative-fill-inferences", {**given, field: kept("turned.jpg", content_of("exif-6.jpg"))}
    )

    assert f"- {field}: is a mask with no white at all" in text_of(refused)
    [bill] = world.ledger
    assert opened(bill.body["mask"]).size == motif().size
    assert "The mask lets 17 % of the image change" in text_of(taken)


async def test_a_mask_of_prompt_editing_is_black_where_to_edit(all_tools: McpClient, world: World, hero: str) -> None:
    given = {"image": hero, "prompt": "grass", "modelId": "gpt-image-1"}
    refused = await all_tools.call_tool("post-prompt-editing-inferences", {**given, "mask": data_url(WHITE)})
    taken = made(await all_tools.call_tool("post-prompt-editing-inferences", {**given, "mask": data_url(halves())}))
    drawn = made(
        await all_tools.call_tool(
            "post-prompt-editing-inferences",
            {**given, "seed": 7, "mask": data_url(content_of("black-on-nothing.png"))},
        )
    )

    assert "- mask: is a mask with no black at all" in text_of(refused)
    assert any("lets 50 % of the image change, at the right" in note for note in taken["notes"])
    assert any("lets 17 % of the image change, at the top" in note or "upper left" in note for note in drawn["notes"])
    assert len(world.ledger) == 2


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


# --- sizes


def stored(world: World, size: tuple[int, int]) -> str:
    asset = world.add_picture(plain("tan", size))
    assert asset is not None
    return asset.id


@pytest.mark.parametrize("form", ["https URL", "asset id", "path", "data URL"])
async def test_a_tiny_source_is_told_with_its_price(
    agent: McpClient, world: World, arguments: dict[str, Any], form: str
) -> None:
    source = {
        "https URL": "https://example.com/small.png",
        "asset id": stored(world, (64, 64)),
        "path": kept("small.png", plain("tan", (64, 64))),
        "data URL": data_url(plain("tan", (64, 64))),
    }[form]

    result = made(await agent.call_tool(TOOL, arguments | PRICE | {"image": source}))

    assert any(note.startswith("Tiny: image (64 x 64).") for note in result["notes"]), result["notes"]


async def test_tiny_references_are_told_by_their_places_and_large_ones_are_not(
    agent: McpClient, arguments: dict[str, Any]
) -> None:
    references = [kept(f"{side}.png", plain("tan", (side, side))) for side in (16, 256, 127)]

    result = await agent.call_tool(TOOL, arguments | PRICE | {"ipAdapterImages": references})

    assert "Tiny: ipAdapterImages[0] (16 x 16), ipAdapterImages[2] (127 x 127)." in text_of(result)


@pytest.mark.parametrize("form", ["path", "asset id"])
@pytest.mark.parametrize(("mask", "told"), [((2000, 200), True), ((200, 300), False), ((401, 600), False)])
async def test_a_mask_of_another_shape_is_told(
    agent: McpClient, world: World, arguments: dict[str, Any], form: str, mask: tuple[int, int], told: bool
) -> None:
    image = stored(world, (400, 600)) if form == "asset id" else kept("tall.png", plain("tan", (400, 600)))
    given = arguments | PRICE | {"image": image, "mask": kept("mask.png", halves(mask)), "width": 400, "height": 600}

    result = await agent.call_tool(TOOL, given)

    words = f"mask ({mask[0]} x {mask[1]}) has another shape than image (400 x 600)"
    assert (words in text_of(result)) is told, text_of(result)
    assert ("another shape" in text_of(result)) is told


@pytest.mark.parametrize(
    ("size", "result", "words"),
    [
        ((400, 600), {}, "image (400 x 600) has another shape than the result (512 x 512)"),
        ((400, 600), {"width": 1024, "height": 512}, "Width 592 and height 888 keep its shape."),
        ((400, 600), {"height": 768}, None),
        ((1024, 1024), {}, None),
        ((1023, 1025), {}, None),
    ],
)
async def test_a_source_that_will_be_cropped_is_told_with_what_keeps_its_shape(
    agent: McpClient, world: World, arguments: dict[str, Any], size: Any, result: Any, words: str | None
) -> None:
    told = await agent.call_tool(TOOL, arguments | PRICE | {"image": stored(world, size)} | result)

    assert (words or "Price") in text_of(told) or words is None
    assert ("another shape" in text_of(told)) is (words is not None), text_of(told)


async def test_a_picture_that_is_to_be_turned_is_compared_as_it_is_seen(
    agent: McpClient, arguments: dict[str, Any]
) -> None:
    sideways = kept("sideways.jpg", content_of("exif-6.jpg"))  # stored 64 x 96, seen 96 x 64
    given = {"image": sideways, "mask": kept("mask.png", halves((480, 320))), "width": 960, "height": 640}

    result = await agent.call_tool(TOOL, arguments | PRICE | given)

    assert "another shape" not in text_of(result)
    assert "Tiny: image (96 x 64)." in text_of(result)


@pytest.mark.parametrize(
    "fault", [server_error, answers(404, {"reason": "gone"}), answers(200, {"asset": 7}), hangs_before]
)
async def test_a_size_that_cannot_be_asked_for_holds_nothing_up(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], fault: Any
) -> None:
    network.plan("GET /v1/assets/", fault, 9)

    result = await agent.call_tool(TOOL, arguments)

    assert made(result)["status"] == "success"
    assert len(world.ledger) == 1


async def test_a_size_is_asked_for_once(agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]) -> None:
    for seed in ("1", "2", "3"):
        await agent.call_tool(TOOL, arguments | {"seed": seed})

    assert network.count("GET /v1/assets/") == 1


async def test_tools_for_small_pictures_say_nothing_of_their_size(all_tools: McpClient, world: World) -> None:
    for tool in ("post-upscale-inferences", "post-pixelate-inferences", "post-vectorize-inferences"):
        more = {"pixelGridSize": 16, "removeNoise": True} if "pixelate" in tool else {}
        result = await all_tools.call_tool(tool, {"image": stored(world, (32, 32)), **more, **PRICE})
        assert not result.is_error, text_of(result)
        assert "Tiny" not in text_of(result)


# --- custom models


@pytest.fixture
def masking(world: World) -> str:
    """A custom model with an image, a mask and references."""
    model = dict(world.models["model_telestyle-v2"], id="model_masking")
    model["inputs"] = [
        {"name": "image", "type": "file", "kind": "image", "required": {"always": True}},
        {"name": "area", "type": "file", "kind": "image", "maskFrom": "image"},
        {"name": "looks", "type": "file_array", "kind": "image"},
        {"name": "width", "type": "number"},
        {"name": "height", "type": "number"},
    ]
    world.models["model_masking"] = model
    return "model_masking"


async def test_an_image_of_a_custom_model_is_turned_where_a_mask_goes_with_it(
    agent: McpClient, world: World, masking: str
) -> None:
    sideways = kept("sideways.jpg", content_of("exif-6.jpg"))
    given = {"image": sideways, "area": sideways, "looks": [sideways]}
    result = await agent.call_tool("run-model", {"modelId": masking, "parameters": given})

    assert not result.is_error, text_of(result)
    body = world.ledger[0].body
    for name in ("image", "area"):
        with Image.open(io.BytesIO(world.assets[body[name]].content)) as sent:
            assert (sent.format, sent.size) == ("PNG", (96, 64))
        assert f"parameters.{name} was turned upright" in text_of(result)
    assert world.assets[body["looks"][0]].content == content_of("exif-6.jpg")


async def test_without_a_mask_the_image_of_a_custom_model_goes_as_it_is(
    agent: McpClient, world: World, masking: str
) -> None:
    sideways = kept("sideways.jpg", content_of("exif-6.jpg"))
    await agent.call_tool("run-model", {"modelId": masking, "parameters": {"image": sideways}})

    assert world.assets[world.ledger[0].body["image"]].content == content_of("exif-6.jpg")


async def test_sizes_of_custom_models_are_told_as_well(agent: McpClient, world: World, masking: str) -> None:
    given = {"image": "https://example.com/a.png", "area": stored(world, (300, 100)), "width": 512, "height": 256}
    result = await agent.call_tool("run-model", {"modelId": masking, "parameters": given, **PRICE})

    for words in (
        "Tiny: parameters.image (64 x 64).",
        "parameters.area (300 x 100) has another shape than parameters.image (64 x 64)",
        "parameters.image (64 x 64) has another shape than the result (512 x 256)",
    ):
        assert words in text_of(result)


# --- what was looked at once


async def test_a_picture_that_was_uploaded_before_is_joined_without_being_sent_again(
    agent: McpClient, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    sideways = kept("sideways.jpg", content_of("exif-6.jpg"))
    given = arguments | PRICE | {"image": sideways, "mask": kept("mask.png", halves())}
    for _ in range(2):
        assert not (await agent.call_tool(TOOL, given)).is_error

    assert network.sent.count("POST /v1/assets") == 1


async def test_a_picture_too_large_to_be_turned_is_refused_before_anything_is_sent(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    large = kept("large.png", saved(Image.new("1", (7_000, 6_000)), "PNG", exif=exif))

    result = await agent.call_tool(TOOL, arguments | {"image": large, "mask": kept("mask.png", halves())})

    assert "- image: has 7000 x 6000 pixels; at most 40 million can be taken" in text_of(result)
    assert network.count("POST ") == 0


def test_a_draft_of_the_sandbox_is_upright(world: World) -> None:
    asset = world.add_picture(content_of("exif-6.jpg"))

    assert asset is not None
    assert isinstance(asset.draft, Draft)
    assert (asset.draft.width, asset.draft.height) == (96, 64)
