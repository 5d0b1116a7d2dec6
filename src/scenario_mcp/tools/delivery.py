"""Files out: finished results are downloaded, saved once, and shown small."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import anyio

from scenario_mcp import wording
from scenario_mcp.inferences.table import route_of
from scenario_mcp.media import outputs
from scenario_mcp.media.outputs import NotWhole, Place
from scenario_mcp.media.previews import Gallery, Preview
from scenario_mcp.scenario import assets
from scenario_mcp.scenario.assets import Asset
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NoAnswer, ScenarioError
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.intake import Intake
from scenario_mcp.tools.wish import Origin, prompt_of

AT_ONCE = 4
LAST_SECOND = 1.0  # kept free before the deadline, to answer
LARGEST_PREVIEWED = 60_000_000  # bytes of a file that is held in memory for its preview
LONGEST_VALUE = 2_000  # characters of an argument that a card repeats

logger = logging.getLogger(__name__)


@dataclass
class Delivered:
    """Where the files of a job are by asset id, and notes on those that are nowhere yet."""

    files: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    size: int = 0  # bytes that were downloaded


class Delivery:
    """Saves results below `shelf` (nothing without one) and makes previews if they are wanted.

    `origin_of` tells the call that a job came from, if it is known.
    """

    def __init__(
        self,
        client: Client,
        intake: Intake,
        shelf: Path | None,
        origin_of: Callable[[str], Origin | None],
        *,
        with_previews: bool,
    ) -> None:
        self._client = client
        self._intake = intake
        self._shelf = shelf
        self._with_previews = with_previews
        self._origin_of = origin_of
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # as long as a call holds one

    async def save(self, job: Job, described: Sequence[Asset], host: Host) -> Delivered:
        """Save the files of a finished job that are not saved yet, as far as the call's time goes. Raises nothing."""
        delivered = Delivered()
        if self._shelf is None or not described:
            return delivered
        lock = self._locks.setdefault(job.id, asyncio.Lock())
        try:
            # Another call may be saving the same job: waiting for it must end with this call's own time.
            with anyio.move_on_after(host.deadline.sooner(LAST_SECOND).remaining()) as scope:
                async with lock:
                    origin = self._origin_of(job.id)
                    place = await asyncio.to_thread(_place, self._shelf, job, origin)
                    await self._save(place, job, origin, described, delivered, host)
            if scope.cancelled_caught:
                delivered.notes.append(f"{len(described) - len(delivered.files)} result(s) are not saved yet.")
        except Exception:  # the job is paid and its results are named: no bug here may hide them
            logger.exception("Unexpected error while saving the results of %s", job.id)
            delivered.notes.append("The results could not be saved: an internal error, told in the server's log.")
        return delivered

    async def saved(self, job: Job) -> dict[str, Path]:
        """List the files of a job that are saved already, by asset id."""
        if self._shelf is None:
            return {}
        place = await asyncio.to_thread(_place, self._shelf, job, self._origin_of(job.id))
        return await asyncio.to_thread(lambda: outputs.filed(place, outputs.read_card(place)))

    async def previews(
        self, described: Sequence[Asset], files: Mapping[str, Path], deadline: Deadline
    ) -> list[Preview]:
        """Make previews of pictures, from their files or else their addresses. Raises nothing."""
        listed = {
            number: asset for number, asset in enumerate(described, 1) if (asset.mime_type or "").startswith("image/")
        }
        if not self._with_previews or not listed:
            return []
        gallery = Gallery(list(listed))
        try:
            with anyio.move_on_after(deadline.sooner(LAST_SECOND).remaining()):
                for number in gallery.numbers:  # one after another: large ones fill the memory
                    asset = listed[number]
                    content = await self._content(asset, files.get(asset.id), deadline)
                    if content is not None:
                        await asyncio.to_thread(gallery.add, number, content)
            return await asyncio.to_thread(gallery.previews)
        except Exception:  # a preview is never worth a failed call
            logger.warning("No previews could be made", exc_info=True)
        return []

    async def save_as(self, asset: Asset, folder: Path, deadline: Deadline) -> Path:
        """Save one asset's file in a folder, named by its prompt and id. Raises `ScenarioError` and `OSError`."""
        name = f"{outputs.slug(asset.prompt or asset.id)}-{outputs.tag(asset.id)}"
        return await self._download(asset, folder, name, deadline)

    @property
    def shelf(self) -> Path | None:
        """The folder that results are saved in, if any."""
        return self._shelf

    async def _save(
        self,
        place: Place,
        job: Job,
        origin: Origin | None,
        described: Sequence[Asset],
        delivered: Delivered,
        host: Host,
    ) -> None:
        card = await asyncio.to_thread(outputs.read_card, place)
        delivered.files |= await asyncio.to_thread(outputs.filed, place, card)
        missing = [(number, asset) for number, asset in enumerate(described, 1) if asset.id not in delivered.files]
        if not missing:
            return
        places = anyio.CapacityLimiter(AT_ONCE)

        async def one(number: int, asset: Asset) -> None:
            async with places:
                try:
                    path = await self._download(asset, place.folder, _name(place, number, asset), host.deadline)
                except (ScenarioError, OSError, NotWhole) as fault:
                    delivered.notes.append(f"Result {number} was not saved: {_words(fault)}.")
                    return
                delivered.files[asset.id] = path
                delivered.size += await asyncio.to_thread(lambda: path.stat().st_size)
                saved = f"saved {len(delivered.files)} of {len(described)} results"
                await host.progress(100, f"{saved}, {delivered.size / 1e6:.1f} MB")

        try:
            async with anyio.create_task_group() as saving:
                for number, asset in missing:
                    saving.start_soon(one, number, asset)
        finally:
            if delivered.files:
                with anyio.CancelScope(shield=True):
                    await _write_card(place, card, job, origin, described, delivered)

    async def _download(self, asset: Asset, folder: Path, name: str, deadline: Deadline) -> Path:
        until = deadline.sooner(LAST_SECOND)
        if asset.url is None:
            [asset] = await assets.describe(self._client, [asset.id], until)
        try:
            return await self._fetch(asset, folder, name, until)
        except (NoAnswer, NotWhole):
            # Signed addresses end; a fresh one is tried once.
            [fresh] = await assets.describe(self._client, [asset.id], until)
            return await self._fetch(replace(asset, url=fresh.url), folder, name, until)

    async def _fetch(self, asset: Asset, folder: Path, name: str, until: Deadline) -> Path:
        if asset.url is None:
            raise NoAnswer("Scenario did not name its address")
        with outputs.draft(folder) as written:
            await self._client.download(asset.url, until, written.file.write)
            path, sha256 = await asyncio.to_thread(outputs.keep, written, folder, name, asset.mime_type)
        self._intake.remember(sha256, asset.id)
        return path

    async def _content(self, asset: Asset, path: Path | None, deadline: Deadline) -> bytes | None:
        if path is not None:
            return await asyncio.to_thread(_read, path)
        if asset.url is None:
            return None
        try:
            return await self._client.content(asset.url, deadline.sooner(LAST_SECOND), LARGEST_PREVIEWED)
        except ScenarioError:
            return None


