"""Waiting for jobs, and telling what became of them."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import anyio
from pydantic import Field

from scenario_mcp import wording
from scenario_mcp.inferences.fields import OriginalAssets
from scenario_mcp.inferences.table import TEXT, route_of, toolset_of
from scenario_mcp.inferences.values import Id
from scenario_mcp.scenario import answers, assets, jobs
from scenario_mcp.scenario.answers import Answer
from scenario_mcp.scenario.assets import Asset
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NotFound, ScenarioError
from scenario_mcp.scenario.jobs import Job, Watched
from scenario_mcp.spending import budget
from scenario_mcp.spending.purchase import SECONDS_FOR_RESULTS
from scenario_mcp.spending.recovery import TYPES_IN_WORDS
from scenario_mcp.tools.delivery import Delivered
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import ERROR, IN_PROGRESS, NextCall, Outcome
from scenario_mcp.tools.services import Services

WAIT_FOR_JOBS = "wait-for-jobs"
TEXTURE = "texture"
WITH_PARTS = (TEXTURE, "segment")  # jobs whose results may be filed below an asset, by Scenario's description
GOES_ON = "The job goes on at Scenario: wait for it. As long as it runs, the same generation called again joins it."
NO_RESULTS = "Scenario says success but names no results; asking again may help."
TEXT_LOST = "The job is done and billed. What its lost answer held besides files cannot be had any more."
MORE_RESULTS = "The job names more results than were read, or some whose ids cannot be read."
NO_PARTS = "The maps of the texture are not listed, or not yet; asking again may help."
BUG = "This server had an internal error while it followed the job; its log has the details."

logger = logging.getLogger(__name__)


class WaitForJobs(OriginalAssets):
    """Wait for running jobs and get their results; free, and safe to repeat.

    Answers when all have ended or in time for the host, with one row per job: its results, its failure, or in-progress
    and the call that goes on waiting. An in-progress result of a generation names the job ids to give here.
    """

    job_ids: list[Id] = Field(min_length=1, max_length=32, description='Ids of the jobs, like ["job_..."].')


async def wait_for_jobs(services: Services, arguments: WaitForJobs, host: Host) -> Outcome:
    """Wait for 1 to 32 jobs together until all have ended or the deadline is near."""
    job_ids = list(dict.fromkeys(arguments.job_ids))
    board = _Board(host, job_ids)
    until = host.deadline.sooner(SECONDS_FOR_RESULTS)
    rows: dict[str, Outcome] = {}

    async def wait_for(job_id: str) -> None:
        try:
            rows[job_id] = await _row(services, job_id, until, board, host, original=bool(arguments.original_assets))
        except Exception:  # a bug must not take the other jobs' rows away
            logger.exception("Unexpected error while waiting for %s", job_id)
            rows[job_id] = in_progress(Job(job_id), BUG)
        await board.ended(job_id, rows[job_id])

    async with anyio.create_task_group() as waiting:
        for job_id in job_ids:
            waiting.start_soon(wait_for, job_id)
    return await with_previews(services, _together([rows[job_id] for job_id in job_ids]), host)


async def _row(
    services: Services, job_id: str, until: Deadline, board: "_Board", host: Host, *, original: bool
) -> Outcome:
    entry = services.purchases.ledger.own(job_id)
    if entry is not None and answers.is_whole(entry.answer):  # whatever its record says now
        told = Job(job_id, model_id=entry.intent.model_id, cost=budget.units(entry.units))
        return await conclude(services, Watched(told), host)
    fault: ScenarioError | None = None
    try:
        job = await jobs.get(services.client, job_id, until)
    except ScenarioError as failure:
        if not failure.passing:
            board.missed(job_id, "not found" if isinstance(failure, NotFound) else "not read")
            return Outcome(ERROR, job_id=job_id, error=f"{failure} {failure.hint}".strip())
        job, fault = Job(job_id), failure
    await board.saw(job)
    watched = Watched(job, fault) if job.ended else await jobs.wait(services.client, job, until, board.saw)
    return await conclude(services, watched, host, original=original)


async def conclude(
    services: Services, watched: Watched, host: Host, *, original: bool = False, answer: Answer | None = None
) -> Outcome:
    """Tell what became of a job and save its results; whatever cannot be learned becomes a note, never an error.

    `answer` is what was answered besides the job, if the caller has it.
    """
    job, delivered = watched.job, Delivered()
    entry = services.purchases.ledger.own(job.id)
    kept = answers.remembered(entry.answer) if entry else {}
    words = job.ended or job.type in TYPES_IN_WORDS
    answer = {**answers.read_answer(job.output, words=words), **kept, **(answer or {})}
    job = answers.done(job, answer)
    notes: list[str] = []
    services.purchases.ledger.saw(job)
    if job.more_assets:
        notes.append(MORE_RESULTS)
    made = tuple(dict.fromkeys((*job.asset_ids, *answer.get(answers.ASSETS, ()))))
    described = [assets.Asset(asset_id) for asset_id in made] if job.status == jobs.SUCCESS else []
    if described:
        try:
            described = await assets.describe(services.client, made, host.deadline, original=original)
            described, missing_parts = await with_parts(services, job, described, host, original=original)
            notes += missing_parts
            if missing := sum(asset.url is None for asset in described):
                notes.append(f"The addresses of {missing} result(s) were not given; asking again may help.")
            delivered = await services.delivery.save(job, described, host)
            services.purchases.ledger.filed(job, delivered.files)
            notes += delivered.notes
        except ScenarioError as fault:
            notes.append(f"The results are made, but their addresses could not be read: {fault}")
    elif job.status == jobs.SUCCESS and not answers.has_words(answer):
        words = entry is not None and entry.found and toolset_of(route_of(entry.intent.tool) or "") == TEXT
        notes.append(TEXT_LOST if words else NO_RESULTS)
    if watched.fault is not None:
        notes.append(f"The job's status could not be read the last time: {watched.fault}")
    if not job.ended:
        return in_progress(job, *notes, original=original)
    return Outcome(
        status=job.status,
        job_id=job.id,
        model_id=job.model_id,
        assets=tuple(described),
        files=delivered.files,
        cost=job.cost,
        discount=job.discount,
        error=None if job.status == jobs.SUCCESS else _failure(job),
        notes=tuple(notes),
        next=next_wait([job.id], original=original) if notes else None,
        answer=answer if job.status == jobs.SUCCESS else {},
    )


async def with_parts(
    services: Services, job: Job, described: list[Asset], host: Host, *, original: bool = False
) -> tuple[list[Asset], list[str]]:
    """Add the maps or masks that may be filed below the results of a job, and tell if there are none."""
    if job.type not in WITH_PARTS:
        return described, []
    try:
        whole = await assets.with_parts(services.client, described, host.deadline, original=original)
    except ScenarioError as fault:
        return described, [f"What belongs to the results could not be listed: {fault}"]
    lacking = job.type == TEXTURE and not any(asset.part for asset in whole)
    return whole, [NO_PARTS] if lacking else []


async def with_previews(services: Services, outcome: Outcome, host: Host) -> Outcome:
    """Add previews of all pictures of an outcome, in the order in which they are listed."""
    described = [asset for row in outcome.rows for asset in row.assets]
    files = {asset_id: path for row in outcome.rows for asset_id, path in row.files.items()}
    shown = await services.delivery.previews(described, files, host.deadline)
    return replace(outcome, previews=tuple(shown))


def in_progress(job: Job, *notes: str, original: bool = False) -> Outcome:
    """Tell of a job that goes on, and how to wait for it."""
    return Outcome(
        IN_PROGRESS,
        job_id=job.id,
        model_id=job.model_id,
        seen=f"{job.status} {job.progress:.0%}",
        cost=job.cost,
        discount=job.discount,
        notes=(GOES_ON, *notes),
        next=next_wait([job.id], original=original),
    )


def next_wait(job_ids: Sequence[str], *, original: bool = False) -> NextCall:
    """Make the call that goes on waiting for jobs."""
    flags = {"originalAssets": True} if original else {}
    return NextCall(WAIT_FOR_JOBS, {"jobIds": list(job_ids), **flags})


def _failure(job: Job) -> str:
    what = "was canceled" if job.status == jobs.CANCELED else "failed"
    reason = f": {wording.quoted(job.error)}" if job.error else " without a reason"
    hint = f"Scenario's hint: {wording.quoted(job.hint)}." if job.hint else None
    refund = (
        "Scenario refunds failed jobs." if job.status == jobs.FAILURE else "The account's usage says if it is billed."
    )
    refund = refund if job.refundable else "It is not refunded."
    return " ".join(part for part in (f"Job {job.id} {what}{reason}.", hint, refund) if part)


def told(job: Job) -> str:
    """Word a job's progress: status and id; hosts show the percent beside it."""
    return f"{job.status}, {job.id}"


