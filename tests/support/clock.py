"""An event loop whose clock leaps to the next thing to do, so that no test waits."""

import asyncio
import selectors
from collections.abc import Mapping


class _LeapingSelector(selectors.DefaultSelector):
    """Instead of sleeping, leaps ahead; only when nothing at all is due does it wait for real."""

    leapt = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.leapt += max(0.0, timeout)
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    """For tests without threads and sockets: seconds pass only where somebody waits for them."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.leapt


LEAPING: tuple[str, Mapping[str, object]] = ("asyncio", {"loop_factory": LeapingLoop})
