"""The moment by which a call must have answered."""

from dataclasses import dataclass, field, replace

import anyio


@dataclass(frozen=True)
class Deadline:
    """A point on the event loop's clock, in seconds; shared by everything that one call does.

    `hung_up` is set when the caller says no more: what can be told without more waiting is then told at once.
    """

    at: float
    hung_up: anyio.Event | None = field(default=None, compare=False, repr=False)

    @classmethod
    def after(cls, seconds: float, hung_up: anyio.Event | None = None) -> "Deadline":
        """Set a deadline so many seconds from now."""
        return cls(anyio.current_time() + seconds, hung_up)

    def remaining(self) -> float:
        """Count the seconds left; never negative."""
        return max(0.0, self.at - anyio.current_time())

    def sooner(self, seconds: float) -> "Deadline":
        """Set the same deadline so many seconds earlier."""
        return replace(self, at=self.at - seconds)

    def or_within(self, seconds: float) -> "Deadline":
        """Set this deadline, or one so many seconds from now if that is sooner."""
        return replace(self, at=min(self.at, anyio.current_time() + seconds))

    async def pause(self, seconds: float) -> bool:
        """Pause for so many seconds, and tell whether the caller still listens; it ends as soon as nobody does."""
        with anyio.move_on_after(seconds):
            await (anyio.sleep_forever() if self.hung_up is None else self.hung_up.wait())
        return self.hung_up is None or not self.hung_up.is_set()
