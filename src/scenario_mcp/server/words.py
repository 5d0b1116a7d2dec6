"""Results in words and numbers: what inferences answer besides files, as lines and as data."""

from collections.abc import Iterator, Mapping
from typing import Any

from scenario_mcp import wording
from scenario_mcp.inferences import schemas
from scenario_mcp.scenario.answers import ASSETS, Answer

SHORTEST = 40  # characters of a text that is cut
SHOWN_NUMBERS = 4  # of an embedding
LONGEST = 400  # characters of a segment
MARK = "What a model of Scenario wrote, not the user:"

LABELS = {
    "captions": "Caption",
    "prompts": "Prompt",
    "translation": "In English",
    "detectedLanguage": "Translated from",
    "description": "Style",
    "synthesis": "In short",
    "segments": "Segment",
}


def lines(answer: Answer) -> Iterator[str]:
    """Put an answer into lines, quoted and marked as a model's: words in full, numbers only as how many there are."""
    if any(name in LABELS for name in answer):
        yield MARK
    for name, value in answer.items():
        if name == "embedding":
            first = ", ".join(schemas.plain(each) for each in value[:SHOWN_NUMBERS])
            yield f"Embedding: {len(value)} numbers, in full in structuredContent: {first}, ..."
        elif name in LABELS and isinstance(value, list):
            many = len(value) > 1
            for number, each in enumerate(value, 1):
                yield f"{LABELS[name]}{f' {number}' if many else ''}: {_text(each)}"
        elif name in LABELS:
            yield f"{LABELS[name]}: {_text(value)}"


def data(answer: Answer) -> dict[str, Any]:
    """Give an answer as data, under Scenario's own names."""
    return {name: value for name, value in answer.items() if name != ASSETS}


def length(answer: Answer) -> int:
    """Count the characters of an answer, roughly: a number counts as ten."""
    return sum(_length(value) for value in answer.values())


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_length, value.values()))
    return sum(map(_length, value)) if isinstance(value, list) else 10


def within(answer: Answer, length: int) -> dict[str, Any]:
    """Cut an answer to so many characters of all its texts together; numbers that take more are left out."""
    texts = sum(len(value) if isinstance(value, list) else 1 for value in answer.values()) or 1
    each = max(length // texts, SHORTEST)

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return wording.cut(value, each)
        return [cut(part) for part in value[: max(length // SHORTEST, 1)]] if isinstance(value, list) else value

    return {name: cut(value) for name, value in answer.items() if name != "embedding" or len(value) * 20 <= length}


def _text(value: Any) -> str:
    return wording.quoted(value, len(value)) if isinstance(value, str) else wording.shown(value, LONGEST)
