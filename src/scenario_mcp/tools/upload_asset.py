"""Uploading a file for its own sake."""

from typing import Literal

from pydantic import Field

from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.values import Flag, Id, Text
from scenario_mcp.media import sources
from scenario_mcp.media.sources import AssetId, BadSource, Link
from scenario_mcp.scenario.errors import InvalidArguments
from scenario_mcp.scenario.uploads import Filing
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.intake import Wanted
from scenario_mcp.tools.outcome import Report
from scenario_mcp.tools.services import Services


class UploadAsset(Fields):
    """Upload a file and get its asset id, to use it often or to file it; free.

    Tools that take pictures upload them by themselves. A picture that was uploaded before keeps its id.
    """

    file: Text = Field(description="Picture: path on this machine, https URL or data URL. Other files: https URL only.")
    kind: Literal["image", "video", "audio", "3d"] | None = Field(
        None, description="What a URL leads to; image if not given."
    )
    hide: Flag | None = Field(None, description="true: keep it out of listings.")
    parent_id: Id | None = Field(None, description="Asset id of the picture it was made from.")


async def upload_asset(services: Services, arguments: UploadAsset, host: Host) -> Report:
    """Make a file an asset. Raises `ScenarioError`."""
    try:
        source = sources.read(arguments.file)
    except BadSource as bad:
        raise InvalidArguments([("file", f"{bad}")]) from None
    if isinstance(source, AssetId):
        raise InvalidArguments([("file", f"is the asset {source.id} already. Use its id as it is.")])
    filing = Filing(bool(arguments.hide), arguments.parent_id)
    kind = arguments.kind or "image"
    if kind != "image" and not isinstance(source, Link):
        raise InvalidArguments([("file", f"must be an https URL: {kind} files are not read from this machine.")])
    [loaded] = await services.intake.load([("file", source)], host.deadline)
    [asset_id] = await services.intake.asset_ids([Wanted("file", loaded, filing, kind)], host)
    line = f"success: uploaded as {asset_id}. Give this id wherever a picture is wanted."
    return Report((line,), {"status": "success", "assetId": asset_id})
