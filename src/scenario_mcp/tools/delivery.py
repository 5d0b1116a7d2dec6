"""Files out: finished results are downloaded, saved once, and shown small."""

import asyncio
import errno
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import anyio

from scenario_mcp.inferences.table import route_of
from scenario_mcp.media import cards, names, opened
from scenario_mcp.media.cards import Place
from scenario_mcp.media.outputs import Draft, Kept, NotWhole, Room
from scenario_mcp.media.previews import Preview
from scenario_mcp.media.shelf import NewFolders, sweep
from scenario_mcp.scenario import assets
from scenario_mcp.scenario.assets import Asset
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NoAnswer, ScenarioError
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.tools import saving, showing
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.intake import Intake
from scenario_mcp.tools.threads import Lanes
from scenario_mcp.tools.wish import Origin, prompt_of
from scenario_mcp.wording import clean, size

AT_ONCE = 4
LAST_SECOND = 1.0  # kept free before the deadline, to answer
LOOK_SECONDS = 5.0  # that a disk may take to tell what is still on it
CARD_SECONDS = 2.0  # that writing a card may take when the call's time is over
MOST_FOLDERS = 20  # that agents may have made below the results folder, per start of the server
LONGEST_KIND = 30  # bytes of the part in a file's name
SWEEP_SECONDS = 3600.0  # between sweeps
YEARS = range(2020, 2100)  # of a job's time that its folder is named after

logger = logging.getLogger(__name__)


@dataclass
class Delivered:
    """Where the files of a job are by asset id, and notes on those that are nowhere yet."""

    files: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    size: int = 0  # bytes that were downloaded


class Delivery:
    """Saves results below `shelf` (nothing without one) as `room` allows, and makes previews if they are wanted.

    `origin_of` tells the call that a job came from, if it is known.
    """

    def __init__(
        self,
        client: Client,
        intake: Intake,
        shelf: Path | None,
        origin_of: Callable[[str], Origin | None],
        *,
        room: Room,
        lanes: Lanes,
        with_previews: bool,
    ) -> None:
        self._client = client
        self._intake = intake
        self._shelf = shelf
        self._room = room
        self._lanes = lanes
        self._with_previews = with_previews
        self._origin_of = origin_of
        self._new_folders = NewFolders(MOST_FOLDERS)
        self._top: Path | None = None
        self._sweep_at = 0.0
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # as long as a call holds one

    @property
    def shelf(self) -> Path | None:
        """The folder that results are saved in, if any."""
        return self._shelf

    async def save(self, job: Job, described: Sequence[Asset], host: Host) -> Delivered:
        """Save the files of a finished job that are not saved yet, as far as the call's time goes. Raises nothing."""
        delivered = Delivered()
        if self._shelf is None or not described:
            return delivered
        lock = self._locks.setdefault(job.id, asyncio.Lock())
        until = host.deadline.sooner(LAST_SECOND)
        try:
            # Another call may be saving the same job: waiting for it must end with this call's own time.
            with anyio.move_on_after(until.remaining()) as scope:
                async with lock:
                    await self._save(job, described, delivered, host, until)
            if scope.cancelled_caught:
                delivered.notes.append(f"{len(described) - len(delivered.files)} result(s) are not saved yet.")
        except OSError as fault:
            delivered.notes.append(f"The results were not saved: {opened.in_words(fault)}.")
        except Exception:  # the job is paid and its results are named: no bug here may hide them
            logger.exception("Unexpected error while saving the results of %s", job.id)
            delivered.notes.append("The results could not be saved: an internal error, told in the server's log.")
        return delivered

    async def saved(self, job: Job, deadline: Deadline) -> dict[str, Path]:
        """List the files of a job that are saved already, by asset id."""
        if self._shelf is None:
            return {}
        try:
            return (await self._found(job, deadline.sooner(LAST_SECOND)))[2]
        except OSError:
            return {}

    async def there(self, paths: Set[str], deadline: Deadline) -> Set[str]:
        """Tell which files are still where they were saved; all, if their disk does not answer."""
        until = deadline.sooner(LAST_SECOND).or_within(LOOK_SECONDS)
        try:
            return await self._lanes.reading.run(until, lambda: {each for each in paths if opened.is_regular(each)})
        except OSError:
            return paths

    async def previews(
        self, described: Sequence[Asset], files: Mapping[str, Path], deadline: Deadline
    ) -> list[Preview]:
        """Make previews of pictures, from their files or else their addresses. Raises nothing."""
        if not self._with_previews:
            return []
        return await showing.previews(self._client, self._lanes.showing, described, files, deadline)

    async def folder(self, parts: tuple[str, ...], deadline: Deadline) -> Path:
        """Make a folder below the results folder, which there must be. Raises `TooManyFolders` and `OSError`."""
        return await self._lanes.writing.run(
            deadline.sooner(LAST_SECOND), lambda: self._new_folders.make(self._resolved(), parts)
        )

    async def save_as(self, asset: Asset, folder: Path, deadline: Deadline) -> Kept:
        """Save one asset's file in a folder that was made, named by its prompt and id.

        Raises `ScenarioError`, `NotWhole` and `OSError`.
        """
        name = f"{names.slug(asset.prompt or asset.id)}-{names.tag(asset.id)}"
        return await self._download(asset, folder, name, deadline.sooner(LAST_SECOND))

    async def _save(
        self, job: Job, described: Sequence[Asset], delivered: Delivered, host: Host, until: Deadline
    ) -> None:
        place, card, filed = await self._found(job, until)
        delivered.files |= {asset.id: filed[asset.id] for asset in described if asset.id in filed}
        missing = [(number, asset) for number, asset in enumerate(described, 1) if asset.id not in delivered.files]
        if not missing:
            return
        places = anyio.CapacityLimiter(AT_ONCE)

        async def one(number: int, asset: Asset) -> None:
            async with places:
                try:
                    kept = await self._download(asset, place.folder, _name(place, number, asset), until)
                except (ScenarioError, OSError, NotWhole) as fault:
                    delivered.notes.append(f"Result {number} was not saved: {in_words(fault)}.")
                    return
                if kept.remark:
                    delivered.notes.append(f"Result {number}: {kept.remark}.")
                delivered.files[asset.id] = kept.path
                delivered.size += kept.size
                saved = f"saved {len(delivered.files)} of {len(described)} results"
                await host.progress(100, f"{saved}, {size(delivered.size)}")

        try:
            async with anyio.create_task_group() as saving_all:
                for number, asset in missing:
                    saving_all.start_soon(one, number, asset)
        finally:
            if delivered.files:
                fresh = _card(job, self._origin_of(job.id), described, delivered)
                earlier = {name: value for name, value in card.items() if value is not None and name != "files"}
                with anyio.CancelScope(shield=True):
                    await self._write_card(place, fresh | earlier, delivered, host)

    async def _write_card(self, place: Place, card: Mapping[str, Any], delivered: Delivered, host: Host) -> None:
        until = host.deadline.sooner(LAST_SECOND / 2).or_within(CARD_SECONDS)
        try:
            await self._lanes.writing.run(until, cards.write_card, place, cards.short(card))
        except OSError as fault:
            delivered.notes.append(f"The card beside the results was not written: {opened.in_words(fault)}.")

    async def _found(self, job: Job, until: Deadline) -> tuple[Place, dict[str, Any], dict[str, Path]]:
        """Find the place of a job's files, the card that is there, and the files that it names. Raises `OSError`."""
        origin = self._origin_of(job.id)

        def find() -> tuple[Place, dict[str, Any], dict[str, Path]]:
            place = cards.place(self._resolved(), _made(job), _words(job, origin), job.id)
            card = cards.read_card(place)
            return place, card, cards.filed(place, card)

        return await self._lanes.writing.run(until, find)

    def _resolved(self) -> Path:
        """Resolve the results folder once: a link that a person chose is followed, one that comes later is not."""
        if self._top is None:
            if self._shelf is None:
                raise TypeError("There is no results folder.")
            try:
                self._top = self._shelf.resolve()
            except RuntimeError:  # Python before 3.13 says so of links in a circle
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(self._shelf)) from None
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
            sweep(self._top)
        return self._top

    async def _download(self, asset: Asset, folder: Path, name: str, until: Deadline) -> Kept:
        if asset.url is None:
            [asset] = await assets.describe(self._client, [asset.id], until)
        try:
            return await self._fetch(asset, folder, name, until)
        except (NoAnswer, NotWhole):
            # Signed addresses end; a fresh one is tried once.
            [fresh] = await assets.describe(self._client, [asset.id], until)
            return await self._fetch(replace(asset, url=fresh.url), folder, name, until)

    async def _fetch(self, asset: Asset, folder: Path, name: str, until: Deadline) -> Kept:
        if asset.url is None:
            raise NoAnswer("Scenario did not name its address")
        draft = Draft(folder, self._room)
        kept = await saving.download(self._client, asset.url, draft, name, asset.mime_type, self._lanes.writing, until)
        self._intake.remember(kept.sha256, asset.id)
        return kept


