"""The one room that speaks HTTP: a thin async client of the Scenario REST API."""

import base64
import json
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from scenario_mcp.scenario import wire
from scenario_mcp.scenario.clock import ApiClock
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import (
    AnswerLost,
    ApiError,
    NoAnswer,
    NotConfigured,
    NotConnected,
    ScenarioError,
)
from scenario_mcp.scenario.wire import Call

if TYPE_CHECKING:
    import httpx


class Sending:
    """One try of a call: `begun` as soon as anything of it may have left this machine, never after `latest`."""

    def __init__(self, latest: Deadline | None = None) -> None:
        self.begun = False
        self._latest = latest

    def begin(self) -> None:
        """Mark the first byte. Raises `NotConnected` if it is too late for it."""
        if self._latest is not None and self._latest.remaining() <= 0:
            raise NotConnected("No connection was free early enough to send it safely.")
        self.begun = True


Attempt = Callable[[Call, Sending], Awaitable[dict[str, Any]]]
OnPause = Callable[[ScenarioError, float], Awaitable[None]]

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
PAID_READ_SECONDS = 60.0  # Scenario's own SDK waits as long; text inferences answer in one slow reply
MAX_CONNECTIONS = 16  # httpx 0.28 slows down badly beyond
MAX_REPLY_BYTES = 16 * 2**20  # the API's gateway caps replies at 6 MB
PAID_SECONDS = 10.0  # that must be left to begin a paid request: an answer cut off is an answer lost
SLOWEST_UPLINK = 250_000.0  # bytes a second, for the time that a large paid request must have besides

logger = logging.getLogger(__name__)


