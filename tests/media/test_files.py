"""Paths that an agent names: pictures below the allowed folders are read, everything else tells nothing."""

import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from scenario_mcp.media.files import Allowed, default_folders, read_picture
from scenario_mcp.media.sources import BadSource, FilePath
from support.paths import HOSTILE, OUTSIDE, build_home
from support.pictures import png


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = build_home(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "pictures")
    return home


def allowed(home: Path, **more: Any) -> Allowed:
    return Allowed((home,), home=home, **more)


@pytest.mark.parametrize(
    "text",
    [
        "~/hero.png",
        "~/pictures/hero.png",
        "hero.png",
        "deep/ink wash.png",
        "../hero.png",
        "{home}/pictures/./deep/../hero.png",
        "~/in.png",
        "~/pictures/Library/hero.png",
        "{home}//hero.png",
    ],
)
def test_pictures_below_the_folders_are_read(home: Path, text: str) -> None:
    file = read_picture(FilePath(text.replace("{home}", str(home))), allowed(home))

    assert file.content == png()
    assert file.picture.kind.mime_type == "image/png"


@pytest.mark.parametrize(("text", "why"), HOSTILE, ids=[case[0][:40] for case in HOSTILE])
def test_everything_else_is_refused(home: Path, text: str, why: str) -> None:
    with pytest.raises(BadSource) as raised:
        read_picture(FilePath(text.replace("{home}", str(home))), allowed(home))

    assert why in str(raised.value)


def test_what_is_outside_is_refused_in_the_same_words_whether_or_not_it_exists(home: Path) -> None:
    said = set()
    for text, why in HOSTILE:
        if why == OUTSIDE:
            with pytest.raises(BadSource) as raised:
                read_picture(FilePath(text.replace("{home}", str(home))), allowed(home))
            said.add(re.sub(r' On its way "[^"]*" is a link to "[^"]*"\.', "", str(raised.value)))

    assert len(said) == 1  # apart from what stands in the folders
    assert "SCENARIO_INPUT_DIRS" in said.pop()


def test_a_socket_is_no_picture(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.png")
        with pytest.raises(BadSource, match="no regular file"):
            read_picture(FilePath("s.png"), allowed(home))


@pytest.mark.parametrize(("platform", "private"), [("darwin", "Library"), ("win32", "AppData")])
def test_what_programs_keep_in_the_home_folder_is_private(home: Path, platform: str, private: str) -> None:
    for spelling in (private, private.lower()):
        (home / spelling).mkdir(exist_ok=True)
        (home / spelling / "hero.png").write_bytes(png())
        with pytest.raises(BadSource, match=OUTSIDE):
            read_picture(FilePath(f"~/{spelling}/hero.png"), allowed(home, platform=platform))

    assert read_picture(FilePath(f"~/{private}/hero.png"), allowed(home, platform="linux")).content


@pytest.mark.parametrize(
    "text",
    [
        "~/NUL.png",
        "~\\con",
        "COM1.png",
        "~/lpt9 .png",
        "~/aux/hero.png",
        "C:\\me\\hero.png:hidden",
        "~/hero.png::$DATA",
    ],
)
def test_devices_and_streams_of_windows_are_no_files(home: Path, text: str) -> None:
    with pytest.raises(BadSource, match="no regular file"):
        allowed(home, platform="win32").resolve(FilePath(text))


def test_what_is_a_device_of_windows_is_a_file_elsewhere(home: Path) -> None:
    assert allowed(home, platform="linux").resolve(FilePath("~/NUL.png")) == (home / "NUL.png").resolve()


@pytest.mark.parametrize("text", ["~/hero.png", "~/console.png", "~/com.png", "~/nul-1.png"])
def test_names_like_those_of_devices_are_files(home: Path, text: str) -> None:
    assert allowed(home, platform="win32").resolve(FilePath(text)) == (home / text[2:]).resolve()


def test_a_hidden_folder_that_is_named_on_purpose_is_open(home: Path) -> None:
    assert read_picture(FilePath("~/.ssh/hero.png"), Allowed((home / ".ssh",), home=home)).content


def test_only_the_folders_that_are_named_are_open(home: Path) -> None:
    with pytest.raises(BadSource, match=OUTSIDE):
        read_picture(FilePath("~/hero.png"), Allowed((home / "pictures",), home=home))
    with pytest.raises(BadSource, match=OUTSIDE):
        read_picture(FilePath("~/hero.png"), Allowed((), home=home))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(home: Path) -> None:
    (home / "hero.png").chmod(0)

    with pytest.raises(BadSource, match="may not be read"):
        read_picture(FilePath("~/hero.png"), allowed(home))


def test_a_file_that_is_too_large_is_not_read(home: Path) -> None:
    with (home / "large.png").open("wb") as file:
        file.truncate(100_000_001)

    with pytest.raises(BadSource, match="larger than 100 MB"):
        read_picture(FilePath("~/large.png"), allowed(home))


def test_by_default_home_and_the_working_directory_are_open_but_no_root() -> None:
    assert default_folders(Path("/home/me"), Path("/work")) == (Path("/home/me"), Path("/work"))
    assert default_folders(Path("/home/me"), Path("/")) == (Path("/home/me"),)
    for working in ("/home/me", "/home", "/home/me/.config", "/home/me/pictures"):
        assert default_folders(Path("/home/me"), Path(working)) == (Path("/home/me"),)


def test_what_is_private_stays_so_below_every_wider_folder(home: Path) -> None:
    wider = Allowed((home.parent, home), home=home, platform="darwin")
    with pytest.raises(BadSource, match=OUTSIDE):
        read_picture(FilePath("~/Library/hero.png"), wider)

    named = Allowed((home / "Library",), home=home, platform="darwin")
    assert read_picture(FilePath("~/Library/hero.png"), named).content == png()
