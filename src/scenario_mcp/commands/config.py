"""Print what makes a host start this server, with the paths of this machine filled in."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from scenario_mcp import keys, variables
from scenario_mcp.settings import Settings

NAME = "scenario"  # what hosts call the server: letters only, since hosts differ in what else they allow
KEY, SECRET = keys.PAIRS[0]
KEYS = {KEY: "your-key", SECRET: "your-secret"}
ASKED = {KEY: "Scenario API key", SECRET: "Scenario API secret"}
SLOWEST_START = 60  # seconds: uvx installs before its first start
LONGEST_CALL = 120  # seconds a host should wait, at least; ours answer after 45
UVX, PIPX = ("uvx", "--from"), ("pipx", "run", "--spec")


@dataclass(frozen=True)
class Launch:
    """How to start the server: a command with its arguments, its variables, and the longest wait it may make."""

    command: str
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0

    @property
    def words(self) -> list[str]:
        """Give the command line, word by word."""
        return [self.command, *self.args]

    @property
    def patience(self) -> int:
        """Give the seconds a host should wait for a call: longer than any call of this server takes."""
        return max(LONGEST_CALL, int(self.wait_seconds) + 30)


@dataclass(frozen=True)
class Host:
    """One host: how it is called, where its configuration is, and what is written there."""

    title: str
    where: str
    language: str
    snippet: Callable[[Launch], str]


def run(settings: Settings, host: str | None, options: Sequence[str], env_file: Path | None, *, sandbox: bool) -> int:
    """Print the snippet for a host on stdout, and on stderr where it belongs; 2 for a host that is not known.

    `options` are words for the server's command line.
    """
    if host not in HOSTS:
        print(f"{f'There is no snippet for {host}. ' if host else ''}Hosts: {', '.join(HOSTS)}.", file=sys.stderr)
        return 2
    made = replace(launch(this_command(), options, env_file, sandbox=sandbox), wait_seconds=settings.wait_seconds)
    print(f"{HOSTS[host].title}: {HOSTS[host].where}", file=sys.stderr)
    if HOSTS[host].language != "sh":
        print("If the file is there already, add what stands below beside what it holds.", file=sys.stderr)
    print(HOSTS[host].snippet(made))
    return 0


def launch(command: Sequence[str], options: Sequence[str], env_file: Path | None, *, sandbox: bool) -> Launch:
    """Decide what a host starts: what is set here is set there too, since hosts start servers elsewhere.

    Key and secret are named but never filled in, unless the sandbox or a file that holds both makes them needless.
    """
    in_file = env_file is not None and keys.holds_pair(env_file)
    asked = {} if sandbox or in_file else KEYS
    file = [] if env_file is None else ["--env-file", str(env_file.absolute())]
    return Launch(command[0], [*command[1:], *options, *file], asked | variables.written())


def this_command(python: str | None = None, origin: Mapping[str, Any] | None = None) -> list[str]:
    """Find what starts this very server again, with full paths: hosts that have a window know no PATH of a shell.

    uvx and `pipx run` keep their environments in caches that get emptied; from there it is they that are named. With -P
    Python imports nothing from the folder that a host starts it in, which may be a stranger's repository.
    """
    executable = Path(python or sys.executable)  # not resolved: that would leave the venv
    if runner := _runner(executable):
        source = source_of(_origin() if origin is None else origin)
        return [shutil.which(runner[0]) or runner[0], *runner[1:], source, "scenario-mcp"]
    script = executable.with_name(f"scenario-mcp{executable.suffix}")  # .exe on Windows
    return [str(script)] if script.exists() else [str(executable), "-P", "-m", "scenario_mcp"]


def _runner(python: Path) -> Sequence[str] | None:
    """Tell by the folders of uv's and pipx's caches, on any platform, who made an environment that will not stay."""
    folders = {part.casefold() for part in python.parts}
    if "archive-v0" in folders:
        return UVX
    return PIPX if "pipx" in folders and folders & {".cache", "cache", "caches"} else None


def source_of(origin: Mapping[str, Any]) -> str:
    """Tell what a package was installed from, as an installer takes it, from the content of its direct_url.json.

    Its bare name is said only of what came from an index: elsewhere it might name a package of somebody else.
    """
    url = origin.get("url")
    if url is None:
        return "scenario-mcp"
    if vcs := origin.get("vcs_info"):
        below = f"#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else ""
        return f"{vcs['vcs']}+{url}@{vcs['commit_id']}{below}"
    parts = urlsplit(url)
    return url2pathname(parts.path) if parts.scheme == "file" else str(url)


def _origin() -> Mapping[str, Any]:
    read: dict[str, Any] = json.loads(distribution("scenario-mcp").read_text("direct_url.json") or "{}")
    return read


def _started(launch: Launch) -> dict[str, Any]:
    said = {"command": launch.command, "args": list(launch.args)}
    return said | ({"env": dict(launch.env)} if launch.env else {})


def _json(said: Mapping[str, Any]) -> str:
    """Write JSON with lists of words in one line, where a person reads and changes them."""
    return _WORDS.sub(lambda found: f"[{_BREAK.sub(' ', found[1])}]", json.dumps(said, indent=2, ensure_ascii=False))


_WORDS = re.compile(r'\[\n\s*("[^\n]*"(?:,\n\s*"[^\n]*")*)\n\s*\]')
_BREAK = re.compile(r"\n\s*")


def _mcp_servers(launch: Launch) -> str:
    return _json({"mcpServers": {NAME: _started(launch)}})


def _typed_mcp_servers(launch: Launch) -> str:
    return _json({"mcpServers": {NAME: {"type": "stdio", **_started(launch)}}})


def _gemini(launch: Launch) -> str:
    return _json({"mcpServers": {NAME: {**_started(launch), "timeout": launch.patience * 1000}}})


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
    return "\n".join(
        (
            f"[mcp_servers.{NAME}]",
            f"command = {_toml(launch.command)}",
            f"args = {_toml(list(launch.args))}",
            f"startup_timeout_sec = {SLOWEST_START}",
            f"tool_timeout_sec = {launch.patience}",
            *(("", f"[mcp_servers.{NAME}.env]") if launch.env else ()),
            *(f"{name} = {_toml(value)}" for name, value in launch.env.items()),
        )
    )


def _toml(value: str | list[str]) -> str:
    """Write a text, or a list of them, as TOML: like JSON, but for one character that must be escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _opencode(launch: Launch) -> str:
    server = {"type": "local", "command": launch.words, "timeout": launch.patience * 1000}
    env = {"environment": dict(launch.env)} if launch.env else {}
    return _json({"mcp": {NAME: server | env}})


