"""What a tool comes to, before it is put into words for a host."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenario_mcp.media.previews import Preview
from scenario_mcp.scenario.answers import Answer
from scenario_mcp.scenario.assets import Asset

DRY_RUN, IN_PROGRESS, ERROR = "dry-run", "in-progress", "error"


@dataclass(frozen=True)
class NextCall:
    """A tool call that is ready to make."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a paid call, or of jobs waited for.

    `status` is one of success, in-progress, failure, canceled, dry-run and error; `seen` is Scenario's own last word
    for a job that goes on. Costs are Creative Units. `files` tells where assets were saved, by their ids. Waiting for
    jobs gives one row in `jobs` for each. `answer` is the result in words and numbers, if there is one.
    """

    status: str
    job_id: str | None = None
    model_id: str | None = None
    seen: str | None = None
    assets: tuple[Asset, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    cost: float | None = None
    discount: float | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    next: NextCall | None = None
    jobs: "tuple[Outcome, ...]" = ()
    previews: tuple[Preview, ...] = ()
    answer: Answer = field(default_factory=dict)

    @property
    def rows(self) -> "tuple[Outcome, ...]":
        """The rows of jobs, or this outcome as the only one."""
        return self.jobs or (self,)


def asset_facts(asset: Asset, path: Path | None) -> dict[str, Any]:
    """Tell what is known of a result: where it was saved, or else its address, and what it is."""
    said = {
        "assetId": asset.id,
        "part": asset.part,
        "path": str(path) if path else None,
        "url": None if path else asset.url,
        "mimeType": asset.mime_type,
        "width": asset.width,
        "height": asset.height,
    }
    return {name: value for name, value in said.items() if value is not None}


ROOM = 7_500  # characters that the answer of a reading tool, text and data together, may take


@dataclass(frozen=True)
class Report:
    """What a reading tool found: the same facts as lines and as data. It is an error if nothing of it was there."""

    lines: tuple[str, ...]
    data: Mapping[str, Any]
    previews: tuple[Preview, ...] = ()
    is_error: bool = False

    @property
    def size(self) -> int:
        """Count the characters of the lines and of the data as JSON."""
        return sum(len(line) + 1 for line in self.lines) + len(json.dumps(self.data, ensure_ascii=False))
