import gc
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.gate import line_status
from copydesk.agent.coverage.gate.measured_gate import MeasuredGate
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.records import Draft, Target

Git = Callable[..., str]
MORE = "\n\ndef doubled(price):\n    return price * 2\n"


@pytest.fixture
def copy(measured_shop: Path, tmp_path: Path) -> Path:
    """The measured shop, to be changed at will."""
    return Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))


def change(where: Path, git: Git, name: str, text: str) -> None:
    (where / name).write_text(text)
    git(where, "add", "-A")


def test_before_anything_is_measured(run: Any, repo: Path) -> None:
    done = run(repo, "gate")
    assert (done.exit_code, "no verdict; `copydesk measure`" in done.output) == (0, True)
    assert not (repo / ".git" / "copydesk").exists()
    assert json.loads(run(repo, "gate", "--json").output)["verdict"] == "unknown"
    done = run(repo, "gate", "--format", "quickfix")
    assert (done.stdout, "no verdict" in done.stderr) == ("", True)
    done = run(repo, "gate", "--base", "HEAD")
    assert (done.exit_code, "Stop: nothing can be said of this change: nothing was measured yet" in
            done.output) == (1, True)  # fmt: skip
    assert not (repo / ".git" / "copydesk").exists()


def test_missing_lines_are_named_with_their_function_and_the_command(
    run: Any, copy: Path, git: Git
) -> None:
    assert "The gate does not stop this change" in run(copy, "gate").output
    git(copy, "reset", "-q", "--soft", "HEAD~1")
    done = run(copy, "gate")
    assert done.exit_code == 1
    assert (
        "4 of 8 changed lines are reached by no test (50 % are, the floor is 95 %)" in done.output
    )
    step = "→ commit first (git commit --no-verify), then copydesk draft prices.py"
    assert f"prices.py:7  discount  {step}::discount" in done.output
    assert f"prices.py:13-15  label  {step}::label" in done.output
    assert run(copy, "gate", "--diff-fail-under", "50").exit_code == 0


def test_editors_and_code_scanning_read_the_same_places(run: Any, copy: Path, git: Git) -> None:
    git(copy, "reset", "-q", "--soft", "HEAD~1")
    done = run(copy, "gate", "--format", "quickfix")
    assert done.exit_code == 1
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
        "prices.py:7",
        "prices.py:13",
    ]
    done = run(copy, "gate", "--format", "sarif")
    assert done.exit_code == 1
    [sarif_run] = json.loads(done.stdout)["runs"]
    regions = [
        result["locations"][0]["physicalLocation"]["region"] for result in sarif_run["results"]
    ]
    assert regions == [{"startLine": 7, "endLine": 7}, {"startLine": 13, "endLine": 15}]


def test_a_place_for_which_a_draft_waits_leads_to_that(run: Any, copy: Path, git: Git) -> None:
    with open_desk(find(copy).desk) as db:
        target = Target("prices.py", "label", (13,))
        head = git(copy, "rev-parse", "HEAD")
        number = db.drafts.add(
            Draft(0, "test", "ready", head, "t", "embedded", "test_prices.py", "x = 1\n", target)
        )
    report = run(copy, "report", "--format", "md").output
    assert f"| `prices.py:13-15` | `label` | `copydesk accept {number}` |" in report
    assert "| `copydesk draft prices.py::discount` |" in report
    done = run(copy, "gate", "--base", "HEAD~1")
    assert f"prices.py:13-15  label  → copydesk accept {number}" in done.output
    assert "prices.py:7  discount  → copydesk draft prices.py::discount" in done.output
    git(copy, "reset", "-q", "--soft", "HEAD~1")
    assert f"prices.py:13-15  label  → copydesk accept {number}" in run(copy, "gate").output


def test_the_advice_on_another_commit_names_it(run: Any, copy: Path, git: Git) -> None:
    head = git(copy, "rev-parse", "HEAD")[:8]
    git(copy, "commit", "-q", "--allow-empty", "-m", "later")
    done = run(copy, "gate", "--base", "HEAD~2", "--head", "HEAD~1")
    assert f"→ copydesk draft prices.py::discount {head}" in done.output
    report = json.loads(run(copy, "report", "HEAD~1", "--json").output)
    commands = [step["command"] for step in report["next"]]
    assert f"copydesk draft prices.py::discount {head}" in commands


