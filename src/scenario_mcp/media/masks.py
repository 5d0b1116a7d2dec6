"""Masks: pictures that say where another one may change, as the grey PNG that travels inside a call."""

import base64
import io
from typing import TYPE_CHECKING, Literal

from scenario_mcp.media import pictures
from scenario_mcp.media.sources import BadSource

if TYPE_CHECKING:
    from PIL import Image

Paint = Literal["white", "black"]  # the colour of what may change

LARGEST = 2_000_000  # bytes of the PNG; the whole request must stay below the gateway's 6 MB
SURE = 0.9  # the share of pixels that must be nearly black or nearly white
NEARLY = 32  # of 255
LOSS = 12  # of 255: what lossy formats make of plain black or white
HALF = 128
WIDE = 2 / 3  # the share of a side from which on what is painted lies nowhere in particular
AS_IT_IS = ("LA", "RGBA")  # what is large is not held twice
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
NO_GREYS = "is a picture in the mode {}, which cannot be a mask. Give it as PNG."
PLACES = (
    ("in the upper left", "at the top", "in the upper right"),
    ("at the left", "in the middle", "at the right"),
    ("in the lower left", "at the bottom", "in the lower right"),
)


class Mask:
    """A mask as a data URL, and what it says: `size` in pixels, `covers` the share that may change, `where` that lies.

    `clear` if it is mostly black and white, `empty` if nothing may change.
    """

    def __init__(self, content: bytes, paint: Paint = "white") -> None:
        """Convert a picture. Raises `BadSource`."""
        try:
            if pictures.inspect(content).size is None:
                raise BadSource("is a HEIC, which cannot be a mask. Give it as PNG.")
            with pictures.opened(content, most_pixels=pictures.MOST_DECODED) as picture:
                pictures.load(picture)
                flat = _grey(picture, paint)
                flat = pictures.turn(flat, pictures.orientation(picture, content))
        except pictures.BadPicture as bad:
            raise BadSource(f"{bad}") from None
        counts = flat.histogram()
        out = io.BytesIO()
        flat.save(out, "PNG", optimize=True)
        if out.tell() > LARGEST:
            raise BadSource("is a mask too detailed to send. Give it in pure black and white, or smaller.")
        self.size = flat.size
        self.empty = not any(counts[LOSS:] if paint == "white" else counts[:-LOSS])
        self.clear = sum(counts[:NEARLY]) + sum(counts[-NEARLY:]) >= SURE * sum(counts)
        self.covers = sum(counts[HALF:] if paint == "white" else counts[:HALF]) / sum(counts)
        painted = flat.point(lambda grey: 255 if (grey >= HALF) is (paint == "white") else 0)
        self.where = _where(painted.getbbox() or (0, 0, *flat.size), flat.size)
        self.url = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def _grey(picture: "Image.Image", paint: Paint) -> "Image.Image":
    """Convert an opened picture to greys; what is transparent is painted nowhere. Raises `BadSource`."""
    try:
        if picture.mode.startswith(("I", "F")):  # greys of more than 8 bits have no transparency worth the name
            return pictures.eight_bits(picture)
        if not picture.has_transparency_data:
            return picture.convert("L")
        seen = (
            picture.convert(PREMULTIPLIED.get(picture.mode, "RGBA")) if picture.mode not in ("LA", "RGBA") else picture
        )
        flat, alpha = seen.convert("L"), seen.getchannel("A")
    except pictures.BadPicture:
        raise
    except ValueError:
        raise BadSource(NO_GREYS.format(picture.mode)) from None
    hidden = alpha.point(lambda value: 255 - value)
    darkest, brightest = _range(flat, alpha)
    if alpha.getextrema()[0] == 255 or brightest < 0:
        strokes = False
    elif paint == "white":  # strokes of one colour, or none of them bright, that lie on nothing
        strokes = brightest < HALF or brightest - darkest < NEARLY
    else:
        strokes = brightest < HALF
    if strokes:
        return alpha if paint == "white" else hidden
    # What is transparent is not painted, so it keeps the image, as black does; where black is the paint, it is a hole.
    flat.paste(0, mask=hidden)
    return flat


def _range(flat: "Image.Image", alpha: "Image.Image") -> tuple[int, int]:
    """Give the darkest and the brightest grey that can be seen; -1 if there is none."""
    seen = flat.histogram(alpha.point(lambda value: 255 if value >= HALF else 0))
    greys = [grey for grey, count in enumerate(seen) if count]
    return (greys[0], greys[-1]) if greys else (-1, -1)


def _where(box: tuple[int, int, int, int], size: tuple[int, int]) -> str:
    """Say where in a picture a box lies."""
    (left, top, right, bottom), (width, height) = box, size
    across, down = ((left + right) / 2 / width, (top + bottom) / 2 / height)
    wide, high = right - left >= WIDE * width, bottom - top >= WIDE * height
    if wide and high:
        place = "all over it"
    else:
        column, row = (1 if wide else int(across * 3)), (1 if high else int(down * 3))
        place = PLACES[row][column]
    extent = (
        f"{100 * left // width} to {-(-100 * right // width)} % from the left,"
        f" {100 * top // height} to {-(-100 * bottom // height)} % from the top"
    )
    return f"{place} ({extent})"
