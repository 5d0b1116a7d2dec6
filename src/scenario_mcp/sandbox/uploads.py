"""How files come into the sandbox: small ones in one request, large ones in parts, others by their address."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from scenario_mcp.sandbox import painter
from scenario_mcp.sandbox.refusal import Refusal
from scenario_mcp.sandbox.world import Asset, Draft, World

SMALLEST_PART = 5 * 2**20
LARGEST_PART = 2 * SMALLEST_PART
MOST_PARTS = 100


async def received(request: Request, most: int) -> bytes:
    """Read the body of a request, so many bytes at most. Raises `Refusal`."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise Refusal(413, {"message": "Request Too Long"}, {"Connection": "close"})  # the rest is not read
    return bytes(content)


@dataclass
class Upload:
    """A file on its way: its parts so far, and the asset it became."""

    id: str
    size: int
    count: int
    parts: dict[int, bytes] = field(default_factory=dict)
    asset_id: str | None = None
    error: str | None = None
    polls: int = 0


def small(world: World, body: Mapping[str, Any]) -> Asset:
    """Take a picture out of the body of `POST /assets`. Raises `Refusal`."""
    if not body.get("name"):
        raise Refusal(400, {"reason": "Input name is required"})
    try:
        content = base64.b64decode(body.get("image", ""), validate=True)
    except (binascii.Error, ValueError, TypeError):
        content = b""
    return _stored(world, content, body)


def begin(world: World, body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer `POST /uploads`: with an address for each part, or fetching the file by itself. Raises `Refusal`."""
    size, count = body.get("fileSize", 0), body.get("parts", 0)
    upload = Upload(f"upload_sandbox_{secrets.token_hex(16)}", size, count)  # nobody else can guess where parts go
    if "url" in body:
        upload.count = 0
        _fetch(world, upload, body)
    elif not (
        body.get("fileName")
        and body.get("contentType")
        and _fits(size, MOST_PARTS * LARGEST_PART)
        and _fits(count, MOST_PARTS)
    ):
        raise Refusal(400, {"reason": "Inputs fileName, contentType, fileSize and parts are required"})
    world.uploads[upload.id] = upload
    parts = [
        {"number": number, "url": f"{world.cdn_origin}/parts/{upload.id}/{number}", "expires": world.iso(world.clock())}
        for number in range(1, upload.count + 1)
    ]
    return {**record(upload), "parts": parts}


def _fits(number: Any, most: int) -> bool:
    return type(number) is int and 0 < number <= most


def complete(world: World, upload: Upload) -> dict[str, Any]:
    """Put the parts together. Raises `Refusal`."""
    sizes = [len(upload.parts.get(number, b"")) for number in range(1, upload.count + 1)]
    if sum(sizes) != upload.size or any(size < SMALLEST_PART for size in sizes[:-1]):
        raise Refusal(400, {"reason": "The parts are not complete"})
    content = b"".join(upload.parts[number] for number in range(1, upload.count + 1))
    upload.parts.clear()
    try:
        upload.asset_id = _stored(world, content, {}).id
    except Refusal:
        upload.error = "The file is not a valid image"
    return record(upload)


def record(upload: Upload) -> dict[str, Any]:
    """Describe an upload as `GET /uploads/{id}` does; it takes two looks to become an asset."""
    upload.polls += 1
    if upload.error:
        return {"id": upload.id, "status": "failed", "errorMessage": upload.error}
    if upload.asset_id and upload.polls > 2:
        return {"id": upload.id, "status": "imported", "entityId": upload.asset_id}
    return {"id": upload.id, "status": "validating" if upload.asset_id else "pending"}


def _fetch(world: World, upload: Upload, body: Mapping[str, Any]) -> None:
    """Pretend to fetch: a sandbox has no web, so a picture is painted from the address."""
    url, kind = str(body["url"]), body.get("kind")
    if not url.startswith("https://"):
        raise Refusal(400, {"reason": "Input url must be an https URL"})
    if "missing" in url:
        upload.error = "The file could not be fetched"
    elif kind == "image":
        upload.asset_id = _stored(world, painter.blank(url), body).id
    else:
        upload.asset_id = world.store(Draft(f"{kind}/sandbox", lambda: url.encode())).id


def _stored(world: World, content: bytes, body: Mapping[str, Any]) -> Asset:
    options = {**body, **body.get("assetOptions", {})}
    asset = world.add_picture(content)
    if asset is None:
        raise Refusal(400, {"reason": "Input image must be a valid image"})
    asset.hidden, asset.parent_id = bool(options.get("hide")), options.get("parentId")
    return asset
