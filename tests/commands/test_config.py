"""Snippets for hosts: each parses, starts the real server, names real variables, and holds no secret."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scenario_mcp.commands import config
from scenario_mcp.commands.cli import main
from scenario_mcp.commands.config import HOSTS, KEYS, Launch, source_of, this_command
from scenario_mcp.variables import KEY_PAIRS, VARIABLES
from support.agents import CORE
from support.stdio import StdioHost, environment, running_command

ROOT = Path(__file__).parent.parent.parent
KEY, SECRET = "api_key_of_mine", "a-secret-of-mine"
ODD = Launch(
    "/a b/scenario-mcp", ["--env-file", 'C:\\my "files"\\é 🎨\x7f.env'], {"SCENARIO_API_KEY": "it's $HOME & `x`"}
)


def _of_json(key: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: dict(json.loads(text)[key][config.NAME])


def _of_shell(flag: str) -> Callable[[str], dict[str, Any]]:
    """Read a command line as the host does: flags first, then what stands after the two dashes."""

    def read(text: str) -> dict[str, Any]:
        words = shlex.split(text)
        dashes = words.index("--")
        own, started = words[:dashes], words[dashes + 1 :]
        env = [value for at, value in enumerate(own) if own[at - 1] == flag]
        return {
            "command": started[0],
            "args": started[1:],
            "env": dict(each.split("=", 1) for each in env),
        }

    return read


def _of_opencode(text: str) -> dict[str, Any]:
    said = json.loads(text)["mcp"][config.NAME]
    assert said["type"] == "local"
    return {"command": said["command"][0], "args": said["command"][1:], "env": said.get("environment", {})}


READ: dict[str, Callable[[str], dict[str, Any]]] = {
    "claude-desktop": _of_json("mcpServers"),
    "claude-code": _of_shell("--env"),
    "cursor": _of_json("mcpServers"),
    "vscode": _of_json("servers"),
    "codex": lambda text: dict(tomllib.loads(text)["mcp_servers"][config.NAME]),
    "gemini": _of_json("mcpServers"),
    "qwen": _of_json("mcpServers"),
    "copilot": _of_shell("--env"),
    "opencode": _of_opencode,
    "cline": _of_json("mcpServers"),
    "inspector": _of_shell("-e"),
}
every_host = pytest.mark.parametrize("name", HOSTS)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(list(words))
    out, err = capsys.readouterr()
    return status, out, err


@every_host
def test_a_snippet_says_how_this_server_is_started_and_nothing_secret(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SCENARIO_API_KEY", KEY)
    monkeypatch.setenv("SCENARIO_SDK_API_SECRET", SECRET)
    (tmp_path / ".env").write_text("SCENARIO_PREVIEWS=off\nSCENARIO_MAX_CU_PER_DAY=5\n")
    monkeypatch.setenv("SCENARIO_OUTPUT_DIR", str(tmp_path))
    monkeypatch.setenv("SCENARIO_PROJECT_ID", "${unset}")
    monkeypatch.chdir(tmp_path)

    status, out, err = printed(capsys, "--toolsets", "edit", "config", name)

    said = READ[name](out)
    assert status == 0
    assert Path(said["command"]).is_absolute()
    assert said["args"][-2:] == ["--toolsets", "edit"]
    assert set(said["env"]) == {
        *KEYS,
        "SCENARIO_OUTPUT_DIR",
    }  # what lies in this folder has no say in what a host does everywhere
    assert said["env"]["SCENARIO_OUTPUT_DIR"] == str(tmp_path)
    assert KEY not in out + err
    assert SECRET not in out + err
    assert err.startswith(HOSTS[name].title)


@every_host
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_a_snippet_starts_is_the_server(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, out, _ = printed(capsys, "--sandbox", "config", name)
    said = READ[name](out)
    assert "env" not in said or not said["env"]

    async with running_command([said["command"], *said["args"]], environ=environment(), cwd=tmp_path) as host:
        listed = await _list(host)

    assert [tool["name"] for tool in listed] == CORE


async def _list(host: StdioHost) -> list[dict[str, Any]]:
    await host.hello()
    tools: list[dict[str, Any]] = (await host.request("tools/list"))["result"]["tools"]
    return tools


@every_host
def test_odd_paths_and_values_survive_every_language(name: str) -> None:
    said = READ[name](HOSTS[name].snippet(ODD))

    assert [said["command"], *said["args"]] == ODD.words
    if name != "vscode":  # which asks for the key itself
        assert said["env"] == ODD.env


def test_vs_code_asks_for_key_and_secret_and_hides_them(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = printed(capsys, "config", "vscode")

    said = json.loads(out)
    assert all(each["password"] for each in said["inputs"])
    asked = [f"${{input:{each['id']}}}" for each in said["inputs"]]
    assert [said["servers"]["scenario"]["env"][name] for name in KEYS] == asked


def test_hosts_wait_longer_than_any_call_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "my.env").write_text("SCENARIO_WAIT_SECONDS=600")

    codex = READ["codex"](printed(capsys, "--env-file", str(tmp_path / "my.env"), "config", "codex")[1])
    monkeypatch.setenv("SCENARIO_WAIT_SECONDS", "900")
    gemini = READ["gemini"](printed(capsys, "config", "gemini")[1])

    assert codex["tool_timeout_sec"] > 600
    assert gemini["timeout"] > 900_000


@pytest.mark.parametrize(
    ("held", "needed"),
    [
        ("SCENARIO_PREVIEWS=off", set(KEYS)),
        (f"SCENARIO_API_KEY={KEY}", set(KEYS)),
        (f"SCENARIO_API_KEY={KEY}\nSCENARIO_API_SECRET={SECRET}", set()),
        (f"SCENARIO_API_KEY={KEY}\nSCENARIO_API_SECRET={SECRET}\nSCENARIO_OUTPUT_DIR=relative", set()),
    ],
    ids=["no key", "half a pair", "a pair", "a pair beside a bad value that does not count"],
)
def test_a_file_of_settings_is_named_in_full_and_keys_only_if_it_lacks_them(
    held: str, needed: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.env").write_text(held)
    (tmp_path / ".env").write_text("SCENARIO_LOG_LEVEL=debug")  # not read beside a file that is named
    monkeypatch.setenv("SCENARIO_OUTPUT_DIR", str(tmp_path))

    _, out, err = printed(capsys, "--env-file", "my.env", "config", "claude-desktop")

    said = READ["claude-desktop"](out)
    assert said["args"][-2:] == ["--env-file", str(tmp_path / "my.env")]
    assert set(said["env"]) == {*needed, "SCENARIO_OUTPUT_DIR"}
    assert KEY not in out + err
    assert SECRET not in out + err


def test_what_stands_on_the_command_line_stands_in_the_snippet(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = printed(capsys, "--sandbox", "--no-fast-start", "--toolsets", "all", "config", "cursor")

    assert READ["cursor"](out)["args"] == ["--sandbox", "--no-fast-start", "--toolsets", "all"]


@pytest.mark.parametrize("words", [[], ["emacs"]])
def test_an_unknown_host_lists_the_known_ones(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = printed(capsys, "config", *words)

    assert (status, out) == (2, "")
    assert all(name in err for name in HOSTS)


UV, RUN = ["uvx", "--from"], ["pipx", "run", "--spec"]


@pytest.mark.parametrize(
    ("python", "runner"),
    [
        ("/home/me/.cache/uv/archive-v0/F3Zz/bin/python", UV),
        ("/home/me/.cache/pipx/35db/bin/python", RUN),
        ("/Users/me/Library/Caches/pipx/35db/bin/python", RUN),
        ("/AppData/Local/pipx/pipx/Cache/35db/Scripts/python.exe", RUN),
    ],
)
def test_an_environment_in_a_cache_is_started_by_its_runner_in_full(
    python: str, runner: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / runner[0]).write_text("#!/bin/sh\n")
    (tmp_path / runner[0]).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    command = this_command(python, {"url": "file:///me/scenario-mcp", "dir_info": {}})

    assert command == [str(tmp_path / runner[0]), *runner[1:], "/me/scenario-mcp", "scenario-mcp"]


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        ({}, "scenario-mcp"),
        ({"url": "file:///me/a%20b", "dir_info": {}}, "/me/a b"),
        (
            {"url": "https://git.example/x", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "git+https://git.example/x@c0ffee",
        ),
        (
            {"url": "https://git.example/x", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}, "subdirectory": "mcp"},
            "git+https://git.example/x@c0ffee#subdirectory=mcp",
        ),
        ({"url": "https://files.example/x.whl", "archive_info": {}}, "https://files.example/x.whl"),
    ],
)
def test_a_source_is_never_mistaken_for_a_package_of_that_name(origin: dict[str, Any], source: str) -> None:
    assert source_of(origin) == source


def test_the_command_of_a_windows_environment_ends_in_exe(tmp_path: Path) -> None:
    (tmp_path / "scenario-mcp.exe").touch()

    assert this_command(str(tmp_path / "python.exe")) == [str(tmp_path / "scenario-mcp.exe")]


@pytest.mark.parametrize(
    "python", ["/home/me/.cache/pypoetry/virtualenvs/x/bin/python", "/opt/pipx/venvs/x/bin/python"]
)
def test_an_environment_of_another_tool_stays(python: str) -> None:
    assert this_command(python) == [python, "-P", "-m", "scenario_mcp"]


def test_a_command_for_powershell_keeps_two_dashes_and_every_character() -> None:
    words = ["claude", "--env", "SCENARIO_OUTPUT_DIR=C:\\A & $me's", "--", "C:\\x\\scenario-mcp.exe", "a;b", "", "-e"]

    assert config.powershell(words) == (
        "claude --env 'SCENARIO_OUTPUT_DIR=C:\\A & $me''s' '--' C:\\x\\scenario-mcp.exe 'a;b' '' -e"
    )


def test_odd_letters_can_be_written_wherever_the_output_goes(tmp_path: Path) -> None:
    environ = environment(PYTHONIOENCODING="cp1252", SCENARIO_OUTPUT_DIR="/tmp/日本 🎨")
    command = [sys.executable, "-m", "scenario_mcp", "config", "cursor"]

    done = subprocess.run(command, env=environ, capture_output=True, check=True)

    assert READ["cursor"](done.stdout.decode())["env"]["SCENARIO_OUTPUT_DIR"] == "/tmp/日本 🎨"


def test_an_environment_that_stays_is_started_by_its_own_command() -> None:
    [command] = this_command()

    assert os.access(command, os.X_OK)
    assert this_command("/nowhere/python") == ["/nowhere/python", "-P", "-m", "scenario_mcp"]


def test_the_readme_shows_what_the_command_prints() -> None:
    blocks = re.findall(r"`scenario-mcp config ([a-z-]+)`\).*?```(\w+)\n(.*?)\n```", _readme(), re.DOTALL)

    assert [name for name, _, _ in blocks] == list(HOSTS)
    for name, language, block in blocks:
        said = READ[name](block)
        assert language == HOSTS[name].language
        assert [said["command"], *said["args"]] == ["uvx", "--from", "/path/to/scenario-mcp", "scenario-mcp"]
        assert set(said["env"]) == set(KEYS) <= {*VARIABLES, *(each for pair in KEY_PAIRS for each in pair)}


def _readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")
