"""Make images on the sandbox through the real server: what a host does, in one command."""

import base64
import io
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import anyio
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.types import TextContent

from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline

TOOL = "post-img2img-ip-adapter-inferences"
PROMPT = "a phoenix over mountains, ink and wash"
SAMPLES = 2
BAR = 30  # characters
PATIENCE = 60.0  # seconds for each download


def run(image: Path | None, reference: Path | None, output: Path) -> int:
    """Start the server, make images from two pictures, save them and say where; 1 if that fails."""
    for given in (image, reference):
        if given is not None and not given.is_file():
            print(f"There is no file {given}.", file=sys.stderr)
            return 1
    output.mkdir(parents=True, exist_ok=True)
    source = image or _write(output, "source", _source())
    style = reference or _write(output, "reference", _reference())
    return anyio.run(_demo, source, style, output)


async def _demo(source: Path, style: Path, output: Path) -> int:
    arguments = {
        "modelId": "model_sandbox-ink",
        "prompt": PROMPT,
        "image": _data_url(source),
        "ipAdapterImages": [_data_url(style)],
        "strength": 0.5,
        "numSamples": SAMPLES,
        "width": 512,
        "height": 512,
        "seed": "7",
    }
    print(f"Starting scenario-mcp --sandbox and calling {TOOL}\n  image      {source}\n  reference  {style}")
    began = time.monotonic()
    # Started in the folder of the results: a .env where the person stands is not meant for the demo.
    command = StdioServerParameters(command=sys.executable, args=["-m", "scenario_mcp", "--sandbox"], cwd=output)
    async with McpClient(command) as host:
        ready = time.monotonic()
        result = await host.call_tool(TOOL, arguments, progress_callback=_bar)
        answered = time.monotonic()
        print(file=sys.stderr)
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
        made: dict[str, Any] = result.structured_content or {}
        if result.is_error or made.get("status") != "success":
            print(text)
            return 1
        # The sandbox ends with the server, so the files are fetched while both run.
        saved = await _save(made["assets"], output)
    print(f"{made['status']}, {made['creativeUnitsCost']:g} Creative Units (of the sandbox: nothing real was billed)")
    print(f"server ready after {ready - began:.1f} s, images after {answered - ready:.1f} s more")
    for path in saved:
        print(f"  {path}")
    return 0


async def _bar(progress: float, total: float | None, message: str | None) -> None:
    filled = round(BAR * progress / (total or 100))
    print(f"\r[{'#' * filled:<{BAR}}] {message or '':<20}", end="", file=sys.stderr, flush=True)


async def _save(assets: list[dict[str, Any]], output: Path) -> list[Path]:
    client = Client("http://127.0.0.1", None, trust_env=False)
    try:
        return [
            _write(output, f"result-{number}", await _download(client, asset["url"]))
            for number, asset in enumerate(assets, 1)
        ]
    finally:
        await client.aclose()


async def _download(client: Client, url: str) -> bytes:
    got = bytearray()
    await client.download(url, Deadline.after(PATIENCE), got.extend)
    return bytes(got)


def _write(folder: Path, name: str, content: bytes) -> Path:
    """Write a picture under its name, or the first free one after it: files that are there stay as they are."""
    for number in count(1):
        path = folder / (f"{name}.png" if number == 1 else f"{name} ({number}).png")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        return path
    raise AssertionError("count() never ends")  # pragma: no cover


@dataclass(frozen=True)
class _Kind:
    mime: str
    signature: bytes


_KINDS = (_Kind("image/png", b"\x89PNG"), _Kind("image/jpeg", b"\xff\xd8"), _Kind("image/webp", b"RIFF"))


def _data_url(path: Path) -> str:
    content = path.read_bytes()
    mime = next((kind.mime for kind in _KINDS if content.startswith(kind.signature)), "application/octet-stream")
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def _source() -> bytes:
    """Draw mountains under a sun, in flat greys: a picture whose structure is easy to recognize."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (512, 512), (225, 225, 220))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((330, 70, 430, 170), fill=(250, 250, 245))
    draw.polygon(((0, 400), (150, 180), (290, 400)), fill=(120, 125, 130))
    draw.polygon(((170, 430), (340, 220), (512, 430)), fill=(90, 95, 100))
    draw.rectangle((0, 395, 512, 512), fill=(160, 165, 165))
    draw.line(((150, 330), (256, 250), (362, 330)), fill=(40, 40, 45), width=14, joint="curve")
    return _png(picture)


def _reference() -> bytes:
    """Draw warm overlapping washes: a picture whose colours are easy to recognize."""
    from PIL import Image, ImageDraw, ImageFilter

    picture = Image.new("RGB", (512, 512), (245, 222, 179))
    draw = ImageDraw.Draw(picture)
    for step, colour in enumerate(((178, 34, 34), (255, 140, 0), (72, 24, 16), (255, 200, 80))):
        draw.ellipse((40 + 90 * step, 60 + 70 * step, 240 + 90 * step, 260 + 60 * step), fill=colour)
    return _png(picture.filter(ImageFilter.GaussianBlur(18)))


def _png(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
