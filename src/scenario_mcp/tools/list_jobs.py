"""Listing jobs: what this server made, across restarts, or everything in the project; and what was spent."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from scenario_mcp import wording
from scenario_mcp.inferences import schemas
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.values import Flag, Text, Whole
from scenario_mcp.scenario import jobs, records
from scenario_mcp.scenario.answers import has_words
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import JournalBroken
from scenario_mcp.scenario.jobs import TERMINAL, Job
from scenario_mcp.spending import budget
from scenario_mcp.spending.ledger import refusing
from scenario_mcp.state.entries import ACCEPTED, GONE, LATE, SENDING, Entry
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import IN_PROGRESS, ROOM, Report
from scenario_mcp.tools.services import Services
from scenario_mcp.tools.wish import prompt_of

ROWS = 10  # jobs that are listed if the call does not say how many
MOST_PAGES = 5  # of the project's jobs that one call reads
LONGEST_PROMPT, MOST_NAMED = 120, 8  # characters of a prompt, and assets or files of a job, that a row tells
LOOK_SECONDS, ACCOUNT_SECONDS = 12.0, 6.0
IN_WORDS = "answered in words, which wait-for-jobs tells again for free"
OF_PROJECT = " Meanwhile everything: true lists the jobs of the project."
UNSURE = "unsure"  # sent, and its answer was lost or has not come yet

RUNNING = (ACCEPTED, LATE)
STATES: dict[str, tuple[str, ...]] = {end: (end,) for end in TERMINAL}  # of the journal; all other words mean running

Status = Literal["pending", "queued", "warming-up", "in-progress", "finalizing", "success", "failure", "canceled"]


class ListJobs(Fields):
    """List what this server made, newest first, with files and what was spent; free.

    Goes back 90 days, across chats and restarts. `everything: true` lists the whole project instead, whoever made it.
    """

    everything: Flag | None = Field(None, description="true: all jobs of the project, not only this server's.")
    status: Status | None = Field(
        None, description="Only these. Of its own jobs, any word for a running one means all that run."
    )
    since: Text | None = Field(
        None,
        description="Only later ones: an ISO date or time, like 2026-11-24. Of everything with status: changed later.",
    )
    limit: Whole | None = Field(None, ge=1, le=50, description="Most jobs to list; 10 if not given.")
    cursor: Text | None = Field(None, description="Goes on where a list ended, as it told.")


def check(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List what is wrong with arguments beyond their schema."""
    moment = records.moment(given.get("since"))
    if "since" in given and not (moment is not None and 0 <= moment < records.LATEST):
        yield "since", "must be an ISO date or time, like 2026-11-24 or 2026-11-24T08:30:00Z."
    if "cursor" in given and not given.get("everything") and not re.fullmatch(r"[0-9]{1,18}", str(given["cursor"])):
        yield "cursor", "must be the cursor that an earlier list told."


async def list_jobs(services: Services, arguments: ListJobs, host: Host) -> Report:
    """List jobs and tell what was spent. Raises `ScenarioError` when the project's list cannot be had."""
    try:
        with refusing():
            listed = await (_everything if arguments.everything else _mine)(services, arguments, host.deadline)
    except JournalBroken as fault:
        fault.hint += OF_PROJECT
        raise
    spending = await _spending(services, host.deadline)
    trouble = services.purchases.ledger.trouble()
    rows, notes = list(listed.rows), [trouble] if trouble else []
    while (report := _report(rows, listed, spending, notes)).size > ROOM and len(rows) > 1:
        rows.pop()
    return report


class _Listed(NamedTuple):
    """Rows, and the cursors with which a list goes on after each."""

    rows: Sequence[Mapping[str, Any]]
    cursors: Sequence[str]
    more: str | None


async def _mine(services: Services, arguments: ListJobs, deadline: Deadline) -> _Listed:
    ledger = services.purchases.ledger
    if ledger.journal.open():
        await services.purchases.look_after(deadline.or_within(LOOK_SECONDS))
    limit = arguments.limit or ROWS
    entries = ledger.journal.newest(
        limit + 1,
        before=int(arguments.cursor) if arguments.cursor else None,
        since=records.moment(arguments.since) or 0.0,
        states=STATES.get(arguments.status, RUNNING) if arguments.status else (),
    )
    shown = entries[:limit]
    there = await services.delivery.there({path for entry in shown for path in entry.files.values()}, deadline)
    cursors = [str(entry.id) for entry in shown]
    return _Listed(
        [_row_of(entry, there) for entry in shown],
        cursors,
        cursors[-1] if len(entries) > limit else None,
    )


def _status(entry: Entry) -> str:
    if entry.state in RUNNING:
        return IN_PROGRESS
    return entry.state if entry.ended is not None else UNSURE


