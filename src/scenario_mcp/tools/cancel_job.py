"""Canceling a job, and telling what really became of it."""

import anyio
from pydantic import Field

from scenario_mcp.inferences.fields import Fields, Id
from scenario_mcp.scenario import jobs
from scenario_mcp.scenario.errors import ApiError, NotFound, RateLimited, ScenarioError, Unauthorized, Unavailable
from scenario_mcp.scenario.jobs import CANCELED, Job
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import Report
from scenario_mcp.tools.services import Services

PAUSES = (0.5, 1.5, 3.0)  # seconds before each look at what became of it
NOT_A_NO = (NotFound, RateLimited, Unauthorized, Unavailable)  # answers that say nothing of canceling


class CancelJob(Fields):
    """Cancel a running job, and tell what really became of it; free.

    Scenario cancels few kinds of jobs; most go on and are billed all the same.
    """

    job_id: Id = Field(min_length=1, description="Id of the job (job_...).")


async def cancel_job(services: Services, arguments: CancelJob, host: Host) -> Report:
    """Ask Scenario to cancel a job and read it back. Raises `ScenarioError` if it cannot be read or asked."""
    job = await jobs.get(services.client, arguments.job_id, host.deadline)
    notes: list[str] = []
    had_ended = job.ended
    if not had_ended:
        try:
            await jobs.cancel(services.client, job.id, host.deadline)
        except ApiError as refusal:
            if isinstance(refusal, NOT_A_NO):
                raise
            notes.append(f"Scenario does not cancel it: {refusal}")
        job = await _read_back(services, job, host, once=bool(notes))
    services.purchases.ledger.saw(job)
    if job.ended:
        services.purchases.ledger.told(job.id, 0.0)
    said = _said(job, had_ended=had_ended)
    data = {"status": job.status, "jobId": job.id, "canceled": job.status == CANCELED, "notes": [said, *notes]}
    return Report((said, *(f"Note: {note}" for note in notes)), data)


async def _read_back(services: Services, job: Job, host: Host, *, once: bool) -> Job:
    """Read a job until it has ended or some seconds are over: the answer to a cancellation proves nothing."""
    for pause in PAUSES[:1] if once else PAUSES:
        await anyio.sleep(pause)
        try:
            job = await jobs.get(services.client, job.id, host.deadline)
        except ScenarioError as fault:
            if not fault.passing:
                raise
        if job.ended:
            break
    return job


def _said(job: Job, *, had_ended: bool) -> str:
    if had_ended:
        return f"Job {job.id} had ended already: {job.status}. Nothing was canceled."
    if job.status == CANCELED:
        return f"Job {job.id} was canceled. The account's usage says whether it is billed."
    if job.ended:
        return f"Job {job.id} was not canceled: it ended meanwhile ({job.status})."
    return (
        f"Job {job.id} was not canceled: it goes on ({job.status} {job.progress:.0%}) and is billed when it succeeds."
    )
