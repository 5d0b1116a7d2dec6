"""A thin async client of the Scenario REST API: the calls of one project, answered or failed in our own words."""

import asyncio
import base64
import json
import logging
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from scenario_mcp import wording
from scenario_mcp.masking import mask_of
from scenario_mcp.scenario import bodies, network, wire
from scenario_mcp.scenario.addresses import Rule
from scenario_mcp.scenario.bodies import Unreadable
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
from scenario_mcp.scenario.network import CONNECT_SECONDS, READ_SECONDS, Network, raw
from scenario_mcp.scenario.transfers import Transfers
from scenario_mcp.scenario.wire import Call

if TYPE_CHECKING:
    import httpx

    from scenario_mcp.scenario.connections import Resolve


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

PAID_READ_SECONDS = 60.0  # Scenario's own SDK waits as long; text inferences answer in one slow reply
ANSWER_SECONDS = 120.0  # from the first byte sent to the last one heard; each byte by itself may have its own patience
MAX_REPLY_BYTES = 16 * 2**20  # the API's gateway caps replies at 6 MB
MOST_WORDS = 2**16  # bytes of an error's body that words are looked for in
PAID_SECONDS = 10.0  # that must be left to begin a paid request: an answer cut off is an answer lost
SLOWEST_UPLINK = 250_000.0  # bytes a second, for the time that a large paid request must have besides

logger = logging.getLogger(__name__)


