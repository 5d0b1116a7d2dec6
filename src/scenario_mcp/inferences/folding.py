"""Old and double names of one thing: folding them into the modern one, and replacing an argument under any of them.

Every function is pure and works on arguments as a host sends them: a mapping of camelCase names to JSON values.
"""

from collections.abc import Mapping
from typing import Any

Given = Mapping[str, Any]

REFERENCE_FIELDS = ("ipAdapterImages", "ipAdapterImageIds", "ipAdapterImage", "ipAdapterImageId")

RENAMED = {"imageId": "image", "controlImageId": "controlImage"}  # a lone old name moves into the modern one
DROPPED = {"maskId": "mask", "assetIds": "images"}  # stays if it is alone; Scenario documents it as another field

_SAME_THING: tuple[frozenset[str], ...] = (
    *(frozenset(pair) for pair in (*RENAMED.items(), *DROPPED.items())),
    frozenset(REFERENCE_FIELDS),
    frozenset({"ipAdapterScales", "ipAdapterScale"}),
)


def references(given: Given) -> list[Any]:
    """List the reference images of a call, whichever of the four names they were given under."""
    for name in REFERENCE_FIELDS:
        if name in given:
            return as_list(given[name])
    return []


def fold(given: Given) -> dict[str, Any]:
    """Move deprecated and double names into the modern ones, for a call without conflicts.

    `imageId` becomes `image`, all references become `ipAdapterImages`, a lone `ipAdapterScale` is repeated for every
    reference. `maskId` and `assetIds` go only beside the field that says the same.
    """
    old = {*RENAMED, "ipAdapterScale", *REFERENCE_FIELDS, *(name for name, same in DROPPED.items() if same in given)}
    folded = {name: value for name, value in given.items() if name not in old}
    for name, modern in RENAMED.items():
        if name in given:
            folded[modern] = given[name]
    if pictures := references(given):
        folded["ipAdapterImages"] = pictures
    if "ipAdapterScales" in given:
        folded["ipAdapterScales"] = given["ipAdapterScales"]
    elif "ipAdapterScale" in given:
        folded["ipAdapterScales"] = [given["ipAdapterScale"]] * len(pictures)
    return folded


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


def as_list(value: Any) -> list[Any]:
    """Put a single value into a list; a list stays as it is."""
    return value if isinstance(value, list) else [value]
