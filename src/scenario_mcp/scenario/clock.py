"""Scenario's clock, as the Date of its replies tells it."""

from email.utils import parsedate_to_datetime

import anyio


class ApiClock:
    """Tells Scenario's time between replies, whatever this machine's clock says or is set to."""

    def __init__(self) -> None:
        self._heard: tuple[float, float] | None = None

    def hear(self, date: str | None) -> None:
        """Take the time of a reply from its Date header; one that cannot be read is passed over."""
        try:
            said = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, OverflowError, OSError):
            return
        self._heard = (said, anyio.current_time())

    def now(self) -> float | None:
        """Tell the time in seconds since the epoch, a second more or less; None before the first reply."""
        if self._heard is None:
            return None
        said, at = self._heard
        return said + anyio.current_time() - at
