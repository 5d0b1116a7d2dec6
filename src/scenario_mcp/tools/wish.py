"""What a paid call asks for, as its caller said it: what makes two calls the same, and what is remembered of one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenario_mcp import wording
from scenario_mcp.inferences import folding
from scenario_mcp.inferences.table import first_name
from scenario_mcp.media import inline
from scenario_mcp.media.sources import AssetId
from scenario_mcp.scenario.wire import Call
from scenario_mcp.spending import budget
from scenario_mcp.state.entries import Entry, Intent
from scenario_mcp.state.journal import Journal
from scenario_mcp.tools.loaded import Loaded, LocalPicture

RERUN_JOB = "rerun-job"
A_DATA_URL = "(a data URL)"
DATA_URL = re.compile(r"\s*data:([^\s,]*,|[^,]{0,200};\s*base64)", re.IGNORECASE)  # but not a sentence about data


@dataclass(frozen=True)
class Again:
    """A job that is to be made once more, and the arguments that replace its own."""

    job_id: str
    overrides: Mapping[str, Any]


@dataclass(frozen=True)
class Wish:
    """One generation as its caller asked for it.

    `said` are the validated arguments; `named` the same after folding, with each picture named by what it holds, and
    without what changes nothing that is made; `asked` is when, on this machine's clock. `original` asks for
    untransformed files; without `wait` the outcome comes as soon as the job is accepted.
    """

    tool: str
    model_id: str | None
    said: Mapping[str, Any] = field(repr=False)
    named: Mapping[str, Any] = field(repr=False)
    asked: float
    original: bool = False
    wait: bool = True
    again: Again | None = None

    def identity(self, journal: Journal) -> str:
        """Digest what an identical call has in common with this one."""
        if self.again is None:
            return journal.identity(first_name(self.tool), self.named)
        # A rerun is meant to pay once more: it is the same as its own repeat only, never as the job it repeats.
        changed = {name for given in self.again.overrides for name in folding.same_thing(given)} - NOT_MADE
        overrides = {name: self.named.get(name) for name in changed}
        return journal.identity(RERUN_JOB, {"jobId": self.again.job_id, "overrides": overrides})

    def intent(self, journal: Journal, call: Call) -> Intent:
        """Word this wish and its request for the journal."""
        arguments, left_out = without_data_urls(wording.sound(self.said))
        body, _ = without_data_urls(wording.sound(call.body or {}))
        return Intent(self.identity(journal), self.tool, call.path, self.model_id, arguments, left_out, body)


NOT_MADE = frozenset({"dryRun", "originalAssets"})  # arguments that change nothing that is made


def name_of(loaded: Loaded) -> str:
    """Name a picture by what the caller gave: the asset id, the digest of the bytes, or the address itself."""
    if isinstance(loaded, LocalPicture):
        return f"sha256:{loaded.sha256}"
    return loaded.id if isinstance(loaded, AssetId) else loaded.url


Path = tuple[str, ...]


def without_data_urls(said: Mapping[str, Any], within: Path = ()) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Leave out every argument that holds a data URL; gives the rest, and the paths of what was left out."""
    kept: dict[str, Any] = {}
    left_out: list[Path] = []
    for name, value in said.items():
        if isinstance(value, Mapping):
            kept[name], inside = without_data_urls(value, (*within, name))
            left_out += inside
        elif _holds_data_url(value):
            left_out.append((*within, name))
        else:
            kept[name] = value
    return kept, tuple(left_out)


def _holds_data_url(value: Any) -> bool:
    if isinstance(value, str):
        return DATA_URL.match(value) is not None or inline.is_picture(value)
    if isinstance(value, Mapping):
        return any(map(_holds_data_url, value.values()))
    return isinstance(value, list) and any(map(_holds_data_url, value))


def with_placeholders(arguments: Mapping[str, Any], left_out: Sequence[Path]) -> dict[str, Any]:
    """Say in its place that an argument was a data URL."""
    said = dict(arguments)
    for first, *rest in left_out:
        inner = said.get(first)
        said[first] = (
            with_placeholders(inner if isinstance(inner, Mapping) else {}, [tuple(rest)]) if rest else A_DATA_URL
        )
    return said


def prompt_of(arguments: Mapping[str, Any]) -> str:
    """Take the prompt out of a call's arguments, or of its parameters; empty if there is none."""
    inner = arguments.get("parameters")
    own = arguments.get("prompt") or arguments.get("text")
    prompt = own or (inner.get("prompt") if isinstance(inner, Mapping) else None)
    return prompt if isinstance(prompt, str) else ""


@dataclass(frozen=True)
class Origin:
    """The call that a job came from, and what it cost in Creative Units if that is known, for its card."""

    tool: str
    arguments: Mapping[str, Any]
    cost: float | None = None


def origin_of(entry: Entry) -> Origin:
    """Tell the call that an entry of the journal came from."""
    arguments = with_placeholders(entry.intent.arguments, entry.intent.left_out)
    return Origin(entry.intent.tool, arguments, budget.units(entry.units))
