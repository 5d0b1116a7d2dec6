"""Check the server with the official tools that need Node: the Inspector's command line, and the bundle from its file.

`make check-node` installs what this needs; it starts servers with --sandbox only.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import bundle
import icon
from main_job import PICTURES, SERVER, Home, told

ROOT = Path(__file__).parent.parent
BIN = ROOT / "scripts/node/node_modules/.bin"
TOOL = "post-img2img-ip-adapter-inferences"
ERAS = ("legacy", "modern")
HELLO = b"".join(
    json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
    for message in (
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "c", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
        {"id": 3, "method": "tools/call", "params": {"name": "find-models", "arguments": {}}},
    )
)
LOAD = ("--load", "--load-requests", "2000", "--load-concurrency", "10")


@dataclass(frozen=True)
class Run:
    """One run of the Inspector: its words, and what must hold of the JSON that it prints."""

    name: str
    words: tuple[str, ...]
    holds: Callable[[dict[str, Any]], bool]
    server: str = "core"


def _call(tool: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)


def _runs(picture: Path) -> Iterator[Run]:
    generation = {
        "modelId": "model_sandbox-ink",
        "prompt": "a phoenix",
        "image": str(picture),
        "ipAdapterImages": [str(picture)],
        "numSamples": 1,
    }
    bad = generation | {"width": 65}
    yield Run("portable schemas of core", ("tools/list", "--strict"), lambda said: len(said["tools"]) == 10)
    yield Run("portable schemas of all", ("tools/list", "--strict"), lambda said: len(said["tools"]) == 42, "all")
    yield Run(
        "a paid call", _call(TOOL, generation), lambda said: said["_meta"]["scenario-mcp/result"]["status"] == "success"
    )
    yield Run("a price", _call(TOOL, generation | {"dryRun": True}), lambda said: "would cost" in _text(said))
    yield Run("a refusal", _call(TOOL, bad), lambda said: said["isError"] and "multiple of 8" in _text(said))
    yield Run(
        "a search", _call("find-models", {"query": "ink"}), lambda said: bool(said["structuredContent"]["models"])
    )
    yield Run("prompts", ("prompts/list",), lambda said: len(said["prompts"]) == 3)
    yield Run(
        "a prompt",
        ("prompts/get", "--prompt-name", "find-a-model", "--prompt-args", "purpose=ink"),
        lambda said: "find-models" in said["messages"][0]["content"]["text"],
    )
    yield Run("templates", ("resources/templates/list",), lambda said: len(said["resourceTemplates"]) == 2)
    yield Run(
        "2,000 calls, 10 in flight",
        (*_call("list-jobs", {}), *LOAD),
        lambda said: (said["ok"], said["errors"], said["toolErrors"]) == (2000, 0, 0),
    )


def _text(said: Mapping[str, Any]) -> str:
    return "\n".join(block.get("text", "") for block in said["content"])


def _surroundings() -> dict[str, str]:
    """Give an environment without settings of ours, in which the Inspector finds the Node that it came with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCENARIO_")}
    return kept | {"PATH": os.pathsep.join((str(BIN), kept["PATH"])), "MCP_INSPECTOR_SECRET_STORE": "memory"}


