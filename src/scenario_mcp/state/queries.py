"""SQL of the journal that several of its questions share."""

from scenario_mcp.state.entries import ABSENT, OPEN, REFUSED

OPEN_STATES = ", ".join(f"'{state}'" for state in OPEN)
# A reply may name less than the price that was asked, or than the job's record: the largest counts.
SPENT = (
    f"CASE WHEN state IN ('{REFUSED}', '{ABSENT}') OR refunded THEN 0"
    " ELSE MAX(COALESCE(cost, 0), COALESCE(price, 0)) END"
)
LARGER = "CASE WHEN ? IS NULL THEN cost ELSE MAX(COALESCE(cost, 0), ?) END"
# What stands in the future counts too: then the clock was set back, and nobody knows how old it is.
SPENT_SINCE = f"""
    SELECT COALESCE(SUM({SPENT}), 0), COALESCE(SUM(state IN ({OPEN_STATES}) AND cost IS NULL AND price IS NULL), 0)
    FROM generations WHERE began > ?
"""  # noqa: S608  # made of our own words
NEWEST = "SELECT COALESCE(MAX(id), 0) FROM generations"
PRUNE = f"DELETE FROM generations WHERE began < ? AND state NOT IN ({OPEN_STATES}, 'late')"  # noqa: S608
# A call that was made after this one, and looks for an earlier entry that came to nothing, is waiting for this too.
ASKED = "SELECT MAX(asked) FROM generations WHERE account = ? AND identity = ?"
TWINS = "SELECT * FROM generations WHERE account = ? AND identity = ? ORDER BY id DESC LIMIT 8"
