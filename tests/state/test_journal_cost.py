"""What the journal may cost a call that succeeds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.nightly, pytest.mark.timing, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent.parent
MOST_MS = 5.0


def test_the_journal_costs_a_call_next_to_nothing() -> None:
    measured = subprocess.run(
        [sys.executable, "scripts/journal_cost.py", "200"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    cost = re.search(r"the journal costs (-?[\d.]+) ms a call", measured.stdout)
    assert cost is not None
    assert float(cost[1]) < MOST_MS, measured.stdout
