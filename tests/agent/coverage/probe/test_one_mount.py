"""Renames between two mounts: here the temporary folder and /dev/shm."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.coverage.probe.copydesk_probe import one_mount

SHARED = Path("/dev/shm")


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on another mount, with the renames in place."""
    if not os.access(SHARED, os.W_OK) or SHARED.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system to write to")
    for name in ("rename", "replace", "link"):
        monkeypatch.setattr(os, name, getattr(os, name))
    with tempfile.TemporaryDirectory(dir=SHARED) as folder:
        one_mount.install(os.pathsep.join([str(tmp_path), folder]))
        yield Path(folder)


@pytest.mark.parametrize("name", ["rename", "replace"])
def test_a_file_and_a_link_are_moved(name: str, other: Path, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("text")
    (tmp_path / "link").symlink_to("one")
    (other / "one").write_text("written over")
    os.utime(tmp_path / "one", (1, 1))
    for file in ("one", "link"):
        getattr(os, name)(tmp_path / file, os.fsencode(other / file))
    assert (other / "one").read_text() == (other / "link").read_text() == "text"
    assert (other / "link").is_symlink()
    assert (other / "one").stat().st_mtime == 1
    assert not os.path.lexists(tmp_path / "one")
    assert not os.path.lexists(tmp_path / "link")
    assert sorted(path.name for path in other.iterdir()) == ["link", "one"]


def test_a_folder_is_moved_as_a_whole(other: Path, tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "inner" / "file").write_text("text")
    (other / "empty").mkdir()
    (tmp_path / "folder").rename(other / "empty")
    assert (other / "empty" / "inner" / "file").read_text() == "text"
    shutil.move(other / "empty", tmp_path / "back")
    assert (tmp_path / "back" / "inner" / "file").exists()


def test_a_hard_link_has_the_content(other: Path, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("text")
    os.link(tmp_path / "one", other / "two")
    assert (other / "two").read_text() == (tmp_path / "one").read_text() == "text"
    with pytest.raises(FileExistsError):
        os.link(tmp_path / "one", other / "two")


def test_what_is_wrong_in_one_mount_is_wrong_in_two(other: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (other / "folder" / "full").mkdir(parents=True)
    (other / "file").write_text("")
    with pytest.raises(IsADirectoryError):
        (tmp_path / "file").rename(other / "folder")
    with pytest.raises(OSError, match="not empty"):
        (tmp_path / "folder").rename(other / "folder")
    with pytest.raises(NotADirectoryError):
        (tmp_path / "folder").rename(other / "file")
    with pytest.raises(FileNotFoundError):
        (tmp_path / "nothing").rename(other / "nothing")
    with pytest.raises(OSError, match="cross-device"):
        (tmp_path / "file").rename(SHARED / f"elsewhere-{os.getpid()}-{tmp_path.name}")
    with pytest.raises(OSError, match="cross-device"):
        os.link(tmp_path / "file", other / "linked", follow_symlinks=False)
    assert (tmp_path / "file").exists()
