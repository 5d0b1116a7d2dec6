"""Lanes: what hangs gives its place free, until so much hangs that more is refused at once."""

import asyncio
from contextlib import suppress
from threading import Event

import pytest

from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.tools import threads
from scenario_mcp.tools.threads import Lane

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # threads need real time


async def test_a_lane_in_which_much_hangs_takes_no_more_until_something_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "SLOW", 0.0)
    stuck, lane = Event(), Lane(1)
    for _ in range(threads.MOST_HANGING):
        with pytest.raises(TimeoutError, match=threads.HANGS):
            await lane.run(Deadline.after(0.02), stuck.wait)

    with pytest.raises(TimeoutError, match="too much waits for it already"):
        await lane.run(Deadline.after(60), sum, (1, 2))

    stuck.set()
    made = None
    async with asyncio.timeout(10):
        while made is None:
            with suppress(OSError):
                made = await lane.run(Deadline.after(60), sum, (1, 2))
            await asyncio.sleep(0)
    assert made == 3
