"""Check the server with clients and frameworks of others, each in an environment made from a file with hashes.

`make check-clients` installs what this needs. Each client gets the paid result of the main job on the sandbox, over
stdio, before a model on loopback; what reaches that model is held against docs/hosts.md.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fake_model import serving
from main_job import PICTURES, SERVER, Home, as_json, reported, told

CLIENTS = Path(__file__).parent / "clients"
ENVIRONMENTS = Path(sys.prefix).with_name(".venv-clients")
UV = str(Path(sys.executable).with_name("uv"))
PATIENCE = 180  # seconds of one client


@dataclass(frozen=True)
class Trial:
    """One client: how many pictures its model sees, and the version that it negotiates, where it tells."""

    pictures: int = PICTURES
    version: str = ""


TRIALS = {
    "mcp-1.9": Trial(version="2025-03-26"),
    "mcp-1.15": Trial(version="2025-06-18"),
    "mcp-1.30": Trial(version="2025-11-25"),
    "fastmcp": Trial(),
    "google-genai": Trial(version="2025-11-25"),
    "langchain": Trial(),
    "openai-agents": Trial(),
    "semantic-kernel": Trial(pictures=0),  # it gives its model texts alone
    "google-adk": Trial(pictures=0),  # likewise
    "pydantic-ai": Trial(),
}


def tried(name: str, trial: Trial, folder: Path) -> str | None:
    """Run one client; say what is wrong, or nothing."""
    python = _environment(name)
    home = Home(folder / "home", "")
    with serving(home.model()) as model:
        words = [python, str(CLIENTS / "client.py"), name, model.base_url, str(home.picture), SERVER, "--sandbox"]
        done = subprocess.run(
            words, env=home.env, cwd=home.folder, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    details = (f"status {done.returncode}", done.stdout, done.stderr, as_json(model.seen.texts))
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return told(["it broke"], *details)
    texts, pictures = said.get("texts", model.seen.texts), said.get("pictures", model.seen.pictures)
    complaints = [*home.complaints(texts, pictures, trial.pictures)]
    if said.get("others"):
        complaints.append(f"it got {said['others']} besides")
    if trial.version and said["version"] != trial.version:
        complaints.append(f"it negotiated {said['version']}")
    if done.returncode:
        complaints.append("it ended with an error")
    return told(complaints, *details)


def _environment(name: str) -> str:
    """Make the environment of a client, if its file has changed, and give its Python."""
    folder, needed = ENVIRONMENTS / name, CLIENTS / f"{name}.txt"
    python, made_from = folder / "bin/python", folder / "made-from.txt"
    if not made_from.exists() or made_from.read_text("utf-8") != needed.read_text("utf-8"):
        subprocess.run([UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        install = [UV, "pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r", str(needed)]
        subprocess.run(install, check=True)
        made_from.write_text(needed.read_text("utf-8"), "utf-8")
    return str(python)


def main() -> int:
    """Run the clients that are named, or all; 1 if anything is wrong."""
    status = 0
    for name in sys.argv[1:] or TRIALS:
        with tempfile.TemporaryDirectory() as made:
            status |= reported({name: tried(name, TRIALS[name], Path(made))})
    return status


if __name__ == "__main__":
    sys.exit(main())
