"""Real images, deterministic by seed: the source, disturbed by strength, recoloured towards the references.

Not art: just enough that a person sees each argument at work, and that nobody takes it for a product of Scenario.
"""

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, product

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps, ImageStat

MARK = "SANDBOX"
PNG = b"\x89PNG\r\n\x1a\n"
CELLS = 4  # of the mesh by which the source is bent, each way


@dataclass(frozen=True)
class Order:
    """What to paint: encoded pictures in, sizes in pixels, `scales` one per reference from 0 to 1."""

    source: bytes
    references: tuple[bytes, ...]
    scales: tuple[float, ...]
    character: bool
    strength: float
    width: int
    height: int
    seed: int
    mask: bytes | None = None


def paint(order: Order) -> bytes:
    """Paint one image as PNG."""
    size = (order.width, order.height)
    source = ImageOps.fit(open_upright(order.source).convert("RGB"), size)
    painted = _recoloured(_disturbed(source, order.strength, random.Random(order.seed)), order)  # noqa: S311  # art
    if order.mask is not None:
        painted = Image.composite(painted, source, ImageOps.fit(open_upright(order.mask).convert("L"), size))
    mark(painted)
    out = io.BytesIO()
    painted.save(out, "PNG", compress_level=1)
    return out.getvalue()


HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1")


def measure(picture: bytes) -> tuple[int, int, str] | None:
    """Read a picture's width and height in pixels and its MIME type; None if it is no picture."""
    try:
        with Image.open(io.BytesIO(_without_texts(picture))) as opened:
            shown = ImageOps.exif_transpose(opened)
            return shown.width, shown.height, Image.MIME.get(opened.format or "", "application/octet-stream")
    except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
        return None


def blank(words: str) -> bytes:
    """Make a plain picture whose colour comes from words."""
    chance = random.Random(words)  # noqa: S311  # art
    out = io.BytesIO()
    Image.new("RGB", (64, 64), tuple(chance.randint(60, 200) for _ in range(3))).save(out, "PNG")
    return out.getvalue()


def average(picture: bytes) -> tuple[float, ...]:
    """Give the mean red, green and blue of a picture."""
    return tuple(ImageStat.Stat(open_upright(picture).convert("RGB")).mean)


def open_upright(picture: bytes) -> Image.Image:
    """Open a picture turned as its camera noted."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(_without_texts(picture))))


def _without_texts(picture: bytes) -> bytes:
    """Leave texts and profiles out of a PNG: Pillow unpacks them, and refuses what is long."""
    if not picture.startswith(PNG):
        return picture
    kept, at = [PNG], len(PNG)
    while at < len(picture):
        end = at + 12 + int.from_bytes(picture[at : at + 4])
        if picture[at + 4 : at + 8] not in (b"tEXt", b"zTXt", b"iTXt", b"iCCP"):
            kept.append(picture[at:end])
        at = end
    return b"".join(kept)


def _disturbed(source: Image.Image, strength: float, chance: random.Random) -> Image.Image:
    reach = int(strength * min(source.size) / 10)

    def vertex(column: int, row: int) -> tuple[int, int]:
        x, y = column * source.width // CELLS, row * source.height // CELLS
        inside = 0 < column < CELLS and 0 < row < CELLS
        return (x + chance.randint(-reach, reach), y + chance.randint(-reach, reach)) if inside else (x, y)

    grid = [[vertex(column, row) for row in range(CELLS + 1)] for column in range(CELLS + 1)]
    mesh = []
    for column, row in product(range(CELLS), repeat=2):
        left, right = column * source.width // CELLS, (column + 1) * source.width // CELLS
        top, bottom = row * source.height // CELLS, (row + 1) * source.height // CELLS
        corners = (grid[column][row], grid[column][row + 1], grid[column + 1][row + 1], grid[column + 1][row])
        mesh.append(((left, top, right, bottom), tuple(chain.from_iterable(corners))))
    moved = source.transform(source.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    grain = Image.frombytes("RGB", (24, 24), chance.randbytes(24 * 24 * 3)).resize(source.size)
    soft = moved.filter(ImageFilter.GaussianBlur(reach / 6))
    return Image.blend(soft, ImageChops.soft_light(soft, grain), min(1.0, strength))


def _recoloured(picture: Image.Image, order: Order) -> Image.Image:
    result = picture
    for reference, scale in zip(order.references, order.scales, strict=True):
        toned = _toned(result, open_upright(reference).convert("RGB"))
        amount = Image.new("L", result.size, round(255 * scale))
        if order.character:
            amount = ImageChops.multiply(amount, _spotlight(result.size))
        result = Image.composite(toned, result, amount)
    return result


def _toned(picture: Image.Image, reference: Image.Image) -> Image.Image:
    """Give each colour channel the mean and spread that it has in the reference."""
    bands = []
    for band, own, theirs in zip(picture.split(), _statistics(picture), _statistics(reference), strict=True):
        factor = theirs[1] / own[1] if own[1] else 1.0
        bands.append(band.point([min(255, max(0, round((v - own[0]) * factor + theirs[0]))) for v in range(256)]))
    return Image.merge("RGB", bands)


def _statistics(picture: Image.Image) -> Sequence[tuple[float, float]]:
    measured = ImageStat.Stat(picture)
    return list(zip(measured.mean, measured.stddev, strict=True))


def _spotlight(size: tuple[int, int]) -> Image.Image:
    width, height = size
    light = Image.new("L", size, 0)
    ImageDraw.Draw(light).ellipse((width // 5, height // 6, width * 4 // 5, height * 5 // 6), fill=255)
    return light.filter(ImageFilter.GaussianBlur(min(size) / 12))


def mark(picture: Image.Image) -> None:
    """Write across the foot of a picture that it is made up."""
    height = max(10, picture.height // 16)
    draw = ImageDraw.Draw(picture, "RGBA")
    draw.rectangle((0, picture.height - height - 4, picture.width, picture.height), fill=(0, 0, 0, 170))
    draw.text((4, picture.height - height - 3), MARK, fill=(255, 255, 255, 255), font=ImageFont.load_default(height))
