"""Pictures that are small to send and large to decode: many at once fill no memory, and none is kept."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scenario_mcp.sandbox.world import Draft, World
from support.agents import TOOL
from support.stdio import StdioHost, environment, running

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.nightly,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]

SIDE = 6_300  # 39.7 million pixels, the most that are decoded
CALLS = 12


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def blank(mode: str) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (SIDE, SIDE)).save(out, "PNG")
    return out.getvalue()


def memory(host: StdioHost, kind: str) -> int:
    lines = Path(f"/proc/{host.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1_000 for line in lines if line.startswith(kind))


@pytest.mark.parametrize(("mode", "most"), [("RGB", 350_000_000), ("RGBA", 600_000_000)])
async def test_twelve_calls_with_previews_of_large_pictures_decode_them_one_at_a_time(
    base_url: str, quick_world: World, tmp_path: Path, mode: str, most: int
) -> None:
    content = blank(mode)
    ids = [quick_world.store(Draft("image/png", lambda: content, SIDE, SIDE)).id for _ in range(CALLS)]
    async with running("modern", environ=environment(base_url, SCENARIO_OUTPUT_DIR=str(tmp_path))) as host:
        await host.hello()
        calls = [
            host.begin("tools/call", {"name": "show-assets", "arguments": {"assetIds": [asset_id], "save": True}})
            for asset_id in ids
        ]
        open_calls = set(calls)
        while open_calls:
            message = await host.read()
            assert message is not None
            if message.get("id") in open_calls:
                open_calls.remove(message["id"])
                assert not message["result"]["isError"]

        assert memory(host, "VmHWM") < most
        assert memory(host, "VmRSS") < 200_000_000


async def test_twelve_calls_with_large_masks_convert_them_one_at_a_time(
    base_url: str, quick_world: World, tmp_path: Path
) -> None:
    (tmp_path / "mask.png").write_bytes(blank("RGBA"))
    hero = quick_world.store(Draft("image/png", lambda: blank("L"), SIDE, SIDE)).id
    settings = environment(base_url, SCENARIO_INPUT_DIRS=str(tmp_path), SCENARIO_OUTPUT_DIR="none")
    given: dict[str, Any] = {"modelId": "model_sandbox-ink", "prompt": "p", "image": hero, "ipAdapterImages": [hero]}
    async with running("modern", environ=settings) as host:
        await host.hello()
        masked = given | {"mask": str(tmp_path / "mask.png"), "dryRun": True}
        open_calls = {
            host.begin("tools/call", {"name": TOOL, "arguments": masked | {"seed": str(seed)}}) for seed in range(CALLS)
        }
        while open_calls:
            message = await host.read()
            assert message is not None
            open_calls.discard(message.get("id", -1))

        assert memory(host, "VmHWM") < 600_000_000
