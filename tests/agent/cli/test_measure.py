import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli import measure as module
from copydesk.agent.daemon import control
from copydesk.agent.desk.measures import Measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository


def test_measure_says_what_it_found_and_progress_apart(run: Any, shop: Path) -> None:
    done = run(shop, "measure")
    assert done.exit_code == 0, done.output
    assert "50.0 % covered (4 of 8), 1 of 1 test run" in done.stdout
    assert "  why: every test: the first measure" in done.stdout
    assert "`copydesk gaps` lists" in done.stdout
    assert done.stderr.splitlines()[0].startswith("measuring ")


def test_a_range_is_measured_commit_by_commit(
    run: Any, repo: Path, git: Callable[..., str], commit: Callable[..., str]
) -> None:
    git(repo, "config", "copydesk.python", sys.executable)
    first = commit(repo, {"b.txt": "x"}, "one")
    second = commit(repo, {"a.py": "x = 1\n"}, "two")
    done = run(repo, "measure", f"{first}~1..{second}")
    assert done.exit_code == 0, done.output
    assert [line[:8] for line in done.stdout.splitlines() if line[0] != " "][:2] == [
        first[:8],
        second[:8],
    ]
    assert "no line counted, 0 of 0 tests run" in done.stdout
    assert "There are no tests yet; `copydesk draft` writes the first ones." in done.stdout
    done = run(repo, "coverage", first)
    assert done.exit_code == 2
    assert "messages.md#nothing-to-report" in done.output
    for command in ("gaps", "draft"):
        said = run(repo, command, first).output
        assert f"Nothing is known of {first[:8]}: no test was found." in said
    assert run(repo, "draft", "--json", first).output == "[]\n"
    assert run(repo, "measure", "HEAD..HEAD~1").output == "There is no commit in HEAD..HEAD~1.\n"
    assert run(repo, "measure", "HEAD..HEAD~1", "--json").output == "[]\n"


def test_a_broken_suite_is_a_problem_with_its_error(
    run: Any, shop: Path, commit: Callable[..., str]
) -> None:
    commit(shop, {"conftest.py": "raise RuntimeError('oh no')\n"})
    done = run(shop, "measure")
    assert done.exit_code == 2
    assert "RuntimeError: oh no" in done.output
    assert done.output.endswith("messages.md#suite-broken (`copydesk help suite-broken`)\n")


@pytest.mark.parametrize(
    ("files", "package"),
    [
        ({"conftest.py": "import yaml_not_here\n"}, "yaml_not_here"),
        ({"conftest.py": "pytest_plugins = ['plugin_not_here']\n"}, "plugin_not_here"),
        ({"pytest.ini": "[pytest]\naddopts = -p plugin_not_here\n"}, "plugin_not_here"),
    ],
    ids=["import", "plugin of a conftest", "plugin of the configuration"],
)
def test_a_suite_that_lacks_a_module_names_what_to_install(
    run: Any, shop: Path, commit: Callable[..., str], files: dict[str, str], package: str
) -> None:
    commit(shop, files)
    for words in (["measure"], ["ci"]):
        done = run(shop, *words)
        assert f"has no module {package}; install what the tests need: " in done.output, words
        assert f"-m pip install {package}`" in done.output


def test_a_module_of_the_project_is_nothing_to_install(
    run: Any, shop: Path, commit: Callable[..., str]
) -> None:
    commit(shop, {"conftest.py": "import helper\n", "tools/helper.py": ""})
    done = run(shop, "measure")
    assert "No module named 'helper'" in done.output
    assert "pip install" not in done.output


def test_a_commit_that_cannot_be_measured_costs_no_other(
    run: Any, shop: Path, git: Callable[..., str], commit: Callable[..., str]
) -> None:
    start = git(shop, "rev-parse", "HEAD")
    broken = commit(shop, {"conftest.py": "raise RuntimeError('oh no')\n"})
    mended = commit(shop, {"conftest.py": ""})
    done = run(shop, "measure", f"{start}..HEAD")
    assert done.exit_code == 1
    first, *others = done.stdout.splitlines()
    assert first.startswith(f"{broken[:8]}: not measured: ")
    assert "RuntimeError: oh no" in done.output
    assert any(line.startswith(f"{mended[:8]}  50.0 % covered") for line in others)
    done = run(shop, "measure", f"{start}..HEAD", "--json")
    assert done.exit_code == 1
    rows = json.loads(done.stdout)
    assert [row["commit"] for row in rows] == [broken, mended]
    assert rows[0]["slug"] == "suite-broken"
    assert rows[1]["percent"] == 50.0


def test_a_missing_interpreter_is_named(run: Any, shop: Path, git: Callable[..., str]) -> None:
    git(shop, "config", "copydesk.python", "/nowhere/python")
    done = run(shop, "measure")
    assert done.exit_code == 2
    assert "/nowhere/python, which cannot be used" in done.output


