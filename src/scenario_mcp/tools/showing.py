"""Small pictures of results, from their files or else their addresses."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio

from scenario_mcp.media import opened
from scenario_mcp.media.previews import Gallery, Preview
from scenario_mcp.scenario.assets import Asset
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.tools.threads import Lane

LARGEST = 60_000_000  # bytes of a file that is held in memory for its preview
TO_SHOW, TO_ANSWER = 1.0, 0.5  # seconds before the deadline at which no picture is begun, and none is encoded any more

logger = logging.getLogger(__name__)


async def previews(
    client: Client, lane: Lane, described: Sequence[Asset], files: Mapping[str, Path], deadline: Deadline
) -> list[Preview]:
    """Make previews of pictures. Raises nothing: a preview is never worth a failed call."""
    listed = {
        number: asset for number, asset in enumerate(described, 1) if (asset.mime_type or "").startswith("image/")
    }
    if not listed:
        return []
    gallery, until = Gallery(list(listed)), deadline.sooner(TO_SHOW)
    try:
        with anyio.move_on_after(until.remaining()):
            for number in gallery.numbers:
                asset = listed[number]
                if path := files.get(asset.id):
                    await lane.run(until, _add_file, gallery, number, path)
                elif content := await _content(client, asset, until):
                    await lane.run(until, gallery.add, number, content)
        return await lane.run(deadline.sooner(TO_ANSWER), gallery.previews)
    except Exception:
        logger.warning("No previews could be made", exc_info=True)
    return []


def _add_file(gallery: Gallery, number: int, path: Path) -> None:
    try:
        content = opened.read(path, LARGEST)
    except OSError:
        return
    gallery.add(number, content)


async def _content(client: Client, asset: Asset, until: Deadline) -> bytes | None:
    if asset.url is None:
        return None
    try:
        return await client.content(asset.url, until, LARGEST)
    except ScenarioError:
        return None
