"""The forms in which a file may be given, told apart by their text alone; nothing is opened here."""

import base64
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from scenario_mcp.media import inline, pictures, readings
from scenario_mcp.media.pictures import Picture

FOUR_FORMS = "an asset id (asset_...), a path of a picture file, an https URL, or a data URL"
SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif")
LONGEST_URL = 8_000

_ASSET_ID = re.compile(r"asset_[A-Za-z0-9_-]+")
_DATA_URL = re.compile(r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(;[\w.+-]+=[^;,]*)*;\s*base64\s*,", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_CDN_PATH = re.compile(r"/assets(?:-transform)?/(asset_[A-Za-z0-9_-]+)")
_CDN_HOSTS = ("cdn.cloud.scenario.com", "cdn.scenario.com")
_SANDBOX_URL = re.compile(
    r"http://(?:127\.0\.0\.1:\d+|cdn\.sandbox)/assets(?:-transform)?/(asset_sandbox_\w+)(?:\?.*)?"
)


class BadSource(ValueError):
    """A source that cannot be used; the message completes the sentence "`field` ..." and names the fix."""


@dataclass(frozen=True)
class AssetId:
    """A file that Scenario has."""

    id: str


@dataclass(frozen=True)
class DataUrl:
    """A picture inside the call, not yet decoded."""

    url: str


@dataclass(frozen=True)
class Link:
    """A file on the web, which Scenario fetches."""

    url: str


@dataclass(frozen=True)
class FilePath:
    """A file on this machine, as it was written: neither resolved nor looked at."""

    text: str


Source = AssetId | DataUrl | Link | FilePath


def read(text: str) -> Source:
    """Tell which form a source has. Raises `BadSource` for what is none of the four.

    A URL of Scenario's CDN, or of a sandbox's, is the asset that it shows; bare base64 of a picture is a data URL.
    """
    given = text.strip()
    if given[:5].lower() == "data:":
        return DataUrl(given)
    if inline.is_picture(given):
        return DataUrl(f"data:;base64,{given}")
    if inline.is_other_base64(given):
        raise BadSource(f"looks like base64, but of no picture. Give {FOUR_FORMS}.")
    if given[:8].lower() == "https://":
        return _link(given)
    if shown := _SANDBOX_URL.fullmatch(given):
        return AssetId(shown[1])
    if given[:5].lower() == "file:":
        return _file_url(given)
    if readings.has_scheme(given):
        raise BadSource(f"has a scheme that cannot be used. Give {FOUR_FORMS}.")
    if _ASSET_ID.fullmatch(given):
        return AssetId(given)
    if _looks_like_a_path(given) or any(_looks_like_a_path(each.text) for each in readings.of(given)):
        return _path(text)
    raise BadSource(f"is none of the four forms it can have. Give {FOUR_FORMS}.")


def _looks_like_a_path(text: str) -> bool:
    return (
        text.startswith("~")
        or any(separator in text for separator in "/\\")
        or bool(_DRIVE.match(text))
        or text.lower().endswith(SUFFIXES)
    )


def _path(text: str) -> FilePath:
    if "\0" in text:
        raise BadSource("is a path with a NUL in it. Give the plain path of a file.")
    if readings.is_network(readings.bare(text)) or readings.is_network(text):
        raise BadSource("is a network or device path, which is not opened. Copy the file to this machine first.")
    return FilePath(text)


def _file_url(url: str) -> FilePath:
    path = readings.path_of(url)
    if path is None:
        raise BadSource("is a file URL of another machine, which is not opened. Copy the file to this machine first.")
    return _path(path)


def _link(url: str) -> AssetId | Link:
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:  # from a port or an address that is none
        sound = False
    if not sound or len(url) > LONGEST_URL or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        raise BadSource("is not a whole https URL. Give one like https://example.com/picture.png.")
    if "@" in parts.netloc:
        raise BadSource("is a URL with credentials inside, which would be passed on. Give one without.")
    shown = _CDN_PATH.fullmatch(parts.path)
    return AssetId(shown[1]) if shown and parts.hostname in _CDN_HOSTS else Link(url)


def named(source: DataUrl) -> str:
    """Name a data URL by the SHA-256 of its bytes, whatever they are; by its own text if it holds none."""
    content = inline.content_of(source.url.partition(",")[2])
    return source.url if content is None else f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class Decoded:
    """The picture in a data URL; `url` is spelt under the MIME type of what it holds."""

    url: str
    content: bytes
    picture: Picture


def decode(source: DataUrl) -> Decoded:
    """Decode a data URL and the picture in it, which takes time. Raises `BadSource`."""
    url = source.url
    header = _DATA_URL.match(url)
    if header is None:
        raise BadSource("is a data URL without base64 content. It must look like data:image/png;base64,iVBORw0...")
    content = inline.content_of(url[header.end() :])
    if content is None:
        raise BadSource(
            "is a data URL whose base64 is broken or cut off. Send it whole, or give an asset id or a path."
        )
    try:
        if not (header["mime"] or "image/").lower().startswith("image/"):
            raise pictures.BadPicture
        picture = pictures.decode(content)
    except pictures.BadPicture:
        raise BadSource(
            f"is a data URL that does not decode to an image. Send a whole {pictures.KINDS}, or give an asset id."
        ) from None
    return Decoded(data_url(picture.kind.mime_type, content), content, picture)


def data_url(mime_type: str, content: bytes) -> str:
    """Write a picture as a data URL."""
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"
