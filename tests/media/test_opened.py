"""Files and folders opened without following links, with descriptors and, as on Windows, without them."""

import os
from pathlib import Path

import pytest

from scenario_mcp.media import opened


@pytest.fixture(params=["by descriptors", "by paths"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "_RELATIVE", request.param == "by descriptors")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"secret")
    return tmp_path / "outside"


def test_a_file_is_made_published_and_read(tmp_path: Path) -> None:
    with opened.folder(tmp_path / "a" / "b", make=True) as folder:
        with folder.create("part") as file:
            file.write(b"whole")
        folder.publish("part", "file")
        with pytest.raises(FileExistsError):
            folder.publish("part", "file")
        folder.remove("part")

        assert [entry.name for entry in folder.entries()] == ["file"]
        assert folder.is_regular("file")
        assert folder.looked_at("part") is None
        assert folder.read("file", 5) == b"whole"
        assert folder.sha256("file", 5) is not None
        assert folder.sha256("file", 4) is None
        with pytest.raises(opened.TooLarge):
            folder.read("file", 4)
    assert opened.read(tmp_path / "a" / "b" / "file", 100) == b"whole"


def test_what_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        opened.read(tmp_path / "none" / "file", 1)
    with pytest.raises(FileNotFoundError), opened.folder(tmp_path / "none") as folder:
        list(folder.entries())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [False, True])
def test_no_folder_is_opened_through_a_link(tmp_path: Path, outside: Path, make: bool) -> None:
    (tmp_path / "link").symlink_to(outside)

    for path in (tmp_path / "link", tmp_path / "link" / "deeper"):
        with pytest.raises(OSError, match="link stands there"), opened.folder(path, make=make):
            pass
    with pytest.raises(OSError, match="link stands there"):
        opened.read(tmp_path / "link" / "file", 100)


def test_no_file_is_read_or_written_through_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "link").symlink_to(outside / "file")

    with opened.folder(tmp_path) as folder:
        assert not folder.is_regular("link")
        assert folder.sha256("link", 6) is None
        with pytest.raises(opened.NotRegular):
            folder.read("link", 100)
        with pytest.raises(FileExistsError):
            folder.create("link")
        folder.remove("link")
    assert (outside / "file").read_bytes() == b"secret"


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()

    for name in ("fifo", "folder"):
        with pytest.raises(opened.NotRegular):
            opened.read(tmp_path / name, 100)
    with pytest.raises(NotADirectoryError), opened.folder(tmp_path / "fifo") as folder:
        list(folder.entries())
    with opened.folder(tmp_path) as folder:
        assert not folder.is_regular("a\0b")


def test_a_folder_that_was_opened_stays_the_same_where_descriptors_are(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "place").mkdir()
    with opened.folder(tmp_path / "place") as folder:
        (tmp_path / "place").rename(tmp_path / "moved")
        (tmp_path / "place").symlink_to(outside)
        folder.create("file2").close()

    by_descriptors = (tmp_path / "moved" / "file2").exists()
    assert by_descriptors is opened._RELATIVE
