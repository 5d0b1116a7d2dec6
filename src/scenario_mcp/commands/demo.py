"""Make images on the sandbox through the real server: what a host does, in one command."""

import base64
import io
import os
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import anyio
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.types import TextContent

from scenario_mcp.nearness import beside
from scenario_mcp.server.results import DATA_KEY
from scenario_mcp.wording import quoted

TOOL = "post-img2img-ip-adapter-inferences"
PROMPT = "a phoenix over mountains, ink and wash"
SAMPLES = 5  # one more than get previews of their own, so that there is a contact sheet
SHEET = "contact-sheet.jpg"
BAR = 30  # characters


def run(image: Path | None, reference: Path | None, output: Path) -> int:
    """Start the server, make images from two pictures, save them and say where; 1 if that fails."""
    for given in (image, reference):
        if given is not None and not given.is_file():
            near = ", ".join(map(quoted, beside(given)))
            print(f"There is no file {given}.{f' Near to it: {near}.' if near else ''}", file=sys.stderr)
            return 1
    output = output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    source = (image or _write(output, "source.png", _source())).absolute()
    style = (reference or _write(output, "reference.png", _reference())).absolute()
    return anyio.run(_demo, source, style, output)


async def _demo(source: Path, style: Path, output: Path) -> int:
    arguments = {
        "modelId": "model_sandbox-ink",
        "prompt": PROMPT,
        "image": str(source),
        "ipAdapterImages": [str(style)],
        "strength": 0.5,
        "numSamples": SAMPLES,
        "width": 512,
        "height": 512,
        "seed": "7",
    }
    print(f"Starting scenario-mcp --sandbox and calling {TOOL}\n  image      {source}\n  reference  {style}")
    began = time.monotonic()
    # Started in the folder of the results: a .env where the person stands is not meant for the demo.
    command = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "scenario_mcp", "--sandbox"],
        cwd=output,
        env={
            "SCENARIO_OUTPUT_DIR": str(output),
            "SCENARIO_INPUT_DIRS": os.pathsep.join(str(path.parent) for path in (source, style)),
        },
    )
    async with McpClient(command) as host:
        ready = time.monotonic()
        result = await host.call_tool(TOOL, arguments, progress_callback=_bar)
        answered = time.monotonic()
    print(file=sys.stderr)
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    made: dict[str, Any] = result.structured_content or (result.meta or {}).get(DATA_KEY, {})
    if result.is_error or made.get("status") != "success":
        print(text)
        return 1
    files = [asset["path"] for asset in made["assets"] if "path" in asset]
    shown = [_write(output, SHEET, base64.b64decode(each.data)) for each in result.content if each.type == "image"]
    print(f"{made['status']}, {made['creativeUnitsCost']:g} Creative Units (of the sandbox: nothing real was billed)")
    print(f"server ready after {ready - began:.1f} s, files after {answered - ready:.1f} s more")
    for path in (*files, *sorted({f"{card}" for file in files for card in _cards(Path(file))}), *shown):
        print(f"  {path}")
    return 0 if len(files) == SAMPLES else 1


def _cards(file: Path) -> list[Path]:
    """Find the card beside a result: the file of its job that tells how it was made."""
    return list(file.parent.glob(f"{file.stem.rpartition('-')[0]}.json"))


async def _bar(progress: float, total: float | None, message: str | None) -> None:
    filled = round(BAR * progress / (total or 100))
    print(f"\r[{'#' * filled:<{BAR}}] {message or '':<20}", end="", file=sys.stderr, flush=True)


def _write(folder: Path, name: str, content: bytes) -> Path:
    """Write a picture under its name, or the first free one after it; an equal one that is there serves as it is."""
    stem, suffix = Path(name).stem, Path(name).suffix
    for number in count(1):
        path = folder / (name if number == 1 else f"{stem} ({number}){suffix}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            if path.is_file() and path.read_bytes() == content:
                return path
            continue
        return path
    raise AssertionError("count() never ends")  # pragma: no cover


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
