"""A home that is a root, or no one person's, opens nothing: containers start servers with such homes."""

import os
import sys
from pathlib import Path

import pytest

from scenario_mcp.commands.cli import main
from scenario_mcp.commands.wiring import picture_folders
from scenario_mcp.sandbox.world import World
from scenario_mcp.settings import load
from support.pictures import png
from support.stdio import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows asks another variable for the home")


@pytest.fixture
def strangers(tmp_path: Path, base_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture outside everything that the person named, and an account to upload it to."""
    for name, value in environment(base_url, SCENARIO_STATE_DIR=str(tmp_path / "state")).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "others").mkdir()
    picture = tmp_path / "others" / "private.png"
    picture.write_bytes(png("tan", (64, 48)))
    return picture


def upload(picture: Path | str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["call", "upload-asset", f"file={picture}"])
    out, err = capsys.readouterr()
    return status, out + err


HOMES = {
    "a root": "/",
    "two slashes": "//",
    "a root with dots": "/tmp/..",
    "empty": "",
    "relative": "../others",
    "of the process": "/proc/self/root" if sys.platform == "linux" else "/",
}


@pytest.mark.parametrize("home", HOMES.values(), ids=HOMES)
def test_a_home_that_is_none_opens_no_folder(
    strangers: Path, quick_world: World, home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", home)

    status, out = upload(strangers, capsys)

    assert status == 1
    assert "outside the folders that files may come from (none)" in out
    assert quick_world.requests == []


def test_a_link_to_a_root_is_no_home(
    strangers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to("/")
    monkeypatch.setenv("HOME", str(tmp_path / "link"))

    assert upload(strangers, capsys)[0] == 1


@pytest.mark.parametrize("home", ["/home", "/Users", "/var/home/", "the top folder of this test"])
def test_a_folder_of_everybody_is_no_home(strangers: Path, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last is a folder like /tmp: just below the root, and the system's own."""
    top = Path(*strangers.parts[:2])
    monkeypatch.setenv("HOME", str(top) if home.startswith("the") else home)

    assert picture_folders(load({})) == ()


def test_a_working_folder_that_holds_homes_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("/", "/home"):
        if os.path.isdir(folder):
            monkeypatch.chdir(folder)

            assert Path(folder) not in picture_folders(load({}, Path.home()))


def test_a_working_folder_above_the_home_or_hidden_in_it_is_known_through_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "homes" / "me"
    (real / ".ssh").mkdir(parents=True)
    (tmp_path / "me").symlink_to(real)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    settings = load({"SCENARIO_OUTPUT_DIR": "none"})

    for folder in (real.parent, real / ".ssh"):
        monkeypatch.chdir(folder)

        assert picture_folders(settings) == (tmp_path / "me",)


def test_a_tilde_for_such_a_home_opens_nothing(
    strangers: Path, quick_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("SCENARIO_INPUT_DIRS", "~")

    status, _ = upload(strangers, capsys)

    assert status == 1
    assert quick_world.requests == []
    assert load().problems == (
        'SCENARIO_INPUT_DIRS must be an absolute path without ~: "/" is not the home folder of one person.',
    )


def test_what_the_person_names_is_open_whatever_the_home(
    strangers: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("SCENARIO_INPUT_DIRS", str(strangers.parent))

    assert upload(strangers, capsys)[0] == 0


def test_doctor_says_what_such_a_home_means_and_what_to_set(
    strangers: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "/")

    status = main(["doctor"])

    out = capsys.readouterr().out
    assert status == 1
    assert 'ignored setting: HOME: "/" is not the home folder of one person' in out
    assert "Set SCENARIO_INPUT_DIRS and SCENARIO_OUTPUT_DIR." in out
    assert "BAD  picture folders: none" in out
    assert "results folder: none: results are not saved" in out


def test_doctor_warns_of_a_root_that_the_person_opened(
    strangers: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENARIO_INPUT_DIRS", "/")
    monkeypatch.setenv("SCENARIO_OUTPUT_DIR", "none")

    assert main(["doctor"]) == 0
    assert "ok   picture folders: / is open whole" in capsys.readouterr().out
    assert upload(strangers, capsys)[0] == 0


def test_a_state_folder_that_would_move_with_the_working_folder_stops_paying(
    strangers: Path, quick_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "here")
    monkeypatch.delenv("SCENARIO_STATE_DIR")

    status = main(["call", "run-model", "modelId=model_bfl-flux-2-dev", 'parameters={"prompt": "p"}'])

    assert status == 1
    assert "Set SCENARIO_STATE_DIR to a folder" in capsys.readouterr().err
    assert quick_world.ledger == []
    assert not Path("here").exists()


def test_a_working_folder_that_was_removed_stops_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert main(["doctor"]) == 1
    assert "picture folders: " in capsys.readouterr().out
