"""The API's routes, with the answers that were recorded from the real ones."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scenario_mcp.sandbox import contract
from scenario_mcp.sandbox import world as worlds
from scenario_mcp.sandbox.generate import Refusal, order_for, refuse_model
from scenario_mcp.sandbox.world import Seen, World

PREFIX = "/v1"
MAX_BODY = 6 * 2**20
CAPABILITIES = {"img2img-ip-adapter": "img2img_ip_adapter"}  # the routes that are served, and what each asks of a model

Handler = Callable[[World, Request], Awaitable[Response]]


def create_api(world: World) -> Starlette:
    """Make the API of a sandbox world as an ASGI app."""
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("POST", "/generate/{route}", _generate),
        ("GET", "/jobs/{job_id}", _job),
        ("POST", "/assets/get-bulk", _assets),
        ("GET", "/assets/{asset_id}", _asset),
        ("GET", "/models", _models),
        ("GET", "/models/{model_id}", _model),
    )
    return Starlette(
        routes=[Route(PREFIX + path, _guarded(world, handler), methods=[method]) for method, path, handler in routes],
        middleware=[Middleware(_Recording, world=world)],
        exception_handlers={Refusal: _refused, HTTPException: _no_such_route},
    )


class _Recording:
    """Writes down every request before it is answered."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        self._world.requests.append(Seen(request.method, request.url.path, dict(request.query_params)))
        await self._app(scope, receive, send)


def _guarded(world: World, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        _authenticate(world, request)
        return await handler(world, request)

    return endpoint


def _authenticate(world: World, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        key, _, secret = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        key = secret = ""
    if scheme.lower() != "basic" or not key or world.accounts.get(key) != secret:
        raise Refusal(401, {"message": "Unauthorized"})


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)  # noqa: S101  # Starlette's handlers are typed for any exception
    return JSONResponse(refusal.body, refusal.status_code)


async def _no_such_route(request: Request, _: Exception) -> Response:
    # AWS API Gateway, which stands before the real API, answers so for a path or method that it does not know.
    return JSONResponse({"message": "Missing Authentication Token"}, 403)


async def _generate(world: World, request: Request) -> Response:
    route = request.path_params["route"]
    if route not in CAPABILITIES:
        raise Refusal(403, {"message": "Missing Authentication Token"})
    body = await _body(request)
    if objections := contract.objections(route, body):
        raise Refusal(400, {"reason": objections[0]})
    model = world.models.get(body["modelId"])
    refuse_model(body["modelId"], model, CAPABILITIES[route])
    order = order_for(world, body)
    cost = {"creativeUnitsCost": worlds.price(body), "creativeUnitsDiscount": 0}
    if request.query_params.get("dryRun") == "true":
        return JSONResponse({**cost, "costDetails": {"inference-images": cost["creativeUnitsCost"]}}, 269)
    if world.running() >= world.slots:
        details = {"actionName": "parallel-inferences", "actionLimit": world.slots}
        raise Refusal(429, {"reason": "Too many parallel inferences", "details": details})
    job = world.accept(route, body, order, body.get("numSamples", 4))
    pictures = {"image", "imageId", "mask", "ipAdapterImages", "ipAdapterImage"}
    inference = {name: value for name, value in job.input.items() if name not in pictures}
    return JSONResponse({"inference": inference, "job": world.job_record(job), **cost})


async def _body(request: Request) -> Mapping[str, Any]:
    content = await request.body()
    if len(content) > MAX_BODY:
        raise Refusal(413, {"message": "Request Too Long"})
    try:
        body = json.loads(content)
    except ValueError:
        raise Refusal(400, {"reason": "The request body is not valid JSON"}) from None
    if not isinstance(body, dict):
        raise Refusal(400, {"reason": "The request body must be an object"})
    return body


async def _job(world: World, request: Request) -> Response:
    job = world.jobs.get(request.path_params["job_id"])
    if job is None:
        raise Refusal(404, {"reason": f"Job {request.path_params['job_id']} not found"})
    return JSONResponse({"job": world.job_record(job)})


async def _asset(world: World, request: Request) -> Response:
    asset = world.assets.get(request.path_params["asset_id"])
    if asset is None:
        raise Refusal(404, {"reason": f"Asset {request.path_params['asset_id']} not found"})
    return JSONResponse({"asset": world.asset_record(asset, original=_original(request))})


async def _assets(world: World, request: Request) -> Response:
    asked = (await _body(request)).get("assetIds", [])
    found = [world.assets[asset_id] for asset_id in asked if asset_id in world.assets]
    return JSONResponse({"assets": [world.asset_record(asset, original=_original(request)) for asset in found]})


async def _models(world: World, request: Request) -> Response:
    size = int(request.query_params.get("pageSize", 100))
    return JSONResponse({"models": list(world.models.values())[:size]})


async def _model(world: World, request: Request) -> Response:
    model = world.models.get(request.path_params["model_id"])
    if model is None:
        raise Refusal(404, {"reason": f"Model {request.path_params['model_id']} not found"})
    return JSONResponse({"model": model})


def _original(request: Request) -> bool:
    return request.query_params.get("originalAssets") == "true"
