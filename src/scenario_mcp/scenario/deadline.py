"""The moment by which a call must have answered."""

from dataclasses import dataclass

import anyio


@dataclass(frozen=True)
class Deadline:
    """A point on the event loop's clock, in seconds; shared by everything that one call does."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Set a deadline so many seconds from now."""
        return cls(anyio.current_time() + seconds)

    def remaining(self) -> float:
        """Count the seconds left; never negative."""
        return max(0.0, self.at - anyio.current_time())

    def sooner(self, seconds: float) -> "Deadline":
        """Set the same deadline so many seconds earlier."""
        return Deadline(self.at - seconds)

    def or_within(self, seconds: float) -> "Deadline":
        """Set this deadline, or one so many seconds from now if that is sooner."""
        return min(self, Deadline.after(seconds), key=lambda deadline: deadline.at)
