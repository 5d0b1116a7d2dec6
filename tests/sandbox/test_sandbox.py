"""The sandbox is honest: it answers, refuses, bills and paints as it says."""

import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from scenario_mcp.sandbox import contract, painter, timeline
from scenario_mcp.sandbox.generate import price
from scenario_mcp.sandbox.painter import Order
from scenario_mcp.sandbox.timeline import Plan
from scenario_mcp.sandbox.world import MOST_SEEN, Seen, World
from support.network import SandboxNetwork
from support.odd_pictures import content_of
from support.pictures import data_url, png

pytestmark = pytest.mark.anyio

ROUTE = "/generate/img2img-ip-adapter"
BASIC = "Basic " + base64.b64encode(b"sandbox:needs-no-secret").decode()


@pytest.fixture
async def http(network: SandboxNetwork) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=network, base_url=network.base_url, headers={"Authorization": BASIC}
    ) as client:
        yield client


@pytest.fixture
def body(hero: str, ink: str) -> dict[str, Any]:
    return {"modelId": "model_sandbox-ink", "prompt": "a phoenix", "image": hero, "ipAdapterImageIds": [ink]}


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"modelId": "model_nobody"}, 404, "Model model_nobody not found"),
    ({"modelId": "model_sandbox-sdxl"}, 410, "SD 1.5 and SDXL inference is no longer available"),
    ({"modelId": "model_sandbox-sd15"}, 410, "SD 1.5 and SDXL inference is no longer available"),
    ({"modelId": "model_bfl-flux-1-dev"}, 400, "Standalone models are not supported for this endpoint"),
    ({"modelId": "model_sandbox-kontext"}, 400, "does not support img2img_ip_adapter"),
    ({"modelId": "model_sandbox-max"}, 403, "Access to model model_sandbox-max is restricted"),
    ({"width": 2056}, 400, "Input width must be at most 2048"),
    ({"width": 500}, 400, "Input width must be a 8 multiple"),
    ({"strength": 0}, 400, "Input strength must be at least 0.01"),
    ({"scheduler": "Euler"}, 400, "Input scheduler must be one of"),
    ({"hideResults": 1}, 400, "Input hideResults must be a boolean"),
    ({"numSamples": True}, 400, "Input numSamples must be a number"),
    ({"seed": 7}, 400, "Input seed must be a string"),
    ({"seed": "lucky"}, 400, "Input seed must be a number"),
    ({"negativPrompt": "x"}, 400, "Unknown input negativPrompt"),
    ({"concepts": [{"modelId": "m"}]}, 400, "Input concepts[0].scale is required"),
    ({"prompt": None}, 400, "Input prompt must be a string"),
    ({"image": "asset_nobody"}, 404, "Asset asset_nobody not found"),
    ({"image": "data:image/png;base64,AAAA"}, 400, "Input image must be an image as a data URL"),
    ({"image": None}, 400, "Input image must be a string"),
    ({"image": ""}, 400, "Input image is required"),
    ({"ipAdapterImageIds": []}, 400, "Input ipAdapterImages is required"),
    ({"ipAdapterImages": ["asset_x"]}, 400, "must be an image as a data URL"),
    ({"maskId": "asset_x", "image": "", "imageId": "{hero}"}, 404, "Asset asset_x not found"),
]


@pytest.mark.parametrize(("change", "status", "reason"), REFUSED, ids=[str(case[0]) for case in REFUSED])
@pytest.mark.parametrize("query", ["", "?dryRun=true"], ids=["run", "dry run"])
async def test_it_refuses_what_the_api_refuses_and_bills_nothing(
    http: httpx.AsyncClient,
    world: World,
    hero: str,
    body: dict[str, Any],
    change: dict[str, Any],
    status: int,
    reason: str,
    query: str,
) -> None:
    change = {name: hero if value == "{hero}" else value for name, value in change.items()}
    response = await http.post(ROUTE + query, json=body | change)

    assert response.status_code == status
    assert reason in response.json()["reason"]
    assert world.ledger == []


