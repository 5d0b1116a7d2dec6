"""Everything that can go wrong in a way somebody can act on.

ScenarioError              a sentence for the agent, and a hint that says what to do next
├── InvalidArguments       the call itself is wrong; nothing was sent
├── WrongModel             the model cannot do what is asked; nothing was sent
├── NotConfigured          no credentials, or no address to send them to; nothing was sent
├── BadSettings            a setting cannot be used, so nothing is paid
├── NotConnected           no connection was made, so nothing was sent
├── UploadFailed           Scenario could not take a file; nothing was generated or billed
├── UploadGoesOn           a file is still on its way; the same call joins it
├── OverCap                the price is over a cap that a person has set; nothing was sent
│   └── JobBegun           a price was asked, and a job began: it may be billed, and counts under no cap
├── JournalBusy            what was paid for could not be looked up now; nothing was sent
├── JournalBroken          what is paid for cannot be remembered until a person acts; nothing was sent
├── NoAnswer               a free request was sent and its answer did not come, or could not be read
│   └── AddressRefused     an answer names an address that is not used; nothing was sent there
├── StillSending           a paid request is under way and not answered yet; the same call joins it
├── AnswerLost             a paid request was sent and its answer did not come: it may be running and billed
│   ├── SeveralFound       more than one job may be the one
│   └── CannotLook         the key may not list jobs
└── ApiError               Scenario answered, and said no
    ├── Unauthorized       401: the key pair was not accepted
    ├── PaymentRequired    402: not enough Creative Units
    ├── Forbidden          403: the plan or the key does not allow it
    ├── NotFound           404: no such model, asset or job
    ├── Retired            410: the model's family is gone
    │   └── RouteRetired   405, and the ways a gateway says that a route is gone
    ├── TooLarge           413: the request's pictures are too big to travel inside it
    ├── Redirected         3xx: the address is not the API's; redirects are not followed
    ├── RateLimited        429: too many requests for now; nothing was accepted, nothing billed
    │   └── NoFreeSlot     429: as many jobs run at once as the account may
    ├── LimitReached       429: a quota or a limit of the plan, which no waiting frees
    └── Unavailable        5xx: Scenario is in trouble
"""

from collections.abc import Iterable

from scenario_mcp.wording import clean, cut_line, quoted

MOST_PROBLEMS = 20  # that one refusal lists
MEND = "Ask the user to mend the setting and to restart the server; `scenario-mcp doctor` shows what is wrong."


class ScenarioError(Exception):
    """Something that the caller can act on: `str(error)` says what happened, `hint` what to do next."""

    hint = ""
    passing = False  # whether the same request may well succeed a moment later

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class InvalidArguments(ScenarioError):
    """The arguments are refused before anything is sent.

    `problems` are pairs of a field's name and a sentence about it that says what to change.
    """

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        listed = list(problems)
        lines = [
            f"- {clean(field, 80)}: {cut_line(clean(sentence, 8_000), 1_000)}"
            for field, sentence in listed[:MOST_PROBLEMS]
        ]
        if len(listed) > MOST_PROBLEMS:
            lines.append(f"- and {len(listed) - MOST_PROBLEMS} more")
        super().__init__("\n".join(("Nothing was generated or billed. Fix these arguments and call again:", *lines)))


class WrongModel(ScenarioError):
    """The model's own record says that it cannot do this; the hint gives the call to make instead."""


class NotConfigured(ScenarioError):
    """There are no credentials to send a request with, or no address to send it to."""

    hint = (
        "Ask the user to create an API key in Scenario (app.scenario.com, team settings, API Keys) and to set"
        " SCENARIO_API_KEY and SCENARIO_API_SECRET in the host's configuration of this server, then restart it."
        " Never ask for the secret in the chat. `scenario-mcp --sandbox` works without an account."
    )


class BadSettings(ScenarioError):
    """Something is set that cannot be used, so nothing is paid."""

    hint = f"Nothing was made or billed; free tools and dryRun go on. {MEND}"


class NotConnected(ScenarioError):
    """No connection to the API could be made, so the request was certainly not sent."""

    passing = True
    hint = "Nothing was sent. Check the network, HTTPS_PROXY and SCENARIO_BASE_URL, then call again."


class UploadFailed(ScenarioError):
    """Scenario could not take a file that a call brings along."""

    hint = "Nothing was generated or billed. Check the file or its address, or give an asset id instead."


class UploadGoesOn(ScenarioError):
    """A file that a call brings along is still being uploaded when the call must answer."""

    passing = True
    hint = "Nothing was generated or billed. Make the same call again: it joins the upload, which goes on meanwhile."


class NoAnswer(ScenarioError):
    """A free request got no answer that can be used; asking again is safe."""

    passing = True
    hint = "Asking again is free and safe: call again in a moment."


class AddressRefused(NoAnswer):
    """A reply names an address that files may not come from or go to; nothing was sent there."""

    passing = False
    hint = (
        "Nothing was sent there. If the host is right, ask the user to name it in SCENARIO_DOWNLOAD_HOSTS, in the"
        " configuration of this server."
    )


