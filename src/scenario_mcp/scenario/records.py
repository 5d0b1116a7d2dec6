"""Reading JSON records leniently: replies are never validated strictly, since Scenario adds fields and words freely."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """Take an object, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Take a list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Take a text that says something, or None."""
    return value if isinstance(value, str) and value.strip() else None


def number(value: Any) -> float | None:
    """Take a finite number of a size that floats hold, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def moment(value: Any) -> float | None:
    """Take an ISO 8601 time as seconds since the epoch, or None."""
    try:
        said = datetime.fromisoformat(value)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):  # also for years that no calendar here reaches
        return None


def iso(seconds: float) -> str:
    """Write a moment as Scenario does."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
