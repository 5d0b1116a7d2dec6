"""Variables whose names were misspelt: they are named at the start, by doctor and to the agent, and no cap is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client as McpClient

from scenario_mcp.commands.cli import main
from scenario_mcp.commands.wiring import picture_folders, services_for
from scenario_mcp.sandbox.world import World
from scenario_mcp.settings import load
from support.agents import agent_of, made, text_of
from support.nightly import by_day
from support.stdio import environment, running

pytestmark = pytest.mark.anyio

RUN = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p", "numOutputs": 1}}
CAPS = {
    "SCENARIO_MAX_CU_PER_CAL": "SCENARIO_MAX_CU_PER_CALL",
    "SCENARIO_MAX_CU_DAY": "SCENARIO_MAX_CU_PER_DAY",
    "SCENARIO_MAX_UNITS_PER_DAY": "SCENARIO_MAX_CU_PER_DAY",
    "scenario_max_cu_per_call": "SCENARIO_MAX_CU_PER_CALL",
    "SCENARIO-MAX-CU-PER-CALL": "SCENARIO_MAX_CU_PER_CALL",
    "SCENARO_MAX_CU_PER_DAY": "SCENARIO_MAX_CU_PER_DAY",
}
OTHERS = {
    "SCENARIO_OUTPUT_FOLDER": "SCENARIO_OUTPUT_DIR",
    "SCENARIO_PROJECT": "SCENARIO_PROJECT_ID",
    "SCENARIO_TOOLSET": "SCENARIO_TOOLSETS",
    "SCNEARIO_LOG_LEVEL": "SCENARIO_LOG_LEVEL",
    "scenario_base_url": "SCENARIO_BASE_URL",
}
FOREIGN = ["VITE_SCENARIO_API_KEY", "MCP_SCENARIO_API_KEY", "SCENE", "MY_SCENARIO", "OPENAI_API_KEY"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # a real sandbox on loopback needs real time


@asynccontextmanager
async def serving(base_url: str, **more: str) -> AsyncIterator[McpClient]:
    environ = environment(base_url, SCENARIO_OUTPUT_DIR="none", SCENARIO_STATE_DIR="memory", **more)
    async with agent_of(services_for(load(environ))) as agent:
        yield agent


@pytest.mark.parametrize(("name", "meant"), by_day([*CAPS.items()][::3], [*CAPS.items()]))
async def test_nothing_is_paid_past_a_cap_whose_name_was_misspelt(
    base_url: str, quick_world: World, name: str, meant: str
) -> None:
    async with serving(base_url, **{name: "1"}) as agent:
        refused = await agent.call_tool("run-model", RUN)
        price = await agent.call_tool("run-model", RUN | {"dryRun": True})

    assert refused.is_error
    assert text_of(refused).startswith(f"{name}: no setting has this name; {meant} may be meant.")
    assert made(price)["creativeUnitsCost"] == 2.5
    assert quick_world.ledger == []


async def test_a_cap_that_holds_beside_a_name_like_it_goes_on_holding(base_url: str, quick_world: World) -> None:
    caps = {"SCENARIO_MAX_CU_PER_CALL": "100", "SCENARIO_MAX_CU_PER_CALLS": "1"}
    async with serving(base_url, **caps, SCENARIO_WAIT_SECONDS="0") as agent:
        paid = await agent.call_tool("run-model", RUN)

    assert "SCENARIO_MAX_CU_PER_CALLS: no setting has this name" in text_of(paid)
    assert len(quick_world.ledger) == 1


def test_folders_for_pictures_whose_name_was_misspelt_open_nothing_else(tmp_path: Path) -> None:
    settings = load({"SCENARIO_INPUT_DIR": str(tmp_path), "SCENARIO_OUTPUT_DIR": "none"})

    assert picture_folders(settings) == ()
    assert settings.problems == ("SCENARIO_INPUT_DIR: no setting has this name; SCENARIO_INPUT_DIRS may be meant.",)


@pytest.mark.parametrize(("name", "meant"), OTHERS.items())
def test_any_other_misspelt_name_is_told_and_changes_nothing(name: str, meant: str) -> None:
    settings = load({name: "a-value"})

    assert settings.ignored == (f"{name}: no setting has this name; {meant} may be meant.",)
    assert (settings.problems, settings.unreachable) == ((), None)


def test_a_name_that_is_like_no_other_is_told_too() -> None:
    assert load({"SCENARIO_TIMEOUT": "5"}).ignored == ("SCENARIO_TIMEOUT: no setting has this name.",)


def test_names_of_other_programs_are_not_told() -> None:
    settings = load(dict.fromkeys(FOREIGN, "a-value"))

    assert settings.ignored == settings.problems == ()


def test_of_a_file_only_a_cap_stops_paying(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SCENARIO_MAX_CU_PER_DAYS=5\nSCENARIO_INPUT_DIR=/evil\nexport SCENARIO_APIKEY=k\n")
    where = f'in "{tmp_path / ".env"}": no setting has this name;'

    settings = load({}, tmp_path)

    assert settings.problems == (f"SCENARIO_MAX_CU_PER_DAYS {where} SCENARIO_MAX_CU_PER_DAY may be meant.",)
    assert settings.ignored == (
        f"SCENARIO_INPUT_DIR {where} SCENARIO_INPUT_DIRS may be meant.",
        f"SCENARIO_APIKEY {where} SCENARIO_API_KEY may be meant.",
    )
    assert settings.input_dirs is None


@pytest.mark.parametrize("line", ["SCENARIO_API_SECRET:s3cret=x", "SCENARIO_API_SECRT=s3cret"])
def test_a_line_that_was_written_wrong_is_told_without_its_value(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(line)

    [told] = load({}, tmp_path).ignored

    assert told.startswith("SCENARIO_API_SEC")
    assert "s3cret" not in told


async def test_an_agent_without_a_key_hears_which_name_was_misspelt(base_url: str) -> None:
    environ = {"SCENARIO_API_KEY": "k", "SCENARIO_API_SECRT": "s3cret", "SCENARIO_BASE_URL": base_url}
    async with agent_of(services_for(load(environ))) as agent:
        refused = await agent.call_tool("find-models", {})

    assert refused.is_error
    assert text_of(refused).startswith(
        "SCENARIO_API_SECRET is not set, though SCENARIO_API_KEY is (SCENARIO_API_SECRT: no setting has this name;"
        " SCENARIO_API_SECRET may be meant), so nothing was sent."
    )
    assert "s3cret" not in text_of(refused)


MISSPELT = {"SCENARIO_MAX_CU_PER_CAL": "5", "SCENARIO_TOOLSET": "edit"}


async def test_the_start_names_them(base_url: str) -> None:
    async with running(environ=environment(base_url, SCENARIO_STATE_DIR="memory", **MISSPELT)) as host:
        await host.hello()
        await host.request("tools/call", {"name": "run-model", "arguments": RUN})
        assert host.process.stdin is not None
        host.process.stdin.close()
        assert await host.ended() == 0
        logged = await host.stderr()

    assert "Nothing is paid for: SCENARIO_MAX_CU_PER_CAL: no setting has this name" in logged
    assert "Ignored SCENARIO_TOOLSET: no setting has this name" in logged


def test_doctor_names_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in MISSPELT.items():
        monkeypatch.setenv(name, value)

    status = main(["doctor"])

    out = capsys.readouterr().out
    assert status == 1
    assert "BAD  nothing is paid for: SCENARIO_MAX_CU_PER_CAL: no setting has this name" in out
    assert "ignored setting: SCENARIO_TOOLSET: no setting has this name; SCENARIO_TOOLSETS may be meant." in out
