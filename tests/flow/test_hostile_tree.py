"""A commit that plants a file wherever Python, pytest, coverage.py, git and formatters look.

Each of them leaves a mark in a folder outside of the repository when it runs. Behind the sandbox
that folder is not there, so a mark is a file of the repository that ran with the user's rights.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from copydesk.agent.cli.main import cli
from copydesk.agent.git import interpreter
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.sandbox import bubblewrap, tier, tier_partial
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.tier import detect

LIB = "def sign(n):\n    if n < 0:\n        return -1\n    return 1\n"
TEST = "from lib import sign\n\n\ndef test_sign():\n    assert sign(2) == 1\n"
PLANTED = (
    *("sitecustomize", "usercustomize", "src/sitecustomize", "src/usercustomize", "conftest"),
    *("site_hook", "cov_plugin", "src/cov_plugin", "pytest_extra", "pip/__main__", "click"),
    *("copydesk/__init__", "black", "isort", "ruff", "yapf", "pre_commit/__init__"),
)
SHADOWS = (
    *("json", "sqlite3/__init__", "coverage", "pytest", "site", "encodings/__init__", "tomllib"),
    *("importlib/__init__", "src/json", "_pytest/__init__", "pluggy", "multiprocessing/__init__"),
)
"""Modules without which neither Python nor pytest starts where the tree comes first."""
PYPROJECT = """\
[build-system]
requires = ["evil"]
build-backend = "site_hook"
backend-path = ["."]
[tool.pytest.ini_options]
addopts = "-p pytest_extra --import-mode=prepend"
pythonpath = ["src", "."]
[tool.coverage.run]
plugins = ["cov_plugin"]
source_pkgs = ["lib"]
concurrency = ["thread", "multiprocessing"]
dynamic_context = "test_function"
debug = ["trace", "config"]
debug_file = "{marks}/debug_file"
data_file = "{marks}/data_file"
[tool.coverage.html]
directory = "{marks}/html"
extra_css = "conftest.py"
[tool.coverage.json]
output = "{marks}/json_output"
[tool.coverage.xml]
output = "{marks}/xml_output"
[tool.black]
line-length = 100
[tool.isort]
sections = ["FUTURE"]
[tool.ruff]
extend = "ruff-extend.toml"
[tool.ruff.format]
quote-style = "single"
[tool.ruff.lint]
select = ["I"]
[tool.poetry]
name = "x"
[tool.poetry.requires-plugins]
evil = "*"
[tool.pdm.scripts]
pre_run = "touch {marks}/pdm"
[tool.uv]
python-preference = "system"
"""
GIT_CONFIG = """\
[core]
\tfsmonitor = touch {marks}/fsmonitor
\thooksPath = ./githooks
\tsshCommand = touch {marks}/ssh
[filter "evil"]
\tclean = touch {marks}/clean
\tsmudge = touch {marks}/smudge
\tprocess = touch {marks}/process
[diff]
\texternal = touch {marks}/external
[diff "evil"]
\ttextconv = touch {marks}/textconv
\tcommand = touch {marks}/command
[copydesk]
\tsandbox = off
\townTests = plain
\tpython = {repo}/venv/bin/python
\tbin = {repo}/bin
\tmodelHost = http://203.0.113.1:11434
\townTestsPaths = {marks}
"""


class Hostile(NamedTuple):
    repo: Path
    marks: Path

    def fired(self) -> list[str]:
        """What ran with the user's rights, or wrote with them."""
        return sorted(path.name for path in self.marks.iterdir())


def code(marks: Path, name: str) -> str:
    """Python that leaves a mark and goes on."""
    mark = marks / name.replace("/", ".")
    return f"try:\n    open({str(mark)!r}, 'w').close()\nexcept OSError:\n    pass\n"