@pytest.mark.parametrize("header", ["", "Bearer x", "Basic !!!", "Basic " + base64.b64encode(b"sandbox:x").decode()])
async def test_it_wants_the_right_key(http: httpx.AsyncClient, world: World, header: str) -> None:
    response = await http.get("/models", headers={"Authorization": header})

    assert (response.status_code, response.json()) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/generate/txt2video"), ("GET", ROUTE), ("GET", "/nothing"), ("DELETE", "/jobs/x")]
)
async def test_unknown_routes_answer_like_the_gateway(http: httpx.AsyncClient, method: str, path: str) -> None:
    response = await http.request(method, path)

    assert (response.status_code, response.json()) == (403, {"message": "Missing Authentication Token"})


async def test_a_body_must_be_a_json_object_of_at_most_6_mb(http: httpx.AsyncClient) -> None:
    statuses = [
        (await http.post(ROUTE, content=content)).status_code
        for content in (b"{", b"[]", b'"' + b"x" * (6 * 2**20) + b'"')
    ]

    assert statuses == [400, 400, 413]


async def test_a_dry_run_prices_without_a_job(http: httpx.AsyncClient, world: World, body: dict[str, Any]) -> None:
    response = await http.post(ROUTE + "?dryRun=true", json=body | {"numSamples": 2})

    assert response.status_code == 269
    assert response.json()["creativeUnitsCost"] == price(body | {"numSamples": 2}) == 5
    assert (world.jobs, world.ledger) == ({}, [])


async def test_dry_run_in_the_body_is_passed_over_and_bills(
    http: httpx.AsyncClient, world: World, body: dict[str, Any]
) -> None:
    response = await http.post(ROUTE, json=body | {"dryRun": True})

    assert response.status_code == 200
    assert len(world.ledger) == 1


async def test_only_so_many_jobs_run_at_once(http: httpx.AsyncClient, world: World, body: dict[str, Any]) -> None:
    world.slots = 2
    statuses = [(await http.post(ROUTE, json=body)).status_code for _ in range(3)]
    await anyio.sleep(10)
    later = await http.post(ROUTE, json=body)

    assert statuses == [200, 200, 429]
    assert later.status_code == 200
    assert len(world.ledger) == 3


@pytest.mark.parametrize(
    ("prompt", "statuses"),
    [
        ("a", ["queued", "warming-up", "in-progress", "finalizing", "success"]),
        ("sandbox:fail", ["queued", "warming-up", "in-progress", "finalizing", "failure"]),
        ("sandbox:cancel", ["queued", "warming-up", "in-progress", "finalizing", "canceled"]),
        ("sandbox:stuck", ["queued", "warming-up", "in-progress"]),
    ],
)
async def test_a_job_moves_through_the_statuses(
    http: httpx.AsyncClient, body: dict[str, Any], prompt: str, statuses: list[str]
) -> None:
    job_id = (await http.post(ROUTE, json=body | {"prompt": prompt})).json()["job"]["jobId"]
    seen: list[str] = []
    progress: list[float] = []
    for _ in range(100):
        job = (await http.get(f"/jobs/{job_id}")).json()["job"]
        seen += [job["status"]] if job["status"] not in seen else []
        progress.append(job["progress"])
        await anyio.sleep(0.1)

    assert seen == statuses
    assert [each["status"] for each in job["statusHistory"]] == statuses
    assert all(0 <= each <= 1 for each in progress)
    assert (len(job["metadata"]["assetIds"]) == 4) == (statuses[-1] == "success")


def test_a_slow_job_takes_minutes() -> None:
    assert timeline.history(Plan.SLOW, 60, 1.0)[-1][0] == "in-progress"
    assert timeline.history(Plan.SLOW, 300, 1.0)[-1][0] == "success"


async def test_files_stand_behind_signed_urls_on_another_origin(
    http: httpx.AsyncClient, world: World, hero: str
) -> None:
    asset = (await http.get(f"/assets/{hero}")).json()["asset"]
    url = httpx.URL(asset["url"])
    plain: dict[str, Any] = {"headers": {"Authorization": ""}}

    assert url.host != "api.sandbox"
    assert {"Policy", "Signature", "Key-Pair-Id"} == set(url.params)
    assert (await http.get(url, **plain)).content == world.assets[hero].content
    assert (await http.get(url.copy_set_param("Signature", "0"), **plain)).status_code == 403
    assert (await http.get(url.copy_with(path="/assets-transform/asset_other"), **plain)).status_code == 403
    await anyio.sleep(15 * 24 * 3600)
    assert (await http.get(url, **plain)).status_code == 403


