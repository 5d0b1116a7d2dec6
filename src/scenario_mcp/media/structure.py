"""What a picture file is made of, looked at before Pillow is: its parsers take time and memory for each part."""

import struct
import zlib
from collections.abc import Iterator

MOST_SEGMENTS = 1_000  # of a JPEG before its pixels, and of a PNG besides its pixels; profiles have up to 255
MOST_STRIPS, MOST_VALUES = 50_000, 1_000_000  # of a TIFF, and of a list in it
STRIPS, BYTES = (273, 279, 324, 325), (1, 2, 6, 7)  # tags that list strips and tiles; kinds of values that are bytes
PIXELS = (b"IDAT", b"fdAT", b"fcTL")
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
MOST_UNPACKED = 1_000_000  # bytes of a profile in a PNG; Pillow takes one for broken that unpacks to more than a MiB


def is_plain(content: bytes) -> bool:
    """Tell whether a picture has no more parts than pictures have; True for kinds whose parts cost nothing."""
    try:
        if content.startswith(b"\xff\xd8\xff"):
            return _are_few(_segments(content))
        if content.startswith(PNG):
            return _are_few(kind for kind, _, _ in _chunks(content) if kind not in PIXELS)
        if content.startswith((b"II*\0", b"MM\0*")):
            return _has_few_strips(content)
    except struct.error:  # it is cut off, which Pillow tells
        return not content.startswith((b"II", b"MM"))
    return True


def without_texts(content: bytes) -> bytes:
    """Leave out of a PNG what says nothing of its pixels and may unpack to anything: texts, and endless profiles."""
    if not content.startswith(PNG):
        return content
    kept, since = [], 0
    try:
        for kind, begin, end in _chunks(content):
            if end <= len(content) and (kind in TEXTS or (kind == b"iCCP" and _is_long(content[begin + 8 : end - 4]))):
                kept.append(content[since:begin])
                since = end
    except struct.error:  # it is cut off, which Pillow tells
        return content
    return b"".join((*kept, content[since:])) if kept else content


def has_late_exif(content: bytes) -> bool:
    """Tell whether a PNG, one that is whole, says how it is to be turned only after its pixels."""
    if not content.startswith(PNG):
        return False
    kinds = [kind for kind, _, _ in _chunks(content) if kind in (b"IDAT", b"eXIf")]
    return b"eXIf" in kinds and kinds[0] == b"IDAT"


def _is_long(profile: bytes) -> bool:
    """Tell whether the profile in a chunk unpacks to more than is wanted: a name, a zero, a zero for zlib, the rest."""
    try:
        unpacked = zlib.decompressobj().decompress(profile.partition(b"\0")[2][1:], MOST_UNPACKED + 1)
    except zlib.error:
        return False
    return len(unpacked) > MOST_UNPACKED


def _are_few(parts: Iterator[object]) -> bool:
    return sum(1 for _, _ in zip(parts, range(MOST_SEGMENTS + 1), strict=False)) <= MOST_SEGMENTS


def _segments(content: bytes) -> Iterator[int]:
    """Give the markers of a JPEG up to its pixels: ITU-T T.81, annex B.1."""
    at = 2
    while at < len(content):
        mark, kind, length = struct.unpack_from(">BBH", content, at)
        if mark != 0xFF or kind == 0xDA:
            return
        yield kind
        at += 1 if kind == 0xFF else 2 + max(length, 2)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give the chunks of a PNG, each by name, beginning and end: https://www.w3.org/TR/png-3/#5Chunk-layout."""
    at = len(PNG)
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, at, at + 12 + length
        at += 12 + length


def _has_few_strips(content: bytes) -> bool:
    """Walk the first directory of a TIFF: TIFF 6.0, section 2."""
    order = "<" if content.startswith(b"I") else ">"
    [at] = struct.unpack_from(f"{order}I", content, 4)
    [count] = struct.unpack_from(f"{order}H", content, at)
    entries = [struct.unpack_from(f"{order}HHI", content, at + 2 + 12 * number) for number in range(count)]
    lists = [(tag, values) for tag, kind, values in entries if kind not in BYTES]
    return all(values <= (MOST_STRIPS if tag in STRIPS else MOST_VALUES) for tag, values in lists)
