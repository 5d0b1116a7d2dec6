"""The forms of a picture, and what is no picture whatever it says."""

import io

import pytest
from PIL import Image

from scenario_mcp.media import sources
from support.pictures import data_url, png


@pytest.mark.parametrize("kind", sources.FORMATS)
def test_each_kind_of_picture_is_taken_as_a_data_url(kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, kind)

    url = data_url(out.getvalue(), f"image/{kind.lower()}")

    assert sources.read(url) == sources.Source("data URL", url)


@pytest.mark.parametrize(
    "text", ["asset_GTrL3mq4SXWyMxkOHRxlpw", "  asset_a-b_C9 "], ids=["plain", "with blanks around"]
)
def test_an_asset_id_is_recognized(text: str) -> None:
    assert sources.read(text) == sources.Source("asset id", text.strip())


@pytest.mark.parametrize("header", ["data:image/png;base64,", "DATA:image/png;BASE64,", "data:;base64,"])
def test_the_header_of_a_data_url_is_read_without_regard_to_case(header: str) -> None:
    url = header + data_url().partition(",")[2]

    assert sources.read(url).form == "data URL"


@pytest.mark.parametrize("kind", ["PPM", "BMP", "ICO", "EPS", "PDF", "XBM"])
def test_other_formats_are_refused(kind: str) -> None:
    out = io.BytesIO()
    Image.new("1" if kind == "XBM" else "RGB", (32, 32)).save(out, kind)

    with pytest.raises(sources.BadSource, match="does not decode to an image"):
        sources.read(data_url(out.getvalue()))


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (6_400, 6_400)).save(out, "PNG")

    with pytest.raises(sources.BadSource):
        sources.read(data_url(out.getvalue()))


def test_a_picture_with_a_broken_checksum_is_refused() -> None:
    content = bytearray(png(size=(64, 64)))
    content[-20] ^= 0xFF

    with pytest.raises(sources.BadSource):
        sources.read(data_url(bytes(content)))
