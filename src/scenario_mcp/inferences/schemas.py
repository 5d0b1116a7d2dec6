"""Checking values against the few JSON Schema keywords we use, and saying in words what a schema wants.

Also used with `step` beside the standard keywords: the distance between allowed numbers, counted from `minimum` or 0.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from scenario_mcp import wording

Schema = Mapping[str, Any]

LONGEST_NAME = 80  # characters of an unknown name that are looked at
SHOWN = 60  # characters of a wrong value that are repeated in a refusal
LARGEST = 1e15  # numbers beyond are not worth naming, and floats no longer hold them
LISTED = 32  # allowed values or known names that are listed in a refusal

_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text",
    "array": "a list",
    "object": "an object",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}


def misfits(name: str, schema: Schema, value: Any) -> Iterator[tuple[str, str]]:
    """List where a value does not fit a schema, as pairs of a place's name and a sentence with the fix."""
    if not _fits(schema, value):
        yield name, refusal(schema, value)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(f"{name}[{index}]", schema.get("items", {}), item)


def refusal(schema: Schema, value: Any) -> str:
    """Say what a schema wants instead of a value, and the nearest value that fits."""
    return f"must be {expectation(schema)}, not {shown(value)}.{nearest(schema, value)}"


def expectation(schema: Schema, listed: int = LISTED) -> str:
    """Say in words what a schema wants: its type, range and allowed values, of which so many are listed."""
    if "enum" in schema:
        values = [wording.named(each) if isinstance(each, str) else plain(each) for each in schema["enum"]]
        more = f" and {len(values) - listed} more" if len(values) > listed else ""
        return f"one of {', '.join(values[:listed])}{more}"
    return " ".join((_WORDS.get(schema.get("type", ""), "a value"), *_bounds(schema)))


def nearest(schema: Schema, value: Any) -> str:
    """Name the value nearest to a wrong one that fits, as a sentence after a blank; nothing if there is none."""
    if "enum" in schema and isinstance(value, str):
        near = get_close_matches(value, [each for each in schema["enum"] if isinstance(each, str)], 1)
        return f" Did you mean {wording.named(near[0])}?" if near else ""
    if not _is_number(value) or schema.get("type") not in ("integer", "number") or "enum" in schema:
        return ""
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    step = _step(schema)
    clamped = min(max(value, low), high)
    if abs(clamped) > LARGEST:
        return ""
    if step is None:
        return f" Nearest: {plain(clamped)}."
    base = low if "step" in schema and math.isfinite(low) else 0
    return f" Nearest: {plain(round((clamped - base) / step) * step + base)}."


def unknown(name: str, known: Sequence[str]) -> str:
    """Say that a name is unknown, and which one was probably meant."""
    spelt = {_plain(each): each for each in known}
    near = get_close_matches(_plain(name)[:LONGEST_NAME], spelt, 1)
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    advice = f"Did you mean {spelt[near[0]]}?" if near else f"Known are: {', '.join(known[:LISTED])}{more}."
    return f"is an unknown argument. {advice}"


def plain(value: Any) -> str:
    """Write a number without exponent or idle decimals, and anything else as it is."""
    if not isinstance(value, float):
        return str(value)
    return str(int(value)) if value.is_integer() else repr(round(value, 6))


def shown(value: Any) -> str:
    """Show a value as JSON, cut where it gets long."""
    return wording.shown(value, SHOWN)


def _fits(schema: Schema, value: Any) -> bool:
    wanted = _TYPES.get(schema.get("type", ""), (object,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted and object not in wanted):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str | list):
        prefix = "Length" if isinstance(value, str) else "Items"
        return bool(schema.get(f"min{prefix}", 0) <= len(value) <= schema.get(f"max{prefix}", math.inf))
    return not isinstance(value, int | float) or _in_range(schema, value)


def _in_range(schema: Schema, value: float) -> bool:
    low, high, step = schema.get("minimum", -math.inf), schema.get("maximum", math.inf), _step(schema)
    if not low <= value <= high:
        return False
    # A record does not say where its steps begin, so either reading will do, and its ends always fit.
    begins = (0, low) if "step" in schema and math.isfinite(low) else (0,)
    at_end = "step" in schema and value in (low, high)
    return step is None or at_end or any(_is_multiple(value - begin, step) for begin in begins)


def _is_multiple(value: float, step: float) -> bool:
    try:
        steps = value / step
        return math.isclose(steps, round(steps), abs_tol=1e-6)
    except OverflowError:  # beyond what floats hold
        return False


def _step(schema: Schema) -> float | None:
    step: float | None = schema.get("multipleOf") or schema.get("step")
    return step or (1 if schema.get("type") == "integer" else None)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _bounds(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"from {plain(low)} to {plain(high)}"
    elif low is not None or high is not None:
        yield f"of at least {plain(low)}" if low is not None else f"of at most {plain(high)}"
    if "multipleOf" in schema:
        yield f"that is a multiple of {plain(schema['multipleOf'])}"
    if "step" in schema:
        yield f"in steps of {plain(schema['step'])}"
    for prefix, what in (("Items", "items"), ("Length", "characters")):
        fewest, most = schema.get(f"min{prefix}", 0), schema.get(f"max{prefix}")
        if most is not None:
            yield f"of {plain(fewest)} to {plain(most)} {what}" if fewest else f"of at most {plain(most)} {what}"
        elif fewest:
            yield "that is not empty" if what == "characters" else f"of at least {plain(fewest)} {what}"
    if "required" in schema:
        yield f"with {' and '.join(schema['required'])}"


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
