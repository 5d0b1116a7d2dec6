"""What the world is told of the package: valid by the official schemas, true to the code, and safe to leave blank."""

import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

import bundle
from published import OPTIONS, OWNER, REGISTRY_NAME, manifest, server_json
from scenario_mcp import __version__
from scenario_mcp.variables import KEY_PAIRS, VARIABLES
from support.agents import CORE
from support.nightly import by_day
from support.stdio import VERSIONS, environment, running_command

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


def test_the_bundle_runs_with_the_versions_that_were_tested(tmp_path: Path) -> None:
    bundle.stage(tmp_path)
    told = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))
    pinned, of_build = (told["tool"]["uv"][kind] for kind in bundle.CONSTRAINTS)

    assert "dependency-groups" not in told
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", pin) for pin in pinned)
    names = {re.split(r"[<>=]", each)[0] for each in told["project"]["dependencies"]}
    assert pinned == of_build
    assert any(pin.startswith("hatchling==") for pin in of_build)
    assert names <= {pin.split("==")[0] for pin in pinned}


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


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("wire_era", "blank"),
    by_day([("legacy", ""), ("modern", "${user_config.x}")], product(VERSIONS, ("", "${user_config.x}"))),
)
async def test_the_bundles_own_files_serve_and_what_is_left_blank_is_not_set(
    tmp_path: Path, blank: str, wire_era: str
) -> None:
    bundle.stage(tmp_path / "bundle")
    told = json.loads((tmp_path / "bundle/manifest.json").read_text("utf-8"))
    environ = environment(PYTHONPATH=str(tmp_path / "bundle/src")) | dict.fromkeys(
        told["server"]["mcp_config"]["env"], blank
    )
    entry = tmp_path / "bundle" / told["server"]["entry_point"]

    command = [sys.executable, "-P", str(entry)]
    async with running_command(command, wire_era, environ=environ, cwd=tmp_path) as host:
        await host.hello()
        listed = await host.request("tools/list")
        called = await host.request("tools/call", {"name": "find-models", "arguments": {}})

    assert told == manifest()
    assert (tmp_path / "bundle" / told["icon"]).read_bytes().startswith(b"\x89PNG")
    assert [tool["name"] for tool in listed["result"]["tools"]] == CORE
    assert "SCENARIO_API_KEY and SCENARIO_API_SECRET" in called["result"]["content"][0]["text"]
