"""A failing test has a name wherever its failure is counted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find

WRONG = """\
from prices import discount


def test_discount():
    assert discount(100, 10) == 91
"""
LACKING = "import yaml_that_nobody_has\n"


@pytest.fixture
def broken(shop: Path, run: Any, commit: Callable[..., str]) -> Path:
    """The shop with a test that passed at the commit before, and one that cannot be collected."""
    assert run(shop, "measure").exit_code == 0
    commit(shop, {"test_prices.py": WRONG, "test_yaml.py": LACKING})
    return shop


def test_every_command_names_what_fails_why_and_what_shows_it_all(run: Any, broken: Path) -> None:
    measured = run(broken, "measure").stdout
    assert "1 test failed, 1 file could not be collected, 1 of them passed before:" in measured
    for words in (["status"], ["log"], ["report"], ["log", "--failures"], ["measure"]):
        output = run(broken, *words).stdout
        assert "test_prices.py::test_discount" in output, words
        assert "assert 90.0 == 91" in output, words
        assert "No module named 'yaml" in output, words
        assert f"{sys.executable} -m pip install yaml_that_nobody_has" in output, words
    for words in (["status"], ["log"], ["measure"]):
        assert "`copydesk log --failures` shows all that pytest said." in run(broken, *words).stdout


def test_the_command_that_shows_it_all_does(run: Any, broken: Path, git: Any) -> None:
    sha = git(broken, "rev-parse", "HEAD")
    run(broken, "measure")
    assert f"`copydesk log --failures --commit {sha[:8]}`" in run(broken, "report").stdout
    output = run(broken, "log", "--failures", "--commit", sha[:8]).stdout
    assert ">   assert discount(100, 10)" in output or "assert discount(100, 10) == 91" in output
    assert f"{sys.executable} -m pytest test_prices.py::test_discount test_yaml.py" in output
    before = run(broken, "log", "--failures", "--commit", "HEAD~1").stdout
    assert before == f"No test failed at {git(broken, 'rev-parse', 'HEAD~1')[:8]}.\n"


def test_the_same_is_there_to_be_read_by_programs(run: Any, broken: Path) -> None:
    (measured,) = json.loads(run(broken, "measure", "--json").stdout)
    head = json.loads(run(broken, "status", "--json").stdout)["head"]
    report = json.loads(run(broken, "report", "--json", "--no-insight").stdout)
    log = json.loads(run(broken, "log", "--failures", "--json").stdout)
    for tests in (measured["failing"], head["failing"], report["failing"], log["tests"]):
        assert [(test["test"], test["before"]) for test in tests] == [
            ("test_prices.py::test_discount", "passed"),
            ("test_yaml.py", "new"),
        ]
    assert "pip install yaml_that_nobody_has" in head["install"]
    assert report["install"]["command"].endswith("-m pip install yaml_that_nobody_has")


def test_with_a_failing_test_nothing_is_said_to_be_done(run: Any, broken: Path) -> None:
    run(broken, "measure")
    output = run(broken, "status").stdout
    assert "nothing to do." not in output.splitlines()[-1]
    assert output.endswith("Next: `copydesk log --failures` shows why tests fail.\n")


def test_the_page_names_failing_tests(run: Any, broken: Path, tmp_path: Path) -> None:
    run(broken, "measure")
    page = tmp_path / "report.html"
    run(broken, "report", "--no-insight", "-o", str(page))
    assert 'id="failed"' in page.read_text()
    assert "assert 90.0 == 91" in page.read_text()


def test_a_module_of_the_project_itself_is_not_to_be_installed(
    run: Any, shop: Path, commit: Callable[..., str]
) -> None:
    commit(shop, {"lib/own/__init__.py": "", "test_own.py": "import own\n"})
    output = run(shop, "measure").stdout
    assert "No module named 'own'" in output
    assert "pip install" not in output


def test_a_package_has_the_name_that_it_is_installed_by(
    run: Any, shop: Path, commit: Callable[..., str]
) -> None:
    commit(shop, {"test_a.py": "raise ModuleNotFoundError(\"No module named 'cv2.aruco'\")\n"})
    assert "-m pip install opencv-python`" in run(shop, "measure").stdout


def test_what_copydesk_failed_on_is_shown(run: Any, shop: Path) -> None:
    with open_desk(find(shop).desk) as db:
        try:
            raise IndexError("list index out of range")
        except IndexError as error:
            db.failed_items.record("draft", "a" * 40, "prices.py::label", error)
    assert "1 item (draft prices.py::label: IndexError: list index" in run(shop, "status").stdout
    output = run(shop, "log", "--failures").stdout
    assert "draft aaaaaaaa prices.py::label: IndexError: list index out of range" in output
    (item,) = json.loads(run(shop, "log", "--failures", "--json").stdout)["left_out"]
    assert "Traceback" in item["trace"]


@pytest.mark.parametrize("words", [["--commit", "HEAD"], ["--failures", "--model"]])
def test_options_that_do_not_go_together_are_refused(run: Any, shop: Path, words: Any) -> None:
    assert run(shop, "log", *words).exit_code == 2


def test_doctor_collects_once_and_names_what_is_missing(run: Any, broken: Path) -> None:
    run(broken, "measure")
    findings = {row["name"]: row for row in json.loads(run(broken, "doctor", "--json").stdout)}
    assert findings["tests"]["state"] == "wrong"
    assert "1 file cannot be collected" in findings["tests"]["said"]
    assert "No module named 'yaml_that_nobody_has'" in findings["tests"]["said"]
    assert findings["tests"]["fix"].endswith("-m pip install yaml_that_nobody_has")


def test_doctor_counts_the_tests_of_a_sound_project(run: Any, shop: Path) -> None:
    run(shop, "measure")
    findings = {row["name"]: row for row in json.loads(run(shop, "doctor", "--json").stdout)}
    assert findings["tests"]["state"] == "ok"
    assert "pytest collects 1 test at" in findings["tests"]["said"]
