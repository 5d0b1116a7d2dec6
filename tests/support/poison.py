"""A network whose replies carry a stranger's words: one field of the records after another says something else."""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

import httpx

from support.network import SandboxNetwork

Path = tuple[str, ...]  # of a field in a reply: the request's kind, then names, "[]" for every item of a list
Spoil = Callable[[Any], Any]


class PoisonedNetwork(SandboxNetwork):
    """Delivers as a sandbox does; the values of the fields at `paths` are what `spoil` makes of them.

    `fields` collects every field of texts, numbers and truths that passed by.
    """

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.fields: set[Path] = set()
        self.paths: Collection[Path] = ()
        self.spoil: Spoil = lambda text: text
        self.spoilt = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if "json" not in response.headers.get("content-type", ""):
            return response
        data = json.loads(await response.aread())
        known = [part for part in request.url.path.split("/") if part and "_" not in part]
        data = self._visit(data, (f"{request.method} {'/'.join(known)}",))
        content = json.dumps(data).encode()  # with escapes, which can hold halves of characters
        return httpx.Response(response.status_code, content=content, headers={"content-type": "application/json"})

    def _visit(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {name: self._visit(each, (*path, name)) for name, each in value.items()}
        if isinstance(value, list):
            return [self._visit(each, (*path, "[]")) for each in value]
        if value is None:
            return None
        self.fields.add(path)
        if path not in self.paths:
            return value
        self.spoilt += 1
        return self.spoil(value)


def texts_of(value: Any) -> Iterator[str]:
    """Give every text of a value as JSON has them, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts_of(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts_of(each)