async def test_credentials_sent_to_the_files_origin_are_written_down(
    http: httpx.AsyncClient, world: World, hero: str
) -> None:
    await http.get(world.signed_url(hero, original=True))

    assert world.leaks == [f"/assets/{hero}"]


async def test_assets_and_models_are_described(http: httpx.AsyncClient, hero: str) -> None:
    bulk = (await http.post("/assets/get-bulk", json={"assetIds": [hero, "asset_nobody"]})).json()["assets"]
    listed = (await http.get("/models?pageSize=2")).json()["models"]
    one = (await http.get("/models/flux.1-dev")).json()["model"]

    assert [each["id"] for each in bulk] == [hero]
    assert bulk[0]["properties"] == {"width": 512, "height": 512}
    assert len(listed) == 2
    assert "img2img_ip_adapter" in one["capabilities"]
    for path in ("/models/nobody", "/assets/nobody", "/jobs/nobody"):
        assert (await http.get(path)).status_code == 404


def test_the_contract_knows_all_33_inferences() -> None:
    assert len(contract.contract()) == 33


ORDER: dict[str, Any] = {
    "source": png("grey", (64, 64)),
    "references": (png("orange", (64, 64)),),
    "scales": (0.9,),
    "character": False,
    "strength": 0.5,
    "width": 128,
    "height": 96,
    "seed": 1,
}


def order(**change: Any) -> Order:
    return Order(**ORDER | change)


def painted(**change: Any) -> Image.Image:
    return Image.open(io.BytesIO(painter.paint(order(**change))))


def redness(picture: Image.Image, box: tuple[int, int, int, int] = (0, 0, 128, 60)) -> float:
    red, _, blue = ImageStat.Stat(picture.convert("RGB").crop(box)).mean
    return red - blue


def test_images_are_real_sized_and_deterministic_by_seed() -> None:
    assert painted().size == (128, 96)
    assert painter.paint(order()) == painter.paint(order())
    assert painter.paint(order()) != painter.paint(order(seed=2))


def test_images_are_marked() -> None:
    bright = painted(source=png("white"), references=(), scales=(), strength=0.01)

    assert ImageStat.Stat(bright.convert("L").crop((64, 86, 128, 96))).mean[0] < 150


def test_references_recolour_by_scale_and_type() -> None:
    corner, middle = (0, 0, 12, 12), (50, 40, 70, 50)

    assert redness(painted(scales=(1.0,))) > redness(painted(scales=(0.3,))) > redness(painted(scales=(0.0,)))
    assert redness(painted(character=True), middle) > redness(painted(character=True), corner) + 20


def test_strength_moves_the_result_away_from_the_source() -> None:
    source = Image.new("RGB", (128, 96), "grey")

    def distance(strength: float) -> float:
        result = painted(references=(), scales=(), strength=strength)
        return sum(ImageStat.Stat(ImageChops.difference(result, source)).mean)

    assert distance(1.0) > distance(0.3) > distance(0.01)


def test_a_mask_keeps_what_is_black() -> None:
    kept = painted(mask=png("black"), strength=1.0)

    assert kept.convert("RGB").getpixel((5, 5)) == (128, 128, 128)


def test_what_is_no_picture_has_no_measure() -> None:
    assert painter.measure(b"nothing") is None
    assert painter.measure(base64.b64decode(data_url().partition(",")[2])) == (8, 8, "image/png")


def test_it_writes_down_the_last_requests_only(world: World) -> None:
    for number in range(MOST_SEEN + 5):
        world.saw(Seen("GET", f"/{number}", {}))

    assert len(world.requests) == MOST_SEEN
    assert world.requests[-1].path == f"/{MOST_SEEN + 4}"


@pytest.mark.parametrize("name", ["exif-6.jpg", "exif-3.png", "exif-5.webp", "text-2-MB-packed.png"])
def test_a_picture_is_drawn_as_it_is_seen(name: str) -> None:
    source, mask = png("grey", (96, 64)), content_of(name)
    made = painted(source=source, mask=mask, strength=1.0, width=96, height=64)
    kept = painted(source=source, mask=png("black"), strength=1.0, width=96, height=64)

    changed = ImageChops.difference(made, kept).getbbox()

    assert changed is not None
    assert changed[0] < 8
    assert 56 < changed[2] <= 64
    assert changed[3] <= 16
    assert painter.measure(mask) is not None
    assert painter.measure(mask)[:2] == (96, 64)  # type: ignore[index]  # asserted above
