"""Our input schemas against the field contract distilled from Scenario's public description."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scenario_mcp.inferences import table
from scenario_mcp.inferences.table import INFERENCES, tool_name
from scenario_mcp.sandbox.contract import contract
from scenario_mcp.tools.schema import input_schema

Schema = Mapping[str, Any]
Difference = tuple[str, str, Any, Any]  # field, keyword, ours, theirs

# The only differences allowed. Each group: what differs, and why ours is right.
WHOLE = {  # the description types every number as "number"; these count pixels, things or steps, or are seeds
    (field, "type", "integer", "number")
    for field in (
        *("width", "height", "targetWidth", "targetHeight", "pixelGridSize"),
        *("numSamples", "numOutputs", "numResults", "numInferenceSteps", "refinementSteps", "colorPaletteSize"),
        "seed",
    )
}
MULTIPLES = {(field, "multipleOf", 8, None) for field in ("width", "height")}  # "must be a 8 multiple", in prose only
SCALES = {  # "within [0.0, 1.0]", in prose only
    ("ipAdapterScales[]", "minimum", 0, None),
    ("ipAdapterScales[]", "maximum", 1, None),
}
NOT_EMPTY = {(field, "minLength", 1, None) for field in ("modelId", "prompt", "text")}  # an empty one cannot work
QUERY = {  # "true" or absent on the wire; to an agent a yes or no
    (field, "type", "boolean", "string") for field in ("dryRun", "originalAssets")
}
MODALITY = {  # its prose allows weights, combinations and presets, like "depth:0.5,pose:1.0"
    ("modality", "enum", (), tuple(sorted(contract()["controlnet"]["properties"]["modality"]["enum"])))
}
COMPRESSION = {("compression", "minimum", 0, None), ("compression", "maximum", 100, None)}  # "0-100%", in prose
SOME = {  # of prompt-editing: none would be nothing, and each is billed; the limit is that of its siblings
    ("numSamples", "minimum", 1, None),
    ("numSamples", "maximum", 128, None),
}
PIXELS = {  # "Should be 16, 32, 64, 128, or 256"; "between 2 and 256"; "integers with a length of 3 ... [0, 255]"
    ("pixelGridSize", "minimum", 16, None),
    ("pixelGridSize", "maximum", 256, None),
    ("colorPaletteSize", "minimum", 2, None),
    ("colorPaletteSize", "maximum", 256, None),
    ("colorPalette[]", "minItems", 3, None),
    ("colorPalette[]", "maxItems", 3, None),
    ("colorPalette[][]", "type", "integer", "number"),
    ("colorPalette[][]", "minimum", 0, None),
    ("colorPalette[][]", "maximum", 255, None),
}
PLACES = {  # "in the format [x1, y1, x2, y2]"; "List of points (label, x, y)"; "Int to set between 0 and 255"
    ("bbox", "minItems", 4, None),
    ("bbox", "maxItems", 4, None),
    ("bbox[]", "type", "number", None),
    ("points[]", "minItems", 3, None),
    ("points[]", "maxItems", 3, None),
    ("points[][]", "type", "number", None),
    ("backgroundOpacity", "type", "integer", "number"),
}
ALLOWED: set[Difference] = set().union(
    *(WHOLE, MULTIPLES, SCALES, NOT_EMPTY, QUERY, MODALITY, COMPRESSION, SOME, PIXELS, PLACES)
)
# "For Flux Kontext Prompt Editing, the scale is between 0 and 2."
OWN: dict[str, set[Difference]] = {"prompt-editing": {("concepts[].scale", "minimum", 0, -2)}}
# Where a field of that name is another one, which differs in nothing.
OTHERS: dict[str, set[Difference]] = {
    "skybox-base-360": MULTIPLES | NOT_EMPTY,
    "prompt-editing": NOT_EMPTY,
    **dict.fromkeys(("generative-fill", "reframe", "restyle", "skybox-upscale-360", "upscale"), NOT_EMPTY),
    **dict.fromkeys(("caption", "describe-style", "prompt", "translate"), NOT_EMPTY),
    "segment": NOT_EMPTY,
}


@pytest.mark.parametrize("route", INFERENCES)
def test_every_field_has_the_type_range_and_values_of_the_contract(route: str) -> None:
    ours = input_schema(INFERENCES[route])
    theirs = contract()[route]
    query = {name: {"type": "string"} for name in theirs["query"]}
    whole = {**theirs, "properties": {**theirs["properties"], **query}}

    found = set(_differences("", ours, whole))

    allowed = {each for each in ALLOWED if _said(whole, each[0], each[1]) == each[3]}
    assert found == allowed - OTHERS.get(route, set()) | OWN.get(route, set())


def test_all_33_inferences_of_the_contract_are_there() -> None:
    assert set(INFERENCES) == set(contract())
    assert len(INFERENCES) == 33


def test_the_main_tool_has_the_32_fields() -> None:
    assert len(input_schema(INFERENCES["img2img-ip-adapter"])["properties"]) == 32


def test_a_shared_fields_wording_exists_once() -> None:
    worded = [
        (ast.unparse(field.target), ast.unparse(keyword.value))
        for path in Path(table.__file__).parent.glob("*.py")
        for field in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(field, ast.AnnAssign) and isinstance(field.value, ast.Call)
        for keyword in field.value.keywords
        if keyword.arg == "description" and not isinstance(keyword.value, ast.Name)
    ]

    assert len(worded) > 100
    assert [words for words, count in Counter(worded).items() if count > 1] == []


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

    assert tool_name(route) == re.sub("(?<!^)(?=[A-Z])", "-", operation).lower()


def _differences(field: str, ours: Schema, theirs: Schema) -> Iterator[Difference]:
    for keyword in ("type", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems"):
        if ours.get(keyword) != theirs.get(keyword):
            yield field, keyword, ours.get(keyword), theirs.get(keyword)
    for keyword in ("enum", "required"):
        if sorted(ours.get(keyword, [])) != sorted(theirs.get(keyword, [])):
            yield field, keyword, tuple(sorted(ours.get(keyword, []))), tuple(sorted(theirs.get(keyword, [])))
    if "items" in ours or "items" in theirs:
        yield from _differences(f"{field}[]", ours.get("items", {}), theirs.get("items", {}))
    names = {**ours.get("properties", {}), **theirs.get("properties", {})}
    for name in names:
        path = f"{field}.{name}" if field else name
        if name not in ours["properties"] or name not in theirs["properties"]:
            yield path, "field", name in ours["properties"], name in theirs["properties"]
        else:
            yield from _differences(path, ours["properties"][name], theirs["properties"][name])


_ABSENT = object()


def _said(schema: Schema, field: str, keyword: str) -> Any:
    """Give what a schema says by a keyword of a field, nothing for a keyword it lacks; `_ABSENT` without the field."""
    node: Any = schema
    name, *items = field.split("[]")
    node = schema["properties"].get(name, _ABSENT)
    for _ in items:
        if node is not _ABSENT:
            node = node.get("items", {})
    if node is _ABSENT:
        return _ABSENT
    value = node.get(keyword, () if keyword in ("enum", "required") else None)
    return tuple(sorted(value)) if isinstance(value, list) else value
