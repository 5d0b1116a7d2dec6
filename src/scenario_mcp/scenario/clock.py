"""Scenario's clock, as the Date of its replies tells it."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import anyio

LONGEST_DATE = 64  # characters; a header may have 100,000
DRIFT = 2.0  # seconds by which this machine's two clocks may disagree between replies


class ApiClock:
    """Tells Scenario's time between replies, whatever this machine's clock says.

    `wall` is this machine's clock. The event loop's clock counts from the last reply; it stands still while a machine
    sleeps, and then the two disagree.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._heard: tuple[float, float, float] | None = None

    def hear(self, date: str | None) -> None:
        """Take the time of a reply from its Date header; one that cannot be read is passed over."""
        try:
            said = parsedate_to_datetime((date or "")[:LONGEST_DATE]).timestamp()
        except (ValueError, OverflowError, OSError):
            return
        self._heard = (said, anyio.current_time(), self._wall())

    def now(self) -> float | None:
        """Tell the time in seconds since the epoch, a second more or less; None if no reply tells it surely."""
        if self._heard is None:
            return None
        said, at, wall = self._heard
        passed = anyio.current_time() - at
        return said + passed if abs(self._wall() - wall - passed) <= DRIFT else None
