"""The secret never leaves in a text, however a reply spells it."""

import base64
import html
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import httpx
import pytest

from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from support.agents import LIST, TOOL, agent_of, data_of, text_of
from support.network import GENERATE, Deliver, Fault, SandboxNetwork, answers
from support.nightly import crossed
from support.poison import PoisonedNetwork, texts_of
from support.servers import Machine
from support.tour import Tour

pytestmark = pytest.mark.anyio

KEY, SECRET = "api_Yt5kQ2", "Kq7+v/9sXz<B4&mTn_w-2Rt'6Yp=="
PAIR = f"{KEY}:{SECRET}"
TOKEN = base64.b64encode(PAIR.encode()).decode()
SPELLINGS: dict[str, str] = {
    "plain": SECRET,
    "beside its key": PAIR,
    "the header": f"Authorization: Basic {TOKEN}",
    "the token without padding": TOKEN.rstrip("="),
    "the token for URLs": TOKEN.translate(str.maketrans("+/", "-_")).rstrip("="),
    "percent": quote(SECRET, safe=""),
    "small percent": "".join(f"%{byte:02x}" for byte in SECRET.encode()),
    "percent twice": quote(quote(PAIR, safe=""), safe=""),
    "a form": quote_plus(SECRET),
    "HTML": html.escape(SECRET),
    "HTML by numbers": "".join(f"&#{ord(char)};" for char in SECRET),
    "HTML by hexadecimal numbers": "".join(f"&#x{ord(char):X};" for char in SECRET),
    "JSON in JSON": json.dumps(SECRET)[1:-1],
    "escaped as .NET does": SECRET.translate({ord(char): f"\\u{ord(char):04X}" for char in "+&<>'"}),
    "escaped as PHP does": SECRET.replace("/", "\\/"),
    "escaped throughout": "".join(f"\\u{ord(char):04x}" for char in SECRET),
    "escaped as Python does": "".join(f"\\x{ord(char):02x}" for char in SECRET),
    "with what shows nothing": "\u200b".join(SECRET),
    "with soft hyphens in the token": "\u00ad".join(TOKEN),
    "the token on lines of 20": "\n".join(TOKEN[at : at + 20] for at in range(0, len(TOKEN), 20)),
    "as old JavaScript escapes": "".join(f"%u{ord(char):04X}" for char in SECRET),
    "base64 of UTF-16": base64.b64encode(PAIR.encode("utf-16-le")).decode(),
    "hexadecimal": SECRET.encode().hex(),
    "base64 alone": base64.b64encode(SECRET.encode()).decode(),
    "base64 in a longer text": base64.b64encode(f"x{SECRET} and more".encode()).decode(),
    "base64, one further": base64.b64encode(f"xx{SECRET} and more".encode()).decode(),
}


