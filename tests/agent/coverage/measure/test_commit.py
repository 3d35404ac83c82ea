from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from coverage import CoverageData

from copydesk.agent.coverage.measure import audit
from copydesk.agent.coverage.report.export import export
from copydesk.agent.coverage.runner.coverage_py import DEFAULT_OMIT
from copydesk.agent.coverage.selection.affected import Selection
from copydesk.agent.coverage.selection.collection_order import collection_order
from copydesk.agent.coverage.selection.rerun_outcomes import FAILED
from copydesk.agent.coverage.store import add_up, load_totals
from copydesk.agent.coverage.store.traces import CoverageMap, Trace, load_map
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import Measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.traces import Hit
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config

Measured = Callable[..., Measure]


def edit(project: Path, path: str, old: str, new: str) -> dict[str, str]:
    text = (project / path).read_text()
    assert old in text
    return {path: text.replace(old, new)}


def truth(
    project: Path, tmp_path: Path, *, branch: bool = False, configured: bool = False
) -> dict[str, object]:
    """What `coverage run -m pytest` itself says of the working tree."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}
    env |= {"PYTHONPATH": str(project / "src"), "COVERAGE_FILE": str(tmp_path / "truth")}
    run = ["run", *([] if configured else ["--source=src,.", "--omit", ",".join(DEFAULT_OMIT)])]
    run += [*(["--branch"] if branch else []), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    out = tmp_path / "truth.json"
    # both commands in one process, to start one interpreter less
    script = "import json, sys, coverage.cmdline as c; [c.main(a) for a in json.loads(sys.argv[1])]"
    commands = json.dumps([run, ["json", "-q", "-o", str(out)]])
    python = [sys.executable, "-c", script, commands]
    subprocess.run(python, cwd=project, env=env, check=True, capture_output=True)
    files = json.loads(out.read_text())["files"]
    keys = ("executed_lines", "missing_lines", "excluded_lines", "missing_branches")
    return {path: {k: entry[k] for k in keys if k in entry} for path, entry in files.items()}


def ours(db: Database, sha: str) -> dict[str, object]:
    """The stored total, in the words of coverage's JSON report."""
    found = load_totals(db, sha)
    assert found is not None
    return {
        t.path: {
            "executed_lines": sorted(set(t.statements) - set(t.missing)),
            "missing_lines": list(t.missing),
            "excluded_lines": list(t.excluded),
        }
        | ({"missing_branches": [list(a) for a in t.missing_branches]} if t.branches else {})
        for t in found
    }


def without_empty(report: dict[str, object]) -> dict[str, object]:
    """A JSON report without the branches of files that have none."""
    return {
        path: {k: v for k, v in dict(entry).items() if k != "missing_branches" or v}  # type: ignore[call-overload]
        for path, entry in report.items()
    }


def test_a_first_measure_equals_coverage_itself(
    project: Path, desk: Database, measured: Measured, tmp_path: Path
) -> None:
    done = measured()
    assert (done.selected, done.total, done.passed, done.failed) == (6, 6, 6, 0)
    assert done.reason == "every test: the first measure"
    out = tmp_path / "ours.json"
    export(find(project), desk, done.sha, "json", out)
    exported = json.loads(out.read_text())["files"]
    expected = truth(project, tmp_path)
    assert ours(desk, done.sha) == expected
    assert {p: {k: e[k] for k in expected[p]} for p, e in exported.items()} == expected  # type: ignore[attr-defined]
    assert desk.measures.get(done.sha) == done
    found = desk.gaps.of_commit(done.sha)
    assert {(g.path, g.function, g.lines) for g in found} == {
        ("src/shop/prices.py", "total", (6,)),
        ("src/shop/prices.py", "label", (15,)),
        ("src/shop/stock.py", "Shelf.put", (12,)),
        ("src/shop/unused.py", "nothing", (1, 2)),
    }
    assert all(0 <= g.risk <= 1 and g.reasons for g in found)


PRICES, STOCK = "src/shop/prices.py", "src/shop/stock.py"
EDITS: list[tuple[str, str, str, str, int]] = [
    # what, file, old text, new text, how many tests it affects
    ("a comment", PRICES, "LIMIT = 100", "# top\nLIMIT = 100", 0),
    ("a body", PRICES, "return f'{value:.2f}'", "return f'{value:.3f}'[:-1]", 1),
    ("a constant", PRICES, "LIMIT = 100", "LIMIT = 99", 3),
    ("a class attribute", STOCK, "size = 3", "size = 4", 1),
    ("a new function", PRICES, "def label", "def brandnew():\n    pass\n\n\ndef label", 0),
    ("a data file", "data/names.txt", "apple", "plum", 1),
    ("a fixture", "tests/conftest.py", "put('one')", "put('two')", 1),
    ("a test", "tests/test_stock.py", "assert shelf.items", "assert len(shelf.items)", 1),
    ("a default", PRICES, "rate=0.0", "rate=0", 3),
]


