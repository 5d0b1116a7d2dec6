"""What was read of a file that an agent gave, before anything is sent."""

import hashlib
from dataclasses import dataclass, field
from pathlib import PurePath

from scenario_mcp.media import pictures, sources
from scenario_mcp.media.pictures import Picture
from scenario_mcp.media.sources import AssetId, DataUrl, Link

Size = tuple[int, int]  # width and height in pixels


@dataclass(frozen=True)
class LocalPicture:
    """A picture that was read here: the bytes that were checked are the bytes to send.

    `size` in pixels is that of what is seen, None for HEIC; `turned` if it is stored in another way.
    """

    name: str
    mime_type: str
    content: bytes = field(repr=False)
    sha256: str
    data_url: str | None = field(default=None, repr=False)
    size: Size | None = None
    turned: bool = False


Loaded = AssetId | Link | LocalPicture


def from_data_url(source: DataUrl) -> LocalPicture:
    """Decode the picture in a data URL. Raises `BadSource`."""
    decoded = sources.decode(source)
    return local_picture(f"image{decoded.picture.kind.suffix}", decoded.content, decoded.picture, decoded.url)


def turned_upright(picture: LocalPicture) -> LocalPicture:
    """Store a picture as it is seen. Raises `BadPicture`."""
    content = pictures.upright(picture.content)
    if content is None:
        return picture
    found = pictures.inspect(content)
    url = sources.data_url(found.kind.mime_type, content) if picture.data_url else None
    return local_picture(f"{PurePath(picture.name).stem}{found.kind.suffix}", content, found, url)


def local_picture(name: str, content: bytes, found: Picture, url: str | None = None) -> LocalPicture:
    """Describe a picture that was read."""
    return LocalPicture(name, found.kind.mime_type, content, _sha256(content), url, found.size, found.orientation > 1)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
