"""What a paid call asks for, as its caller said it: what makes two calls the same, and what is remembered of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scenario_mcp.media.sources import AssetId
from scenario_mcp.scenario.wire import Call
from scenario_mcp.spending.budget import MILLION
from scenario_mcp.state.entries import Entry, Intent
from scenario_mcp.state.journal import Journal
from scenario_mcp.tools.intake import Loaded, LocalPicture

RERUN_JOB = "rerun-job"
A_DATA_URL = "(a data URL)"


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
    model_id: str
    said: Mapping[str, Any] = field(repr=False)
    named: Mapping[str, Any] = field(repr=False)
    asked: float
    original: bool = False
    wait: bool = True
    again: Again | None = None

    def identity(self, journal: Journal) -> str:
        """Digest what an identical call has in common with this one."""
        if self.again is None:
            return journal.identity(self.tool, self.named)
        # A rerun is meant to pay once more: it is the same as its own repeat only, never as the job it repeats.
        overrides = {name: self.named.get(name, value) for name, value in self.again.overrides.items()}
        return journal.identity(RERUN_JOB, {"jobId": self.again.job_id, "overrides": overrides})

    def intent(self, journal: Journal, call: Call) -> Intent:
        """Word this wish and its request for the journal."""
        arguments, left_out = without_data_urls(self.said)
        body, _ = without_data_urls(call.body or {})
        return Intent(self.identity(journal), self.tool, call.path, self.model_id, arguments, left_out, body)


def name_of(loaded: Loaded) -> str:
    """Name a picture by what the caller gave: the asset id, the digest of the bytes, or the address itself."""
    if isinstance(loaded, LocalPicture):
        return f"sha256:{loaded.sha256}"
    return loaded.id if isinstance(loaded, AssetId) else loaded.url


def without_data_urls(said: Mapping[str, Any], within: str = "") -> tuple[dict[str, Any], tuple[str, ...]]:
    """Leave out every argument that holds a data URL; gives the rest, and the names of what was left out."""
    kept: dict[str, Any] = {}
    left_out: list[str] = []
    for name, value in said.items():
        if isinstance(value, Mapping):
            kept[name], inside = without_data_urls(value, f"{within}{name}.")
            left_out += inside
        elif _holds_data_url(value):
            left_out.append(f"{within}{name}")
        else:
            kept[name] = value
    return kept, tuple(left_out)


def _holds_data_url(value: Any) -> bool:
    if isinstance(value, str):
        return value.lstrip()[:5].lower() == "data:"
    return isinstance(value, list) and any(map(_holds_data_url, value))


@dataclass(frozen=True)
class Origin:
    """The call that a job came from, and what it cost in Creative Units if that is known, for its card."""

    tool: str
    arguments: Mapping[str, Any]
    cost: float | None = None


def origin_of(entry: Entry) -> Origin:
    """Tell the call that an entry of the journal came from."""
    arguments: dict[str, Any] = dict(entry.intent.arguments)
    for left_out in entry.intent.left_out:
        outer, _, inner = left_out.rpartition(".")
        if outer:
            arguments[outer] = {**arguments[outer], inner: A_DATA_URL}
        else:
            arguments[inner] = A_DATA_URL
    return Origin(entry.intent.tool, arguments, None if entry.units is None else entry.units / MILLION)
