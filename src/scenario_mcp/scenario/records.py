"""Reading JSON records leniently: replies are never validated strictly, since Scenario adds fields and words freely."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from scenario_mcp import wording

LARGEST = 1e15
LONGEST_TOKEN = 4_000
MOST_ITEMS = 1_000  # of a list that nothing shorter bounds
EARLIEST, LATEST = 946_684_800.0, 4_102_444_800.0  # the years 2000 and 2100: no record is older, or younger
Read = TypeVar("Read")


def mapping(value: Any) -> Mapping[str, Any]:
    """Take an object, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any, most: int = MOST_ITEMS) -> list[Any]:
    """Take a list, at most so many items of it, or an empty one for anything else."""
    return value[:most] if isinstance(value, list) else []


def each(value: Any, reader: Callable[[Any], Read | None], most: int = MOST_ITEMS) -> tuple[Read, ...]:
    """Take those items of a list, at most so many, that a reader understands."""
    return tuple(read for item in items(value, most) if (read := reader(item)) is not None)


def words(value: Any, length: int = wording.LENGTH) -> str | None:
    """Take a text that says something, made fit to show and cut, or None."""
    return (wording.clean(value, length) or None) if isinstance(value, str) else None


def token(value: Any) -> str | None:
    """Take the token of a next page, which is handed back as it is, or None."""
    known = isinstance(value, str) and len(value) <= LONGEST_TOKEN and re.fullmatch(r"[!#-\[\]-{}~]+", value)
    return value if known else None


def number(value: Any) -> float | None:
    """Take a number of a size that a record may have, so that sums of some stay finite, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= LARGEST else None


def moment(value: Any) -> float | None:
    """Take an ISO 8601 time as seconds since the epoch, or None."""
    try:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):  # also for years that no calendar here reaches
        return None


def time(value: Any) -> str | None:
    """Take the time of a record, as Scenario writes it, or None; also for one that no record can have."""
    seconds = moment(value)
    return None if seconds is None or not EARLIEST <= seconds < LATEST else iso(seconds)


def iso(seconds: float) -> str:
    """Write a moment as Scenario does."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
