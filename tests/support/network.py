"""The network between the client and a sandbox world, in memory, with faults on demand."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx

from scenario_mcp.sandbox.api import PREFIX, create_api
from scenario_mcp.sandbox.cdn import create_cdn
from scenario_mcp.sandbox.world import World

API, CDN = "api.sandbox", "cdn.sandbox"
GENERATE, JOBS, ASSETS = "POST /v1/generate/", "GET /v1/jobs/", "POST /v1/assets/"

Deliver = Callable[[httpx.Request], Awaitable[httpx.Response]]
Fault = Callable[[httpx.Request, Deliver], Awaitable[httpx.Response]]


@dataclass
class _Planned:
    prefix: str
    fault: Fault
    times: int


@dataclass
class SandboxNetwork(httpx.AsyncBaseTransport):
    """Carries requests to the world's two origins, and writes them down as "METHOD /path"."""

    world: World
    sent: list[str] = field(default_factory=list)
    base_url: str = f"http://{API}{PREFIX}"

    def __post_init__(self) -> None:
        self.world.cdn_origin = f"http://{CDN}"
        self._planned: list[_Planned] = []
        self._origins = {
            API: httpx.ASGITransport(create_api(self.world)),
            CDN: httpx.ASGITransport(create_cdn(self.world)),
        }

    def plan(self, prefix: str, fault: Fault, times: int = 1) -> None:
        """Let a fault meet the next requests that begin with a prefix, in the order of planning."""
        self._planned.append(_Planned(prefix, fault, times))

    def count(self, prefix: str) -> int:
        return sum(line.startswith(prefix) for line in self.sent)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {request.url.raw_path.decode().partition('?')[0]}"
        self.sent.append(line)
        planned = next((each for each in self._planned if each.times and line.startswith(each.prefix)), None)
        if planned is None:
            return await self._deliver(request)
        planned.times -= 1
        return await planned.fault(request, self._deliver)

    async def _deliver(self, request: httpx.Request) -> httpx.Response:
        return await self._origins[request.url.host].handle_async_request(request)


def answers(status: int, body: Any = None, text: str | None = None, **headers: str) -> Fault:
    """Answer in place of the API."""

    async def fault(request: httpx.Request, deliver: Deliver) -> httpx.Response:
        content = text.encode() if text is not None else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return fault


async def refused(request: httpx.Request, deliver: Deliver) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


async def reset_before(request: httpx.Request, deliver: Deliver) -> httpx.Response:
    raise httpx.ReadError("connection reset", request=request)


async def reset_after(request: httpx.Request, deliver: Deliver) -> httpx.Response:
    await deliver(request)
    raise httpx.RemoteProtocolError("server disconnected without sending a response", request=request)


async def hangs_before(request: httpx.Request, deliver: Deliver) -> httpx.Response:
    await anyio.sleep(request.extensions["timeout"]["read"])
    raise httpx.ReadTimeout("", request=request)


async def hangs_after(request: httpx.Request, deliver: Deliver) -> httpx.Response:
    await deliver(request)
    return await hangs_before(request, deliver)


async def truncated(request: httpx.Request, deliver: Deliver) -> httpx.Response:
    response = await deliver(request)
    content = await response.aread()
    return httpx.Response(response.status_code, content=content[: len(content) // 2])


HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
bad_gateway = answers(502, text=HTML, content_type="text/html")
server_error = answers(500, {"message": "Internal server error"})
busy = answers(429, {"reason": "Too many requests", "details": {"actionName": "parallel-inferences", "actionLimit": 2}})
