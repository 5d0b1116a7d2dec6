"""What a single field cannot say: leniency for sloppy hosts, conflicts between fields, folding of old names.

Every function is pure and works on arguments as a host sends them: a mapping of camelCase names to JSON values.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from scenario_mcp.inferences.fields import Fields, IpAdapter, Mask, SourceImage

Given = Mapping[str, Any]
Schema = Mapping[str, Any]


class Problem(NamedTuple):
    """One reason to refuse a call: the field's name and a sentence that says what to change."""

    field: str
    message: str


Rule = Callable[[Given], Iterator[Problem]]

REFERENCE_FIELDS = ("ipAdapterImages", "ipAdapterImageIds", "ipAdapterImage", "ipAdapterImageId")


# --- leniency: hosts that send numbers as text, null for "not said", JSON inside strings, one value for a list


def lenient(schema: Schema, arguments: Given) -> dict[str, Any]:
    """Read arguments the way their sender meant them, guided by the tool's own input schema.

    Text becomes the number, boolean, list or object that the schema wants; one value becomes a list of one; null, and
    an empty list where a list is wanted, mean "not said" and are dropped. What cannot be read stays as it is, for
    validation to refuse.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    read: dict[str, Any] = {}
    for name, value in arguments.items():
        meant = _read(properties[name], value) if name in properties else value
        if name in properties and (meant is None or (meant == [] and properties[name].get("type") == "array")):
            continue
        read[name] = meant
    return read


def _read(schema: Schema, value: Any) -> Any:
    reader = _READERS.get(schema.get("type", ""))
    return value if value is None or reader is None else reader(schema, value)


def _read_integer(schema: Schema, value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}(\.0+)?\s*", value):
        return int(float(value)) if "." in value else int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _read_number(schema: Schema, value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(
        r"\s*[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?\s*", value
    ):
        number = float(value)
        if not math.isfinite(number):
            return value
        return int(value) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value) else number
    return value


def _read_boolean(schema: Schema, value: Any) -> Any:
    words = {"true": True, "false": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _read_array(schema: Schema, value: Any) -> Any:
    decoded = _decoded(value, list)
    items = decoded if isinstance(decoded, list) else [decoded]
    return [_read(schema.get("items", {}), item) for item in items]


def _read_object(schema: Schema, value: Any) -> Any:
    decoded = _decoded(value, dict)
    return lenient(schema, decoded) if isinstance(decoded, dict) and "properties" in schema else decoded


_READERS: dict[str, Callable[[Schema, Any], Any]] = {
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_boolean,
    "array": _read_array,
    "object": _read_object,
}


def _decoded(value: Any, kind: type) -> Any:
    opening = "[" if kind is list else "{"
    if not (isinstance(value, str) and value.lstrip().startswith(opening)):
        return value
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return decoded if isinstance(decoded, kind) else value


# --- conflicts


def references(given: Given) -> list[Any]:
    """List the reference images of a call, whichever of the four names they were given under."""
    for name in REFERENCE_FIELDS:
        if name in given:
            return _as_list(given[name])
    return []


def needs_source_image(given: Given) -> Iterator[Problem]:
    """Refuse a generation from an image without one."""
    if "image" not in given and "imageId" not in given:
        yield Problem(
            "image", "is needed: the picture to start from, as an asset id, a path, an https URL or a data URL."
        )


def needs_reference_image(given: Given) -> Iterator[Problem]:
    """Refuse an IP adapter without anything to adapt."""
    if not references(given):
        yield Problem(
            "ipAdapterImages",
            "is needed: at least one reference picture, as an asset id, a path, an https URL or a data URL.",
        )


def one_value(modern: str, other: str) -> Rule:
    """Refuse two different values for one thing; equal ones fold."""

    def rule(given: Given) -> Iterator[Problem]:
        if modern in given and other in given and given[modern] != given[other]:
            yield Problem(other, f"says something else than {modern}. Keep only {modern}.")

    return rule


def one_list_of_references(given: Given) -> Iterator[Problem]:
    """Refuse names for references that disagree: Scenario would silently drop all but one."""
    named = [name for name in REFERENCE_FIELDS if name in given]
    for name in named[1:]:
        if _as_list(given[name]) != _as_list(given[named[0]]):
            yield Problem(name, f"says something else than {named[0]}. Put every reference in ipAdapterImages.")


def scales_fit_references(given: Given) -> Iterator[Problem]:
    """Refuse influences that belong to no reference: they go by position."""
    scales, scale, count = given.get("ipAdapterScales"), given.get("ipAdapterScale"), len(references(given))
    if scales is None:
        return
    if scale is not None and any(each != scale for each in scales):
        yield Problem("ipAdapterScale", "says something else than ipAdapterScales. Keep only ipAdapterScales.")
    if count and len(scales) > count:
        yield Problem(
            "ipAdapterScales", f"has {len(scales)} values for {count} reference(s). Give at most one per reference."
        )


RULES: dict[type[Fields], tuple[Rule, ...]] = {
    SourceImage: (needs_source_image, one_value("image", "imageId")),
    IpAdapter: (needs_reference_image, one_list_of_references, scales_fit_references),
    Mask: (one_value("mask", "maskId"),),
}


def conflicts(model: type[Fields], given: Given) -> list[Problem]:
    """Collect what every rule of the model's field groups says about a call, best read after `lenient`."""
    rules = (rule for group, rules in RULES.items() if issubclass(model, group) for rule in rules)
    return [problem for rule in rules for problem in rule(given)]


