"""Files in: whatever form an agent gives a file in, it becomes an asset of Scenario, and is uploaded only once."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from scenario_mcp.media import files, pictures
from scenario_mcp.media.files import Allowed
from scenario_mcp.media.masks import Mask, Paint
from scenario_mcp.media.pictures import MOST_BYTES, BadPicture
from scenario_mcp.media.sources import AssetId, BadSource, FilePath, Link, Source
from scenario_mcp.scenario import assets, uploads
from scenario_mcp.scenario.client import PAID_SECONDS, Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import (
    ApiError,
    InvalidArguments,
    NoAnswer,
    NotConfigured,
    ScenarioError,
    Unauthorized,
    UploadFailed,
    UploadGoesOn,
)
from scenario_mcp.scenario.uploads import Filing, Kind
from scenario_mcp.state.uploads import Content, Uploads
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.loaded import Loaded, LocalPicture, Size, from_data_url, local_picture, turned_upright
from scenario_mcp.tools.threads import Lanes
from scenario_mcp.wording import clean, quoted, size

RESERVE = PAID_SECONDS + 3.0  # seconds of a call that must be left after its uploads
LAST_SECOND = 1.0  # kept free before the deadline, to answer
LONGEST_NAME = 200  # characters of a file's name that go along with it
UPLOAD_SECONDS = 600.0  # that an upload may take, over as many calls as it needs
AT_ONCE = 4
SECONDS_FOR_SIZES, MOST_SIZES = 5.0, 10_000  # to ask for how large assets are; assets whose size is remembered
MOST_IN_ONE_CALL = 200_000_000  # bytes of pictures that are held at once
TOO_MUCH = (
    f"and the pictures before it have more than {MOST_IN_ONE_CALL // 1_000_000} MB together. Upload some by"
    " upload-asset first, and give their asset ids."
)
HANGS = (
    "could not be read in the time that a tool call has: the disk or network folder does not answer, or much else is"
    " being read. Try again, or copy the file to another disk of this machine."
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """One file that must become an asset: the argument that names it, and how it is to be filed."""

    argument: str
    loaded: Loaded
    filing: Filing = field(default_factory=Filing)
    kind: Kind = "image"


class Intake:
    """Turns sources into asset ids, over one client and what is remembered of earlier uploads."""

    def __init__(self, client: Client, allowed: Allowed, known: Uploads, lanes: Lanes) -> None:
        self._allowed = allowed
        self._lanes = lanes
        self._client = client
        self._known = known
        self._under_way: dict[Hashable, asyncio.Task[str]] = {}
        self._sizes: dict[str, Size] = {}  # by asset id; an asset never changes

    async def load(self, given: Sequence[tuple[str, Source]], deadline: Deadline) -> list[Loaded]:
        """Read and check what is on this machine or inside the call; nothing is sent.

        `given` are arguments' names and what they hold. Raises `InvalidArguments`.
        """
        until = deadline.sooner(LAST_SECOND)
        loaded: list[Loaded] = []
        read: dict[Source, LocalPicture] = {}  # what is named twice is read once
        problems: list[tuple[str, str]] = []
        for argument, source in given:
            if isinstance(source, AssetId | Link):
                loaded.append(source)
                continue
            if sum(len(picture.content) for picture in read.values()) > MOST_IN_ONE_CALL:
                problems.append((argument, TOO_MUCH))
                break
            try:
                if source in read:
                    pass
                elif isinstance(source, FilePath):
                    read[source] = await self._whole(await self._lanes.reading.run(until, self._read, source), until)
                else:
                    read[source] = await self._lanes.decoding.run(until, from_data_url, source)
                loaded.append(read[source])
            except BadSource as bad:
                problems.append((argument, f"{bad}"))
            except OSError:
                problems.append((argument, HANGS))
        if problems:
            raise InvalidArguments(problems)
        return loaded

    async def asset_ids(self, wanted: Sequence[Wanted], host: Host) -> list[str]:
        """Give the asset id of every file, in order; what is not known yet is uploaded.

        Raises `UploadGoesOn` when the call's time ends first, `UploadFailed`, and other `ScenarioError`s.
        """
        ids: dict[int, str] = {}
        places = anyio.CapacityLimiter(AT_ONCE)

        async def one(index: int, each: Wanted) -> None:
            async with places:
                try:
                    ids[index] = await self._asset_id(each, host)
                except (UploadFailed, NoAnswer, ApiError) as failure:
                    if isinstance(failure, Unauthorized):
                        raise
                    hint = (
                        failure.hint if "billed" in failure.hint else f"Nothing was generated or billed. {failure.hint}"
                    )
                    raise UploadFailed(f"{each.argument} could not be uploaded: {failure}", hint) from failure

        failure: ScenarioError | None = None
        try:
            async with anyio.create_task_group() as working:
                for index, each in enumerate(wanted):
                    working.start_soon(one, index, each)
        except* ScenarioError as failures:
            failure = _first(failures)
        if failure is not None:  # raised out here, since Python before 3.11.4 wraps what `except*` raises
            raise failure
        return [ids[index] for index in range(len(wanted))]

    async def upright(self, argument: str, picture: LocalPicture, host: Host) -> LocalPicture:
        """Turn a picture as its camera noted. Raises `InvalidArguments`."""
        try:
            return await self._lanes.decoding.run(host.deadline.sooner(RESERVE), turned_upright, picture)
        except BadPicture as bad:
            raise InvalidArguments([(argument, f"{bad}")]) from None
        except OSError:
            raise InvalidArguments([(argument, HANGS)]) from None

    async def sizes(self, asset_ids: Sequence[str], host: Host) -> dict[str, Size]:
        """Ask how large assets are; what cannot be known soon is left out."""
        soon = host.deadline.sooner(RESERVE).or_within(SECONDS_FOR_SIZES)
        if len(self._sizes) > MOST_SIZES:
            self._sizes.clear()
        for each in asset_ids:
            with suppress(ScenarioError):  # whatever it is, the call itself will meet it, or has no need to
                if each not in self._sizes and (size := await assets.size(self._client, each, soon)):
                    self._sizes[each] = size
        return {each: self._sizes[each] for each in asset_ids if each in self._sizes}

    async def mask(self, argument: str, loaded: Loaded, paint: Paint, host: Host) -> Mask:
        """Convert a picture, wherever it is, to a mask. Raises `ScenarioError`."""
        content = await self._content(argument, loaded, host)
        try:
            return await self._lanes.decoding.run(host.deadline.sooner(RESERVE), Mask, content, paint)
        except BadSource as bad:
            raise InvalidArguments([(argument, f"{bad}")]) from None
        except OSError:
            raise InvalidArguments([(argument, HANGS)]) from None

    async def _content(self, argument: str, loaded: Loaded, host: Host) -> bytes:
        if isinstance(loaded, LocalPicture):
            return loaded.content
        [asset_id] = await self.asset_ids([Wanted(argument, loaded)], host)
        [asset] = await assets.describe(self._client, [asset_id], host.deadline)
        if asset.url is None:
            raise InvalidArguments([(argument, f"names the asset {asset_id}, which Scenario does not know.")])
        return await self._client.content(asset.url, host.deadline.sooner(RESERVE), MOST_BYTES)

    def remember(self, sha256: str, asset_id: str) -> None:
        """Remember that an asset has this content, so that a result fed back is not uploaded."""
        self._known.put(Content(sha256), asset_id)

    def _read(self, source: FilePath) -> LocalPicture:
        file = files.read_picture(source, self._allowed)
        name = clean(file.path.name, LONGEST_NAME) or "image"
        return local_picture(name, file.content, file.picture)

    async def _whole(self, picture: LocalPicture, until: Deadline) -> LocalPicture:
        """Decode a picture that was never uploaded. Raises `BadSource` if it is cut off."""
        if self._known.get(Content(picture.sha256)) is None:
            try:
                await self._lanes.decoding.run(until, pictures.decode, picture.content)
            except BadPicture as bad:
                raise BadSource(f"is the file {quoted(picture.name)}, which {bad}") from None
        return picture

    async def _asset_id(self, each: Wanted, host: Host) -> str:
        if isinstance(each.loaded, AssetId):
            return each.loaded.id
        if isinstance(each.loaded, Link):
            fetch = partial(self._fetch, each.loaded.url, each)
            return await self._once((each.loaded.url, each.kind, each.filing), fetch, host)
        picture = each.loaded
        content = Content(picture.sha256, each.filing.hide, each.filing.parent_id or "")
        return await self._once(content, partial(self._known_or_uploaded, picture, content, each.filing, host), host)

    async def _known_or_uploaded(self, picture: LocalPicture, content: Content, filing: Filing, host: Host) -> str:
        known = self._known.get(content)
        if known is not None and await self._still_there(known, host.deadline):
            return known
        return await self._upload(picture, content, filing, host)

    async def _still_there(self, asset_id: str, deadline: Deadline) -> bool:
        try:
            there = await uploads.exists(self._client, asset_id, deadline.sooner(RESERVE))
        except NotConfigured:
            raise
        except ScenarioError:
            return True  # nothing says that it is gone; if it is, the API refuses it for free
        if not there:
            self._known.forget(asset_id)
        return there

    async def _once(self, key: Hashable, begin: Callable[[], Coroutine[Any, Any, str]], host: Host) -> str:
        """Upload once, however many calls ask for it at the same time; it outlives the call that began it."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(begin())
            self._under_way[key] = task
            task.add_done_callback(partial(self._ended, key))
        try:
            with anyio.fail_after(host.deadline.sooner(RESERVE).remaining()):
                return await asyncio.shield(task)
        except TimeoutError:
            raise UploadGoesOn("The upload takes longer than a tool call may.") from None

    def _ended(self, key: Hashable, task: "asyncio.Task[str]") -> None:
        del self._under_way[key]
        if not task.cancelled() and (failure := task.exception()) is not None:
            logger.info("An upload failed: %s", failure)

    async def _fetch(self, url: str, each: Wanted) -> str:
        return await uploads.fetch(self._client, url, each.kind, each.filing, Deadline.after(UPLOAD_SECONDS))

    async def _upload(self, picture: LocalPicture, content: Content, filing: Filing, host: Host) -> str:
        async def tell(sent: int, total: int) -> None:
            await host.progress(0, f"uploading {quoted(picture.name)}: {size(sent)} of {size(total)}")

        asset_id = await uploads.upload(
            self._client,
            picture.name,
            picture.mime_type,
            picture.content,
            filing,
            Deadline.after(UPLOAD_SECONDS),
            tell,
        )
        self._known.put(content, asset_id)
        return asset_id


def _first(failures: "ExceptionGroup[ScenarioError]") -> ScenarioError:
    """Take one failure out of a group: one that will not pass before one that may."""
    leaves = sorted(_leaves(failures), key=lambda failure: failure.passing)
    return leaves[0]


def _leaves(failures: "ExceptionGroup[ScenarioError]") -> list[ScenarioError]:
    found: list[ScenarioError] = []
    for each in failures.exceptions:
        found += _leaves(each) if isinstance(each, ExceptionGroup) else [each]
    return found
