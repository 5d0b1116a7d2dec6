"""Sandbox worlds whose keys a test knows; the product's own are made up anew for each run."""

from typing import Any

from scenario_mcp.sandbox.world import World

SANDBOX_CREDENTIALS = ("sandbox", "needs-no-secret")
BLIND = ("blind", "needs-no-secret")  # a key that may not read models


def world_of(**more: Any) -> World:
    """Make a world with both key pairs."""
    return World(accounts=dict((SANDBOX_CREDENTIALS, BLIND)), blind=frozenset({BLIND[0]}), **more)
