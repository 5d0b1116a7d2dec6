"""Which of the cases of a slow test run each time; the others are for the night."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def by_day(chosen: Collection[Any], every: Iterable[Any]) -> list[Any]:
    """Mark all cases as nightly but those that are chosen; a case of several parameters is a tuple."""
    return [case if case in chosen else _by_night(case) for case in every]


def _by_night(case: Any) -> Any:
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.nightly)
