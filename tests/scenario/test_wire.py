"""Requests and replies as pure functions: tables in, data or errors out, no network."""

from typing import Any

import pytest

from scenario_mcp.scenario import wire
from scenario_mcp.scenario.errors import (
    AnswerLost,
    ApiError,
    Forbidden,
    InvalidArguments,
    LimitReached,
    NoAnswer,
    NoFreeSlot,
    NotConfigured,
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
from scenario_mcp.scenario.wire import Call

GENERATE = Call("POST", "/generate/img2img-ip-adapter", wire.PAID)
READ = Call("GET", "/jobs/job_x", wire.SAFE)

REPLIES: list[tuple[Call, int, Any, type[ApiError], str, str]] = [
    # call, status, body, error, words of its message, words of its hint
    (GENERATE, 400, {"reason": "Input prompt is required", "trace_id": "tr_1"}, ApiError, "tr_1", "what the reason"),
    (GENERATE, 400, {"reason": "Input prompt is required", "traceId": "tr_2"}, ApiError, "tr_2", "what the reason"),
    (
        GENERATE,
        400,
        {"reason": "Custom models only"},
        ApiError,
        "Custom models only",
        "Nothing was billed",
    ),
    (GENERATE, 401, {"message": "Unauthorized"}, Unauthorized, "Unauthorized", "SCENARIO_API_KEY"),
    (GENERATE, 402, {"reason": "Not enough creative units"}, PaymentRequired, "Not enough", "Creative Units"),
    (GENERATE, 403, {"message": "API Keys cannot access protected resources"}, Forbidden, "API Keys", "plan"),
    (
        GENERATE,
        403,
        {"name": "ModelAccessRestrictedError", "reason": "no", "details": {"modelId": "m", "requiredPlan": "cu-max"}},
        Forbidden,
        "ModelAccessRestrictedError: no",
        "needs the plan cu-max",
    ),
    (GENERATE, 403, {"name": "X", "message": "no", "requiredPlan": "cu-pro"}, Forbidden, "X: no", "plan cu-pro"),
    (GENERATE, 404, {"reason": "Model model_X not found"}, NotFound, "Model model_X", "letter by letter"),
    (GENERATE, 404, {"reason": "Asset asset_x not found"}, NotFound, "Asset asset_x", "letter by letter"),
    (GENERATE, 404, {"reason": "Project proj_x not found"}, NotFound, "proj_x", "letter by letter"),
    (GENERATE, 400, {"reason": "Not enough Creative Units"}, PaymentRequired, "Not enough", "too few Creative Units"),
    (GENERATE, 404, {"message": "Not Found"}, RouteRetired, "Not Found", "use run-model"),
    (GENERATE, 404, None, RouteRetired, "without a reason", "under its own route"),
    (GENERATE, 405, {"message": "Method Not Allowed"}, RouteRetired, "405", "Nothing was billed"),
    (
        GENERATE,
        410,
        {"reason": "SD 1.5 and SDXL inference is no longer available"},
        Retired,
        "SDXL",
        "use another model",
    ),
    (GENERATE, 403, {"message": "Missing Authentication Token"}, RouteRetired, "Missing", "use run-model"),
    (READ, 403, {"message": "Missing Authentication Token"}, Forbidden, "Missing", "the key's role"),
    (READ, 404, {"message": "Not Found"}, NotFound, "Not Found", "Check the id"),
    (GENERATE, 413, {"message": "Request Too Long"}, TooLarge, "Too Long", "asset ids instead of data URLs"),
    (
        GENERATE,
        429,
        {"reason": "limit", "details": {"actionName": "parallel-inferences", "actionLimit": 2}},
        NoFreeSlot,
        "limit",
        "parallel-inferences, at most 2 at once. Wait for running jobs",
    ),
    (GENERATE, 429, {"actionName": "parallel-custom-jobs"}, NoFreeSlot, "429", "parallel-custom-jobs, at most a few"),
    (READ, 429, {"reason": "slow down"}, RateLimited, "slow down", "takes no more requests for now"),
    (GENERATE, 429, {"actionName": "cooldown", "remainingSeconds": 9}, RateLimited, "429", "for now"),
    (
        GENERATE,
        429,
        {"reason": "quota", "details": {"actionName": "creative-units", "actionLimit": 500, "limitScope": "team"}},
        LimitReached,
        "quota",
        "creative-units, at most 500, of scope team. Waiting does not free it",
    ),
    (GENERATE, 429, {"actionName": "parallel-training", "actionLimit": 0}, LimitReached, "429", "training, at most 0"),
    (GENERATE, 429, {"limitScope": "seat"}, LimitReached, "429", "of scope seat"),
    (GENERATE, 429, {"actionName": ["x"] * 9, "actionLimit": {}}, LimitReached, "429", "Nothing was billed"),
    (GENERATE, 429, {"reason": "Not enough Creative Units"}, PaymentRequired, "429", "too few Creative Units"),
    (GENERATE, 403, {"reason": "not enough creative units left"}, PaymentRequired, "403", "too few Creative Units"),
    (READ, 500, {"message": "Internal server error"}, Unavailable, "Internal", "in trouble"),
    (READ, 502, "<html>Bad Gateway</html>", Unavailable, "502 without a reason", "in trouble"),
    (READ, 408, {"message": "Request Timeout"}, Unavailable, "408", "in trouble"),
    (READ, 302, "", Redirected, "302", "SCENARIO_BASE_URL"),
    (READ, 418, {"error": "teapot"}, ApiError, "teapot", "what the reason names"),
    (READ, 400, {"detail": [{"loc": ["body"]}]}, ApiError, "[{'loc': ['body']}]", "what the reason names"),
    (READ, 400, {"reason": "", "message": "second"}, ApiError, "second", "what the reason names"),
    (READ, 400, {"reason": "x" * 5000}, ApiError, "x" * 299 + "…", ""),
    (READ, 400, {"reason": "line\none\x1b[31m\u202e"}, ApiError, '"line one [31m"', ""),
    (READ, 400, ["not an object"], ApiError, "without a reason", ""),
]


@pytest.mark.parametrize(("call", "status", "body", "kind", "message", "hint"), REPLIES)
def test_an_error_reply_becomes_the_error_that_fits(
    call: Call, status: int, body: Any, kind: type[ApiError], message: str, hint: str
) -> None:
    with pytest.raises(ApiError) as raised:
        wire.read(call, status, {}, body)

    assert type(raised.value) is kind
    assert raised.value.status == status
    assert message in str(raised.value)
    assert hint in raised.value.hint
    assert raised.value.hint.startswith("Nothing was billed.") == call.paid


@pytest.mark.parametrize("status", [200, 201, 269])
def test_every_2xx_with_an_object_is_a_success(status: int) -> None:
    assert wire.read(GENERATE, status, {}, {"creativeUnitsCost": 10.75}) == {"creativeUnitsCost": 10.75}


@pytest.mark.parametrize("data", [None, [], "text", 7])
def test_a_success_that_is_no_object_is_no_answer(data: Any) -> None:
    with pytest.raises(NoAnswer):
        wire.read(READ, 200, {}, data)


@pytest.mark.parametrize(
    ("segments", "path"),
    [
        (("jobs", "job_x"), "/jobs/job_x"),
        (("generate", "custom", "flux.1-dev"), "/generate/custom/flux.1-dev"),
        (("jobs", "a/b?c#d e"), "/jobs/a%2Fb%3Fc%23d%20e"),
        (("jobs", ".."), "/jobs/%2E%2E"),
        (("jobs", "."), "/jobs/%2E"),
        (("jobs", "ü"), "/jobs/%C3%BC"),
        (("jobs", "%2e"), "/jobs/%252e"),
    ],
)
def test_path_segments_are_encoded_whole(segments: tuple[str, ...], path: str) -> None:
    assert wire.path(*segments) == path


def test_only_true_flags_are_sent() -> None:
    assert wire.flags(dryRun=True, originalAssets=False, other=None) == {"dryRun": "true"}


RETRIES: list[tuple[bool, ScenarioError, int, float | None]] = [  # paid, failure, tries so far, pause
    (False, NotConnected(""), 1, 0.5),
    (False, NoAnswer(""), 2, 1.0),
    (False, NoAnswer(""), 3, None),
    (False, Unavailable(500, ""), 1, 0.5),
    (False, RateLimited(429, ""), 1, 0.5),
    (False, RateLimited(429, "", retry_after=10), 1, 10),
    (False, RateLimited(429, "", retry_after=60), 1, 60),
    (False, RateLimited(429, "", retry_after=61), 1, None),
    (False, Unavailable(503, "", retry_after=0), 2, 1.0),
    (False, NotFound(404, ""), 1, None),
    (False, Unauthorized(401, ""), 1, None),
    (False, NotConfigured(""), 1, None),
    (False, InvalidArguments([]), 1, None),
    (True, NotConnected(""), 1, 0.5),
    (True, NotConnected(""), 2, 1.0),
    (True, NotConnected(""), 3, None),
    (True, AnswerLost(""), 1, None),
    (True, NoAnswer(""), 1, None),
    (True, Unavailable(500, ""), 1, None),
    (True, NotFound(404, ""), 1, None),
    (True, RateLimited(429, ""), 1, None),
    (True, LimitReached(429, ""), 1, None),
    (False, LimitReached(429, ""), 1, None),
    (True, NoFreeSlot(429, ""), 1, 1.0),
    (True, NoFreeSlot(429, ""), 3, 3.0),
    (True, NoFreeSlot(429, ""), 30, 5.0),
    (True, RateLimited(429, "", retry_after=12), 30, 12),
    (True, RateLimited(429, "", retry_after=0), 1, 1.0),
]


@pytest.mark.parametrize(("paid", "failure", "tries", "pause"), RETRIES)
def test_the_retry_rule(paid: bool, failure: ScenarioError, tries: int, pause: float | None) -> None:
    assert wire.retry_pause(GENERATE if paid else READ, failure, tries, jitter=0.0) == pause


def test_jitter_spreads_a_pause_over_twice_its_length() -> None:
    pauses = [wire.retry_pause(READ, NoAnswer(""), 1, jitter) for jitter in (0.0, 0.5, 0.99)]

    assert pauses == pytest.approx([0.5, 0.75, 0.995])


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, {}, None),
        ({"retry-after": "7"}, {}, 7),
        ({"retry-after": "7"}, {"remainingSeconds": 3}, 3),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}, None),
        ({"retry-after": "-1"}, {}, None),
        ({}, {"remainingSeconds": -5}, None),
        ({}, {"remainingSeconds": "soon"}, None),
        ({}, {"details": {"remainingSeconds": 2.5}}, 2.5),
        ({}, {"details": "none"}, None),
    ],
)
def test_the_pause_a_reply_asks_for(headers: dict[str, str], body: dict[str, Any], seconds: float | None) -> None:
    with pytest.raises(RateLimited) as raised:
        wire.read(READ, 429, headers, body)

    assert raised.value.retry_after == seconds
