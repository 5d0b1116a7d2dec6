"""The picture arguments of the named inferences: which form each has, and where in the body it travels."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenario_mcp.inferences.values import Travel
from scenario_mcp.media import sources
from scenario_mcp.media.masks import Mask, Paint
from scenario_mcp.media.sources import AssetId, BadSource
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import InvalidArguments, ScenarioError
from scenario_mcp.scenario.uploads import Filing
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.intake import Intake, Wanted
from scenario_mcp.tools.loaded import Loaded, LocalPicture, Size
from scenario_mcp.tools.sizes import DRAWN_FOR
from scenario_mcp.tools.wish import name_of

MOST_INLINE = 4_000_000  # characters of data URLs in one request; the gateway takes about 6 MB

MASK_BY_ID = (
    "The mask went as maskId, which Scenario documents as ignored when image is given."
    " If the whole image changed, give the mask in mask."
)
EMPTY_MASK = (
    "is a mask with no {0} at all, so nothing could change. Give a black and white picture, {0} where the image may"
    " change."
)
UNCLEAR_MASK = "The mask is not mostly black and white; {} is where the image may change."
COVERS = "The mask lets {} of the image change, {}."
COVERS_ALL = "The mask lets all of the image change."
COVERS_LITTLE = "The mask is nowhere nearer to {} than halfway, so hardly anything may change."
TURNED = "{} was turned upright, as its camera noted, so that the mask fits it."
IMAGE_BY_ID = "imageHide and imageParentId have no effect on an image given by asset id."


@dataclass
class Placed:
    """The pictures of a call as they travel in its body, the arguments used up on the way, notes, and known sizes."""

    fields: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    sizes: dict[str, Size] = field(default_factory=dict)
    masks: dict[str, Size] = field(default_factory=dict)


Travels = Mapping[str, Travel]  # by picture argument, where in the body it travels; in an object: `object.field`
Looked = Mapping[str, list[tuple[str, Loaded]]]  # by argument: a label for each picture, and what it is


def check(travels: Travels, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List the picture arguments whose text has none of the four forms; nothing is opened."""
    for name in travels:
        for label, text in _labelled(name, _at(given, name)):
            try:
                sources.read(text)
            except BadSource as bad:
                yield label, f"{bad}"


async def look(intake: Intake, travels: Travels, given: Mapping[str, Any], deadline: Deadline) -> Looked:
    """Read and check the pictures of a folded call as far as they are here; nothing is sent.

    Raises `InvalidArguments`.
    """
    named = [(name, label, text) for name in travels for label, text in _labelled(name, _at(given, name))]
    loaded = await intake.load([(label, sources.read(text)) for _, label, text in named], deadline)
    looked: dict[str, list[tuple[str, Loaded]]] = {}
    for (name, label, _), each in zip(named, loaded, strict=True):
        looked.setdefault(name, []).append((label, each))
    return looked


def named(travels: Travels, given: Mapping[str, Any], looked: Looked) -> dict[str, Any]:
    """Put in place of each picture of a folded call the name of what it holds, under the name that it travels by."""
    said = {name: value for name, value in given.items() if name not in looked}
    for name, pictures in looked.items():
        _set(said, given, travels[name].as_asset_id or name, [name_of(each) for _, each in pictures])
    return said


async def place(intake: Intake, travels: Travels, given: Mapping[str, Any], looked: Looked, host: Host) -> Placed:
    """Put the pictures of a folded call where their form travels; files and addresses are uploaded.

    Raises `ScenarioError`.
    """
    placed = Placed()
    for name in looked:
        if paint := travels[name].mask:
            await _place_mask(intake, name, looked[name][0][1], paint, travels[name], placed, host)
    others = {name: pictures for name, pictures in looked.items() if not travels[name].mask}
    if placed.masks:
        others = {name: await _upright(intake, name, each, placed, host) for name, each in others.items()}
    inline = _inline(travels, others, MOST_INLINE - len(placed.fields.get("mask", "")))
    wanted: list[Wanted] = []
    for name, pictures in others.items():
        if name in inline:
            _put(placed, given, name, travels[name].as_data_url or name, inline[name])
        else:
            wanted += [Wanted(label, each, _filing(name, given, each, placed)) for label, each in pictures]
    asset_ids = await intake.asset_ids(wanted, host)
    ids = iter(asset_ids)
    for name, pictures in others.items():
        if name not in inline:
            _put(placed, given, name, travels[name].as_asset_id or name, [next(ids) for _ in pictures])
    here = {label: each for pictures in others.values() for label, each in pictures if isinstance(each, LocalPicture)}
    placed.sizes = {label: each.size for label, each in here.items() if each.size}
    placed.sizes |= await known_sizes(intake, wanted, asset_ids, DRAWN_FOR, host)
    return placed


