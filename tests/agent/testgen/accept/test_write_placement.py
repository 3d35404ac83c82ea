from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.agent.testgen.accept.test_placement import DRAFT, draft, put

from copydesk.agent.errors import CopydeskError
from copydesk.agent.testgen.accept.placement import Placement, place_draft
from copydesk.agent.testgen.accept.write_placement import revert_placement, write_placement


def test_a_new_file_is_written_and_taken_back(tree: Path) -> None:
    put(tree, "conftest.py")
    found = place_draft(draft(), tree)
    path = write_placement(found, tree)
    assert path == tree / "tests/test_prices.py"
    assert path.read_text() == DRAFT
    assert revert_placement(found, tree) == path
    assert not path.exists()


def test_an_existing_file_is_written_with_its_mode_and_taken_back(tree: Path) -> None:
    path = put(tree, "tests/test_prices.py", "import pytest\n")
    path.chmod(0o750)
    found = place_draft(draft(), tree)
    write_placement(found, tree)
    assert path.read_text() == found.new_text
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    revert_placement(found, tree)
    assert path.read_text() == "import pytest\n"
    assert [p.name for p in path.parent.iterdir()] == ["test_prices.py"]


def refusal(found: Placement, tree: Path, back: bool = False) -> str:
    with pytest.raises(CopydeskError) as caught:
        (revert_placement if back else write_placement)(found, tree)
    assert caught.value.hint
    return caught.value.slug


def test_nothing_is_written_over_changed_text(tree: Path) -> None:
    path = put(tree, "tests/test_prices.py", "import pytest\n")
    found = place_draft(draft(), tree)
    path.write_text("import pytest  # mine\n")
    assert refusal(found, tree) == "changed-meanwhile"
    assert refusal(found, tree, back=True) == "changed-meanwhile"
    assert path.read_text() == "import pytest  # mine\n"
    path.unlink()
    assert refusal(found, tree) == "changed-meanwhile"


def test_a_file_that_appeared_is_left_alone(tree: Path) -> None:
    put(tree, "conftest.py")
    found = place_draft(draft(), tree)
    path = put(tree, "tests/test_prices.py", "mine\n")
    assert refusal(found, tree) == "changed-meanwhile"
    assert refusal(found, tree, back=True) == "changed-meanwhile"
    assert path.read_text() == "mine\n"


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/test_x.py",
        "../test_x.py",
        "tests/../../test_x.py",
        ".git/test_x.py",
        "tests/.GIT/test_x.py",
        "tests/conftest.py",
        "tests/test_x.txt",
        "shop/prices.py",
        "",
        "tests/te\0st_x.py",
    ],
)
@pytest.mark.parametrize("old", [None, ""])
def test_other_places_are_refused(tree: Path, path: str, old: str | None) -> None:
    put(tree, ".git/config")
    assert refusal(Placement(path, "x = 1\n", old), tree) == "not-a-test-file"


def test_links_are_never_followed(tree: Path, tmp_path: Path) -> None:
    outside = put(tmp_path, "outside/test_x.py", "precious\n")
    (tree / "tests").symlink_to(tmp_path / "outside")
    assert refusal(Placement("tests/test_y.py", "x", None), tree) == "not-a-test-file"
    assert refusal(Placement("tests/test_x.py", "x", "precious\n"), tree) == "not-a-test-file"
    (tree / "test_x.py").symlink_to(outside)
    assert refusal(Placement("test_x.py", "x", "precious\n"), tree) == "not-a-test-file"
    assert refusal(Placement("test_x.py", "x", None), tree) == "changed-meanwhile"
    assert refusal(Placement("test_x.py", "precious\n", None), tree, True) == "not-a-test-file"
    assert outside.read_text() == "precious\n"


def test_a_file_in_place_of_a_folder_is_refused(tree: Path) -> None:
    put(tree, "tests", "a file\n")
    assert refusal(Placement("tests/test_x.py", "x", None), tree) == "not-a-test-file"


def test_a_full_disk_leaves_the_old_file(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tree, "tests/test_prices.py", "import pytest\n")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    found = place_draft(draft(), tree)
    monkeypatch.setattr(os, "fsync", full)
    assert refusal(found, tree) == "cannot-write"
    assert refusal(Placement("tests/test_new.py", "x = 1\n", None), tree) == "cannot-write"
    assert [p.name for p in path.parent.iterdir()] == ["test_prices.py"]
    assert path.read_text() == "import pytest\n"


def test_a_change_in_the_last_moment_is_seen(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tree, "tests/test_prices.py", "import pytest\n")
    found = place_draft(draft(), tree)
    sync = os.fsync

    def meddle(fd: int) -> None:
        path.write_text("import pytest  # mine\n")
        sync(fd)

    monkeypatch.setattr(os, "fsync", meddle)
    assert refusal(found, tree) == "changed-meanwhile"
    assert path.read_text() == "import pytest  # mine\n"
