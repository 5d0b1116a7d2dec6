"""What the tools do to a picture, as real small operations: encoded pictures in, encoded files out."""

import io
import random
from collections.abc import Mapping

from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageOps

from scenario_mcp.sandbox import painter

SMALL = 24  # shapes of a vector picture, each way
GROWN = 2.0
LARGEST = 4096  # pixels; more would only take long
PLACES = {"left": (0.0, 0.5), "right": (1.0, 0.5), "top": (0.5, 0.0), "bottom": (0.5, 1.0)}
MAPS = ("height", "normal", "smoothness", "metallic", "edge", "ao", "albedo")


def control_map(picture: bytes) -> bytes:
    """Draw the edges of a picture, white on black."""
    return _png(ImageOps.autocontrast(_open(picture).convert("L").filter(ImageFilter.FIND_EDGES)))


def cut_out(picture: bytes, background: str | None = None, kind: str = "png") -> bytes:
    """Keep what stands in the middle of a picture; the rest becomes transparent, or a colour."""
    shown = _open(picture).convert("RGBA")
    shown.putalpha(_middle(shown.size))
    if kind == "jpeg" or (background and background != "transparent"):
        shown = _on(shown, background or "white")
    return _encoded(shown, kind)


def object_mask(picture: bytes) -> bytes:
    """Draw a mask of what stands in the middle of a picture."""
    return _png(_middle(_open(picture).size).point(lambda grey: 255 if grey > 127 else 0))


def filled(picture: bytes, mask: bytes | None, size: tuple[int | None, int | None]) -> bytes:
    """Blur a picture where its mask is white, and fit it into a size."""
    shown = _open(picture)
    if mask is not None:
        soft = shown.filter(ImageFilter.GaussianBlur(max(2, min(shown.size) // 8)))
        shown = Image.composite(soft, shown, _open(mask).convert("L").resize(shown.size))
    return _png(_marked(ImageOps.pad(shown, (size[0] or shown.width, size[1] or shown.height))))


def patched(
    picture: bytes,
    crop: Mapping[str, float] | None,
    over: bytes | None,
    place: tuple[int, int],
    *,
    erase: bool = False,
    background: str = "white",
    kind: str = "png",
) -> bytes:
    """Crop a picture, then lay another one over it or take away what that one covers."""
    shown = _open(picture).convert("RGBA")
    if crop:
        left, top = int(crop["left"]), int(crop["top"])
        shown = shown.crop((left, top, left + max(1, int(crop["width"])), top + max(1, int(crop["height"]))))
    if over is not None:
        laid = _open(over).convert("RGBA")
        shown.paste((0, 0, 0, 0) if erase else laid, place if not erase else (*place, *_end(place, laid.size)))
    if background != "transparent":
        shown = _on(shown, background)
    return _encoded(shown, kind)


def pixelated(picture: bytes, grid: int, colours: int | None) -> bytes:
    """Draw a picture as a grid of pixels."""
    shown = _open(picture).convert("RGB")
    small = shown.resize((grid, max(1, grid * shown.height // shown.width)), Image.Resampling.BOX)
    if colours:
        small = small.quantize(colours).convert("RGB")
    return _png(small.resize((small.width * 4, small.height * 4), Image.Resampling.NEAREST))


def enlarged(picture: bytes, factor: float | None, width: float | None) -> bytes:
    """Enlarge a picture by a factor, or to a width, but not beyond what is quickly made."""
    shown = _open(picture).convert("RGB")
    wide = min(LARGEST, int(width or shown.width * (factor or GROWN)))
    return _png(_marked(shown.resize((wide, max(1, wide * shown.height // shown.width)))))


def reframed(picture: bytes, width: int, height: int, location: str) -> bytes:
    """Put a picture into another frame, with its own colours blurred around it."""
    shown = _open(picture).convert("RGB")
    size = (max(1, width), max(1, height))
    around = ImageOps.fit(shown, size).filter(ImageFilter.GaussianBlur(max(size) / 10))
    inner = ImageOps.contain(shown, (max(1, size[0] * 4 // 5), max(1, size[1] * 4 // 5)))
    x, y = PLACES.get(location, (0.5, 0.5))
    around.paste(inner, (round((size[0] - inner.width) * x), round((size[1] - inner.height) * y)))
    return _png(_marked(around))


def vectors(picture: bytes, *, colour: bool = True) -> bytes:
    """Draw a picture as an SVG of coloured squares."""
    shown = _open(picture).convert("RGB")
    small = shown.resize((SMALL, SMALL), Image.Resampling.BOX)
    small = small if colour else small.convert("1").convert("RGB")
    colours = small.tobytes()  # red, green, blue of each square, row by row
    shapes = "".join(
        f'<rect x="{n % SMALL}" y="{n // SMALL}" width="1" height="1" fill="#{colours[3 * n : 3 * n + 3].hex()}"/>'
        for n in range(SMALL * SMALL)
    )
    size = f'width="{shown.width}" height="{shown.height}" viewBox="0 0 {SMALL} {SMALL}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><title>{painter.MARK}</title>{shapes}</svg>'.encode()


def texture_map(picture: bytes, kind: str) -> bytes:
    """Draw one of the maps of a texture."""
    shown = _open(picture).convert("RGB")
    grey = shown.convert("L")
    drawn: dict[str, Image.Image] = {
        "normal": Image.merge("RGB", (grey.filter(ImageFilter.EMBOSS), grey, Image.new("L", grey.size, 255))),
        "smoothness": ImageOps.invert(grey),
        "metallic": grey.point(lambda value: 255 if value > 200 else 0),
        "edge": grey.filter(ImageFilter.FIND_EDGES),
        "ao": grey.filter(ImageFilter.GaussianBlur(3)),
        "albedo": shown,
    }
    return _png(drawn.get(kind, grey))


def panorama(seed: int, width: int) -> bytes:
    """Draw a sky over a ground, twice as wide as high; its left and right edges meet."""
    chance = random.Random(seed)  # noqa: S311  # art
    sky, ground = (tuple(chance.randint(40, 215) for _ in range(3)) for _ in range(2))
    drawn = Image.new("RGB", (width, width // 2), sky)
    ImageDraw.Draw(drawn).rectangle((0, width // 4, width, width // 2), fill=ground)
    return _png(_marked(drawn))


def _open(picture: bytes) -> Image.Image:
    opened = painter.open_upright(picture)
    return opened if opened.mode in ("RGB", "RGBA", "L") else opened.convert("RGB")


def _middle(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((size[0] // 8, size[1] // 8, size[0] * 7 // 8, size[1] * 7 // 8), fill=255)
    return mask


def _on(picture: Image.Image, colour: str) -> Image.Image:
    try:
        behind = Image.new("RGBA", picture.size, ImageColor.getrgb(colour))
    except ValueError:
        behind = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(behind, picture)


def _end(place: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    return place[0] + size[0], place[1] + size[1]


def _marked(picture: Image.Image) -> Image.Image:
    marked = picture.convert("RGB")
    painter.mark(marked)
    return marked


def _png(picture: Image.Image) -> bytes:
    return _encoded(picture, "png")


def _encoded(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "jpeg":
        picture.convert("RGB").save(out, "JPEG")
    else:
        picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
