"""Pictures of odd kinds, made on the spot, all of one motif: a white block in the upper left of black."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

SIZE = (96, 64)
BLOCK = (0, 0, 64, 16)  # across two thirds of the top: seen otherwise after every turn
AS_IT_IS, TURNED = "as it is", "turned upright, as PNG"
SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "TIFF": "tif", "AVIF": "avif"}
# Which turn stores a picture so that it is seen upright under each orientation of EXIF.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True)
class Odd:
    """A picture: what is sent of it as an image or a reference, as an image beside a mask, and as a mask.

    Otherwise than as in `AS_IT_IS` and `TURNED`, and a mask that is not the motif, it is refused in words like these.
    """

    name: str
    make: Callable[[], bytes]
    alone: str = AS_IT_IS
    masked: str = AS_IT_IS
    mask: str = "the motif"


def motif(size: tuple[int, int] = SIZE, box: tuple[int, int, int, int] = BLOCK) -> Image.Image:
    picture = Image.new("L", size)
    picture.paste(255, box)
    return picture


def saved(picture: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def tagged(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def oriented(kind: str, orientation: int, mode: str = "RGB", **more: Any) -> bytes:
    turn = STORED[orientation]
    stored = motif() if turn is None else motif().transpose(turn)
    return saved(stored.convert(mode), kind, exif=tagged(orientation), **more)


def cut(content: bytes, share: float = 0.7) -> bytes:
    return content[: int(len(content) * share)]


def cut_off(kind: str) -> bytes:
    return cut(noisy(kind))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def late_exif() -> bytes:
    whole = saved(motif().transpose(Image.Transpose.ROTATE_90), "PNG")
    return whole[:-12] + chunk(b"eXIf", tagged(6).tobytes()[6:]) + whole[-12:]


def sixteen_bits_each() -> bytes:
    """A PNG of three times sixteen bits, which Pillow does not write."""
    rows = b"".join(b"\0" + b"".join(bytes([grey]) * 6 for grey in row) for row in _rows(motif()))
    header = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _rows(picture: Image.Image) -> Iterator[bytes]:
    width = picture.width
    content = picture.tobytes()
    return (content[at : at + width] for at in range(0, len(content), width))


def texts(kind: str) -> bytes:
    info = PngInfo()
    if kind == "iTXt":
        info.add_itxt("Comment", "x" * 2_000_000, zip=True)
    else:
        info.add_text("Comment", "x" * 2_000_000, zip=kind == "zTXt")
    return saved(motif(), "PNG", pnginfo=info)


def many_texts() -> bytes:
    info = PngInfo()
    for number in range(90):
        info.add_text(f"Comment {number}", "x" * 900_000, zip=True)
    return saved(motif(), "PNG", pnginfo=info)


def late_text() -> bytes:
    whole = saved(motif(), "PNG")
    return whole[:-12] + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 3_000_000)) + whole[-12:]


def strokes(colour: tuple[int, ...], mode: str = "RGBA") -> Image.Image:
    """Draw the motif in one colour on nothing."""
    picture = Image.new(mode, SIZE)
    picture.paste(colour, BLOCK)
    return picture


def palette_on_nothing() -> bytes:
    picture = Image.new("P", SIZE, 1)
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.paste(0, BLOCK)
    return saved(picture, "PNG", transparency=1)


def one_transparent_colour() -> bytes:
    picture = Image.new("RGB", SIZE, (9, 9, 9))
    picture.paste((200, 0, 0), BLOCK)
    return saved(picture, "PNG", transparency=(9, 9, 9))


def animated(kind: str) -> bytes:
    others = [Image.new("L", SIZE, grey) for grey in (60, 120, 180)]
    return saved(motif(), kind, save_all=True, append_images=others, duration=40)


def lab() -> bytes:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(motif().convert("RGB"), *profiles, outputMode="LAB")
    assert converted is not None
    return saved(converted, "TIFF")


def values(mode: str, white: float) -> Image.Image:
    """Write the motif in greys of other than 8 bits."""
    picture = Image.new(mode, SIZE)
    picture.paste(white, BLOCK)
    return picture


def wide() -> bytes:
    return saved(motif((20_000, 100), (0, 0, 13_000, 30)).convert("1"), "PNG")


def noisy(kind: str, **more: Any) -> bytes:
    return saved(ImageOps.colorize(Image.effect_noise((200, 150), 90), "navy", "white"), kind, **more)


def _table() -> Iterator[Odd]:
    kinds: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "PNG": {}, "WEBP": {"lossless": True}}
    for kind, more in kinds.items():
        for turn in STORED:
            masked = AS_IT_IS if turn == 1 else TURNED
            yield Odd(f"exif-{turn}.{SUFFIXES[kind]}", partial(oriented, kind, turn, **more), masked=masked)
    yield Odd("exif-6.avif", partial(oriented, "AVIF", 6, quality=95), masked=TURNED)
    yield Odd("exif-6-cmyk.jpg", partial(oriented, "JPEG", 6, "CMYK", quality=95), masked=TURNED)
    yield Odd("exif-6-grey.jpg", partial(oriented, "JPEG", 6, "L", quality=95), masked=TURNED)
    yield Odd("exif-6-palette.png", partial(oriented, "PNG", 6, "P"), masked=TURNED)
    yield Odd("exif-6-after-the-pixels.png", late_exif, masked=TURNED)
    yield Odd("exif-9-which-is-none.jpg", lambda: saved(motif(), "JPEG", exif=tagged(9)))
    yield Odd("exif-broken.jpg", lambda: saved(motif(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff"))
    sideways = motif().transpose(Image.Transpose.ROTATE_90)
    yield Odd("tiff-orientation-6.tif", lambda: saved(sideways, "TIFF", tiffinfo={274: 6}))
    yield Odd("progressive.jpg", lambda: saved(motif(), "JPEG", progressive=True, quality=95))
    yield Odd("cmyk.jpg", lambda: saved(motif().convert("CMYK"), "JPEG", quality=95))
    yield Odd("cmyk.tif", lambda: saved(motif().convert("CMYK"), "TIFF"))
    yield Odd("lab.tif", lab, mask="the mode LAB, which cannot be a mask. Give it as PNG")
    yield Odd("ycbcr.tif", lambda: saved(motif().convert("YCbCr"), "TIFF"))
    yield Odd("1-bit.png", lambda: saved(motif().convert("1"), "PNG"))
    yield Odd("16-bit-grey.png", lambda: saved(values("I;16", 65_535), "PNG"))
    yield Odd("16-bit-of-8.png", lambda: saved(values("I;16", 255), "PNG"))
    yield Odd("16-bit-rgb.png", sixteen_bits_each)
    yield Odd("16-bit-big-endian.tif", lambda: saved(values("I;16B", 65_535), "TIFF"))
    yield Odd("32-bit.tif", lambda: saved(values("I", 2**31 - 1), "TIFF"))
    yield Odd("float-of-shares.tif", lambda: saved(values("F", 1.0), "TIFF"))
    yield Odd("float-of-bytes.tif", lambda: saved(values("F", 255.0), "TIFF"))
    yield Odd("float-infinite.tif", lambda: saved(values("F", float("inf")), "TIFF"), mask="no shades of grey")
    yield Odd("animated.gif", partial(animated, "GIF"))
    yield Odd("animated.webp", partial(animated, "WEBP"))
    yield Odd("animated.png", partial(animated, "PNG"))
    yield Odd("multi-page.tif", partial(animated, "TIFF"))
    yield Odd("two-pictures.mpo.jpg", lambda: saved(motif(), "MPO", save_all=True, append_images=[motif()], quality=95))
    yield Odd("black-on-nothing.png", lambda: saved(strokes((0, 0, 0, 255)), "PNG"))
    yield Odd("black-on-nothing.webp", lambda: saved(strokes((0, 0, 0, 255)), "WEBP", lossless=True))
    yield Odd("black-on-nothing.tif", lambda: saved(strokes((0, 0, 0, 255)), "TIFF"))
    yield Odd("red-on-nothing.png", lambda: saved(strokes((200, 0, 0, 255)), "PNG"))
    yield Odd("white-on-nothing.png", lambda: saved(strokes((255, 255, 255, 255)), "PNG"))
    yield Odd("grey-on-nothing.png", lambda: saved(strokes((120, 255), "LA"), "PNG"))
    yield Odd("palette-on-nothing.png", palette_on_nothing)
    yield Odd("one-transparent-colour.png", one_transparent_colour)
    yield Odd("palette.gif", lambda: saved(motif().convert("P"), "GIF"))
    yield Odd("avif.avif", lambda: saved(motif(), "AVIF", quality=95))
    yield Odd("text-2-MB.png", partial(texts, "tEXt"))
    yield Odd("text-2-MB-packed.png", partial(texts, "zTXt"))
    yield Odd("text-2-MB-international.png", partial(texts, "iTXt"))
    yield Odd("texts-80-MB-packed.png", many_texts)
    yield Odd("text-3-MB-after-the-pixels.png", late_text)
    yield Odd("profile-2-MB.png", lambda: saved(motif(), "PNG", icc_profile=b"x" * 2_000_000))
    yield Odd("1x1.png", lambda: saved(motif((1, 1), (0, 0, 1, 1)), "PNG"))
    yield Odd("20000x100.png", wide)
    yield Odd("nothing-at-all.png", lambda: saved(Image.new("RGBA", SIZE), "PNG"), mask="no white at all")
    yield Odd("all-black.png", lambda: saved(Image.new("L", SIZE), "PNG"), mask="no white at all")
    yield Odd("all-nearly-black.jpg", lambda: saved(Image.new("RGB", SIZE, (9, 4, 7)), "JPEG"), mask="no white at all")
    yield Odd("all-black.tif", lambda: saved(values("F", 0.0), "TIFF"), mask="no white at all")
    heic = b"\0\0\0\x18ftypheic" + bytes(64)
    yield Odd("iphone.heic", lambda: heic, mask="is a HEIC, which cannot be a mask. Give it as PNG")
    for kind, suffix in SUFFIXES.items():
        yield Odd(f"cut-off.{suffix}", partial(cut_off, kind), *3 * ["broken|cut off"])
    yield Odd("cut-off-progressive.jpg", lambda: cut(noisy("JPEG", progressive=True)), *3 * ["cut off"])
    yield Odd("cut-off-at-the-last-bytes.jpg", lambda: cut(noisy("JPEG"), 0.97), *3 * ["cut off"])


ODD = {each.name: each for each in _table()}


@cache
def content_of(name: str) -> bytes:
    return ODD[name].make()
