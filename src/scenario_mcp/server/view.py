"""What hosts are shown, as it is committed: read once, by whichever way to start asks first."""

from __future__ import annotations

import json
import os
from functools import cache

TYPE_CHECKING = False  # as typing has it; the server's first answer waits for this module
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

FILE = "tools.json"


@cache
def shown() -> dict[str, Any]:
    """Read the committed view: `serverInfo`, `instructions`, `tools` by toolset, `prompts`, `resourceTemplates`."""
    with open(os.path.join(os.path.dirname(__file__), FILE), "rb") as file:
        read: dict[str, Any] = json.loads(file.read())
    return read


def tools(toolsets: Iterable[str]) -> list[dict[str, Any]]:
    """List the tools of some toolsets, as `tools/list` does: those of core, which is always on, then set by set."""
    wanted = {"core", *toolsets}
    return [tool for toolset, members in shown()["tools"].items() if toolset in wanted for tool in members]
