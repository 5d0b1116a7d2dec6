"""Assets and jobs as MCP resources."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scenario_mcp.scenario import assets, jobs
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.server.results import ASSET_URI, JOB_URI
from scenario_mcp.tools.outcome import asset_facts
from scenario_mcp.tools.services import Services

SECONDS = 30.0
MOST_IDS = 128  # results of a job that are named; show-assets shows the others


@dataclass(frozen=True)
class Template:
    """One kind of resource: the template of its URIs, and what stands behind them."""

    uri: str
    name: str
    title: str
    description: str


TEMPLATES = (
    Template(ASSET_URI, "asset", "A picture or file", "An asset: how it was made, and of a picture a small preview."),
    Template(JOB_URI, "job", "A generation", "A job: its status, results and cost."),
)


@dataclass(frozen=True)
class Content:
    """One part of a resource: a text, or base64 of what it is."""

    mime_type: str
    text: str | None = None
    blob: str | None = None


def entries() -> list[dict[str, Any]]:
    """Describe the templates as `resources/templates/list` does."""
    return [
        {"name": each.name, "title": each.title, "uriTemplate": each.uri, "description": each.description}
        for each in TEMPLATES
    ]


class UnknownResource(LookupError):
    """A URI that leads to nothing."""


async def read(services: Services, uri: str) -> list[Content]:
    """Read a resource by its URI. Raises `UnknownResource` and `ScenarioError`."""
    found = re.fullmatch(r"scenario://(assets|jobs)/([A-Za-z0-9_.-]{1,200})", uri)
    if found is None:
        raise UnknownResource(uri)
    deadline = Deadline.after(SECONDS)
    if found[1] == "jobs":
        return [_json(_job(await jobs.get(services.client, found[2], deadline)))]
    [asset] = await assets.describe(services.client, [found[2]], deadline)
    if asset.url is None:
        raise UnknownResource(uri)
    made = {"modelId": asset.model_id, "prompt": asset.prompt, "seed": asset.seed}
    said = asset_facts(asset, None) | made
    shown = await services.delivery.previews([asset], {}, deadline)
    return [_json(said), *(Content(each.mime_type, blob=each.data) for each in shown)]


def _job(job: Job) -> dict[str, Any]:
    return {
        "jobId": job.id,
        "status": job.status,
        "progress": job.progress,
        "modelId": job.model_id,
        "assetIds": list(job.asset_ids[:MOST_IDS]) or None,
        "error": job.error,
        "creativeUnitsCost": job.cost,
        "created": job.created,
    }


def _json(said: Mapping[str, Any]) -> Content:
    known = {name: value for name, value in said.items() if value is not None}
    return Content("application/json", text=json.dumps(known, ensure_ascii=False, indent=1))
