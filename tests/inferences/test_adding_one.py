"""The worked example of CONTRIBUTING: a 34th inference is one class and one line of the table."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.pictures import data_url
from support.stdio import environment

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent.parent
TOOL = "post-colorize-inferences"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package to which the steps of the page have been done."""
    for name in ("src", "scripts", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(ROOT / "README.md", tmp_path)
    written, line = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    inferences = tmp_path / "src/scenario_mcp/inferences"
    with (inferences / "conversions.py").open("a", encoding="utf-8") as module:
        module.write("\n\n" + textwrap.dedent(written))
    table = (inferences / "table.py").read_text("utf-8")
    assert table.count('    "edit": {\n') == 1
    table = table.replace('    "edit": {\n', f'    "edit": {{\n{textwrap.indent(textwrap.dedent(line), " " * 8)}')
    (inferences / "table.py").write_text(table, "utf-8")
    assert run(tmp_path, "scripts/snap.py").returncode == 0
    return tmp_path


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    said = environment(PYTHONPATH=str(copy / "src"), SCENARIO_TOOLSETS="all")
    # The copy is not what coverage measures.
    environ = {name: value for name, value in said.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def call(copy: Path, **arguments: object) -> subprocess.CompletedProcess[str]:
    said = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in arguments.items()]
    return run(copy, "-m", "scenario_mcp", "--sandbox", "call", TOOL, *said)


def test_one_class_and_one_line_make_a_tool(copy: Path) -> None:
    listed = run(copy, "-m", "scenario_mcp", "tools")
    refused = call(copy, saturation=101)
    sent = call(copy, image=data_url(), keepSkin=True)

    assert f"{TOOL}: Colour a black and white picture." in listed.stdout
    assert "A host sees 43 tools" in listed.stdout
    assert TOOL in (copy / "docs/tools.md").read_text("utf-8")
    assert "- image: is required" in refused.stdout + refused.stderr
    assert "must be a number from 0 to 100, not 101" in refused.stdout + refused.stderr
    # The sandbox has no such route, and says so as the gateway does: the call went all the way.
    assert "Missing Authentication Token" in sent.stdout + sent.stderr
    assert "find-models with query 'colorize'" in sent.stdout + sent.stderr
