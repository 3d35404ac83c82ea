"""An interpreter shows its own folders, and never the home or the repository."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox import interpreter_folders as folders
from copydesk.agent.sandbox.interpreter_folders import (
    ExposesTooMuch,
    InterpreterFolders,
    interpreter_folders,
)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """tmp_path, and nothing of it a symbolic link."""
    return tmp_path.resolve()


def make(base: Path, prefix: Path | None = None) -> Interpreter:
    """An interpreter at base, or a virtual environment of it at prefix."""
    (base / "bin").mkdir(parents=True, exist_ok=True)
    (base / "bin" / "python3").touch()
    if prefix is not None:
        (prefix / "bin").mkdir(parents=True)
        (prefix / "bin" / "python").symlink_to(base / "bin" / "python3")
    top = prefix or base
    name = "python" if prefix else "python3"
    return Interpreter(top / "bin" / name, (3, 11, 0), top, base, "made here")


def test_the_systems_interpreter_needs_nothing_more(here: Path) -> None:
    python = Interpreter(Path("/usr/bin/env"), (3, 11, 0), Path("/usr"), Path("/usr"), "")
    assert interpreter_folders(python, here / "repository") == InterpreterFolders((), ())


def test_an_interpreter_shows_its_folder(here: Path) -> None:
    python = make(here / "versions" / "3.11")
    assert interpreter_folders(python, here / "repository") == InterpreterFolders(
        (here / "versions" / "3.11",), ()
    )


def test_an_environment_shows_its_folder_and_the_one_it_was_made_from(here: Path) -> None:
    python = make(here / "versions" / "3.11", here / "repository" / ".venv")
    shown = (here / "repository" / ".venv", here / "versions" / "3.11")
    assert interpreter_folders(python, here / "repository") == InterpreterFolders(shown, ())


def test_links_on_the_way_are_made_again(here: Path) -> None:
    real = make(here / "versions" / "3.11.7").base_prefix
    (here / "versions" / "3.11").symlink_to("3.11.7")
    (here / "aliases").symlink_to(here / "versions")
    (here / "bin").mkdir()
    (here / "bin" / "python").symlink_to("../aliases/3.11/bin/python3")
    alias = here / "aliases" / "3.11"
    python = Interpreter(here / "bin" / "python", (3, 11, 7), alias, alias, "")
    found = interpreter_folders(python, here / "repository")
    assert found.shown == (real,)
    assert {at: target for target, at in found.links} == {
        here / "aliases": str(here / "versions"),
        here / "versions" / "3.11": "3.11.7",
        here / "bin" / "python": "../aliases/3.11/bin/python3",
    }


def test_an_executable_outside_its_prefix_is_shown_by_itself(here: Path) -> None:
    python = make(here / "versions" / "3.11")
    (here / "odd").mkdir()
    (here / "odd" / "python").touch()
    odd = dataclasses.replace(python, path=here / "odd" / "python")
    assert here / "odd" / "python" in interpreter_folders(odd, here / "repository").shown


def test_links_in_a_circle_are_an_error(here: Path) -> None:
    (here / "a").symlink_to("b")
    (here / "b").symlink_to("a")
    with pytest.raises(OSError, match="circle"):
        folders.real_path(here / "a", {})


@pytest.mark.parametrize("kept", ["home", "repository"])
def test_what_holds_the_home_or_the_repository_is_not_shown(
    here: Path, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(here / "work" / "home"))
    python = make(here / "work")
    elsewhere = here / ("work/repository" if kept == "repository" else "elsewhere")
    with pytest.raises(ExposesTooMuch, match=f"holds .*{kept}"):
        interpreter_folders(python, elsewhere)


@pytest.mark.parametrize("at", ["/", "/usr", "/tmp", "/copydesk"])
def test_a_tree_may_not_cover_the_system(here: Path, at: str) -> None:
    with pytest.raises(ExposesTooMuch, match="cover the system"):
        interpreter_folders(make(here / "base"), Path(at))


def test_homes_of_system_users_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/usr/sbin")
    assert Path("/usr/sbin") not in folders.home_folders()
    monkeypatch.setenv("HOME", "/")
    assert Path("/") not in folders.home_folders()
