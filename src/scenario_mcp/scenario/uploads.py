"""Uploading files: free, and repeated where that makes no second asset.

Scenario takes small pictures inside `POST /assets`; larger ones, and files that it fetches from the web, go through
`POST /uploads`: parts to signed URLs, then completion, then polling until the upload has become an asset.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import anyio

from scenario_mcp import wording
from scenario_mcp.scenario import records, wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NoAnswer, NotFound, UploadFailed

INLINE_BYTES = 3_000_000  # that travel inside POST /assets; as base64 they stay below the gateway's 6 MB
PART_BYTES = 5 * 2**20  # the smallest part that is allowed, except for the last
PART_TRIES = 3
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.5, 3.0, 1.5

Kind = Literal["image", "video", "audio", "3d"]
OnBytes = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True)
class Filing:
    """How an uploaded file is filed: hidden from listings, below a parent asset."""

    hide: bool = False
    parent_id: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The fields that say so; what is not said is not sent."""
        said = {"hide": self.hide or None, "parentId": self.parent_id}
        return {name: value for name, value in said.items() if value is not None}


async def upload(
    client: Client, name: str, mime_type: str, content: bytes, filing: Filing, deadline: Deadline, on_bytes: OnBytes
) -> str:
    """Upload a picture and give its asset id. Raises `ScenarioError`."""
    if len(content) <= INLINE_BYTES:
        await on_bytes(0, len(content))
        body = {"name": name, "image": base64.b64encode(content).decode(), **filing.options}
        answer = await client.send(wire.Call("POST", wire.path("assets"), wire.UNSENT_ONLY, body=body), deadline)
        return _id_of(records.mapping(answer.get("asset")).get("id"))
    count = -(-len(content) // PART_BYTES)
    body = {"fileName": name, "contentType": mime_type, "kind": "image", "parts": count, "fileSize": len(content)}
    begun = await _begin(client, body, filing, deadline)
    await _send_parts(client, begun, content, deadline, on_bytes)
    action = wire.path("uploads", _id_of(begun.get("id")), "action")
    await client.send(wire.Call("POST", action, wire.SAFE, body={"action": "complete"}), deadline)
    return await _finished(client, begun, deadline)


async def fetch(client: Client, url: str, kind: Kind, filing: Filing, deadline: Deadline) -> str:
    """Let Scenario fetch a file from the web, and give its asset id. Raises `ScenarioError`."""
    return await _finished(client, await _begin(client, {"url": url, "kind": kind}, filing, deadline), deadline)


async def exists(client: Client, asset_id: str, deadline: Deadline) -> bool:
    """Tell whether an asset is still there; a fault is no knowledge that it is not. Raises other `ScenarioError`s."""
    try:
        await client.send(wire.Call("GET", wire.path("assets", asset_id), wire.SAFE), deadline)
    except NotFound:
        return False
    return True


async def _begin(client: Client, body: Mapping[str, Any], filing: Filing, deadline: Deadline) -> Mapping[str, Any]:
    options = {"assetOptions": filing.options} if filing.options else {}
    repeat = wire.UNSENT_ONLY if "url" in body else wire.SAFE  # without its parts an upload never becomes an asset
    answer = await client.send(wire.Call("POST", wire.path("uploads"), repeat, body={**body, **options}), deadline)
    return records.mapping(answer.get("upload"))


async def _send_parts(
    client: Client, begun: Mapping[str, Any], content: bytes, deadline: Deadline, on_bytes: OnBytes
) -> None:
    await on_bytes(0, len(content))
    parts = [records.mapping(part) for part in records.items(begun.get("parts"))]
    if all(records.number(part.get("number")) is not None for part in parts):
        parts.sort(key=lambda part: records.number(part.get("number")) or 0)
    urls = [wording.address(part.get("url")) for part in parts]
    if len(urls) != -(-len(content) // PART_BYTES) or None in urls or len(set(urls)) != len(urls):
        raise NoAnswer("Scenario answered without an address for every part of the upload.")
    for index, url in enumerate(urls):
        part = content[index * PART_BYTES : (index + 1) * PART_BYTES]
        await _send_part(client, url or "", part, deadline)
        await on_bytes(min(len(content), (index + 1) * PART_BYTES), len(content))


async def _send_part(client: Client, url: str, part: bytes, deadline: Deadline) -> None:
    for attempt in range(1, PART_TRIES + 1):
        try:
            await client.put(url, part, deadline)
        except NoAnswer as failure:
            if not failure.passing or attempt == PART_TRIES or deadline.remaining() <= attempt:
                raise
            await anyio.sleep(attempt)
        else:
            return


async def _finished(client: Client, upload: Mapping[str, Any], deadline: Deadline) -> str:
    """Wait until an upload has become an asset."""
    upload_id, pause = _id_of(upload.get("id")), FIRST_PAUSE
    while True:
        status, asset_id = upload.get("status"), wording.identifier(upload.get("entityId"))
        if status == "failed":
            reason = wording.quoted(records.words(upload.get("errorMessage")) or "no reason was given")
            raise UploadFailed(f"Scenario could not take the file: {reason}.")
        if asset_id is not None and status in ("imported", "complete"):
            return asset_id
        if pause >= deadline.remaining():
            raise NoAnswer("The upload did not become an asset in time.")
        await anyio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * GROWTH)
        answer = await client.send(wire.Call("GET", wire.path("uploads", upload_id), wire.SAFE), deadline)
        upload = records.mapping(answer.get("upload"))
        if upload.get("id") != upload_id:
            raise NoAnswer("Scenario answered without the record of the upload that was asked for.")


def _id_of(value: Any) -> str:
    found = wording.identifier(value)
    if found is None:
        raise NoAnswer("Scenario answered an upload without an id.")
    return found
