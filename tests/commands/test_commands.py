"""The command line as a person uses it, against a sandbox on loopback."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PIL import Image

from scenario_mcp import __version__
from scenario_mcp.commands import demo
from scenario_mcp.commands.cli import main
from scenario_mcp.sandbox.serve import serving
from scenario_mcp.sandbox.world import World
from scenario_mcp.state.folder import FILE
from scenario_mcp.tools.catalog import TOOLS
from support.agents import CORE, TOOL
from support.nightly import by_day
from support.pictures import data_url, png
from support.stdio import PATIENCE, environment

SECRET = "needs-no-secret"


@pytest.fixture
def account(quick_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An environment with keys for a sandbox that answers fast."""
    with serving(quick_world) as base_url:
        for name, value in environment(base_url).items():
            monkeypatch.setenv(name, value)
        yield quick_world


def words(**more: str) -> list[str]:
    return [
        "modelId=model_sandbox-ink",
        "prompt=a=b",
        f"image={data_url(png('tan'))}",
        f"ipAdapterImages={data_url(png('navy'))}",
        "numSamples=1",
        *(f"{name}={value}" for name, value in more.items()),
    ]


def test_call_prints_the_result_as_json_and_progress_on_stderr(
    account: World, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["call", TOOL, *words()])

    out, err = capsys.readouterr()
    assert status == 0
    assert json.loads(out)["status"] == "success"
    assert re.search(r"100\.0 %  success, job_\S+\n", err)
    assert account.ledger[0].body["prompt"] == "a=b"


def test_a_repeated_key_gives_a_list(account: World, capsys: pytest.CaptureFixture[str]) -> None:
    reference = data_url(png("red"))
    status = main(["call", TOOL, *words(dryRun="true"), f"ipAdapterImages={reference}", f"ipAdapterImages={reference}"])

    assert status == 0
    assert json.loads(capsys.readouterr().out)["status"] == "dry-run"
    assert account.ledger == []


def test_call_says_what_was_refused(account: World, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["call", TOOL, *words(width="500")])

    assert status == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "\n- width: must be" in err
    assert "Nearest: 496" in err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["call", "make-coffee"], "`scenario-mcp --toolsets all tools` lists them"),
        (["call", TOOL, "prompt"], "key=value"),
    ],
)
def test_call_explains_words_it_does_not_know(
    capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    assert main(command) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tool", "meant"),
    [
        ("find-model", "find-models"),
        ("find_models", "find-models"),
        ("Find Models", "find-models"),
        ("models", "find-models"),
        ("wait-for-job", "wait-for-jobs"),
        ("listjobs", "list-jobs"),
        ("upload", "upload-asset"),
        ("rerun", "rerun-job"),
        ("img2img-ip-adapter", TOOL),
        ("post-img2img-ip-adapter-inference", TOOL),
        ("post-img2img-ip-adapter", TOOL),
    ],
)
def test_call_names_the_tool_that_was_probably_meant(capsys: pytest.CaptureFixture[str], tool: str, meant: str) -> None:
    assert main(["call", tool]) == 2
    assert capsys.readouterr().err == f'There is no tool "{tool}". Did you mean {meant}?\n'


def test_files_near_to_one_that_is_not_there_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("my.env", "Mira portrait.png", "hero.png"):
        (tmp_path / name).touch()

    assert main(["--env-file", str(tmp_path / "my.evn"), "tools"]) == 2
    assert 'Near to it: "my.env".' in capsys.readouterr().err
    assert main(["demo", "--image", str(tmp_path / "mira.png")]) == 1
    assert 'mira.png. Near to it: "Mira portrait.png"' in capsys.readouterr().err
    assert main(["demo", "--image", str(tmp_path / "none" / "x.png")]) == 1
    assert "Near to it" not in capsys.readouterr().err


