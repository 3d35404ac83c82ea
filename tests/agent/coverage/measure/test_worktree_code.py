"""What is not committed never runs in a measure, however the project is installed."""

from __future__ import annotations

import site
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.sandbox.tier import Tier, detect

FILES = {
    ".gitignore": ".venv\n",
    "python/shop/__init__.py": "def f(x):\n    return x\n",
    "code_of_tools/__init__.py": "def g(x):\n    return x\n",
    "tests/test_all.py": (
        "import subprocess\nimport sys\n\nimport shop\nimport tools\n\n\n"
        "def test_both():\n    assert (shop.f(1), tools.g(1)) == (1, 1)\n\n\n"
        "def test_child():\n    code = 'import shop, tools; exit(shop.f(7) + tools.g(1))'\n"
        "    assert subprocess.run([sys.executable, '-c', code]).returncode == 8\n"
    ),
}
FINDER = """
import sys
from importlib.util import spec_from_file_location
MAPPING = {mapping!r}
class Finder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in MAPPING:
            return spec_from_file_location(fullname, MAPPING[fullname] + "/__init__.py")
sys.meta_path.append(Finder)
"""


@pytest.fixture
def installed(repo: Path, commit: Callable[..., str]) -> tuple[Path, Path]:
    """A project with an environment of its own, in which it is installed in editable mode."""
    commit(repo, FILES)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", repo / ".venv"], check=True)
    (packages,) = (repo / ".venv").glob("lib/python3*/site-packages")
    (packages / "ours.pth").write_text("\n".join(site.getsitepackages()))
    (packages / "__editable__.shop.pth").write_text(f"{repo}/python\n")
    mapping = {"tools": f"{repo}/code_of_tools"}
    (packages / "__editable___tools_1_finder.py").write_text(FINDER.format(mapping=mapping))
    (packages / "__editable__.tools.pth").write_text("import __editable___tools_1_finder\n")
    return repo, packages


@pytest.mark.parametrize("own_tests", ["plain", "sandbox"])
def test_the_commits_own_code_runs(
    installed: tuple[Path, Path], commit: Callable[..., str], own_tests: str
) -> None:
    repo, _ = installed
    if own_tests == "sandbox" and detect(outside=(repo,)).tier is not Tier.FULL:
        pytest.skip("no sandbox here")
    set_config(find(repo), "copydesk.ownTests", own_tests)
    broken = {path: FILES[path].replace("return x", "return x + 2") for path in list(FILES)[1:3]}
    first = commit(repo, {"more.txt": "1\n"})
    with open_desk(find(repo).desk) as db:
        for path, text in broken.items():
            (repo / path).write_text(text)  # the working tree fails, the commit passes
        assert measure(db, Commit(find(repo), first)).failed == 0
        second = commit(repo, broken)
        for path in broken:
            (repo / path).write_text(FILES[path])  # and the other way round
        assert measure(db, Commit(find(repo), second)).failed == 2


def test_what_a_pth_file_imports_before_everything_is_refused_by_name(
    installed: tuple[Path, Path], commit: Callable[..., str]
) -> None:
    repo, packages = installed
    set_config(find(repo), "copydesk.ownTests", "plain")
    sha = commit(repo, {"hooked.py": "HOOKED = 1\n"})
    code = f"import sys; sys.path.insert(0, {str(repo)!r}); import hooked; sys.path.pop(0)\n"
    (packages / "zzz.pth").write_text(code)
    with (
        open_desk(find(repo).desk) as db,
        pytest.raises(CopydeskError, match=r"hooked\.py from the working tree") as caught,
    ):
        measure(db, Commit(find(repo), sha))
    assert caught.value.slug == "worktree-code"


ISOLATED = """\
import subprocess
import sys


def test_isolated():
    assert subprocess.run([sys.executable, "-I", "-c", "import shop"]).returncode == 0


def test_of_its_own():
    assert subprocess.run([sys.executable, "-c", "import shop"], env={}).returncode == 0


def test_plain():
    assert subprocess.run([sys.executable, "-c", "import shop"]).returncode == 0
"""


@pytest.mark.parametrize("own_tests", ["plain", "sandbox"])
def test_a_python_that_knows_nothing_of_the_commit_is_named(
    installed: tuple[Path, Path], commit: Callable[..., str], own_tests: str
) -> None:
    repo, _ = installed
    if own_tests == "sandbox" and detect(outside=(repo,)).tier is not Tier.FULL:
        pytest.skip("no sandbox here")
    set_config(find(repo), "copydesk.ownTests", own_tests)
    sha = commit(repo, {"tests/test_isolated.py": ISOLATED})
    with open_desk(find(repo).desk) as db:
        measured = measure(db, Commit(find(repo), sha))
        failed = db.failed_tests.of_commit(sha)
    names = "tests/test_isolated.py::test_isolated, tests/test_isolated.py::test_of_its_own"
    if own_tests == "plain":
        assert "may have run what is not committed" in measured.reason
        assert measured.reason.endswith(names)
    else:
        assert "not committed" not in measured.reason
    for test in failed:
        assert own_tests == "sandbox"
        assert "in which the project cannot be imported in the sandbox" in test.error