def _row_of(entry: Entry, there: Collection[str]) -> dict[str, Any]:
    files = {asset_id: path for asset_id, path in entry.files.items() if path in there}
    unsaved = [asset_id for asset_id in entry.assets if asset_id not in files]
    notes = {
        SENDING: "being sent now",
        UNSURE: "its answer was lost; the same call looks for it first, and generates anew only if nothing is found",
        GONE: "Scenario does not know this job any more",
    }
    return _row(
        jobId=entry.job_id,
        status=_status(entry),
        made=records.iso(entry.began),
        tool=entry.intent.tool,
        modelId=wording.clean(entry.intent.model_id or "", 80) or None,
        prompt=wording.clean(prompt_of(entry.intent.arguments), LONGEST_PROMPT) or None,
        creativeUnitsCost=budget.units(entry.units),
        refunded=entry.refunded,
        files=list(files.values())[:MOST_NAMED],
        assetIds=unsaved[:MOST_NAMED],
        results=max(len(entry.assets), len(files)),
        note=notes.get(entry.state if entry.state == SENDING else _status(entry))
        or (IN_WORDS if has_words(entry.answer) and not entry.assets else _cut(len(files), len(unsaved))),
    )


def _cut(*counts: int) -> str | None:
    return "not all results are named: show-assets with this jobId tells them" if max(counts) > MOST_NAMED else None


def _row(**said: Any) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value not in (None, [], 0, False)}


async def _everything(services: Services, arguments: ListJobs, deadline: Deadline) -> _Listed:
    """Read pages of the project's jobs until there are enough rows, or for 5 pages."""
    limit, token = arguments.limit or ROWS, arguments.cursor
    filters: dict[str, str] = {"status": arguments.status} if arguments.status else {}
    if arguments.since:  # Scenario takes either word only with the order that goes with it
        moment = records.iso(records.moment(arguments.since) or 0.0)
        filters["updatedAfter" if arguments.status else "createdAfter"] = moment
    found: list[Job] = []
    for _ in range(MOST_PAGES):
        page = await jobs.page(services.client, deadline, size=limit - len(found), token=token, **filters)
        found += page.jobs
        token = page.next
        if token is None or len(found) >= limit:
            break
    # A page cannot be entered in its middle: what does not fit into the answer would be lost with its cursor.
    return _Listed([_row_of_job(services, job) for job in found], [], token)


def _row_of_job(services: Services, job: Job) -> dict[str, Any]:
    entry = services.purchases.ledger.own(job.id)
    return _row(
        jobId=job.id,
        status=job.status,
        made=job.created,
        kind=job.type,
        modelId=job.model_id,
        prompt=wording.clean(prompt_of(job.input), LONGEST_PROMPT) or None,
        creativeUnitsCost=job.cost,
        refunded=job.status == jobs.FAILURE and job.refundable,
        assetIds=list(job.asset_ids[:MOST_NAMED]),
        results=len(job.asset_ids),
        mine=entry is not None,
        note=_cut(len(job.asset_ids)),
    )


async def _spending(services: Services, deadline: Deadline) -> dict[str, Any]:
    caps = services.purchases.caps
    ledger = services.purchases.ledger
    spent = ledger.spent()
    plan = await services.account.plan(deadline.or_within(ACCOUNT_SECONDS))
    left = None if caps.per_day is None or spent is None else budget.millionths(caps.per_day) - spent
    said = {
        "last24Hours": budget.units(spent),
        "perCallCap": None if caps.per_call is None else float(caps.per_call),
        "perDayCap": None if caps.per_day is None else float(caps.per_day),
        "leftUnderCap": None if left is None else max(0, left) / budget.MILLION,
        "plan": plan.name,
        "unitsLeftInPlan": plan.left,
        "counted": budget.KNOWN_ONLY,
    }
    return {name: value for name, value in said.items() if value is not None}


def _report(
    rows: Sequence[Mapping[str, Any]], listed: _Listed, spending: Mapping[str, Any], notes: Sequence[str]
) -> Report:
    notes, cursor = list(notes), listed.more
    if len(rows) < len(listed.rows):
        cursor = listed.cursors[len(rows) - 1] if listed.cursors else None
        notes.append("Not all fit into one answer." + ("" if cursor else " Ask for fewer with limit."))
    if cursor:
        notes.append(f"There are more: call again with cursor {cursor}.")
    words = ", ".join(f"{name} {_plain(value)}" for name, value in spending.items() if name != "counted")
    lines = [_line(row) for row in rows] or ["No jobs."]
    data = {"status": "success", "jobs": list(rows), "spending": dict(spending), "cursor": cursor, "notes": notes}
    told = (*lines, f"Spending in Creative Units: {words}. {spending['counted']}", *(f"Note: {note}" for note in notes))
    return Report(told, {name: value for name, value in data.items() if value not in (None, []) or name == "jobs"})


def _plain(value: Any) -> str:
    return wording.quoted(value) if isinstance(value, str) else schemas.plain(value)


def _line(row: Mapping[str, Any]) -> str:
    made = ", ".join((*row.get("files", ()), *row.get("assetIds", ())))
    parts = (
        row.get("jobId", "no job known"),
        row["status"],
        row.get("made"),
        row.get("tool", row.get("kind")),
        row.get("modelId"),
        wording.quoted(row["prompt"]) if "prompt" in row else None,
        f"{schemas.plain(row['creativeUnitsCost'])} CU{' (refunded)' if 'refunded' in row else ''}"
        if "creativeUnitsCost" in row
        else None,
        f"{row['results']} result(s): {made}" if "results" in row else None,
        "made by this server" if "mine" in row else None,
        row.get("note"),
    )
    return " | ".join(part for part in parts if part)
