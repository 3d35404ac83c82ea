"""Each run of a draft finds the tree as it was, but for the one file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.sandboxed.copydesk_tools.verify import fresh_tree
from copydesk.agent.sandboxed.copydesk_tools.verify.fresh_tree import FreshTree


def looks(folder: Path) -> dict[str, object]:
    """All there is below a folder: kind, mode, date, contents."""
    seen: dict[str, object] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            content = path.read_text()
        date = status.st_mtime_ns if not path.is_symlink() else 0
        seen[str(path)] = (status.st_mode, date, content)
    return seen


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = tmp_path / "tree"
    (top / "data/deep").mkdir(parents=True)
    (top / "target.py").write_text("x = 1\n")
    (top / "target.py").chmod(0o444)
    (top / "data/table").write_text("90")
    (top / "data/deep/more").write_text("91")
    (top / "link").symlink_to("data")
    monkeypatch.chdir(top)
    return top


CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda top: None,
    "a file is written": lambda top: (top / "data/table").write_text("92"),
    "a file of the same size and date": lambda top: (
        (top / "data/table").write_text("92"),
        os.utime(top / "data/table", ns=(0, (top / "target.py").stat().st_mtime_ns)),
    ),
    "a file is made": lambda top: (top / "data/new").write_text("93"),
    "a folder is made": lambda top: (top / "new/deep").mkdir(parents=True),
    "a folder without rights": lambda top: (
        (top / "new/deep").mkdir(parents=True),
        (top / "new").chmod(0),
    ),
    "a file is removed": lambda top: (top / "data/table").unlink(),
    "a folder is removed": lambda top: shutil.rmtree(top / "data"),
    "a folder becomes a file": lambda top: (
        shutil.rmtree(top / "data"),
        (top / "data").write_text("94"),
    ),
    "a file becomes a link": lambda top: (
        (top / "data/table").unlink(),
        (top / "data/table").symlink_to("/etc/passwd"),
    ),
    "a link leads elsewhere": lambda top: (
        (top / "link").unlink(),
        (top / "link").symlink_to("/etc"),
    ),
    "a mode is changed": lambda top: (top / "data/table").chmod(0o600),
    "the target is changed": lambda top: (
        (top / "target.py").chmod(0o666),
        (top / "target.py").write_text("x = 3"),
    ),
}


@pytest.mark.parametrize("with_copy", [True, False], ids=["a copy to read", "kept in memory"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_a_run_changed_is_put_back(
    top: Path, tmp_path: Path, change: str, with_copy: bool
) -> None:
    original = tmp_path / "original"
    shutil.copytree(top, original, symlinks=True)
    before = looks(top)
    fresh = FreshTree("target.py", [str(original)] if with_copy else [], [])
    for version in (b"x = 2\n", b"a longer version\n"):
        fresh.lay(version)
        assert (top / "target.py").read_bytes() == version
        CHANGES[change](top)
        fresh.restore()
    fresh.lay(fresh.as_it_was)
    if change != "the target is changed":
        assert looks(top) == before
    else:
        assert (top / "target.py").read_text() == "x = 1\n"


def test_a_version_has_the_date_and_mode_of_the_first(top: Path) -> None:
    before = (top / "target.py").stat()
    fresh = FreshTree("target.py", [], [])
    fresh.lay(b"x = 2222\n")
    after = (top / "target.py").stat()
    assert (after.st_mtime_ns, after.st_mode, after.st_ino) == (
        before.st_mtime_ns,
        before.st_mode,
        before.st_ino,
    )


def test_a_target_that_is_not_there_is_not_made(top: Path) -> None:
    FreshTree("nowhere.py", [], []).lay(b"")
    assert not (top / "nowhere.py").exists()


def test_temporary_folders_are_emptied_but_for_what_was_there(top: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    (temporary / "home").mkdir(parents=True)
    fresh = FreshTree("target.py", [], [str(temporary)])
    (temporary / "home/.cache").mkdir()
    (temporary / "pytest-0/x").mkdir(parents=True)
    (temporary / "mark").touch()
    fresh.restore()
    assert [path.name for path in temporary.rglob("*")] == ["home"]
    (temporary / "home").rmdir()
    fresh.restore()
    assert (temporary / "home").is_dir()


def test_marks_on_folders_and_the_target_are_taken_off(top: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    (temporary / "home").mkdir(parents=True)
    marked = [Path(), Path("data"), Path("target.py"), temporary, temporary / "home"]
    fresh = FreshTree("target.py", [], [str(temporary)])
    before = [(path.stat().st_mode, path.stat().st_mtime_ns) for path in marked]
    for path in marked:
        path.chmod(0o755)
        try:
            os.setxattr(path, "user.mark", b"18")
        except OSError:
            pytest.skip("no extended attributes here")
        os.utime(path, (18, 18))
    fresh.restore()
    fresh.lay(b"x = 1\n")
    assert [os.listxattr(path) for path in marked] == [[]] * len(marked)
    assert [(path.stat().st_mode, path.stat().st_mtime_ns) for path in marked] == before


def test_a_file_that_was_read_does_not_show_it(top: Path) -> None:
    FreshTree("target.py", [], [])
    before = (top / "data/table").stat().st_atime_ns
    assert (top / "data/table").read_text() == "90"
    assert (top / "data/table").stat().st_atime_ns == before


def test_what_could_not_be_kept_stays(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_tree, "MOST_KEPT", 0)
    fresh = FreshTree("target.py", [], [])
    (top / "new").touch()
    fresh.restore()
    assert (top / "data/table").read_text() == "90"
    assert not (top / "new").exists()
