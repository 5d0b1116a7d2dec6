"""What the world is told of the package: valid by the official schemas, true to the code, and safe to leave blank."""

import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bundle
from published import OPTIONS, OWNER, REGISTRY_NAME, manifest, server_json
from scenario_mcp import __version__
from scenario_mcp.variables import KEY_PAIRS, VARIABLES
from support.agents import CORE
from support.nightly import by_day
from support.stdio import VERSIONS, StdioHost, environment, running_command

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests/data"
KEY, SECRET = KEY_PAIRS[0]


def schema(name: str) -> Any:
    return json.loads((DATA / name).read_text("utf-8"))


def committed() -> dict[str, Any]:
    said: dict[str, Any] = json.loads((ROOT / "server.json").read_text("utf-8"))
    return said


def test_server_json_is_valid_by_the_registrys_schema() -> None:
    validator = Draft7Validator(schema("server.schema.json"))

    validator.validate(committed())
    assert committed() == server_json()
    for wrong in ({"name": "no-slash"}, {"description": "x" * 101}, {"packages": [{"identifier": "x"}]}):
        assert not validator.is_valid(committed() | wrong)


def test_the_manifest_is_valid_by_the_bundles_schema() -> None:
    validator = Draft202012Validator(schema("mcpb-manifest-v0.4.schema.json"))

    validator.validate(manifest())
    assert not validator.is_valid(manifest() | {"manifest_version": "0.3"})
    assert not validator.is_valid(manifest() | {"surprise": 1})


def test_every_variable_is_an_option_and_the_keys_are_secret() -> None:
    registered = committed()["packages"][0]["environmentVariables"]

    assert [each["name"] for each in registered] == [option.variable for option in OPTIONS]
    assert {option.variable for option in OPTIONS} == {*VARIABLES, KEY, SECRET}
    assert {each["name"] for each in registered if each["isSecret"]} == {KEY, SECRET}
    assert {each["name"] for each in registered if each["isRequired"]} == {KEY, SECRET}


def test_the_bundle_asks_for_keys_folder_and_caps_and_hides_the_keys() -> None:
    form = manifest()["user_config"]
    env = manifest()["server"]["mcp_config"]["env"]

    assert {"api_key", "api_secret", "output_dir", "max_cu_per_call", "max_cu_per_day"} <= set(form)
    assert {key for key, each in form.items() if each.get("sensitive")} == {"api_key", "api_secret"}
    assert {key for key, each in form.items() if each["required"]} == {"api_key", "api_secret"}
    assert set(env.values()) == {f"${{user_config.{key}}}" for key in form}
    assert all(f"SCENARIO_{key.upper()}" in env for key in form)
    assert not any("default" in each for each in form.values())  # a default would be set for who leaves it blank


def test_the_bundle_needs_what_was_tested_and_nothing_else_each_file_by_its_hash(tmp_path: Path) -> None:
    bundle.stage(tmp_path)
    pins = re.split(r"(?m)^(?=\S)", (tmp_path / "requirements.txt").read_text("utf-8"))[1:]
    tested = (ROOT / "requirements-dev.txt").read_text("utf-8")
    names = {pin.partition("==")[0] for pin in pins}

    for pin in pins:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", pin)
        assert pin in tested
    assert _closure("scenario-mcp") <= names
    assert not {"pytest", "mypy", "ruff", "hatchling", "coverage"} & names


def _closure(distribution: str) -> set[str]:
    """List what a distribution that is installed here asks for here, and what that asks for."""
    found: set[str] = set()
    asked = [distribution]
    while asked:
        for line in metadata.requires(asked.pop()) or ():
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                found.add(name)
                asked.append(name)
    return found


def test_the_bundle_names_no_address_to_install_from_and_nothing_to_resolve(tmp_path: Path) -> None:
    bundle.stage(tmp_path)
    told = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))

    assert told["project"]["dependencies"] == []
    assert told["tool"]["uv"] == {"package": False}
    assert "build-system" not in told
    assert not {"uv.lock", "pylock.toml", "uv.toml"} & {path.name for path in tmp_path.rglob("*")}
    for name in ("requirements.txt", "pyproject.toml", manifest()["server"]["entry_point"]):
        text = (tmp_path / name).read_text("utf-8")
        assert not re.search(r"://|index|find-links|extra|trusted", text), name


