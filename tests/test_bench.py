"""The bench runs, tells every figure, and what does not hang on a quiet machine holds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.checkout, pytest.mark.nightly, pytest.mark.timing, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent


def test_the_bench_tells_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "bench/run.py", "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    told = {row[0]: float(row[1].replace(",", "")) for row in re.findall(r"^\| (.+?) \| ([\d.,]+)", done.stdout, re.M)}

    for era in ("2025-11-25", "2026-07-28"):
        early, late = told[f"spawn to handshake and list, {era}"], told[f"the same with --no-fast-start, {era}"]
        assert early < late / 3
        assert told[f"spawn to the first call's answer, {era}"] < 2 * late
    assert told["list, 10 tools"] <= 24_000
    assert told["connections for all of them"] == 1
    assert told["memory, idle"] <= 90
    assert told["64 of them in flight on one pipe"] < 20 * told["a job of one second"]
    assert told["exit after EOF"] < 1_000
    assert "own time of a paid call" in told