def in_words(fault: Exception) -> str:
    """Say why a file was not saved, without a full stop."""
    return opened.in_words(fault) if isinstance(fault, OSError) else clean(fault).rstrip(".")


def _card(job: Job, origin: Origin | None, described: Sequence[Asset], delivered: Delivered) -> dict[str, Any]:
    """Tell how the files of a job were made, and which asset is which of them."""
    facts = {
        "made": _made(job).isoformat(timespec="seconds"),
        "tool": origin.tool if origin else None,
        "arguments": origin.arguments if origin else job.input,
        "modelId": job.model_id,
        "jobId": job.id,
        "creativeUnitsCost": origin.cost if origin and origin.cost is not None else job.cost,
    }
    files = {
        asset.id: {"file": delivered.files[asset.id].name, **({"seed": asset.seed} if asset.seed else {})}
        for asset in described
        if asset.id in delivered.files
    }
    return {**{name: value for name, value in facts.items() if value not in (None, {})}, "files": files}


def _words(job: Job, origin: Origin | None) -> str:
    """Name a job's files by its prompt, or else by what was done."""
    route = route_of(origin.tool) if origin else None
    return prompt_of(origin.arguments if origin else job.input) or route or ""


def _name(place: Place, number: int, asset: Asset) -> str:
    part = f"-{names.within(LONGEST_KIND, names.slug(asset.part))}" if asset.part else ""
    return f"{place.stem}-{number}{part}"


def _made(job: Job) -> datetime:
    """Take a job's own time, so that its files belong to the same day whoever saves them; now, if that is odd."""
    now = datetime.now(UTC).astimezone()
    try:
        made = datetime.fromisoformat(job.created or "")
        made = (made if made.tzinfo else made.replace(tzinfo=UTC)).astimezone()
    except (ValueError, OverflowError, OSError):  # also for years that no calendar here reaches
        return now
    return made if made.year in YEARS else now
