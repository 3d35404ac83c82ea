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
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from tests.flow.planted_files import MODULES, OF_OTHER_SYSTEMS, SHADOWS, options_that_write, planted

from copydesk.agent.cli.main import cli
from copydesk.agent.git import interpreter
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.sandbox import bubblewrap, tier, tier_partial
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.setup.git_hooks import write_hook_scripts

LIB = "def sign(n):\n    if n < 0:\n        return -1\n    return 1\n"
TEST = "from lib import sign\n\n\ndef test_sign():\n    assert sign(2) == 1\n"
HARMLESS = (*MODULES, *OF_OTHER_SYSTEMS)
"""With these the tests can be run."""


Git = Callable[..., str]


class Hostile(NamedTuple):
    repo: Path
    marks: Path

    def fired(self) -> list[str]:
        """What ran with the user's rights, or wrote with them."""
        return sorted(path.name for path in self.marks.iterdir())


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
    hostile: Hostile, git: Git, names: Sequence[str] = (*HARMLESS, *SHADOWS), **more: str
) -> None:
    """Make the hostile commit, as a pull would bring it.

    Args:
        hostile: Where.
        git: Runs git.
        names: The modules to plant.
        more: Further files; "_" stands for the dot in their names.
    """
    repo = hostile.repo
    contents = planted(repo, hostile.marks, names)
    contents |= {path.replace("_", "."): text.encode() for path, text in more.items()}
    contents["lib.py"] = (LIB + "\n\ndef twice(n):\n    return sign(n) * 2\n").encode()
    for path, content in contents.items():
        target = repo / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755)
    # forged bytecode too, which the project's .gitignore names
    git(repo, "add", "-f", *contents)
    (repo / "submodule").mkdir()
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},submodule")
    git(repo, "commit", "-q", "--no-verify", "-m", "A change")
    _sign(repo, git)
    assert hostile.fired() == []
    _follow_the_read_me(repo)


def _sign(repo: Path, git: Git) -> None:
    """Give the last commit a signature, which git would have a program check."""
    head, _, message = git(repo, "cat-file", "commit", "HEAD").partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    signed = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"], cwd=repo, check=True, text=True,
        input=f"{head}\n{signature}\n\n{message}\n", capture_output=True,
    )  # fmt: skip
    git(repo, "update-ref", "HEAD", signed.stdout.strip())


def _follow_the_read_me(repo: Path) -> None:
    """As a team's read-me asks for it."""
    # by its path, for what the file says would be run by the user's own git
    subprocess.run(
        ["git", "config", "--file", ".git/config", "include.path", "../.gitconfig"],
        cwd=repo, check=True,
    )  # fmt: skip


def _leave_the_read_me(repo: Path) -> None:
    subprocess.run(
        ["git", "config", "--file", ".git/config", "--unset", "include.path"], cwd=repo, check=False
    )


LIFE = (
    *("init --native --yes", "doctor", "config", "measure HEAD~1..HEAD", "status", "gaps"),
    *("gate --base HEAD~1", "gate --staged", "ci --base HEAD~1", "log", "replay HEAD~1..HEAD"),
    *("coverage --format json", "coverage --format html -o ../html", "coverage"),
    *("coverage --format xml", "coverage --format data -o ../data", "report -o ../report.html"),
    *("init --ci github --yes", "init --ci gitlab --yes", "draft --all", "drafts", "accept 1"),
    *("edit 2", "story", "export 3", "predict HEAD", "daemon status", "log --failures"),
    *("-C bare status", "-C bare gate --staged", "-C bare doctor", "init --undo --yes"),
)
"""The whole life of a commit, by the command line."""
A_SHORT_LIFE = (
    *("init --native --yes", "doctor", "measure HEAD~1..HEAD", "coverage --format json", "gaps"),
    *("gate --base HEAD~1", "ci --base HEAD~1", "draft lib.py", "accept 1", "story", "status"),
)