@pytest.mark.parametrize("command", ["measure", "gaps", "coverage", "draft", "story"])
def test_no_commit_and_no_such_revision(
    run: Any, tmp_path: Path, git: Callable[..., str], shop: Path, command: str
) -> None:
    git(tmp_path, "init", "-q")
    done = run(tmp_path, command)
    assert (done.exit_code, "messages.md#no-commits" in done.output) == (2, True)
    words = ["--range", "nowhere"] if command == "story" else ["nowhere"]
    done = run(shop, command, *words)
    assert (done.exit_code, "messages.md#no-such-revision" in done.output) == (2, True)


def test_measuring_by_hand_lets_the_daemon_go_on(
    run: Any, shop: Path, monkeypatch: pytest.MonkeyPatch, git: Callable[..., str]
) -> None:
    sha = git(shop, "rev-parse", "HEAD")
    woken: list[object] = []
    monkeypatch.setattr(control, "ensure", woken.append)
    monkeypatch.setattr(module.measuring, "measure", lambda *_, **__: _measure(sha, 100.0))
    assert run(shop, "measure").exit_code == 0
    assert not woken
    with open_desk(repository.find(shop).desk) as db:
        db.jobs.enqueue("measure", sha)
        job = db.jobs.lease()
        assert job
        db.jobs.fail(job, "boom", final=True)
    said = run(shop, "measure").stdout
    assert woken
    assert "1 failed" in said
    assert "`copydesk gaps`" not in said
    (found,) = json.loads(run(shop, "measure", "--json").stdout)
    assert {"commit", "selected", "total", "seconds", "percent", "reason"} <= found.keys()
    assert (found["commit"], found["percent"]) == (sha, 100)
    with open_desk(repository.find(shop).desk) as db:
        assert db.jobs.counts().ready == 1


def _measure(sha: str, percent: float) -> Measure:
    return Measure(sha, None, "as told", 3, 4, 2, 1, 0, 10, 10, percent, 61.0)


def test_gaps_in_words_and_json(run: Any, measured_shop: Path) -> None:
    said = run(measured_shop, "gaps").output
    lines = said.splitlines()
    assert lines[0].split() == ["Function", "Lines", "Risk", "Why"]
    assert {line.split()[1] for line in lines[1:3]} == {"prices.py::label", "prices.py::discount"}
    assert all(line.startswith("*") for line in lines[1:3])
    assert "`copydesk draft`" in said
    found = json.loads(run(measured_shop, "gaps", "--json").output)
    assert {"path", "function", "lines", "branches", "risk", "reasons"} <= found[0].keys()
    label = next(gap for gap in found if gap["function"] == "label")
    assert label["lines"] == [13, 14, 15]
    assert len(json.loads(run(measured_shop, "gaps", "--json", "--limit", "1").output)) == 1
    lines = run(measured_shop, "gaps", "--format", "quickfix").output.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        f"prices.py:{gap['lines'][0]}: {gap['function']}" for gap in found
    ]
    assert "… and 1 more; --limit 2 lists all." in run(measured_shop, "gaps", "--limit", "1").output


def test_what_was_not_measured_names_the_nearest_that_was(
    run: Any, measured_shop: Path, shop: Path
) -> None:
    done = run(measured_shop, "gaps", "HEAD~1")
    assert done.exit_code == 2
    assert "was not measured\n`copydesk measure" in done.output
    clone = shop.parent / "clone"
    subprocess.run(["git", "clone", "-q", measured_shop, clone], check=True)
    (clone / ".git/copydesk").mkdir()
    source = measured_shop / ".git/copydesk/desk.db"
    (clone / ".git/copydesk/desk.db").write_bytes(source.read_bytes())
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], cwd=clone, check=True)
    assert "; the nearest measured one is " in run(clone, "coverage").output


def test_coverage_in_every_format(run: Any, measured_shop: Path, tmp_path: Path) -> None:
    text = run(measured_shop, "coverage").output
    assert "TOTAL" in text
    assert "13-15" in text
    found = json.loads(run(measured_shop, "coverage", "--json").output)
    assert found["files"]["prices.py"]["missing_lines"] == [7, 13, 14, 15]
    assert found == json.loads(run(measured_shop, "coverage", "--format", "json").output) | {
        "meta": found["meta"]
    }
    for form, name in (("xml", "c.xml"), ("html", "pages"), ("data", "c.data")):
        path = tmp_path / name
        done = run(measured_shop, "coverage", "--format", form, "-o", str(path))
        assert done.exit_code == 0, done.output
        assert str(path) in done.output
        assert path.exists()
    assert (tmp_path / "pages/index.html").is_file()


def test_coverage_without_place_leaves_the_working_tree_alone(
    run: Any, measured_shop: Path
) -> None:
    done = run(measured_shop, "coverage", "--format", "data")
    path = Path(done.output.removeprefix("Wrote ").strip())
    assert path.is_file()
    assert path.is_relative_to(measured_shop / ".git/copydesk")
    said = subprocess.run(
        ["git", "status", "--short"], cwd=measured_shop, capture_output=True, check=True
    )
    assert said.stdout == b""