def _cline(launch: Launch) -> str:
    return _json({"mcpServers": {NAME: {**_started(launch), "timeout": launch.patience}}})


def _claude_code(launch: Launch) -> str:
    return _shell(["claude", "mcp", "add", *_flags("--env", launch), "--scope", "user", NAME, "--", *launch.words])


def _copilot(launch: Launch) -> str:
    return _shell(["copilot", "mcp", "add", *_flags("--env", launch), NAME, "--", *launch.words])


def _inspector(launch: Launch) -> str:
    return _shell(["npx", "@modelcontextprotocol/inspector", *_flags("-e", launch), "--", *launch.words])


def _flags(flag: str, launch: Launch) -> Iterator[str]:
    for name, value in launch.env.items():
        yield from (flag, f"{name}={value}")


def _shell(words: Sequence[str]) -> str:
    return powershell(words) if sys.platform == "win32" else shlex.join(words)


def powershell(words: Sequence[str]) -> str:
    """Write a command line for PowerShell, which would take two bare dashes for itself."""
    return " ".join(word if _BARE.fullmatch(word) else "'" + word.replace("'", "''") + "'" for word in words)


_BARE = re.compile(r"-?-?[\w.:/\\=+]+(-[\w.:/\\=+]+)*")


HOSTS: dict[str, Host] = {
    "claude-desktop": Host(
        "Claude Desktop",
        "Settings, Developer, Edit Config; then quit Claude Desktop and start it again. The file is\n"
        "`~/Library/Application Support/Claude/claude_desktop_config.json` on macOS and\n"
        "`%APPDATA%\\Claude\\claude_desktop_config.json` on Windows.",
        "json",
        _mcp_servers,
    ),
    "claude-code": Host("Claude Code", "run this command in a shell (PowerShell on Windows).", "sh", _claude_code),
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
    "codex": Host(
        "Codex",
        "`~/.codex/config.toml`. Codex asks before no call of this server, nor before those that cost: let\n"
        "`SCENARIO_MAX_CU_PER_CALL` and `SCENARIO_MAX_CU_PER_DAY` hold what may be spent.",
        "toml",
        _codex,
    ),
    "gemini": Host(
        "Gemini CLI",
        "`~/.gemini/settings.json`. In a folder that you have not trusted Gemini CLI turns all servers off.",
        "json",
        _gemini,
    ),
    "qwen": Host("Qwen Code", "`~/.qwen/settings.json`", "json", _gemini),
    "copilot": Host("GitHub Copilot CLI", "run this command in a shell (PowerShell on Windows).", "sh", _copilot),
    "opencode": Host("opencode", "`~/.config/opencode/opencode.json`", "json", _opencode),
    "cline": Host(
        "Cline",
        "MCP Servers, Configure, or `~/.cline/data/settings/cline_mcp_settings.json` of the command line. Cline gives\n"
        "its model pictures as text: set `SCENARIO_PREVIEWS=off`.",
        "json",
        _cline,
    ),
    "inspector": Host(
        "MCP Inspector",
        "run this command in a shell (PowerShell on Windows), with Node 22.19 or newer.",
        "sh",
        _inspector,
    ),
}
