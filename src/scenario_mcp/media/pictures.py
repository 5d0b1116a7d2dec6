"""What a picture is: judged by its content, never by its name."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_mcp.media import structure

if TYPE_CHECKING:
    from PIL import Image

MOST_BYTES = 100_000_000
MOST_PIXELS = 100_000_000
MOST_DECODED = 40_000_000  # pixels of a picture that is held in memory whole
# Pillow's PILLOW_BLOCK_SIZE, https://pillow.readthedocs.io/en/stable/reference/block_allocator.html: blocks larger than
# 32 MB go back to the system as soon as they are free; what smaller ones held, hundreds of megabytes, stays.
BLOCK = 64 * 2**20
KINDS = "PNG, JPEG, WebP, GIF, TIFF, AVIF or HEIC"


class BadPicture(ValueError):
    """Content that is no picture to send; the message completes the sentence "`field` ..."."""


@dataclass(frozen=True)
class Kind:
    """A format of pictures: its MIME type and the suffix of its files."""

    mime_type: str
    suffix: str


_KINDS = {
    "PNG": Kind("image/png", ".png"),
    "JPEG": Kind("image/jpeg", ".jpg"),
    "WEBP": Kind("image/webp", ".webp"),
    "GIF": Kind("image/gif", ".gif"),
    "TIFF": Kind("image/tiff", ".tif"),
    "AVIF": Kind("image/avif", ".avif"),
}
FORMATS = tuple(_KINDS)
_HEIC = Kind("image/heic", ".heic")

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


@dataclass(frozen=True)
class Picture:
    """What is known of a picture without decoding it; sizes in pixels, None for HEIC, which is not opened."""

    kind: Kind
    width: int | None = None
    height: int | None = None


def kind_of(header: bytes) -> Kind | None:
    """Tell the kind of a picture from its first 32 bytes; None if they begin none."""
    named = _named(header)
    return _HEIC if named == "HEIC" else _KINDS.get(named or "")


def inspect(content: bytes) -> Picture:
    """Recognize a picture by its signature and header. Raises `BadPicture` for anything else.

    The signature must stand at the first byte, the header must be sound; pixels are not decoded, so a picture that is
    cut off may pass.
    """
    if len(content) > MOST_BYTES:
        raise BadPicture(f"is larger than {MOST_BYTES // 1_000_000} MB. Make it smaller.")
    named = _named(content)
    if named == "HEIC":
        return Picture(_HEIC)
    if named is None:
        raise BadPicture(f"is not a picture of a kind that can be sent. Give a {KINDS}.")
    with opened(content, named) as picture:
        return Picture(_KINDS[named], picture.width, picture.height)


def decode(content: bytes) -> Picture:
    """Recognize a picture as `inspect` does, and decode it whole to see that nothing is cut off."""
    found = inspect(content)
    if found.width is not None:
        with opened(content, _named(content) or "", most_pixels=MOST_DECODED) as picture:
            try:
                picture.load()
            except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
                raise BadPicture("is a picture that is broken or cut off. Send it whole.") from None
    return found


@contextmanager
def opened(content: bytes, *formats: str, most_pixels: int = MOST_PIXELS) -> "Iterator[Image.Image]":
    """Open a picture of these formats, or of any we take, without decoding it. Raises `BadPicture`.

    The one place that opens pictures we were given, so that their size is always looked at first.
    """
    from PIL import Image, _imaging

    if not structure.is_plain(content):
        raise BadPicture("is a picture of too many parts, or cut off. Save it anew, best as PNG.")
    Image.MAX_IMAGE_PIXELS = None  # ours is the limit below; Pillow's own would only warn
    _imaging.set_block_size(BLOCK)
    try:
        picture = Image.open(io.BytesIO(content), formats=formats or FORMATS)
        with picture:
            if picture.width * picture.height <= most_pixels:
                picture.verify()
    except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
        raise BadPicture(f"is not a picture, or a broken one. Give a whole {KINDS}.") from None
    if picture.width * picture.height > most_pixels:
        raise BadPicture(
            f"has {picture.width} x {picture.height} pixels; at most {most_pixels // 1_000_000} million can be taken."
            " Make it smaller."
        )
    with Image.open(io.BytesIO(content), formats=formats or FORMATS) as again:  # verify() leaves nothing to read
        yield again


def eight_bits(picture: "Image.Image") -> "Image.Image":
    """Scale greys of 16 bits to 8, which Pillow would cut off at white instead."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda value: value / 257).convert("L")


def _named(content: bytes) -> str | None:
    for signature, name in _SIGNATURES.items():
        if content.startswith(signature):
            return name
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in _AVIF_BRANDS:
        return "AVIF"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return "HEIC"
    return None
