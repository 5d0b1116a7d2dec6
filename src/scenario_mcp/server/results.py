"""The result contract: an outcome as a few lines of text, and the same facts as data.

Hosts differ in what they show the model: some drop the text, or the pictures, as soon as there is structured content.
So the text holds every fact, and data goes beside pictures only where no model is shown it. docs/results.md has both.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from scenario_mcp import masking, wording
from scenario_mcp.inferences import schemas
from scenario_mcp.masking import Mask
from scenario_mcp.media.previews import Preview
from scenario_mcp.scenario import jobs
from scenario_mcp.scenario.assets import Asset
from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.server import trimming, words
from scenario_mcp.tools.outcome import DRY_RUN, ERROR, IN_PROGRESS, NextCall, Outcome, Report, asset_facts

ASSET_URI, JOB_URI = "scenario://assets/{assetId}", "scenario://jobs/{jobId}"
MOST_LINKS = 12
DATA_KEY = "scenario-mcp/result"  # in `_meta` of a result that holds pictures, where no host shows it to a model

SANDBOX = "SANDBOX: a local imitation answered, which forgets everything when it ends."
SANDBOX_UNITS = f"{SANDBOX} Nothing real was made or billed: units are the sandbox's."
REFUSED = "SANDBOX."


@dataclass(frozen=True)
class Link:
    """A resource that a result leads to; no MIME type where a preview of it is there already."""

    uri: str
    name: str
    mime_type: str | None


@dataclass(frozen=True)
class Rendered:
    """A result before it goes to a host; what was refused has no data."""

    text: str
    data: dict[str, Any] | None
    is_error: bool
    previews: tuple[Preview, ...] = ()
    links: tuple[Link, ...] = ()


def render(result: Outcome | Report, *, sandbox: bool) -> Rendered:
    """Put a result into words and data."""
    rendered = _sound(_report(result) if isinstance(result, Report) else _outcome(result))
    return _marked(rendered) if sandbox else rendered


def _report(report: Report) -> Rendered:
    text = "\n".join((*report.lines, *_shown(report.previews)))
    return _within_room(Rendered(text, dict(report.data), report.is_error, report.previews))


def _outcome(outcome: Outcome) -> Rendered:
    """Put an outcome into words and data. It is an error only if nothing in it can still become a result."""
    failed = outcome.status in (jobs.FAILURE, jobs.CANCELED, ERROR)
    outcome = trimming.shortened(outcome, trimming.ROOM // (3 * len(outcome.rows)))
    for level in trimming.LEVELS:
        trimmed = trimming.trimmed(outcome, level)
        text, data = "\n".join(_lines(trimmed, _starts(outcome))), _data(trimmed)
        if len(text) + len(json.dumps(data, ensure_ascii=False)) <= trimming.ROOM:
            break
    return _within_room(Rendered(text, data, failed, outcome.previews, tuple(_links(outcome))))


TOO_LONG = "This result is too long to be told whole. Ask for fewer jobs, or fewer assets, at once."
GOES_ON = ("status", "jobId", "next", "creativeUnitsCost")


def _within_room(rendered: Rendered) -> Rendered:
    """Cut a result that is too long all the same: of its data only what is needed to go on."""
    data = rendered.data or {}
    if len(rendered.text) + len(json.dumps(data, ensure_ascii=False)) <= trimming.ROOM:
        return rendered
    kept = {name: data[name] for name in GOES_ON if name in data}
    rows = [{name: row[name] for name in GOES_ON if name in row} for row in data.get("jobs", ())]
    kept |= {"notes": [TOO_LONG]} | ({"jobs": rows} if rows else {})
    text = wording.cut(rendered.text, trimming.ROOM // 2).rpartition("\n")[0]
    return replace(rendered, text=f"{text}\nNote: {TOO_LONG}", data=kept)


def _starts(outcome: Outcome) -> list[int]:
    """Give the first number of each row: results are numbered through, as previews do."""
    return list(accumulate((len(row.assets) for row in outcome.rows), initial=1))


def _shown(previews: Sequence[Preview]) -> Iterator[str]:
    if previews:
        yield f"Below: {'; '.join(preview.shows for preview in previews)}."


def render_error(error: ScenarioError, *, sandbox: bool) -> Rendered:
    """Put a failure into words: what happened, and what to do next."""
    rendered = _sound(Rendered(f"{error} {error.hint}".strip(), None, is_error=True))
    return _marked(rendered) if sandbox else rendered


def _sound(rendered: Rendered) -> Rendered:
    """Repeat nothing that the wire cannot carry, whoever said it."""
    return replace(rendered, text=wording.sound(rendered.text), data=wording.sound(rendered.data))


def masked(rendered: Rendered, mask: Mask) -> Rendered:
    """Hide the secret in a result, line by line: also where it came from the call's own arguments."""
    text = "\n".join(map(mask, rendered.text.split("\n")))
    return replace(rendered, text=text, data=masking.masked(rendered.data, mask))


