"""The icon of the bundle: a picture, and beside it the one that was made from it."""

from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 512
SCALE = 4  # drawn larger and shrunk, for smooth edges
INK, PAPER, SUN, HILL, FAR = "#1c1f2b", "#f4efe4", "#f2a65a", "#2f6f73", "#7fb4a2"


def write(path: Path) -> None:
    """Draw the icon as a square PNG with a clear background."""
    icon = Image.new("RGBA", (SIDE * SCALE, SIDE * SCALE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(icon)
    draw.rounded_rectangle(_box(0, 0, 512, 512), radius=112 * SCALE, fill=INK)
    draw.rounded_rectangle(_box(64, 96, 332, 364), radius=36 * SCALE, fill=FAR)
    draw.rounded_rectangle(_box(168, 136, 456, 424), radius=40 * SCALE, fill=INK)
    draw.rounded_rectangle(_box(180, 148, 448, 416), radius=36 * SCALE, fill=PAPER)
    draw.ellipse(_box(216, 184, 288, 256), fill=SUN)
    draw.polygon(_points((180, 364), (264, 288), (324, 352), (376, 276), (448, 364)), fill=HILL)
    draw.rounded_rectangle(_box(180, 364, 448, 416), radius=36 * SCALE, fill=HILL)
    draw.rectangle(_box(180, 364, 448, 388), fill=HILL)
    icon.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(path, optimize=True)


def _box(left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
    return left * SCALE, top * SCALE, right * SCALE, bottom * SCALE


def _points(*points: tuple[int, int]) -> list[tuple[int, int]]:
    return [(x * SCALE, y * SCALE) for x, y in points]
