"""Work that must not hold the event loop, in threads that nobody has to wait for."""

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """Run work in a thread of its own. Raises what the work raises, and `OSError` if the system has no thread left.

    Whoever waits may be canceled: the thread is left behind, and takes no place from later ones nor from the end of
    the process.
    """
    try:
        future = asyncio.get_running_loop().run_in_executor(DAEMONS, work, *arguments)
    except RuntimeError as fault:
        raise OSError(errno.EAGAIN, "this machine has no thread left for it") from fault
    return await future


class Daemons(Executor):
    """Runs each piece of work in a thread of its own, which the end of the process does not wait for."""

    def submit(self, work: Callable[..., Result], /, *arguments: Any, **named: Any) -> "Future[Result]":
        """Begin a piece of work."""
        future: Future[Result] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work(*arguments, **named)
            except BaseException as fault:  # whatever it is, it belongs to who waits
                future.set_exception(fault)
            else:
                future.set_result(result)

        Thread(target=run, name="scenario-mcp work", daemon=True).start()
        return future


DAEMONS = Daemons()
