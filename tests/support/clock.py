"""An event loop whose clock leaps to the next thing to do, so that no test waits."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class _LeapingSelector(selectors.DefaultSelector):
    """Instead of sleeping, leaps ahead; only when nothing at all is due does it wait for real."""

    leapt = 0.0
    threads = 0
    patience: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or (timeout > 0 and self.threads and self.patience is None):
            return super().select(None)
        ready = super().select(self.patience if timeout > 0 and self.threads else 0)
        if not ready:
            self.leapt += max(0.0, timeout)
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    """For tests without sockets: seconds pass only where somebody waits for them, and not while a thread works."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.leapt

    def run_in_executor(  # type: ignore[override]  # the generic signature says no more to a test
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        self._leaping.threads += 1
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncio's name
        """Wait for threads as long as they take: from Python 3.12 on there is a limit, which would be leapt over."""
        await super().shutdown_default_executor()

    def _thread_done(self, _: object) -> None:
        self._leaping.threads -= 1


class ImpatientLoop(LeapingLoop):
    """For tests with threads that hang: seconds pass also while a thread works, if nothing happens for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self._leaping.patience = 1.0  # longer than a folder that hangs holds up who asks for another one


LEAPING: tuple[str, Mapping[str, object]] = ("asyncio", {"loop_factory": LeapingLoop})
IMPATIENT: tuple[str, Mapping[str, object]] = ("asyncio", {"loop_factory": ImpatientLoop})
