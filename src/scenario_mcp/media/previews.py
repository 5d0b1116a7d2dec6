"""Small pictures of large ones, for a model to see: within a budget, and never more than they show."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_mcp.media import pictures

if TYPE_CHECKING:
    from PIL import Image

SIDE = 768  # pixels of the longer side
MOST_CHARACTERS = 150_000  # of one preview as base64
MOST_SINGLE = 4  # pictures that get a preview each; more become one contact sheet
MOST_PIXELS = 40_000_000  # of a picture that is decoded for its preview
QUALITIES = (85, 70, 55, 40, 25)
LIGHT, DARK, SQUARE = 255, 204, 8  # the greys and the pixels of the checkerboard behind what is transparent
GAP = 4


@dataclass(frozen=True)
class Preview:
    """A small JPEG as base64, and what it shows."""

    data: str
    shows: str
    mime_type: str = "image/jpeg"


def previews(contents: Sequence[bytes]) -> list[Preview]:
    """Make a preview of each picture, or one numbered contact sheet of more than four.

    A picture that cannot be shown is left out.
    """
    if len(contents) > MOST_SINGLE:
        return [_sheet(contents)]
    small = ((number, _small(content, SIDE)) for number, content in enumerate(contents, 1))
    return [_encoded(picture, f"preview of result {number}") for number, picture in small if picture is not None]


def _sheet(contents: Sequence[bytes]) -> Preview:
    """Put pictures in rows, each with its number."""
    from PIL import Image, ImageDraw, ImageFont

    columns = math.ceil(math.sqrt(len(contents)))
    rows = math.ceil(len(contents) / columns)
    cell = SIDE // columns - GAP
    sheet = Image.new("RGB", (columns * (cell + GAP), rows * (cell + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(max(10, min(24, cell // 6)))
    for index, content in enumerate(contents):
        left, top = index % columns * (cell + GAP), index // columns * (cell + GAP)
        picture = _small(content, cell)
        if picture is not None:
            sheet.paste(picture, (left + (cell - picture.width) // 2, top + (cell - picture.height) // 2))
        label = str(index + 1)
        box = draw.textbbox((left + 3, top + 1), label, font=font)
        draw.rectangle((left, top, box[2] + 3, box[3] + 3), fill="black")
        draw.text((left + 3, top + 1), label, fill="white", font=font)
    return _encoded(sheet, f"contact sheet of results 1 to {len(contents)}, numbered as they are listed")


def _small(content: bytes, side: int) -> "Image.Image | None":
    """Shrink a picture to fit a square, upright, with a checkerboard where it is transparent; None if it cannot be."""
    from PIL import Image, ImageOps

    try:
        with pictures.opened(content) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except Exception:  # Pillow's parsers raise anything on bad bytes; a preview is never worth a failure
        return None
    ground = _checkerboard(upright.width, upright.height)
    ground.paste(upright, mask=upright.getchannel("A"))
    return ground


def _checkerboard(width: int, height: int) -> "Image.Image":
    from PIL import Image

    board = Image.new("L", (math.ceil(width / SQUARE), math.ceil(height / SQUARE)))
    board.putdata([DARK if (x + y) % 2 else LIGHT for y in range(board.height) for x in range(board.width)])
    large = board.resize((board.width * SQUARE, board.height * SQUARE), Image.Resampling.NEAREST)
    return large.crop((0, 0, width, height)).convert("RGB")


def _encoded(picture: "Image.Image", shows: str) -> Preview:
    """Encode within the budget: with less quality first, then smaller."""
    while True:
        for quality in QUALITIES:
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True)
            data = base64.b64encode(out.getvalue()).decode()
            if len(data) <= MOST_CHARACTERS:
                return Preview(data, shows)
        picture = picture.resize((max(1, picture.width * 3 // 4), max(1, picture.height * 3 // 4)))
