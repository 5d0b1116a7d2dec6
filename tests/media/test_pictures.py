"""What a picture is: by its content, never by its name."""

import io

import pytest
from PIL import Image

from scenario_mcp.media import pictures
from scenario_mcp.media.masks import Mask
from scenario_mcp.media.pictures import BadPicture
from scenario_mcp.media.sources import BadSource
from support.paths import bomb
from support.pictures import png


def encoded(kind: str, size: tuple[int, int] = (32, 24), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 1 if mode == "1" else "teal").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_each_kind_of_picture_is_recognized(kind: str) -> None:
    found = pictures.inspect(encoded(kind))

    assert found.kind.mime_type == f"image/{kind.lower()}"
    assert found.size == (32, 24)
    assert pictures.decode(encoded(kind)) == found


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
def test_heic_is_recognized_by_its_brand_and_not_opened(brand: bytes) -> None:
    assert pictures.inspect(b"\0\0\0\x18ftyp" + brand + b"rest").kind.suffix == ".heic"


NO_PICTURES = {
    "text": b"-----BEGIN OPENSSH PRIVATE KEY-----",
    "empty": b"",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "html with a picture after it": b"<html>" + png(),
    "pdf with a picture after it": b"%PDF-1.7\n" + png(),
    "zip": b"PK\x03\x04" + png(),
    "a mere signature": b"\x89PNG\r\n\x1a\n",
    "a gif that is a script": b"GIF89a/*" + b"*/=1;alert(1)",
    "a video": b"\0\0\0\x18ftypisom",
    "a bomb": bomb(),
    "a large one": bomb(10_001, 10_000),
    **{kind: encoded(kind) for kind in ("PPM", "BMP", "ICO", "EPS", "PDF", "TGA", "PCX")},
    "XBM": encoded("XBM", mode="1"),
}


@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(BadPicture):
        pictures.inspect(content)


def test_a_picture_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(BadPicture, match="larger than 100 MB"):
        pictures.inspect(png() + bytes(pictures.MOST_BYTES))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_decoding_finds_what_is_cut_off(kind: str) -> None:
    content = encoded(kind, (200, 200))

    with pytest.raises(BadPicture):
        pictures.decode(content[: len(content) * 2 // 3])


def test_a_broken_checksum_is_found() -> None:
    content = bytearray(png(size=(64, 64)))
    content[-20] ^= 0xFF

    with pytest.raises(BadPicture):
        pictures.inspect(bytes(content))


def test_a_mask_becomes_grey_and_what_is_transparent_keeps() -> None:
    picture = Image.new("RGBA", (4, 1), (255, 255, 255, 255))
    picture.putpixel((0, 0), (0, 0, 0, 255))
    picture.putpixel((1, 0), (255, 255, 255, 0))
    out = io.BytesIO()
    picture.save(out, "PNG")

    mask = Mask(out.getvalue())

    assert mask.clear
    from scenario_mcp.media.sources import DataUrl, decode

    with Image.open(io.BytesIO(decode(DataUrl(mask.url)).content)) as made:
        assert made.mode == "L"
        assert [made.getpixel((x, 0)) for x in range(4)] == [0, 0, 255, 255]


def test_a_mask_that_is_a_photograph_is_not_clear() -> None:
    assert not Mask(png("teal")).clear


def test_a_mask_of_sixteen_bits_keeps_its_shades() -> None:
    picture = Image.new("I;16", (2, 1))
    picture.putpixel((1, 0), 65_535)
    out = io.BytesIO()
    picture.save(out, "PNG")

    assert Mask(out.getvalue()).clear


def test_a_mask_in_heic_is_refused_with_the_way_on() -> None:
    with pytest.raises(BadSource, match="Give it as PNG"):
        Mask(b"\0\0\0\x18ftypheic" + bytes(64))


def test_a_mask_that_is_broken_is_refused() -> None:
    content = encoded("JPEG", (200, 200))

    with pytest.raises(BadSource, match="broken or cut off"):
        Mask(content[: len(content) // 2])