def test_no_proxy_is_asked_for_this_machine(
    account: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert main(["call", TOOL, *words(dryRun="true")]) == 0


def test_call_works_on_a_sandbox_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--sandbox", "call", TOOL, *words(dryRun="true")])

    assert status == 0
    assert "SANDBOX" in json.loads(capsys.readouterr().out)["notes"][0]


def test_tools_lists_every_tool_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools"]) == 0

    out = capsys.readouterr().out
    assert TOOL in out
    assert "needs modelId, prompt" in out
    assert f"{len(CORE)} tools" in out


def test_tools_lists_every_tool_as_hosts_see_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--json"]) == 0

    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == CORE


def test_doctor_is_content_with_a_working_account(account: World, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor"])

    out = capsys.readouterr().out
    assert status == 0
    assert "BAD" not in out
    assert "key accepted: yes" in out
    assert f"picture folders: {Path.home()}, " in out
    assert SECRET not in out
    assert [request.path for request in account.requests] == ["/v1/models"]


def test_doctor_says_that_keys_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor"])

    assert status == 1
    assert "BAD  API key: not set" in capsys.readouterr().out


def test_doctor_says_that_keys_are_refused(
    account: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENARIO_API_SECRET", "wrong-and-never-shown")
    status = main(["doctor"])

    out = capsys.readouterr().out
    assert status == 1
    assert "BAD  key accepted: Scenario answered 401" in out
    assert "wrong-and-never-shown" not in out


def test_doctor_says_that_nothing_can_be_reached_or_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCENARIO_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("SCENARIO_API_KEY", "k")
    monkeypatch.setenv("SCENARIO_API_SECRET", "s3cret")
    monkeypatch.setenv("SCENARIO_STATE_DIR", str(tmp_path / "file" / "below"))
    monkeypatch.setenv("SCENARIO_OUTPUT_DIR", "none")
    status = main(["doctor"])

    out = capsys.readouterr().out
    assert status == 1
    assert "BAD  reachable: No connection to 127.0.0.1" in out
    assert "Set SCENARIO_STATE_DIR to another folder" in out
    assert "results folder: none" in out


def test_doctor_names_the_missing_half_of_a_key_pair(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENARIO_API_KEY", "k")

    assert main(["doctor"]) == 1
    assert "BAD  API key: SCENARIO_API_SECRET is not set, though SCENARIO_API_KEY is." in capsys.readouterr().out


def test_doctor_says_that_scenario_is_in_trouble(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class InTrouble(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), InTrouble) as api:
        Thread(target=api.serve_forever).start()
        for name, value in environment(f"http://127.0.0.1:{api.server_port}").items():
            monkeypatch.setenv(name, value)
        status = main(["doctor"])
        api.shutdown()

    assert status == 1
    assert "BAD  reachable: Scenario answered 503" in capsys.readouterr().out


def test_doctor_tells_caps_and_what_was_spent(
    account: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENARIO_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SCENARIO_MAX_CU_PER_DAY", "12.5")
    monkeypatch.setenv("SCENARIO_OUTPUT_DIR", "none")
    main(["doctor"])
    before = capsys.readouterr().out
    main(["call", "run-model", "modelId=model_bfl-flux-2-dev", 'parameters={"prompt": "p", "numOutputs": 1}'])
    capsys.readouterr()
    status = main(["doctor"])
    after = capsys.readouterr().out

    assert status == 0
    assert "ok   spending caps: 12.5 Creative Units within 24 hours" in before
    assert "ok   journal: none yet" in before
    assert "ok   journal: 2.5 Creative Units spent within 24 hours" in after


def test_doctor_says_that_the_journal_is_broken_or_newer(
    account: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENARIO_STATE_DIR", str(tmp_path))
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    newer = main(["doctor"]), capsys.readouterr().out
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    broken = main(["doctor"]), capsys.readouterr().out
    (tmp_path / FILE).unlink()
    tmp_path.chmod(0o777)
    shared = main(["doctor"]), capsys.readouterr().out

    assert newer[0] == broken[0] == shared[0] == 1
    assert f"BAD  journal: The state file {tmp_path / FILE} was written by a newer version" in newer[1]
    assert f"BAD  journal: The state file {tmp_path / FILE} is damaged and cannot be read" in broken[1]
    assert "run `scenario-mcp doctor --begin-anew`" in broken[1]
    assert f"BAD  journal: {tmp_path} may be written to by other users" in shared[1]


def test_doctor_names_ignored_settings(account: World, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("SCENARIO_OUTPUT_DIR=/evil\n")

    assert main(["doctor"]) == 0
    assert "ignored setting: SCENARIO_OUTPUT_DIR" in capsys.readouterr().out


def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SCENARIO_WAIT_SECONDS", "soon")

    assert main(["doctor"]) == 1
    assert "BAD  nothing is paid for: SCENARIO_WAIT_SECONDS must be a number" in capsys.readouterr().out


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out == f"scenario-mcp {__version__}\n"


@pytest.mark.parametrize("pictures", by_day(["own"], ["made", "own"]))
def test_demo_makes_files_through_the_real_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pictures: str
) -> None:
    options: list[Any] = ["demo", "--output", tmp_path / "out"]
    if pictures == "own":
        Image.new("RGB", (40, 30), "plum").save(tmp_path / "a.jpg")
        Image.new("RGB", (40, 30), "gold").save(tmp_path / "b.webp")
        options += ["--image", tmp_path / "a.jpg", "--reference", tmp_path / "b.webp"]

    status = main([os.fspath(option) for option in options])

    out = capsys.readouterr().out
    assert status == 0
    files = sorted((tmp_path / "out" / "Sandbox").rglob("*-[1-5].png"))
    assert len(files) == 5
    for path in files:
        assert str(path) in out
        with Image.open(path) as picture:
            assert picture.size == (512, 512)
    [card] = (tmp_path / "out" / "Sandbox").rglob("*.json")
    assert str(card) in out
    assert json.loads(card.read_text())["tool"] == TOOL
    with Image.open(tmp_path / "out" / "contact-sheet.jpg") as sheet:
        assert max(sheet.size) <= 768
    assert "Creative Units" in out


def test_demo_leaves_files_that_are_there_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {}
    for name in ("source.png", "contact-sheet.jpg"):
        Image.new("RGB", (40, 30), "plum").save(tmp_path / name)
        before[name] = (tmp_path / name).read_bytes()

    assert main(["demo", "--output", str(tmp_path)]) == 0
    assert str(tmp_path / "contact-sheet (2).jpg") in capsys.readouterr().out
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_demo_names_a_picture_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--output", str(tmp_path / "out"), "--image", str(tmp_path / "no.png")]) == 1
    assert f"There is no file {tmp_path / 'no.png'}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_demo_says_why_it_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key.png").write_text("-----BEGIN PRIVATE KEY-----")

    status = main(["demo", "--output", str(tmp_path), "--image", str(tmp_path / "key.png")])

    assert status == 1
    assert 'is the file "key.png", which is not a picture' in capsys.readouterr().out


def test_words_for_every_command_stand_before_its_name_or_after(capsys: pytest.CaptureFixture[str]) -> None:
    for words_of_it in (["--sandbox", "doctor"], ["doctor", "--sandbox"]):
        assert main(words_of_it) == 0
        assert "base URL: http://127.0.0.1:" in capsys.readouterr().out
    assert main(["tools", "--toolsets", "text"]) == 0
    assert "post-caption-inferences" in capsys.readouterr().out


def test_a_reader_that_had_enough_is_no_error() -> None:
    command = f"{sys.executable} -m scenario_mcp tools --toolsets all | head -n 1"
    ended = subprocess.run(
        ["/bin/sh", "-c", command], env=environment(), capture_output=True, timeout=PATIENCE, check=False
    )

    assert ended.stdout.startswith(b"core (on)")
    assert ended.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.parametrize("words_of_it", [[], ["--no-fast-start"]])
def test_at_a_terminal_the_server_says_what_it_waits_for(words_of_it: list[str]) -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "scenario_mcp", *words_of_it],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as server:
        assert server.stderr is not None
        said = server.stderr.readline()
        os.write(ours, b"\x04")  # Ctrl+D
        server.wait(PATIENCE)
    os.close(ours)
    os.close(theirs)

    assert b"a host starts it" in said
    assert b"--help" in said


@pytest.mark.parametrize("told", ['parameters={"prompt": }', "parameters={prompt: a}", 'parameters=["a"'])
def test_json_that_cannot_be_read_is_called_so(told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sandbox", "call", "run-model", "modelId=model_bfl-flux-2-dev", told]) == 2

    assert capsys.readouterr().err.startswith("parameters is not JSON that can be read: ")


def test_help_tells_what_a_tool_does_and_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", TOOL, "--help"]) == 0
    out = capsys.readouterr().out
    assert TOOLS[TOOL].description in out
    assert "numSamples (a whole number from 1 to 128): " in out
    assert "modelId (a text that is not empty, needed): " in out

    assert main(["call", "find-model", "-h"]) == 2
    assert "Did you mean find-models?" in capsys.readouterr().err
    assert main(["call", "--help"]) == 0
    assert "key=value" in capsys.readouterr().out
    assert main(["call"]) == 2


def test_the_demo_made_twice_draws_its_pictures_once(tmp_path: Path) -> None:
    for _ in range(2):
        written = demo._write(tmp_path, "source.png", b"a picture")
    other = demo._write(tmp_path, "source.png", b"another one")

    assert written == tmp_path / "source.png"
    assert other == tmp_path / "source (2).png"
    assert written.read_bytes() == b"a picture"
