"""What a picture is: judged by its content, never by its name."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

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
BROKEN = "is a picture that is broken or cut off. Send it whole."
# The largest values that greys of more than 8 bits have: shares, and numbers of 8, 16 and 32 bits.
WHITES = (1, 2**8 - 1, 2**16 - 1, 2**31 - 1)
SIDEWAYS, LAST_TURN = 5, 8  # orientations of EXIF from which width and height change places; the last one
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
END_OF_JPEG = b"\xff\xd9"


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
    """What is known of a picture without decoding it: its size in pixels as it is seen, None for HEIC.

    `orientation` is that of EXIF: 1 for a picture that is seen as it is stored.
    """

    kind: Kind
    size: tuple[int, int] | None = None
    orientation: int = 1


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
        turns = orientation(picture, content)
        return Picture(_KINDS[named], picture.size[::-1] if turns >= SIDEWAYS else picture.size, turns)


def decode(content: bytes) -> Picture:
    """Recognize a picture as `inspect` does, and see that nothing of it is cut off. Raises `BadPicture`.

    What is larger than is held in memory is not decoded: a PNG has told already whether it is whole, a JPEG has an end.
    """
    found = inspect(content)
    if found.size is None:
        return found
    if found.size[0] * found.size[1] > MOST_DECODED:
        if found.kind is _KINDS["JPEG"] and content.rfind(END_OF_JPEG, len(content) // 2) < 0:
            raise BadPicture(BROKEN)
        return found
    with opened(content, most_pixels=MOST_DECODED) as picture:
        picture.draft(None, (1, 1))  # of a JPEG all is read, and little of it kept
        load(picture)
    return found


def upright(content: bytes) -> bytes | None:
    """Turn a picture as its camera noted, and give it as a PNG of the same pixels; None if there is nothing to turn.

    Raises `BadPicture`.
    """
    with opened(content, most_pixels=MOST_DECODED) as picture:
        turns = orientation(picture, content)
        if turns == 1:
            return None
        load(picture)
        profile = picture.info.get("icc_profile") if picture.mode in PNG_MODES else None
        turned = turn(picture if picture.mode in PNG_MODES else picture.convert("RGB"), turns)
        out = io.BytesIO()
        turned.save(out, "PNG", compress_level=1, icc_profile=profile, exif=b"")
        return out.getvalue()


def turn(picture: "Image.Image", orientation: int) -> "Image.Image":
    """Turn a picture of an orientation so that it is stored as it is seen: EXIF 3.0, tag 274."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return picture if orientation == 1 else picture.transpose(turns[orientation])


def load(picture: "Image.Image") -> None:
    """Decode an opened picture. Raises `BadPicture`."""
    try:
        picture.load()
    except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
        raise BadPicture(BROKEN) from None


def orientation(picture: "Image.Image", content: bytes) -> int:
    """Read how an opened picture is to be turned, which Pillow does by itself for a TIFF."""
    from PIL import ExifTags

    late = picture.format == "PNG" and "exif" not in picture.info  # Pillow would decode all of it to look for some
    too_large = picture.width * picture.height > MOST_DECODED
    if picture.format == "TIFF" or (late and (too_large or not structure.has_late_exif(content))):
        return 1
    try:
        said = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
        return 1
    return said if isinstance(said, int) and 1 < said <= LAST_TURN else 1


@contextmanager
def opened(content: bytes, *formats: str, most_pixels: int = MOST_PIXELS) -> "Iterator[Image.Image]":
    """Open a picture of these formats, or of any we take, without decoding it. Raises `BadPicture`.

    The one place that opens pictures we were given, so that their size is always looked at first.
    """
    from PIL import Image, _imaging

    if not structure.is_plain(content):
        raise BadPicture("is a picture of too many parts, or cut off. Save it anew, best as PNG.")
    content = structure.without_texts(content)
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
    """Scale greys of other than 8 bits by the range that they use, which Pillow would cut off at white instead."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    greys = picture if picture.mode in ("I", "F") else picture.convert("I")
    brightest = cast(float, greys.getextrema()[1])
    white = next((white for white in WHITES if brightest <= white), None)
    if white is None:  # infinite, or no number
        raise BadPicture("has values that are no shades of grey. Save it as PNG.")
    scale = 255 / white
    return greys.point(lambda value: value * scale + 0.5).convert("L")


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