class Client:
    """Sends calls to one Scenario project.

    `base_url` is the API root, `credentials` the key and its secret, `project_id` goes along as `projectId`.
    `trust_env` lets the proxies of the environment apply; `transport` replaces the network.
    `no_credentials` says why there are none, and may say what to do; `hints` what is to be added to the hint of a kind
    of refusal. `clock` tells the API's own time. Files come from
    addresses that `Rule` allows, `download_hosts` among them; `resolve` looks hosts up in their place. `mask` hides the
    secret in a text. Nothing is opened before the first call.
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
        hints: Mapping[type[ScenarioError], str] | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
        clock: ApiClock | None = None,
        download_hosts: Sequence[str] = (),
        resolve: "Resolve | None" = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.clock = clock or ApiClock()
        self._query = {"projectId": project_id} if project_id else {}
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        self._authorization: str | None = None
        if credentials is not None:
            self._authorization = f"Basic {base64.b64encode(':'.join(credentials).encode()).decode()}"
        self.mask = mask_of(credentials)
        self._no_credentials = no_credentials
        self._hints = hints or {}
        # What belongs to one account, project and API must not be mistaken for another's.
        self.scope = "\n".join((credentials[0] if credentials else "", project_id or "", self.base_url))
        self._network = Network(
            self.base_url, Rule(self.base_url, download_hosts), transport, resolve, trust_env=trust_env
        )
        self._transfers = Transfers(self._network, self.mask)

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
        http, sending = self._network.api(), sending or Sending()
        patience = PAID_READ_SECONDS if call.paid else READ_SECONDS
        try:
            with anyio.fail_after(None) as answering:
                request = http.build_request(
                    call.method,
                    self.base_url + call.path,
                    params={**call.query, **self._query},
                    content=None if call.body is None else _json(call.body),
                    headers={**self._headers, "Authorization": self._authorization, **_content_type(call)},
                    timeout=httpx.Timeout(patience, connect=CONNECT_SECONDS, pool=None),
                    extensions={"trace": _watch(sending, answering)},
                )
                if self._network.replaced:  # only the real network tells when it begins
                    sending.begin()
                response = await http.send(request, stream=True)
                self.clock.hear(response.headers.get("date"))
                try:
                    body = await _body(response)
                finally:
                    await response.aclose()
                data = await self._data(response, body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.InvalidURL) as fault:
            by = f" by the proxy of {variable}" if (variable := self._network.proxy_variable) else ""
            message = f"No connection to {self._host} could be made{by} ({self._words(fault)})."
            advice = network.hint_for(fault)
            raise NotConnected(message, advice and f"Nothing was sent. {advice}") from fault
        except (httpx.RequestError, Unreadable) as fault:
            raise _no_answer(call, self._words(fault)) from fault
        except TimeoutError as fault:
            raise _no_answer(call, "it did not end in time") from fault
        logger.info("%s %s: %d, %d bytes", call.method, call.path, response.status_code, len(body))
        try:
            return wire.read(call, response.status_code, response.headers, data)
        except (NoAnswer, ApiError) as failure:
            failure.hint = " ".join(filter(None, (failure.hint, self._hints.get(type(failure)))))
            if call.paid and not (isinstance(failure, ApiError) and wire.is_certain_refusal(failure)):
                raise _no_answer(call, str(failure).rstrip(".")) from failure
            raise

    async def put(self, url: str, content: bytes, deadline: Deadline) -> None:
        """Put bytes to an address of a reply, as `Transfers.put` does."""
        await self._transfers.put(url, content, deadline)

    async def download(
        self, url: str, deadline: Deadline, write: Callable[[bytes], object], most: int = sys.maxsize
    ) -> None:
        """Fetch a file of at most so many bytes from an address of a reply, as `Transfers.get` does.

        What `write` raises, like its own refusal of too many bytes, ends it.
        """
        await self._transfers.get(url, deadline, write, most)

    async def content(self, url: str, deadline: Deadline, most: int) -> bytes:
        """Fetch a file of at most so many bytes into memory, as `download` does."""
        got = bytearray()
        await self.download(url, deadline, got.extend, most)
        return bytes(got)

    async def aclose(self) -> None:
        """Close the connections, if any were opened."""
        await self._network.aclose()

    @property
    def _host(self) -> str:
        return urlsplit(self.base_url).hostname or self.base_url

    async def _data(self, response: "httpx.Response", body: bytes) -> Any:
        if response.is_success or len(body) <= MOST_WORDS:
            return await bodies.read_json(body, self.mask)
        return None

    def _words(self, fault: Exception) -> str:
        """Words of an error that is not ours: they may repeat what a server sent."""
        return wording.clean(self.mask(str(fault))) or type(fault).__name__


async def _body(response: "httpx.Response") -> bytes:
    body = bytearray()
    coding = bodies.coding_of(response.headers.get_list("content-encoding"), "gzip")
    await bodies.pour(raw(response), coding, MAX_REPLY_BYTES, body.extend)
    return bytes(body)


def _watch(sending: Sending, answering: anyio.CancelScope) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Watch the network's own events: from the first byte of a request on its answer is awaited, and no sooner there.

    What a connection holds already when its request is sent cannot answer it: somebody between us and the API counts
    wrong, and another's job would be taken for the one that was paid. Raises `httpx.RemoteProtocolError` for it.
    """
    import httpx

    came = asyncio.Event()

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            sending.begin()
            answering.deadline = anyio.current_time() + ANSWER_SECONDS
        elif event.endswith("receive_response_headers.started"):
            asyncio.get_running_loop().call_soon(came.set)  # done before anything that has to be waited for
        elif event.endswith("receive_response_headers.complete") and not came.is_set():
            raise httpx.RemoteProtocolError("an answer was there before its request")

    return trace


def _cut_off(call: Call, sending: Sending) -> ScenarioError:
    if call.paid and not sending.begun:
        return NotConnected("No connection was free in the time that a tool call has.")
    return _no_answer(call, "it did not come within the time that a tool call has")


def _no_answer(call: Call, why: str) -> ScenarioError:
    if call.paid:
        return AnswerLost(f"The answer to a paid request was lost ({why}).")
    return NoAnswer(f"Scenario did not answer ({why}).")


def _json(body: Mapping[str, Any] | None) -> bytes:
    return json.dumps(body or {}, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def _content_type(call: Call) -> dict[str, str]:
    return {} if call.body is None else {"Content-Type": "application/json"}
