"""The forms in which a picture may be given, and what is refused before anything is sent."""

import base64
import binascii
import io
import re
import warnings
from dataclasses import dataclass
from typing import Literal

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
    """Recognize the form of a picture argument and check it. Raises `BadSource`."""
    given = text.strip()
    if given[:5].lower() == "data:":
        _check_data_url(given)
        return Source("data URL", given)
    if _ASSET_ID.fullmatch(given):
        return Source("asset id", given)
    raise BadSource(
        "must be an asset id (asset_...) or a data URL (data:image/png;base64,...)."
        " For a file or a web address, upload the picture in Scenario and give its asset id."
    )


def _check_data_url(url: str) -> None:
    header = _DATA_URL.match(url)
    if header is None:
        raise BadSource("is a data URL without base64 content. It must look like data:image/png;base64,iVBORw0...")
    try:
        content = base64.b64decode(url[header.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise BadSource(
            "is a data URL whose base64 is broken or cut off. Send it whole, or give an asset id."
        ) from None
    if not _is_picture(content):
        raise BadSource(
            "is a data URL that does not decode to an image. Send a whole PNG, JPEG, WebP, GIF, TIFF or AVIF,"
            " or give an asset id."
        )


def _is_picture(content: bytes) -> bool:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                picture.verify()
    except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
        return False
    return True
