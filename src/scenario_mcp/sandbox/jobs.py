"""The list of a project's jobs, canceling one, and what the account has left."""

from collections.abc import Iterable, Mapping
from typing import Any

from scenario_mcp.sandbox.refusal import Refusal
from scenario_mcp.sandbox.world import Job, World

LONGEST_PAGE, USUAL_PAGE = 100, 50
ALLOWANCE = 10_000.0
SORTED_BY_UPDATE = ("status", "type", "types")  # filters that sort the list by another date
TEAM = {
    "id": "team_sandbox",
    "name": "Sandbox",
    "plan": "cu-pro",
    "projects": [{"id": "proj_sandbox", "name": "Sandbox"}],
}


def listed(world: World, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer `GET /jobs`, newest first; every second page is empty, as it may be on the real API. Raises `Refusal`."""
    by_update = any(name in query for name in SORTED_BY_UPDATE)
    if "createdAfter" in query and by_update:
        raise Refusal(400, {"reason": "createdAfter is only allowed without status, type, types and workflowId"})
    if "updatedAfter" in query and not by_update:
        raise Refusal(400, {"reason": "updatedAfter is only allowed with status, type, types or workflowId"})
    order = "updatedAt" if by_update else "createdAt"
    fitting = sorted(
        _fitting(world, query),
        key=lambda record: (record[order], list(world.jobs).index(record["jobId"])),
        reverse=True,
    )
    start, filler, _ = query.get("paginationToken", "0").partition("~")
    if not start.isdecimal():
        raise Refusal(400, {"reason": "Input paginationToken is not valid"})
    if start != "0" and not filler:
        return {"jobs": [], "nextPaginationToken": f"{start}~"}
    end = int(start) + min(int(query.get("pageSize", USUAL_PAGE)), LONGEST_PAGE)
    more = {"nextPaginationToken": str(end)} if end < len(fitting) else {}
    return {"jobs": fitting[int(start) : end], **more}


def _fitting(world: World, query: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    types = query.get("types", query.get("type", "")).split(",")
    for job in world.jobs.values():
        record = world.job_record(job)
        if (
            query.get("status") in (None, record["status"])
            and (types == [""] or record["jobType"] in types)
            and query.get("authorId") in (None, record["authorId"])
            and not (query.get("hideResults") == "false" and job.hidden)
            and query.get("createdAfter", "") < record["createdAt"]
            and query.get("updatedAfter", "") < record["updatedAt"]
        ):
            yield record


def cancel(world: World, job: Job, body: Mapping[str, Any]) -> None:
    """Cancel a running job of a named inference. Raises `Refusal` for any other."""
    if body.get("action") != "cancel":
        raise Refusal(400, {"reason": "Input action must be cancel"})
    if job.type == "custom" or not world.runs(job):
        raise Refusal(400, {"reason": "Cannot cancel this type of job"})
    job.canceled_at = world.clock()


def limits(world: World, team_id: str) -> dict[str, Any]:
    """Answer `GET /teams/{teamId}/limits`. Raises `Refusal`."""
    if team_id != TEAM["id"]:
        raise Refusal(404, {"reason": f"Team {team_id} not found"})
    return {
        "plan": TEAM["plan"],
        "limits": {"creativeUnits": ALLOWANCE, "parallelInferences": world.slots},
        "values": {"creativeUnits": world.billed},
        "oneShotCreativeUnits": [{"amount": 100, "remaining": 40}],
        "period": {"start": "2027-01-01T00:00:00.000Z", "end": "2027-02-01T00:00:00.000Z"},
    }
