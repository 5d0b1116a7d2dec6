"""When a repeated call is the same generation once more, rather than a new one; pure."""

from scenario_mcp.state.entries import GONE, LATE, OPEN, Entry

UNHEARD_SECONDS = 30 * 60.0
GIVEN_UP_SECONDS = 20.0
LONG_CALL_SECONDS = 5.0


def is_twin(entry: Entry, now: float, asked: float) -> bool:
    """Tell whether a call that is identical to an entry's joins it instead of paying anew.

    It does as long as the entry is not settled; within 30 minutes of its end if no call has answered with the outcome;
    within 20 seconds of that answer if it took 5 seconds or more, since its host may have given up on it silently; and
    if that answer came after this call was `asked`, since the two were made side by side. An answer to a call that was
    followed by an identical one, asked before it came, does not count (`Journal.told`).
    """
    if entry.state in (*OPEN, LATE):
        return True
    if entry.ended is None or entry.state == GONE:
        return False
    if entry.told is None or entry.took is None:
        return now - entry.ended < UNHEARD_SECONDS
    return entry.told > asked or (entry.took >= LONG_CALL_SECONDS and now - entry.told < GIVEN_UP_SECONDS)
