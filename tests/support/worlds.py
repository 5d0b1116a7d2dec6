"""Sandbox worlds for tests, most of which need pictures but not what is on them, with keys that tests know."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from scenario_mcp.sandbox import painter
from scenario_mcp.sandbox.world import Asset, Draft, World
from support.pictures import plain

SANDBOX_CREDENTIALS = ("sandbox", "needs-no-secret")  # the product's own are made up anew for each run
BLIND = ("blind", "needs-no-secret")  # a key that may not read models


class PlainWorld(World):
    """A sandbox whose paintings are of one colour, by their seed: painting is most of what a generation costs.

    Where pictures must be as large and full as real ones, `paints` lets it paint.
    """

    paints = False

    def __init__(self, **more: Any) -> None:
        super().__init__(accounts=dict((SANDBOX_CREDENTIALS, BLIND)), blind=frozenset({BLIND[0]}), **more)

    def store(self, draft: Draft) -> Asset:
        return super().store(draft if self.paints else replace(draft, make=_plain(draft.make)))


def _plain(make: Callable[[], bytes]) -> Callable[[], bytes]:
    if not isinstance(make, partial) or make.func is not painter.paint:
        return make
    [order] = make.args
    return lambda: plain(f"#{random.Random(order.seed).randbytes(3).hex()}", (order.width, order.height))
