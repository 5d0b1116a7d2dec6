"""Requests and replies of the REST API as pure functions: what to send, what came back, how long to pause.

Scenario documents no error replies. What is read here was recorded from live ones: the words stand in `reason`,
else `message`, `error` or `detail`; `name`, `details` and `trace_id` may stand beside them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from urllib.parse import quote

from scenario_mcp import wording
from scenario_mcp.scenario import records
from scenario_mcp.scenario.errors import (
    ApiError,
    Forbidden,
    LimitReached,
    NoAnswer,
    NoFreeSlot,
    NotConnected,
    NotFound,
    PaymentRequired,
    RateLimited,
    Redirected,
    Retired,
    RouteRetired,
    ScenarioError,
    TooLarge,
    Unauthorized,
    Unavailable,
)

GENERATE, CUSTOM = "/generate/", "/generate/custom/"
MAX_TRIES = 3
LONGEST_PAUSE = 60.0
REASON_LENGTH = 300

_BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    410: Retired,
    413: TooLarge,
}

# Statuses that certainly accept and bill nothing; after any other, a paid request may be running.
_NOTHING_ACCEPTED = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 429, 431})


class Repeat(Enum):
    """How a request may be repeated: a read at will, a write only if it certainly was not sent, a paid one never."""

    SAFE = "safe"
    UNSENT_ONLY = "unsent only"
    PAID = "paid"


SAFE, UNSENT_ONLY, PAID = Repeat


@dataclass(frozen=True)
class Call:
    """One request, and how it may be repeated; `path` is relative to the API root and already encoded.

    `priced` says that the route of a paid call tells its price for free, when asked with dryRun=true.
    """

    method: str
    path: str
    repeat: Repeat
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    priced: bool = False

    @property
    def paid(self) -> bool:
        """Tell whether the request may be billed."""
        return self.repeat is PAID


def question(call: Call) -> Call:
    """Ask for the price of a paid call. Raises `ValueError` where the route has no such question: it might generate."""
    if not call.priced:
        raise ValueError(f"{call.path} names no price for free.")
    return replace(call, repeat=SAFE, query={**call.query, "dryRun": "true"})


def path(*segments: str) -> str:
    """Join path segments, each percent-encoded whole, so that no id can reach another route."""
    return "".join("/" + _DOTS.get(segment, quote(segment, safe="")) for segment in segments)


_DOTS = {".": "%2E", "..": "%2E%2E"}


def flags(**given: bool | None) -> dict[str, str]:
    """Write booleans as Scenario's query strings: "true", or not at all."""
    return {name: "true" for name, value in given.items() if value}


