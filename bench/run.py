"""Measure the server against the SDK's floor and a raw request, in one run: `python bench/run.py [--quick]`.

Every figure is a median; what is compared is measured turn by turn, so that all meet the same noise. The goals stand in
the table, and are told as met or not; the run fails only if a server does.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from host import MINIMAL, OURS, Host, started

SLOW_START = (*OURS, "--no-fast-start")
PAID, FREE = "post-img2img-ip-adapter-inferences", "list-jobs"
READ = ("get-model", {"modelId": "m"})
ARGUMENTS = {"modelId": "m", "image": "asset_1", "ipAdapterImages": ["asset_2"]}
IN_FLIGHT = 64
BLOCK = 25  # calls of one kind before the next kind has its turn


@dataclass(frozen=True)
class Row:
    """One line of the table: what, how much, of what, and the most that it should be."""

    what: str
    value: float
    unit: str
    compared: str = ""
    goal: float | None = None

    def __str__(self) -> str:
        met = (
            "" if self.goal is None else f"at most {_figure(self.goal)}: {'' if self.value <= self.goal else 'not '}met"
        )
        return f"| {self.what} | {_figure(self.value)} {self.unit} | {self.compared} | {met} |"


def _figure(value: float) -> str:
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


@contextmanager
def _api() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(Path(__file__).with_name("api.py"))], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) * 1000


def _turns(times: int, kinds: Mapping[str, Callable[[], float]], block: int = 1) -> dict[str, float]:
    """Measure kinds turn by turn, in each a block of measurements; medians in ms."""
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(times):
        for name, measure in kinds.items():
            taken[name] += [measure() for _ in range(block)]
    return {name: _median(values) for name, values in taken.items()}


def _python() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def _listed(command: Sequence[str], *, modern: bool) -> float:
    """Spawn a server and wait for handshake and list."""
    with started(command, modern=modern) as host:
        host.hello()
        host.request("tools/list")
        return host.age()


def _called(command: Sequence[str], tool: str, *, modern: bool) -> float:
    """Spawn a server, send handshake and a call at once, and wait for the answer to the call."""
    with started(command, modern=modern) as host:
        host.hello()
        host.request("tools/call", {"name": tool, "arguments": {}})
        return host.age()


def _left(command: Sequence[str]) -> float:
    """Wait until a server is loaded and idle, close its stdin, and wait for its end."""
    with started(command) as host:
        host.hello()
        host.request("tools/call", {"name": FREE, "arguments": {}})
        return host.leave()


def _start_rows(times: int) -> Iterator[Row]:
    eras = {"2025-11-25": False, "2026-07-28": True}
    kinds: dict[str, Callable[[], float]] = {"python": _python}
    for era, modern in eras.items():
        kinds[f"floor {era}"] = partial(_listed, MINIMAL, modern=modern)
        kinds[f"list {era}"] = partial(_listed, OURS, modern=modern)
        kinds[f"slow list {era}"] = partial(_listed, SLOW_START, modern=modern)
        kinds[f"call {era}"] = partial(_called, OURS, FREE, modern=modern)
        kinds[f"slow call {era}"] = partial(_called, SLOW_START, FREE, modern=modern)
    kinds |= {"exit": partial(_left, OURS), "floor exit": partial(_left, MINIMAL)}
    took = _turns(times, kinds)
    python = took["python"]
    yield Row("`python -c pass`", python, "ms")
    for era in eras:
        ours, floor, slow = took[f"list {era}"], took[f"floor {era}"], took[f"slow list {era}"]
        compared = f"{ours / python:.1f} x python, {ours / floor:.2f} x SDK's floor"
        yield Row(f"spawn to handshake and list, {era}", ours, "ms", compared, min(100, 5 * python))
        yield Row(f"the same with --no-fast-start, {era}", slow, "ms", f"{slow / floor:.2f} x SDK's floor")
        ours, slow = took[f"call {era}"], took[f"slow call {era}"]
        yield Row(f"spawn to the first call's answer, {era}", ours, "ms", f"{ours / slow:.3f} x --no-fast-start")
    yield Row("exit after EOF", took["exit"], "ms", f"{took['exit'] / took['floor exit']:.2f} x SDK's floor", 100)


def _size_rows() -> Iterator[Row]:
    for args, goal in (((), 24_000), (("--toolsets", "all"), None)):
        with started((*OURS, *args)) as host:
            host.hello()
            tools = host.request("tools/list")["result"]["tools"]
        size = len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")))
        yield Row(f"list, {len(tools)} tools", size, "characters", f"about {size // 4:,} tokens", goal)


def _settings(base_url: str, folder: Path, **more: str) -> dict[str, str]:
    return {
        "SCENARIO_API_KEY": "k",
        "SCENARIO_API_SECRET": "s",
        "SCENARIO_BASE_URL": f"{base_url}/v1",
        "SCENARIO_STATE_DIR": str(folder),
        "SCENARIO_OUTPUT_DIR": "none",
        "SCENARIO_PREVIEWS": "off",
    } | more


class _Raw:
    """The paid request by itself: httpx on an event loop, as the server uses it."""

    def __init__(self, base_url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(auth=("k", "s"), trust_env=False)
        self._url = f"{base_url}/v1/generate/img2img-ip-adapter"

    def __call__(self) -> float:
        return self._loop.run_until_complete(self._post())

    async def _post(self) -> float:
        began = time.perf_counter()
        (await self._client.post(self._url, json=ARGUMENTS | {"prompt": "p"})).raise_for_status()
        return time.perf_counter() - began

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()


def _call_of(host: Host, tool: str, arguments: Mapping[str, Any]) -> Callable[[], float]:
    made = 0

    def measure() -> float:
        nonlocal made
        made += 1
        began = time.perf_counter()
        host.call(tool, {**arguments, "prompt": f"number {made}"})
        return time.perf_counter() - began

    return measure


def _call_rows(base_url: str, folder: Path, times: int) -> Iterator[Row]:
    settings = _settings(base_url, folder / "calls", SCENARIO_WAIT_SECONDS="0")
    raw = _Raw(base_url)
    with started(OURS, settings) as ours, started(MINIMAL) as minimal:
        for host, tool in ((ours, FREE), (minimal, "draw")):
            host.hello()
            host.request("tools/list")
            host.call(tool, {})  # until it is loaded
        idle = ours.memory(), minimal.memory()
        kinds: dict[str, Callable[[], float]] = {
            "ours": _call_of(ours, PAID, ARGUMENTS),
            "floor": _call_of(minimal, "draw", {}),
            "raw": raw,
        }
        _turns(1, kinds, BLOCK)  # warms up
        took = _turns(times // BLOCK, kinds, BLOCK)
        connections = httpx.get(f"{base_url}/connections", trust_env=False).json()
        busy = ours.memory()
    raw.close()
    own = took["ours"] - took["floor"] - took["raw"]
    yield Row("a call of the SDK's floor", took["floor"], "ms")
    yield Row("a raw httpx request", took["raw"], "ms")
    yield Row("a paid call, accepted", took["ours"], "ms", f"{took['ours'] / (took['floor'] + took['raw']):.2f} x both")
    yield Row("own time of a paid call", own, "ms", "less both", 2)
    yield Row("connections for all of them", connections - 1, "", f"{times + BLOCK} calls", 1)
    yield Row("memory, idle", idle[0], "MiB", f"{idle[0] / idle[1]:.2f} x SDK's floor", 90)
    yield Row("memory after the calls", busy, "MiB")


def _flight_rows(base_url: str, folder: Path) -> Iterator[Row]:
    def seconds(host: Host, calls: int) -> float:
        began = time.perf_counter()
        for number in range(calls):
            host.begin("tools/call", {"name": PAID, "arguments": ARGUMENTS | {"prompt": f"{calls} at once, {number}"}})
        for _ in range(calls):
            assert host.read()["result"]["structuredContent"]["status"] == "success"
        return time.perf_counter() - began

    with started(OURS, _settings(base_url, folder / "flight")) as host:
        host.hello()
        seconds(host, 1)
        one = statistics.median(seconds(host, 1) for _ in range(3))
        many = seconds(host, IN_FLIGHT)
        quiet = _median([_timed(host) for _ in range(50)])
        for number in range(IN_FLIGHT):
            host.begin("tools/call", {"name": PAID, "arguments": ARGUMENTS | {"prompt": f"slow {number}"}})
        time.sleep(1)  # until all of them wait
        delayed = _median([_timed(host) for _ in range(50)])
        beside = seconds(host, 1)
    yield Row("a job of one second", one, "s")
    yield Row(f"{IN_FLIGHT} of them in flight on one pipe", many, "s", f"{many / one:.2f} x one", 3 * one)
    yield Row("a call of get-model", quiet, "ms")
    yield Row(f"the same beside {IN_FLIGHT} slow jobs", delayed, "ms", f"{delayed / quiet:.2f} x alone")
    yield Row(
        f"a job of one second beside {IN_FLIGHT} slow jobs", beside, "s", f"{beside / one:.2f} x alone", 1.5 * one
    )


def _timed(host: Host) -> float:
    began = time.perf_counter()
    host.call(*READ)
    return time.perf_counter() - began


def main() -> None:
    """Print the table as Markdown."""
    quick = "--quick" in sys.argv
    print("| what | median | compared | goal |\n|---|---:|---|---|")
    with tempfile.TemporaryDirectory() as made, _api() as base_url:
        for rows in (
            _start_rows(1 if quick else 21),
            _size_rows(),
            _call_rows(base_url, Path(made), 25 if quick else 1000),
            _flight_rows(base_url, Path(made)),
        ):
            for row in rows:
                print(row, flush=True)


if __name__ == "__main__":
    main()
