"""The picture arguments of the named inferences: which form each has, and where in the body it travels."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenario_mcp.inferences import rules
from scenario_mcp.media import sources
from scenario_mcp.media.masks import Mask
from scenario_mcp.media.sources import AssetId, BadSource
from scenario_mcp.scenario.errors import InvalidArguments
from scenario_mcp.scenario.uploads import Filing
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.intake import Intake, Loaded, LocalPicture, Wanted
from scenario_mcp.tools.wish import name_of

MOST_INLINE = 4_000_000  # characters of data URLs in one request; the gateway takes about 6 MB

MASK_BY_ID = (
    "The mask went as maskId, which Scenario documents as ignored when image is given."
    " If the whole image changed, give the mask in mask."
)
UNCLEAR_MASK = "The mask is not mostly black and white; white is where the image may change."
IMAGE_BY_ID = "imageHide and imageParentId have no effect on an image given by asset id."


@dataclass
class Placed:
    """The pictures of a call as they travel in its body, the arguments used up on the way, and notes."""

    fields: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def check(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List the picture arguments whose text has none of the four forms; nothing is opened."""
    for name in (*rules.PICTURES, *rules.FOLDED_PICTURES):
        for label, text in _labelled(name, given.get(name)):
            try:
                sources.read(text)
            except BadSource as bad:
                yield label, f"{bad}"


Looked = Mapping[str, list[tuple[str, Loaded]]]  # by argument: a label for each picture, and what it is


async def look(intake: Intake, given: Mapping[str, Any]) -> Looked:
    """Read and check the pictures of a folded call as far as they are here; nothing is sent.

    Raises `InvalidArguments`.
    """
    named = [
        (name, label, text) for name in rules.PICTURES if name in given for label, text in _labelled(name, given[name])
    ]
    loaded = await intake.load([(label, sources.read(text)) for _, label, text in named])
    looked: dict[str, list[tuple[str, Loaded]]] = {}
    for (name, label, _), each in zip(named, loaded, strict=True):
        looked.setdefault(name, []).append((label, each))
    return looked


def named(given: Mapping[str, Any], looked: Looked) -> dict[str, Any]:
    """Put in place of each picture of a folded call the name of what it holds."""
    return {**given, **{name: [name_of(each) for _, each in pictures] for name, pictures in looked.items()}}


async def place(intake: Intake, given: Mapping[str, Any], looked: Looked, host: Host) -> Placed:
    """Put the pictures of a folded call where their form travels; files and addresses are uploaded.

    Raises `ScenarioError`.
    """
    placed = Placed()
    for name in rules.MASKS:
        if name in looked:
            await _place_mask(intake, name, looked[name][0][1], placed, host)
    inline = _inline(looked, MOST_INLINE - len(placed.fields.get("mask", "")))
    wanted: list[Wanted] = []
    for name, pictures in looked.items():
        if name in rules.MASKS:
            continue
        if name in inline:
            _put(placed, given, name, rules.PICTURES[name].as_data_url, inline[name])
        else:
            wanted += [Wanted(label, each, _filing(name, given, each, placed)) for label, each in pictures]
    ids = iter(await intake.asset_ids(wanted, host))
    for name, pictures in looked.items():
        if name not in rules.MASKS and name not in inline:
            _put(placed, given, name, rules.PICTURES[name].as_asset_id, [next(ids) for _ in pictures])
    return placed


def _labelled(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [(f"{name}[{index}]", text) for index, text in enumerate(value) if isinstance(text, str)]
    return [(name, value)] if isinstance(value, str) else []


def _inline(looked: Looked, most: int) -> dict[str, list[str]]:
    """Pick the arguments that are data URLs throughout; none if they are too large together."""
    inline: dict[str, list[str]] = {}
    for name, pictures in looked.items():
        urls = [each.data_url for _, each in pictures if isinstance(each, LocalPicture) and each.data_url]
        if name not in rules.MASKS and len(urls) == len(pictures):
            inline[name] = urls
    return inline if sum(len(url) for urls in inline.values() for url in urls) <= most else {}


def _filing(name: str, given: Mapping[str, Any], loaded: Loaded, placed: Placed) -> Filing:
    """Take how an upload is filed from the arguments that say so of a picture inside the call."""
    hide, parent = f"{name}Hide", f"{name}ParentId"
    if hide not in given and parent not in given:
        return Filing()
    if isinstance(loaded, AssetId):
        placed.notes.append(IMAGE_BY_ID)
        return Filing()
    placed.used |= {hide, parent}
    return Filing(bool(given.get(hide)), given.get(parent))


def _put(placed: Placed, given: Mapping[str, Any], name: str, target: str, values: list[str]) -> None:
    placed.fields[target] = values if isinstance(given[name], list) else values[0]


async def _place_mask(intake: Intake, name: str, loaded: Loaded, placed: Placed, host: Host) -> None:
    if name == "maskId" and isinstance(loaded, AssetId):
        placed.fields["maskId"] = loaded.id
        placed.notes.append(MASK_BY_ID)
        return
    content = await intake.content(name, loaded, host)
    try:
        mask = await asyncio.to_thread(Mask, content)
    except BadSource as bad:
        raise InvalidArguments([(name, f"{bad}")]) from None
    placed.fields["mask"] = mask.url
    if not mask.clear:
        placed.notes.append(UNCLEAR_MASK)
