"""Work in threads: none waits for another, and nobody waits for one that does not end."""

import asyncio
from threading import Event

import pytest

from scenario_mcp.scenario.threads import in_thread

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # threads need real time


async def test_a_hundred_stuck_threads_keep_nobody_from_the_next() -> None:
    stuck, began = Event(), asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def wait() -> None:
        loop.call_soon_threadsafe(began.release)
        stuck.wait()

    tasks = [asyncio.create_task(in_thread(wait)) for _ in range(100)]
    async with asyncio.timeout(10):
        for _ in tasks:
            await began.acquire()
        assert await in_thread(sum, (1, 2, 3)) == 6

        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(each, asyncio.CancelledError) for each in ended)
    stuck.set()


async def test_an_error_is_raised_where_somebody_waits() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)
