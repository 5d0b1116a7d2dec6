"""An API on loopback that answers at once, so that what is measured is the server: one model, and jobs of one second.

Prints its port when it is ready. A job whose prompt says `slow` does not end.
"""

import time
from itertools import count

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from scenario_mcp.sandbox.serve import listening

MODEL = {"id": "m", "type": "flux.1-lora", "custom": False, "capabilities": ["img2img_ip_adapter"]}
JOB_SECONDS = 1.0

began: dict[str, float] = {}
slow: set[str] = set()
connections: set[tuple[str, int]] = set()
numbers = count(1)


async def _model(request: Request) -> JSONResponse:
    return JSONResponse({"model": MODEL | {"id": request.path_params["name"]}})


async def _generate(request: Request) -> JSONResponse:
    assert request.client is not None
    connections.add((request.client.host, request.client.port))
    job_id = f"job_{next(numbers)}"
    began[job_id] = time.monotonic()
    if "slow" in (await request.json())["prompt"]:
        slow.add(job_id)
    return JSONResponse({"job": {"jobId": job_id, "status": "queued"}, "creativeUnitsCost": 1})


async def _job(request: Request) -> JSONResponse:
    job_id = request.path_params["name"]
    done = job_id not in slow and time.monotonic() - began[job_id] >= JOB_SECONDS
    status = "success" if done else "in-progress"
    return JSONResponse({"job": {"jobId": job_id, "status": status, "progress": 0.5, "metadata": {"assetIds": []}}})


async def _connections(_: Request) -> JSONResponse:
    return JSONResponse(len(connections))


APP = Starlette(
    routes=[
        Route("/v1/models/{name}", _model),
        Route("/v1/generate/img2img-ip-adapter", _generate, methods=["POST"]),
        Route("/v1/jobs/{name}", _job),
        Route("/connections", _connections),
    ]
)


def main() -> None:
    """Serve until the process is ended."""
    with listening() as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(APP, lifespan="off", log_config=None, access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
