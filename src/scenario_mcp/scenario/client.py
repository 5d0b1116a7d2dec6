"""The one room that speaks HTTP: a thin async client of the Scenario REST API."""

import base64
import json
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import anyio

from scenario_mcp.scenario import wire
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import (
    AnswerLost,
    NoAnswer,
    NotConfigured,
    NotConnected,
    ScenarioError,
    Unavailable,
)
from scenario_mcp.scenario.wire import Call

if TYPE_CHECKING:
    import httpx

Attempt = Callable[[Call], Awaitable[dict[str, Any]]]
OnPause = Callable[[ScenarioError, float], Awaitable[None]]

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
PAID_READ_SECONDS = 60.0  # Scenario's own SDK waits as long; text inferences answer in one slow reply
MAX_CONNECTIONS = 16  # httpx 0.28 slows down badly beyond
MAX_REPLY_BYTES = 16 * 2**20  # the API's gateway caps replies at 6 MB

logger = logging.getLogger(__name__)


class Client:
    """Sends calls to one Scenario project.

    `base_url` is the API root, `credentials` the key and its secret, `project_id` goes along as `projectId`.
    `trust_env` lets proxy and certificate variables of the environment apply; `transport` replaces the network.
    Nothing is opened before the first call.
    """

    def __init__(
        self,
        base_url: str,
        credentials: tuple[str, str] | None,
        *,
        project_id: str | None = None,
        user_agent: str = "scenario-mcp",
        trust_env: bool = True,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._query = {"projectId": project_id} if project_id else {}
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        self._authorization: str | None = None
        self._secrets: tuple[bytes, ...] = ()
        if credentials is not None:
            token = base64.b64encode(":".join(credentials).encode()).decode()
            self._authorization = f"Basic {token}"
            self._secrets = (credentials[1].encode(), token.encode())
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
        for tries in count(1):
            try:
                with anyio.move_on_after(deadline.remaining()):
                    return await (attempt or self.attempt)(call)
                raise _no_answer(call, "it did not come within the time a tool call has")
            except ScenarioError as failure:
                pause = wire.retry_pause(call, failure, tries, random.random())  # noqa: S311  # jitter, not a secret
                if pause is None or pause >= deadline.remaining():
                    raise
                logger.info("%s %s: %s Trying again in %.1f s.", call.method, call.path, failure, pause)
                if on_pause is not None:
                    await on_pause(failure, pause)
                await anyio.sleep(pause)
        raise AssertionError("count() never ends")  # pragma: no cover

    async def attempt(self, call: Call) -> dict[str, Any]:
        """Send a call once and return its answer's data.

        Raises `NotConfigured` and `NotConnected` when it was certainly not sent, `AnswerLost` when a paid call may
        have been accepted, `NoAnswer` when a free one was not answered, and an `ApiError` when it was refused.
        """
        import httpx

        if self._authorization is None:
            raise NotConfigured("There is no Scenario API key, so nothing was sent.")
        http = self._open()
        read_seconds = PAID_READ_SECONDS if call.paid else READ_SECONDS
        request = http.build_request(
            call.method,
            self.base_url + call.path,
            params={**call.query, **self._query},
            content=None if call.body is None else _json(call.body),
            headers={**self._headers, "Authorization": self._authorization, **_content_type(call)},
            timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS, pool=None),
        )
        try:
            response = await http.send(request, stream=True)
            try:
                body = await _read_at_most(MAX_REPLY_BYTES, response)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as fault:
            raise NotConnected(f"No connection to {request.url.host} could be made ({_words(fault)}).") from fault
        except httpx.RequestError as fault:
            raise _no_answer(call, _words(fault)) from fault
        except _TooLong as fault:
            raise _no_answer(call, f"it is longer than {MAX_REPLY_BYTES >> 20} MB") from fault
        logger.info("%s %s: %d, %d bytes", call.method, call.path, response.status_code, len(body))
        try:
            return wire.read(call, response.status_code, response.headers, self._shown(response.status_code, body))
        except (NoAnswer, Unavailable) as failure:
            if call.paid:
                raise _no_answer(call, str(failure)) from failure
            raise

    async def download(self, url: str, deadline: Deadline) -> bytes:
        """Fetch a file from a signed URL, without credentials.

        Raises `NoAnswer` when it cannot be had by the deadline.
        """
        import httpx

        try:
            with anyio.fail_after(deadline.remaining()):
                response = await self._open().get(url)
        except (httpx.RequestError, TimeoutError) as fault:
            raise NoAnswer(f"The file could not be downloaded ({_words(fault)}).") from fault
        if response.status_code != 200:
            raise NoAnswer(f"The file could not be downloaded (status {response.status_code}).")
        return response.content

    async def aclose(self) -> None:
        """Close the connections, if any were opened."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _open(self) -> "httpx.AsyncClient":
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                transport=self._transport,
                trust_env=self._trust_env,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
                timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None),
            )
        return self._http

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


def _no_answer(call: Call, why: str) -> ScenarioError:
    if call.paid:
        return AnswerLost(f"The answer was lost ({why}); the job may be running: look before calling again.")
    return NoAnswer(f"Scenario did not answer ({why}).")


def _words(fault: Exception) -> str:
    return str(fault) or type(fault).__name__


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _content_type(call: Call) -> dict[str, str]:
    return {} if call.body is None else {"Content-Type": "application/json"}
