"""Which of the cases of a slow test run each time; the others are for the night."""

from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import Any

import pytest


def by_day(chosen: Collection[Any], every: Iterable[Any]) -> list[Any]:
    """Mark all cases as nightly but those that are chosen; a case of several parameters is a tuple."""
    return [case if case in chosen else _by_night(case) for case in every]


def crossed(*values: Sequence[Any]) -> list[Any]:
    """Combine all values, and mark all combinations as nightly but enough of them to try each value once."""
    most = max(map(len, values))
    return by_day([tuple(each[number % len(each)] for each in values) for number in range(most)], product(*values))


def _by_night(case: Any) -> Any:
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.nightly)
