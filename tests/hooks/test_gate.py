from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.records import Draft, Target
from copydesk.hooks import gate

Git = Callable[..., str]
Measured = Callable[[str, str], None]
CODE = "def f(x):\n    if x:\n        return 1\n    return 2\n"


@pytest.fixture(autouse=True)
def _ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")  # no daemon is started


Judged = Callable[[], tuple[int, str, str]]


def stage(repo: Path, git: Git, path: str, text: str) -> None:
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_text(text)
    git(repo, "add", "-A")


def test_lines_known_to_be_missed_fail_it(
    repo: Path, git: Git, measured: Measured, judged: Judged
) -> None:
    stage(repo, git, "pkg/a.py", CODE)
    measured("pkg/a.py", "[3, 4]")
    code, _, _ = judged()
    assert code == 1


def test_the_whole_gate_says_no_and_the_hook_how_to_go_on(
    repo: Path, git: Git, measured: Measured
) -> None:
    stage(repo, git, "a\x1b[2J.py", CODE)
    measured("a\x1b[2J.py", "[3, 4]")
    argv = [sys.executable, "-m", "copydesk.hooks.gate"]
    done = subprocess.run(argv, cwd=repo, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Stop: 2 of 4 changed lines are reached by no test (50 % are, the floor" in done.stdout
    step = "commit first (git commit --no-verify), then copydesk draft a\\x1b[2J.py::f"
    assert f"  a\\x1b[2J.py:3-4  f  \u2192 {step}\n" in done.stdout
    assert "  `git commit --no-verify` goes on without.\n" in done.stdout


def test_only_changed_lines_count(
    repo: Path, git: Git, measured: Measured, judged: Judged, handed: list[list[str]]
) -> None:
    stage(repo, git, "a.py", CODE)
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "a.py", "def g():\n    return 3\n\n\n" + CODE)
    measured("a.py", "[7, 8]")
    assert judged() == (0, "", "")
    assert handed == []


@pytest.mark.parametrize(
    ("count", "line"), [(1, "1 verified test waits"), (3, "3 verified tests wait")]
)
def test_tests_that_wait_are_told_of_at_the_next_commit(
    repo: Path, git: Git, desk: sqlite3.Connection, measured: Measured, judged: Judged,
    count: int, line: str,
) -> None:  # fmt: skip
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[]")
    drafts = Database(desk).drafts
    story = Draft(0, "devlog", "ready", "c" * 40, "a story", "template", "", "text", None)
    drafts.add(story)
    for number in range(count):
        waiting = replace(story, kind="test", content=f"assert {number}")
        drafts.add(replace(waiting, target=Target("a.py", f"f{number}", (3,))))
    assert judged() == (0, f"copydesk: {line}: copydesk review\n", "")


def test_a_line_within_a_missing_statement_is_the_whole_gates_to_judge(
    repo: Path, git: Git, measured: Measured, judged: Judged, handed: list[list[str]]
) -> None:
    longer = "def f(x):\n    return dict(\n        a=x,\n        b=1,\n    )\n"
    stage(repo, git, "a.py", longer)
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "a.py", longer.replace("b=1", "b=2"))
    measured("a.py", "[2]")
    assert judged()[0] == 1
    assert handed == [["--staged"]]


def test_a_missing_line_that_is_moved_is_the_whole_gates_to_judge(
    repo: Path, git: Git, measured: Measured, judged: Judged, handed: list[list[str]]
) -> None:
    other = "def other(a, b):\n" + "".join(f"    x{n} = a * {n}\n" for n in range(9))
    stage(repo, git, "a.py", CODE + other)
    measured("a.py", "[4]")
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "a.py", other.replace("x7", "y7") + CODE)
    assert judged()[0] == 1
    assert handed == [["--staged"]]
    handed.clear()
    stage(repo, git, "a.py", CODE + other.replace("x7", "y7"))
    assert judged()[:1] == (0,)
    assert handed == []


def test_what_an_older_copydesk_measured_is_the_whole_gates_to_judge(
    repo: Path,
    git: Git,
    measured: Measured,
    judged: Judged,
    handed: list[list[str]],
    desk: sqlite3.Connection,
) -> None:
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[4]")
    desk.execute("DELETE FROM missing_texts")
    assert judged()[0] == 1
    desk.execute("DROP VIEW gate_versions")
    assert judged()[0] == 1
    assert handed == [["--staged"]] * 2


