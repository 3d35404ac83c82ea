"""In the user's interpreter, editable installs lead to the commit's tree."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from copydesk.agent.coverage.probe.copydesk_probe import redirect
from copydesk.agent.coverage.probe.copydesk_probe.redirect import Redirect


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Redirect:
    """A redirect from top/ to top/.git/tree, with the interpreter's own state put back after."""
    for name in ("top/.venv/lib", "top/.git/tree/lib", "top/lib"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("path", "meta_path", "path_hooks"):
        monkeypatch.setattr(sys, name, list(getattr(sys, name)))
    tree, kept = f"{tmp_path}/top/.git/tree", [f"{tmp_path}/top/.git", f"{tmp_path}/top/.venv"]
    settings = {"worktrees": [f"{tmp_path}/top"], "tree": tree, "kept": kept, "roots": ["lib"]}
    monkeypatch.setenv(redirect.VARIABLE, json.dumps(settings))
    found = Redirect.from_environment()
    assert found is not None
    return found


def test_paths_of_the_working_tree_move_and_others_stay(moved: Redirect, tmp_path: Path) -> None:
    top = tmp_path / "top"
    (tmp_path / "link").symlink_to("top")
    assert moved.moved(f"{top}/lib/a.py") == f"{top}/.git/tree/lib/a.py"
    assert moved.moved(f"{tmp_path}/link/lib") == f"{top}/.git/tree/lib"
    assert moved.moved(str(top)) == f"{top}/.git/tree"
    for path in (f"{top}/.venv/lib", f"{top}/.git/tree/x", f"{top}s", "/usr", "relative", ""):
        assert moved.moved(path) == path


def test_the_import_path_keeps_its_order(moved: Redirect, tmp_path: Path) -> None:
    sys.path[:] = ["/first", f"{tmp_path}/top/lib", "/last"]
    redirect.start()
    assert sys.path == ["/first", f"{tmp_path}/top/.git/tree/lib", "/last"]
    sys.path[:] = ["/first"]  # where the working tree is hidden, site leaves it out
    redirect.start()
    assert sys.path == ["/first", f"{tmp_path}/top/.git/tree/lib"]


def test_finders_of_every_installer_are_pointed_at_the_tree(
    moved: Redirect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = f"{tmp_path}/top/lib/shop", f"{tmp_path}/top/.git/tree/lib/shop"
    finder_module: Any = ModuleType("__editable___shop_1_finder")
    finder_module.MAPPING = {"shop": old, "else": "/usr/lib/else"}
    finder_module.NAMESPACES = {"ns": [f"{old}/ns"]}
    monkeypatch.setitem(sys.modules, finder_module.__name__, finder_module)
    namespace = ModuleType("a_namespace")
    namespace.__path__ = [old]
    monkeypatch.setitem(sys.modules, "a_namespace", namespace)

    class Redirecting:
        places: ClassVar = {"shop": old}

    class Instance:
        def __init__(self) -> None:
            self.known = {"shop": (old, 1)}
            self.odd = object()

    instance = Instance()
    sys.meta_path += [Redirecting, instance]  # type: ignore[list-item]
    moved.install([])
    assert {"shop": new, "else": "/usr/lib/else"} == finder_module.MAPPING
    assert {"ns": [f"{new}/ns"]} == finder_module.NAMESPACES
    assert Redirecting.places == {"shop": new}
    assert instance.known == {"shop": (new, 1)}
    assert namespace.__path__ == [new]


def test_what_came_from_the_working_tree_all_the_same_is_named(
    moved: Redirect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moved.strays() == []
    module = ModuleType("stray")
    module.__file__ = f"{tmp_path}/top/lib/stray.py"
    monkeypatch.setitem(sys.modules, "stray", module)
    assert moved.strays() == [f"{tmp_path}/top/lib/stray.py"]


def test_without_the_variable_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(redirect.VARIABLE, raising=False)
    before = list(sys.path)
    redirect.start()
    assert sys.path == before
    assert importlib.import_module("json") is json
