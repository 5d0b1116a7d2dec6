"""Keys as people paste them: what certainly is none of one is taken off, the rest is named, and no value is shown."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from mcp import Client as McpClient

from scenario_mcp import keys
from scenario_mcp.commands.cli import main
from scenario_mcp.commands.wiring import services_for
from scenario_mcp.sandbox.world import World
from scenario_mcp.settings import load
from support.agents import agent_of, text_of
from support.nightly import by_day
from support.stdio import environment

pytestmark = pytest.mark.anyio

KEY, SECRET = "api_Yt5kQ2", "Kq7wVz9mXs4BnTrw"
RUN = {"modelId": "model_bfl-flux-2-dev", "parameters": {"prompt": "p", "numOutputs": 1}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # a real sandbox on loopback needs real time


@asynccontextmanager
async def serving(base_url: str, **more: str) -> AsyncIterator[McpClient]:
    async with agent_of(services_for(load(environment(base_url, SCENARIO_STATE_DIR="memory", **more)))) as agent:
        yield agent


def pasted(key: str = KEY, secret: str = SECRET) -> dict[str, str]:
    return {"SCENARIO_API_KEY": key, "SCENARIO_API_SECRET": secret}


AROUND = [
    '"{}"',
    "'{}'",
    "\u201c{}\u201d",
    "`{}`",
    "\ufeff{}",
    "{}\u200b",
    "\u2060{}\u200e",
    "\xa0{}\r\n",
    '\ufeff"{} "',
]


@pytest.mark.parametrize("around", AROUND, ids=ascii)
def test_what_certainly_is_no_part_of_a_key_is_taken_off(around: str) -> None:
    settings = load(pasted(around.format(KEY), around.format(SECRET)))

    assert settings.credentials == (KEY, SECRET)
    assert settings.odd_keys == settings.ignored == ()


def test_the_same_is_taken_off_other_settings(tmp_path: Path) -> None:
    own = {
        "SCENARIO_MAX_CU_PER_DAY": '"12.5"',
        "SCENARIO_OUTPUT_DIR": f"'{tmp_path}'",
        "SCENARIO_PREVIEWS": "off\u200b",
    }

    settings = load(own)

    assert settings.problems == ()
    assert settings.max_per_day == Decimal("12.5")
    assert (settings.output_dir, settings.previews) == (tmp_path, False)


@pytest.mark.skipif(sys.platform == "win32", reason="another mark stands between folders there")
def test_quotes_around_each_folder_of_a_list_are_taken_off() -> None:
    assert load({"SCENARIO_INPUT_DIRS": '"/a b":"/c"'}).input_dirs == (Path("/a b"), Path("/c"))


ODD = [
    (pasted("Bearer " + KEY), "SCENARIO_API_KEY begins like a header"),
    (pasted(secret="Basic " + SECRET), "SCENARIO_API_SECRET begins like a header"),
    (pasted(f"SCENARIO_API_KEY={KEY}"), 'SCENARIO_API_KEY begins with "NAME="'),
    (pasted(secret=f"export SECRET = {SECRET}"), 'SCENARIO_API_SECRET begins with "NAME="'),
    (pasted(f"{KEY}:{SECRET}"), "SCENARIO_API_KEY holds a colon, as if key and secret stood in one"),
    (pasted(secret=f"{KEY}:{SECRET}"), "SCENARIO_API_SECRET holds a colon, as if key and secret stood in one"),
    (pasted(KEY + '",'), "SCENARIO_API_KEY begins or ends with a quote, a comma or a semicolon"),
    (pasted("api_Yt\u2026"), "SCENARIO_API_KEY is cut or masked"),
    (pasted(secret="Kq7*****"), "SCENARIO_API_SECRET is cut or masked"),
    (pasted("api_Yt 5kQ2"), "SCENARIO_API_KEY holds a blank or a line end"),
    (pasted("\u0430pi_Yt5kQ2"), "SCENARIO_API_KEY holds a letter that no key has"),  # a Cyrillic a
    (pasted("my-api-key"), "SCENARIO_API_KEY is made of the words of an example"),
    (pasted(SECRET, SECRET), "SCENARIO_API_KEY and SCENARIO_API_SECRET are the same"),
    (pasted(SECRET, KEY), "SCENARIO_API_KEY and SCENARIO_API_SECRET may have changed places"),
    (
        {"SCENARIO_SDK_API_KEY": f"Bearer {KEY}", "SCENARIO_SDK_API_SECRET": SECRET},
        "SCENARIO_SDK_API_KEY begins like a header",
    ),
]


@pytest.mark.parametrize(("pair", "named"), ODD, ids=[named for _, named in ODD])
def test_what_no_key_holds_is_named_by_its_variable(pair: dict[str, str], named: str) -> None:
    [told] = load(pair).odd_keys

    assert told.startswith(named)


@pytest.mark.parametrize("secret", ["Kq7+v/9sXz4BmTnw2RtYp==", "a:b", "it's#a;secret", "needs-no-secret", "s3cret"])
def test_a_secret_may_hold_whatever_passwords_may(secret: str) -> None:
    settings = load(pasted("api_k", secret))

    assert settings.credentials == ("api_k", secret)
    assert settings.odd_keys == ()


@pytest.mark.parametrize(
    ("key", "named"), by_day([("Bearer a-pi_1", "header")], [("a:pi_1", "colon"), ("k,", "comma")])
)
async def test_a_refusal_of_the_key_says_what_is_odd_in_it(base_url: str, key: str, named: str) -> None:
    async with serving(base_url, **pasted(key, "never-to-be-shown")) as agent:
        refused = await agent.call_tool("find-models", {})

    assert refused.is_error
    assert text_of(refused).startswith("Scenario answered 401")
    assert "Most likely: SCENARIO_API_KEY" in text_of(refused)
    assert named in text_of(refused)
    assert key not in text_of(refused)
    assert "never-to-be-shown" not in text_of(refused)


async def test_a_key_that_nothing_is_odd_in_is_refused_without_guesses(base_url: str) -> None:
    async with serving(base_url, **pasted()) as agent:
        refused = await agent.call_tool("find-models", {})

    assert text_of(refused).startswith("Scenario answered 401")
    assert "Most likely" not in text_of(refused)


def test_doctor_names_what_is_odd_and_shows_no_value(
    base_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(base_url, **pasted(f"Bearer {KEY}")).items():
        monkeypatch.setenv(name, value)

    status = main(["doctor"])

    out = capsys.readouterr().out
    assert status == 1
    assert (
        'BAD  API key: set, but SCENARIO_API_KEY begins like a header ("Bearer", "Basic"): give the key alone.' in out
    )
    assert KEY not in out
    assert SECRET not in out


PLACEHOLDERS = [
    "your-key",
    "YOUR_API_KEY_HERE",
    "<your key>",
    "insert-key-here",
    "changeme",
    "xxxx-xxxx".replace("-", ""),
    "api_****",
    "$SCENARIO_KEY",
    "${SCENARIO_KEY}",
    "${input:scenario-api-key}",
    "${user_config.api_key}",
    "${{ secrets.SCENARIO_KEY }}",
    "{{scenario_key}}",
    "%SCENARIO_KEY%",
    "$(op read x)",
    "op://vault/scenario/key",
    "op read op://vault/scenario/key",
    "arn:aws:secretsmanager:eu-west-1:1:secret:x",
    "env:SCENARIO_KEY",
    "undefined",
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
async def test_a_placeholder_counts_as_not_set_and_is_told(base_url: str, quick_world: World, value: str) -> None:
    async with serving(base_url, SCENARIO_API_KEY=value) as agent:
        refused = await agent.call_tool("run-model", RUN)

    assert refused.is_error
    assert text_of(refused).startswith(
        "SCENARIO_API_KEY: it holds a placeholder, which counts as not set, so nothing was sent."
    )
    assert quick_world.requests == []


def test_both_halves_that_are_placeholders_are_told_by_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in pasted("your-key", "your-secret").items():
        monkeypatch.setenv(name, value)

    assert main(["doctor"]) == 1
    assert (
        "BAD  API key: SCENARIO_API_KEY: it holds a placeholder, which counts as not set;"
        " SCENARIO_API_SECRET: it holds a placeholder" in capsys.readouterr().out
    )


def test_keys_of_another_place_are_used_beside_a_placeholder_which_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SCENARIO_API_KEY=your-key\nSCENARIO_API_SECRET=your-secret\n")

    settings = load(pasted(), tmp_path)

    assert settings.credentials == (KEY, SECRET)
    assert [each.split(":")[0] for each in settings.ignored] == [
        f'{name} in "{tmp_path / ".env"}"' for name in ("SCENARIO_API_KEY", "SCENARIO_API_SECRET")
    ]


def test_a_file_of_placeholders_holds_no_pair(tmp_path: Path) -> None:
    (tmp_path / "my.env").write_text("SCENARIO_API_KEY=your-key\nSCENARIO_API_SECRET=your-secret\n")

    assert not keys.holds_pair(tmp_path / "my.env")


def test_half_a_pair_that_holds_both_is_named_for_it() -> None:
    settings = load({"SCENARIO_API_KEY": f"{KEY}:{SECRET}"})

    assert settings.half_a_pair is not None
    assert settings.half_a_pair.startswith(
        "SCENARIO_API_SECRET is not set, though SCENARIO_API_KEY is, which holds a colon, as if key and secret stood"
    )