async def known_sizes(
    intake: Intake, wanted: Sequence[Wanted], asset_ids: Sequence[str], asked: Collection[str], host: Host
) -> dict[str, Size]:
    """Give the sizes of pictures by their labels: of those that were read here, and of assets that are asked for."""
    stored = {
        each.argument: asset_id
        for each, asset_id in zip(wanted, asset_ids, strict=True)
        if not isinstance(each.loaded, LocalPicture) and each.argument in asked
    }
    found = await intake.sizes(list(stored.values()), host)
    here = {each.argument: each.loaded.size for each in wanted if isinstance(each.loaded, LocalPicture)}
    known = here | {label: found.get(asset_id) for label, asset_id in stored.items()}
    return {label: size for label, size in known.items() if size}


def _at(given: Mapping[str, Any], name: str) -> Any:
    """Take an argument, or a field of one that is an object."""
    outer, _, inner = name.partition(".")
    value = given.get(outer)
    return (value.get(inner) if isinstance(value, Mapping) else None) if inner else value


def _set(target: dict[str, Any], given: Mapping[str, Any], name: str, value: Any) -> None:
    """Set an argument, or a field of one that is an object beside its other fields."""
    outer, _, inner = name.partition(".")
    target[outer] = {**target.get(outer, given[outer]), inner: value} if inner else value


def _labelled(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [(f"{name}[{index}]", text) for index, text in enumerate(value) if isinstance(text, str)]
    return [(name, value)] if isinstance(value, str) else []


def _inline(travels: Travels, looked: Looked, most: int) -> dict[str, list[str]]:
    """Pick the arguments that are data URLs throughout; none if they are too large together."""
    inline: dict[str, list[str]] = {}
    for name, pictures in looked.items():
        urls = [each.data_url for _, each in pictures if isinstance(each, LocalPicture) and each.data_url]
        if travels[name].inline and len(urls) == len(pictures):
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
    _set(placed.fields, given, target, values if isinstance(_at(given, name), list) else values[0])


async def _upright(
    intake: Intake, name: str, pictures: list[tuple[str, Loaded]], placed: Placed, host: Host
) -> list[tuple[str, Loaded]]:
    """Turn what a mask is drawn for, since nobody knows which of both Scenario would turn."""
    turned: list[tuple[str, Loaded]] = []
    for label, each in pictures:
        if name in DRAWN_FOR and isinstance(each, LocalPicture) and each.turned:
            turned.append((label, await intake.upright(label, each, host)))
            placed.notes.append(TURNED.format(label))
        else:
            turned.append((label, each))
    return turned


async def _place_mask(
    intake: Intake, name: str, loaded: Loaded, paint: Paint, travel: Travel, placed: Placed, host: Host
) -> None:
    by_id = name == "maskId" and isinstance(loaded, AssetId)
    try:
        mask = await intake.mask(name, loaded, paint, host)
    except ScenarioError:
        if not by_id:
            raise
        mask = None  # Scenario may be able to read it all the same
    if mask and mask.empty:
        raise InvalidArguments([(name, EMPTY_MASK.format(paint))])
    if isinstance(loaded, AssetId) and by_id:
        placed.fields["maskId"] = loaded.id
        placed.notes += [MASK_BY_ID] if travel.unsure else []
    elif mask:
        placed.fields["mask"] = mask.url
    if mask:
        placed.masks[name] = mask.size
        placed.notes.append(_covers(mask, paint))
        placed.notes += [] if mask.clear else [UNCLEAR_MASK.format(paint)]


def _covers(mask: Mask, paint: Paint) -> str:
    if mask.covers == 0:
        return COVERS_LITTLE.format(paint)
    return COVERS_ALL if mask.covers == 1 else COVERS.format(_percent(mask.covers), mask.where)


def _percent(share: float) -> str:
    """Word a share in percent, and never as none or all."""
    return "less than 1 %" if share < 0.01 else f"{min(99, round(100 * share))} %"
