"""Downloading one file: bytes are written in threads while more of them come, and published at the end."""

import asyncio
from contextlib import suppress

import anyio

from scenario_mcp.media.outputs import Draft, Kept
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.tools.threads import Lane

BATCH = 1_000_000  # bytes that are written at once
MOST_WAITING = 64_000_000  # bytes that may wait for a slow disk before the network must
PATIENCE = 2.0  # seconds that the network waits for a disk
TIDY_SECONDS = 1.0  # that removing half a file may take; its thread goes on if it needs more


async def download(
    client: Client, url: str, draft: Draft, name: str, mime_type: str | None, lane: Lane, until: Deadline
) -> Kept:
    """Download a file into a draft and keep it under a name.

    Raises `ScenarioError`, `NotWhole` and `OSError`; then, and when it is canceled, nothing is left of the file.
    """
    inflow = _Inflow(draft, lane, until)
    try:
        await client.download(url, until, inflow.take)
        await inflow.end()
        return await lane.run(until, draft.keep, name, mime_type)
    except BaseException:
        draft.give_up()  # at once, whatever a thread is still doing
        await inflow.tidy()
        raise


class _Inflow:
    """Takes the bytes of a download as they come, and writes them in a thread."""

    def __init__(self, draft: Draft, lane: Lane, until: Deadline) -> None:
        self._draft, self._lane, self._until = draft, lane, until
        self._writing: asyncio.Task[None] | None = None

    def take(self, chunk: bytes) -> None:
        """Take the next bytes. Raises `OSError` if they are too many, or those before could not be written."""
        self._draft.add(chunk)
        if self._draft.pending < BATCH:
            return
        if self._writing is None or self._writing.done():
            if self._writing is not None:
                self._writing.result()
            self._writing = asyncio.create_task(self._lane.run(self._until, self._draft.flush))
        elif self._draft.pending > MOST_WAITING:
            self._draft.flush(PATIENCE)

    async def end(self) -> None:
        """Wait for what is being written. Raises `OSError` if it could not be."""
        if self._writing is not None:
            await self._writing

    async def tidy(self) -> None:
        """Remove what was written."""
        if self._writing is None:
            return  # nothing was, or `keep` has removed it
        self._writing.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(self._writing, return_exceptions=True)
            with suppress(
                OSError
            ):  # it hangs, and is removed when it does so no more, or by the sweep of a later start
                await self._lane.run(Deadline.after(TIDY_SECONDS), self._draft.discard)
