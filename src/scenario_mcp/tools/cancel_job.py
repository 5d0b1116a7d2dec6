"""Canceling a job, and telling what really became of it."""

import json
from typing import Any

import anyio.lowlevel
from pydantic import Field

from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.values import Id
from scenario_mcp.scenario import jobs
from scenario_mcp.scenario.errors import NotConfigured, NotConnected, NotFound, ScenarioError, Unauthorized
from scenario_mcp.scenario.jobs import CANCELED, FAILURE, Job
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.jobs import WAIT_FOR_JOBS
from scenario_mcp.tools.outcome import Report
from scenario_mcp.tools.services import Services

PAUSES = (0.5, 1.5, 3.0)  # seconds before each look at what became of it
NEVER_ASKED = (NotConfigured, NotConnected, NotFound, Unauthorized)  # faults over which it cannot be canceled


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
        except ScenarioError as refusal:
            if isinstance(refusal, NEVER_ASKED):
                raise
            notes.append(f"Scenario did not agree to cancel it: {refusal}")
        job = await _read_back(services, job, host, once=bool(notes))
    services.purchases.ledger.saw(job)
    said = _said(job, had_ended=had_ended)
    canceled = job.status == CANCELED and not had_ended
    data: dict[str, Any] = {"status": job.status, "jobId": job.id, "canceled": canceled, "notes": [said, *notes]}
    lines = [said, *(f"Note: {note}" for note in notes)]
    if job.status in (CANCELED, FAILURE):
        await anyio.lowlevel.checkpoint()
        services.purchases.ledger.told(job.id, 0.0)
    else:  # its results are told by who waits for them
        data["next"] = {"tool": WAIT_FOR_JOBS, "arguments": {"jobIds": [job.id]}}
        lines.append(f"Next: call {WAIT_FOR_JOBS} with {json.dumps(data['next']['arguments'])}")
    return Report(tuple(lines), data)


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
