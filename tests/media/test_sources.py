"""The four forms of a file, told apart by their text alone."""

import base64
import random
from typing import Any

import pytest

from scenario_mcp.media import sources
from scenario_mcp.media.sources import AssetId, BadSource, DataUrl, FilePath, Link
from support.odd_pictures import motif, saved
from support.pictures import data_url

FORMS: list[tuple[str, Any]] = [
    ("asset_GTrL3mq4SXWyMxkOHRxlpw", AssetId("asset_GTrL3mq4SXWyMxkOHRxlpw")),
    ("  asset_a-b_C9 ", AssetId("asset_a-b_C9")),
    ("https://cdn.cloud.scenario.com/assets-transform/asset_x?Policy=p&Signature=s", AssetId("asset_x")),
    ("https://cdn.scenario.com/assets/asset_x", AssetId("asset_x")),
    ("http://127.0.0.1:4321/assets-transform/asset_sandbox_0f?Policy=p", AssetId("asset_sandbox_0f")),
    ("https://cdn.example.com/assets/asset_x", Link("https://cdn.example.com/assets/asset_x")),
    ("https://example.com/a.png?size=1#part", Link("https://example.com/a.png?size=1#part")),
    ("HTTPS://example.com/a", Link("HTTPS://example.com/a")),
    (data_url(), DataUrl(data_url())),
    ("DATA:image/png;BASE64,AAAA", DataUrl("DATA:image/png;BASE64,AAAA")),
    ("~/hero.png", FilePath("~/hero.png")),
    ("~", FilePath("~")),
    ("pictures/hero", FilePath("pictures/hero")),
    ("C:\\ink.png", FilePath("C:\\ink.png")),
    ("C:ink", FilePath("C:ink")),
    ("hero.JPEG", FilePath("hero.JPEG")),
    ("asset_of_mine.png", FilePath("asset_of_mine.png")),
    ("file:///home/me/a%20b.png", FilePath("/home/me/a b.png")),
    ("file://localhost/a.png", FilePath("/a.png")),
    ("file:///C:/a.png", FilePath("C:/a.png")),
]


@pytest.mark.parametrize(("text", "source"), FORMS, ids=[form[0][:40] for form in FORMS])
def test_each_form_is_recognized(text: str, source: Any) -> None:
    assert sources.read(text) == source


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hero", "none of the four forms"),
        ("asset_", "none of the four forms"),
        ("", "none of the four forms"),
        ("http://example.com/a.png", "a scheme that cannot be used"),
        ("ftp://example.com/a.png", "a scheme that cannot be used"),
        ("javascript:alert(1)", "a scheme that cannot be used"),
        ("s3://bucket/a.png", "a scheme that cannot be used"),
        ("http://127.0.0.1:80/assets/asset_real", "a scheme that cannot be used"),
        ("https://me:secret@example.com/a.png", "credentials inside"),
        ("https://me@example.com/a.png", "credentials inside"),
        ("https://", "not a whole https URL"),
        ("https:///a.png", "not a whole https URL"),
        ("https://[::1/a.png", "not a whole https URL"),
        ("https://example.com:99999/a.png", "not a whole https URL"),
        ("https://example.com/a b.png", "not a whole https URL"),
        ("https://example.com/" + "a" * 9_000, "not a whole https URL"),
        ("\\\\server\\share\\a.png", "a network or device path"),
        ("//server/share/a.png", "a network or device path"),
        ("\\\\?\\C:\\a.png", "a network or device path"),
        ("\\\\.\\PhysicalDrive0", "a network or device path"),
        ("/\\server/a.png", "a network or device path"),
        ("file://server/share/a.png", "a file URL of another machine"),
        ("file:////server/share/a.png", "a network or device path"),
        ("~/a\0.png", "with a NUL in it"),
        ("file:///a%00.png", "with a NUL in it"),
    ],
)
def test_what_is_none_of_them_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadSource, match=why):
        sources.read(text)


PAYLOAD = data_url().partition(",")[2]
LINES = [PAYLOAD[at : at + 20] for at in range(0, len(PAYLOAD), 20)]
SPELLINGS = {
    "as it is": PAYLOAD,
    "on lines": "\n".join(LINES),
    "on lines of Windows": "\r\n".join(LINES) + "\r\n",
    "with blanks": " ".join(LINES),
    "on lines that were escaped twice": "\\n".join(LINES),
    "for URLs": PAYLOAD.translate(str.maketrans("+/", "-_")),
    "without end signs": PAYLOAD.rstrip("="),
    "with slashes escaped": PAYLOAD.replace("/", "\\/"),
    "in percent": PAYLOAD.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D"),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("header", ["data:image/png;base64,", "data:image/png;base64,\n", ""])
def test_base64_is_read_however_it_is_spelt(header: str, spelling: str) -> None:
    source = sources.read(header + spelling if header or "%" not in spelling else PAYLOAD)

    assert isinstance(source, DataUrl)
    assert sources.decode(source).url == data_url()
    assert sources.named(source) == sources.named(DataUrl(data_url()))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_bare_base64_of_a_picture_is_one(kind: str) -> None:
    content = saved(motif().convert("RGB"), kind)

    source = sources.read(base64.b64encode(content).decode())

    assert isinstance(source, DataUrl)
    assert sources.decode(source).content == content


@pytest.mark.parametrize("content", [b"%PDF-1.7\n" + bytes(range(256)), random.Random(1).randbytes(9_000)])
def test_base64_of_anything_else_is_named_for_what_it_is(content: bytes) -> None:
    with pytest.raises(BadSource, match="looks like base64, but of no picture"):
        sources.read(base64.b64encode(content).decode())


@pytest.mark.parametrize(
    "path", ["/9j/hero.png", "/9j/4AAQSkZJRg", "iVBORw0KGgo/hero", f"~/{'A1b/' * 200}x.png", f"/{'A1b/' * 90}x"]
)
def test_paths_that_look_a_little_like_base64_are_paths(path: str) -> None:
    assert sources.read(path) == FilePath(path)


@pytest.mark.parametrize("header", ["data:image/png;base64,", "DATA:image/png;BASE64,", "data:;base64,"])
def test_the_header_of_a_data_url_is_read_without_regard_to_case(header: str) -> None:
    decoded = sources.decode(DataUrl(header + data_url().partition(",")[2]))

    assert decoded.url == data_url()
    assert decoded.picture.kind.suffix == ".png"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("data:image/png;base64,", "does not decode to an image"),
        ("data:image/png;base64,aGVsbG8=", "does not decode to an image"),
        ("data:image/png;base64,@@@", "broken or cut off"),
        ("data:image/png,iVBORw0KGgo", "without base64 content"),
        (data_url(mime="text/html"), "does not decode to an image"),
        (data_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "does not decode to an image"),
    ],
)
def test_a_data_url_that_holds_no_picture_is_refused(url: str, why: str) -> None:
    with pytest.raises(BadSource, match=why):
        sources.decode(DataUrl(url))
