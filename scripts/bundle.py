"""Make the bundle for Claude Desktop: stage its files, then let the official tool check and pack them.

Writes dist/bundle and dist/scenario-mcp.mcpb. The tool's version stands in scripts/node/package.json; it needs Node.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import icon
from published import NAME, manifest

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "scripts/node"
TAKEN = ("README.md", "LICENSE")
CONSTRAINTS = ("constraint-dependencies", "build-constraint-dependencies")


def stage(folder: Path) -> None:
    """Put everything that belongs into the bundle into a folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in TAKEN:
        shutil.copy(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(_pinned(), "utf-8")
    icon.write(folder / "icon.png")
    (folder / "manifest.json").write_text(json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def _pinned() -> str:
    """Give pyproject.toml without what developers need, and with the versions that the tests ran with."""
    text = re.sub(
        r"\[dependency-groups\]\n.*?(?=\n\[)", "", (ROOT / "pyproject.toml").read_text("utf-8"), flags=re.DOTALL
    )
    pins = re.findall(r"^(\S+==[^\s;]+)( ; [^\\]+)?", (ROOT / "requirements-dev.txt").read_text("utf-8"), re.MULTILINE)
    listed = "".join(f"  {json.dumps(name + marker.rstrip())},\n" for name, marker in pins)
    constraints = "".join(f"{kind} = [\n{listed}]\n" for kind in CONSTRAINTS)
    return text.replace("[tool.uv]\n", f"[tool.uv]\n{constraints}")


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
