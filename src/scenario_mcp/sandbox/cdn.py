"""The second origin: files behind URLs that look signed, and are checked as signed ones are; parts of uploads."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scenario_mcp.sandbox import uploads
from scenario_mcp.sandbox.world import World

DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>'
)


def create_cdn(world: World) -> Starlette:
    """Make the CDN of a sandbox world as an ASGI app."""

    async def file(request: Request) -> Response:
        if "authorization" in request.headers:
            world.leaks.append(request.url.path)
        asset = world.assets.get(request.path_params["asset_id"])
        if asset is None or not world.signature_fits(request.url.path, request.query_params):
            return Response(DENIED, 403, media_type="application/xml")
        return Response(asset.content, media_type=asset.draft.mime_type)

    async def part(request: Request) -> Response:
        if "authorization" in request.headers:
            world.leaks.append(request.url.path)
        upload, number = world.uploads.get(request.path_params["upload_id"]), request.path_params["number"]
        if upload is None or not 1 <= number <= upload.count:
            return Response(DENIED, 403, media_type="application/xml")
        upload.parts[number] = await uploads.received(request, uploads.LARGEST_PART)
        return Response()

    return Starlette(
        routes=[
            Route("/assets/{asset_id}", file),
            Route("/assets-transform/{asset_id}", file),
            Route("/parts/{upload_id}/{number:int}", part, methods=["PUT"]),
        ]
    )