def _marked(rendered: Rendered) -> Rendered:
    """Say SANDBOX in the text and in the data, and where units are told, whose they are."""
    if rendered.data is None:
        return replace(rendered, text=f"{REFUSED} {rendered.text}")
    mark = SANDBOX_UNITS if "Creative Units" in rendered.text else SANDBOX
    data = rendered.data | {"notes": [mark, *rendered.data.get("notes", [])]}
    return replace(rendered, text=f"{mark}\n{rendered.text}", data=data)


def _data(outcome: Outcome) -> dict[str, Any]:
    said = {
        "status": outcome.status,
        "jobId": outcome.job_id,
        "modelId": outcome.model_id,
        "lastSeen": outcome.seen,
        **words.data(outcome.answer),
        "assets": [asset_facts(asset, outcome.files.get(asset.id)) for asset in outcome.assets],
        "creativeUnitsCost": outcome.cost,
        "creativeUnitsDiscount": outcome.discount,
        "error": outcome.error,
        "notes": list(outcome.notes),
        "next": outcome.next and {"tool": outcome.next.tool, "arguments": dict(outcome.next.arguments)},
        "jobs": [_data(row) for row in outcome.jobs],
    }
    return {name: value for name, value in said.items() if value not in (None, [])}


def _links(outcome: Outcome) -> Iterator[Link]:
    """Link the results, up to a number that does not drown the rest."""
    linked = [asset for row in outcome.rows for asset in row.assets][:MOST_LINKS]
    for number, asset in enumerate(linked, 1):
        # Hosts fetch linked images at once; one that is shown already must not come twice.
        shown = bool(outcome.previews) and (asset.mime_type or "").startswith("image/")
        yield Link(ASSET_URI.format(assetId=asset.id), f"Result {number}", None if shown else asset.mime_type)


def _lines(outcome: Outcome, starts: Sequence[int]) -> Iterator[str]:
    if len(outcome.jobs) > 1:
        yield f"{outcome.status}: {len(outcome.jobs)} jobs"
    for row, start in zip(outcome.rows, starts, strict=False):
        yield from _row_lines(row, start)
    yield from _shown(outcome.previews)
    if outcome.next is not None:
        yield _next_line(outcome.next)


def _row_lines(row: Outcome, start: int) -> Iterator[str]:
    yield f"{row.status}: {_what(row)}"
    for number, asset in enumerate(row.assets, start):
        path = row.files.get(asset.id)
        where = f"{path}" if path else f"not saved: {asset.url}" if asset.url else "not saved"
        facts = (asset.id, asset.part, _size(asset), asset.mime_type, where)
        yield f"{number}. {', '.join(fact for fact in facts if fact)}"
    yield from words.lines(row.answer)
    for note in row.notes:
        yield f"Note: {note}"


def _what(row: Outcome) -> str:
    job = f"job {row.job_id}" + (f" with {row.model_id}" if row.model_id else "")
    cost = _cost(row)
    if row.error is not None:
        of = f" Its model: {row.model_id}{f', its price: {cost}' if cost else ''}." if row.model_id else ""
        return row.error + of if row.job_id is None or row.job_id in row.error else f"job {row.job_id}: {row.error}{of}"
    if row.status == DRY_RUN:
        price = cost or "a price that Scenario did not name"
        return f"this call{f' with {row.model_id}' if row.model_id else ''} would cost {price}."
    if row.status == IN_PROGRESS:
        return f"{job}, last seen: {row.seen}{_billed(cost)}."
    if row.answer and not row.assets:
        return f"answer of {job}{_billed(cost)}."
    return f"{_count(row.assets)} by {job}{_billed(cost)}. An assetId can be given to the next call."


KINDS = {"image": "image", "video": "video", "audio": "sound", "model": "3D model", "text": "text"}


def _count(assets: Sequence[Asset]) -> str:
    """Count results by what they are, from their MIME types."""
    kinds = Counter(KINDS.get((asset.mime_type or "").partition("/")[0], "file") for asset in assets)
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items()) or "no results"


def _billed(cost: str) -> str:
    return f", billed {cost}" if cost else ""


def _cost(row: Outcome) -> str:
    if row.cost is None:
        return ""
    discount = f" (discount {schemas.plain(row.discount)})" if row.discount else ""
    return f"{schemas.plain(row.cost)} Creative Units{discount}"


def _size(asset: Asset) -> str | None:
    return f"{asset.width}x{asset.height}" if asset.width and asset.height else None


def _next_line(call: NextCall) -> str:
    return f"Next: call {call.tool} with {json.dumps(dict(call.arguments), ensure_ascii=False)}"
