"""Work that would hold up the event loop, in threads that end with their call or are left behind.

A read from a network folder that hangs cannot be stopped. So each piece of work has a thread of its own, which no end
of the process waits for, and a lane: work of the same kind, of which only so much goes on at once. What takes too long
for work that goes well counts as hanging and gives its place in the lane free.
"""

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio

from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.threads import DAEMONS

Made = TypeVar("Made")

SLOW = 10.0  # seconds after which work counts as hanging
MOST_HANGING = 32  # threads of one lane that may hang before it takes no more work

HANGS = "the disk or network folder does not answer"


class Lane:
    """One kind of work in threads, of which `at_once` pieces go on at the same time."""

    def __init__(self, at_once: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._hanging = 0

    async def run(self, until: Deadline, work: Callable[..., Made], *args: Any) -> Made:
        """Do a piece of work in a thread and give what it makes.

        Raises what the work raises, and `TimeoutError` when it is not done in time or too much hangs already. A thread
        that is not done goes on by itself, so what it does then must be harmless.
        """
        if self._hanging >= MOST_HANGING:
            raise TimeoutError(errno.ETIMEDOUT, f"{HANGS}: too much waits for it already")
        with anyio.move_on_after(until.remaining()):
            await self._places.acquire()
            if until.remaining() > 0:
                return await self._begin(work, *args)
            self._places.release()
        raise TimeoutError(errno.ETIMEDOUT, HANGS)

    def _begin(self, work: Callable[..., Made], *args: Any) -> "asyncio.Future[Made]":
        loop, hangs = asyncio.get_running_loop(), False

        def slow() -> None:
            nonlocal hangs
            hangs = True
            self._hanging += 1
            self._places.release()

        def ended() -> None:
            timer.cancel()
            if hangs:
                self._hanging -= 1
            else:
                self._places.release()

        def whole() -> Made:
            try:
                return work(*args)
            finally:
                with suppress(RuntimeError):  # a loop that has ended has nothing to be told
                    loop.call_soon_threadsafe(ended)

        timer = loop.call_later(SLOW, slow)
        try:
            return loop.run_in_executor(DAEMONS, whole)
        except RuntimeError:  # the system has no thread left
            ended()
            raise OSError(errno.EAGAIN, "this machine has no thread left for it") from None


@dataclass(frozen=True)
class Lanes:
    """The lanes of one server: none of them is held up by what hangs in another.

    Pictures of a call are decoded one at a time, and those to be shown too, since each may fill some hundred megabytes.
    """

    reading: Lane = field(default_factory=lambda: Lane(24))
    decoding: Lane = field(default_factory=lambda: Lane(1))
    writing: Lane = field(default_factory=lambda: Lane(24))
    showing: Lane = field(default_factory=lambda: Lane(1))
