"""How many parts a picture file has, counted before Pillow sees it: its parsers take time and memory for each one."""

import struct
from collections.abc import Iterator

MOST_SEGMENTS = 1_000  # of a JPEG before its pixels, and of a PNG besides its pixels; profiles have up to 255
MOST_STRIPS, MOST_VALUES = 50_000, 1_000_000  # of a TIFF, and of a list in it
STRIPS, BYTES = (273, 279, 324, 325), (1, 2, 6, 7)  # tags that list strips and tiles; kinds of values that are bytes
PIXELS = (b"IDAT", b"fdAT", b"fcTL")


def is_plain(content: bytes) -> bool:
    """Tell whether a picture has no more parts than pictures have; True for kinds whose parts cost nothing."""
    try:
        if content.startswith(b"\xff\xd8\xff"):
            return _are_few(_segments(content))
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return _are_few(kind for kind in _chunks(content) if kind not in PIXELS)
        if content.startswith((b"II*\0", b"MM\0*")):
            return _has_few_strips(content)
    except struct.error:  # it is cut off, which Pillow tells
        return not content.startswith((b"II", b"MM"))
    return True


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


def _chunks(content: bytes) -> Iterator[bytes]:
    """Give the names of the chunks of a PNG: https://www.w3.org/TR/png-3/#5Chunk-layout."""
    at = 8
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind
        at += 12 + length


def _has_few_strips(content: bytes) -> bool:
    """Walk the first directory of a TIFF: TIFF 6.0, section 2."""
    order = "<" if content.startswith(b"I") else ">"
    [at] = struct.unpack_from(f"{order}I", content, 4)
    [count] = struct.unpack_from(f"{order}H", content, at)
    entries = [struct.unpack_from(f"{order}HHI", content, at + 2 + 12 * number) for number in range(count)]
    lists = [(tag, values) for tag, kind, values in entries if kind not in BYTES]
    return all(values <= (MOST_STRIPS if tag in STRIPS else MOST_VALUES) for tag, values in lists)