def read(call: Call, status: int, headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """Read a reply, whose body holds `data` as JSON: give the object of a success (any 2xx; a dry run has 269).

    Raises the `ApiError` that fits the status, or `NoAnswer` for a success whose body is not a JSON object.
    """
    if not 200 <= status < 300:
        raise _error(call, status, headers, records.mapping(data))
    if not isinstance(data, dict):
        raise NoAnswer(f"Scenario answered {status} with something that is not a JSON object.")
    return data


def _error(call: Call, status: int, headers: Mapping[str, str], data: Mapping[str, Any]) -> ApiError:
    reason, retry_after = _reason(data), _retry_after(headers, data)
    facts = {**data, **records.mapping(data.get("details"))}
    kind = _limit(facts, retry_after) if status == 429 else _kind(call, status, reason)
    if 400 <= status < 500 and "not enough creative" in reason.lower():
        kind = PaymentRequired
    hint = _hint(call, kind, facts)
    return kind(
        status,
        reason,
        f"Nothing was billed. {hint}" if call.paid else hint,
        trace_id=wording.word(data.get("trace_id") or data.get("traceId")) or "",
        retry_after=retry_after,
    )


def _kind(call: Call, status: int, reason: str) -> type[ApiError]:
    if call.path.startswith(GENERATE) and _says_route_retired(status, reason):
        return RouteRetired
    if 300 <= status < 400:
        return Redirected
    return _BY_STATUS.get(status, Unavailable if status >= 500 else ApiError)


def _limit(facts: Mapping[str, Any], retry_after: float | None) -> type[ApiError]:
    """Tell limits apart: of jobs at once, which running ones free; of requests, which time frees; and all others.

    A shortage of units, and quotas, may come as 429 too, by the skill of scenario-labs/skills (scenario/SKILL.md).
    """
    action = facts.get("actionName")
    if isinstance(action, str) and action.startswith("parallel-") and facts.get("actionLimit") != 0:
        return NoFreeSlot
    named = any(facts.get(name) is not None for name in ("actionName", "actionLimit", "limitScope"))
    return LimitReached if named and retry_after is None else RateLimited


def _says_route_retired(status: int, reason: str) -> bool:
    # 403 "Missing Authentication Token" is how AWS API Gateway answers for a route it does not have.
    return (
        status == 405
        or (status == 404 and not re.search(r"\b(model|asset|image|project|team|job)", reason, re.IGNORECASE))
        or (status == 403 and "missing authentication token" in reason.lower())
    )


def _hint(call: Call, kind: type[ApiError], facts: Mapping[str, Any]) -> str:
    if kind is Forbidden and facts.get("requiredPlan"):
        return (
            f"The model needs the plan {wording.named(facts['requiredPlan'])}, and repeating the call never helps."
            " Use another model, or ask the user about the plan."
        )
    if kind is RouteRetired and call.path.startswith(CUSTOM):
        return "Scenario does not serve the route of custom models now. Ask the user to check SCENARIO_BASE_URL."
    if kind in (NoFreeSlot, LimitReached):
        return f"The account's limit is reached: {_limit_in_words(kind, facts)}. {kind.hint}"
    return kind.hint


def _limit_in_words(kind: type[ApiError], facts: Mapping[str, Any]) -> str:
    limit, scope = records.number(facts.get("actionLimit")), facts.get("limitScope")
    most = "a few" if limit is None else f"{limit:g}"
    if kind is NoFreeSlot:
        return f"{wording.named(facts['actionName'])}, at most {most} at once"
    said = (
        wording.named(facts["actionName"]) if facts.get("actionName") else None,
        f"at most {most}" if limit is not None else None,
        f"of scope {wording.named(scope)}" if scope else None,
    )
    return ", ".join(each for each in said if each) or "it was not said which"


def _reason(data: Mapping[str, Any]) -> str:
    said = next((data[key] for key in ("reason", "message", "error", "detail") if data.get(key)), "")
    name = data.get("name")
    text = said if isinstance(said, str) else wording.written(said, REASON_LENGTH)
    return wording.clean(f"{name}: {text}" if isinstance(name, str) and name not in text else text, REASON_LENGTH)


def _retry_after(headers: Mapping[str, str], data: Mapping[str, Any]) -> float | None:
    said = {**data, **records.mapping(data.get("details"))}.get("remainingSeconds")
    seconds = records.number(said)
    header: str = headers.get("retry-after", "")
    if seconds is None and re.fullmatch(r"\d{1,9}", header):  # a date is possible too; none was ever seen
        seconds = float(header)
    return seconds if seconds is None or seconds >= 0 else None


def is_certain_refusal(failure: ApiError) -> bool:
    """Tell whether an answer says for sure that a paid request was not accepted: 303 says that its result is elsewhere.

    https://www.rfc-editor.org/rfc/rfc9110#section-15.4.4
    """
    return failure.status in _NOTHING_ACCEPTED or (300 <= failure.status < 400 and failure.status != 303)


def retry_pause(call: Call, failure: ScenarioError, tries: int, jitter: float) -> float | None:
    """Say how many seconds to pause before sending a call again, or None for never.

    `tries` is how often it failed in this way. A call that is safe to repeat is tried at most 3 times after a fault
    that may pass. Any other one is sent again only when no connection was made, or after 429, which accepts and bills
    nothing: a write at most 3 times; a paid one as often as the deadline allows, where a job at work frees a slot or
    the answer says how long it takes, and never where nothing says that waiting helps. `jitter` is a random number in
    [0, 1).
    """
    asked = failure.retry_after if isinstance(failure, ApiError) else None
    doubling = 0.5 * 2.0 ** (tries - 1) * (1 + jitter)
    if call.paid and isinstance(failure, RateLimited):
        if asked is not None:
            return max(1.0, asked)
        return min(5.0, tries + jitter) if isinstance(failure, NoFreeSlot) else None
    may_repeat = isinstance(failure, NotConnected | RateLimited) or (failure.passing and call.repeat is SAFE)
    if not may_repeat or tries >= MAX_TRIES:
        return None
    if asked is not None and asked > LONGEST_PAUSE:
        return None
    return max(doubling, asked or 0.0)
