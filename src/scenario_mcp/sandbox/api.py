"""The API's routes, with the answers that were recorded from the real ones."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scenario_mcp.sandbox import contract, edits, jobs, uploads
from scenario_mcp.sandbox.generate import Generation, named, of_custom_model, repeated
from scenario_mcp.sandbox.models import Record
from scenario_mcp.sandbox.refusal import Refusal
from scenario_mcp.sandbox.world import Job, Seen, World

PREFIX = "/v1"
MAX_BODY = 6 * 2**20
NOT_IN_LISTS = ("inputs", "uiConfig")  # what only the record of one model holds
NOT_IN_HITS = (*NOT_IN_LISTS, "custom", "accessRestrictions", "compliantModelIds", "status")

Handler = Callable[[World, Request], Awaitable[Response]]


def create_api(world: World) -> Starlette:
    """Make the API of a sandbox world as an ASGI app."""
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("POST", "/generate/custom/{model_id}", _generate_custom),
        ("POST", "/generate/{route}", _generate),
        ("GET", "/jobs", _jobs),
        ("GET", "/jobs/{job_id}", _job),
        ("POST", "/jobs/{job_id}/action", _cancel_job),
        ("GET", "/teams", _teams),
        ("GET", "/teams/{team_id}/limits", _limits),
        ("POST", "/assets/get-bulk", _assets),
        ("GET", "/assets/{asset_id}", _asset),
        ("GET", "/assets", _assets_below),
        ("POST", "/assets", _new_asset),
        ("POST", "/uploads", _new_upload),
        ("GET", "/uploads/{upload_id}", _upload),
        ("POST", "/uploads/{upload_id}/action", _complete_upload),
        ("GET", "/models", _models),
        ("POST", "/models/get-bulk", _models_in_bulk),
        ("POST", "/search/models", _search_models),
        ("GET", "/models/{model_id}", _model),
    )
    return Starlette(
        routes=[Route(PREFIX + path, _guarded(world, handler), methods=[method]) for method, path, handler in routes],
        middleware=[Middleware(_Recording, world=world)],
        exception_handlers={Refusal: _refused, HTTPException: _no_such_route},
    )


class _Recording:
    """Writes down every request before it is answered, and tells the world's time with the answer."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        self._world.saw(Seen(request.method, request.url.path, dict(request.query_params)))

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self._world.clock(), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await self._app(scope, receive, dated)


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
    if scheme.lower() != "basic" or not world.knows(key, secret):
        raise Refusal(401, {"message": "Unauthorized"})
    if key in world.blind and "/models" in request.url.path:
        raise Refusal(403, {"message": "API Keys cannot access protected resources"})


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)  # noqa: S101  # Starlette's handlers are typed for any exception
    return JSONResponse(refusal.body, refusal.status_code, refusal.headers)


async def _no_such_route(request: Request, _: Exception) -> Response:
    # AWS API Gateway, which stands before the real API, answers so for a path or method that it does not know.
    return JSONResponse({"message": "Missing Authentication Token"}, 403)


async def _generate(world: World, request: Request) -> Response:
    route = request.path_params["route"]
    if route not in contract.contract():
        raise Refusal(403, {"message": "Missing Authentication Token"})
    body = await _body(request)
    if objections := contract.objections(route, body):
        raise Refusal(400, {"reason": objections[0]})
    if route in edits.MAKERS:
        answer = _answer(world, request, route, body, edits.generation(world, route, body))
    else:
        answer = _answer(world, request, route, body, named(world, route, body))
        answer |= {"inference": repeated(world, body)} if "job" in answer else {}
    return JSONResponse(answer, 200 if "job" in answer else 269)


async def _generate_custom(world: World, request: Request) -> Response:
    model_id, body = request.path_params["model_id"], await _body(request)
    answer = _answer(world, request, f"custom/{model_id}", body, of_custom_model(world, model_id, body))
    return JSONResponse(answer, 200 if "job" in answer else 269)


def _answer(
    world: World, request: Request, route: str, body: Mapping[str, Any], generation: Generation
) -> dict[str, Any]:
    """Name the price, and start the job unless only the price was asked."""
    cost = {"creativeUnitsCost": generation.cost, "creativeUnitsDiscount": 0}
    knows_dry_run = "dryRun" in contract.contract().get(route, {"query": ("dryRun",)})["query"]
    if knows_dry_run and request.query_params.get("dryRun") == "true":
        return {**cost, "costDetails": {"inference-images": generation.cost}}
    if world.running() >= world.slots:
        details = {"actionName": "parallel-inferences", "actionLimit": world.slots}
        raise Refusal(429, {"reason": "Too many parallel inferences", "details": details})
    job = world.accept(
        route,
        body,
        generation.cost,
        generation.drafts,
        generation.said,
        kind=generation.kind,
        at_once=bool(generation.answer) and not generation.drafts,
        parts=generation.parts,
    )
    shown = [world.asset_record(world.assets[each], original=False) for each in job.asset_ids[:1]]
    asset = {"asset": shown[0]} if generation.shows_asset else {}
    return {**cost, "job": world.job_record(job), **generation.answer, **asset}


async def _body(request: Request) -> Mapping[str, Any]:
    content = await uploads.received(request, MAX_BODY)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise Refusal(400, {"reason": "The request body is not valid JSON"}) from None
    if not isinstance(body, dict):
        raise Refusal(400, {"reason": "The request body must be an object"})
    return body


