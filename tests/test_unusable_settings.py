"""Settings that cannot be used: no start ends over them, calls say it, and nothing is paid."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client as McpClient

from scenario_mcp.commands.cli import main
from scenario_mcp.commands.wiring import services_for
from scenario_mcp.sandbox.world import World
from scenario_mcp.settings import load
from support.agents import CORE, agent_of, made, text_of
from support.stdio import environment, running

pytestmark = pytest.mark.anyio

RUN = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p", "numOutputs": 1}}
FORGETFUL = "SCENARIO_MAX_CU_PER_DAY cannot be held with SCENARIO_STATE_DIR=memory"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # a real sandbox on loopback needs real time


@asynccontextmanager
async def serving(base_url: str, **more: str) -> AsyncIterator[McpClient]:
    environ = environment(base_url, **({"SCENARIO_OUTPUT_DIR": "none", "SCENARIO_WAIT_SECONDS": "0"} | more))
    async with agent_of(services_for(load(environ))) as agent:
        yield agent


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SCENARIO_MAX_CU_PER_CALL", "a few"),
        ("SCENARIO_MAX_CU_PER_DAY", "-1"),
        ("SCENARIO_STATE_DIR", "here"),
        ("SCENARIO_OUTPUT_DIR", "here"),
        ("SCENARIO_INPUT_DIRS", "here"),
        ("SCENARIO_PREVIEWS", "small"),
        ("SCENARIO_TOOLSETS", "juggling"),
    ],
)
async def test_a_bad_value_refuses_what_is_paid_and_names_itself(
    base_url: str, quick_world: World, variable: str, value: str
) -> None:
    async with serving(base_url, **{variable: value}) as agent:
        refused = await agent.call_tool("run-model", RUN)
        price = await agent.call_tool("run-model", RUN | {"dryRun": True})

    assert refused.is_error
    assert text_of(refused).startswith(f"{variable} must be ")
    assert "Ask the user to mend the setting" in text_of(refused)
    assert made(price)["creativeUnitsCost"] == 2.5
    assert quick_world.ledger == []


async def test_a_bad_address_sends_nothing_at_all(base_url: str, quick_world: World) -> None:
    async with serving(base_url, SCENARIO_BASE_URL=base_url.replace("http", "https://me:s3cret@")) as agent:
        answers = [
            await agent.call_tool(tool, arguments) for tool, arguments in (("find-models", {}), ("run-model", RUN))
        ]

    for answer in answers:
        assert answer.is_error
        assert "SCENARIO_BASE_URL must be an https URL" in text_of(answer)
        assert "API key" not in text_of(answer)
        assert "s3cret" not in text_of(answer)
    assert quick_world.requests == []


async def test_a_cap_of_the_day_cannot_be_held_in_memory_alone(base_url: str, quick_world: World) -> None:
    async with serving(base_url, SCENARIO_STATE_DIR="memory", SCENARIO_MAX_CU_PER_DAY="100") as agent:
        refused = await agent.call_tool("run-model", RUN)
        listed = await agent.call_tool("list-jobs", {})

    assert refused.is_error
    assert text_of(refused).startswith(FORGETFUL)
    assert not listed.is_error
    assert quick_world.ledger == []


async def test_who_wants_to_forget_pays_and_leaves_no_file(base_url: str, quick_world: World) -> None:
    async with serving(base_url, SCENARIO_STATE_DIR="Memory", SCENARIO_MAX_CU_PER_CALL="100") as agent:
        paid = await agent.call_tool("run-model", RUN)
        same = await agent.call_tool("run-model", RUN)

    assert made(paid)["jobId"] == made(same)["jobId"]  # while it lasts it remembers
    assert "SCENARIO_" not in text_of(paid)
    assert len(quick_world.ledger) == 1
    assert [*Path.home().rglob("*")] == []


async def test_a_job_that_runs_is_still_joined(base_url: str, quick_world: World, tmp_path: Path) -> None:
    state = str(tmp_path)
    async with serving(base_url, SCENARIO_STATE_DIR=state) as agent:
        paid = await agent.call_tool("run-model", RUN)
    async with serving(base_url, SCENARIO_STATE_DIR=state, SCENARIO_MAX_CU_PER_DAY="x") as agent:
        same = await agent.call_tool("run-model", RUN)

    assert made(paid)["jobId"] == made(same)["jobId"]
    assert len(quick_world.ledger) == 1


async def test_both_ways_to_start_say_the_same(base_url: str, tmp_path: Path) -> None:
    environ = environment(base_url, SCENARIO_MAX_CU_PER_DAY="x", SCENARIO_STATE_DIR=str(tmp_path))

    async def said(*args: str) -> tuple[list[str], str, str]:
        async with running(environ=environ, args=args) as host:
            await host.hello()
            listed = (await host.request("tools/list"))["result"]["tools"]
            refused = (await host.request("tools/call", {"name": "run-model", "arguments": RUN}))["result"]
            assert host.process.stdin is not None
            host.process.stdin.close()
            assert await host.ended() == 0
            return [tool["name"] for tool in listed], refused["content"][0]["text"], await host.stderr()

    fast, slow = await asyncio.gather(said(), said("--no-fast-start"))

    assert fast == slow
    names, refused, logged = fast
    assert names == CORE
    assert refused.startswith(
        'SCENARIO_MAX_CU_PER_DAY must be a number of Creative Units, 0 or more, like 12.5, not "x".'
    )
    assert "Nothing is paid for: SCENARIO_MAX_CU_PER_DAY must be a number" in logged


def test_doctor_shows_what_is_refused_and_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENARIO_STATE_DIR", "memory")
    monkeypatch.setenv("SCENARIO_MAX_CU_PER_DAY", "5")
    monkeypatch.setenv("SCENARIO_BASE_URL", "http://api.example/v1")
    monkeypatch.setenv("SCENARIO_API_KEY", "k")
    monkeypatch.setenv("SCENARIO_API_SECRET", "s3cret")

    assert main(["doctor"]) == 1

    out = capsys.readouterr().out
    assert f"BAD  nothing is paid for: {FORGETFUL}" in out
    assert "BAD  base URL: SCENARIO_BASE_URL must be an https URL" in out
    assert "ok   state folder: none: all is forgotten when the server ends" in out
    assert "reachable" not in out
    assert "s3cret" not in out


def test_on_the_sandbox_an_address_of_the_person_s_does_not_matter() -> None:
    settings = load({"SCENARIO_BASE_URL": "http://api.example/v1"})

    assert settings.unreachable is not None
    assert settings.for_sandbox("http://127.0.0.1:9/v1", ("key", "secret")).unreachable is None


@pytest.mark.parametrize("variable", ["SCENARIO_MAX_CU_PER_DAY", "SCENARIO_MAX_CU_PER_CALL", "SCENARIO_INPUT_DIRS"])
def test_what_a_host_did_not_fill_in_is_not_lost(variable: str) -> None:
    settings = load({variable: "${MY_SETTING}"})

    assert variable in settings.problems[0]


def test_what_a_person_left_blank_in_the_bundle_is_not_set() -> None:
    assert load({"SCENARIO_MAX_CU_PER_DAY": "${user_config.max_cu_per_day}"}).problems == ()
