"""Serving a sandbox over loopback: two origins on two free ports, in a thread of their own."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scenario_mcp.sandbox.api import PREFIX, create_api
from scenario_mcp.sandbox.cdn import create_cdn
from scenario_mcp.sandbox.world import World

HOST = "127.0.0.1"
NOT_HERE = Response("The sandbox answers at its own address only.\n", 421, media_type="text/plain")


def _as_it_is(app: ASGIApp) -> ASGIApp:
    return app


@contextmanager
def serving(world: World, around_api: Callable[[ASGIApp], ASGIApp] = _as_it_is) -> Iterator[str]:
    """Serve a world until the block ends; gives the API's base URL. Ready as soon as it is given.

    `around_api` may put something between the network and the API, such as faults.
    """
    with listening() as api, listening() as cdn:
        world.cdn_origin = f"http://{HOST}:{cdn.getsockname()[1]}"
        by_port: dict[int, ASGIApp] = {
            api.getsockname()[1]: around_api(create_api(world)),
            cdn.getsockname()[1]: create_cdn(world),
        }

        async def origins(scope: Scope, receive: Receive, send: Send) -> None:
            port = scope["server"][1]
            app = by_port[port] if _is_for(port, scope["headers"]) else NOT_HERE
            await app(scope, receive, send)

        server = uvicorn.Server(
            uvicorn.Config(origins, lifespan="off", ws="none", log_config=None, access_log=False, date_header=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [api, cdn]}, name="sandbox", daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{api.getsockname()[1]}{PREFIX}"
        finally:
            server.should_exit = True
            thread.join(5)


def _is_for(port: int, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request is meant for this very origin.

    A page in a browser, whose name was bound to this machine meanwhile, names its own host, or its own origin.
    """
    host = f"{HOST}:{port}".encode()
    hosts = [value for name, value in headers if name == b"host"]
    return hosts == [host] and {value for name, value in headers if name == b"origin"} <= {b"http://" + host}


@contextmanager
def listening() -> Iterator[socket.socket]:
    """Listen on a free port of this machine, until the block ends."""
    # With the protocol named, asyncio knows that it is TCP and sends small answers without waiting for more of them.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind((HOST, 0))
        listener.listen(128)
        yield listener
