"""Pictures of few pixels and endlessly many parts take neither the memory nor the time of the server."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from support.agents import TOOL, text_of
from support.bombs import peak
from support.odd_pictures import chunk
from support.pictures import data_url, halves, png

pytestmark = pytest.mark.anyio


def tiff(strips: int) -> bytes:
    """Write a TIFF one pixel wide, with a strip for each row."""
    tags = {256: (4, 1, 1), 257: (4, 1, strips), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    tags |= {273: (4, strips, 8), 277: (3, 1, 1), 278: (4, 1, 1), 279: (4, strips, 8 + 4 * strips)}
    lists = struct.pack(f"<{strips}I", *[8] * strips) + struct.pack(f"<{strips}I", *[1] * strips)
    entries = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in tags.items())
    return struct.pack("<2sHI", b"II", 42, 8 + len(lists)) + lists + struct.pack("<H", len(tags)) + entries + bytes(4)


def jpeg(segments: int) -> bytes:
    return b"\xff\xd8" + b"\xff\xe1\x00\x0cExif\0\0abcd" * segments + b"\xff\xd9"


def png_of(chunks: int) -> bytes:
    chunk = struct.pack(">I4s", 0, b"prVt") + struct.pack(">I", zlib.crc32(b"prVt"))
    whole = png()
    return whole[:33] + chunk * chunks + whole[33:]


PICTURES = {"strips.tif": tiff(200_000), "segments.jpg": jpeg(20_000), "chunks.png": png_of(50_000)}


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_of_endless_parts_is_refused(agent: McpClient, name: str) -> None:
    path = Path.home() / name
    path.write_bytes(PICTURES[name])

    result = await agent.call_tool("upload-asset", {"file": str(path)})

    assert result.is_error
    assert "too many parts" in text_of(result)


@pytest.mark.parametrize(("name", "content"), [("plain.png", png_of(300)), ("plain.tif", tiff(300))])
async def test_a_picture_of_many_parts_is_taken(agent: McpClient, name: str, content: bytes) -> None:
    path = Path.home() / name
    path.write_bytes(content)

    assert not (await agent.call_tool("upload-asset", {"file": str(path)})).is_error


PACKED = zlib.compress(bytes(60_000_000))  # a thousandth of that
UNPACKING = {
    "texts": chunk(b"zTXt", b"Comment\0\0" + PACKED) * 20,
    "international texts": chunk(b"iTXt", b"Comment\0\1\0\0\0" + PACKED) * 20,
    "a profile": chunk(b"iCCP", b"Profile\0\0" + PACKED),
}


@pytest.mark.parametrize("name", UNPACKING)
@pytest.mark.parametrize("field", ["file", "mask"])
async def test_texts_and_profiles_that_unpack_to_anything_are_sent_packed(
    agent: McpClient, world: World, arguments: dict[str, Any], name: str, field: str
) -> None:
    whole = halves()
    content = whole[:33] + UNPACKING[name] + whole[33:]
    given = {"file": data_url(content)} if field == "file" else arguments | {"mask": data_url(content)}

    with peak() as most:
        result = await agent.call_tool("upload-asset" if field == "file" else TOOL, given)

    assert not result.is_error, text_of(result)
    assert field == "mask" or content in [asset.content for asset in world.assets.values()]
    assert most[0] < 25