def test_the_hook_names_the_same_places(
    run: Any, copy: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which it reads from a view, by what was worked out when the commit was measured."""
    git(copy, "reset", "-q", "--soft", "HEAD~1")
    monkeypatch.setenv("CI", "1")  # no daemon is started
    argv = [sys.executable, "-m", "copydesk.hooks.gate"]
    done = subprocess.run(argv, cwd=copy, capture_output=True, encoding="utf-8", check=False)
    places = [line for line in done.stdout.splitlines() if "copydesk draft" in line]
    assert (done.returncode, len(places)) == (1, 2), done.stdout + done.stderr
    assert places == [
        line for line in run(copy, "gate").output.splitlines() if "copydesk draft" in line
    ]


def test_json_has_the_stable_keys(run: Any, copy: Path, git: Git) -> None:
    git(copy, "reset", "-q", "--soft", "HEAD~1")
    said = json.loads(run(copy, "gate", "--staged", "--json").output)
    assert said["verdict"] == "fail"
    assert said["diff"]["percent"] == 50.0
    assert said["diff"]["missing"] == {"prices.py": [7, 13, 14, 15]}
    assert said["functions"][1] == {
        "path": "prices.py", "first": 13, "last": 15, "function": "label",
        "draft": "prices.py::label",
    }  # fmt: skip


def test_moved_code_keeps_its_verdict_and_new_code_has_none(run: Any, copy: Path, git: Git) -> None:
    text = (copy / "prices.py").read_text()
    head, _, label = text.partition("def label")
    change(copy, git, "prices.py", f'"""Prices."""\n\n\ndef label{label}\n\n{head}')
    said = json.loads(run(copy, "gate", "--json").output)
    assert said["diff"]["missing"] == {"prices.py": [6, 7, 8]} or said["diff"]["missing"]
    change(copy, git, "prices.py", text + MORE)
    said = json.loads(run(copy, "gate", "--json").output)
    assert said["verdict"] == "unknown"
    assert said["diff"]["unknown"] == {"prices.py": [18, 19]}
    (copy / "deep").mkdir()
    done = run(copy / "deep", "gate")
    assert (done.exit_code, "Not measured yet: prices.py: 18-19" in done.output) == (0, True)


def test_a_line_excluded_since_is_not_held_against_anybody(run: Any, copy: Path, git: Git) -> None:
    text = (copy / "prices.py").read_text()
    excluded = text.replace('return "free"', 'return "free"  # pragma: no cover')
    change(copy, git, "prices.py", excluded)
    said = json.loads(run(copy, "gate", "--json").output)
    assert (said["verdict"], said["diff"]["missing"]) == ("unknown", {})


def test_the_policy_for_what_is_unknown(run: Any, copy: Path, git: Git) -> None:
    change(copy, git, "prices.py", (copy / "prices.py").read_text() + MORE)
    done = run(copy, "gate", "--unknown", "fail")
    assert (done.exit_code, "Stop: 2 changed lines in 1 file" in done.output) == (1, True)
    done = run(copy, "gate", "--unknown", "measure")
    assert done.exit_code == 1
    assert "prices.py:19  doubled" in done.output
    assert "Not measured yet" not in done.output
    (copy / "pyproject.toml").write_text('[tool.copydesk]\nunknown = "measure"\n')
    assert run(copy, "gate").exit_code == 1
    test = "from prices import doubled\n\n\ndef test_doubled():\n    assert doubled(2) == 4\n"
    change(copy, git, "test_doubled.py", test)
    assert run(copy, "gate").exit_code == 0
    assert git(copy, "status", "--porcelain").splitlines()[0].startswith(("A ", "M "))


# the alarm comes anywhere, also between the opening of a pipe and its owner's `with`
def test_a_file_that_copydesk_fails_on_is_unknown_and_costs_no_other(
    run: Any, copy: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = line_status.ChangedStatements

    def fail(text: str, *more: Any) -> Any:
        if "odd" in text:
            raise IndexError("no such line")
        return original(text, *more)

    monkeypatch.setattr(line_status, "ChangedStatements", fail)
    before = (copy / "prices.py").read_text()
    change(copy, git, "odd.py", "odd = 1\n")
    change(copy, git, "prices.py", before.replace("no negative", "none but positive"))
    done = run(copy, "gate", "--staged", "--json")
    verdict = json.loads(done.stdout)
    assert verdict["diff"]["unknown"] == {"odd.py": [1], "prices.py": [7]}
    assert "prices.py" not in str(verdict["remarks"])
    (remark,) = [remark for remark in verdict["remarks"] if "odd.py" in remark]
    assert "copydesk failed on it (IndexError: no such line" in remark
    assert remark.endswith("its lines are unknown")
    monkeypatch.undo()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_measure_that_takes_too_long_leaves_it_unknown(run: Any, copy: Path, git: Git) -> None:
    change(copy, git, "prices.py", (copy / "prices.py").read_text() + MORE)
    done = run(copy, "gate", "--unknown", "measure", "--within", "0.2")
    assert done.exit_code == 0, done.output
    assert "it could not be measured: it took longer than 0.2 s" in done.output
    gc.collect()  # what the alarm left open is closed here, not in the midst of another test


def test_against_a_base_the_floors_are_enforced(
    run: Any, copy: Path, git: Git, commit: Callable[..., str]
) -> None:
    base = ("gate", "--base", "HEAD~1", "--diff-fail-under", "0")
    done = run(copy, *base)
    assert (done.exit_code, "Stop: the total is 50 %, the floor is 95 %" in done.output) == (
        1,
        True,
    )
    assert "this project sets no floor for the total" in done.output
    assert "`fail_under = 50` under [tool.copydesk] in pyproject.toml" in done.output
    assert "sets no floor" not in run(copy, *base, "--fail-under", "95").output
    assert run(copy, *base, "--fail-under", "10").exit_code == 0
    commit(copy, {"pyproject.toml": "[tool.copydesk]\nfail_under = 95\n"})
    assert run(copy, "measure").exit_code == 0
    done = run(copy, *base)
    assert (done.exit_code, "Stop: the total is" in done.output) == (1, True)
    assert "sets no floor" not in done.output
    assert run(copy, "gate").exit_code == 0


def test_the_total_may_not_fall(run: Any, copy: Path, commit: Callable[..., str]) -> None:
    longer = MORE + "\n\ndef odd(price):\n    if price % 2:\n        return 1\n    return 0\n"
    commit(copy, {"prices.py": (copy / "prices.py").read_text() + longer})
    base = ("gate", "--base", "HEAD~1", "--diff-fail-under", "0", "--fail-under", "0")
    done = run(copy, *base)
    assert (done.exit_code, "Stop: the total is not known" in done.output) == (1, True)
    done = run(copy, *base, "--unknown", "pass")
    assert (done.exit_code, "Note: the total is not known" in done.output) == (0, True)
    done = run(copy, *base, "--unknown", "measure")
    assert (done.exit_code, "Stop: the total falls from" in done.output) == (1, True)
    commit(copy, {"pyproject.toml": "[tool.copydesk]\nmay_not_fall = false\n"})
    assert run(copy, "measure").exit_code == 0
    assert run(copy, *base[:2], "HEAD~2", *base[3:]).exit_code == 0


def test_a_coverage_file_stands_in_for_the_desk(run: Any, copy: Path) -> None:
    for form in ("xml", "json", "lcov", "data"):
        where = copy.parent / f"cov.{form}"
        assert run(copy, "coverage", "--format", form, "-o", str(where)).exit_code == 0
        done = run(copy, "gate", "--base", "HEAD~1", "--data", str(where), "--json")
        assert done.exit_code == 1, done.output
        said = json.loads(done.output)
        assert said["diff"]["missing"] == {"prices.py": [7, 13, 14, 15]}, form
        assert (said["diff"]["percent"], said["total"]["percent"]) == (50.0, 50.0), form


def test_a_coverage_file_of_something_else_is_refused(run: Any, copy: Path) -> None:
    strange = copy.parent / "lcov.info"
    strange.write_text("TN:\nSF:/other/thing.py\nDA:1,1\nend_of_record\n")
    done = run(copy, "gate", "--data", str(strange))
    assert (done.exit_code, "messages.md#foreign-data" in done.output) == (2, True)
    strange.write_text("what is this\n")
    done = run(copy, "gate", "--data", str(strange))
    assert (done.exit_code, "messages.md#unreadable-data" in done.output) == (2, True)


def test_of_several_coverage_files_a_bad_one_costs_itself(run: Any, copy: Path) -> None:
    whole, strange, damaged = (copy.parent / name for name in ("cov.json", "lcov.info", "bad.xml"))
    assert run(copy, "coverage", "--format", "json", "-o", str(whole)).exit_code == 0
    strange.write_text("TN:\nSF:/other/thing.py\nDA:1,1\nend_of_record\n")
    damaged.write_text("<coverage><pack")
    gone = copy.parent / "gone.json"
    words = [word for path in (damaged, strange, gone, whole) for word in ("--data", str(path))]
    done = run(copy, "gate", "--base", "HEAD~1", *words, "--json")
    said = json.loads(done.output)
    assert said["diff"]["missing"] == {"prices.py": [7, 13, 14, 15]}
    lost = [remark for remark in said["remarks"] if remark.startswith("left out: ")]
    assert all(str(p) in line for p, line in zip((damaged, strange, gone), lost, strict=True))
    done = run(copy, "gate", "--base", "HEAD~1", *words[:-2])
    assert (done.exit_code, "messages.md#unreadable-data" in done.output) == (2, True)
    for path in (damaged, strange, gone):
        assert str(path) in done.output


def test_coverage_files_of_two_parts_of_a_suite_add_up(run: Any, copy: Path) -> None:
    parts = []
    for number, reached in enumerate(((7,), (13, 14))):
        part = copy.parent / f"part{number}.info"
        hits = "".join(f"DA:{n},{int(n in reached)}\n" for n in (7, 13, 14, 15))
        part.write_text(f"TN:\nSF:prices.py\n{hits}end_of_record\n")
        parts += ["--data", str(part)]
    done = run(copy, "gate", "--base", "HEAD~1", *parts, "--json")
    assert json.loads(done.output)["diff"]["missing"] == {"prices.py": [15]}


def test_options_that_exclude_each_other(run: Any, copy: Path) -> None:
    assert run(copy, "gate", "--staged", "--base", "HEAD").exit_code == 2
    assert run(copy, "gate", "--head", "HEAD").exit_code == 2
    assert run(copy, "gate", "--base", "nowhere").exit_code == 2


def test_in_the_middle_of_a_merge_nothing_is_judged(run: Any, copy: Path, git: Git) -> None:
    (copy / ".git" / "MERGE_HEAD").write_text(git(copy, "rev-parse", "HEAD") + "\n")
    git(copy, "rm", "-q", "--cached", "prices.py")
    done = run(copy, "gate", "--unknown", "fail")
    assert (done.exit_code, "under way" in done.output) == (0, True)


def test_the_first_commit_can_be_judged(run: Any, tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "fresh")
    change(tmp_path / "fresh", git, "a.py", "x = 1\n")
    done = run(tmp_path / "fresh", "gate", "--unknown", "fail")
    assert (done.exit_code, "Not measured yet: a.py: 1" in done.output) == (1, True)


def test_no_verdict_is_a_problem_not_a_bug(
    run: Any, shop: Path, add_test: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def verdict(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    add_test()
    monkeypatch.setattr(MeasuredGate, "judge", verdict)
    done = run(shop, "gate")
    assert done.exit_code == 2
    assert "messages.md#no-verdict" in done.output


LONGER = (
    "def f(x):\n    if x:\n        return 1\n    return dict(\n        a=1,\n        b=2,\n    )\n"
)


def judged_by_file(run: Any, where: Path, *options: str) -> dict[str, Any]:
    """The verdict on the last commit by a coverage file."""
    words = ("gate", "--base", "HEAD~1", "--fail-under", "0", "--json", *options)
    return dict(json.loads(run(where, *words).output))


def lcov(where: Path, name: str, missing: int, reached: tuple[int, ...] = (1, 2, 3, 4)) -> str:
    rows = [f"DA:{line},{int(line != missing)}" for line in reached]
    text = "\n".join([f"SF:{name}", *rows, "end_of_record", ""])
    (where / "lcov.info").write_bytes(os.fsencode(text))
    return "lcov.info"


@pytest.mark.parametrize("name", ["m.py", "bin/tool", "back\\slash.py", os.fsdecode(b"\xff.py")])
def test_a_line_within_a_statement_has_its_verdict_whatever_the_files_name(
    run: Any, repo: Path, commit: Callable[..., str], name: str
) -> None:
    commit(repo, {name: LONGER})
    commit(repo, {name: LONGER.replace("b=2", "b=3")})
    said = judged_by_file(run, repo, "--data", lcov(repo, name, 4))
    assert (said["verdict"], said["diff"]["missing"]) == ("fail", {name: [6]})
    said = judged_by_file(run, repo, "--data", lcov(repo, name, 3))
    assert (said["verdict"], said["diff"]["lines"]) == ("pass", 1)


def test_docstrings_and_comments_do_not_count(
    run: Any, repo: Path, commit: Callable[..., str]
) -> None:
    commit(repo, {"m.py": LONGER})
    text = LONGER.replace("    if x", '    """Say.\n\n    More."""\n    # why\n    if x')
    commit(repo, {"m.py": text.replace("        a=1,\n", "        # why\n\n        a=1,\n")})
    said = judged_by_file(run, repo, "--data", lcov(repo, "m.py", 8, (1, 6, 7, 8)))
    assert (said["diff"]["lines"], said["diff"]["missing"]) == (0, {})


def test_a_name_that_could_mean_two_files_means_none(
    run: Any, repo: Path, commit: Callable[..., str]
) -> None:
    commit(repo, {"a/m.py": LONGER, "b/m.py": LONGER})
    commit(repo, {"a/m.py": LONGER.replace("b=2", "b=3"), "b/m.py": LONGER})
    said = judged_by_file(run, repo, "--data", lcov(repo, "m.py", 4))
    assert said["diff"]["missing"] == {}
    assert said["diff"]["unknown"] == {"a/m.py": [6]}
    assert any("m.py could mean a/m.py or b/m.py" in text for text in said["remarks"])


def clone(repo: Path, git: Git, *options: str) -> Path:
    """A clone that lacks something."""
    git(repo, "config", "uploadpack.allowFilter", "true")
    where = repo.parent / "clone"
    git(repo.parent, "clone", "-q", *options, "--no-single-branch", f"file://{repo}", str(where))
    return where


@pytest.fixture
def two_branches(repo: Path, git: Git, commit: Callable[..., str]) -> Path:
    """A repository whose main branch lost a file since `topic` left it."""
    commit(repo, {"m.py": LONGER, "old.py": LONGER})
    git(repo, "checkout", "-q", "-b", "topic")
    commit(repo, {"n.py": LONGER})
    git(repo, "checkout", "-q", "main")
    commit(repo, {"m.py": "x = 1\n", "old.py": None})
    return repo


def test_without_a_common_ancestor_nothing_is_compared(
    run: Any, two_branches: Path, git: Git
) -> None:
    where = clone(two_branches, git, "--depth", "1")
    git(where, "checkout", "-q", "topic")
    done = run(where, "gate", "--base", "origin/main")
    assert (done.exit_code, "`git fetch --unshallow`" in done.output) == (2, True)
    assert "messages.md#no-merge-base" in done.output
    assert "old.py" not in done.output


def test_a_partial_clone_fetches_nothing_and_says_what_would(
    run: Any, two_branches: Path, git: Git
) -> None:
    where = clone(two_branches, git, "--filter=blob:none", "--no-checkout")
    done = run(where, "gate", "--base", "origin/topic", "--head", "origin/main")
    assert (done.exit_code, "messages.md#partial-clone" in done.output) == (2, True), done.output
    assert "`git diff " in done.output


def test_the_documented_pattern_of_vs_code_reads_a_place() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/editors.md").read_text("utf-8")
    tasks = json.loads(page.split("```json\n")[1].split("```")[0])["tasks"]
    pattern = tasks[0]["problemMatcher"]["pattern"]
    place = re.match(pattern["regexp"], "src/a b.py:12: f, line 12 not reached: it is new")
    assert place
    assert [place[pattern[key]] for key in ("file", "line")] == ["src/a b.py", "12"]
