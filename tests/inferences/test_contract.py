"""Our input schemas against the field contract distilled from Scenario's public description."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from scenario_mcp.inferences.table import INFERENCES, tool_name
from scenario_mcp.sandbox.contract import contract
from scenario_mcp.tools.schema import input_schema

Schema = Mapping[str, Any]
Difference = tuple[str, str, Any, Any]  # field, keyword, ours, theirs

# The only differences allowed. Each line: what differs, and why ours is right.
WHOLE = {  # the description types every number as "number"; these count pixels, images or steps
    (field, "type", "integer", "number") for field in ("width", "height", "numSamples", "numInferenceSteps")
}
MULTIPLES = {(field, "multipleOf", 8, None) for field in ("width", "height")}  # "must be a 8 multiple", in prose only
SCALES = {  # "within [0.0, 1.0]", in prose only
    ("ipAdapterScales[]", "minimum", 0, None),
    ("ipAdapterScales[]", "maximum", 1, None),
}
NOT_EMPTY = {(field, "minLength", 1, None) for field in ("modelId", "prompt")}  # an empty one cannot work
QUERY = {  # "true" or absent on the wire; to an agent a yes or no
    (field, "type", "boolean", "string") for field in ("dryRun", "originalAssets")
}
ALLOWED: set[Difference] = WHOLE | MULTIPLES | SCALES | NOT_EMPTY | QUERY


@pytest.mark.parametrize("route", INFERENCES)
def test_every_field_has_the_type_range_and_values_of_the_contract(route: str) -> None:
    ours = input_schema(INFERENCES[route])
    theirs = contract()[route]
    query = {name: {"type": "string"} for name in theirs["query"]}

    found = set(_differences("", ours, {**theirs, "properties": {**theirs["properties"], **query}}))

    fields = set(ours["properties"])
    assert found == {each for each in ALLOWED if each[0].removesuffix("[]") in fields}


def test_the_main_tool_has_the_32_fields() -> None:
    assert len(input_schema(INFERENCES["img2img-ip-adapter"])["properties"]) == 32


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_field_lost_on_either_side_is_a_difference(side: str) -> None:
    ours, theirs = input_schema(INFERENCES["img2img-ip-adapter"]), contract()["img2img-ip-adapter"]
    poorer = {**ours, "properties": {**ours["properties"]}} if side == "ours" else {**theirs}
    poorer["properties"] = {name: each for name, each in poorer["properties"].items() if name != "strength"}

    found = _differences("", poorer, theirs) if side == "ours" else _differences("", ours, poorer)

    assert any(difference[:2] == ("strength", "field") for difference in found)


@pytest.mark.parametrize("route", INFERENCES)
def test_a_tool_is_named_after_its_operation(route: str) -> None:
    operation = contract()[route]["operation"]

    assert tool_name(route).replace("-", "") == operation.lower()


def _differences(field: str, ours: Schema, theirs: Schema) -> Iterator[Difference]:
    for keyword in ("type", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems"):
        if ours.get(keyword) != theirs.get(keyword):
            yield field, keyword, ours.get(keyword), theirs.get(keyword)
    for keyword in ("enum", "required"):
        if sorted(ours.get(keyword, [])) != sorted(theirs.get(keyword, [])):
            yield field, keyword, tuple(ours.get(keyword, [])), tuple(theirs.get(keyword, []))
    if "items" in ours or "items" in theirs:
        yield from _differences(f"{field}[]", ours.get("items", {}), theirs.get("items", {}))
    names = {**ours.get("properties", {}), **theirs.get("properties", {})}
    for name in names:
        path = f"{field}.{name}" if field else name
        if name not in ours["properties"] or name not in theirs["properties"]:
            yield path, "field", name in ours["properties"], name in theirs["properties"]
        else:
            yield from _differences(path, ours["properties"][name], theirs["properties"][name])
