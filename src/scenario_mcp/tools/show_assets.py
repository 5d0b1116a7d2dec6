"""Showing assets: small pictures and facts of results or of any asset, saved on request."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from scenario_mcp import wording
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.values import Flag, Id, Text
from scenario_mcp.media import names, opened, sources
from scenario_mcp.media.outputs import NotWhole
from scenario_mcp.media.shelf import TooManyFolders
from scenario_mcp.media.sources import AssetId, BadSource
from scenario_mcp.scenario import assets, jobs
from scenario_mcp.scenario.assets import Asset
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import InvalidArguments, ScenarioError
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.tools.delivery import MOST_FOLDERS, in_words
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.jobs import MORE_RESULTS, with_parts
from scenario_mcp.tools.outcome import Report, asset_facts
from scenario_mcp.tools.services import Services

MOST = 12
LONGEST_PROMPT = 200
MOST_NAMED = 24  # ids of a job's further results that are named
TOO_MANY = (
    f"would be made anew, and {MOST_FOLDERS} new ones are the most until the server is started again. Take one that is"
    " there, leave folder out, or ask the user to make it."
)


class ShowAssets(Fields):
    """Show assets: previews or a numbered contact sheet, and how each was made; free.

    Give up to 12 asset ids, or a job id for its results. `save: true` also saves the files.
    """

    asset_ids: list[Id] | None = Field(
        None, min_length=1, max_length=MOST, description='Ids of assets, like ["asset_..."].'
    )
    job_id: Id | None = Field(None, min_length=1, description="Id of a job (job_...), to show its results.")
    save: Flag | None = Field(None, description="true: save the files on this machine.")
    folder: Text | None = Field(
        None, description="Folder below the results folder to save in, like best/ones: letters, digits, - and _."
    )


def check(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List what is wrong with arguments beyond their schema."""
    if ("assetIds" in given) == ("jobId" in given):
        yield "assetIds", "or jobId is needed, and only one of them."
    if "folder" in given and not given.get("save"):
        yield "folder", "has an effect only with save: true. Add that, or leave folder out."


async def show_assets(services: Services, arguments: ShowAssets, host: Host) -> Report:
    """Read, show and perhaps save assets. Raises `ScenarioError`."""
    parts = _folder(services.delivery.shelf, arguments.folder) if arguments.save else None
    job = await _job(services, arguments.job_id, host.deadline) if arguments.job_id else None
    ids = list(job.asset_ids) if job else list(dict.fromkeys(map(_id, arguments.asset_ids or ())))
    found = await assets.describe(services.client, ids[:MOST], host.deadline)
    found, missing = await with_parts(services, job, found, host) if job else (found, [])
    known = [asset for asset in found if asset.url is not None]
    unknown = [wording.clean(asset.id, 80) for asset in found if asset.url is None]
    notes = [f"Scenario knows no asset {asset_id}, or not for this key." for asset_id in unknown]
    notes += missing
    if len(ids) > MOST:
        named = ", ".join(ids[MOST : MOST + MOST_NAMED])
        rest = f", and {len(ids) - MOST - MOST_NAMED} more" if len(ids) > MOST + MOST_NAMED else ""
        notes.append(f"{len(ids) - MOST} more are not shown: give their ids as assetIds. {named}{rest}")
    if job and job.more_assets:
        notes.append(MORE_RESULTS)
    files = await services.delivery.saved(job, host.deadline) if job else {}
    if job and parts == ():  # where the job's own files belong
        delivered = await services.delivery.save(job, known, host)
        services.purchases.ledger.filed(job, delivered.files)
        files, notes = delivered.files, [*notes, *delivered.notes]
    elif parts is not None and known:
        folder = await _made(services, parts, host.deadline)
        for asset in known:
            try:
                kept = await services.delivery.save_as(asset, folder, host.deadline)
            except (ScenarioError, OSError, NotWhole) as fault:
                notes.append(f"{asset.id} was not saved: {in_words(fault)}.")
                continue
            files[asset.id] = kept.path
            notes += [f"{asset.id}: {kept.remark}."] if kept.remark else []
    shown = await services.delivery.previews(known, files, host.deadline)
    rows = [_row(asset, files.get(asset.id)) for asset in known]
    lines = [f"{number}. {_line(row)}" for number, row in enumerate(rows, 1)] or ["No asset could be shown."]
    data = {"status": "success" if known else "error", "assets": rows, "notes": notes}
    said = {name: value for name, value in data.items() if value != []}
    return Report((*lines, *(f"Note: {note}" for note in notes)), said, tuple(shown), is_error=not known)


TELLS = "wait-for-jobs tells what became of it, answers in words too."


async def _job(services: Services, job_id: str, deadline: Deadline) -> Job:
    job = await jobs.get(services.client, job_id, deadline)
    if not job.asset_ids:
        raise InvalidArguments([("jobId", f"names a job without files: it is {job.status}. {TELLS}")])
    return job


def _id(text: str) -> str:
    """Take the id out of a result's URL too."""
    try:
        source = sources.read(text)
    except BadSource:
        return text
    return source.id if isinstance(source, AssetId) else text


def _folder(shelf: Path | None, given: str | None) -> tuple[str, ...]:
    """Read the folder below the results folder, by its names; none for the results folder itself."""
    if shelf is None:
        raise InvalidArguments([("save", "is not possible: SCENARIO_OUTPUT_DIR is none. Leave save out.")])
    if given is None:
        return ()
    try:
        return names.folder(given, shelf)
    except names.BadName as bad:
        raise InvalidArguments([("folder", f"{bad}")]) from None


async def _made(services: Services, parts: tuple[str, ...], deadline: Deadline) -> Path:
    try:
        return await services.delivery.folder(parts, deadline)
    except TooManyFolders:
        raise InvalidArguments([("folder", TOO_MANY)]) from None
    except OSError as fault:
        raise InvalidArguments(
            [("folder" if parts else "save", f"is not possible: {opened.in_words(fault)}.")]
        ) from None


def _row(asset: Asset, path: Path | None) -> dict[str, Any]:
    made = {
        "modelId": asset.model_id,
        "seed": asset.seed,
        "prompt": wording.cut(asset.prompt, LONGEST_PROMPT) if asset.prompt else None,
    }
    return asset_facts(asset, path) | {name: value for name, value in made.items() if value is not None}


def _line(row: Mapping[str, Any]) -> str:
    size = f"{row['width']}x{row['height']}" if "width" in row and "height" in row else None
    facts = (
        row["assetId"],
        row.get("part"),
        size,
        row.get("mimeType"),
        f"model {row['modelId']}" if "modelId" in row else None,
        f"seed {row['seed']}" if "seed" in row else None,
        f"prompt {wording.quoted(row['prompt'])}" if "prompt" in row else None,
        row.get("path") or row.get("url"),
    )
    return ", ".join(fact for fact in facts if fact)
