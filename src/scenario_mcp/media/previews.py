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
MOST_ON_SHEET = 48
QUALITIES = (85, 70, 55, 40, 25)
LIGHT, DARK, SQUARE = 255, 204, 8  # the greys and the pixels of the checkerboard behind what is transparent
GAP = 4


@dataclass(frozen=True)
class Preview:
    """A small JPEG as base64, and what it shows."""

    data: str
    shows: str
    mime_type: str = "image/jpeg"


class Gallery:
    """Small pictures of results by the numbers under which they are listed, shrunk one after another."""

    def __init__(self, numbers: Sequence[int]) -> None:
        shown = numbers[:MOST_ON_SHEET]
        self._pictures: dict[int, Image.Image | None] = dict.fromkeys(shown)
        on_sheet = len(shown) > MOST_SINGLE
        self._side = SIDE // math.ceil(math.sqrt(len(shown))) - GAP if on_sheet else SIDE

    @property
    def numbers(self) -> list[int]:
        """The numbers of the results that are shown, or will be."""
        return list(self._pictures)

    def add(self, number: int, content: bytes) -> None:
        """Shrink the picture of a result; what cannot be shown is passed over."""
        self._pictures[number] = _small(content, self._side)

    def previews(self) -> list[Preview]:
        """Make a preview of each picture, or one sheet of more than four, with an empty place for what is missing."""
        shown = list(self._pictures.items())
        if all(picture is None for _, picture in shown):
            return []
        if len(shown) > MOST_SINGLE:
            return [_sheet(shown)]
        return [_encoded(picture, f"preview of result {number}") for number, picture in shown if picture is not None]


def _small(content: bytes, side: int) -> "Image.Image | None":
    """Shrink a picture to fit a square, upright, with a checkerboard where it is transparent; None if it cannot be."""
    from PIL import Image, ImageOps

    try:
        with pictures.opened(content, most_pixels=pictures.MOST_DECODED) as picture:
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
            upright = pictures.eight_bits(ImageOps.exif_transpose(picture)).convert("RGBA")
    except Exception:  # Pillow's parsers raise anything on bad bytes; a preview is never worth a failure
        return None
    ground = _checkerboard(upright.width, upright.height)
    ground.paste(upright, mask=upright.getchannel("A"))
    return ground


def _sheet(shown: "Sequence[tuple[int, Image.Image | None]]") -> Preview:
    """Put pictures in rows, each with its number."""
    from PIL import Image, ImageDraw, ImageFont

    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    cell = SIDE // columns - GAP
    sheet = Image.new("RGB", (columns * (cell + GAP), rows * (cell + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(max(10, min(24, cell // 6)))
    for index, (number, picture) in enumerate(shown):
        left, top = index % columns * (cell + GAP), index // columns * (cell + GAP)
        if picture is not None:
            sheet.paste(picture, (left + (cell - picture.width) // 2, top + (cell - picture.height) // 2))
        box = draw.textbbox((left + 3, top + 1), str(number), font=font)
        draw.rectangle((left, top, box[2] + 3, box[3] + 3), fill="black")
        draw.text((left + 3, top + 1), str(number), fill="white", font=font)
    return _encoded(sheet, f"contact sheet of results {shown[0][0]} to {shown[-1][0]}, each with its number")


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
