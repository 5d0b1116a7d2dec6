"""Whatever a host sends as arguments, a tool answers with words that say what to change."""

import json
import random
from typing import Any

import pytest

from scenario_mcp.scenario.errors import InvalidArguments
from scenario_mcp.server import results, snapshot
from scenario_mcp.tools.arguments import validate
from scenario_mcp.tools.catalog import TOOLS

ATOMS: list[Any] = [
    *(None, True, False, 0, -1, 1, 0.5, 10**400, -(10**400), 1e308, "", " ", "x", "1e999", "[1", "[[]]", "null"),
    *("asset_x", "~/x.png", "https://e.xample/x.png", "data:image/png;base64,AAAA", "canny:", ":", ",", "depth:0.5,"),
    *("\ud800", '"\\ud800"', '{"\\ud800": 1}', "\x00", "é" * 300, "image-editing", "transparent", "jpeg"),
]
CALLS = 300


def nonsense(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if depth < 3 and kind < 0.15:
        return [nonsense(chance, depth + 1) for _ in range(chance.randint(0, 4))]
    if depth < 3 and kind < 0.3:
        names = ("image", "mode", "x", "y", "scale", "modelId", "prompt")
        return {chance.choice(names): nonsense(chance, depth + 1) for _ in range(chance.randint(0, 3))}
    return chance.choice(ATOMS)


@pytest.mark.parametrize("name", TOOLS)
def test_nonsense_is_refused_in_words_that_can_be_written(name: str) -> None:
    chance, tool = random.Random(name), TOOLS[name]
    schema = snapshot.committed()[name]["inputSchema"]
    refused = 0
    for _ in range(CALLS):
        fields = [field for field in schema["properties"] if chance.random() < 0.4]
        try:
            validate(tool.input, schema, {field: nonsense(chance) for field in fields}, tool.check)
        except InvalidArguments as problem:
            refused += 1
            rendered = results.render_error(problem, sandbox=False)
            json.dumps(rendered.text, ensure_ascii=False).encode()
            assert "- " in rendered.text

    assert refused > CALLS / 10