def test_lines_not_measured_are_unknown_not_guessed(
    repo: Path, git: Git, judged: Judged, desk: sqlite3.Connection
) -> None:
    stage(repo, git, "a.py", CODE)
    assert judged() == (0, "copydesk: 1 changed file is not measured yet; the daemon will\n", "")
    stage(repo, git, "b.py", CODE)
    assert judged()[1] == "copydesk: 2 changed files are not measured yet; the daemon will\n"


def test_a_file_that_the_measured_head_leaves_out_is_not_waited_for(
    repo: Path, git: Git, measured: Measured, judged: Judged, desk: sqlite3.Connection
) -> None:
    stage(repo, git, "left_out.py", CODE)
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[]")
    git(repo, "commit", "-q", "-m", "x")
    desk.execute(
        "INSERT INTO measures VALUES (?, NULL, 'r', 'e', 'i', 0, 1, 1, 1, 0, 0, 10, 9, 1,"
        " x'', x'', 'now', 90.0)",
        (git(repo, "rev-parse", "HEAD"),),
    )
    stage(repo, git, "left_out.py", "x = 1\n")
    assert judged() == (0, "", "")
    stage(repo, git, "a.py", "x = 1\n")
    assert judged()[1] == (
        "copydesk: 1 changed file is not measured yet; the daemon will (HEAD: 90.0 % covered)\n"
    )
    desk.execute("UPDATE measures SET total = 0, passed = 0, executable = 0, percent = NULL")
    assert "(HEAD: no test was found, no line of code was counted)" in judged()[1]


def test_a_measure_that_proves_nothing_is_not_passed_over(
    repo: Path, git: Git, measured: Measured, judged: Judged, desk: sqlite3.Connection
) -> None:
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[]")
    desk.execute(
        "INSERT INTO measures VALUES ('s', NULL, 'r', 'e', 'i', 0, 1, 1, 1, 2, 0, 4, 4, 1,"
        " x'', x'', 'now', 100.0)"
    )
    said = "copydesk: no verdict on this change: 2 test files could not be collected"
    assert judged() == (0, f"{said} in the last measure\n", "")


@pytest.mark.parametrize("path", ["tests/a.py", "test_a.py", "x/a_test.py", "conftest.py"])
def test_tests_need_no_tests(
    repo: Path, git: Git, judged: Judged, desk: sqlite3.Connection, path: str
) -> None:
    stage(repo, git, path, CODE)
    assert judged() == (0, "", "")


def test_without_data_it_says_that_there_is_no_verdict(
    repo: Path, git: Git, judged: Judged
) -> None:
    assert judged() == (0, "", "")
    stage(repo, git, "a.py", CODE)
    said = "copydesk: nothing was measured here yet, so there is no verdict on this change\n"
    assert judged() == (0, said, "")


def test_without_python_it_is_silent(
    repo: Path, git: Git, judged: Judged, desk: sqlite3.Connection
) -> None:
    stage(repo, git, "a.txt", "x")
    assert judged() == (0, "", "")


@pytest.mark.parametrize("mark", ["MERGE_HEAD", "sequencer"])
def test_in_the_middle_of_an_operation_it_is_silent(
    repo: Path, git: Git, measured: Measured, judged: Judged, mark: str
) -> None:
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[3, 4]")
    (repo / ".git" / mark).write_text("x")
    assert judged() == (0, "", "")


