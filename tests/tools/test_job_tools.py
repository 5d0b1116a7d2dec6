"""Listing what was made, canceling it, and making it once more."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import World
from scenario_mcp.spending import budget
from support.agents import CANCEL, LIST, RERUN, TOOL, agent_of, made, text_of
from support.network import GENERATE, SandboxNetwork, answers, hangs_after, reset_before, server_error
from support.pictures import data_url, png
from support.servers import Machine

pytestmark = pytest.mark.anyio

JOINED = "This is the same generation as job"
FOREVER = 10_000


@pytest.fixture
def saving(machine: Machine, tmp_path: Path) -> Machine:
    machine.shelf = tmp_path / "Scenario"
    return machine


# --- list-jobs


async def test_what_was_made_is_listed_newest_first_across_restarts(
    saving: Machine, world: World, arguments: dict[str, Any]
) -> None:
    for seed in range(3):
        async with agent_of(saving.server()) as agent:
            await agent.call_tool(TOOL, arguments | {"seed": seed, "numSamples": 1})
    async with agent_of(saving.server()) as agent:
        listed = await agent.call_tool(LIST, {})

    rows = made(listed)["jobs"]
    assert [row["jobId"] for row in rows] == [bill.job_id for bill in reversed(world.ledger)]
    for row in rows:
        [file] = row["files"]
        assert Path(file).is_file()
        assert (row["status"], row["tool"], row["modelId"]) == ("success", TOOL, "model_sandbox-ink")
        assert (row["prompt"], row["creativeUnitsCost"], row["results"]) == ("a phoenix", 2.5, 1)
        assert all(str(row[name]) in text_of(listed) for name in ("jobId", "prompt", "modelId", "creativeUnitsCost"))
        assert file in text_of(listed)
    assert made(listed)["spending"]["last24Hours"] == 7.5


async def test_the_card_beside_the_files_and_the_journal_agree(saving: Machine, arguments: dict[str, Any]) -> None:
    async with agent_of(saving.server()) as agent:
        await agent.call_tool(TOOL, arguments | {"numSamples": 2})
        [row] = made(await agent.call_tool(LIST, {}))["jobs"]

    assert saving.shelf is not None
    [path] = saving.shelf.rglob("*.json")
    card = json.loads(path.read_text("utf-8"))
    assert (card["jobId"], card["tool"], card["creativeUnitsCost"]) == (
        row["jobId"],
        row["tool"],
        row["creativeUnitsCost"],
    )
    assert sorted(str(path.parent / each["file"]) for each in card["files"].values()) == sorted(row["files"])
    assert card["arguments"]["prompt"] == row["prompt"]


async def test_a_job_that_another_server_began_is_saved_with_what_it_was_asked_for(
    saving: Machine, arguments: dict[str, Any]
) -> None:
    saving.wait_seconds = 0
    async with agent_of(saving.server()) as agent:
        begun = made(await agent.call_tool(TOOL, arguments | {"image": data_url(png("tan"))}))
    async with agent_of(saving.server()) as agent:
        await anyio.sleep(10)
        await agent.call_tool("wait-for-jobs", {"jobIds": [begun["jobId"]]})

    assert saving.shelf is not None
    [path] = saving.shelf.rglob("*.json")
    card = json.loads(path.read_text("utf-8"))
    assert card["tool"] == TOOL
    assert card["arguments"] == arguments | {"image": "(a data URL)"}


async def test_what_ended_meanwhile_is_looked_up_when_it_is_listed(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:fail"})
        await agent.call_tool(TOOL, arguments)
        early = made(await agent.call_tool(LIST, {}))
        await anyio.sleep(10)
        late = made(await agent.call_tool(LIST, {}))

    assert [row["status"] for row in early["jobs"]] == ["in-progress", "in-progress"]
    assert [row["status"] for row in late["jobs"]] == ["success", "failure"]
    assert late["jobs"][0]["assetIds"] == list(world.jobs[late["jobs"][0]["jobId"]].asset_ids)
    assert late["jobs"][1]["refunded"] is True
    assert late["spending"]["last24Hours"] == 10


async def test_a_lost_answer_is_found_by_listing(
    machine: Machine, network: SandboxNetwork, world: World, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, hangs_after)
    async with agent_of(machine.server()) as agent:
        with anyio.move_on_after(3):
            await agent.call_tool(TOOL, arguments)
    async with agent_of(machine.server()) as agent:
        [row] = made(await agent.call_tool(LIST, {}))["jobs"]

    assert (row["jobId"], row["status"]) == (world.ledger[0].job_id, "in-progress")


async def test_what_cannot_be_found_is_listed_as_unsure(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    network.plan(GENERATE, reset_before)
    network.plan("GET /v1/jobs", answers(403, {}), FOREVER)
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments)
        listed = await agent.call_tool(LIST, {})

    [row] = made(listed)["jobs"]
    assert row["status"] == "unsure"
    assert "jobId" not in row
    assert "its answer was lost" in text_of(listed)


@pytest.mark.parametrize(
    ("asked", "prompts"),
    [
        ({"limit": 2}, ["p4", "p3"]),
        ({"status": "failure"}, ["sandbox:fail p2"]),
        ({"status": "success", "limit": 1}, ["p4"]),
        ({"since": "2026-11-18T11:07:40Z"}, ["p4", "p3"]),
        ({"since": "2030-01-01"}, []),
    ],
)
async def test_lists_are_filtered(
    machine: Machine, world: World, arguments: dict[str, Any], asked: dict[str, Any], prompts: list[str]
) -> None:
    async with agent_of(machine.server()) as agent:
        for number in range(5):
            prompt = f"sandbox:fail p{number}" if number == 2 else f"p{number}"
            await agent.call_tool(TOOL, arguments | {"prompt": prompt})
            await anyio.sleep(20)
        mine = made(await agent.call_tool(LIST, asked))
        everything = made(await agent.call_tool(LIST, asked | {"everything": True}))

    assert [row["prompt"] for row in mine.get("jobs", [])] == prompts
    assert [row["prompt"] for row in everything.get("jobs", [])] == prompts


@pytest.mark.parametrize("everything", [False, True])
async def test_a_list_goes_on_where_it_ended(
    machine: Machine, world: World, arguments: dict[str, Any], everything: bool
) -> None:
    machine.wait_seconds, world.slots = 0, 100
    async with agent_of(machine.server()) as agent:
        for number in range(7):
            await agent.call_tool(TOOL, arguments | {"prompt": f"p{number}"})
        seen: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            page = made(await agent.call_tool(LIST, {"limit": 3, "everything": everything} | cursor))
            seen += [row["prompt"] for row in page["jobs"]]
            if "cursor" not in page:
                break
            cursor = {"cursor": page["cursor"]}

    assert seen == [f"p{number}" for number in reversed(range(7))]


async def test_everything_tells_what_others_made_and_what_is_mine(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    other = Machine(machine.network, wait_seconds=0)
    async with agent_of(other.server()) as agent:
        await agent.call_tool(TOOL, arguments | {"prompt": "of another"})
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TOOL, arguments | {"prompt": "mine"})
        mine = made(await agent.call_tool(LIST, {}))["jobs"]
        rows = made(await agent.call_tool(LIST, {"everything": True}))["jobs"]

    assert [row["prompt"] for row in mine] == ["mine"]
    assert {row["prompt"]: row.get("mine", False) for row in rows} == {"mine": True, "of another": False}


async def test_a_long_list_stays_within_one_answer_and_can_be_gone_on_with(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds, world.slots = 0, 100
    async with agent_of(machine.server()) as agent:
        for number in range(50):
            await agent.call_tool(TOOL, arguments | {"prompt": f"{number} " + "long words " * 30})
        first = await agent.call_tool(LIST, {"limit": 50})
        second = await agent.call_tool(LIST, {"limit": 50, "cursor": made(first)["cursor"]})

    assert len(text_of(first)) + len(json.dumps(made(first))) < 8_000
    last, then = made(first)["jobs"][-1]["prompt"], made(second)["jobs"][0]["prompt"]
    assert int(last.split()[0]) == int(then.split()[0]) + 1


async def test_a_plan_that_the_key_may_not_read_is_left_out_and_asked_for_once(
    machine: Machine, network: SandboxNetwork
) -> None:
    network.plan("GET /v1/teams", answers(403, {"message": "no"}), FOREVER)
    async with agent_of(machine.server()) as agent:
        for _ in range(3):
            spending = made(await agent.call_tool(LIST, {}))["spending"]

    assert spending == {"last24Hours": 0, "counted": budget.KNOWN_ONLY}
    assert network.count("GET /v1/teams") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "yesterday"),
        ("since", "9999-12-31T23:59:59-14:00"),
        ("cursor", "abc"),
        ("cursor", "9" * 20),
        ("limit", 51),
        ("status", "x"),
    ],
)
async def test_what_cannot_be_listed_is_refused(agent: McpClient, world: World, name: str, value: Any) -> None:
    result = await agent.call_tool(LIST, {name: value})

    assert result.is_error
    assert f"- {name}" in text_of(result)
    assert world.requests == []


# --- cancel-job


async def test_a_running_job_is_canceled_and_read_back(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        begun = made(await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:stuck"}))
        canceled = await agent.call_tool(CANCEL, {"jobId": begun["jobId"]})
        again = await agent.call_tool(CANCEL, {"jobId": begun["jobId"]})
        [row] = made(await agent.call_tool(LIST, {}))["jobs"]

    assert (made(canceled)["status"], made(canceled)["canceled"]) == ("canceled", True)
    assert "was canceled" in text_of(canceled)
    assert "had ended already: canceled" in text_of(again)
    assert made(again)["canceled"] is False
    assert row["status"] == "canceled"


async def test_a_job_that_scenario_does_not_cancel_is_said_to_go_on(machine: Machine) -> None:
    machine.wait_seconds = 0
    call = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "sandbox:slow"}}
    async with agent_of(machine.server()) as agent:
        begun = made(await agent.call_tool("run-model", call))
        result = await agent.call_tool(CANCEL, {"jobId": begun["jobId"]})

    assert made(result)["canceled"] is False
    assert "was not canceled: it goes on" in text_of(result)
    assert "Cannot cancel this type of job" in text_of(result)


async def test_an_acknowledgment_alone_proves_no_cancellation(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        begun = made(await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:slow"}))
        network.plan(f"POST /v1/jobs/{begun['jobId']}/action", answers(200, {"job": {"status": "canceled"}}))
        result = await agent.call_tool(CANCEL, {"jobId": begun["jobId"]})

    assert made(result)["canceled"] is False
    assert "it goes on" in text_of(result)


async def test_a_cancellation_whose_answer_is_lost_is_read_back(
    machine: Machine, network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        begun = made(await agent.call_tool(TOOL, arguments | {"prompt": "sandbox:slow"}))
        network.plan(f"POST /v1/jobs/{begun['jobId']}/action", server_error, FOREVER)
        failed = await agent.call_tool(CANCEL, {"jobId": begun["jobId"]})
        unknown = await agent.call_tool(CANCEL, {"jobId": "job_unknown"})

    assert made(failed)["canceled"] is False
    assert "it goes on" in text_of(failed)
    assert unknown.is_error
    assert "job_unknown not found" in text_of(unknown)


# --- rerun-job


async def test_a_rerun_makes_the_same_once_more_with_changes(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments | {"seed": 1, "strength": 0.5, "numSamples": 1}))
    async with agent_of(machine.server()) as agent:
        again = await agent.call_tool(
            RERUN, {"jobId": first["jobId"], "overrides": {"seed": "2", "strength": None, "width": "64"}}
        )

    assert made(again)["status"] == "success"
    assert made(again)["jobId"] != first["jobId"]
    before, after = (bill.body for bill in world.ledger)
    assert after == {name: value for name, value in before.items() if name != "strength"} | {"seed": "2", "width": 64}


async def test_a_rerun_without_changes_never_joins_its_original_and_its_repeat_joins_it(
    machine: Machine, world: World, arguments: dict[str, Any]
) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))["jobId"]
        rerun, repeat = [made(await agent.call_tool(RERUN, {"jobId": first})) for _ in range(2)]
        other = made(await agent.call_tool(RERUN, {"jobId": first, "overrides": {"seed": 3}}))
        of_the_rerun = made(await agent.call_tool(RERUN, {"jobId": rerun["jobId"]}))

    assert rerun["jobId"] == repeat["jobId"]
    assert JOINED in " ".join(repeat["notes"])
    assert len({first, rerun["jobId"], other["jobId"], of_the_rerun["jobId"]}) == len(world.ledger) == 4


async def test_a_rerun_reads_a_path_anew(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    hero = Path.home() / "hero.png"
    hero.write_bytes(png("tan"))
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments | {"image": str(hero)}))
        hero.write_bytes(png("red"))
        await agent.call_tool(RERUN, {"jobId": first["jobId"]})

    assert world.ledger[0].body["image"] != world.ledger[1].body["image"]


@pytest.mark.parametrize(
    ("lost", "replaced"),
    [
        ({"image": data_url()}, {"image": "{hero}"}),
        ({"image": data_url()}, {"imageId": "{hero}"}),
        ({"ipAdapterImages": ["{hero}", data_url()]}, {"ipAdapterImage": "{hero}"}),
    ],
)
async def test_a_picture_that_was_inside_the_call_must_be_given_anew(
    machine: Machine, world: World, arguments: dict[str, Any], hero: str, lost: Any, replaced: Any
) -> None:
    lost, replaced = (json.loads(json.dumps(each).replace("{hero}", hero)) for each in (lost, replaced))
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments | lost))
        refused = await agent.call_tool(RERUN, {"jobId": first["jobId"]})
        again = await agent.call_tool(RERUN, {"jobId": first["jobId"], "overrides": replaced})

    assert f"- overrides.{next(iter(lost))}: was given as a data URL, which is not kept" in text_of(refused)
    assert made(again)["status"] == "success"
    assert len(world.ledger) == 2


async def test_a_run_of_a_model_is_rerun_by_its_parameters(machine: Machine, world: World) -> None:
    call = {
        "modelId": "model_bfl-flux-2-dev",
        "parameters": {"prompt": "a fox", "referenceImages": [data_url()], "numOutputs": 1},
    }
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool("run-model", call))
        refused = await agent.call_tool(RERUN, {"jobId": first["jobId"], "overrides": {"seed": 5}})
        picture = {"referenceImages": [data_url(png("red"))]}
        flat = made(await agent.call_tool(RERUN, {"jobId": first["jobId"], "overrides": {"seed": 5} | picture}))
        nested = {"parameters": {"seed": 6} | picture}
        await agent.call_tool(RERUN, {"jobId": flat["jobId"], "overrides": nested})

    assert "- overrides.parameters.referenceImages: was given as a data URL" in text_of(refused)
    assert [bill.body.get("seed") for bill in world.ledger] == [None, 5, 6]
    assert {bill.body["prompt"] for bill in world.ledger} == {"a fox"}


async def test_parameters_to_change_may_come_as_text_and_must_be_an_object(machine: Machine, world: World) -> None:
    call = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "a", "seed": 1}}
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool("run-model", call))["jobId"]
        for overrides in ({"seed": 5, "parameters": '{"prompt": "q"}'}, {"parameters": '{"prompt": "q"}'}):
            made(await agent.call_tool(RERUN, {"jobId": first, "overrides": overrides}))
        refused = await agent.call_tool(RERUN, {"jobId": first, "overrides": {"parameters": "x", "seed": 1}})

    assert "- overrides.parameters: must be an object" in text_of(refused)
    assert [(bill.body["prompt"], bill.body["seed"]) for bill in world.ledger] == [("a", 1), ("q", 5), ("q", 1)]


async def test_what_is_not_saved_is_named_by_its_id(saving: Machine, arguments: dict[str, Any]) -> None:
    async with agent_of(saving.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        Path(first["assets"][1]["path"]).unlink()
        listed = await agent.call_tool(LIST, {})

    [row] = made(listed)["jobs"]
    assert len(row["files"]) == 3
    assert row["assetIds"] == [first["assets"][1]["assetId"]]
    assert row["assetIds"][0] in text_of(listed)


async def test_a_job_of_another_account_is_not_rerun(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    world.accounts["other"] = "secret"
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))["jobId"]
    async with agent_of(machine.server(credentials=("other", "secret"))) as agent:
        result = await agent.call_tool(RERUN, {"jobId": first})

    assert "is not in this server's journal" in text_of(result)


async def test_a_cursor_that_scenario_does_not_know_is_an_error(agent: McpClient) -> None:
    result = await agent.call_tool(LIST, {"everything": True, "cursor": "zz"})

    assert result.is_error
    assert "paginationToken is not valid" in text_of(result)


@pytest.mark.parametrize(
    ("overrides", "fix"),
    [({"strength": 2}, "- strength"), ({"promt": "x"}, "Did you mean prompt"), ({"width": 65}, "multiple of 8")],
)
async def test_changes_are_checked_as_arguments_are(
    machine: Machine, world: World, arguments: dict[str, Any], overrides: dict[str, Any], fix: str
) -> None:
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        result = await agent.call_tool(RERUN, {"jobId": first["jobId"], "overrides": overrides})

    assert result.is_error
    assert fix in text_of(result)
    assert len(world.ledger) == 1


async def test_a_rerun_can_ask_for_its_price(machine: Machine, world: World, arguments: dict[str, Any]) -> None:
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TOOL, arguments))
        quote = made(
            await agent.call_tool(RERUN, {"jobId": first["jobId"], "overrides": {"dryRun": True, "numSamples": 1}})
        )

    assert (quote["status"], quote["creativeUnitsCost"]) == ("dry-run", 2.5)
    assert len(world.ledger) == 1


async def test_a_job_that_is_not_in_the_journal_cannot_be_rerun(agent: McpClient, world: World) -> None:
    result = await agent.call_tool(RERUN, {"jobId": "job_unknown"})

    assert result.is_error
    assert "is not in this server's journal" in text_of(result)
    assert world.ledger == []
