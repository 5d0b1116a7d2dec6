"""What an inference answers at once, beside its job: words, numbers, and where things stand in a picture.

Read leniently, and only what is known: an answer is remembered, and told to an agent, so nothing else may ride along.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from scenario_mcp.scenario import records
from scenario_mcp.scenario.jobs import SUCCESS, Job

Answer = Mapping[str, Any]

LONGEST = 30_000  # characters of one value as JSON; contours may be far longer

ASSETS = "assetIds"  # of the results that an answer shows itself
SEGMENT = ("checkpoint", "nbMasks", "bbox", "message", "contours")


def _texts(value: Any) -> list[str] | None:
    found = [each if isinstance(each, str) else "" for each in records.items(value)]  # each keeps its place
    return found if any(found) else None


def _numbers(value: Any) -> list[float] | None:
    found = [records.number(each) for each in records.items(value)]
    return [each for each in found if each is not None] if found and None not in found else None


def _segments(value: Any) -> list[dict[str, Any]] | None:
    found = []
    for segment in map(records.mapping, records.items(value)):
        known = {name: each for name, each in segment.items() if name in SEGMENT}
        long = [name for name, each in known.items() if not _is_short(each)]
        told = {name: each for name, each in known.items() if name not in long}
        found.append(told | ({"tooLongToTell": long} if long else {}))
    return [segment for segment in found if segment] or None


def _is_short(value: Any) -> bool:
    return len(json.dumps(value)) <= LONGEST


# The words that are the whole result, and what else may stand in an answer, each with its reader.
WORDS: Mapping[str, Callable[[Any], Any]] = {
    "captions": _texts,
    "prompts": _texts,
    "translation": records.text,
    "description": records.text,
    "embedding": _numbers,
}
MORE: Mapping[str, Callable[[Any], Any]] = {
    "synthesis": records.text,
    "detectedLanguage": records.text,
    "segments": _segments,
}


def read_answer(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Take from a reply, or from the output of a job's record, what it holds besides the job; often nothing."""
    read = {name: reader(reply.get(name)) for name, reader in {**WORDS, **MORE}.items()}
    return {name: value for name, value in {**read, ASSETS: _asset_ids(reply)}.items() if value}


def _asset_ids(reply: Mapping[str, Any]) -> list[str]:
    """Name the results that an answer shows: as its asset, or as the masks and images of its segments."""
    shown = [records.mapping(reply.get("asset")).get("id")]
    for segment in map(records.mapping, records.items(reply.get("segments"))):
        shown += [*records.items(segment.get("masks")), *records.items(segment.get("images"))]
    return [each for each in shown if isinstance(each, str) and each.startswith("asset_")]


def has_words(answer: Answer) -> bool:
    """Tell whether an answer holds anything besides files."""
    return any(name != ASSETS for name in answer)


def is_whole(answer: Answer) -> bool:
    """Tell whether an answer is the result itself, so that there is nothing to wait for."""
    return any(name in answer for name in WORDS)


def done(job: Job, answer: Answer) -> Job:
    """Take a job whose answer is its whole result as done, whatever its record says yet."""
    return replace(job, status=SUCCESS) if is_whole(answer) and not job.ended else job