def assert_hidden(text: str) -> None:
    """Hold that no reader can take the secret out of a text: nobody who unescapes it, nobody who decodes it."""
    plain = text
    assert TOKEN[:40] not in "".join(char for char in text if char.isascii() and char.isprintable() and char != " ")
    for _ in range(5):
        assert SECRET not in plain.replace("\u200b", ""), text
        plain = re.sub("%u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), plain)
        assert SECRET.encode().hex() not in plain.lower()
        for word in re.findall(r"[A-Za-z0-9+/_-]{20,}", plain):
            for start in range(4):
                digits = word[start:].translate(str.maketrans("-_", "+/"))
                content = base64.b64decode(digits[: len(digits) // 4 * 4])
                assert SECRET[4:-4].encode() not in content.replace(b"\0", b""), text
        plain = html.unescape(unquote(plain))
        try:
            plain = plain.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in plain else plain
        except UnicodeDecodeError:
            return


def _client(machine: Machine, network: SandboxNetwork) -> Any:
    return machine.server(credentials=(KEY, SECRET), transport=network)


@pytest.fixture(autouse=True)
def _known_key(world: World) -> None:
    world.accounts[KEY] = SECRET


async def test_no_field_of_a_record_shows_the_secret_in_any_spelling(world: World, tmp_path: Path, caplog: Any) -> None:
    tour = Tour(world, tmp_path, credentials=(KEY, SECRET))
    await tour.prepare()
    caplog.set_level(logging.DEBUG)
    echo = " ".join(SPELLINGS.values())
    for kind, fields in (await tour.fields()).items():
        network = PoisonedNetwork(world)
        network.paths = [path for path in fields if not path[-1].lower().endswith(("id", "ids", "[]"))]
        network.spoil = lambda text: f"{text} {echo}"
        for heard in await tour.visit(network, kind):
            assert_hidden(heard.text)
            for text in texts_of(heard.data):
                assert_hidden(text)


def _as_json(text: str) -> str:
    return json.dumps({"reason": text})


def _escaped_throughout(text: str) -> str:
    return '{"reason": "' + "".join(f"\\u{ord(char):04x}" for char in text) + '"}'


def _with_slashes(text: str) -> str:
    return json.dumps({"message": text}).replace("/", "\\/").replace("+", "\\u002B")


def _as_a_name(text: str) -> str:
    return json.dumps({"error": {text: [text]}})


WAYS = [_as_json, _escaped_throughout, _with_slashes, _as_a_name]
STATUSES = [400, 401, 500, 302]


@pytest.mark.parametrize(("status", "write"), crossed(STATUSES, WAYS))
async def test_no_error_shows_the_secret(
    network: SandboxNetwork, caplog: Any, write: Callable[[str], str], status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    machine = Machine(network, previews=False)
    for spelling in SPELLINGS.values():
        network.plan("GET /v1/models", answers(status, text=write(f"no {spelling} here")), times=3)
        async with agent_of(_client(machine, network)) as agent:
            assert_hidden(text_of(await agent.call_tool("get-model", {"modelId": "model_x"})))


async def test_a_job_that_failed_with_the_words_of_the_request_shows_no_secret(
    network: SandboxNetwork, arguments: dict[str, Any]
) -> None:
    def fails(words: str) -> Fault:
        async def fault(request: httpx.Request, deliver: Deliver) -> httpx.Response:
            job = {"jobId": "job_x", "status": "failure", "metadata": {"error": words, "hint": words}}
            return httpx.Response(200, json={"job": job})

        return fault

    network.plan(GENERATE, fails(f"bad header Authorization: Basic {TOKEN}"))
    async with agent_of(_client(Machine(network, previews=False), network)) as agent:
        result = await agent.call_tool(TOOL, arguments)

    assert "bad header" in text_of(result)
    assert_hidden(text_of(result))


async def test_a_prompt_that_holds_the_secret_is_not_told_again(
    network: SandboxNetwork, arguments: dict[str, Any], tmp_path: Path
) -> None:
    machine = Machine(network, state=tmp_path / "state", previews=False)
    async with agent_of(_client(machine, network)) as agent:
        await agent.call_tool(TOOL, {**arguments, "prompt": f"a fox {SECRET}"})
        listed = await agent.call_tool(LIST, {"everything": True})
        mine = await agent.call_tool(LIST, {})

    for result in (listed, mine):
        assert "a fox" in text_of(result)
        assert_hidden(text_of(result) + json.dumps(data_of(result)))


async def test_a_fault_of_the_network_shows_no_secret() -> None:
    async def fails(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError(f"peer said {request.headers['authorization']}", request=request)

    client = Client("http://api.sandbox/v1", (KEY, SECRET), transport=httpx.MockTransport(fails))
    machine = Machine(SandboxNetwork(World()), previews=False)
    async with agent_of(machine.server(credentials=(KEY, SECRET), transport=httpx.MockTransport(fails))) as agent:
        text = text_of(await agent.call_tool("get-model", {"modelId": "model_x"}))
    await client.aclose()

    assert "peer said" in text
    assert_hidden(text)


@pytest.mark.nightly
def test_neither_output_nor_log_of_a_command_shows_the_secret(base_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scenario_mcp", "call", "get-model", f"modelId=model_{SECRET}"],
        env={
            **os.environ,
            "SCENARIO_API_KEY": KEY,
            "SCENARIO_API_SECRET": SECRET,
            "SCENARIO_BASE_URL": base_url,
            "SCENARIO_LOG_LEVEL": "debug",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "INFO" in done.stderr
    assert_hidden(done.stdout + done.stderr)


async def test_doctor_shows_no_secret_that_a_reply_spells(network: SandboxNetwork, base_url: str, capsys: Any) -> None:
    from scenario_mcp.commands import doctor
    from scenario_mcp.commands.doctor import Check
    from scenario_mcp.settings import load

    settings = load({"SCENARIO_API_KEY": KEY, "SCENARIO_API_SECRET": SECRET})
    doctor._printed([Check("key accepted", well=False, found=each) for each in SPELLINGS.values()], settings)

    assert_hidden(capsys.readouterr().out)
