"""Make the bundle for Claude Desktop: stage its files, then let the official tool check and pack them.

Writes dist/bundle and dist/scenario-mcp.mcpb. The tool's version stands in scripts/node/package.json; it needs Node.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import icon
from published import NAME, START, manifest
from scenario_mcp import __version__

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "scripts/node"
TAKEN = ("README.md", "LICENSE")
PROJECT = f"""\
# What the server needs stands in requirements.txt, with hashes; {START} installs it.
[project]
name = "{NAME}"
version = "{__version__}"
requires-python = ">=3.11"
dependencies = []

[tool.uv]
package = false
"""


def stage(folder: Path) -> None:
    """Put everything that belongs into the bundle into a folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in TAKEN:
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "scripts/bundle_start.py", folder / START)
    (folder / "pyproject.toml").write_text(PROJECT, "utf-8")
    (folder / "requirements.txt").write_text(requirements(), "utf-8")
    icon.write(folder / "icon.png")
    (folder / "manifest.json").write_text(json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def requirements() -> str:
    """Give what the server itself needs of requirements-dev.txt, which says for each pin what asked for it."""
    pins = list(_pins((ROOT / "requirements-dev.txt").read_text("utf-8")))
    needed, size = {f"{NAME} (pyproject.toml)"}, 0
    while size != len(needed):
        size = len(needed)
        needed |= {name for name, askers, _ in pins if needed & askers}
    return "".join(pin for name, _, pin in pins if name in needed)


def _pins(text: str) -> Iterator[tuple[str, set[str], str]]:
    """Read a name, what asked for it, and the pin with its hashes."""
    for pin, name, askers in re.findall(r"(?m)^((\S+?)==.*\n(?:    --hash=.*\n)+)    # via (.+)$", text):
        yield name, set(askers.split(", ")), pin


def pack(folder: Path, file: Path) -> None:
    """Check and pack a staged bundle with the official tool. Raises `SystemExit` if it, or Node, is not there."""
    mcpb = TOOLS / "node_modules/.bin/mcpb"
    if not mcpb.exists():
        raise SystemExit("The official tool is not installed: `make bundle` does that, with Node and npm.")
    subprocess.run([mcpb, "validate", folder / "manifest.json"], check=True)
    subprocess.run([mcpb, "pack", folder, file], check=True)


def main() -> None:
    """Stage the bundle, and pack it."""
    target = ROOT / "dist"
    stage(target / "bundle")
    pack(target / "bundle", target / f"{NAME}.mcpb")


if __name__ == "__main__":
    main()
