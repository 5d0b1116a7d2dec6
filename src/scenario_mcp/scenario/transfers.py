"""Files between here and the addresses that replies name, without credentials."""

from collections.abc import Callable

import anyio

from scenario_mcp import wording
from scenario_mcp.masking import Mask
from scenario_mcp.scenario import bodies, network
from scenario_mcp.scenario.bodies import Unreadable
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import AddressRefused, NoAnswer
from scenario_mcp.scenario.network import Network, raw

MOST_OF_AN_ANSWER = 2**16  # bytes that are read of the answer to a part, so that the connection can be used again


class Transfers:
    """Puts and fetches files; `mask` hides the secret in words of errors."""

    def __init__(self, network: Network, mask: Mask) -> None:
        self._network = network
        self._mask = mask

    async def put(self, url: str, content: bytes, deadline: Deadline) -> None:
        """Put bytes to an address. Raises `AddressRefused`, and `NoAnswer` when they were not taken by the deadline."""
        import httpx

        what = "A part of the file could not be uploaded"
        try:
            with anyio.fail_after(deadline.remaining()):
                async with self._network.files().stream("PUT", _sound(url), content=content) as response:
                    await bodies.pour(raw(response), "identity", MOST_OF_AN_ANSWER, len)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as fault:
            raise NoAnswer(f"{what} ({self._words(fault)}).", network.hint_for(fault)) from fault
        except Unreadable:
            pass  # its status is the answer
        if not 200 <= response.status_code < 300:
            raise NoAnswer(f"{what} (status {response.status_code}).")

    async def get(self, url: str, deadline: Deadline, write: Callable[[bytes], object], most: int) -> None:
        """Fetch a file of at most so many bytes, and hand each piece of it to `write`.

        Raises `AddressRefused`, `NoAnswer` when it cannot be had whole by the deadline, and what `write` raises.
        """
        import httpx

        what = "The file could not be downloaded"
        try:
            with anyio.fail_after(deadline.remaining()):
                async with self._network.files().stream("GET", _sound(url)) as response:
                    if response.status_code != 200:
                        raise NoAnswer(f"{what} (status {response.status_code}).")
                    coding = bodies.coding_of(response.headers.get_list("content-encoding"), "identity")
                    if _length(response.headers.get("content-length", "")) > most:
                        raise Unreadable(f"it is longer than {most // 10**6} MB")
                    await bodies.pour(raw(response), coding, most, write)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError, Unreadable) as fault:
            raise NoAnswer(f"{what} ({self._words(fault)}).", network.hint_for(fault)) from fault

    def _words(self, fault: Exception) -> str:
        return wording.clean(self._mask(str(fault))) or type(fault).__name__


def _sound(url: str) -> str:
    import httpx

    try:
        sound = wording.address(url) is not None and httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):  # the latter of a name in letters that there are not
        sound = False
    if not sound:
        raise AddressRefused(f"An address that Scenario names is not used: {wording.quoted(url, 40)} is none.")
    return url


def _length(header: str) -> int:
    return int(header) if header.isdecimal() and len(header) < 20 else 0