def test_in_a_linked_worktree_it_looks_at_that_one(
    repo: Path,
    tmp_path: Path,
    git: Git,
    measured: Measured,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[3, 4]")
    git(repo, "worktree", "add", "-q", "-b", "beside", str(tmp_path / "linked"))
    stage(tmp_path / "linked", git, "a.py", CODE)
    monkeypatch.chdir(tmp_path / "linked")
    assert gate.main() == 1
    git_dir = git(tmp_path / "linked", "rev-parse", "--absolute-git-dir")
    (Path(git_dir) / "rebase-merge").mkdir()
    capsys.readouterr()
    assert gate.main() == 0


def test_a_locked_database_stops_nobody(
    repo: Path, git: Git, measured: Measured, judged: Judged, desk: sqlite3.Connection
) -> None:
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[3, 4]")
    desk.execute("PRAGMA journal_mode = delete")
    desk.execute("BEGIN EXCLUSIVE")
    code, said, complaint = judged()
    assert (code, said) == (0, "")
    assert "database is locked" in complaint
    assert complaint.count("\n") == 1
    desk.execute("ROLLBACK")


def test_a_database_that_is_none_stops_nobody(repo: Path, git: Git, judged: Judged) -> None:
    (repo / ".git/copydesk").mkdir()
    (repo / ".git/copydesk/desk.db").write_text("nonsense" * 100)
    stage(repo, git, "a.py", CODE)
    code, said, complaint = judged()
    assert (code, said, complaint.count("\n")) == (0, "", 1)


def test_a_folder_with_a_strange_name_is_read_too(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = tmp_path / "100% #1?"
    strange.mkdir()
    git(strange, "init", "-q")
    (strange / ".git/copydesk").mkdir()
    db = sqlite3.connect(strange / ".git/copydesk/desk.db")
    db.executescript(
        "CREATE TABLE gate_versions (path, blob, statements, missing, digests, lone_cr);"
        "CREATE TABLE gate_totals (sha, percent); CREATE TABLE gate_policy (key, value);"
        "CREATE TABLE gate_failures (sha, test, error);"
        "CREATE TABLE gate_passed_over (path, reason)"
    )
    db.close()
    stage(strange, git, "a.py", "x = 1\n")
    monkeypatch.chdir(strange)
    assert gate.main() == 0
    assert capsys.readouterr().out.startswith("copydesk: 1 changed file is not")


def test_the_index_of_commit_a_is_the_one_that_counts(
    repo: Path, git: Git, measured: Measured
) -> None:
    stage(repo, git, "a.py", "x = 1\n")
    git(repo, "commit", "-q", "-m", "x")
    (repo / "a.py").write_text(CODE)
    git(repo, "add", "a.py")
    measured("a.py", "[3, 4]")
    git(repo, "reset", "-q")
    hook = repo / ".git/hooks/pre-commit"
    source = Path(gate.__file__).parents[2]
    hook.write_text(
        f"#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -m copydesk.hooks.gate\n"
    )
    hook.chmod(0o755)
    done = subprocess.run(
        ["git", "commit", "-q", "-a", "-m", "y"], cwd=repo, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "a.py:3-4  " in done.stderr


def test_before_a_push_the_whole_gate_judges_what_it_adds(
    repo: Path,
    git: Git,
    measured: Measured,
    judged: Judged,
    handed: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = git(repo, "rev-parse", "HEAD")
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[3, 4]")
    git(repo, "commit", "-q", "-m", "x")
    head = git(repo, "rev-parse", "HEAD")
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", base)
    monkeypatch.setenv("PRE_COMMIT_TO_REF", head)
    monkeypatch.delenv("CI")
    assert judged()[0] == 1
    assert handed == [[f"--base={base}", f"--head={head}"]]
    assert not (repo / ".git/copydesk/spool").exists()  # nothing new to tell the daemon


def test_the_push_of_an_unrelated_history_is_compared_with_nothing(
    repo: Path, git: Git, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = git(repo, "commit-tree", "-m", "other", "HEAD^{tree}")
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[3, 4]")
    git(repo, "commit", "-q", "-m", "x")
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", base)
    monkeypatch.setenv("PRE_COMMIT_TO_REF", git(repo, "rev-parse", "HEAD"))
    argv = [sys.executable, "-m", "copydesk.hooks.gate"]
    done = subprocess.run(argv, cwd=repo, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, "they share no history" in done.stderr) == (0, True)


def test_the_push_of_a_whole_history_is_no_change_to_judge(
    repo: Path, git: Git, measured: Measured, judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, "a.py", CODE)
    measured("a.py", "[3, 4]")
    monkeypatch.setenv("PRE_COMMIT_TO_REF", "HEAD")
    assert judged() == (0, "", "")


def test_a_file_that_only_lost_lines_has_none_to_judge(
    repo: Path, git: Git, judged: Judged, desk: sqlite3.Connection
) -> None:
    stage(repo, git, "a.py", CODE)
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "a.py", CODE.splitlines(keepends=True)[0])
    assert judged() == (0, "", "")
    git(repo, "rm", "-q", "-f", "a.py")
    assert judged() == (0, "", "")


@pytest.mark.parametrize(("policy", "asked"), [("pass", 0), ("measure", 1), ("fail", 1)])
def test_the_project_says_what_to_do_with_unknown_lines(
    repo: Path,
    git: Git,
    measured: Measured,
    judged: Judged,
    handed: list[list[str]],
    policy: str,
    asked: int,
) -> None:
    stage(repo, git, "pkg/other.py", CODE)
    measured("pkg/other.py", "[]")
    (repo / "pyproject.toml").write_text(f'[tool.copydesk]\nunknown = "{policy}"\n')
    stage(repo, git, "pkg/a.py", CODE)
    assert judged()[0] == asked
    assert handed == [["--staged"]] * asked


@pytest.mark.parametrize(("policy", "asked"), [("pass", 0), ("measure", 1), ("fail", 1)])
def test_before_anything_was_measured_the_project_says_too(
    repo: Path, git: Git, judged: Judged, handed: list[list[str]], policy: str, asked: int
) -> None:
    (repo / "pyproject.toml").write_text(f'[tool.copydesk]\nunknown = "{policy}"\n')
    assert judged()[0] == 0  # there is no change to judge
    stage(repo, git, "pkg/a.py", CODE)
    assert judged()[0] == asked
    assert handed == [["--staged"]] * asked
    assert not (repo / ".git" / "copydesk" / "desk.db").exists()


def test_a_pure_rename_has_no_line_to_judge(
    repo: Path, git: Git, measured: Measured, judged: Judged
) -> None:
    stage(repo, git, "pkg/a.py", CODE)
    git(repo, "commit", "-q", "-m", "a")
    measured("pkg/a.py", "[3]")
    git(repo, "mv", "pkg/a.py", "pkg/b.py")
    assert judged()[:2] == (0, "")


def test_what_is_handed_over_runs_the_command(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    assert gate.run_gate_command(["--staged"]) == 0
    assert gate.run_gate_command(["--no-such-option"]) == 0  # what goes wrong stops nobody


@pytest.mark.parametrize("folder", ["front", "with space/deep", "pkg"])
def test_in_a_subfolder_it_says_the_same(
    repo: Path, git: Git, measured: Measured, judged: Judged, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], folder: str,
) -> None:  # fmt: skip
    """As hook managers start it that go into a folder first, with what git put in its variables."""
    stage(repo, git, "pkg/a.py", CODE)
    measured("pkg/a.py", "[3, 4]")
    at_the_top = judged()
    assert at_the_top[0] == 1
    (repo / folder).mkdir(parents=True, exist_ok=True)
    for variables in ({}, {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index"}):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(repo / folder)
        assert (gate.main(), *capsys.readouterr()) == at_the_top


def test_what_nobody_looked_at_is_not_passed_in_silence(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo)
    monkeypatch.setenv("CI", "1")
    monkeypatch.setenv("PRE_COMMIT", "1")
    monkeypatch.delenv("GIT_INDEX_FILE", raising=False)
    assert gate.main() == 0
    assert "there is nothing to judge" in capsys.readouterr().out
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", "HEAD")
    monkeypatch.setenv("PRE_COMMIT_TO_REF", "HEAD")
    assert gate.main() == 0
    assert "unknown: nothing was measured here yet" in capsys.readouterr().out
    (repo / "pyproject.toml").write_text('[tool.copydesk]\nunknown = "fail"\n')
    assert gate.main() == 1


def test_a_file_that_coverage_py_passes_over_is_the_whole_gates_to_judge(
    repo: Path, git: Git, judged: Judged, desk: sqlite3.Connection, handed: list[list[str]]
) -> None:
    desk.execute("INSERT INTO passed_over VALUES ('set', 'a.py', 'it is not Python')")
    stage(repo, git, "b.py", CODE)
    assert (judged()[0], handed) == (0, [])
    stage(repo, git, "a.py", CODE)
    assert (judged()[0], handed) == (1, [["--staged"]])
