"""Print what makes a host start this server, with the paths of this machine filled in."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from scenario_mcp import variables

NAME = "scenario"  # what hosts call the server: letters only, since hosts differ in what else they allow
KEY, SECRET = variables.KEY_PAIRS[0]
KEYS = {KEY: "your key", SECRET: "your secret"}
ASKED = {KEY: "Scenario API key", SECRET: "Scenario API secret"}
SLOWEST_START = 60  # seconds: uvx installs before its first start
RUNNERS = (  # by a folder of their caches
    ("archive-v0", "uvx", ["--from"]),
    (".cache", "pipx", ["run", "--spec"]),
)
LONGEST_CALL = 120  # seconds a host should wait; ours answer after 45


@dataclass(frozen=True)
class Launch:
    """How to start the server: a command with its arguments, and the variables it needs."""

    command: str
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """Give the command line, word by word."""
        return [self.command, *self.args]


@dataclass(frozen=True)
class Host:
    """One host: how it is called, where its configuration is, and what is written there."""

    title: str
    where: str
    language: str
    snippet: Callable[[Launch], str]


def run(host: str | None, *, sandbox: bool, toolsets: str | None, env_file: Path | None) -> int:
    """Print the snippet for a host on stdout, and on stderr where it belongs; 2 for a host that is not known."""
    if host not in HOSTS:
        print(f"{f'There is no snippet for {host}. ' if host else ''}Hosts: {', '.join(HOSTS)}.", file=sys.stderr)
        return 2
    set_now = variables.written()
    made = launch(
        this_command(), set_now, sandbox=sandbox, toolsets=toolsets, env_file=env_file and env_file.absolute()
    )
    print(f"{HOSTS[host].title}: {HOSTS[host].where}", file=sys.stderr)
    print(HOSTS[host].snippet(made))
    return 0


def launch(
    command: Sequence[str],
    set_now: Mapping[str, str],
    *,
    sandbox: bool = False,
    toolsets: str | None = None,
    env_file: Path | None = None,
) -> Launch:
    """Decide what a host starts: what is set here is set there too, since hosts start servers elsewhere.

    The key and its secret are named but never filled in; with `--sandbox` or `--env-file` they are not needed.
    """
    args = [*command[1:]]
    if sandbox:
        args.append("--sandbox")
    if toolsets is not None:
        args += ["--toolsets", toolsets]
    if env_file is not None:
        return Launch(command[0], [*args, "--env-file", str(env_file)])
    return Launch(command[0], args, {**({} if sandbox else KEYS), **set_now})


def this_command(python: str | None = None) -> list[str]:
    """Find what starts this very server again, with full paths: hosts that have a window know no PATH of a shell.

    uvx and `pipx run` keep their environments in caches that get emptied; from there it is they that are named.
    """
    executable = Path(python or sys.executable)  # not resolved: that would leave the venv
    for cache, runner, words in RUNNERS:
        if cache in executable.parts:
            return [shutil.which(runner) or runner, *words, _source(), "scenario-mcp"]
    script = executable.with_name("scenario-mcp.exe" if sys.platform == "win32" else "scenario-mcp")
    return [str(script)] if script.exists() else [str(executable), "-m", "scenario_mcp"]


def _source() -> str:
    """Tell what this package was installed from: a folder, or its name in the index."""
    origin = json.loads(distribution("scenario-mcp").read_text("direct_url.json") or "{}")
    url = urlsplit(origin.get("url", ""))
    return url2pathname(url.path) if url.scheme == "file" else "scenario-mcp"


def _started(launch: Launch) -> dict[str, Any]:
    said = {"command": launch.command, "args": list(launch.args)}
    return said | ({"env": dict(launch.env)} if launch.env else {})


def _json(said: Mapping[str, Any]) -> str:
    """Write JSON with lists of words in one line, where a person reads and changes them."""
    return _WORDS.sub(lambda found: f"[{_BREAK.sub(' ', found[1])}]", json.dumps(said, indent=2, ensure_ascii=False))


_WORDS = re.compile(r'\[\n\s*("[^\n]*"(?:,\n\s*"[^\n]*")*)\n\s*\]')
_BREAK = re.compile(r"\n\s*")


def _patience(launch: Launch) -> int:
    """Give the seconds a host should wait for a call: longer than any call of this server takes."""
    return max(LONGEST_CALL, int(float(launch.env.get("SCENARIO_WAIT_SECONDS", 0))) + 30)


def _mcp_servers(launch: Launch) -> str:
    return _json({"mcpServers": {NAME: _started(launch)}})


def _typed_mcp_servers(launch: Launch) -> str:
    return _json({"mcpServers": {NAME: {"type": "stdio", **_started(launch)}}})


def _gemini(launch: Launch) -> str:
    return _json({"mcpServers": {NAME: {**_started(launch), "timeout": _patience(launch) * 1000}}})


def _vscode(launch: Launch) -> str:
    """Let VS Code ask for key and secret, and keep them."""
    asked = {name: words for name, words in ASKED.items() if name in launch.env}
    ids = {name: words.lower().replace(" ", "-") for name, words in asked.items()}
    inputs = [
        {"type": "promptString", "id": ids[name], "description": words, "password": True}
        for name, words in asked.items()
    ]
    env = {**launch.env, **{name: f"${{input:{each}}}" for name, each in ids.items()}}
    server = {"type": "stdio", **_started(replace(launch, env=env))}
    return _json({**({"inputs": inputs} if inputs else {}), "servers": {NAME: server}})


def _codex(launch: Launch) -> str:
    """Write TOML, for which each value is written as JSON: one spelling of texts and lists is the other's too."""
    env = [f"{name} = {json.dumps(value)}" for name, value in launch.env.items()]
    return "\n".join(
        (
            f"[mcp_servers.{NAME}]",
            f"command = {json.dumps(launch.command)}",
            f"args = {json.dumps(list(launch.args))}",
            f"startup_timeout_sec = {SLOWEST_START}",
            f"tool_timeout_sec = {_patience(launch)}",
            *(("", f"[mcp_servers.{NAME}.env]", *env) if env else ()),
        )
    )