def _together(rows: Sequence[Outcome]) -> Outcome:
    statuses = [row.status for row in rows]
    status = next(
        (status for status in (IN_PROGRESS, jobs.SUCCESS, jobs.FAILURE, jobs.CANCELED) if status in statuses), ERROR
    )
    pending = [row.next for row in rows if row.next is not None]
    waited_for = [job_id for call in pending for job_id in call.arguments["jobIds"]]
    original = any(call.arguments.get("originalAssets") for call in pending)
    return Outcome(
        status=status, jobs=tuple(rows), next=next_wait(waited_for, original=original) if waited_for else None
    )


class _Board:
    """Adds up the progress of several jobs, and tells how the wait for each ended."""

    def __init__(self, host: Host, job_ids: Sequence[str]) -> None:
        self._host = host
        self._shares = dict.fromkeys(job_ids, 0.0)
        self._missed: dict[str, str] = {}
        self._ended = 0

    async def saw(self, job: Job) -> None:
        self._shares[job.id] = job.progress
        await self._tell(told(job))

    def missed(self, job_id: str, why: str) -> None:
        self._missed[job_id] = why

    async def ended(self, job_id: str, row: Outcome) -> None:
        if row.status == IN_PROGRESS:
            await self._tell(f"still {row.seen}, {job_id}")
            return
        self._shares[job_id] = 1.0
        self._ended += 1
        await self._tell(f"{self._missed.get(job_id, row.status)}, {job_id}")

    async def _tell(self, latest: str) -> None:
        count = len(self._shares)
        message = latest if count == 1 else f"{self._ended} of {count} jobs ended, latest: {latest}"
        await self._host.progress(100 * sum(self._shares.values()) / count, message)
