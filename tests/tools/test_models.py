"""Finding models in large catalogues, and one model's contract."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from mcp import Client as McpClient
from mcp.types import CallToolResult

from scenario_mcp.sandbox.world import World
from scenario_mcp.server.app import create_server
from scenario_mcp.tools.services import Services
from support.agents import TOOL, data_of, text_of
from support.network import SandboxNetwork, answers, hangs_before, server_error

pytestmark = pytest.mark.anyio

FIND, GET = "find-models", "get-model"
LARGEST_ANSWER = 8_000


def size(result: CallToolResult) -> int:
    return len(text_of(result)) + len(json.dumps(data_of(result), ensure_ascii=False))


def rows(result: CallToolResult) -> list[dict[str, Any]]:
    assert not result.is_error, text_of(result)
    assert data_of(result) is not None
    found: list[dict[str, Any]] = data_of(result)["models"]
    return found


async def test_without_conditions_the_project_s_own_models_come_first(agent: McpClient, world: World) -> None:
    result = await agent.call_tool(FIND, {})

    assert len(rows(result)) == 10
    assert all(row["mine"] for row in rows(result))
    assert data_of(result) is not None
    assert data_of(result)["found"] == len(world.models) >= 1_300
    assert "more fit. Narrow the search" in text_of(result)


async def test_both_catalogues_are_read_to_their_end_over_empty_pages(
    agent: McpClient, network: SandboxNetwork
) -> None:
    await agent.call_tool(FIND, {})

    assert network.count("GET /v1/models") == 6  # two full pages of each, and an empty one between them


async def test_a_row_names_the_tool_and_the_plan(agent: McpClient) -> None:
    result = await agent.call_tool(FIND, {"query": "ink and wash"})

    first = rows(result)[0]
    assert first["modelId"] == "model_sandbox-ink"
    assert first["tools"] == [TOOL, "run-model"]
    assert first["can"][0] == "img2img_ip_adapter"
    assert first["can"][-1] == "and 7 more"
    assert 'model_sandbox-ink | "Ink and wash (sandbox)" | flux.1-lora | can img2img_ip_adapter' in text_of(result)
    assert f"run with {TOOL} or run-model" in text_of(result)
    flux2 = rows(await agent.call_tool(FIND, {"query": "FLUX.2 dev"}))[0]
    assert (flux2["tools"], flux2["plan"]) == (["run-model"], "Starter")


CONDITIONS: list[tuple[dict[str, Any], Any]] = [
    ({"capability": "img2img_ip_adapter"}, lambda model: "img2img_ip_adapter" in model["capabilities"]),
    ({"capability": "IMG2VIDEO"}, lambda model: "img2video" in model["capabilities"]),
    ({"type": "flux.1-composition"}, lambda model: model["type"] == "flux.1-composition"),
    ({"owner": "mine"}, lambda model: model["privacy"] == "private"),
    ({"owner": "public"}, lambda model: model["privacy"] == "public"),
    ({"tags": ["sandbox", "neon"]}, lambda model: {"sandbox", "neon"} <= set(model["tags"])),
    ({"type": "Flux.1-Composition"}, lambda model: model["type"] == "flux.1-composition"),
    ({"tags": ["Neon"]}, lambda model: "neon" in model["tags"]),
    ({"tags": "clay"}, lambda model: "clay" in model["tags"]),
    ({"query": "pixel castle", "type": "custom"}, lambda model: model["type"] == "custom"),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS, ids=[str(case[0]) for case in CONDITIONS])
async def test_every_condition_holds_for_every_row(
    agent: McpClient, world: World, condition: dict[str, Any], holds: Any
) -> None:
    result = await agent.call_tool(FIND, condition | {"limit": 25})

    assert rows(result)
    assert all(holds(world.models[row["modelId"]]) for row in rows(result))


async def test_words_find_their_models_best_first(agent: McpClient) -> None:
    found = rows(await agent.call_tool(FIND, {"query": "watercolor dragon"}))

    assert "Watercolor Dragon" in found[0]["name"]


@pytest.mark.parametrize("condition", [{"query": "xyzzy"}, {"type": "sd-3"}, {"tags": ["sandbox", "nobody"]}])
async def test_nothing_found_says_so(agent: McpClient, condition: dict[str, Any]) -> None:
    result = await agent.call_tool(FIND, condition)

    assert rows(result) == []
    assert "No model fits" in text_of(result)


@pytest.mark.parametrize("limit", [1, 25])
async def test_answers_stay_small_for_the_largest_catalogue(agent: McpClient, limit: int) -> None:
    for condition in ({}, {"capability": "img2img_ip_adapter"}, {"query": "sandbox"}, {"owner": "public"}):
        result = await agent.call_tool(FIND, {**condition, "limit": limit})

        assert 1 <= len(rows(result)) <= limit
        assert size(result) <= LARGEST_ANSWER


@pytest.fixture
async def sandboxed(services: Services) -> AsyncIterator[McpClient]:
    """An agent whose every answer is marked."""
    async with McpClient(create_server(services, sandbox=True), raise_exceptions=True) as client:
        yield client


@pytest.mark.parametrize("condition", [{}, {"query": "sandbox"}], ids=str)
async def test_answers_stay_small_with_long_names_failures_and_marks(
    sandboxed: McpClient, network: SandboxNetwork, world: World, condition: dict[str, Any]
) -> None:
    for model in list(world.models.values())[:40]:
        model |= {"name": "Ñandú " * 2_000, "capabilities": [f"cap{number}" * 50 for number in range(300)]}
    network.plan("GET /v1/models", answers(400, {"reason": "x" * 5_000}))
    network.plan("POST /v1/search/models", answers(400, {"reason": "x" * 5_000}))

    found = await sandboxed.call_tool(FIND, {**condition, "limit": 25})
    told = await sandboxed.call_tool(GET, {"modelId": "model_sandbox-ink"})

    assert rows(found)
    assert size(found) <= LARGEST_ANSWER
    assert size(told) <= LARGEST_ANSWER


async def test_a_catalogue_that_hangs_does_not_hold_up_the_other(agent: McpClient, network: SandboxNetwork) -> None:
    network.plan("GET /v1/models", hangs_before, 3)

    began = anyio.current_time()
    result = await agent.call_tool(FIND, {})

    assert rows(result)
    assert "could not be read" in text_of(result)
    assert anyio.current_time() - began <= 20


async def test_a_later_page_that_fails_takes_no_earlier_one_away(agent: McpClient, network: SandboxNetwork) -> None:
    pages = [answers(200, {"models": [{"id": "model_a"}], "nextPaginationToken": "more"}), *[server_error] * 3]
    for page in pages:
        network.plan("GET /v1/models", page)

    result = await agent.call_tool(FIND, {"owner": "mine"})

    assert [row["modelId"] for row in rows(result)] == ["model_a"]
    assert "Not all own models could be read" in text_of(result)


async def test_what_is_neither_public_nor_private_is_not_called_mine(agent: McpClient, network: SandboxNetwork) -> None:
    network.plan("GET /v1/models", answers(200, {"models": [{"id": "model_a", "privacy": "unlisted"}]}), 2)

    assert "mine" not in rows(await agent.call_tool(FIND, {}))[0]


async def test_retired_families_are_said_to_be(agent: McpClient) -> None:
    found = await agent.call_tool(FIND, {"query": "SDXL", "limit": 1})
    told = await agent.call_tool(GET, {"modelId": "model_sandbox-sdxl"})

    assert "probably retired" in text_of(found)
    assert "Probably retired" in text_of(told)


async def test_one_catalogue_that_cannot_be_read_is_a_note(agent: McpClient, network: SandboxNetwork) -> None:
    network.plan("GET /v1/models", answers(403, {"message": "no"}))

    result = await agent.call_tool(FIND, {})

    assert rows(result)
    assert "The own models could not be read" in text_of(result)


async def test_no_catalogue_at_all_is_an_error(agent: McpClient, network: SandboxNetwork) -> None:
    network.plan("GET /v1/models", server_error, 100)

    result = await agent.call_tool(FIND, {})

    assert result.is_error
    assert "in trouble" in text_of(result)


async def test_hits_are_told_even_if_their_records_cannot_be_completed(
    agent: McpClient, network: SandboxNetwork
) -> None:
    network.plan("POST /v1/models/get-bulk", server_error, 100)

    found = rows(await agent.call_tool(FIND, {"query": "ink and wash"}))

    assert found[0]["modelId"] == "model_sandbox-ink"


async def test_a_catalogue_without_end_is_cut_and_said_to_be(agent: McpClient, network: SandboxNetwork) -> None:
    page = {"models": [{"id": "model_a", "name": "A"}], "nextPaginationToken": "more"}
    network.plan("GET /v1/models", answers(200, page), 1_000)

    result = await agent.call_tool(FIND, {})

    assert network.count("GET /v1/models") == 12
    assert "more models than were looked through" in text_of(result)


async def test_get_model_tells_the_contract_of_a_custom_model(agent: McpClient) -> None:
    result = await agent.call_tool(GET, {"modelId": "model_sandbox-film"})

    assert not result.is_error
    said = text_of(result)
    for line in (
        'model_sandbox-film: "Short films (sandbox)", type custom, run with run-model',
        "Can: txt2video, img2video",
        "- prompt: a text of at most 500 characters; required unless firstFrame is given.",
        "- firstFrame: an asset id of kind image; required if lastFrame is given.",
        "- duration: a number from 5 to 10 in steps of 5; default 5; changes the price.",
        '- aspectRatio: one of 1:1, 16:9, 9:16, 4:3, 3:4; default "16:9".',
        "- sound: true or false; default false; changes the price.",
        "- soundPrompt: a text; required if sound is true.",
    ):
        assert line in said
    assert data_of(result) is not None
    assert data_of(result)["inputs"][3] == {
        "name": "duration",
        "takes": "a number from 5 to 10 in steps of 5",
        "default": 5,
        "changesPrice": True,
        "description": "The duration of the result.",
    }


async def test_get_model_tells_a_lora_s_base_models_and_the_inputs_of_the_one_that_runs_it(agent: McpClient) -> None:
    result = await agent.call_tool(GET, {"modelId": "model_sandbox-ink"})

    said = text_of(result)
    assert f"run with {TOOL} or run-model" in said
    assert "Base models (baseModelId): flux.1-dev, flux.1-schnell" in said
    assert "Inputs for run-model, those of its base model model_bfl-flux-1-dev:" in said
    assert "- modelId:" not in said
    assert "- loras: a list of at most 6 items, each the id of a model of type flux.1-lora" in said
    assert "- lorasScale: a list, each a number from 0 to 2" in said


async def test_get_model_says_when_the_record_names_no_way_to_run_it(agent: McpClient) -> None:
    result = await agent.call_tool(GET, {"modelId": "model_sandbox-hologram"})

    assert "type hologram, its record does not say what runs it" in text_of(result)


async def test_get_model_names_the_plan_and_the_replacement(agent: McpClient) -> None:
    statue = await agent.call_tool(GET, {"modelId": "model_sandbox-statue"})
    story = await agent.call_tool(GET, {"modelId": "model_sandbox-story"})

    assert "Needs plan: Pro" in text_of(statue)
    assert "Its owner recommends instead: model_sandbox-film" in text_of(story)


async def test_get_model_of_an_unknown_id_is_an_error(agent: McpClient) -> None:
    result = await agent.call_tool(GET, {"modelId": "model_nobody"})

    assert result.is_error
    assert "Model model_nobody not found" in text_of(result)


async def test_the_largest_contract_stays_small(agent: McpClient, world: World) -> None:
    voices = [f"voice number {number} with a long name" for number in range(500)]
    inputs = [
        {
            "name": f"input{number}",
            "type": "string",
            "allowedValues": voices,
            "description": "A long description. " * 20,
            "required": {"ifDefined": {f"input{number + 1}": "because"}},
            "default": "x" * 40,
        }
        for number in range(30)
    ]
    world.models["model_huge"] = world.models["model_bfl-flux-1-dev"] | {"id": "model_huge", "inputs": inputs}

    result = await agent.call_tool(GET, {"modelId": "model_huge"})

    assert size(result) <= LARGEST_ANSWER
    assert '- input0: one of "voice number 0' in text_of(result)
    assert "more inputs are not told here" in text_of(result)


async def test_all_models_of_the_sandbox_have_small_contracts(agent: McpClient) -> None:
    from scenario_mcp.sandbox.models import FAMILIES

    for model in FAMILIES:
        result = await agent.call_tool(GET, {"modelId": model["id"]})

        assert not result.is_error
        assert size(result) <= LARGEST_ANSWER
