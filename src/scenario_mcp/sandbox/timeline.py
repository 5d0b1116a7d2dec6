"""How a job moves: a pure function of its plan and its age."""

from enum import Enum
from itertools import accumulate


class Plan(Enum):
    """What will become of a job. A prompt asks for it with the words `sandbox:<plan>`."""

    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    STUCK = "stuck"
    SLOW = "slow"


def plan_for(prompt: str) -> Plan:
    """Read the plan that a prompt asks for; success if it asks for none."""
    return next((plan for plan in Plan if f"sandbox:{plan.value}" in prompt), Plan.SUCCEED)


STAGES = (("queued", 0.4), ("warming-up", 0.5), ("in-progress", 2.0), ("finalizing", 0.3))
SLOWNESS = 40.0
ENDS = {Plan.FAIL: "failure", Plan.CANCEL: "canceled"}


def history(plan: Plan, age: float, pace: float) -> list[tuple[str, float]]:
    """List the statuses a job has had by its age in seconds, each with the age at which it began.

    `pace` scales the length of every stage: 1 gives a job of about three seconds.
    """
    scale = pace * (SLOWNESS if plan is Plan.SLOW else 1.0)
    begins = [0.0, *accumulate(length * scale for _, length in STAGES)]
    statuses = [name for name, _ in STAGES] + [ENDS.get(plan, "success")]
    if plan is Plan.STUCK:
        statuses = statuses[:3]
    return [(status, begin) for status, begin in zip(statuses, begins, strict=False) if begin <= age]


def progress(plan: Plan, age: float, pace: float) -> float:
    """Say how far a job is, from 0 to 1: it counts only while the work is in progress."""
    status, begin = history(plan, age, pace)[-1]
    if status == "in-progress":
        length = STAGES[2][1] * pace * (SLOWNESS if plan is Plan.SLOW else 1.0)
        return min(0.95, round((age - begin) / length, 2)) if length else 0.95
    return {"finalizing": 0.97, "success": 1.0, "failure": 0.6, "canceled": 0.3}.get(status, 0.0)