@pytest.mark.timeout(1200)  # ten measures, on a machine that may do other things
def test_incremental_measures_run_what_is_affected_and_equal_coverage(
    project: Path,
    desk: Database,
    measured: Measured,
    commit: Callable[..., str],
    tmp_path: Path,
) -> None:
    measured()
    for what, path, old, new, count in EDITS:
        commit(project, edit(project, path, old, new), what)
        done = measured()
        assert (what, done.selected, done.total) == (what, count, 6), done.reason
        assert (what, ours(desk, done.sha)) == (what, truth(project, tmp_path))


def test_tests_that_come_and_go_renames_and_a_way_back(
    project: Path,
    desk: Database,
    measured: Measured,
    commit: Callable[..., str],
    git: Callable[..., str],
    tmp_path: Path,
) -> None:
    first = measured()
    commit(
        project,
        {
            "tests/test_prices.py": None,
            "tests/test_money.py": "from shop.prices import label\n\n\n"
            "def test_refund():\n    assert label(-1) == 'refund'\n",
            "src/shop/money.py": (project / "src/shop/stock.py").read_text(),
            "src/shop/unused.py": None,
        },
    )
    second = measured()
    assert (second.selected, second.total) == (1, 3)
    assert ours(desk, second.sha) == truth(project, tmp_path)
    git(project, "revert", "--no-edit", "HEAD")
    third = measured()
    assert third.percent == first.percent
    assert third.total == 6


def test_a_failing_test_runs_again_and_a_broken_file_does_not_stop_the_rest(
    project: Path, measured: Measured, commit: Callable[..., str]
) -> None:
    measured()
    commit(project, edit(project, "tests/test_stock.py", "assert shelf.items", "assert 0"))
    assert measured().failed == 1
    commit(project, {"README.md": "words"})
    again = measured()
    assert (again.selected, again.failed) == (1, 1)
    assert "failed before" in again.reason
    text = "import nothing_of_that_name\n\n\ndef test_now():\n    pass\n"
    commit(project, {"tests/test_broken.py": text})
    broken = measured()
    assert (broken.failed, broken.total) == (2, 6)
    commit(project, {"README.md": "more words"})
    still = measured()
    assert (still.failed, still.total) == (2, 6)
    commit(project, {"src/nothing_of_that_name.py": "x = 1\n"})
    mended = measured()
    assert (mended.failed, mended.total) == (1, 7)


def test_branches_are_measured_where_the_project_measures_them(
    project: Path,
    desk: Database,
    measured: Measured,
    commit: Callable[..., str],
    tmp_path: Path,
) -> None:
    text = (project / "pyproject.toml").read_text() + "[tool.coverage.run]\nbranch = true\n"
    commit(project, {"pyproject.toml": text})
    first = measured()
    assert without_empty(ours(desk, first.sha)) == without_empty(
        truth(project, tmp_path, branch=True)
    )
    commit(project, edit(project, "src/shop/prices.py", "LIMIT = 100", "# moved\nLIMIT = 100"))
    second = measured()
    assert second.selected == 0
    assert without_empty(ours(desk, second.sha)) == without_empty(
        truth(project, tmp_path, branch=True)
    )
    found = load_map(desk, second.sha)
    assert found is not None
    assert found.branch


