"""The files of a custom model's parameters: uploaded, turned where a mask lies on them, and remarked on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scenario_mcp.scenario.models import Input
from scenario_mcp.scenario.uploads import Kind
from scenario_mcp.tools import pictures, sizes
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.intake import Intake, Wanted
from scenario_mcp.tools.loaded import Loaded, LocalPicture, Size

KINDS: dict[str, Kind] = {"video": "video", "audio": "audio", "3d": "3d"}


async def place(
    intake: Intake,
    inputs: Sequence[Input],
    body: Mapping[str, Any],
    loaded: Mapping[str, Sequence[Loaded]],
    host: Host,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Put asset ids in place of the files that a body names; gives the body, and notes. Raises `ScenarioError`."""
    masks = {label(each) for each in inputs if is_mask(each)}
    single = {label(each) for each in inputs if not each.is_list and kind(each) == "image"}
    wanted, notes = [], []
    for each in inputs:
        for file in loaded[each.name]:
            if masks and label(each) in single and isinstance(file, LocalPicture) and file.turned:
                notes.append(pictures.TURNED.format(label(each)))
                file = await intake.upright(label(each), file, host)  # the same picture
            wanted.append(Wanted(label(each), file, kind=kind(each)))
    asset_ids = await intake.asset_ids(wanted, host)
    ids = iter(asset_ids)
    placed = dict(body)
    for each in inputs:
        placed[each.name] = [next(ids) for _ in loaded[each.name]] if isinstance(body[each.name], list) else next(ids)
    known = await pictures.known_sizes(intake, wanted, asset_ids, single, host)
    drawn_for = {name: size for name, size in known.items() if name in single - masks}
    return placed, (*notes, *_remarks(known, masks, drawn_for, body))


def label(each: Input) -> str:
    """Name an input as a caller sees it."""
    return f"parameters.{each.name}"


def kind(each: Input) -> Kind:
    """Tell what kind of file an input takes; an image if its record says nothing."""
    return KINDS.get(each.kind or "", "image")


def is_mask(each: Input) -> bool:
    """Tell whether an input takes a mask, by its record or its name."""
    return each.mask_from is not None or "mask" in each.name.lower()


def _remarks(
    known: Mapping[str, Size], masks: set[str], drawn_for: Mapping[str, Size], body: Mapping[str, Any]
) -> Iterator[str]:
    width, height = _pixels(body.get("width")), _pixels(body.get("height"))
    result = (width, height) if width and height else None
    others = {name: size for name, size in known.items() if name not in masks}
    return sizes.notes(others, {name: known[name] for name in masks if name in known}, drawn_for, result)


def _pixels(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and 1 <= value <= sizes.MOST else None