def live(
    hostile: Hostile, *commands: str, before: Sequence[str] = (), plainly: bool = False
) -> dict[str, str]:
    """Run commands.

    Args:
        hostile: Where.
        commands: Their words; the whole life of a commit when left out.
        before: What each is started by.
        plainly: Whether the tests run with the user's rights: what they load may leave marks.

    Returns:
        The output of each command by its words.
    """
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {"CI": "1", "EDITOR": "true", "PATH": f".:./bin:bin::{os.environ['PATH']}"}
    outputs = {}
    for words in commands or LIFE:
        argv = [*before, sys.executable, "-P", "-m", "copydesk.agent.cli.main", *words.split()]
        ended = subprocess.run(
            argv, cwd=hostile.repo, env=environment, capture_output=True, text=True, check=False
        )
        outputs[words] = ended.stdout + ended.stderr
        assert "this is a bug" not in ended.stderr, (words, ended.stderr)
        if not plainly:
            assert hostile.fired() == [], f"{words}: {ended.stdout}{ended.stderr}"
    (hostile.repo / "lib.py").write_text(LIB + "\n\ndef thrice(n):\n    return sign(n) * 3\n")
    _leave_the_read_me(hostile.repo)
    subprocess.run(["git", "add", "lib.py"], cwd=hostile.repo, check=True)
    _follow_the_read_me(hostile.repo)
    fired = hostile.fired()
    argv = [*before, str(write_hook_scripts(find(hostile.repo)) / "gate")]
    for more in ({}, {"PRE_COMMIT_FROM_REF": "HEAD~1", "PRE_COMMIT_TO_REF": "HEAD"}):
        for folder in (hostile.repo, hostile.repo / "bare"):
            ended = subprocess.run(
                argv, cwd=folder, env=environment | more, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert "Traceback" not in ended.stderr
            assert hostile.fired() == fired
    return outputs


def full_tier(hostile: Hostile) -> bool:
    return detect("auto", None, outside=(hostile.repo,)).tier is Tier.FULL


def test_the_planted_files_have_teeth(hostile: Hostile, git: Git) -> None:
    plant(hostile, git)
    argv = [str(hostile.repo / ".venv/bin/python"), "-I", "-c", "import coverage"]
    subprocess.run(argv, cwd="/", check=True)
    # though -I looks at no variable and no folder; what is compiled wins over its source
    assert "nt.pyc" in hostile.fired()
    subprocess.run([hostile.repo / "venv/bin/python", "-c", ""], check=True)
    assert "python" in hostile.fired()
    subprocess.run(["git", "status"], cwd=hostile.repo, check=False, capture_output=True)
    assert "fsmonitor" in hostile.fired()


def test_where_the_interpreter_is_asked_nothing_of_the_tree_runs(
    hostile: Hostile, git: Git
) -> None:
    plant(hostile, git)
    found = interpreter.find(find(hostile.repo))
    assert found.missing == []
    assert found.interpreter.path == hostile.repo / ".venv/bin/python"
    assert hostile.fired() == []


@pytest.mark.slow
def test_behind_the_full_sandbox_nothing_runs_outside_in_the_whole_life_of_a_commit(
    hostile: Hostile, git: Git, commit: Callable[..., str]
) -> None:
    if not full_tier(hostile):
        pytest.skip("no full sandbox here")
    set_config(find(hostile.repo), "copydesk.ownTests", "sandbox")
    plant(hostile, git, HARMLESS)
    outputs = live(hostile)
    assert "covered" in outputs["measure HEAD~1..HEAD"]
    assert "do not count" in outputs["doctor"]
    assert "wrote" in outputs["accept 1"]
    rc_file = f"[run]\nplugins = cov_plugin\ndebug_file = {hostile.marks}/debug\n"
    _leave_the_read_me(hostile.repo)
    commit(hostile.repo, {".coveragerc": rc_file})
    assert "cannot read this project" in live(hostile, "measure")["measure"]


@pytest.mark.slow
def test_modules_that_shadow_pythons_own_run_nowhere_but_in_the_sandbox(
    hostile: Hostile, git: Git
) -> None:
    if not full_tier(hostile):
        pytest.skip("no full sandbox here")
    plant(hostile, git)
    words = ("doctor", "measure HEAD~1..HEAD", "coverage", "replay HEAD", "gate --base HEAD~1")
    assert "cannot be run" in live(hostile, *words)["measure HEAD~1..HEAD"]


@pytest.mark.slow
def test_no_option_of_pytest_writes_outside_the_sandbox(
    hostile: Hostile, git: Git, commit: Callable[..., str]
) -> None:
    if not full_tier(hostile):
        pytest.skip("no full sandbox here")
    plant(hostile, git, HARMLESS)
    for _, text in options_that_write(hostile.marks):
        _leave_the_read_me(hostile.repo)
        commit(hostile.repo, {"pytest.ini": text})
        _follow_the_read_me(hostile.repo)
        live(hostile, "measure", "status")


def in_the_background(hostile: Hostile, git: Git) -> str:
    """The daemon's own way with the hostile commit; what `drafts` says in the end."""
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {"PATH": f".:./bin:bin::{os.environ['PATH']}"}

    def copydesk(*words: str) -> str:
        argv = [sys.executable, "-P", "-m", "copydesk.agent.cli.main", *words]
        ended = subprocess.run(
            argv, cwd=hostile.repo, env=environment, capture_output=True, text=True, check=False
        )
        return ended.stdout + ended.stderr

    copydesk("init", "--native", "--yes")
    plant(hostile, git, HARMLESS)  # its hook wakes the daemon
    copydesk("daemon", "start")
    copydesk("wait", "--timeout", "240")
    said = copydesk("drafts")
    copydesk("daemon", "stop")
    return said


@pytest.mark.slow
def test_the_daemon_measures_drafts_and_writes_and_runs_nothing_outside(
    hostile: Hostile, git: Git
) -> None:
    if not full_tier(hostile):
        pytest.skip("no full sandbox here")
    said = in_the_background(hostile, git)
    assert hostile.fired() == []
    assert "twice" in said
    assert "devlog" in said


def without_bubblewrap() -> list[str]:
    """What starts a program on this machine as if bubblewrap were not installed."""
    program = shutil.which("bwrap")
    if program is None:
        return []
    return [program, "--dev-bind", "/", "/", "--bind", "/dev/null", program, "--"]


LOADED = (
    *("sitecustomize", "usercustomize", "src.sitecustomize", "src.usercustomize", "nt", "click"),
    *("conftest", "tests.conftest", "apps.one.conftest", "cov_plugin", "src.cov_plugin"),
    *("pytest_extra", "pytest_of_entry", "helpers", "debug_file", "data_file"),
    *(name.replace("/", ".") for name in OF_OTHER_SYSTEMS),
)
"""What Python, pytest and coverage.py load and write when the user starts a test run."""
FORMATTERS = ("black", "isort", "ruff", "yapf")
"""What `accept` looks for in the project's environment, where the sandbox is switched off too."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tier_name", "own_tests"),
    [("partial", "sandbox"), ("off", "sandbox"), ("partial", "auto"), ("off", "auto"),
     ("full", "plain")],
)  # fmt: skip
def test_in_each_tier_only_what_pytest_loads_runs_where_tests_run_plainly(
    hostile: Hostile, git: Git, tier_name: str, own_tests: str
) -> None:
    before = without_bubblewrap() if tier_name == "partial" else []
    if tier_name == "full" and not full_tier(hostile):
        pytest.skip("no full sandbox here")
    if tier_name == "partial" and (os.geteuid() == 0 or tier_partial.missing()):
        pytest.skip("no partial tier here: Landlock is for an ordinary user")
    if tier_name == "off":
        set_config(find(hostile.repo), "copydesk.sandbox", "off")
    set_config(find(hostile.repo), "copydesk.ownTests", own_tests)
    plant(hostile, git, HARMLESS)
    guarded = own_tests == "sandbox"
    outputs = live(hostile, *A_SHORT_LIFE, before=before, plainly=not guarded)
    assert ("own-tests-unguarded" in outputs["measure HEAD~1..HEAD"]) is guarded
    loaded = {*LOADED, *(FORMATTERS if tier_name == "off" else ())}
    assert {mark.removesuffix(".pyc") for mark in hostile.fired()} <= loaded
    assert guarded is (hostile.fired() == [])


@pytest.mark.slow
def test_all_of_it_holds_for_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user")
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    readable = subprocess.run([*drop, sys.executable, "-c", "import copydesk, pytest"], check=False)
    if readable.returncode:
        pytest.skip("an ordinary user cannot read this Python")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        argv = [*drop, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m"]
        argv += ["slow or not slow", "--basetemp", f"{folder}/base", __file__]
        variables = os.environ | {"HOME": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(argv, env=variables, check=True)


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
    hostile: Hostile, git: Git, monkeypatch: pytest.MonkeyPatch, own_tests: str
) -> None:
    set_config(find(hostile.repo), "copydesk.ownTests", own_tests)
    plant(hostile, git)
    monkeypatch.chdir(hostile.repo)
    monkeypatch.setenv("CI", "1")
    measuring = ["measure HEAD", "coverage", "replay HEAD", "draft --all"]
    for words in ["init --native --yes", "doctor", "config", "status", "gate --staged", *measuring]:
        if own_tests == "auto" and words in measuring:
            continue  # there the tests run with the user's rights, and copydesk says so
        ended = CliRunner().invoke(cli, words.split())
        assert hostile.fired() == [], words
        assert ended.exit_code == (2 if words in measuring[:3] else ended.exit_code), ended.output
