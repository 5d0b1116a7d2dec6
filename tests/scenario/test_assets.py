"""Reading what is known of assets, in bulk."""

import json

import httpx
import pytest

from scenario_mcp.scenario import assets
from scenario_mcp.scenario.assets import Asset
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline

pytestmark = pytest.mark.anyio


async def test_assets_come_in_the_order_of_their_ids_however_many_and_however_answered() -> None:
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        ids = json.loads(request.content)["assetIds"]
        asked.append(len(ids))
        records = [{"id": each, "url": f"https://cdn.example/{each}"} for each in reversed(ids) if each != "asset_7"]
        return httpx.Response(200, json={"assets": records})

    client = Client("https://api.example/v1", ("k", "s"), transport=httpx.MockTransport(answer))
    ids = [f"asset_{number}" for number in range(450)]

    described = await assets.describe(client, ids, Deadline.after(10))

    assert [asset.id for asset in described] == ids
    assert asked == [200, 200, 50]
    assert described[7] == Asset("asset_7")
    assert described[8].url == "https://cdn.example/asset_8"


async def test_sizes_that_are_no_numbers_are_not_known() -> None:
    record = {"id": "asset_a", "mimeType": 7, "properties": {"width": "wide", "height": 10}}
    client = Client(
        "https://api.example/v1",
        ("k", "s"),
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"assets": [record, None, []]})),
    )

    assert await assets.describe(client, ["asset_a"], Deadline.after(10)) == [Asset("asset_a", height=10)]