def test_the_placeholder_of_the_owner_stands_in_one_place() -> None:
    holding = {path.relative_to(ROOT).as_posix() for path in _ours() if OWNER in path.read_text("utf-8")}

    assert holding == {"scripts/published.py", "README.md"}  # the second is written from the first
    assert re.findall(r"mcp-name: (\S+)", (ROOT / "README.md").read_text("utf-8")) == [REGISTRY_NAME]
    assert committed()["name"] == REGISTRY_NAME


def _ours() -> Iterator[Path]:
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in ("node_modules", "dist") and not name.startswith(".venv")]
        yield from (Path(folder, name) for name in names if name.endswith((".py", ".toml", ".md", ".yml")))


def test_versions_are_those_of_the_package() -> None:
    assert committed()["version"] == committed()["packages"][0]["version"] == manifest()["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# A uv that writes down what it is told, chatters, and makes a Python out of the one that runs the tests.
UV = """#!{python}
import pathlib, sys
print("chatter of uv")
with open({log!r}, "a") as log:
    print(*sys.argv[1:], file=log)
made = pathlib.Path(sys.argv[-1], "bin/python")
if sys.argv[1] == "venv":
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text('#!/bin/sh\\nexec {python} "$@"\\n')
    made.chmod(0o755)
elif pathlib.Path({log!r}).with_name("broken").exists():
    sys.exit("a hash does not match")
"""


class Bundle:
    """A staged bundle, and the uv that its host brings."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, uv = folder / "bundle", folder / "log", folder / "uv"
        bundle.stage(self.folder)
        self.told: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        uv.write_text(UV.format(python=sys.executable, log=str(self.log)))
        uv.chmod(0o755)
        (folder / "elsewhere/scenario_mcp").mkdir(parents=True)  # what PYTHONPATH holds must not be run
        (folder / "elsewhere/scenario_mcp/__init__.py").write_text("raise SystemExit('the wrong server')")
        self.environ = environment(UV=str(uv), PYTHONPATH=str(folder / "elsewhere"))

    def running(self, era: str = "legacy", **environ: str) -> AbstractAsyncContextManager[StdioHost]:
        command = [sys.executable, str(self.folder / self.told["server"]["entry_point"])]
        return running_command(command, era, environ=self.environ | environ, cwd=self.folder.parent)


@pytest.fixture
def package(tmp_path: Path) -> Bundle:
    return Bundle(tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("wire_era", "blank"),
    by_day([("legacy", ""), ("modern", "${user_config.x}")], product(VERSIONS, ("", "${user_config.x}"))),
)
async def test_the_bundles_own_files_serve_and_what_is_left_blank_is_not_set(
    package: Bundle, blank: str, wire_era: str
) -> None:
    async with package.running(wire_era, **dict.fromkeys(package.told["server"]["mcp_config"]["env"], blank)) as host:
        await host.hello()
        listed = await host.request("tools/list")
        called = await host.request("tools/call", {"name": "find-models", "arguments": {}})

    assert package.told == manifest()
    assert (package.folder / package.told["icon"]).read_bytes().startswith(b"\x89PNG")
    assert [tool["name"] for tool in listed["result"]["tools"]] == CORE
    assert "SCENARIO_API_KEY and SCENARIO_API_SECRET" in called["result"]["content"][0]["text"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_bundle_installs_once_by_hash_and_builds_nothing(package: Bundle) -> None:
    for _ in range(2):
        async with package.running() as host:
            assert "result" in await host.hello()

    venv, install = package.log.read_text("utf-8").splitlines()
    assert venv.startswith("venv ")
    assert install.startswith("pip install ")
    for words in ("--require-hashes", "--only-binary :all:", f"-r {package.folder / 'requirements.txt'}"):
        assert words in install


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_bundle_whose_files_do_not_fit_their_hashes_does_not_start(package: Bundle) -> None:
    package.log.with_name("broken").touch()
    for _ in range(2):  # nor the second time, when its folder is there already
        async with package.running() as host:
            said, status = await host.stderr(), await host.ended()

        assert (status, host.lines) == (1, [])
        assert "a hash does not match" in said
        assert "scenario-mcp: what the server needs could not be installed" in said
