import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository, uncommitted

Git = Callable[..., str]
LABEL = "\n\ndef test_label():\n    assert label(0) == 'free'\n    assert label(1) == '1.00'\n"


@pytest.fixture
def copy(measured_shop: Path, tmp_path: Path) -> Path:
    """The measured shop, to be changed at will."""
    return Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))


def measures(where: Path) -> int:
    with open_desk(repository.find(where).desk) as db:
        (count,) = db.execute("SELECT count(*) FROM measures").fetchone()
    return int(count)


def test_what_is_saved_becomes_a_commit_that_no_branch_has(copy: Path, git: Git) -> None:
    repo = repository.find(copy)
    before = git(copy, "status", "--porcelain"), git(copy, "ls-files", "--stage")
    (copy / ".gitignore").write_text("ignored/\n")
    (copy / "ignored").mkdir()
    (copy / "ignored/x.py").write_text("x = 1\n")
    (copy / "new folder").mkdir()
    (copy / "new folder/é\n.py").write_text("y = 2\n")
    (copy / "link").symlink_to("prices.py")
    (copy / "prices.py").write_text("changed = True\n")
    (copy / "test_prices.py").unlink()
    script = copy / "run"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with (copy / "large.bin").open("wb") as large:
        large.truncate(uncommitted.LARGEST + 1)
    head = git(copy, "rev-parse", "HEAD")
    saved = uncommitted.commit_worktree(repo, [head])
    found = repository.tree(repo, saved)
    assert found.keys() == {".gitignore", "link", "new folder/é\n.py", "prices.py", "run"}
    assert found["link"].mode == "120000"
    assert found["run"].mode == "100755"
    assert git(copy, "show", f"{saved}:prices.py") == "changed = True"
    assert git(copy, "rev-parse", f"{saved}^") == head
    assert git(copy, "ls-files", "--stage") == before[1]
    assert uncommitted.worktree_folders(repo) == {copy, copy / "new folder"}


def test_once_says_what_a_commit_would_meet(run: Any, copy: Path, git: Git) -> None:
    done = run(copy, "watch", "--once")
    assert done.exit_code == 0, done.output
    assert "0 of 1 test run" in done.output
    more = "\n\ndef doubled(price):\n    return price * 2\n"
    (copy / "prices.py").write_text((copy / "prices.py").read_text() + more)
    (copy / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    done = run(copy, "watch", "--once", "--json")
    assert done.exit_code == 1, done.output
    said = json.loads(done.stdout)
    assert said["failing"] == ["test_wrong.py::test_wrong"]
    assert said["gate"]["diff"]["missing"] == {"prices.py": [19]}
    assert git(copy, "stash", "list") == ""
    git(copy, "add", "prices.py")
    assert run(copy, "gate").exit_code == 1  # it knows before the commit
    (copy / "test_wrong.py").unlink()
    git(copy, "commit", "-q", "--no-verify", "-m", "more")
    assert run(copy, "watch", "--once").exit_code == 0  # HEAD is what is saved


def test_every_save_is_looked_at_until_it_is_ended(copy: Path, git: Git) -> None:
    before = measures(copy)
    argv = [sys.executable, "-m", "copydesk.agent.cli.main", "watch", "--json"]
    with (
        subprocess.Popen(
            argv, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watcher,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(watcher.kill)
        assert watcher.stdout is not None
        assert json.loads(watcher.stdout.readline())["selected"] == 0
        (copy / "test_prices.py").write_text("def test_(:\n")
        assert json.loads(watcher.stdout.readline())["failing"] == ["test_prices.py"]
        text = git(copy, "show", "HEAD:test_prices.py") + LABEL
        text = text.replace("import discount", "import discount, label")
        (copy / "test_prices.py").write_text(text)
        said = json.loads(watcher.stdout.readline())
        assert (said["selected"], said["total"], said["failing"]) == (2, 2, [])
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(60) == 0
    assert measures(copy) == before + 1  # of the saves the last one is kept