def planted(repo: Path, marks: Path, names: Sequence[str]) -> dict[str, str]:
    """Everything that a commit can hold which might be run, by path."""
    script = f'#!/bin/sh\n: >"{marks}/$(basename "$0")"\nexec {sys.executable} "$@"\n'
    files = {f"{name}.py": code(marks, name) for name in names}
    files["cov_plugin.py"] += "def coverage_init(reg, options):\n    pass\n"
    files["src/cov_plugin.py"] = files["cov_plugin.py"]
    files["setup.py"] = files["noxfile.py"] = files["tasks.py"] = code(marks, "build")
    for folder in ("venv", "env", "bin", ".venv-tracked", ".poetry/plugins", "githooks"):
        for program in ("python", "python3", "git", "bwrap", "setpriv", "post-commit", "poetry"):
            files[f"{folder}/bin/{program}"] = script
            files[f"{folder}/{program}"] = script
    for folder in ("venv", "env"):
        files[f"{folder}/pyvenv.cfg"] = f"home = {repo}/bin\n"
    files[".poetry/plugins/evil.pth"] = f"import os; open({str(marks / 'pth')!r}, 'w')\n"
    files["evil.pth"] = files["src/evil.pth"] = files[".poetry/plugins/evil.pth"]
    files["pyproject.toml"] = PYPROJECT.format(marks=marks)
    files[".coveragerc"] = "[run]\nplugins = cov_plugin\n"
    files["poetry.lock"] = files["uv.lock"] = ""
    files["poetry.toml"] = "[virtualenvs]\nin-project = true\npath = './venv'\n"
    files[".python-version"] = "../../venv\n"
    files[".pdm-python"] = f"{repo}/venv/bin/python\n"
    files["pyvenv.cfg"] = f"home = {repo}/bin\n"
    files["uv.toml"] = "python-downloads = 'automatic'\n"
    files["ruff-extend.toml"] = "line-length = 100\n"
    files["tox.ini"] = f"[testenv]\ncommands = touch {marks}/tox\n[pytest]\naddopts = -p evil\n"
    files[".gitconfig"] = GIT_CONFIG.format(marks=marks, repo=repo)
    files[".gitattributes"] = "* filter=evil diff=evil\n"
    files[".style.yapf"] = "[style]\n"
    return files


@pytest.fixture
def hostile(tmp_path: Path, repo: Path, commit: Callable[..., str]) -> Hostile:
    """A project with an ordinary environment, into which it is installed in editable mode."""
    marks = tmp_path / "marks"
    marks.mkdir(mode=0o777)
    marks.chmod(0o777)
    (repo / ".gitignore").write_text(".venv\n__pycache__\n")
    commit(repo, {"lib.py": LIB, "tests/test_lib.py": TEST})
    venv.create(repo / ".venv", with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = repo / ".venv" / "lib" / version / "site-packages"
    for name in ("pytest", "_pytest", "coverage", "pluggy", "iniconfig", "packaging", "pygments"):
        for pattern in (name, f"{name}-*.dist-info"):
            for path in Path(sysconfig.get_path("purelib")).glob(pattern):
                shutil.copytree(path, packages / path.name)
    shutil.copy(Path(sysconfig.get_path("purelib")) / "py.py", packages)  # pytest looks for it
    # what `pip install -e .` writes: from then on every start of this Python looks into the tree
    (packages / "zz_project.pth").write_text(f"{repo}\n{repo}/src\n")
    return Hostile(repo, marks)


def plant(
    hostile: Hostile, commit: Callable[..., str], names: Sequence[str] = (*PLANTED, *SHADOWS)
) -> None:
    """Make the hostile commit, as a pull would bring it."""
    for path, text in planted(hostile.repo, hostile.marks, names).items():
        target = hostile.repo / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o755)
    commit(hostile.repo, {"lib.py": LIB + "\n\ndef twice(n):\n    return sign(n) * 2\n"})
    assert hostile.fired() == []
    # as a team's read-me asks for it
    subprocess.run(["git", "config", "include.path", "../.gitconfig"], cwd=hostile.repo, check=True)


def live(hostile: Hostile, *commands: str) -> dict[str, str]:
    """The whole life of a commit, by the command line; the output of each command by its words."""
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {"CI": "1", "EDITOR": "true", "PATH": f".:./bin:bin::{os.environ['PATH']}"}
    commands = list(commands) or [
        *("init --native --yes", "doctor", "config", "measure HEAD~1..HEAD", "status", "gaps"),
        *("gate --base HEAD~1", "gate --staged", "ci --base HEAD~1", "log", "replay HEAD~1..HEAD"),
        *("coverage --format json", "coverage --format html -o ../html", "coverage"),
        *("coverage --format xml", "coverage --format data -o ../data", "report -o ../report.html"),
        *("init --ci github --yes", "draft --all", "drafts", "accept 1", "edit 2", "story"),
    ]
    outputs = {}
    for words in commands:
        argv = [sys.executable, "-P", "-m", "copydesk.agent.cli.main", *words.split()]
        ended = subprocess.run(
            argv, cwd=hostile.repo, env=environment, capture_output=True, text=True, check=False
        )
        outputs[words] = ended.stdout + ended.stderr
        assert "this is a bug" not in ended.stderr, (words, ended.stderr)
        assert hostile.fired() == [], f"{words}: {ended.stdout}{ended.stderr}"
    (hostile.repo / "lib.py").write_text(LIB + "\n\ndef thrice(n):\n    return sign(n) * 3\n")
    for words in ("config --unset include.path", "add lib.py", "config include.path ../.gitconfig"):
        subprocess.run(["git", *words.split()], cwd=hostile.repo, check=True)
    gate = Path(interpreter.__file__).parents[2] / "hooks" / "gate.py"
    argv = [sys.executable, "-I", "-S", str(gate)]
    for more in ({}, {"PRE_COMMIT_FROM_REF": "HEAD~1", "PRE_COMMIT_TO_REF": "HEAD"}):
        subprocess.run(argv, cwd=hostile.repo, env=environment | more, check=False, timeout=120)
        assert hostile.fired() == []
    return outputs


