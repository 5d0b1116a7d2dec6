"""Whatever happens to the network, the hosts and the servers: one generation is billed once, and never lost.

Set TORTURE_RUNS for more runs, or TORTURE_SEED for the first seed.
"""

import os
from pathlib import Path

import pytest

from support.torture import Torture

pytestmark = pytest.mark.anyio

FIRST, RUNS = int(os.environ.get("TORTURE_SEED", "0")), int(os.environ.get("TORTURE_RUNS", "60"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
async def test_every_generation_is_billed_once_and_none_is_lost(seed: int, tmp_path: Path) -> None:
    assert await Torture(seed, tmp_path / "state").run() == []
