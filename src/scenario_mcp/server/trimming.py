"""What is left out of a result that would be too long: first addresses, then words and files of each job."""

from dataclasses import replace
from typing import NamedTuple

from scenario_mcp import wording
from scenario_mcp.server import words
from scenario_mcp.tools.outcome import Outcome


class Level(NamedTuple):
    """What of each job stands in a result: so many files, their addresses, and so many characters of its words."""

    most: int | None
    with_urls: bool
    words: int | None


ROOM = 80_000  # characters of a result, text and data together
LEVELS = (
    Level(None, with_urls=True, words=None),
    Level(None, with_urls=False, words=4_000),
    Level(24, with_urls=False, words=1_000),
    Level(8, with_urls=False, words=500),
    Level(2, with_urls=False, words=200),
    Level(0, with_urls=False, words=100),
)
CUT = "Words are cut, there are too many: wait-for-jobs with this job alone tells more of them."
MOST_NOTES, LONGEST_NOTE = 12, 600  # of one row, and characters


def shortened(outcome: Outcome, length: int) -> Outcome:
    """Bound the words and notes of each row, before all of them are put into words."""
    answer = words.within(outcome.answer, length) if words.length(outcome.answer) > length else outcome.answer
    notes = [wording.cut_line(note, LONGEST_NOTE) for note in outcome.notes[:MOST_NOTES]]
    if left_out := len(outcome.notes) - len(notes):
        notes.append(f"And {left_out} more notes like these.")
    notes += [CUT] if answer is not outcome.answer else []
    rows = tuple(shortened(row, length) for row in outcome.jobs)
    return replace(outcome, answer=answer, notes=tuple(notes), jobs=rows)


def trimmed(outcome: Outcome, level: Level) -> Outcome:
    """Leave out of each row what a level has no room for, and say so."""
    rows = tuple(trimmed(row, level) for row in outcome.jobs)
    most, with_urls, _ = level
    kept = outcome.assets[:most]
    notes = list(outcome.notes)
    answer = outcome.answer if level.words is None else words.within(outcome.answer, level.words)
    if answer != outcome.answer and CUT not in notes:
        notes.append(CUT)
    if left_out := len(outcome.assets) - len(kept):
        notes.append(f"{left_out} more results are not listed: show-assets with this jobId shows them.")
    if not with_urls and any(asset.url and asset.id not in outcome.files for asset in outcome.assets):
        notes.append("Addresses are left out, there are too many: show-assets gives them.")
    assets = kept if with_urls else tuple(replace(asset, url=None) for asset in kept)
    return replace(outcome, assets=assets, notes=tuple(notes), jobs=rows, answer=answer)
