"""What a draft does in the user's own environment, in a copy of what is saved there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.git import repository
from copydesk.agent.git import worktree_copy as copies
from copydesk.agent.git.interpreter import ready
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.accept.placement import Placement
from copydesk.agent.testgen.accept.run_in_copy import run_in_copy
from copydesk.agent.testgen.accept.run_in_place import InPlace

CALC = "def add(a, b):\n    return a + b\n"
GOOD = "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"

Project = Callable[..., repository.Repository]


@pytest.fixture
def project(repo: Path, commit: Callable[..., str]) -> Project:
    def make(files: dict[str, str], own_tests: str = "plain") -> repository.Repository:
        commit(repo, {"calc.py": CALC, **files})
        found = repository.find(repo)
        repository.set_config(found, "copydesk.python", sys.executable)
        repository.set_config(found, "copydesk.ownTests", own_tests)
        return found

    return make


@pytest.mark.slow
def test_a_good_test_passes_and_the_work_tree_stays_as_it_is(project: Project, repo: Path) -> None:
    found = project({"notes.txt": "mine\n"})
    (repo / "notes.txt").write_text("changed\n")
    writes = GOOD + '\n\ndef test_notes():\n    open("notes.txt", "a").write("more")\n'
    before = sorted(repo.glob("*"))
    assert run_in_copy(found, Placement("test_calc.py", writes, None)) == InPlace("passes")
    assert (repo / "notes.txt").read_text() == "changed\n"
    assert sorted(repo.glob("*")) == before


def test_one_that_meets_what_is_saved_and_not_committed_fails(project: Project, repo: Path) -> None:
    found = project({})
    (repo / "calc.py").write_text(CALC.replace("+", "-"))
    outcome = run_in_copy(found, Placement("test_calc.py", GOOD, None))
    assert outcome.verdict == "fails"
    assert outcome.why.startswith("test_add: ")
    assert "-1 == 5" in outcome.why


def test_one_that_the_users_environment_breaks_fails(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import os\n\n\ndef test_region():\n    assert 'REGION' not in os.environ\n"
    monkeypatch.setenv("REGION", "here")
    outcome = run_in_copy(project({}), Placement("test_region.py", text, None))
    assert (outcome.verdict, outcome.why[:13]) == ("fails", "test_region: ")


def test_a_neighbour_that_it_disturbs_is_named_and_one_that_failed_before_is_not(
    project: Project, repo: Path
) -> None:
    old = (
        "import calc\n\n\ndef test_broken():\n    assert 0\n\n\ndef test_same():\n"
        "    assert calc.add is ADD\n\n\nADD = calc.add\n"
    )
    found = project({"test_calc.py": old})
    good = old + "\n\ndef test_add():\n    assert calc.add(2, 3) == 5\n"
    assert run_in_copy(found, Placement("test_calc.py", good, old)) == InPlace("passes")
    bad = old + "\n\ndef setup_module():\n    calc.add = None\n\n\ndef test_add():\n    pass\n"
    outcome = run_in_copy(found, Placement("test_calc.py", bad, old))
    assert outcome == InPlace("fails", "test_same of that file fails beside it")


@pytest.mark.slow
def test_a_module_that_plain_pytest_cannot_import_fails(project: Project) -> None:
    text = GOOD.replace("calc", "elsewhere")
    outcome = run_in_copy(project({}), Placement("test_calc.py", text, None))
    assert outcome == InPlace("fails", "ModuleNotFoundError: No module named 'elsewhere'")


def test_a_project_whose_pytest_is_started_as_a_module_is_let_be(project: Project) -> None:
    outcome = run_in_copy(project({}), Placement("tests/test_calc.py", GOOD, None))
    assert outcome.verdict == "passes"
    assert outcome.why.startswith("as `python -m pytest`; ")


@pytest.mark.slow
def test_a_floor_of_the_project_for_its_whole_suite_is_no_failure(project: Project) -> None:
    options = "[pytest]\naddopts = --cov --cov-fail-under=100\n"
    found = project({"pytest.ini": options, "other.py": "def f():\n    return 1\n"})
    assert run_in_copy(found, Placement("test_calc.py", GOOD, None)) == InPlace("passes")


@pytest.mark.slow
def test_one_that_pytest_does_not_collect_fails(project: Project) -> None:
    deselect = "[pytest]\naddopts = -k nothing_is_called_so\n"
    found = project({"pytest.ini": deselect})
    outcome = run_in_copy(found, Placement("test_calc.py", GOOD, None))
    assert outcome == InPlace("fails", "pytest collects no test in test_calc.py")


@pytest.mark.slow
def test_it_runs_in_the_projects_own_folder_under_its_configuration(project: Project) -> None:
    found = project(
        {
            "back/pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['lib']\n",
            "back/lib/calc.py": CALC,
            "calc.py": "",
        }
    )
    outcome = run_in_copy(found, Placement("back/tests/test_calc.py", GOOD, None))
    assert outcome == InPlace("passes")


@pytest.mark.slow
def test_generated_modules_go_along_and_private_ones_are_named(
    project: Project, repo: Path
) -> None:
    found = project({".gitignore": "_version.py\napi_keys.py\n"})
    (repo / "_version.py").write_text("version = 3\n")
    (repo / "api_keys.py").write_text("key = 1\n")
    uses = "from _version import version\n\n\ndef test_version():\n    assert version == 3\n"
    assert run_in_copy(found, Placement("test_v.py", uses, None)) == InPlace("passes")
    private = uses.replace("_version", "api_keys", 1)
    outcome = run_in_copy(found, Placement("test_v.py", private, None))
    assert outcome == InPlace("not run", "api_keys.py was not copied, for its name is private")


@pytest.mark.slow
def test_an_editable_install_leads_to_the_copy(
    project: Project, repo: Path, tmp_path: Path
) -> None:
    found = project({"lib/shop.py": "PLACE = __file__\n"})
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
    (packages,) = env.glob("lib/python*/site-packages")
    outer = Path(pytest.__file__).parents[1]
    (packages / "both.pth").write_text(f"{outer}\n{repo / 'lib'}\n")
    repository.set_config(found, "copydesk.python", str(env / "bin" / "python"))
    text = (
        f"import shop\n\n\ndef test_place():\n    assert not shop.PLACE.startswith({str(repo)!r})\n"
    )
    assert run_in_copy(found, Placement("test_shop.py", text, None)) == InPlace("passes")


def test_what_cannot_be_run_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    found = project({})
    endless = "import time\n\n\ndef test_it():\n    time.sleep(600)\n"
    monkeypatch.setattr(sys.modules[run_in_copy.__module__], "SECONDS", 0.1)
    outcome = run_in_copy(found, Placement("test_it.py", endless, None))
    assert outcome.verdict == "not run"
    assert "took longer than 0.1 s" in outcome.why
    monkeypatch.setattr(copies, "MOST_FILES", 0)
    outcome = run_in_copy(found, Placement("test_it.py", GOOD, None))
    assert (outcome.verdict, "too much to copy" in outcome.why) == ("not run", True)


@pytest.mark.slow
def test_a_broken_configuration_is_said_and_blames_nobody(project: Project) -> None:
    found = project({"pytest.ini": "[pytest]\naddopts = --no-such-option\n"})
    outcome = run_in_copy(found, Placement("test_calc.py", GOOD, None))
    assert outcome.verdict == "not run"
    assert "exit code 4" in outcome.why


def test_a_sandbox_that_is_asked_for_and_is_not_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = project({}, own_tests="sandbox")
    repository.set_config(found, "copydesk.sandbox", "off")
    outcome = run_in_copy(found, Placement("test_calc.py", GOOD, None))
    assert outcome.verdict == "not run"
    assert "without a sandbox" in outcome.why


@pytest.mark.slow
def test_in_the_sandbox_it_runs_without_the_working_tree(project: Project, repo: Path) -> None:
    found = project({}, own_tests="sandbox")
    capability = detect("auto", ready(found), outside=(repo,))
    if capability.tier is not Tier.FULL:
        pytest.skip(capability.reason)
    text = GOOD + (
        "\n\ndef test_tree():\n    import os\n\n"
        f"    assert not os.path.exists({str(repo / 'calc.py')!r})\n"
        "    open('written', 'w').close()\n"
    )
    assert run_in_copy(found, Placement("test_calc.py", text, None)) == InPlace("passes")
    assert not (repo / "written").exists()
