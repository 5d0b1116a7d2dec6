"""Jobs: reading their records leniently, and waiting for them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from scenario_mcp import wording
from scenario_mcp.scenario import records, wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ApiError, NoAnswer, ScenarioError

SUCCESS, FAILURE, CANCELED = "success", "failure", "canceled"
TERMINAL = frozenset({SUCCESS, FAILURE, CANCELED})  # any other word, known or new, means: not yet

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 3.0, 1.5


MOST_FEES = 64  # of one job that are added up
MOST_ASSETS = 512  # results of one job that are read; no tool makes a quarter of it


@dataclass(frozen=True)
class Job:
    """A job as last seen: `status` in Scenario's words, `progress` from 0 to 1, costs in Creative Units.

    `created` and `updated` are ISO 8601 times of Scenario's clock, `type` and `author` are Scenario's words for its
    kind and for who asked; `more_assets` says that it names results that were not read. `input` is what the job was
    asked for and `output` what it gave besides files, both as they came: whoever shows of them makes it fit to show.
    """

    id: str
    status: str = "pending"
    progress: float = 0.0
    model_id: str | None = None
    asset_ids: tuple[str, ...] = ()
    more_assets: bool = False
    error: str | None = None
    hint: str | None = None
    refundable: bool = True
    cost: float | None = None
    discount: float | None = None
    created: str | None = None
    updated: str | None = None
    type: str | None = None
    author: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict, repr=False)
    output: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Tell whether the job will not change any more."""
        return self.status in TERMINAL


OnProgress = Callable[[Job], Awaitable[None]]


@dataclass(frozen=True)
class Watched:
    """What waiting for a job came to: the job as last seen, and the fault that hid it, if one did."""

    job: Job
    fault: ScenarioError | None = None


def read_job(value: Any) -> Job | None:
    """Read a job record, taking what is understood and passing over the rest; None if it names no job."""
    record = records.mapping(value)
    job_id = wording.identifier(record.get("jobId"))
    if job_id is None:
        return None
    metadata, billing = records.mapping(record.get("metadata")), records.mapping(record.get("billing"))
    named = metadata.get("assetIds")
    asset_ids = records.each(named, wording.identifier, MOST_ASSETS)
    return Job(
        id=job_id,
        status=wording.word(record.get("status"), 40) or "pending",
        progress=min(1.0, max(0.0, records.number(record.get("progress")) or 0.0)),
        model_id=wording.identifier(records.mapping(metadata.get("input")).get("modelId")),
        asset_ids=asset_ids,
        more_assets=isinstance(named, list) and len(named) > len(asset_ids),
        error=records.words(metadata.get("error")),
        hint=records.words(metadata.get("hint")),
        refundable=billing.get("disableRefund") is not True,
        cost=_cost(billing),
        discount=records.number(billing.get("cuDiscount")),
        created=records.time(record.get("createdAt")),
        updated=records.time(record.get("updatedAt")),
        type=wording.word(record.get("jobType")),
        author=wording.identifier(record.get("authorId")),
        input=records.mapping(metadata.get("input")),
        output=records.mapping(metadata.get("output")),
    )


def _cost(billing: Mapping[str, Any]) -> float | None:
    """Add up what a job costs: `cuCost` is its main part alone, `cuCostDetails` the fees beside, like a quality gate's.

    By JobBilling of scenario-sdk 2.4.0.
    """
    fees = records.mapping(billing.get("cuCostDetails")).values()
    parts = [records.number(each) for each in (billing.get("cuCost"), *islice(fees, MOST_FEES))]
    known = [each for each in parts if each is not None]
    return sum(known) if known else None


async def get(client: Client, job_id: str, deadline: Deadline) -> Job:
    """Read a job once. Raises `ScenarioError`."""
    answer = await client.send(wire.Call("GET", wire.path("jobs", job_id), wire.SAFE), deadline)
    job = read_job(answer.get("job"))
    if job is None or job.id != job_id:
        raise NoAnswer("Scenario answered without the record of the job that was asked for.")
    return job


@dataclass(frozen=True)
class Page:
    """Some of the project's jobs, the token of the page after them, if there is one, and whether all could be read."""

    jobs: tuple[Job, ...]
    next: str | None
    whole: bool = True


async def page(client: Client, deadline: Deadline, *, size: int, token: str | None = None, **filters: str) -> Page:
    """List the project's jobs, newest first; a page may be empty though others follow. Raises `ScenarioError`."""
    query = {"pageSize": str(size), **({"paginationToken": token} if token else {}), **filters}
    answer = await client.send(wire.Call("GET", wire.path("jobs"), wire.SAFE, query), deadline)
    listed, token = answer.get("jobs"), answer.get("nextPaginationToken")
    read = records.each(listed, read_job, size)
    following = records.token(token)
    whole = isinstance(listed, list) and len(read) == len(listed) and (following is None) == (not token)
    return Page(read, following, whole)


async def cancel(client: Client, job_id: str, deadline: Deadline) -> None:
    """Ask Scenario to cancel a job; whether it did, only the job tells. Raises `ScenarioError`."""
    call = wire.Call("POST", wire.path("jobs", job_id, "action"), wire.SAFE, body={"action": "cancel"})
    await client.send(call, deadline)


async def wait(client: Client, job: Job, deadline: Deadline, on_progress: OnProgress) -> Watched:
    """Follow a job until it ends, the deadline is near or nobody listens, pausing 1 s at first, growing to 3 s.

    Faults that may pass are waited out, as long as they ask for, and those that will not are handed back with the job
    as last seen: neither undoes what was accepted, so neither is raised.
    """
    fault: ScenarioError | None = None
    pause = usual = FIRST_PAUSE
    while not job.ended and pause < deadline.remaining() and await deadline.pause(pause):
        pause = usual = min(LONGEST_PAUSE, usual * GROWTH)
        try:
            job, fault = await get(client, job.id, deadline), None
        except ScenarioError as failure:
            fault = failure
            if not failure.passing:
                break
            asked = failure.retry_after if isinstance(failure, ApiError) else None
            pause = max(usual, asked or 0.0)
        await on_progress(job)
    return Watched(job, fault)