async def _jobs(world: World, request: Request) -> Response:
    return JSONResponse(jobs.listed(world, request.query_params))


async def _job(world: World, request: Request) -> Response:
    return JSONResponse({"job": world.job_record(_known_job(world, request))})


async def _cancel_job(world: World, request: Request) -> Response:
    job = _known_job(world, request)
    jobs.cancel(world, job, await _body(request))
    return JSONResponse({"job": world.job_record(job)})


def _known_job(world: World, request: Request) -> Job:
    job_id = request.path_params["job_id"]
    if job_id not in world.jobs:
        raise Refusal(404, {"reason": f"Job {job_id} not found"})
    return world.jobs[job_id]


async def _teams(world: World, request: Request) -> Response:
    return JSONResponse({"teams": [jobs.TEAM]})


async def _limits(world: World, request: Request) -> Response:
    return JSONResponse(jobs.limits(world, request.path_params["team_id"]))


async def _asset(world: World, request: Request) -> Response:
    asset = world.assets.get(request.path_params["asset_id"])
    if asset is None:
        raise Refusal(404, {"reason": f"Asset {request.path_params['asset_id']} not found"})
    return JSONResponse({"asset": world.asset_record(asset, original=_original(request))})


async def _assets(world: World, request: Request) -> Response:
    asked = (await _body(request)).get("assetIds", [])
    found = [world.assets[asset_id] for asset_id in asked if asset_id in world.assets]
    return JSONResponse({"assets": [world.asset_record(asset, original=_original(request)) for asset in found]})


async def _assets_below(world: World, request: Request) -> Response:
    parent = request.query_params.get("parentAssetId")
    found = [asset for asset in world.assets.values() if asset.parent_id == parent and parent]
    return JSONResponse({"assets": [world.asset_record(asset, original=_original(request)) for asset in found]})


async def _new_asset(world: World, request: Request) -> Response:
    asset = uploads.small(world, await _body(request))
    return JSONResponse({"asset": world.asset_record(asset, original=False)})


async def _new_upload(world: World, request: Request) -> Response:
    return JSONResponse({"upload": uploads.begin(world, await _body(request))})


async def _upload(world: World, request: Request) -> Response:
    return JSONResponse({"upload": uploads.record(_known_upload(world, request))})


async def _complete_upload(world: World, request: Request) -> Response:
    upload = _known_upload(world, request)
    if (await _body(request)).get("action") != "complete":
        raise Refusal(400, {"reason": "Input action must be complete"})
    return JSONResponse({"upload": uploads.complete(world, upload)})


def _known_upload(world: World, request: Request) -> uploads.Upload:
    upload_id = request.path_params["upload_id"]
    if upload_id not in world.uploads:
        raise Refusal(404, {"reason": f"Upload {upload_id} not found"})
    upload: uploads.Upload = world.uploads[upload_id]
    return upload


async def _models(world: World, request: Request) -> Response:
    privacy, size = request.query_params.get("privacy", "private"), int(request.query_params.get("pageSize", 100))
    listed = [model for model in world.models.values() if model["privacy"] == privacy]
    start, filler, _ = request.query_params.get("paginationToken", "0").partition("~")
    if start != "0" and not filler:  # the real API may give an empty page while there are more
        return JSONResponse({"models": [], "nextPaginationToken": f"{start}~"})
    end = int(start) + min(size, 500)
    more = {"nextPaginationToken": str(end)} if end < len(listed) else {}
    return JSONResponse({"models": [_without(NOT_IN_LISTS, model) for model in listed[int(start) : end]], **more})


async def _models_in_bulk(world: World, request: Request) -> Response:
    asked = (await _body(request)).get("modelIds", [])
    found = [world.models[model_id] for model_id in asked if model_id in world.models]
    return JSONResponse({"models": [_without(NOT_IN_LISTS, model) for model in found]})


async def _search_models(world: World, request: Request) -> Response:
    body = await _body(request)
    if not any(body.get(name) for name in ("query", "filter", "image", "images")):
        raise Refusal(400, {"reason": "At least one of query, filter, image or images is required"})
    words, privacy = str(body.get("query", "")).lower().split(), "public" if body.get("public") else "private"
    ranked = sorted(
        (-sum(word in _searched(model) for word in words), number, model)
        for number, model in enumerate(world.models.values())
        if model["privacy"] == privacy
    )
    hits = [_without(NOT_IN_HITS, model) for score, _, model in ranked if score]
    start, limit = int(body.get("offset", 0)), int(body.get("limit", 20))
    page = hits[start : start + limit]
    return JSONResponse({"hits": page, "offset": start, "limit": limit, "estimatedTotalHits": len(hits)})


def _searched(model: Record) -> str:
    return f"{model['name']} {model['shortDescription']} {' '.join(model['tags'])}".lower()


def _without(names: tuple[str, ...], model: Record) -> Record:
    return {name: value for name, value in model.items() if name not in names}


async def _model(world: World, request: Request) -> Response:
    model = world.models.get(request.path_params["model_id"])
    if model is None:
        raise Refusal(404, {"reason": f"Model {request.path_params['model_id']} not found"})
    return JSONResponse({"model": model})


def _original(request: Request) -> bool:
    return request.query_params.get("originalAssets") == "true"
