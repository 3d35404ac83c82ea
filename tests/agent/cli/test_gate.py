import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.hooks import gate


def test_before_anything_is_measured(run: Any, repo: Path) -> None:
    done = run(repo, "gate")
    assert (done.exit_code, "no verdict; `copydesk measure`" in done.output) == (0, True)


def test_the_staged_change_passes_or_not(
    run: Any, measured_shop: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    copy = Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))
    assert "Nothing speaks against" in run(copy, "gate").output
    text = (copy / "prices.py").read_text()
    git(copy, "reset", "-q", "--soft", "HEAD~1")
    done = run(copy, "gate")
    assert done.exit_code == 1
    assert "reached by no test" in done.output
    assert "prices.py: 7, 13-15" in done.output
    (copy / "prices.py").write_text(text + "\n\nx = 1\n")
    git(copy, "add", "-A")
    (copy / "deep").mkdir()
    done = run(copy / "deep", "gate")
    assert done.exit_code == 0
    assert "not measured yet" in done.output


def test_no_verdict_is_a_problem_not_a_bug(
    run: Any, shop: Path, add_test: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge() -> int:
        raise sqlite3.OperationalError("database is locked")

    add_test()
    monkeypatch.setattr(gate, "judge", judge)
    done = run(shop, "gate")
    assert done.exit_code == 2
    assert "messages.md#no-verdict" in done.output
