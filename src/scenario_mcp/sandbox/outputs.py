"""Small real files of the kinds that are no images: a video, a sound, a solid, a text."""

import io
import json
import math
import random
import struct
import wave

from PIL import Image, ImageDraw

from scenario_mcp.sandbox.painter import MARK

FRAMES, RATE = 12, 8  # of the video, and how many make a second
SIDE = 96  # pixels


def video(seed: int) -> bytes:
    """Make an AVI of Motion JPEG frames: a ball that crosses the picture."""
    frames = [_frame(step / FRAMES, seed) for step in range(FRAMES)]
    header = struct.pack("<14I", 10**6 // RATE, 0, 0, 0x10, FRAMES, 0, 1, max(map(len, frames)), SIDE, SIDE, 0, 0, 0, 0)
    stream = struct.pack("<4s4sIIIIIIIIII4H", b"vids", b"MJPG", 0, 0, 0, 1, RATE, 0, FRAMES, 0, 0, 0, 0, 0, SIDE, SIDE)
    bitmap = struct.pack("<IiiHH4sIiiII", 40, SIDE, SIDE, 1, 24, b"MJPG", SIDE * SIDE * 3, 0, 0, 0, 0)
    headers = _list(
        b"hdrl", _chunk(b"avih", header) + _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", bitmap))
    )
    movie = _list(b"movi", b"".join(_chunk(b"00dc", frame) for frame in frames))
    return _chunk(b"RIFF", b"AVI " + headers + movie)


def audio(seed: int) -> bytes:
    """Make a WAV of half a second: one tone, its pitch by the seed."""
    pitch, rate = 220 + seed % 440, 8000
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        samples = (int(12000 * math.sin(2 * math.pi * pitch * step / rate)) for step in range(rate // 2))
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def solid(seed: int) -> bytes:
    """Make a GLB of one tetrahedron, its height by the seed."""
    height = 1 + seed % 3
    corners = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, float(height), 0.0))
    faces = (0, 2, 1, 0, 1, 3, 1, 2, 3, 0, 3, 2)
    data = b"".join(struct.pack("<3f", *corner) for corner in corners) + struct.pack("<12H", *faces)
    description = {
        "asset": {"version": "2.0", "generator": MARK},
        "buffers": [{"byteLength": len(data)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 48},
            {"buffer": 0, "byteOffset": 48, "byteLength": 24},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 4,
                "type": "VEC3",
                "min": [0, 0, 0],
                "max": [1, height, 1],
            },
            {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
        ],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    text = json.dumps(description).encode()
    parts = ((b"JSON", text + b" " * (-len(text) % 4)), (b"BIN\0", data + b"\0" * (-len(data) % 4)))
    body = b"".join(struct.pack("<I4s", len(part), kind) + part for kind, part in parts)
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def text(prompt: str) -> bytes:
    """Make a text that says what was asked for."""
    return f"{MARK}: a story about {prompt}.\n".encode()


def _frame(time: float, seed: int) -> bytes:
    chance = random.Random(seed)  # noqa: S311  # art
    picture = Image.new("RGB", (SIDE, SIDE), tuple(chance.randint(40, 215) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    x = round(time * SIDE)
    draw.ellipse((x - 12, 36, x + 12, 60), fill="white")
    draw.text((4, SIDE - 14), MARK, fill="white")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)
