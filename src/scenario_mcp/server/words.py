"""Results in words and numbers: what inferences answer besides files, as lines and as data."""

import json
from collections.abc import Iterator
from typing import Any

from scenario_mcp.inferences import schemas
from scenario_mcp.scenario.answers import ASSETS, Answer

SHOWN_NUMBERS = 4  # of an embedding
LONGEST = 400  # characters of a segment

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
    """Put an answer into lines: words in full, numbers only as how many there are."""
    for name, value in answer.items():
        if name == "embedding":
            first = ", ".join(schemas.plain(each) for each in value[:SHOWN_NUMBERS])
            yield f"Embedding: {len(value)} numbers, in full in the structured content: {first}, ..."
        elif name in LABELS and isinstance(value, list):
            many = len(value) > 1
            for number, each in enumerate(value, 1):
                yield f"{LABELS[name]}{f' {number}' if many else ''}: {_text(each)}"
        elif name in LABELS:
            yield f"{LABELS[name]}: {_text(value)}"


def data(answer: Answer) -> dict[str, Any]:
    """Give an answer as data, under Scenario's own names."""
    return {name: value for name, value in answer.items() if name != ASSETS}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
