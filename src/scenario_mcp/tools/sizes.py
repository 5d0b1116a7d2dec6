"""What the sizes of a call's pictures do to its result: told before it is paid, never a reason to refuse."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from scenario_mcp.tools.loaded import Size

TINY = 128  # pixels of the shorter side
ALIKE = 0.02  # by which the shapes of two pictures may differ, as a share
USUAL = 512  # pixels, where width or height is not given
STEP, SMALLEST, LARGEST = 8, 64, 2048  # of the width and the height that can be asked for
DRAWN_FOR = ("image", "controlImage", "controlImageId")  # the pictures that a mask is drawn for and a result shaped by
MOST_NAMED = 5
MOST = 100_000  # pixels of a side that are believed


def result_size(fields: Collection[str], given: Mapping[str, Any]) -> Size | None:
    """Tell how large the result becomes if a tool has width and height among its fields."""
    if not {"width", "height"} <= set(fields):
        return None
    return given.get("width") or USUAL, given.get("height") or USUAL


def notes(
    pictures: Mapping[str, Size], masks: Mapping[str, Size], drawn_for: Mapping[str, Size], result: Size | None
) -> Iterator[str]:
    """Remark on sizes by the labels of their pictures.

    `pictures` are those that the result is drawn from, `drawn_for` those that the masks and the result are held to.
    """
    tiny = [f"{label} ({_shown(size)})" for label, size in pictures.items() if min(size) < TINY]
    if tiny:
        more = f" and {len(tiny) - MOST_NAMED} more" if len(tiny) > MOST_NAMED else ""
        yield f"Tiny: {', '.join(tiny[:MOST_NAMED])}{more}. A result takes little from so few pixels; give larger ones."
    for label, size in drawn_for.items():
        for mask, other in masks.items():
            if not _alike(size, other):
                yield (
                    f"{mask} ({_shown(other)}) has another shape than {label} ({_shown(size)}), so it will be stretched"
                    " or cropped and lie elsewhere than it was drawn. Draw it on the picture itself."
                )
        if result is not None and not _alike(size, result):
            width, height = _of_shape(size, result)
            yield (
                f"{label} ({_shown(size)}) has another shape than the result ({_shown(result)}), so it may be cropped"
                f" or stretched. Width {width} and height {height} keep its shape."
            )


def _alike(one: Size, other: Size) -> bool:
    """Tell whether two sizes are of one shape, a pixel more or less."""
    (width, height), (across, down) = one, other
    slack = ALIKE + 1 / min(*one, *other)
    return abs(width * down / (height * across) - 1) <= slack


def _of_shape(size: Size, result: Size) -> Size:
    """Give the size that can be asked for with the shape of one and about the area of another."""
    factor = (result[0] * result[1] / (size[0] * size[1])) ** 0.5
    width, height = (min(LARGEST, max(SMALLEST, round(side * factor / STEP) * STEP)) for side in size)
    return width, height


def _shown(size: Size) -> str:
    return f"{size[0]} x {size[1]}"
