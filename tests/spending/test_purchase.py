"""Paid requests over real sockets: what has not begun can be canceled, what has begun is seen through."""

import asyncio
import logging
from typing import Any

import pytest

from scenario_mcp.scenario import wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.connections import MAX_CONNECTIONS
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import BadSettings, NotConnected
from scenario_mcp.scenario.wire import Call
from scenario_mcp.spending.budget import Caps
from scenario_mcp.spending.purchase import Purchases
from scenario_mcp.state.entries import Intent
from support import hostile

pytestmark = pytest.mark.anyio

PAID = Call("POST", "/generate/img2img-ip-adapter", wire.PAID, body={"prompt": "p"})
INTENT = Intent("identity", "post-img2img-ip-adapter-inferences", PAID.path, "model_x", {})
FREE = Call("GET", "/jobs/job_x", wire.SAFE)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # real sockets need real time


async def nobody(_: str) -> None:
    """Hear what is waited for and do nothing."""


def client_of(server: hostile.Hostile) -> Client:
    return Client(server.base_url, ("k", "s"), trust_env=False)


async def _fill(client: Client, server: hostile.Hostile) -> list[asyncio.Task[Any]]:
    """Occupy every connection with a request that is not answered."""
    waiting = [asyncio.create_task(client.attempt(FREE)) for _ in range(MAX_CONNECTIONS)]
    await server.has_read(MAX_CONNECTIONS)
    return waiting


async def test_a_paid_request_that_waits_for_a_connection_is_never_sent_once_it_is_canceled() -> None:
    async with hostile.serving(hostile.reads_and_never_answers) as server:
        client = client_of(server)
        waiting = await _fill(client, server)
        queued = asyncio.create_task(Purchases(client).buy(INTENT, PAID, Deadline.after(60), nobody))
        await asyncio.sleep(0)

        queued.cancel()
        for each in waiting:
            each.cancel()
        await asyncio.gather(queued, *waiting, return_exceptions=True)
        await client.aclose()

    assert not any(head.startswith("POST") for head in server.requests)


async def test_nothing_is_bought_while_a_setting_cannot_be_used() -> None:
    async with hostile.serving(hostile.reads_and_never_answers) as server:
        client = client_of(server)
        caps = Caps(problems=("SCENARIO_MAX_CU_PER_DAY must be a number.",))
        with pytest.raises(BadSettings, match="SCENARIO_MAX_CU_PER_DAY"):
            await Purchases(client, caps=caps).buy(INTENT, PAID, Deadline.after(60), nobody)
        await client.aclose()

    assert server.requests == []


async def test_a_paid_request_that_found_no_connection_in_time_is_said_not_to_be_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scenario_mcp.scenario.client.PAID_SECONDS", 0.1)
    async with hostile.serving(hostile.reads_and_never_answers) as server:
        client = client_of(server)
        waiting = await _fill(client, server)

        with pytest.raises(NotConnected, match="No connection was free"):
            await Purchases(client).buy(INTENT, PAID, Deadline.after(0.3), nobody)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await client.aclose()

    assert not any(head.startswith("POST") for head in server.requests)


async def test_what_is_under_way_at_the_end_is_waited_for_a_moment_and_then_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with hostile.serving(hostile.answers_reads_but_no_generation) as server:
        client = client_of(server)
        purchases = Purchases(client)
        call = asyncio.create_task(purchases.buy(INTENT, PAID, Deadline.after(60), nobody))
        await server.has_read_one("POST")
        call.cancel()
        with caplog.at_level(logging.ERROR):
            await purchases.settle(0.05)
        await client.aclose()
        [entry] = purchases.ledger.journal.open()
        for _ in range(10):
            await asyncio.sleep(0)
        searches = [task for task in asyncio.all_tasks() if "Searches" in f"{task.get_coro()}"]

    assert searches == []  # what is left open is for the next server
    assert entry.state == "lost"
    assert "A paid request was sent and not answered: a job may be running" in caplog.text
