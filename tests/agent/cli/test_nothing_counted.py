"""Nothing counted is not 100 %: wherever a figure or a verdict is shown, it says so."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Git = Callable[..., str]
Commit = Callable[..., str]

CODE = "def f(x):\n    if x:\n        return 1\n    return 2\n"
GOOD_TEST = "from a import f\n\n\ndef test_f():\n    assert (f(1), f(0)) == (1, 2)\n"
SHAPES: dict[str, tuple[dict[str, str], str]] = {
    "no test": ({"a.py": CODE}, "no test was found"),
    "a test file that cannot be collected": (
        {"a.py": CODE, "test_a.py": GOOD_TEST, "test_b.py": "import nowhere_to_be_found\n"},
        "1 test file could not be collected",
    ),
    "only such files": (
        {"a.py": CODE, "test_b.py": "import nowhere_to_be_found\n"},
        "1 test file could not be collected",
    ),
    "every test fails": (
        {"a.py": CODE, "test_a.py": "import a\n\n\ndef test_f():\n    assert a.f(1) == 2\n"},
        "no test passed",
    ),
    "every test is skipped": (
        {"a.py": CODE, "test_a.py": f"import pytest\n\npytestmark = pytest.mark.skip\n{GOOD_TEST}"},
        "no test passed",
    ),
    "no line": (
        {"test_a.py": "def test_f():\n    assert 1\n"},
        "no line of code was counted",
    ),
    "everything is omitted": (
        {
            "a.py": CODE,
            "test_a.py": GOOD_TEST,
            "setup.cfg": "[coverage:run]\nomit = *\n",
        },
        "no line of code was counted",
    ),
    "pytest is told to stop": (
        {
            "a.py": CODE,
            "test_a.py": GOOD_TEST,
            "conftest.py": "import pytest\n\n\n"
            "def pytest_collection_finish(session):\n    pytest.exit('enough', returncode=0)\n",
        },
        "",
    ),
}
PRAISE = ("100.0 %", "100 %", "100%", "every line is", "every line of", "everything is covered")


@pytest.fixture
def plain(repo: Path, git: Git) -> Path:
    """A repository whose tests run with this Python, without a sandbox."""
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.sandbox", "off")
    git(repo, "config", "copydesk.ownTests", "plain")
    return repo


@pytest.mark.parametrize("shape", SHAPES)
def test_no_praise_and_no_pass(
    run: Any, plain: Path, commit: Commit, shape: str, tmp_path: Path
) -> None:
    files, reason = SHAPES[shape]
    commit(plain, files)
    base = ("--base", "HEAD~1", "--fail-under", "0", "--diff-fail-under", "0")
    done = run(plain, "ci", *base)
    assert done.exit_code == 1, done.output
    said = [done.output, run(plain, "gate", *base).output]
    if reason:
        assert run(plain, "gate", *base).exit_code == 1
        assert json.loads(run(plain, "gate", *base, "--json").output)["verdict"] == "fail"
        words = ["measure", "status", "gaps", "report"]
        words += [] if "cannot" in shape else ["coverage"]
        said += [run(plain, word).output for word in words]
        page = tmp_path / "page.html"
        assert run(plain, "report", "--format", "html", "-o", str(page)).exit_code == 0
        said.append(page.read_text().partition("<body")[2])
        assert json.loads(run(plain, "report", "--format", "json").output)["doubts"]
    assert reason in said[0]
    for text in said:
        for praise in PRAISE:
            assert praise not in text.lower().replace("% of 100", ""), text


def test_what_was_measured_while_a_file_was_broken_is_no_verdict_on_the_next_commit(
    run: Any, plain: Path, commit: Commit, git: Git
) -> None:
    commit(plain, {"a.py": CODE, "test_a.py": GOOD_TEST, "test_b.py": "import nowhere_at_all\n"})
    assert run(plain, "measure").exit_code == 0
    (plain / "a.py").write_text(CODE + "\n")
    git(plain, "add", "-A")
    said = json.loads(run(plain, "gate", "--json").output)
    assert (said["verdict"], run(plain, "gate").exit_code) == ("unknown", 0)
    assert "1 test file could not be collected" in run(plain, "gate").output


@pytest.mark.parametrize("text", [
    '{"files": {}, "meta": {"version": "7.6"}}',
    '<coverage version="7"><packages/></coverage>',
    '{"files": {"b.py": {"executed_lines": [1], "missing_lines": []}}}',
    '{"files": {"a.py": {"executed_lines": [], "missing_lines": []}}}',
    "TN:\nSF:b.py\nDA:1,1\nend_of_record\n",
], ids=["no file", "empty xml", "another file", "no line", "lcov of another file"])  # fmt: skip
def test_a_coverage_file_that_knows_nothing_of_the_change_stops_it(
    run: Any, repo: Path, commit: Commit, tmp_path: Path, text: str
) -> None:
    commit(repo, {"a.py": CODE, "b.py": "x = 1\n", "test_a.py": GOOD_TEST, "docs/conf.py": "y = 2"})
    data = tmp_path / "data"
    data.write_text(text)
    base = ("--base", "HEAD~1", "--data", str(data), "--fail-under", "0")
    for command in ("gate", "ci"):
        done = run(repo, command, *base)
        assert (done.exit_code, "Stop:" in done.output) == (1, True), done.output
        assert "100" not in done.output.replace("100.0 %.", "") or "b.py" in text
    said = json.loads(run(repo, "gate", *base, "--json").output)
    assert said["diff"]["unknown"].keys() <= {"a.py", "b.py"}
    assert said["diff"]["unknown"]["a.py"] == [1, 2, 3, 4]


@pytest.mark.parametrize("rules", [
    "[tool.coverage.run]\nomit = ['a.py']\n",
    "[tool.coverage.run]\nsource = ['b']\n",
    "[tool.coverage.report]\ninclude = ['b*']\n",
], ids=["omit", "source", "include"])  # fmt: skip
def test_what_the_project_leaves_out_on_purpose_stops_nobody(
    run: Any, repo: Path, commit: Commit, tmp_path: Path, rules: str
) -> None:
    commit(repo, {"a.py": CODE, "b.py": "x = 1\n", "pyproject.toml": rules})
    data = tmp_path / "data"
    data.write_text('{"files": {"b.py": {"executed_lines": [1], "missing_lines": []}}}')
    done = run(repo, "gate", "--base", "HEAD~1", "--data", str(data))
    assert done.exit_code == 0, done.output


def test_the_summary_and_the_marks_of_a_ci_host_say_why(
    run: Any, plain: Path, commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(tmp_path / name))
    broken = {"test_a.py": GOOD_TEST, "conftest.py": "raise RuntimeError('broken here')\n"}
    commit(plain, broken | {"a.py": CODE})
    quality = tmp_path / "quality.json"
    done = run(plain, "ci", "--base", "HEAD~1", "--code-quality", str(quality))
    assert done.exit_code == 1, done.output
    assert "::error::" in done.output
    summary = (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    assert "the test suite cannot be run" in summary
    assert "verdict=fail" in (tmp_path / "GITHUB_OUTPUT").read_text()
    assert [found["location"]["path"] for found in json.loads(quality.read_text())] == ["a.py"]


def test_a_dev_log_claims_no_coverage_that_was_not_measured(
    run: Any, plain: Path, commit: Commit
) -> None:
    commit(plain, {"a.py": CODE, "test_b.py": "import nowhere_to_be_found\n"})
    assert run(plain, "measure").exit_code == 0
    assert run(plain, "story").exit_code == 0
    said = run(plain, "show", "1").output
    assert "no verdict: 1 test file could not be collected" in said
    for claim in ("Coverage stands", "Tests reach", "%", "none ran"):
        assert claim not in said, said


def test_deleting_every_test_does_not_pass_a_push(
    run: Any, plain: Path, commit: Commit, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is added, so no line is missing; the total is what tells."""
    from copydesk.hooks import gate

    before = commit(plain, {"a.py": CODE, "test_a.py": GOOD_TEST})
    after = commit(plain, {"test_a.py": None})
    assert run(plain, "measure", f"{before}~1..{after}").exit_code == 0
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", before)
    monkeypatch.setenv("PRE_COMMIT_TO_REF", after)
    monkeypatch.chdir(plain)
    assert gate.main() == 1
    shutil.rmtree(plain / ".git" / "copydesk")
