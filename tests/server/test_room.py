"""However much there is to tell, a result has an end, and keeps what is needed to go on."""

import json

import pytest

from scenario_mcp.scenario.assets import Asset
from scenario_mcp.server import results, trimming
from scenario_mcp.tools.outcome import NextCall, Outcome, Report

JOBS = [f"job_{number}" for number in range(32)]
NEXT = NextCall("wait-for-jobs", {"jobIds": JOBS})


def _wordy(job_id: str) -> Outcome:
    """Make a row with as many notes as one may have, each as long as it may be."""
    notes = tuple(f"{number} of {job_id}: {'words ' * 200}" for number in range(40))
    return Outcome("success", job_id=job_id, cost=2.5, notes=notes, assets=(Asset(f"asset_{job_id}"),))


@pytest.mark.parametrize("sandbox", [False, True])
def test_a_result_of_many_jobs_that_all_have_much_to_say_is_cut_and_says_so(sandbox: bool) -> None:
    outcome = Outcome("success", jobs=tuple(map(_wordy, JOBS)), next=NEXT)

    rendered = results.render(outcome, sandbox=sandbox)

    assert rendered.data is not None
    size = len(rendered.text) + len(json.dumps(rendered.data, ensure_ascii=False))
    assert trimming.ROOM / 4 < size <= trimming.ROOM
    assert [(row["jobId"], row["creativeUnitsCost"]) for row in rendered.data["jobs"]] == [(each, 2.5) for each in JOBS]
    assert rendered.data["next"] == {"tool": NEXT.tool, "arguments": NEXT.arguments}
    assert results.TOO_LONG in rendered.data["notes"]
    assert results.TOO_LONG in rendered.text


def test_a_report_that_is_too_long_is_cut_at_the_end_of_a_line() -> None:
    lines = tuple(f"{number}: {'words ' * 50}" for number in range(1_000))

    rendered = results.render(Report(lines, {"status": "success", "rows": list(lines)}), sandbox=False)

    *told, note = rendered.text.splitlines()
    assert len(rendered.text) < trimming.ROOM
    assert tuple(told) == lines[: len(told)]
    assert results.TOO_LONG in note
    assert rendered.data == {"status": "success", "notes": [results.TOO_LONG]}