class OverCap(ScenarioError):
    """The price is over a cap that a person has set, or cannot be learned while there is one."""

    hint = (
        "Nothing was generated or billed; what was uploaded for it stays so. Ask for fewer or smaller results, or ask"
        " the user: only a person can change a cap, in the host's configuration of this server."
    )


class JobBegun(OverCap):
    """A question for a price was answered with a job: nothing is asked any more, and under a cap nothing paid."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"A price was asked, but Scenario began the job {job_id}, which may be billed and counts under no cap.",
            "Tell the user. Until this server is restarted no price is asked, and nothing is paid under a cap;"
            f" wait-for-jobs with {job_id} tells what became of the job.",
        )
        self.job_id = job_id


class JournalBusy(ScenarioError):
    """What was paid for already could not be looked up, because another server holds the journal."""

    passing = True
    hint = "Nothing was generated or billed. It is safe to call again in a moment."


class JournalBroken(ScenarioError):
    """What was paid for cannot be read, or what would be paid for not be written, until a person acts."""

    unpaid = "Nothing was generated or billed, and whatever is free goes on."
    hint = f"{unpaid} Ask the user to run `scenario-mcp doctor`, which says what is wrong."


class StillSending(ScenarioError):
    """A paid request is under way and was not answered when the call had to."""

    passing = True
    hint = "Make the same call again: it joins the request, which goes on meanwhile. Nothing is paid for twice."


class AnswerLost(ScenarioError):
    """A paid request was sent and nobody knows what became of it; it is looked for, and never repeated blindly."""

    hint = (
        "No job was found for it so far. It is safe to call again: the same call looks again first, and generates anew"
        " only when long enough nothing was found."
    )


class SeveralFound(AnswerLost):
    """More than one job may be the one that was asked for, and nothing tells them apart."""

    hint = (
        "Use wait-for-jobs to see their results. The same call is not sent again; change an argument, like seed, for a"
        " new one."
    )


class CannotLook(AnswerLost):
    """The key may not list jobs, so nobody can tell what became of a paid request."""

    hint = (
        "It may be running and billed, and this API key may not list jobs, so the same call is never sent again. Ask"
        " the user to look at app.scenario.com (Jobs), or to use a key that may. Another seed makes a new generation."
    )


class ApiError(ScenarioError):
    """Scenario answered with an error.

    `status` is the HTTP status, `reason` Scenario's own words (cleaned and cut), `retry_after` the pause in seconds
    that the answer asks for, if it does.
    """

    hint = "Change what the reason names, then call again."

    def __init__(
        self, status: int, reason: str, hint: str | None = None, *, trace_id: str = "", retry_after: float | None = None
    ) -> None:
        why = f": {quoted(reason)}" if reason else " without a reason"
        trace = f" (trace id {trace_id})" if trace_id else ""
        super().__init__(f"Scenario answered {status}{why}{trace}.", hint)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class Unauthorized(ApiError):
    """The key pair was not accepted."""

    hint = (
        "The API key or secret is wrong, revoked or of another project. Ask the user to check SCENARIO_API_KEY and"
        " SCENARIO_API_SECRET in the host's configuration and to restart the server; `scenario-mcp doctor` tests them."
    )


class PaymentRequired(ApiError):
    """The account has not enough Creative Units."""

    hint = (
        "The account has too few Creative Units for this call. Make fewer or smaller images, ask for the price with"
        " dryRun, or ask the user to add units in Scenario."
    )


class Forbidden(ApiError):
    """The plan or the key does not allow the request."""

    hint = (
        "The plan or the API key does not allow this, and repeating it never helps. Use another model, or ask the"
        " user about the plan, the key's role and SCENARIO_PROJECT_ID."
    )


class NotFound(ApiError):
    """Something that the request names does not exist, or not for this key."""

    hint = "Check the id letter by letter: it must exist and be visible to this key's project."


class Retired(ApiError):
    """The model's whole family is no longer served."""

    hint = "Scenario no longer serves this model's family (Stable Diffusion 1.5 and SDXL are gone); use another model."


class RouteRetired(Retired):
    """The route itself is no longer served, whatever the model."""

    hint = "Scenario no longer serves this kind of inference under its own route, whatever the model; use run-model."


class TooLarge(ApiError):
    """The request is bigger than the API takes."""

    hint = "The pictures inside the call are too large together: give asset ids instead of data URLs, or smaller ones."


class Redirected(ApiError):
    """The API's address answers with a redirect, which is not followed: it would carry credentials elsewhere."""

    hint = "Redirects are not followed. Ask the user to check SCENARIO_BASE_URL."


class RateLimited(ApiError):
    """Too many requests came for now; nothing was accepted."""

    passing = True
    hint = "Scenario takes no more requests for now: call again in a minute."


class NoFreeSlot(RateLimited):
    """As many jobs run at once as the account may; nothing was accepted."""

    hint = "Wait for running jobs to finish, then call again."


class LimitReached(ApiError):
    """A quota of the account, or a limit of its plan, is reached; nothing was accepted."""

    hint = "Waiting does not free it: ask the user about the plan and what is left of it in Scenario."


class Unavailable(ApiError):
    """Scenario, or the gateway before it, is in trouble."""

    passing = True
    hint = "Scenario is in trouble: call again in a minute."
