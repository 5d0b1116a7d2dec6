"""Tasks that one server at a time does for all servers of a state folder."""

import sqlite3

from scenario_mcp.state.faults import StoreFault
from scenario_mcp.state.journal import Journal

LONGEST = 3600.0  # seconds; one that seems to last longer was taken by a clock that was set since


def take(journal: Journal, name: str, seconds: float) -> bool:
    """Take a task for some seconds, or keep it; False if another server has it."""
    now = journal.clock()

    def work(database: sqlite3.Connection) -> bool:
        taken = database.execute(
            "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET holder = excluded.holder, until = excluded.until"
            " WHERE holder = excluded.holder OR until < ? OR until > ?",
            (f"{name} {journal.account}", journal.process.name, now + seconds, now, now + LONGEST),
        )
        return taken.rowcount > 0

    try:
        return journal.store.transact(work)
    except StoreFault:
        return False
