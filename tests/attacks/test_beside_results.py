"""What others put beside the results, and disks that do not answer: at most a note, and no other call waits for it."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client as McpClient

from scenario_mcp.media.files import Allowed
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support.agents import TOOL, WAIT, made, text_of
from support.clock import IMPATIENT
from support.hanging import DeadDisk, NetworkFolder, fifos, hanging
from support.network import SandboxNetwork
from support.nightly import by_day
from support.pictures import png
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

JOBS, FILES = "GET /v1/jobs/", "GET /assets-transform/"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "Scenario"


Start = Callable[..., McpClient]


@pytest.fixture
def start(network: SandboxNetwork, shelf: Path) -> Start:
    def agent(**more: Any) -> McpClient:
        client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
        options: dict[str, Any] = {"allowed": Allowed((Path.home(),), home=Path.home()), "previews": False} | more
        return McpClient(create_server(services_over(client, 45, shelf=shelf, **options)), raise_exceptions=True)

    return agent


@pytest.fixture
async def agent(start: Start) -> AsyncIterator[McpClient]:
    async with start() as agent:
        yield agent


@pytest.fixture
async def job(agent: McpClient, arguments: dict[str, Any]) -> dict[str, Any]:
    """A job whose results are saved: its id, and the paths of its picture and its card."""
    content = made(await agent.call_tool(TOOL, arguments | {"numSamples": 1}))
    path = Path(content["assets"][0]["path"])
    card = path.with_name(f"{path.stem.removesuffix('-1')}.json")
    assert card.is_file()
    return {"id": content["jobId"], "path": path, "card": card}


@pytest.fixture
async def done(world: World, hero: str) -> Callable[[], str]:
    """Make a job that is done, and give its id."""
    return lambda: world.accept("flux", {}, 1.0, [world.assets[hero].draft], {}, at_once=True).id


async def saved_again(agent: McpClient, job: dict[str, Any]) -> Path:
    """Wait for the job once more, and give where its picture is now."""
    began = time.monotonic()
    content = made(await agent.call_tool(WAIT, {"jobIds": [job["id"]]}))["jobs"][0]
    assert content["status"] == "success"
    assert "path" in content["assets"][0], content.get("notes")
    assert time.monotonic() - began < 5
    return Path(content["assets"][0]["path"])


async def good_upload(agent: McpClient) -> float:
    """Upload a picture from a disk that answers, and tell how many seconds that took."""
    (Path.home() / "good.png").write_bytes(png("green"))
    began = anyio.current_time()
    result = await agent.call_tool("upload-asset", {"file": "~/good.png"})
    assert not result.is_error, text_of(result)
    return anyio.current_time() - began


async def test_pipes_named_like_cards_hold_up_neither_a_job_nor_an_upload(
    agent: McpClient, job: dict[str, Any], shelf: Path
) -> None:
    job["path"].unlink()
    named = [shelf / f"2026-01-{day:02}" / f"x{job['card'].stem[-5:]}.json" for day in range(1, 13)]
    with fifos(*named):
        async with anyio.create_task_group() as calls:
            calls.start_soon(saved_again, agent, job)
            assert await good_upload(agent) < 5
        assert await saved_again(agent, job) == job["path"]


async def test_a_pipe_in_place_of_the_card_costs_no_result(agent: McpClient, job: dict[str, Any]) -> None:
    job["card"].unlink()
    with fifos(job["card"]):
        first = await saved_again(agent, job)
        assert first.read_bytes() == job["path"].read_bytes()
        assert await saved_again(agent, job) == first  # its card stands elsewhere


async def test_pipes_in_place_of_every_card_cost_a_note_and_no_second_copy(
    agent: McpClient, job: dict[str, Any], shelf: Path, network: SandboxNetwork
) -> None:
    job["card"].unlink()
    with fifos(job["card"]):
        first = await saved_again(agent, job)
        second_card = first.with_name(f"{first.stem.removesuffix('-1')}.json")
        second_card.unlink()
        with fifos(second_card):
            result = await agent.call_tool(WAIT, {"jobIds": [job["id"]]})
            assert "The card beside the results was not written: something else has its name" in text_of(result)
            assert await saved_again(agent, job) == first
            assert second_card.is_fifo()
    assert len(list(shelf.rglob("*.png"))) == 2


async def test_a_pipe_that_has_the_name_of_a_result_makes_it_take_another(
    agent: McpClient, job: dict[str, Any]
) -> None:
    content = job["path"].read_bytes()
    job["path"].unlink()
    with fifos(job["path"]):
        path = await saved_again(agent, job)
        assert path == job["path"].with_stem(f"{job['path'].stem} (2)")
        assert path.read_bytes() == content


@pytest.mark.parametrize("gigabytes", [3])
async def test_a_card_of_gigabytes_is_not_read(agent: McpClient, job: dict[str, Any], gigabytes: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with job["card"].open("wb") as file:
        file.truncate(gigabytes * 10**9)

    await saved_again(agent, job)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def filing(name: Any) -> str:
    return json.dumps({"jobId": "{job}", "files": {"{asset}": {"file": name}}})


ODD_CARDS: dict[str, str | bytes] = {
    "nested 100,000 deep": '{"jobId": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "nested objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "nested and ours": '{"jobId": "{job}", "x": ' + "[" * 900 + "]" * 900 + "}",
    "a NUL": filing("a\0b"),
    "half a character": filing("\ud800"),
    "a folder up": filing("../secret.png"),
    "a folder of Windows up": filing("..\\secret.png"),
    "an absolute path": filing("/etc/hostname"),
    "a folder": filing("."),
    "an endless name": filing("a" * 100_000),
    "a number": filing(5),
    "a list": filing(["x"]),
    "an endless number": '{"jobId": "{job}", "files": ' + "9" * 100_000 + "}",
    "no number": '{"jobId": "{job}", "made": NaN, "files": {"{asset}": Infinity}}',
    "files that are text": '{"jobId": "{job}", "files": "x"}',
    "no text": b"\xff\xfe\x00",
    "UTF-16": '{"jobId": "{job}"}'.encode("utf-16"),
    "nothing": "",
}


SOME = ("nested objects", "nested and ours", "half a character", "a folder up", "an endless number", "UTF-16")


@pytest.mark.parametrize("case", by_day(SOME, ODD_CARDS))
async def test_an_odd_card_costs_no_result(agent: McpClient, world: World, done: Callable[[], str], case: str) -> None:
    odd = ODD_CARDS[case]
    job_id = done()
    [asset_id] = world.jobs[job_id].asset_ids
    first = await saved_again(agent, {"id": job_id})
    text = odd if isinstance(odd, bytes) else odd.replace("{job}", job_id).replace("{asset}", asset_id).encode()
    first.with_name(f"{first.stem.removesuffix('-1')}.json").write_bytes(text)

    again = await saved_again(agent, {"id": job_id})

    assert again.read_bytes() == first.read_bytes()
    assert again.parent == first.parent
    assert await saved_again(agent, {"id": job_id}) == again  # by a card that is sound again


async def test_a_card_with_everything_in_it_is_still_found_again(
    agent: McpClient, job: dict[str, Any], network: SandboxNetwork
) -> None:
    card = json.loads(job["card"].read_text("utf-8"))
    job["card"].write_text(json.dumps(card | {"arguments": {"x" * 5_000: ["y" * 900_000]}}), "utf-8")
    job["path"].unlink()

    assert await saved_again(agent, job) == job["path"]
    count = network.count(FILES)
    assert await saved_again(agent, job) == job["path"]
    assert network.count(FILES) == count


INPUTS: dict[str, str] = {  # nested as deep as replies are still read within the stack of a test
    "nested lists": "[" * 600 + "]" * 600,
    "nested objects": '{"a":' * 600 + "1" + "}" * 600,
    "a long list": json.dumps(["x" * 1_000] * 3_000),
    "odd names": r'{"a\n\u202eb": {"\ud83d": "\ud83d"}}',
    "many names": json.dumps({f"{number}": "y" for number in range(30_000)}),
}


@pytest.mark.parametrize("case", by_day(["nested objects", "odd names"], INPUTS))
async def test_an_odd_input_in_the_record_of_a_job_costs_no_result(
    agent: McpClient, network: SandboxNetwork, shelf: Path, done: Callable[[], str], case: str
) -> None:
    job_id = done()

    async def odd(request: httpx.Request, deliver: Any) -> httpx.Response:
        answer = json.loads(await (await deliver(request)).aread())
        answer["job"]["metadata"]["input"] = {"prompt": "a fox", "deep": "VALUE"}
        return httpx.Response(200, text=json.dumps(answer).replace('"VALUE"', INPUTS[case]))

    network.plan(JOBS, odd, 2)
    for _ in range(2):
        row = made(await agent.call_tool(WAIT, {"jobIds": [job_id]}))["jobs"][0]
        assert "path" in row["assets"][0], row.get("notes")
        assert row.get("notes") is None
    path = Path(row["assets"][0]["path"])
    card = path.with_name(f"{path.stem.removesuffix('-1')}.json")
    assert card.stat().st_size <= 1_000_000
    assert json.loads(card.read_text("utf-8"))["jobId"] == job_id
    assert network.count(FILES) == 1


async def test_hundreds_of_files_named_like_cards_are_looked_through_in_time(
    agent: McpClient, job: dict[str, Any], shelf: Path
) -> None:
    job["card"].unlink()
    (shelf / "zz").mkdir()
    card = json.dumps({"jobId": "job_other", "files": {}, "x": "y" * 3_000})
    for number in range(500):
        (shelf / "zz" / f"{number}{job['card'].stem[-5:]}.json").write_text(card)

    assert await saved_again(agent, job) == job["path"]


def nothing_is_left(shelf: Path) -> bool:
    """Wait, in real time, until the threads that hung have tidied up, and tell whether they published nothing."""
    until = time.monotonic() + 10
    while time.monotonic() < until and any(shelf.rglob("*.part")):
        time.sleep(0.01)
    return not any(path.is_file() for path in shelf.rglob("*"))


class TestDisksThatHang:
    @pytest.fixture
    def anyio_backend(self) -> tuple[str, Any]:
        return IMPATIENT

    async def test_twelve_reads_that_hang_hold_up_neither_an_upload_nor_a_job(
        self, start: Start, done: Callable[[], str]
    ) -> None:
        took: list[float] = []
        with hanging() as pipe:
            async with start(allowed=NetworkFolder((Path.home(),), home=Path.home(), pipe=pipe)) as agent:

                async def stuck() -> None:
                    began = anyio.current_time()
                    result = await agent.call_tool("upload-asset", {"file": "~/hung/hero.png"})
                    took.append(anyio.current_time() - began)
                    assert "the disk or network folder does not answer" in text_of(result)

                async with anyio.create_task_group() as calls:
                    for _ in range(12):
                        calls.start_soon(stuck)
                    await anyio.sleep(0.1)
                    assert await good_upload(agent) < 5
                    content = made(await agent.call_tool(WAIT, {"jobIds": [done()]}))
                    assert "path" in content["jobs"][0]["assets"][0]
                assert len(took) == 12
                assert max(took) <= 45
                assert await good_upload(agent) < 5

    @pytest.mark.nightly
    async def test_a_folder_that_hangs_for_good_is_said_at_once_and_takes_no_more_threads(self, start: Start) -> None:
        with hanging() as pipe:
            async with start(allowed=NetworkFolder((Path.home(),), home=Path.home(), pipe=pipe)) as agent:
                async with anyio.create_task_group() as calls:
                    for _ in range(40):
                        calls.start_soon(agent.call_tool, "upload-asset", {"file": "~/hung/hero.png"})
                began = anyio.current_time()
                result = await agent.call_tool("upload-asset", {"file": "~/hung/hero.png"})

                assert "does not answer" in text_of(result)
                assert anyio.current_time() - began < 1
                pipe.wake(40)
                with anyio.fail_after(10):
                    while (await agent.call_tool("upload-asset", {"file": "~/good.png"})).is_error:
                        (Path.home() / "good.png").write_bytes(png())
                        await anyio.sleep(0.1)

    @pytest.mark.nightly
    async def test_an_allowed_folder_that_hangs_holds_up_only_who_asks_for_it(self, start: Start) -> None:
        dead = DeadDisk(Path.home() / "dead")
        with hanging() as dead.pipe:
            async with start(allowed=Allowed((dead, Path.home() / "living"), home=Path.home())) as agent:
                (Path.home() / "living").mkdir()
                (Path.home() / "living" / "hero.png").write_bytes(png())
                began = anyio.current_time()
                result = await agent.call_tool("upload-asset", {"file": "~/living/hero.png"})
                assert not result.is_error, text_of(result)
                assert anyio.current_time() - began < 5

                result = await agent.call_tool("upload-asset", {"file": "~/dead/hero.png"})
                assert "does not answer" in text_of(result)

    @pytest.mark.nightly
    async def test_a_results_disk_that_hangs_costs_a_note_and_publishes_nothing_later(
        self, start: Start, shelf: Path, done: Callable[[], str]
    ) -> None:
        with hanging() as pipe:

            def disk(path: Path) -> tuple[int, int]:
                pipe.wait()
                return 0, 0

            async with start(disk=disk) as agent:
                began = anyio.current_time()
                rows: list[Any] = []

                async def wait() -> None:
                    rows.extend(made(await agent.call_tool(WAIT, {"jobIds": [done()]}))["jobs"])

                async with anyio.create_task_group() as calls:
                    for _ in range(12):
                        calls.start_soon(wait)
                    await anyio.sleep(1)
                    assert await good_upload(agent) < 5
                assert anyio.current_time() - began <= 45
                assert len(rows) == 12
                for row in rows:
                    assert row["status"] == "success"
                    assert "url" in row["assets"][0]
                    assert any("not saved" in note for note in row["notes"])
        assert nothing_is_left(shelf)

    @pytest.mark.nightly
    async def test_a_long_file_for_a_disk_that_hangs_in_the_middle_holds_up_nothing_and_can_be_canceled(
        self, start: Start, network: SandboxNetwork, shelf: Path, hero: str
    ) -> None:
        async def long(request: httpx.Request, deliver: Any) -> httpx.Response:
            async def parts() -> AsyncIterator[bytes]:
                for _ in range(8):
                    yield bytes(1_500_000)
                    await anyio.sleep(0.1)

            return httpx.Response(200, content=parts())

        network.plan(FILES, long, 100)
        asked: list[Path] = []
        with hanging() as pipe:

            def disk(path: Path) -> tuple[int, int]:
                asked.append(path)
                if len(asked) > 3:
                    pipe.wait()
                return 0, 0

            async with start(disk=disk) as agent, anyio.create_task_group() as calls:
                calls.start_soon(agent.call_tool, "show-assets", {"assetIds": [hero], "save": True})
                await anyio.sleep(0.45)
                assert len(asked) == 4
                assert await good_upload(agent) < 5
                calls.cancel_scope.cancel()
        assert nothing_is_left(shelf)


ENDS = """
import anyio
from pathlib import Path
from mcp import Client as McpClient
from scenario_mcp.scenario.client import Client
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import services_over
from support.hanging import NetworkFolder, Pipe

async def main():
    allowed = NetworkFolder((Path.home(),), home=Path.home(), pipe=Pipe())
    services = services_over(Client("http://127.0.0.1:9/v1", ("key", "a secret")), 45, allowed=allowed)
    async with McpClient(create_server(services)) as agent:
        with anyio.move_on_after(1):
            await agent.call_tool("upload-asset", {"file": "~/hung/hero.png"})

anyio.run(main)
print("ended")
"""


@pytest.mark.nightly
def test_a_process_ends_though_a_read_hangs() -> None:
    path = os.pathsep.join((str(Path(__file__).parents[1]), *filter(None, sys.path)))
    run = subprocess.run(
        [sys.executable, "-c", ENDS], env=os.environ | {"PYTHONPATH": path}, timeout=60, capture_output=True
    )

    assert run.stdout == b"ended\n"
