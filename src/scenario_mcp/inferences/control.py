"""What the control of a controlnet may say: its modality, and when it counts."""

from collections.abc import Iterator, Mapping
from typing import Any

from scenario_mcp.inferences.rules import Problem
from scenario_mcp.inferences.schemas import plain

Given = Mapping[str, Any]

ON_FLUX = ("canny", "depth", "pose", "tile", "blur", "gray", "low-quality")
MODALITIES = (*ON_FLUX, "lines", "seg", "scribble", "lineart", "normal-map", "illusion", "sketch")
PRESETS = ("character", "landscape", "city", "interior")
MOST_MODALITIES = 3
USUAL_ENDS = {"canny": 0.5}  # of the control window, by modality
USUAL_END = 0.6


def modality_reads(given: Given) -> Iterator[Problem]:
    """Refuse a modality that is not up to three names, or one preset, each with a weight above 0 and up to 1 or none.

    Which of them a model takes depends on its family, and is judged by its record.
    """
    said = given.get("modality")
    if not isinstance(said, str) or not said.strip():
        return
    names = modalities(said)
    if wrong := [name for name in names if name not in (*MODALITIES, *PRESETS)]:
        yield Problem(
            "modality", f"must name {', '.join(MODALITIES)}, or one of {', '.join(PRESETS)}, not {wrong[0]!r}."
        )
    elif len(names) > MOST_MODALITIES or len(set(names)) < len(names):
        yield Problem("modality", f"must name at most {MOST_MODALITIES} different modalities.")
    elif len(names) > 1 and any(name in PRESETS for name in names):
        yield Problem("modality", "must be a preset alone, or modalities.")
    if not all(_is_weight(part) for part in said.split(",")):
        yield Problem("modality", "takes weights above 0 and up to 1, like depth:0.5,pose:1.0.")


def modalities(said: str) -> list[str]:
    """List the names in a modality like `depth:0.5,pose:1.0`."""
    return [part.partition(":")[0].strip() for part in said.split(",")]


def _is_weight(part: str) -> bool:
    _, colon, weight = part.partition(":")
    try:
        return not colon or 0 < float(weight) <= 1
    except ValueError:
        return False


def control_window(given: Given) -> Iterator[Problem]:
    """Refuse a control that would end before it starts."""
    start, end = given.get("controlStart"), given.get("controlEnd")
    if start is not None and end is not None and _is_number(start) and _is_number(end) and start >= end:
        yield Problem("controlStart", f"must be below controlEnd, which is {plain(end)}, not {plain(start)}.")


def usual_end(modality: str) -> float:
    """Tell when the control of a modality ends on Flux if nothing is said."""
    return USUAL_ENDS.get(modalities(modality)[0], USUAL_END)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