async def _write_card(
    place: Place,
    card: Mapping[str, Any],
    job: Job,
    origin: Origin | None,
    described: Sequence[Asset],
    delivered: Delivered,
) -> None:
    said = {
        "made": _made(job).isoformat(timespec="seconds"),
        "tool": origin.tool if origin else None,
        "arguments": _short(origin.arguments if origin else job.input),
        "modelId": job.model_id,
        "jobId": job.id,
        "creativeUnitsCost": origin.cost if origin and origin.cost is not None else job.cost,
    }
    files = {
        asset.id: {"file": delivered.files[asset.id].name, **({"seed": asset.seed} if asset.seed else {})}
        for asset in described
        if asset.id in delivered.files
    }
    earlier = {name: value for name, value in card.items() if value is not None}
    fresh = {name: value for name, value in said.items() if value not in (None, {})}
    try:
        await asyncio.to_thread(outputs.write_card, place, {**fresh, **earlier, "files": files})
    except OSError as fault:
        delivered.notes.append(f"The card beside the results was not written: {_words(fault)}.")


def _place(shelf: Path, job: Job, origin: Origin | None) -> Place:
    """Place a job's files by its prompt, or else by what was done."""
    route = route_of(origin.tool) if origin else None
    words = prompt_of(origin.arguments if origin else job.input) or route or ""
    return outputs.place(shelf, _made(job), words, job.id)


def _name(place: Place, number: int, asset: Asset) -> str:
    return f"{place.stem}-{number}{f'-{asset.part}' if asset.part else ''}"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_PREVIEWED else None
    except OSError:
        return None


def _made(job: Job) -> datetime:
    """Take a job's own time, so that its files belong to the same day whoever saves them."""
    try:
        made = datetime.fromisoformat(job.created or "")
        return (made if made.tzinfo else made.replace(tzinfo=UTC)).astimezone()
    except (ValueError, OverflowError, OSError):  # also for years that no calendar here reaches
        return datetime.now(UTC).astimezone()


def _short(value: Any) -> Any:
    """Repeat arguments without the pictures inside them, and without what addresses may be signed with."""
    if isinstance(value, str):
        if value.lstrip()[:5].lower() == "data:":
            return f"(a data URL of {len(value)} characters)"
        return re.sub(r"(https?://[^\s?#]+)[?#]\S*", r"\1", value[:LONGEST_VALUE])
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items()}
    return [_short(each) for each in value] if isinstance(value, list) else value


def _words(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return f"{fault.strerror or type(fault).__name__} ({fault.filename or 'in the results folder'})"
    return wording.clean(str(fault)).rstrip(".")