def test_configuration_changes_run_everything(
    project: Path, measured: Measured, commit: Callable[..., str]
) -> None:
    measured()
    commit(project, {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-v'\n"})
    done = measured()
    assert done.selected == done.total == 6
    assert "configuration" in done.reason
    assert measured(full=True).reason == "every test, as asked"


def test_settings_of_coverages_report_alone_need_no_test_to_run(
    project: Path, desk: Database, measured: Measured, commit: Callable[..., str],
    tmp_path: Path,
) -> None:  # fmt: skip
    first = measured()
    text = (project / "pyproject.toml").read_text()
    more = "[tool.coverage.run]\nsource = ['src/shop', 'tests']\n"
    more += "[tool.coverage.report]\nexclude_also = ['LIMIT = ']\n"
    commit(project, {"pyproject.toml": text + more})
    second = measured()
    assert (second.selected, second.base) == (0, first.sha)
    assert second.executable != first.executable
    assert without_empty(ours(desk, second.sha)) == without_empty(
        truth(project, tmp_path, configured=True)
    )


def test_a_repository_without_tests_is_measured_as_uncovered(
    repo: Path, commit: Callable[..., str]
) -> None:
    set_config(find(repo), "copydesk.python", sys.executable)
    sha = commit(repo, {"lib.py": "def f():\n    return 1\n"})
    from copydesk.agent.coverage.measure.commit import measure

    with open_desk(find(repo).desk) as db:
        done = measure(db, Commit(find(repo), sha))
        assert (done.total, done.percent) == (0, 0.0)
        assert [g.function for g in db.gaps.of_commit(sha)]
        empty = commit(repo, {"lib.py": None, "README": "x"})
        done = measure(db, Commit(find(repo), empty))
        assert (done.percent, done.doubts) == (
            None,
            ("no test was found", "no line of code was counted"),
        )


def test_a_suite_that_cannot_run_is_one_clear_error(
    project: Path, measured: Measured, commit: Callable[..., str]
) -> None:
    commit(project, {"tests/conftest.py": "raise RuntimeError('broken on purpose')\n"})
    with pytest.raises(CopydeskError, match="broken on purpose") as caught:
        measured()
    assert caught.value.slug == "suite-broken"


def test_the_stored_total_is_exported_in_every_format(
    project: Path,
    desk: Database,
    measured: Measured,
    commit: Callable[..., str],
    tmp_path: Path,
) -> None:
    alone = {"src/shop/alone.py": "def alone():\n    return 1\n"}  # no test imports it
    commit(project, alone | {".coveragerc": "[run]\nbranch = true\nsource = src\n"})
    done = measured()
    for form, name in [("xml", "c.xml"), ("lcov", "c.lcov"), ("text", "c.txt"), ("data", ".cov")]:
        export(find(project), desk, done.sha, form, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0
    assert f"<source>{project}" in (tmp_path / "c.xml").read_text()
    kept = CoverageData(basename=str(tmp_path / ".cov"))
    kept.read()
    assert str(project / "src/shop/prices.py") in kept.measured_files()
    assert str(project / "src/shop/alone.py") in kept.measured_files()
    export(find(project), desk, done.sha, "html", tmp_path / "html")
    assert (tmp_path / "html" / "index.html").is_file()
    assert "src/shop/prices.py" in (tmp_path / "c.txt").read_text()
    with pytest.raises(CopydeskError, match="was not measured"):
        export(find(project), desk, "0" * 40, "json", tmp_path / "x")


def test_totals_add_up(desk: Database, measured: Measured) -> None:
    done = measured()
    found = load_totals(desk, done.sha)
    assert found is not None
    assert add_up(total.file_lines for total in found).percent == done.percent
    assert load_totals(desk, "0" * 40) is None
    assert load_map(desk, "0" * 40) is None
    assert desk.measures.get("0" * 40) is None


def test_an_audit_runs_every_test_and_names_what_had_drifted(
    project: Path,
    desk: Database,
    measured: Measured,
    commit: Callable[..., str],
    tmp_path: Path,
) -> None:
    flag = tmp_path / "flag"
    text = f"import os\n\n\ndef test_outside():\n    assert not os.path.exists({str(flag)!r})\n"
    commit(project, {"tests/test_outside.py": text})
    set_config(find(project), "copydesk.ownTests", "plain")
    set_config(find(project), "copydesk.auditMeasures", "2")
    assert measured().failed == 0
    for number in range(2):
        commit(project, {"README.md": f"{number}\n"})
        assert measured().selected == 0
    flag.touch()
    commit(project, edit(project, "src/shop/prices.py", "return 0", "return 0.0"))
    done = measured()
    assert (done.selected, done.base, done.failed) == (7, None, 1)
    assert "drifted: tests/test_outside.py::test_outside was passed, is failed" in done.reason
    flaky = desk.execute("SELECT name, flips, runs FROM tests_flaky").fetchall()
    assert flaky == [("tests/test_outside.py::test_outside", 1, 2)]
    for number in range(2):
        commit(project, {"README.md": f"again {number}\n"})
        assert measured().selected == 1
    commit(project, {"README.md": "the last\n"})
    assert measured().reason == "every test: an audit of the map; the map holds"
    assert ours(desk, measured().sha)


def test_an_audit_says_what_differs() -> None:
    texts = {"1": "a = 1\nb = 2\n"}
    blobs = {"m.py": "1"}

    def trace(name: str, lines: bytes, outcome: str = "passed") -> Trace:
        return Trace("test", name, outcome, 0.0, (Hit("m.py", "1", lines),))

    former = [trace("same", b"\x02"), trace("gone", b"\x02"), trace("other", b"\x02")]
    former += [trace("worse", b"\x02"), Trace("import", "m.py", "none", 0.0, ())]
    now = [trace("same", b"\x02"), trace("other", b"\x06"), trace("worse", b"\x02", "failed")]
    found = audit.find_drift({(t.kind, t.name): t for t in former}, now, blobs, texts.__getitem__)
    assert found == [
        "gone is gone",
        "other executes other lines of m.py",
        "worse was passed, is failed",
    ]
    assert audit.describe([*found, "x"]).endswith("is failed and 1 more")
    assert audit.describe([]) == "the map holds"


def test_files_run_in_the_order_in_which_they_are_likeliest_to_fail() -> None:
    affected = {"test_c.py::a": "executes changed code in x.py", "test_d.py::a": FAILED}
    affected |= {f"test_b.py::{n}": "executes changed code in x.py" for n in "ab"}
    files = ["test_a.py", "test_b.py", "test_c.py", "test_d.py", "test_e.py"]
    old = dict.fromkeys(files[:4], "1")
    new = {**dict.fromkeys(files, "1"), "test_a.py": "2"}
    base = CoverageMap("0" * 40, "", False, {("test", f"{f}::a"): _passed(f) for f in files[:4]})
    found = collection_order(Selection({}, set(files), affected), old, new, base)
    assert found == ["test_d.py", "test_a.py", "test_e.py", "test_b.py", "test_c.py"]


def _passed(path: str) -> Trace:
    return Trace("test", f"{path}::a", "passed", 0.0, ())
