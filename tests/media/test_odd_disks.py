"""Disks that take short names only, or cannot say that they keep a file: what was paid for is saved on them."""

import errno
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scenario_mcp.media import cards
from scenario_mcp.media.cards import Place
from support import kernel
from support.nightly import by_day
from support.stdio import environment

PROMPTS = {
    "Chinese": "\u9cf3\u51f0" * 24,
    "Thai with marks": "\u0e19\u0e49\u0e33" * 16,
    "pictures": "\U0001f525phoenix" * 9,
    "long words": "over-" * 30,
}
ERRORS = [errno.EIO, errno.EINVAL, errno.EACCES, errno.ENOSYS, errno.ENOTSUP]


def called(base_url: str, command: list[str], shelf: Path) -> dict[str, Any]:
    """Generate by a command line, and give the result."""
    environ = environment(
        base_url, SCENARIO_OUTPUT_DIR=str(shelf), SCENARIO_STATE_DIR="memory", SCENARIO_PREVIEWS="off"
    )
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def call(prompt: str) -> list[str]:
    parameters = json.dumps({"prompt": prompt, "numOutputs": 2})
    return ["call", "run-model", "modelId=model_bfl-flux-2-dev", f"parameters={parameters}"]


@pytest.mark.parametrize("longest", [143, 60])
@pytest.mark.parametrize("prompt", by_day(["Chinese"], [*PROMPTS]))
def test_results_and_their_card_are_saved_where_names_are_short(
    base_url: str, prompt: str, longest: int, tmp_path: Path
) -> None:
    result = called(base_url, kernel.command_with_short_names(longest, call(PROMPTS[prompt])), tmp_path / "Scenario")

    files = sorted(path for path in (tmp_path / "Scenario").rglob("*") if path.is_file())
    [card] = (path for path in files if path.suffix == ".json")
    kept = {path.name for path in files if path != card}
    assert len(kept) == 2
    assert {each["file"] for each in json.loads(card.read_text("utf-8"))["files"].values()} == kept
    assert max(len(path.name.encode()) for path in files) <= longest
    assert not [note for note in result.get("notes", ()) if "not saved" in note or "card" in note]


def test_a_card_whose_name_was_cut_is_found_again(tmp_path: Path) -> None:
    made, words = datetime(2026, 11, 22, tzinfo=UTC), PROMPTS["Chinese"]
    full = cards.place(tmp_path, made, words, "job_1")
    beginning, _, end = full.stem.rpartition("-")
    short = Place(full.folder, f"{beginning[:5]}-{end}")
    cards.write_card(short, {"jobId": "job_1"})

    assert cards.place(tmp_path, made, words, "job_1") == short


@kernel.with_filters
@pytest.mark.parametrize("error", by_day([errno.EIO, errno.EINVAL], ERRORS))
def test_a_disk_that_cannot_say_that_it_keeps_a_file_is_no_reason_to_throw_it_away(
    base_url: str, error: int, tmp_path: Path
) -> None:
    result = called(base_url, kernel.command_refused("fsync", error, call("a phoenix")), tmp_path / "Scenario")

    notes = [note for note in result.get("notes", ()) if "the disk did not confirm that it keeps the file" in note]
    assert len([*(tmp_path / "Scenario").rglob("*.png")]) == 2
    assert len(notes) == (2 if error in (errno.EIO, errno.EACCES) else 0)


@kernel.with_filters
def test_a_disk_that_is_full_after_all_keeps_no_half_file(base_url: str, tmp_path: Path) -> None:
    result = called(base_url, kernel.command_refused("fsync", errno.ENOSPC, call("a phoenix")), tmp_path / "Scenario")

    assert [*(tmp_path / "Scenario").rglob("*.png")] == []
    assert len([note for note in result["notes"] if "was not saved: No space left on device" in note]) == 2
