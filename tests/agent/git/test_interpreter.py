from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.records import Interpreter

Git = Callable[..., str]


@pytest.fixture(scope="module")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with neither pytest nor coverage."""
    path = tmp_path_factory.mktemp("venv") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    return path


def test_the_named_interpreter_comes_first(repo: Path) -> None:
    set_config(find(repo), "copydesk.python", sys.executable)
    found = interpreter.find(find(repo))
    assert found.interpreter.source == "git config copydesk.python"
    assert found.interpreter.version == sys.version_info[:3]
    assert found.missing == []
    assert interpreter.ready(find(repo)) == found.interpreter


@pytest.mark.parametrize("named", ["/no/such/python", "/bin/echo"])
def test_a_named_interpreter_that_cannot_be_used_is_said(repo: Path, named: str) -> None:
    set_config(find(repo), "copydesk.python", named)
    with pytest.raises(CopydeskError, match="cannot be used") as caught:
        interpreter.find(find(repo))
    assert "git config copydesk.python" in caught.value.hint


def test_a_program_that_answers_something_else_is_no_python(repo: Path, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho '[1]'\n")
    fake.chmod(0o755)
    set_config(find(repo), "copydesk.python", str(fake))
    with pytest.raises(CopydeskError, match="does not answer like a Python"):
        interpreter.find(find(repo))


def test_the_projects_environment_is_found_also_from_a_linked_worktree(
    repo: Path, git, tmp_path: Path, bare_environment: Path
) -> None:
    (repo / ".venv").symlink_to(bare_environment)
    git(repo, "worktree", "add", "-q", "-b", "other", str(tmp_path / "wt"))
    for place in (repo, tmp_path / "wt"):
        found = interpreter.find(find(place))
        assert found.interpreter.source == f".venv in {repo}"
        assert found.missing == ["pytest", "coverage"]
    with pytest.raises(CopydeskError, match="has no pytest and coverage"):
        interpreter.ready(find(repo))


def test_the_environment_recorded_by_init_and_a_broken_one(repo: Path, tmp_path: Path) -> None:
    set_config(find(repo), interpreter.RECORDED, sys.executable)
    assert "init" in interpreter.find(find(repo)).interpreter.source
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    set_config(find(repo), interpreter.RECORDED, str(broken))
    assert "PATH" in interpreter.find(find(repo)).interpreter.source


def test_no_python_at_all(repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only_git = tmp_path / "bin"
    only_git.mkdir()
    (only_git / "git").symlink_to("/usr/bin/git")
    monkeypatch.setenv("PATH", str(only_git))
    with pytest.raises(CopydeskError, match="no Python was found"):
        interpreter.find(find(repo))


def test_poetry_is_asked(repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (repo / "poetry.lock").write_text("")
    folder = tmp_path / "bin"
    folder.mkdir()
    poetry = folder / "poetry"
    poetry.write_text(f"#!/bin/sh\necho {sys.executable}\n")
    poetry.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert interpreter.find(find(repo)).interpreter.source == "poetry"
    poetry.write_text("#!/bin/sh\nexit 1\n")
    assert "PATH" in interpreter.find(find(repo)).interpreter.source


def test_coverage_is_lent_without_the_network(repo: Path, bare_environment: Path) -> None:
    found = interpreter.inspect(find(repo), bare_environment / "bin" / "python", "test")
    lent = interpreter.runtime(find(repo), found.interpreter.version)
    lent.mkdir(parents=True)
    assert interpreter._lend_coverage(found, lent)
    again = interpreter.inspect(find(repo), bare_environment / "bin" / "python", "test")
    assert again.coverage not in (None, "unknown")
    assert again.pytest is None
    assert again.interpreter.extra_path == lent
    assert again.missing == ["pytest"]


def test_what_cannot_be_installed_is_one_clear_error(repo: Path, bare_environment: Path) -> None:
    found = interpreter.inspect(find(repo), bare_environment / "bin" / "python", "test")
    with pytest.raises(CopydeskError, match="has no pytest") as caught:
        interpreter.provide(find(repo), found)
    assert "pip install" in caught.value.hint


MODULES_OF_OTHER_SYSTEMS = ("nt", "_winapi", "msvcrt", "winreg", "org", "java", "vms_lib")
"""Modules that the standard library tries to import though no Linux or macOS has them."""


@pytest.fixture
def editable(repo: Path, tmp_path: Path) -> tuple[Path, Path]:
    """An environment without pip that names the working tree, and where its modules leave marks."""
    marks = tmp_path / "marks"
    marks.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = tmp_path / "env/lib" / version / "site-packages"
    (packages / "project.pth").write_text(f"{repo}\n")
    for name in (*MODULES_OF_OTHER_SYSTEMS, "pip/__init__", "pip/__main__", "sitecustomize"):
        path = repo / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(marks / path.stem)!r}, 'w').close()\n")
    return tmp_path / "env/bin/python", marks


def test_an_editable_install_does_not_lend_the_tree_to_who_asks(
    repo: Path, editable: tuple[Path, Path]
) -> None:
    python, marks = editable
    found = interpreter.inspect(find(repo), python, "test")
    assert found.missing == ["pytest", "coverage"]
    with pytest.raises(CopydeskError, match="has no pytest"):
        interpreter.provide(find(repo), found)  # with the pip of the environment, not the tree's
    assert list(marks.iterdir()) == []


def test_what_is_installed_editable_is_known_all_the_same(
    repo: Path, editable: tuple[Path, Path]
) -> None:
    python, marks = editable
    (repo / "coverage.egg-info").mkdir()  # what `setup.py develop` leaves in the tree
    (repo / "coverage.egg-info/PKG-INFO").write_text("Name: coverage\nVersion: 7.9.1\n")
    (repo / "pytest").mkdir()
    (repo / "pytest/__init__.py").write_text(f"open({str(marks / 'pytest')!r}, 'w').close()\n")
    found = interpreter.inspect(find(repo), python, "test")
    assert (found.pytest, found.coverage) == ("unknown", "7.9.1")
    assert list(marks.iterdir()) == []


def test_a_complete_environment_is_left_alone(repo: Path) -> None:
    found = interpreter.inspect(find(repo), Path(sys.executable), "test")
    assert interpreter.provide(find(repo), found) is found
    assert not (find(repo).desk / "runtime").exists()


def test_the_shells_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert interpreter.shell_python() is None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("")
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    assert interpreter.shell_python() == tmp_path / "bin" / "python"


def test_an_environment_that_git_tracks_is_run_only_where_the_user_named_it(
    repo: Path, git: Git, bare_environment: Path
) -> None:
    (repo / "tools").symlink_to(bare_environment)
    (repo / "venv").symlink_to("tools")
    git(repo, "add", "venv")
    git(repo, "commit", "-qm", "an environment")
    found = interpreter.find(find(repo)).interpreter
    assert found.path != repo / "venv/bin/python"
    assert f"{repo}/venv/bin/python is not run, because git tracks venv" in found.source
    set_config(find(repo), "copydesk.python", str(repo / "venv/bin/python"))
    assert interpreter.find(find(repo)).interpreter.source == "git config copydesk.python"


@pytest.mark.parametrize("tracked", ["pyvenv.cfg", "bin/python", "lib/site-packages/evil.pth"])
def test_one_tracked_file_of_an_environment_is_enough(repo: Path, git: Git, tracked: str) -> None:
    for name in ("bin/python", tracked):
        (repo / ".venv" / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / ".venv" / name).write_text("#!/bin/sh\ntouch ran\n")
        (repo / ".venv" / name).chmod(0o755)
    git(repo, "add", "-f", f".venv/{tracked}")
    assert "because git tracks" in interpreter.find(find(repo)).interpreter.source
    assert not list(repo.rglob("ran"))


def test_what_init_recorded_is_no_yes(repo: Path, git: Git) -> None:
    (repo / "python").write_text("#!/bin/sh\n")
    (repo / "python").chmod(0o755)
    git(repo, "add", "python")
    set_config(find(repo), interpreter.RECORDED, str(repo / "python"))
    assert "git tracks python" in interpreter.find(find(repo)).interpreter.source


def test_environments_that_are_gone_are_named(repo: Path, tmp_path: Path) -> None:
    set_config(find(repo), interpreter.RECORDED, str(tmp_path / "gone/bin/python"))
    (repo / ".venv/bin").mkdir(parents=True)
    (repo / ".venv/bin/python").symlink_to(tmp_path / "old/python3.9")
    source = interpreter.find(find(repo)).interpreter.source
    assert f"`copydesk init` ran is gone: {tmp_path}/gone/bin/python" in source
    assert f"leads to {tmp_path}/old/python3.9, which is gone" in source


@pytest.mark.parametrize("tracked", ["poetry.toml", ".poetry/plugins/evil.pth", "env/x"])
def test_poetry_is_not_asked_where_the_repository_could_answer(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tracked: str
) -> None:
    (repo / "poetry.lock").write_text("")
    (repo / tracked).parent.mkdir(parents=True, exist_ok=True)
    (repo / tracked).write_text("")
    git(repo, "add", tracked)
    poetry = tmp_path / "bin/poetry"
    poetry.parent.mkdir()
    poetry.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    poetry.chmod(0o755)
    monkeypatch.setenv("PATH", f"{poetry.parent}:/usr/bin:/bin")
    assert "PATH" in interpreter.find(find(repo)).interpreter.source
    assert not (tmp_path / "asked").exists()


def test_the_hint_is_one_that_the_environment_allows(tmp_path: Path) -> None:
    def hint(prefix: Path, base: Path) -> str:
        python = Interpreter(prefix / "bin/python", (3, 12, 1), prefix, base, "test")
        return interpreter.missing_error(interpreter.ProjectPython(python, None, "7")).hint

    system, own = tmp_path / "usr", tmp_path / "venv"
    (system / "lib/python3.12").mkdir(parents=True)
    assert f"Install: {system}/bin/python -m pip install pytest" in hint(system, system)
    (system / "lib/python3.12/EXTERNALLY-MANAGED").touch()
    assert "-m venv .venv && .venv/bin/python -m pip install pytest" in hint(system, system)
    assert f"uv pip install --python {own}/bin/python pytest" in hint(own, system)
    (own / "lib/python3.12/site-packages/pip").mkdir(parents=True)
    assert f"Install: {own}/bin/python -m pip install pytest" in hint(own, system)
