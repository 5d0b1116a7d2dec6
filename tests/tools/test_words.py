"""Results in words and numbers: told in full, kept with their job, and never paid for twice."""

from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from scenario_mcp.sandbox.edits import DIMENSIONS
from scenario_mcp.sandbox.world import World
from support.agents import LIST, RERUN, WAIT, agent_of, made, text_of
from support.network import GENERATE, JOBS, Deliver, SandboxNetwork, answers, reset_after
from support.pictures import data_url, png
from support.servers import Machine

pytestmark = pytest.mark.anyio

CAPTION, EMBED, PROMPT, TRANSLATE, DESCRIBE, SEGMENT = (
    f"post-{route}-inferences" for route in ("caption", "embed", "prompt", "translate", "describe-style", "segment")
)
WISH = {"prompt": "un phénix"}
TRANSLATED = "SANDBOX in English: un phénix"


@pytest.fixture
def machine(network: SandboxNetwork, tmp_path: Path) -> Machine:
    return Machine(network, state=tmp_path / "state", previews=False, toolsets=("edit", "text"))


class Slow:
    """A fault that answers after so many seconds, as the synchronous inferences may."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def __call__(self, request: httpx.Request, deliver: Deliver) -> httpx.Response:
        response = await deliver(request)
        await anyio.sleep(self.seconds)
        return response


async def cut_off(machine: Machine, network: SandboxNetwork, then: float) -> None:
    """Ask for a translation, give up before its answer, and end the server after some seconds more."""
    network.plan(f"{GENERATE}translate", Slow(5.0))
    async with agent_of(machine.server()) as agent:
        with anyio.move_on_after(2):
            await agent.call_tool(TRANSLATE, WISH)
        await anyio.sleep(then)


async def test_captions_come_in_the_order_of_their_pictures(machine: Machine, world: World) -> None:
    pictures = [data_url(png(colour, (16, 8))) for colour in ("red", "blue", "white")]

    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(CAPTION, {"images": pictures})

    captions = made(result)["captions"]
    assert [caption.rpartition(" ")[2] for caption in captions] == ["red", "blue", "white"]
    for number, caption in enumerate(captions, 1):
        assert f'Caption {number}: "{caption}"' in text_of(result)
    assert world.ledger[0].body == {"images": pictures}


async def test_an_embedding_is_numbers_in_the_data_and_a_summary_in_the_text(machine: Machine) -> None:
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(EMBED, {"text": "a phoenix"})

    numbers = made(result)["embedding"]
    assert len(numbers) == DIMENSIONS
    assert all(isinstance(each, float) for each in numbers)
    assert f"{DIMENSIONS} numbers" in text_of(result)
    assert len(text_of(result)) < 400


async def test_text_is_told_as_text_and_as_data(machine: Machine) -> None:
    async with agent_of(machine.server()) as agent:
        translated = await agent.call_tool(TRANSLATE, WISH)
        styled = await agent.call_tool(DESCRIBE, {"modelId": "model_sandbox-ink"})
        prompted = await agent.call_tool(PROMPT, {"mode": "inventive", "numResults": 2})

    assert f'In English: "{TRANSLATED}"' in text_of(translated)
    assert made(translated)["detectedLanguage"] == "fr"
    assert made(styled)["description"] in text_of(styled)
    assert made(styled)["synthesis"] in text_of(styled)
    assert len(made(prompted)["prompts"]) == 2
    assert "assetId" not in text_of(translated)


async def test_what_stands_where_in_a_picture_comes_with_the_files(machine: Machine, hero: str) -> None:
    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool(SEGMENT, {"image": hero, "resultImage": True}))

    assert [asset["part"] for asset in result["assets"]] == ["mask", "image"]
    assert result["segments"][0]["nbMasks"] == 1


async def test_files_without_a_prompt_are_named_by_what_was_done(machine: Machine, hero: str, tmp_path: Path) -> None:
    machine.shelf = tmp_path / "results"
    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool("post-detect-inferences", {"image": hero, "modality": "canny"}))

    assert Path(result["assets"][0]["path"]).name.startswith("detect-")


MAPS = ["height", "normal", "smoothness", "metallic", "edge", "ao", "albedo"]


async def test_the_maps_of_a_texture_are_found_below_it_and_saved_by_their_names(
    machine: Machine, hero: str, tmp_path: Path
) -> None:
    machine.shelf = tmp_path / "results"
    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool("post-texture-inferences", {"texture": hero}))
        shown = made(await agent.call_tool("show-assets", {"jobId": result["jobId"], "save": True}))
        [row] = made(await agent.call_tool(LIST, {}))["jobs"]

    assert [asset["path"] for asset in shown["assets"]] == [asset["path"] for asset in result["assets"]]
    assert row["results"] == len(row["files"]) == 8
    assert [asset.get("part") for asset in result["assets"]] == [None, *MAPS]
    names = [Path(asset["path"]).stem.split("-")[-1] for asset in result["assets"]]
    assert names == ["1", *MAPS]


async def test_a_texture_is_told_though_its_maps_cannot_be_listed(
    machine: Machine, network: SandboxNetwork, hero: str
) -> None:
    network.plan("GET /v1/assets", answers(500, {"message": "Internal server error"}), times=100)
    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool("post-texture-inferences", {"texture": hero})

    assert len(made(result)["assets"]) == 1
    assert "could not be listed" in text_of(result)
    assert made(result)["next"]["tool"] == WAIT


async def test_words_are_not_waited_for(machine: Machine, network: SandboxNetwork) -> None:
    machine.wait_seconds = 0
    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool(TRANSLATE, WISH))

    assert (result["status"], result["translation"]) == ("success", TRANSLATED)
    assert network.count(JOBS) == 0


async def test_words_count_as_the_result_though_the_record_of_the_job_says_it_runs(
    machine: Machine, network: SandboxNetwork
) -> None:
    running = {"jobId": "job_x", "status": "in-progress"}
    said = {"job": running, "translation": TRANSLATED, "creativeUnitsCost": 0.5}
    network.plan(f"{GENERATE}translate", answers(200, said))
    network.plan(f"{JOBS}job_x", answers(200, {"job": running}), times=100)

    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TRANSLATE, WISH))
        began = anyio.current_time()
        waited = made(await agent.call_tool(WAIT, {"jobIds": ["job_x"]}))

    assert (first["status"], first["translation"]) == ("success", TRANSLATED)
    assert (waited["status"], waited["jobs"][0]["translation"]) == ("success", TRANSLATED)
    assert anyio.current_time() - began < 5


async def test_a_call_cut_off_before_its_answer_gets_the_words_when_it_is_made_again(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    network.plan(f"{GENERATE}translate", Slow(50.0))

    async with agent_of(machine.server()) as agent:
        late = await agent.call_tool(TRANSLATE, WISH)
        again = await agent.call_tool(TRANSLATE, WISH)

    assert late.is_error
    assert "same call again" in text_of(late)
    assert made(again)["translation"] == TRANSLATED
    assert "nothing new was paid" in text_of(again)
    assert len(world.ledger) == 1


async def test_identical_calls_at_once_share_one_answer(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    network.plan(f"{GENERATE}translate", Slow(10.0))
    told: list[dict[str, Any]] = []

    async with agent_of(machine.server()) as one, agent_of(machine.server()) as other:

        async def ask(agent: Any) -> None:
            told.append(made(await agent.call_tool(TRANSLATE, WISH)))

        async with anyio.create_task_group() as tasks:
            for agent in (one, other, one):
                tasks.start_soon(ask, agent)

    assert [each["translation"] for each in told] == [TRANSLATED] * 3
    assert len(world.ledger) == 1


async def test_words_outlive_the_server_that_was_told_them(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    await cut_off(machine, network, then=10)

    async with agent_of(machine.server()) as agent:
        repeated = made(await agent.call_tool(TRANSLATE, WISH))
        waited = made(await agent.call_tool(WAIT, {"jobIds": [repeated["jobId"]]}))

    assert repeated["translation"] == waited["jobs"][0]["translation"] == TRANSLATED
    assert len(world.ledger) == 1


async def test_an_answer_that_was_told_is_paid_for_anew(machine: Machine, world: World) -> None:
    async with agent_of(machine.server()) as agent:
        await agent.call_tool(TRANSLATE, WISH)
        await anyio.sleep(60)
        await agent.call_tool(TRANSLATE, WISH)

    assert len(world.ledger) == 2


async def test_a_rerun_of_words_pays_and_tells_them(machine: Machine, world: World) -> None:
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TRANSLATE, WISH))
        again = made(await agent.call_tool(RERUN, {"jobId": first["jobId"], "overrides": {"prompt": "un dragon"}}))

    assert again["translation"].endswith("un dragon")
    assert len(world.ledger) == 2


async def test_when_the_answer_is_lost_the_job_is_found_and_the_loss_is_told(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    network.plan(f"{GENERATE}translate", reset_after)

    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TRANSLATE, WISH)
        waited = await agent.call_tool(WAIT, {"jobIds": [made(result)["jobId"]]})

    assert made(result)["status"] == "success"
    assert "nothing was paid twice" in text_of(result)
    assert "cannot be had any more" in text_of(result)
    assert "cannot be had any more" in text_of(waited)
    assert len(world.ledger) == 1


async def test_a_lost_answer_is_taken_from_the_record_of_its_job_if_that_has_it(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    async def with_output(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        reply: dict[str, Any] = (await _read(deliver, request))["job"]
        reply["metadata"]["output"] = {"translation": TRANSLATED, "prompt": "not ours"}
        return httpx.Response(200, json={"job": reply})

    network.plan(f"{GENERATE}translate", reset_after)
    network.plan(JOBS, with_output, times=100)

    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TRANSLATE, WISH))
        result = await agent.call_tool(WAIT, {"jobIds": [first["jobId"]]})

    assert made(result)["jobs"][0]["translation"] == TRANSLATED
    assert "not ours" not in text_of(result)
    assert len(world.ledger) == 1


async def _read(deliver: Deliver, request: httpx.Request) -> Any:
    response = await deliver(request)
    await response.aread()
    return response.json()


async def test_an_answer_of_another_shape_than_known_is_passed_over(machine: Machine, network: SandboxNetwork) -> None:
    said = {"job": {"jobId": "job_x", "status": "success"}, "translation": ["no", 1], "embedding": [1, None]}
    network.plan(f"{GENERATE}translate", answers(200, said))
    network.plan(f"{JOBS}job_x", answers(200, {"job": said["job"]}), times=100)

    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(TRANSLATE, WISH)

    assert made(result)["status"] == "success"
    assert "names no results" in text_of(result)


async def test_a_job_that_answered_in_words_is_listed(machine: Machine) -> None:
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TRANSLATE, WISH))
        [row] = made(await agent.call_tool(LIST, {}))["jobs"]

    assert row["jobId"] == first["jobId"]
    assert row["status"] == "success"
    assert row["tool"] == TRANSLATE
    assert row["prompt"] == "un phénix"
    assert "modelId" not in row


async def test_words_are_given_again_though_scenario_does_not_know_the_job_any_more(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    await cut_off(machine, network, then=900)
    job_id = world.ledger[0].job_id
    network.plan(f"{JOBS}", answers(404, {"reason": f"Job {job_id} not found"}), times=100)

    async with agent_of(machine.server()) as agent:
        listed = made(await agent.call_tool(LIST, {}))["jobs"]
        waited = made(await agent.call_tool(WAIT, {"jobIds": [job_id]}))
        await anyio.sleep(30)
        shown = await agent.call_tool("show-assets", {"jobId": job_id})
    async with agent_of(machine.server()) as agent:
        repeated = made(await agent.call_tool(TRANSLATE, WISH))

    assert "wait-for-jobs tells again" in listed[0]["note"]
    assert waited["jobs"][0]["translation"] == TRANSLATED
    assert shown.is_error
    assert repeated["status"] == "success"


async def test_an_unheard_answer_is_given_to_the_repeat_though_its_job_is_gone(
    machine: Machine, network: SandboxNetwork, world: World
) -> None:
    await cut_off(machine, network, then=900)
    network.plan(f"{JOBS}", answers(404, {"reason": "Job not found"}), times=100)

    async with agent_of(machine.server()) as agent:
        await agent.call_tool(LIST, {})
        repeated = made(await agent.call_tool(TRANSLATE, WISH))

    assert repeated["translation"] == TRANSLATED
    assert len(world.ledger) == 1


async def test_captions_keep_their_places_though_one_is_missing(machine: Machine, network: SandboxNetwork) -> None:
    said = {"job": {"jobId": "job_x", "status": "success"}, "captions": ["a cat", None, "a dog"]}
    network.plan(f"{GENERATE}caption", answers(200, said))

    async with agent_of(machine.server()) as agent:
        result = await agent.call_tool(CAPTION, {"images": [data_url()] * 3})

    assert made(result)["captions"] == ["a cat", "", "a dog"]
    assert 'Caption 3: "a dog"' in text_of(result)


async def test_a_sentence_about_data_is_no_data_url(machine: Machine, world: World) -> None:
    said = {"text": "data: the plural of datum, mostly"}
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(EMBED, said))
        again = made(await agent.call_tool(RERUN, {"jobId": first["jobId"]}))

    assert again["embedding"] == first["embedding"]
    assert [bill.body for bill in world.ledger] == [said] * 2


async def test_a_mask_by_either_name_is_the_same_generation(machine: Machine, world: World, hero: str) -> None:
    machine.wait_seconds = 0
    fill = "post-generative-fill-inferences"
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(fill, {"image": hero, "mask": hero}))
        again = made(await agent.call_tool(fill, {"image": hero, "maskId": hero}))

    assert again["jobId"] == first["jobId"]
    assert len(world.ledger) == 1


async def test_contours_alone_are_a_result(machine: Machine, hero: str) -> None:
    given = {"image": hero, "resultMask": False, "resultContours": True}
    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool(SEGMENT, given))

    assert result["status"] == "success"
    assert result["segments"][0]["contours"] == [[[[1, 1], [7, 1], [7, 7]]]]
    assert "notes" not in result


async def test_contours_too_long_to_tell_are_named(machine: Machine, network: SandboxNetwork, hero: str) -> None:
    segment = {"nbMasks": 1, "contours": [[1, 1]] * 20_000, "masks": ["asset_mask"], "surprise": 1}
    said = {"job": {"jobId": "job_x", "status": "success"}, "segments": [segment]}
    network.plan(f"{GENERATE}segment", answers(200, said))
    async with agent_of(machine.server()) as agent:
        result = made(await agent.call_tool(SEGMENT, {"image": hero}))

    assert result["segments"] == [{"nbMasks": 1, "tooLongToTell": ["contours"]}]
    assert [asset["assetId"] for asset in result["assets"]] == ["asset_mask"]


async def test_waiting_again_for_words_tells_their_price(machine: Machine) -> None:
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool(TRANSLATE, WISH))
        waited = made(await agent.call_tool(WAIT, {"jobIds": [first["jobId"]]}))

    assert waited["jobs"][0]["creativeUnitsCost"] == first["creativeUnitsCost"] == 0.5


async def test_maps_that_are_not_listed_yet_are_asked_for_again(
    machine: Machine, network: SandboxNetwork, hero: str
) -> None:
    network.plan("GET /v1/assets", answers(200, {"assets": []}))
    async with agent_of(machine.server()) as agent:
        first = made(await agent.call_tool("post-texture-inferences", {"texture": hero}))
        follow = first["next"]
        waited = made(await agent.call_tool(follow["tool"], follow["arguments"]))

    assert "not listed" in first["notes"][0]
    assert len(waited["jobs"][0]["assets"]) == 8