def full_tier(hostile: Hostile) -> bool:
    return detect("auto", None, outside=(hostile.repo,)).tier is Tier.FULL


def test_the_planted_files_have_teeth(hostile: Hostile, commit: Callable[..., str]) -> None:
    plant(hostile, commit)
    argv = [str(hostile.repo / ".venv/bin/python"), "-I", "-c", "import coverage"]
    subprocess.run(argv, cwd="/", check=True)
    assert hostile.fired() == ["sitecustomize"]  # though -I looks at no variable and no folder
    subprocess.run([hostile.repo / "venv/bin/python", "-c", ""], check=True)
    assert "python" in hostile.fired()


def test_where_the_interpreter_is_asked_nothing_of_the_tree_runs(
    hostile: Hostile, commit: Callable[..., str]
) -> None:
    plant(hostile, commit)
    found = interpreter.find(find(hostile.repo))
    assert found.missing == []
    assert found.interpreter.path == hostile.repo / ".venv/bin/python"
    assert hostile.fired() == []


@pytest.mark.slow
def test_behind_the_full_sandbox_nothing_runs_outside_in_the_whole_life_of_a_commit(
    hostile: Hostile, commit: Callable[..., str]
) -> None:
    if not full_tier(hostile):
        pytest.skip("no full sandbox here")
    set_config(find(hostile.repo), "copydesk.ownTests", "sandbox")
    plant(hostile, commit, PLANTED)
    outputs = live(hostile)
    assert "covered" in outputs["measure HEAD~1..HEAD"]
    assert "do not count" in outputs["doctor"]
    assert "wrote" in outputs["accept 1"]
    rc_file = f"[run]\nplugins = cov_plugin\ndebug_file = {hostile.marks}/debug\n"
    subprocess.run(["git", "config", "--unset", "include.path"], cwd=hostile.repo, check=True)
    commit(hostile.repo, {".coveragerc": rc_file})
    argv = [sys.executable, "-P", "-m", "copydesk.agent.cli.main", "measure"]
    ended = subprocess.run(argv, cwd=hostile.repo, capture_output=True, text=True, check=False)
    assert "cannot read this project" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert hostile.fired() == []


@pytest.mark.slow
def test_modules_that_shadow_pythons_own_run_nowhere_but_in_the_sandbox(
    hostile: Hostile, commit: Callable[..., str]
) -> None:
    if not full_tier(hostile):
        pytest.skip("no full sandbox here")
    plant(hostile, commit)
    words = ("doctor", "measure HEAD~1..HEAD", "coverage", "replay HEAD", "gate --base HEAD~1")
    assert "cannot be run" in live(hostile, *words)["measure HEAD~1..HEAD"]


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without bubblewrap and without Landlock."""
    monkeypatch.setattr(bubblewrap, "find", lambda *_: (None, ()))
    monkeypatch.setattr(tier_partial, "missing", lambda: "this kernel has no Landlock")
    tier._detect.cache_clear()
    yield
    tier._detect.cache_clear()


@pytest.mark.usefixtures("no_sandbox")
@pytest.mark.parametrize("own_tests", ["sandbox", "auto"])
def test_without_a_sandbox_nothing_runs_unless_the_tests_may_run_plainly(
    hostile: Hostile,
    commit: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    own_tests: str,
) -> None:
    set_config(find(hostile.repo), "copydesk.ownTests", own_tests)
    plant(hostile, commit)
    monkeypatch.chdir(hostile.repo)
    monkeypatch.setenv("CI", "1")
    measuring = ["measure HEAD", "coverage", "replay HEAD", "draft --all"]
    for words in ["init --native --yes", "doctor", "config", "status", "gate --staged", *measuring]:
        if own_tests == "auto" and words in measuring:
            continue  # there the tests run with the user's rights, and copydesk says so
        ended = CliRunner().invoke(cli, words.split())
        assert hostile.fired() == [], words
        assert ended.exit_code == (2 if words in measuring[:3] else ended.exit_code), ended.output