# --- folding


def fold(given: Given) -> dict[str, Any]:
    """Move deprecated and double names into the modern ones, for a call without conflicts.

    `imageId` becomes `image`, all references become `ipAdapterImages`, a lone `ipAdapterScale` is repeated for every
    reference. `maskId` stays, as it was said: Scenario documents it as another field than `mask`.
    """
    folded = {name: value for name, value in given.items() if name not in _FOLDED}
    if "imageId" in given:
        folded["image"] = given["imageId"]
    if "mask" in given:
        folded.pop("maskId", None)
    if pictures := references(given):
        folded["ipAdapterImages"] = pictures
    if "ipAdapterScales" in given:
        folded["ipAdapterScales"] = given["ipAdapterScales"]
    elif "ipAdapterScale" in given:
        folded["ipAdapterScales"] = [given["ipAdapterScale"]] * len(pictures)
    return folded


_SAME_THING: tuple[frozenset[str], ...] = (
    frozenset({"image", "imageId"}),
    frozenset({"mask", "maskId"}),
    frozenset(REFERENCE_FIELDS),
    frozenset({"ipAdapterScales", "ipAdapterScale"}),
)


def same_thing(name: str) -> frozenset[str]:
    """List the names under which an argument may be given, its own among them."""
    return next((names for names in _SAME_THING if name in names), frozenset({name}))


def replaced(given: Given, overrides: Given) -> dict[str, Any]:
    """Replace arguments of a call, under whichever of their names; objects are replaced name by name."""
    gone = frozenset().union(*map(same_thing, overrides))
    merged = {name: value for name, value in given.items() if name not in gone}
    for name, value in overrides.items():
        before = given.get(name)
        merged[name] = {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return merged


class Travel(NamedTuple):
    """The body fields in which a picture travels: as the id of an asset, and as a data URL."""

    as_asset_id: str
    as_data_url: str


PICTURES: dict[str, Travel] = {
    "image": Travel("image", "image"),
    "mask": Travel("maskId", "mask"),
    "maskId": Travel("maskId", "mask"),
    "ipAdapterImages": Travel("ipAdapterImageIds", "ipAdapterImages"),
}

MASKS = ("mask", "maskId")  # which travel inside the call whatever their form, since maskId may be passed over
FOLDED_PICTURES = ("imageId", *(name for name in REFERENCE_FIELDS if name not in PICTURES))

_FOLDED = {"imageId", "ipAdapterScale", *REFERENCE_FIELDS}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
