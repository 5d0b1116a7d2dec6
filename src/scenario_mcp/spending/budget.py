"""What may be spent: caps in Creative Units, and the sentences about them; all pure.

Units are counted in whole millionths, so that sums are exact and no rounding slips under a cap.
"""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from scenario_mcp.scenario.errors import BadSettings, OverCap

PER_CALL, PER_DAY = "SCENARIO_MAX_CU_PER_CALL", "SCENARIO_MAX_CU_PER_DAY"
KNOWN_ONLY = "Counted is what this state folder knows, not the web app or other machines."
SETTLE = "Nothing was generated or billed. Use list-jobs, which settles what can be, and then call again."
MILLION = 1_000_000
MOST = 10**9 * MILLION  # so that sums stay whole numbers that a database holds


@dataclass(frozen=True)
class Caps:
    """The most that one call, and all calls within 24 hours, may cost in Creative Units; no cap if None.

    `problems` say why nothing may be paid at all, if anything does.
    """

    per_call: Decimal | None = None
    per_day: Decimal | None = None
    problems: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def any(self) -> bool:
        """Tell whether a price must be known before it is paid."""
        return self.per_call is not None or self.per_day is not None


def millionths(units: float | Decimal) -> int:
    """Count Creative Units in whole millionths, rounded up."""
    return int((Decimal(str(units)) * MILLION).to_integral_value(ROUND_CEILING))


def units(millionths: int | None) -> float | None:
    """Give what the journal keeps in Creative Units again."""
    return None if millionths is None else millionths / MILLION


def known(units: float | None) -> int | None:
    """Count Creative Units that an answer may name; what is no cost is none, and one beyond reason is cut."""
    return None if units is None or units < 0 else min(millionths(units), MOST)


def shown(amount: int) -> str:
    """Write millionths as Creative Units."""
    return f"{(Decimal(amount) / MILLION).normalize():f}"


def check_settings(caps: Caps) -> None:
    """Refuse to pay while a setting cannot be used. Raises `BadSettings`."""
    if caps.problems:
        raise BadSettings(" ".join(caps.problems))


def check_call(caps: Caps, price: int) -> None:
    """Hold a price against the cap of one call. Raises `OverCap`."""
    if caps.per_call is not None and price > millionths(caps.per_call):
        raise OverCap(
            f"This call would cost {shown(price)} Creative Units; {PER_CALL} allows {caps.per_call:f} for one call."
        )


def check_day(caps: Caps, price: int | None, spent: int) -> None:
    """Hold a price against what the day's cap leaves. Raises `OverCap`."""
    if caps.per_day is not None and price is not None and spent + price > millionths(caps.per_day):
        raise OverCap(
            f"This call would cost {shown(price)} Creative Units, and {shown(spent)} were spent within 24 hours;"
            f" {PER_DAY} allows {caps.per_day:f}. {KNOWN_ONLY}"
        )


def check_unpriced(caps: Caps, count: int) -> None:
    """Refuse under a day's cap while something may have been billed that nobody knows the price of."""
    if caps.per_day is not None and count:
        raise OverCap(
            f"{count} generation(s) that were made without a cap are not settled, and nobody knows their price, so"
            f" {PER_DAY} cannot be held.",
            SETTLE,
        )


def left(caps: Caps, spent: int) -> str | None:
    """Say what the day's cap leaves, if there is one."""
    if caps.per_day is None:
        return None
    rest = max(0, millionths(caps.per_day) - spent)
    return f"{shown(spent)} of {caps.per_day:f} Creative Units spent within 24 hours, {shown(rest)} left. {KNOWN_ONLY}"
