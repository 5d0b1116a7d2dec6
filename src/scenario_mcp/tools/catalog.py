"""The table of all tools: what each is called, takes, does, and may cost."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from scenario_mcp.inferences.fields import Fields
from scenario_mcp.inferences.table import INFERENCES, tool_name
from scenario_mcp.tools import inference, jobs
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import Outcome
from scenario_mcp.tools.services import Services

Run = Callable[[Services, Any, Host], Awaitable[Outcome]]


@dataclass(frozen=True)
class Hints:
    """MCP's four tool annotations, all of them said."""

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool


PAID = Hints(read_only=False, destructive=False, idempotent=False, open_world=False)
READS = Hints(read_only=True, destructive=False, idempotent=True, open_world=False)


@dataclass(frozen=True)
class Tool:
    """One tool: `input`'s docstring is its description, `run` what it does; `paid` when it may be billed."""

    name: str
    title: str
    input: type[Fields]
    run: Run
    hints: Hints

    @property
    def description(self) -> str:
        """Give the tool's description, unwrapped to one line per paragraph."""
        paragraphs = inspect.getdoc(self.input) or ""
        return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs.split("\n\n"))

    @property
    def paid(self) -> bool:
        """Tell whether calling the tool may cost Creative Units."""
        return self.hints == PAID


def _inference(route: str, model: type[Fields]) -> Tool:
    title = route.replace("img2img", "image to image").replace("-", " ").capitalize()
    return Tool(tool_name(route), title, model, partial(inference.generate, route), PAID)


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        *(_inference(route, model) for route, model in INFERENCES.items()),
        Tool(jobs.WAIT_FOR_JOBS, "Wait for jobs", jobs.WaitForJobs, jobs.wait_for_jobs, READS),
    )
}