def _inspected(run: Run, era: str, servers: Path) -> str | None:
    """Make one run; say what is wrong, or nothing."""
    words = ["--cli", "--config", str(servers), "--server", run.server, "--protocol-era", era, "--method", *run.words]
    done = subprocess.run(
        [BIN / "mcp-inspector", *words],
        env=_surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    status = 5 if run.name == "a refusal" else 0  # what the Inspector ends with for an error of a tool
    try:
        if done.returncode == status and run.holds(json.loads(done.stdout)):
            return None
    except (ValueError, KeyError, TypeError):  # what it printed is not what it should be
        pass
    return f"status {done.returncode}\n{done.stdout[:2000]}\n{done.stderr[:2000]}"


def _unpacked(folder: Path) -> tuple[Path, list[str], dict[str, str]]:
    """Pack the bundle, unpack its file elsewhere, and give its place, its command and its environment, unfilled."""
    bundle.stage(folder / "bundle")
    bundle.pack(folder / "bundle", folder / "scenario-mcp.mcpb")
    unpacked = folder / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    subprocess.run([BIN / "mcpb", "unpack", folder / "scenario-mcp.mcpb", unpacked], check=True)
    started = json.loads((unpacked / "manifest.json").read_text("utf-8"))["server"]["mcp_config"]
    command = [word.replace("${__dirname}", str(unpacked)) for word in (started["command"], *started["args"])]
    command[0] = str(Path(sys.executable).with_name(command[0]))  # the uv of this venv stands in for the host's
    return unpacked, command, started["env"]


def _old_client(folder: Path) -> str | None:
    """Do the main job with the TypeScript SDK of 2025-03-26, which knows no links; say what is wrong."""
    home = Home(folder / "home", str(BIN))
    words = ["node", str(ROOT / "scripts/node/client.mjs"), str(home.picture), SERVER, "--sandbox"]
    done = subprocess.run(words, env=home.env, capture_output=True, text=True, check=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return told(["it broke"], done.stdout, done.stderr)
    return told([*home.complaints(said["texts"], said["pictures"], PICTURES), *["others"] * said["others"]], said)


def _tampered(folder: Path) -> str | None:
    """Start the bundle after one hash of each file was changed, as if the files had been; it must not start."""
    unpacked, command, _ = _unpacked(folder)
    needed = unpacked / "requirements.txt"
    needed.write_text(re.sub(r"sha256:\w{8}", f"sha256:{'0' * 8}", needed.read_text("utf-8")), "utf-8")
    ended = subprocess.run(command, env=_surroundings(), input=HELLO, capture_output=True, check=False)
    refused = (ended.returncode, ended.stdout) == (1, b"") and b"Hash mismatch" in ended.stderr
    return None if refused else f"status {ended.returncode}\n{ended.stdout[:500]!r}\n{ended.stderr[-2000:].decode()}"


def _bundled(folder: Path) -> str | None:
    """Start the server of the bundle as the manifest says; say what is wrong."""
    _, command, env = _unpacked(folder)
    blank = {name: value if at % 2 else "" for at, (name, value) in enumerate(env.items())}  # both kinds
    with subprocess.Popen(
        command, env=_surroundings() | blank, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(HELLO)
        server.stdin.flush()
        lines = [server.stdout.readline() for _ in range(3)]  # stdin stays open until the last answer is there
        server.stdin.close()
    answers = {answer["id"]: answer.get("result", {}) for answer in map(json.loads, lines)}
    try:
        said = answers[3]["content"][0]["text"]
        works = (server.returncode, len(answers[2]["tools"])) == (
            0,
            10,
        ) and "SCENARIO_API_KEY" in said  # blank: not set
    except KeyError:
        works = False
    return None if works else f"status {server.returncode}\n{lines}"


def main() -> int:
    """Make every run in both eras, then the bundle; 1 if anything is wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        command = str(Path(sys.executable).with_name("scenario-mcp"))
        env = {"SCENARIO_INPUT_DIRS": made, "SCENARIO_OUTPUT_DIR": str(folder / "results")}
        entry = {"command": command, "env": env}
        servers = folder / "servers.json"
        core, every = {**entry, "args": ["--sandbox"]}, {**entry, "args": ["--sandbox", "--toolsets", "all"]}
        servers.write_text(json.dumps({"mcpServers": {"core": core, "all": every}}))
        icon.write(folder / "icon.png")
        checks = [
            (f"Inspector, {era}: {run.name}", partial(_inspected, run, era, servers))
            for run in _runs(folder / "icon.png")
            for era in ERAS
        ]
        checks.append(("TypeScript SDK 1.11: the main job", partial(_old_client, folder)))
        checks.append(("bundle, all options left blank", partial(_bundled, folder)))
        checks.append(("bundle, files that do not fit their hashes", partial(_tampered, folder)))
        for name, check in checks:
            found = check()
            wrong += found is not None
            print(f"{'ok ' if found is None else 'BAD'}  {name}{f': {found}' if found else ''}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