def _claude_code(launch: Launch) -> str:
    return _shell(["claude", "mcp", "add", *_flags("--env", launch), "--scope", "user", NAME, "--", *launch.words])


def _inspector(launch: Launch) -> str:
    return _shell(["npx", "@modelcontextprotocol/inspector", *_flags("-e", launch), "--", *launch.words])


def _flags(flag: str, launch: Launch) -> Iterator[str]:
    for name, value in launch.env.items():
        yield from (flag, f"{name}={value}")


def _shell(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


HOSTS: dict[str, Host] = {
    "claude-desktop": Host(
        "Claude Desktop",
        "Settings, Developer, Edit Config; then quit Claude Desktop and start it again. The file is\n"
        "`~/Library/Application Support/Claude/claude_desktop_config.json` on macOS and\n"
        "`%APPDATA%\\Claude\\claude_desktop_config.json` on Windows.",
        "json",
        _mcp_servers,
    ),
    "claude-code": Host("Claude Code", "run this command in a shell.", "sh", _claude_code),
    "cursor": Host(
        "Cursor",
        "`~/.cursor/mcp.json`, or `.cursor/mcp.json` in a project that nobody else gets.",
        "json",
        _typed_mcp_servers,
    ),
    "vscode": Host(
        "VS Code",
        "the command `MCP: Open User Configuration`, or `.vscode/mcp.json`; it asks for key and secret and keeps them.",
        "json",
        _vscode,
    ),
    "codex": Host("Codex", "`~/.codex/config.toml`", "toml", _codex),
    "gemini": Host("Gemini CLI", "`~/.gemini/settings.json`", "json", _gemini),
    "inspector": Host("MCP Inspector", "run this command in a shell, with Node 22.19 or newer.", "sh", _inspector),
}
