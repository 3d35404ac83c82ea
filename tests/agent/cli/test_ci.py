import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find

Git = Callable[..., str]
MORE = "\n\ndef doubled(price):\n    return price * 2\n"


@pytest.fixture
def copy(measured_shop: Path, tmp_path: Path) -> Path:
    """The measured shop, to be changed at will."""
    return Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As in a job of GitHub's: the folder of its files."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    (tmp_path / "event.json").write_text("{}")
    return tmp_path


def test_a_push_on_github_is_measured_and_judged(
    run: Any, copy: Path, github: Path, git: Git, commit: Callable[..., str]
) -> None:
    before = git(copy, "rev-parse", "HEAD")
    more = {"prices.py": (copy / "prices.py").read_text() + MORE}
    commit(copy, more | {"test_more.py": "def test_wrong():\n    assert 1 == 2\n"})
    (github / "event.json").write_text(json.dumps({"before": before}))
    done = run(copy, "ci", "--report", str(github / "report.html"))
    assert done.exit_code == 1
    assert "Stop: 1 of 2 changed lines are reached by no test" in done.output
    assert (
        "::error file=prices.py,line=19,endLine=19,title=No test reaches doubled::This line is"
        " reached by no test. `copydesk draft prices.py::doubled` drafts one."
    ) in done.output
    assert "Total: 50.0 %" in done.output
    assert (
        "::error file=test_more.py,line=2,title=Test fails%3A it is new::"
        "test_more.py::test_wrong: assert 1 == 2\n"
    ) in done.output
    summary = (github / "summary.md").read_text()
    assert "| `test_more.py::test_wrong` | assert 1 == 2 | new |" in summary
    summary = (github / "summary.md").read_text()
    assert summary.startswith("## Coverage gate: the change does not pass\n")
    assert "| `prices.py:19` | `doubled` | `copydesk draft prices.py::doubled` |" in summary
    assert (github / "output").read_text().splitlines() == [
        "verdict=fail",
        "total=50.0",
        "diff=50.0",
    ]
    assert "<h1>Coverage of copy" in (github / "report.html").read_text()


def test_a_base_that_was_never_measured_is_measured_first(
    run: Any, copy: Path, github: Path, git: Git, commit: Callable[..., str]
) -> None:
    shutil.rmtree(copy / ".git" / "copydesk")
    (github / "event.json").write_text(json.dumps({"before": "0" * 40}))  # a new branch
    test = "\n\ndef test_label():\n    assert label(0) == 'free'\n    assert label(1) == '1.00'\n"
    text = (
        (copy / "test_prices.py").read_text().replace("import discount", "import discount, label")
    )
    commit(copy, {"test_prices.py": text + test})
    done = run(copy, "ci", "--fail-under", "80", "--diff-fail-under", "80")
    assert done.exit_code == 0, done.output
    assert "measuring the base" in done.output
    assert "1 of 2 tests run" in done.output or "2 of 2 tests run" in done.output


def test_a_pull_request_on_github_is_compared_with_the_base_it_is_merged_into(
    run: Any, copy: Path, github: Path, git: Git, commit: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    git(copy, "switch", "-q", "-c", "branch")
    commit(copy, {"prices.py": (copy / "prices.py").read_text() + MORE})
    git(copy, "switch", "-q", "main")
    commit(copy, {"notes.txt": "moved on\n"})
    git(copy, "merge", "-q", "--no-ff", "-m", "Merge", "branch")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    said = json.loads(run(copy, "ci", "--json").stdout)
    assert said["diff"]["missing"] == {"prices.py": [19]}


def test_a_coverage_file_on_gitlab(
    run: Any, copy: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "coverage.xml"
    assert run(copy, "coverage", "--format", "xml", "-o", str(data)).exit_code == 0
    shutil.rmtree(copy / ".git" / "copydesk")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", git(copy, "rev-parse", "HEAD~1"))
    quality = tmp_path / "quality.json"
    comment = tmp_path / "comment.md"
    words = ["--code-quality", str(quality), "--comment", str(comment)]
    done = run(copy, "ci", "--data", str(data), *words)
    assert done.exit_code == 1
    assert "does not pass the coverage gate" in comment.read_text()
    assert "::" not in done.output.replace("prices.py::", "")
    found = json.loads(quality.read_text())
    assert [one["location"] for one in found] == [
        {"path": "prices.py", "lines": {"begin": 7, "end": 7}},
        {"path": "prices.py", "lines": {"begin": 13, "end": 15}},
    ]
    assert len({one["fingerprint"] for one in found}) == 2
    assert not (copy / ".git" / "copydesk").exists()
    assert run(copy, "ci", "--data", str(data), "--report", "x.html").exit_code == 2


def test_the_first_commit_is_held_to_its_total_alone(run: Any, copy: Path, git: Git) -> None:
    git(copy, "checkout", "-q", "--orphan", "fresh")
    git(copy, "commit", "-q", "-m", "all of it")
    done = run(copy, "ci")
    assert (done.exit_code, "Stop: the total is 50 %" in done.output) == (1, True), done.output
    assert "changed lines" not in done.output


def test_a_project_that_agreed_on_no_floor_is_told_its_total_and_the_line_that_lets_it_pass(
    run: Any, copy: Path, github: Path, commit: Callable[..., str]
) -> None:
    commit(copy, {"prices.py": (copy / "prices.py").read_text() + MORE})
    done = run(copy, "ci", "--diff-fail-under", "0")
    assert done.exit_code == 1
    assert "Stop: the total is 50 %, the floor is 95 %" in done.output
    assert "Note: this project sets no floor for the total" in done.output
    assert "`fail_under = 50` under [tool.copydesk] in pyproject.toml" in done.output
    assert "this project sets no floor for the total" in (github / "summary.md").read_text()
    commit(copy, {"pyproject.toml": "[tool.copydesk]\nfail_under = 50\n"})
    done = run(copy, "ci")
    assert (done.exit_code, "sets no floor" in done.output) == (0, False), done.output


def test_the_summary_names_what_commits_changed_and_do_not_say(
    run: Any, copy: Path, github: Path, git: Git, commit: Callable[..., str]
) -> None:
    before = git(copy, "rev-parse", "HEAD")
    sha = commit(copy, {"notes.txt": "tidy\n"}, "Tidy up")
    (github / "event.json").write_text(json.dumps({"before": before}))
    difference = {"call": "label(0)", "before": "'free'", "after": "''"}
    detail = {"differences": [difference]}
    row = ComparisonRow(0, sha, before, "prices.py", "label", "differs", "", detail)
    with open_desk(find(copy).desk) as db:
        db.comparisons.keep(row)
        db.comparisons.keep(row._replace(function="fixed", announced="it is a fix"))
        meant = db.comparisons.keep(row._replace(function="meant"))
        db.comparisons.set_state(meant.id, "fine")
        db.comparisons.keep(row._replace(sha=before, function="earlier"))
    assert run(copy, "ci", "--fail-under", "10").exit_code == 0
    summary = (github / "summary.md").read_text()
    assert "| `prices.py::label` | `label(0)` | `'free'` | `''` |" in summary
    assert not any(name in summary for name in ("fixed", "meant", "earlier"))