class Client:
    """Sends calls to one Scenario project.

    `base_url` is the API root, `credentials` the key and its secret, `project_id` goes along as `projectId`.
    `trust_env` lets proxy and certificate variables of the environment apply; `transport` replaces the network.
    `no_credentials` says why there are none, and may say what to do. `clock` tells the API's own time. Nothing is
    opened before the first call.
    """

    def __init__(
        self,
        base_url: str,
        credentials: tuple[str, str] | None,
        *,
        project_id: str | None = None,
        user_agent: str = "scenario-mcp",
        trust_env: bool = True,
        no_credentials: tuple[str, ...] = ("There is no Scenario API key",),
        transport: "httpx.AsyncBaseTransport | None" = None,
        clock: ApiClock | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.clock = clock or ApiClock()
        self._query = {"projectId": project_id} if project_id else {}
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        self._authorization: str | None = None
        self._secrets: tuple[bytes, ...] = ()
        if credentials is not None:
            token = base64.b64encode(":".join(credentials).encode()).decode()
            self._authorization = f"Basic {token}"
            self._secrets = (credentials[1].encode(), token.encode())
        self._no_credentials = no_credentials
        # What belongs to one account, project and API must not be mistaken for another's.
        self.scope = "\n".join((credentials[0] if credentials else "", project_id or "", self.base_url))
        self._trust_env = trust_env
        self._transport = transport
        self._http: httpx.AsyncClient | None = None

    async def send(
        self, call: Call, deadline: Deadline, *, attempt: Attempt | None = None, on_pause: OnPause | None = None
    ) -> dict[str, Any]:
        """Send a call until it is answered, by the retry rule of `wire.retry_pause`, and return the answer's data.

        `attempt` replaces the single try, and must for a paid call: those go through `Purchases`. `on_pause` hears of
        each failure and the pause in seconds before the next try. Raises the `ScenarioError` of the last try, and
        `TypeError` for a paid call past `Purchases`. Nothing begins or goes on here past the deadline.
        """
        if call.paid and attempt is None:
            raise TypeError("A paid call goes through Purchases.")
        reserve = PAID_SECONDS + len(_json(call.body)) / SLOWEST_UPLINK if call.paid else 0.0
        failures: Counter[type[ScenarioError]] = Counter()
        if deadline.remaining() < reserve:
            raise NotConnected("There was not enough time left in this tool call to send it safely.")
        while True:
            sending = Sending(deadline.sooner(reserve / 2) if call.paid else None)
            try:
                with anyio.move_on_after(deadline.remaining()):
                    return await (attempt or self.attempt)(call, sending)
                raise _cut_off(call, sending)
            except ScenarioError as failure:
                failures[type(failure)] += 1
                jitter = random.random()  # noqa: S311  # not a secret
                pause = wire.retry_pause(call, failure, failures[type(failure)], jitter)
                if pause is None or pause + reserve >= deadline.remaining():
                    raise
                logger.info("%s %s: %s Trying again in %.1f s.", call.method, call.path, failure, pause)
                if on_pause is not None:
                    await on_pause(failure, pause)
                await anyio.sleep(pause)

    async def attempt(self, call: Call, sending: Sending | None = None) -> dict[str, Any]:
        """Send a call once and return its answer's data; `sending` is told when it begins to leave this machine.

        Raises `NotConfigured` and `NotConnected` when it was certainly not sent, `AnswerLost` when a paid call may
        have been accepted, `NoAnswer` when a free one was not answered, and an `ApiError` when it was refused.
        """
        import httpx

        if self._authorization is None:
            reason, *hint = self._no_credentials
            raise NotConfigured(f"{reason}, so nothing was sent.", *hint)
        http, sending = self._open(), sending or Sending()
        try:
            request = http.build_request(
                call.method,
                self.base_url + call.path,
                params={**call.query, **self._query},
                content=None if call.body is None else _json(call.body),
                headers={**self._headers, "Authorization": self._authorization, **_content_type(call)},
                timeout=httpx.Timeout(
                    PAID_READ_SECONDS if call.paid else READ_SECONDS, connect=CONNECT_SECONDS, pool=None
                ),
                extensions={"trace": _tells(sending)},
            )
            if self._transport is not None:  # only the real network tells when it begins
                sending.begin()
            response = await http.send(request, stream=True)
            self.clock.hear(response.headers.get("date"))
            try:
                body = await _read_at_most(MAX_REPLY_BYTES, response)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.InvalidURL) as fault:
            raise NotConnected(f"No connection to {self._host} could be made ({_words(fault)}).") from fault
        except httpx.RequestError as fault:
            raise _no_answer(call, _words(fault)) from fault
        except _TooLong as fault:
            raise _no_answer(call, f"it is longer than {MAX_REPLY_BYTES >> 20} MB") from fault
        logger.info("%s %s: %d, %d bytes", call.method, call.path, response.status_code, len(body))
        try:
            return wire.read(call, response.status_code, response.headers, self._shown(response.status_code, body))
        except (NoAnswer, ApiError) as failure:
            if call.paid and not (isinstance(failure, ApiError) and wire.is_certain_refusal(failure)):
                raise _no_answer(call, str(failure).rstrip(".")) from failure
            raise

    async def put(self, url: str, content: bytes, deadline: Deadline) -> None:
        """Put bytes to a signed URL, without credentials.

        Raises `NoAnswer` when they were not taken by the deadline.
        """
        import httpx

        try:
            with anyio.fail_after(deadline.remaining()):
                response = await self._open().put(url, content=content)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as fault:
            raise NoAnswer(f"A part of the file could not be uploaded ({_words(fault)}).") from fault
        if not 200 <= response.status_code < 300:
            raise NoAnswer(f"A part of the file could not be uploaded (status {response.status_code}).")

    async def download(self, url: str, deadline: Deadline, write: Callable[[bytes], object]) -> None:
        """Fetch a file from a signed URL, without credentials, and hand each chunk of it to `write`.

        Raises `NoAnswer` when it cannot be had whole by the deadline, and what `write` raises.
        """
        import httpx

        try:
            with anyio.fail_after(deadline.remaining()):
                async with self._open().stream("GET", url) as response:
                    if response.status_code != 200:
                        raise NoAnswer(f"The file could not be downloaded (status {response.status_code}).")
                    async for chunk in response.aiter_bytes():
                        write(chunk)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as fault:
            raise NoAnswer(f"The file could not be downloaded ({_words(fault)}).") from fault

    async def content(self, url: str, deadline: Deadline, most: int) -> bytes:
        """Fetch a file into memory, as `download` does. Raises `NoAnswer` also for one of more than `most` bytes."""
        got = bytearray()

        def take(chunk: bytes) -> None:
            got.extend(chunk)
            if len(got) > most:
                raise NoAnswer(f"The file is larger than {most // 1_000_000} MB.")

        await self.download(url, deadline, take)
        return bytes(got)

    async def aclose(self) -> None:
        """Close the connections, if any were opened."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _open(self) -> "httpx.AsyncClient":
        import httpx

        if self._http is None:
            try:
                self._http = httpx.AsyncClient(
                    transport=self._transport,
                    trust_env=self._trust_env,
                    follow_redirects=False,
                    limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
                    timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None),
                )
            except (ImportError, OSError, ValueError, httpx.InvalidURL) as fault:
                # Proxy and certificate variables of the environment are read here, and may be wrong in any way.
                raise NotConnected(f"The proxy or certificate settings cannot be used ({_words(fault)}).") from fault
        return self._http

    @property
    def _host(self) -> str:
        return urlsplit(self.base_url).hostname or self.base_url

    def _shown(self, status: int, body: bytes) -> bytes:
        """Hide the credentials in an error's body: its words are shown to the agent, and servers echo requests."""
        for secret in self._secrets if status >= 300 else ():
            body = body.replace(secret, b"[hidden]")
        return body


class _TooLong(Exception):
    pass


async def _read_at_most(limit: int, response: "httpx.Response") -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise _TooLong
    return bytes(body)


def _tells(sending: Sending) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Watch the network's own events for the first byte of a request."""

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            sending.begin()

    return trace


def _cut_off(call: Call, sending: Sending) -> ScenarioError:
    if call.paid and not sending.begun:
        return NotConnected("No connection was free in the time that a tool call has.")
    return _no_answer(call, "it did not come within the time that a tool call has")


def _no_answer(call: Call, why: str) -> ScenarioError:
    if call.paid:
        return AnswerLost(f"The answer to a paid request was lost ({why}).")
    return NoAnswer(f"Scenario did not answer ({why}).")


def _words(fault: Exception) -> str:
    return str(fault) or type(fault).__name__


def _json(body: Mapping[str, Any] | None) -> bytes:
    return json.dumps(body or {}, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def _content_type(call: Call) -> dict[str, str]:
    return {} if call.body is None else {"Content-Type": "application/json"}
