"""What an inference answers at once, beside its job: words, numbers, and where things stand in a picture.

Read leniently, and only what is known: an answer is remembered, and told to an agent, so nothing else may ride along.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from scenario_mcp import wording
from scenario_mcp.scenario import records
from scenario_mcp.scenario.jobs import SUCCESS, Job

Answer = Mapping[str, Any]

LONGEST = 8_000  # characters of one text
MOST_TEXTS, MOST_NUMBERS = 64, 4_096  # in one list
LONGEST_VALUE = 30_000  # characters of one value of a segment as JSON; contours may be far longer
DEEPEST = 6  # levels of a segment's values

ASSETS = "assetIds"  # of the results that an answer shows itself
SEGMENT = ("checkpoint", "nbMasks", "bbox", "message", "contours")


def _texts(value: Any) -> list[str] | None:
    found = [_text(each) or "" for each in records.items(value, MOST_TEXTS)]  # each keeps its place
    return found if any(found) else None


def _text(value: Any) -> str | None:
    return records.words(value, LONGEST)


def _numbers(value: Any) -> list[float] | None:
    found = [records.number(each) for each in records.items(value, MOST_NUMBERS + 1)]
    known = [each for each in found if each is not None]
    return known if known and len(known) == len(found) <= MOST_NUMBERS else None


def _segments(value: Any) -> list[dict[str, Any]] | None:
    found = []
    for segment in map(records.mapping, records.items(value, MOST_TEXTS)):
        known = {name: _plain(segment[name]) for name in SEGMENT if name in segment}
        long = [name for name, each in known.items() if each is None]
        found.append({**{name: each for name, each in known.items() if name not in long}, **_too_long(long)})
    return [segment for segment in found if segment] or None


def _too_long(names: list[str]) -> dict[str, Any]:
    return {"tooLongToTell": names} if names else {}


def _plain(value: Any) -> Any:
    """Take numbers, texts, and lists and objects of them; None for what is too long or too deep to tell."""
    room = LONGEST_VALUE

    def take(part: Any, depth: int) -> Any:
        nonlocal room
        room -= 8 if not isinstance(part, str) else len(part)
        if room < 0 or depth == 0:
            raise ValueError
        if isinstance(part, list):
            return [take(each, depth - 1) for each in part]
        if isinstance(part, Mapping):
            return {wording.clean(name, 40): take(each, depth - 1) for name, each in part.items()}
        return wording.clean(part) if isinstance(part, str) else part

    try:
        return take(value, DEEPEST)
    except ValueError:
        return None


# The words that are the whole result, and what else may stand in an answer, each with its reader.
WORDS: Mapping[str, Callable[[Any], Any]] = {
    "captions": _texts,
    "prompts": _texts,
    "translation": _text,
    "description": _text,
    "embedding": _numbers,
}
MORE: Mapping[str, Callable[[Any], Any]] = {
    "synthesis": _text,
    "detectedLanguage": wording.word,
    "segments": _segments,
}


def read_answer(reply: Mapping[str, Any], *, words: bool) -> dict[str, Any]:
    """Take from a reply, or from the output of a job's record, what it holds besides the job; often nothing.

    Only where `words` may be the whole result they are taken: another reply may name a thing alike, beside a job that
    runs.
    """
    readers = {**WORDS, **MORE} if words else MORE
    read = {name: reader(reply.get(name)) for name, reader in readers.items()}
    return {name: value for name, value in {**read, ASSETS: _asset_ids(reply)}.items() if value}


def remembered(answer: Answer) -> dict[str, Any]:
    """Read an answer that was kept: the journal of an earlier version holds it as it came."""
    read = {name: reader(answer.get(name)) for name, reader in {**WORDS, **MORE}.items()}
    ids = records.each(answer.get(ASSETS), wording.identifier)
    return {name: value for name, value in {**read, ASSETS: list(ids)}.items() if value}


def _asset_ids(reply: Mapping[str, Any]) -> list[str]:
    """Name the results that an answer shows: as its asset, or as the masks and images of its segments."""
    shown = [records.mapping(reply.get("asset")).get("id")]
    for segment in map(records.mapping, records.items(reply.get("segments"), MOST_TEXTS)):
        shown += [*records.items(segment.get("masks"), MOST_TEXTS), *records.items(segment.get("images"), MOST_TEXTS)]
    known = map(wording.identifier, shown)
    return [each for each in known if each is not None and each.startswith("asset_")]


def has_words(answer: Answer) -> bool:
    """Tell whether an answer holds anything besides files."""
    return any(name != ASSETS for name in answer)


def is_whole(answer: Answer) -> bool:
    """Tell whether an answer is the result itself, so that there is nothing to wait for."""
    return any(name in answer for name in WORDS)


def done(job: Job, answer: Answer) -> Job:
    """Take a job whose answer is its whole result as done, whatever its record says yet."""
    return replace(job, status=SUCCESS) if is_whole(answer) and not job.ended else job
