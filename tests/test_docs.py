"""Documents that cannot lie: what they name exists."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scenario_mcp.commands.cli import main
from scenario_mcp.server.prompts import PROMPTS
from scenario_mcp.tools.catalog import TOOLS
from scenario_mcp.variables import KEY_PAIRS, VARIABLES

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / ".env.example"]
KNOWN = {*VARIABLES, *(name for pair in KEY_PAIRS for name in pair)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_that_is_named_exists(page: Path) -> None:
    assert set(re.findall(r"\bSCENARIO_[A-Z_]+\b", page.read_text("utf-8"))) <= KNOWN


def test_the_example_names_every_variable() -> None:
    assert set(re.findall(r"\bSCENARIO_[A-Z_]+\b", (ROOT / ".env.example").read_text("utf-8"))) == KNOWN


def test_the_example_sets_nothing() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()

    assert all(line.endswith("=") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_json_block_of_the_readme_is_json() -> None:
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)

    assert blocks
    for block in blocks:
        json.loads(block)


def test_generated_files_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/snap.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stdout) == (0, ""), "stale: run `make snap` and look at the diff"


def test_every_tool_and_prompt_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert all(f"`{name}`" in readme for name in (*TOOLS, *PROMPTS))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    text = page.read_text("utf-8")
    written = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text))

    for options, command in re.findall(
        r"(?<![/.\w-])scenario-mcp((?: --(?:env-file|toolsets) \S+| --[a-z-]+)*) ([a-z]+)\b", written
    ):
        assert re.search(rf"^\s+{command}\b", known, re.MULTILINE), command
        assert all(option in known for option in options.split() if option.startswith("--"))
    for option in re.findall(r"(?<![\w-])scenario-mcp (--[a-z-]+)", written):
        assert option in known
    for targets in re.findall(r"^make ((?:[a-z-]+ ?)+)", written, re.MULTILINE):
        for target in targets.split():
            assert re.search(rf"^[a-z -]*\b{target}\b.*:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE), target
