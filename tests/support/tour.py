"""A tour of everything that a server tells: every kind of record, read by the tools that tell of it."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import TextResourceContents

from scenario_mcp.sandbox.world import World
from support.agents import CANCEL, LIST, RERUN, TOOL, WAIT, agent_of, data_of, text_of
from support.network import SandboxNetwork
from support.pictures import data_url, png
from support.poison import Path as FieldPath
from support.poison import PoisonedNetwork
from support.servers import Machine
from support.worlds import SANDBOX_CREDENTIALS

CAPTION, PROMPT, TRANSLATE, DESCRIBE, SEGMENT, EMBED = (
    f"post-{route}-inferences" for route in ("caption", "prompt", "translate", "describe-style", "segment", "embed")
)
FORGOTTEN = 400.0  # seconds after which a server remembers no record
Stop = tuple[str, Mapping[str, Any]]  # a tool and its arguments, or a URI and nothing


class Heard(NamedTuple):
    """What an agent hears of one stop: a text, and data if there are some."""

    text: str
    data: Any


class Tour:
    """Stops in a world that was made ready, and which kinds of requests each one makes."""

    def __init__(self, world: World, folder: Path, credentials: tuple[str, str] = SANDBOX_CREDENTIALS) -> None:
        self._credentials = credentials
        self.world = world
        self._state = folder / "state"
        self.machine = Machine(SandboxNetwork(world), state=self._state, previews=False, toolsets=("edit", "text"))
        self.stops: list[Stop] = []
        self._kinds: dict[str, list[int]] = defaultdict(list)
        self._jobs: Mapping[str, Any] = {}
        self._assets: Mapping[str, Any] = {}

    async def prepare(self) -> None:
        """Make jobs of every kind of outcome, then go to each stop once to see what it asks."""
        known = self.world.models.items()
        self.world.models = {name: model for name, model in known if name.startswith(("model_sandbox", "model_bfl"))}
        picture = self.world.add_picture(png("tan", (64, 48)))
        assert picture is not None
        call = {
            "modelId": "model_sandbox-ink",
            "prompt": "a phoenix",
            "image": picture.id,
            "ipAdapterImages": [picture.id],
        }
        film = {
            "modelId": "model_sandbox-film",
            "parameters": {"prompt": "a fox", "startImage": picture.id},
            "dryRun": True,
        }
        caption, segment = (
            {"images": [data_url(png())]},
            {"image": picture.id, "points": [[1, 4, 4]], "resultImage": True},
        )
        first = await self._visit(
            SandboxNetwork(self.world),
            [
                (TOOL, call),
                (TOOL, call | {"prompt": "sandbox:fail"}),
                (CAPTION, caption),
                (SEGMENT, segment),
            ],
        )
        jobs = [heard.data["jobId"] if heard.data else list(self.world.jobs)[n] for n, heard in enumerate(first)]
        self.stops = [
            ("find-models", {"query": "ink"}),
            ("find-models", {"limit": 25, "owner": "mine"}),
            *(("get-model", {"modelId": f"model_sandbox-{name}"}) for name in ("ink", "film", "story")),
            ("run-model", film),
            ("run-model", {**film, "parameters": {"nothing": 1}}),
            ("run-model", {"modelId": "model_sandbox-story", "parameters": {}, "dryRun": True}),
            (TOOL, call | {"numSamples": 2}),
            (TOOL, {**call, "modelId": "model_sandbox-film"}),
            *((TOOL, {**call, "image": data_url(png("red", (n, 9)))}) for n in (8,)),
            (CAPTION, {"images": [data_url(png("red"))]}),
            (PROMPT, {"mode": "inventive", "numResults": 2}),
            (TRANSLATE, {"prompt": "un phénix"}),
            (DESCRIBE, {"modelId": "model_sandbox-ink"}),
            (EMBED, {"text": "a phoenix"}),
            (SEGMENT, segment | {"image": data_url(png("red"))}),
            (WAIT, {"jobIds": jobs}),
            (LIST, {}),
            (LIST, {"everything": True, "limit": 3}),
            ("show-assets", {"assetIds": [picture.id, "asset_unknown"]}),
            ("show-assets", {"jobId": jobs[0]}),
            ("upload-asset", {"file": data_url(png("green", (5, 5)))}),
            ("upload-asset", {"file": "https://example.com/a.png"}),
            (RERUN, {"jobId": jobs[0], "overrides": {"dryRun": True}}),
            (CANCEL, {"jobId": jobs[0]}),
            (f"scenario://assets/{picture.id}", {}),
            (f"scenario://jobs/{jobs[1]}", {}),
        ]
        network = SandboxNetwork(self.world)
        async with self._agent(replace(self.machine, network=network)) as agent:
            for number, stop in enumerate(self.stops):
                before = len(network.sent)
                await _go(agent, stop)
                kinds = {_kind(line) for line in network.sent[before:]}
                paid = {kind for kind in kinds if kind.startswith("POST v1/generate/")}
                for kind in paid or kinds:  # what a paid call reads besides, others read too
                    self._kinds[kind].append(number)
                await anyio.sleep(FORGOTTEN)
        self._jobs, self._assets = dict(self.world.jobs), dict(self.world.assets)

    async def fields(self) -> Mapping[str, Sequence[FieldPath]]:
        """Go to all stops, and give the fields of the records in the replies to each kind of request."""
        watch = PoisonedNetwork(self.world)
        await self._visit(watch, self.stops, FORGOTTEN)
        fields = {kind: sorted(path for path in watch.fields if path[0] == kind) for kind in self._kinds}
        assert sum(map(len, fields.values())) > 200
        return fields

    async def visit(self, network: SandboxNetwork, kind: str) -> list[Heard]:
        """Go to all stops that make requests of a kind."""
        return await self._visit(network, [self.stops[number] for number in self._kinds[kind]])

    async def visit_all(self, network: SandboxNetwork) -> list[Heard]:
        return await self._visit(network, self.stops)

    async def _visit(self, network: SandboxNetwork, stops: Sequence[Stop], pause: float = 0) -> list[Heard]:
        machine = replace(self.machine, network=network)
        if self._jobs:  # each visit finds the world and the state as they were
            self.world.jobs, self.world.assets = dict(self._jobs), dict(self._assets)
            machine.state = Path(tempfile.mkdtemp(dir=self._state.parent)) / "state"
            shutil.copytree(self._state, machine.state)
        async with self._agent(machine) as agent:
            return [await _go(agent, stop, pause) for stop in stops]

    def _agent(self, machine: Machine) -> AbstractAsyncContextManager[McpClient]:
        return agent_of(machine.server(credentials=self._credentials), spoilt=True)


async def _go(agent: McpClient, stop: Stop, pause: float = 0) -> Heard:
    await anyio.sleep(pause)
    name, arguments = stop
    if not name.startswith("scenario:"):
        with anyio.fail_after(600):
            result = await agent.call_tool(name, dict(arguments))
        return Heard(text_of(result), data_of(result))
    try:
        read = await agent.read_resource(name)
    except MCPError as error:
        return Heard(str(error), None)
    return Heard("\n".join(each.text for each in read.contents if isinstance(each, TextResourceContents)), None)


def _kind(line: str) -> str:
    method, _, path = line.partition(" ")
    return f"{method} {'/'.join(part for part in path.split('/') if part and '_' not in part)}"
