"""Assets: what Scenario knows of finished pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scenario_mcp import wording
from scenario_mcp.scenario import records, wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline

MOST_PARENTS, MOST = 32, 512  # results whose parts are asked for, and results with all their parts
LARGEST_SIDE = 1_000_000  # pixels
LONGEST_PROMPT = 2_000  # characters
PAGE = 100  # most assets that GET /assets lists at once
BULK = 200  # most ids that POST /assets/get-bulk takes at once


@dataclass(frozen=True)
class Asset:
    """A finished file: `url` is signed and ends within weeks, sizes are pixels. What is not known is None.

    `prompt`, `seed` and `model_id` tell how it was made; `part` which of several different results it is, like the
    normal map of a texture.
    """

    id: str
    url: str | None = None
    mime_type: str | None = None
    width: int | None = None
    height: int | None = None
    prompt: str | None = None
    seed: str | None = None
    model_id: str | None = None
    part: str | None = None


async def describe(
    client: Client, asset_ids: Sequence[str], deadline: Deadline, *, original: bool = False
) -> list[Asset]:
    """Read what is known of assets, in the order of their ids; an id that Scenario does not know stays bare.

    `original` asks for URLs of the untransformed files. Raises `ScenarioError`.
    """
    found: dict[str, Asset] = {}
    for ids in _batches(asset_ids):
        query, body = wire.flags(originalAssets=original), {"assetIds": list(ids)}
        call = wire.Call("POST", wire.path("assets", "get-bulk"), wire.SAFE, query, body)
        answer = await client.send(call, deadline)
        found.update((asset.id, asset) for asset in map(_read_asset, records.items(answer.get("assets"), BULK)))
    return [found.get(asset_id, Asset(asset_id)) for asset_id in asset_ids]


async def size(client: Client, asset_id: str, deadline: Deadline) -> tuple[int, int] | None:
    """Ask for the width and height of an asset in pixels; None if it has none. Raises `ScenarioError`."""
    answer = await client.send(wire.Call("GET", wire.path("assets", asset_id), repeat=wire.SAFE), deadline)
    asset = _read_asset(answer.get("asset"))
    known = asset.id == asset_id and asset.width and asset.height
    return (asset.width, asset.height) if known and asset.width and asset.height else None


async def with_parts(
    client: Client, described: Sequence[Asset], deadline: Deadline, *, original: bool = False
) -> list[Asset]:
    """Add the parts that are filed below results, like the maps of a texture, unless parts are among them already.

    Raises `ScenarioError`.
    """
    found = list(described)
    if not any(asset.part for asset in described):
        for parent in described[:MOST_PARENTS]:
            query = {"parentAssetId": parent.id, "pageSize": str(PAGE), **wire.flags(originalAssets=original)}
            answer = await client.send(wire.Call("GET", wire.path("assets"), wire.SAFE, query), deadline)
            below = map(_read_asset, records.items(answer.get("assets"), PAGE))
            if len(found) >= MOST:
                break
            known = {"", *(asset.id for asset in found)}
            found += [asset for asset in below if asset.part and asset.id not in known]
    return found


def _batches(asset_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(asset_ids), BULK):
        yield asset_ids[start : start + BULK]


def _read_asset(value: Any) -> Asset:
    record = records.mapping(value)
    properties, metadata = records.mapping(record.get("properties")), records.mapping(record.get("metadata"))
    seed = metadata.get("seed")
    return Asset(
        id=wording.identifier(record.get("id")) or "",
        url=wording.address(record.get("url")),
        mime_type=_mime_type(record.get("mimeType")),
        width=_pixels(properties.get("width")),
        height=_pixels(properties.get("height")),
        prompt=records.words(metadata.get("prompt"), LONGEST_PROMPT),
        seed=wording.word(str(seed), 40) if isinstance(seed, str | int) and not isinstance(seed, bool) else None,
        model_id=wording.identifier(metadata.get("modelId")),
        part=_part(wording.word(metadata.get("type")) or ""),
    )


def _mime_type(value: Any) -> str | None:
    """Take a MIME type without its parameters."""
    return wording.word(value.partition(";")[0].strip()) if isinstance(value, str) else None


def _part(kind: str) -> str | None:
    """Take the part out of types like texture-normal and segmentation-mask."""
    whole, _, part = kind.partition("-")
    return part if whole in ("texture", "segmentation") and part.isalnum() else None


def _pixels(value: Any) -> int | None:
    size = records.number(value)
    return int(size) if size and 1 <= size <= LARGEST_SIDE else None
