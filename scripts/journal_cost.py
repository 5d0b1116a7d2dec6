"""Measure what the journal costs a successful paid call, against the same calls without one, in one run.

`python scripts/journal_cost.py [calls]`: a paid call that returns once it is accepted, another prompt each time, over a
network in memory that answers at once.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.server import dispatch
from scenario_mcp.state.alive import Process
from scenario_mcp.state.entries import Entry, Intent
from scenario_mcp.state.journal import Begun, Journal
from scenario_mcp.state.store import Store
from scenario_mcp.tools.services import Services, services_over

MODEL = {"id": "m", "type": "flux.1-lora", "custom": False, "capabilities": ["img2img_ip_adapter"]}
CALL = {"modelId": "m", "image": "asset_1", "ipAdapterImages": ["asset_2"]}
WARM_UP = 50


class NoJournal(Journal):
    """A journal that remembers nothing and touches no file."""

    def begin(
        self, intent: Intent, asked: float, is_twin: Callable[[Entry], bool], check: Callable[[int, int], None]
    ) -> Begun:
        """Begin, and write nothing."""
        return Begun(Entry(1, "", "sending", intent, asked), mine=True)

    def twin(self, identity: str, is_twin: Callable[[Entry], bool]) -> Entry | None:
        """Find nothing."""
        return None

    def trying(self, entry_id: int, api_now: float | None) -> bool:
        """Write nothing."""
        return True

    def accepted(self, *_: Any, **__: Any) -> bool:
        """Write nothing."""
        return True

    def open(self) -> list[Entry]:
        """List nothing."""
        return []


class _Caller:
    deadline: Deadline

    async def progress(self, percent: float, message: str) -> None:
        """Hear nothing."""


def _answer(request: httpx.Request) -> httpx.Response:
    if request.method == "GET":
        return httpx.Response(200, json={"model": MODEL})
    job = {"jobId": f"job_{time.monotonic_ns()}", "status": "queued"}
    return httpx.Response(200, json={"job": job, "creativeUnitsCost": 1})


def _services(journal: type[Journal], folder: Path) -> Services:
    client = Client("https://api.example/v1", ("k", "s"), transport=httpx.MockTransport(_answer))
    store = Store(folder)
    return services_over(client, 0, store=store, journal=journal(store, client.scope, Process(folder)), previews=False)


async def _call(services: Services, number: int) -> float:
    host = _Caller()
    host.deadline = Deadline.after(45)
    began = time.perf_counter()
    rendered = await dispatch.call(
        services,
        "post-img2img-ip-adapter-inferences",
        CALL | {"prompt": f"number {number}"},
        host,
        sandbox=False,
    )
    took = time.perf_counter() - began
    if rendered.is_error:
        raise SystemExit(rendered.text)
    return took * 1000


async def _measure(calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        on, off = _services(Journal, Path(folder)), _services(NoJournal, Path(folder, "off"))
        times: dict[str, list[float]] = {"journal on": [], "journal off": []}
        for number in range(WARM_UP + calls):  # turn by turn, so that both meet the same noise
            for name, services in (("journal on", on), ("journal off", off)):
                took = await _call(services, number)
                if number >= WARM_UP:
                    times[name].append(took)
        for name, taken in times.items():
            deciles = statistics.quantiles(taken, n=20)
            print(f"{name:<12} median {statistics.median(taken):.2f} ms, 95 % below {deciles[-1]:.2f} ms")
        medians = [statistics.median(taken) for taken in times.values()]
        print(f"the journal costs {medians[0] - medians[1]:.2f} ms a call, ratio {medians[0] / medians[1]:.2f}")


if __name__ == "__main__":
    asyncio.run(_measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
