"""What a tool may ask of whoever called it."""

from typing import Protocol

from scenario_mcp.scenario.deadline import Deadline


class Host(Protocol):
    """The caller of a tool: takes progress, and sets the deadline by which the tool must have answered."""

    deadline: Deadline

    async def progress(self, percent: float, message: str) -> None:
        """Tell how far the call is, from 0 to 100, and what it is doing."""
        ...
