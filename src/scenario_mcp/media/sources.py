"""The forms in which a picture may be given, and what is refused before anything is sent."""

import base64
import binascii
import io
import re
from dataclasses import dataclass
from typing import Literal

MOST_PIXELS = 40_000_000  # of a picture inside a call; larger ones are uploaded first
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF")

_ASSET_ID = re.compile(r"asset_[A-Za-z0-9_-]+")
_DATA_URL = re.compile(r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)


Form = Literal["asset id", "data URL"]


class BadSource(ValueError):
    """A picture that cannot be used; the message completes the sentence "`field` ..." and names the fix."""


@dataclass(frozen=True)
class Source:
    """A picture ready to travel: the id of an asset, or a data URL."""

    form: Form
    text: str


def read(text: str) -> Source:
    """Recognize the form of a picture argument and check it. Raises `BadSource`.

    A data URL is decoded, which takes time, and given back under the MIME type of what it holds.
    """
    given = text.strip()
    if given[:5].lower() == "data:":
        return Source("data URL", _checked_data_url(given))
    if _ASSET_ID.fullmatch(given):
        return Source("asset id", given)
    raise BadSource(
        "must be an asset id (asset_...) or a data URL (data:image/png;base64,...)."
        " For a file or a web address, upload the picture in Scenario and give its asset id."
    )


def _checked_data_url(url: str) -> str:
    header = _DATA_URL.match(url)
    if header is None:
        raise BadSource("is a data URL without base64 content. It must look like data:image/png;base64,iVBORw0...")
    payload = url[header.end() :]
    try:
        content = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise BadSource(
            "is a data URL whose base64 is broken or cut off. Send it whole, or give an asset id."
        ) from None
    mime_type = _mime_type(content)
    if mime_type is None or not (header["mime"] or "image/").lower().startswith("image/"):
        raise BadSource(
            "is a data URL that does not decode to an image. Send a whole PNG, JPEG, WebP, GIF, TIFF or AVIF,"
            " or give an asset id."
        )
    return f"data:{mime_type};base64,{payload}"


def _mime_type(content: bytes) -> str | None:
    """Decode a picture and give its MIME type; None if it is none, is cut off, or is too large to decode here."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.load()  # verify() reads no pixels of most formats, and so misses what is cut off
            return Image.MIME[picture.format or ""]
    except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
        return None
