"""Pictures of odd kinds as image, reference and mask: what of them is sent, and that what is refused sends nothing."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient
from PIL import Image, ImageChops, ImageOps

from scenario_mcp.sandbox.world import World
from support.agents import TOOL, text_of
from support.network import SandboxNetwork
from support.nightly import by_day
from support.odd_pictures import AS_IT_IS, ODD, TURNED, content_of, motif
from support.pictures import data_url, halves

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:Corrupt EXIF data")]

DOCS = Path(__file__).parents[2] / "docs" / "pictures.md"
# By day one turn to the side of each kind, and of everything else each.
DAILY = [name for name in ODD if not re.match(r"exif-[1-8]\.", name) or "-6." in name or name == "exif-3.webp"]
HEIC = "iphone.heic"  # of which the sandbox, which cannot open one, keeps a picture of its own
each_picture = pytest.mark.parametrize("name", by_day(DAILY, ODD))


@pytest.fixture
def path(name: str) -> str:
    Path.home().joinpath(name).write_bytes(content_of(name))
    return f"~/{name}"


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def same_pixels(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one, other).getbbox() is None


def mask_of(world: World) -> Image.Image:
    return opened(base64.b64decode(world.ledger[0].body["mask"].partition(",")[2]))


@each_picture
async def test_as_image_and_reference_it_goes_as_it_is_or_not_at_all(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str, path: str
) -> None:
    result = await agent.call_tool(TOOL, arguments | {"image": path, "ipAdapterImages": [path]})

    if ODD[name].alone != AS_IT_IS:
        assert result.is_error
        assert re.search(ODD[name].alone, text_of(result))
        assert len(re.findall(r"^- ", text_of(result), re.MULTILINE)) == 2
        assert network.sent == []
        return
    assert not result.is_error, text_of(result)
    [bill] = world.ledger
    for asset_id in (bill.body["image"], *bill.body["ipAdapterImageIds"]):
        assert name == HEIC or world.assets[asset_id].content == content_of(name)


@each_picture
async def test_as_image_beside_a_mask_it_is_stored_as_it_is_seen(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str, path: str
) -> None:
    Path.home().joinpath("halves.png").write_bytes(halves())

    result = await agent.call_tool(TOOL, arguments | {"image": path, "mask": "~/halves.png", "ipAdapterImages": [path]})

    if ODD[name].masked not in (AS_IT_IS, TURNED):
        assert result.is_error
        assert network.sent == []
        return
    assert not result.is_error, text_of(result)
    [bill] = world.ledger
    sent = world.assets[bill.body["image"]].content
    assert name == HEIC or world.assets[bill.body["ipAdapterImageIds"][0]].content == content_of(name)
    assert ("image was turned upright" in text_of(result)) is (ODD[name].masked == TURNED)
    if ODD[name].masked == AS_IT_IS:
        assert name == HEIC or sent == content_of(name)
        return
    turned, seen = opened(sent), ImageOps.exif_transpose(opened(content_of(name)))
    assert turned.format == "PNG"
    assert turned.getexif().get(0x0112, 1) == 1
    assert same_pixels(turned.convert("RGB"), seen.convert("RGB"))
    assert same_pixels(turned.convert("L").point(_sure), motif())


@each_picture
async def test_as_mask_it_becomes_the_greys_that_are_seen_or_is_refused_for_free(
    agent: McpClient, network: SandboxNetwork, world: World, arguments: dict[str, Any], name: str, path: str
) -> None:
    result = await agent.call_tool(TOOL, arguments | {"mask": path})

    if ODD[name].mask != "the motif":
        assert result.is_error
        assert re.search(ODD[name].mask, text_of(result))
        assert network.count("POST ") == 0
        return
    assert not result.is_error, text_of(result)
    mask = mask_of(world)
    shown = {"1x1.png": motif((1, 1), (0, 0, 1, 1)), "20000x100.png": motif((20_000, 100), (0, 0, 13_000, 30))}
    assert mask.mode == "L"
    assert same_pixels(mask.point(_sure), shown.get(name, motif()))


def _sure(grey: int) -> int:
    return 255 if grey >= 128 else 0


@pytest.mark.parametrize("name", [name for name in DAILY if ODD[name].masked == TURNED and "cmyk" not in name])
async def test_inside_of_a_call_it_is_turned_as_well(
    agent: McpClient, world: World, arguments: dict[str, Any], name: str
) -> None:
    given = {"image": data_url(content_of(name), "image/x"), "mask": data_url(content_of(name), "image/x")}
    result = await agent.call_tool(TOOL, arguments | given)

    assert not result.is_error, text_of(result)
    sent = opened(base64.b64decode(world.ledger[0].body["image"].partition(",")[2]))
    assert same_pixels(sent.convert("L").point(_sure), motif())
    assert same_pixels(mask_of(world).point(_sure), motif())


def test_the_page_on_pictures_holds_the_table() -> None:
    page = DOCS.read_text("utf-8")

    assert "\n".join(_rows()) in page, "\n".join(_rows())


def _rows() -> list[str]:
    turns = [name for name in ODD if re.match(r"exif-[1-8]\.", name)]
    rows = {f"`{name}`": odd for name, odd in ODD.items() if name not in turns}
    rows["`exif-2` to `exif-8`, each as `.jpg`, `.png` and `.webp`"] = ODD["exif-6.png"]
    return [f"| {name} | {_said(odd.alone)} | {_said(odd.masked)} | {_said(odd.mask)} |" for name, odd in rows.items()]


def _said(outcome: str) -> str:
    return outcome if outcome in (AS_IT_IS, TURNED, "the motif") else f"refused: {outcome.replace('|', ', ')}"
