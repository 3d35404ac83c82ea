"""The Python projects that one repository holds.

A project is a folder with a Python project's own configuration whose tests the pytest of the folder
above does not run already. Most repositories are one project, whose folder is the top (""). In a
monorepo, or where the one project lives in a subfolder, each has its own pytest and coverage
configuration, environment and total; what is measured is kept by the paths of the repository.
"""

from __future__ import annotations

import configparser
import posixpath
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, read_blob, resolve
from copydesk.hooks.gate import is_test

CONFIGURATION = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "tox.ini"}
    | {"pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"}
)
"""Files that may configure a Python project."""

REQUIREMENTS = frozenset({"requirements.txt", "Pipfile", "manage.py"})
"""Files that mark a project which configures nothing, where nothing at the top does."""

_PROJECT_SECTIONS = re.compile(
    r"project|build-system|tool\.(poetry|pytest|pdm|hatch|flit|setuptools|coverage|copydesk)"
    r"|metadata|options|tool:pytest|pytest|testenv(:.*)?|coverage:.*"
)
"""Sections that only the configuration of a project has; linters may be configured anywhere."""

_PYTEST_SECTIONS = ("tool.pytest", "tool:pytest", "pytest")

_NO_PROJECTS = frozenset(
    {"tests", "test", "testing", "testdata", "test_data", "fixtures", "data", "samples", "sample"}
    | {"examples", "example", "demo", "demos", "docs", "doc", "templates", "template"}
    | {"cookiecutter", "vendor", "vendored", "_vendor", "third_party", "node_modules"}
    | {"site-packages", "venv", "env", "build", "dist", "benchmarks", "bench"}
)
"""Names of folders below which a project is material, not one to measure."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """What the configuration files of a folder say."""

    is_project: bool = False
    has_pytest: bool = False
    testpaths: tuple[str, ...] = ()
    projects: tuple[str, ...] | None = None


def projects_of(commit: Commit) -> tuple[str, ...]:
    """The folders of the projects that a commit holds, the top ("") first.

    Args:
        commit: The commit.
    """
    tree = commit.tree

    def read(path: str) -> str:
        return read_blob(commit.repo, tree[path].blob).decode("utf-8", "replace")

    return find_projects(tree.keys(), read)


def current_projects(repo: Repository) -> tuple[str, ...]:
    """The folders of the projects of what is checked out; the top where nothing is committed."""
    try:
        return projects_of(Commit(repo, resolve(repo, "HEAD")))
    except CopydeskError:
        return ("",)


def project_name(folder: str) -> str:
    """What a project is called: its folder."""
    return folder or "the top folder"


def find_projects(paths: Collection[str], read: Callable[[str], str]) -> tuple[str, ...]:
    """The folders of the projects that a tree holds, the top ("") first.

    Args:
        paths: The files of the tree.
        read: The text of one.

    Returns:
        At least one folder: a tree without any configuration is one project.
    """
    configured = _folders_with(paths, CONFIGURATION)
    required = _folders_with(paths, REQUIREMENTS) - configured
    if not (configured | required) - {""}:
        return ("",)
    search = _Search(paths, read)
    named = search.look("").projects
    if named is not None:
        return tuple(sorted({_normal(folder) for folder in named})) or ("",)
    below = sorted(configured - {""})
    candidates = [folder for folder in below if _may_hold(folder, search.look(folder))]
    if not candidates and not search.look("").is_project:
        candidates = [folder for folder in sorted(required - {""}) if not _is_material(folder)]
    return search.choose(candidates)


def _folders_with(paths: Iterable[str], names: Collection[str]) -> set[str]:
    """The folders that hold a file of one of these names."""
    folders = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name in names:
            folders.add(folder)
    return folders


def _normal(folder: str) -> str:
    plain = posixpath.normpath(folder.replace("\\", "/").strip("/") or ".")
    return "" if plain == "." else plain


def _may_hold(folder: str, said: _Folder) -> bool:
    return said.is_project and not _is_material(folder)


def _is_material(folder: str) -> bool:
    parts = folder.split("/")
    if not _NO_PROJECTS.isdisjoint(parts):
        return True
    return any(part.startswith(".") or "{" in part for part in parts)


@dataclass(slots=True)
class _Search:
    """Finds the projects of one tree."""

    paths: Collection[str]
    read: Callable[[str], str]
    _folders: dict[str, _Folder] = field(default_factory=dict)

    def look(self, folder: str) -> _Folder:
        """What the configuration files of a folder say."""
        if folder not in self._folders:
            self._folders[folder] = self._look(folder)
        return self._folders[folder]

    def _look(self, folder: str) -> _Folder:
        is_project = has_pytest = False
        testpaths: tuple[str, ...] = ()
        projects: tuple[str, ...] | None = None
        for name in sorted(CONFIGURATION):
            path = posixpath.join(folder, name)
            if path not in self.paths:
                continue
            sections = _sections(name, self.read(path))
            is_project |= name == "setup.py" or any(map(_PROJECT_SECTIONS.fullmatch, sections))
            for title in _PYTEST_SECTIONS:
                if title in sections:
                    has_pytest = True
                    testpaths = testpaths or _testpaths(sections[title])
            own = sections.get("tool.copydesk", {})
            testpaths = tuple(map(str, own.get("tests", ()))) or testpaths
            if "projects" in own:
                projects = tuple(map(str, own["projects"]))
        return _Folder(is_project, has_pytest, testpaths, projects)

    def choose(self, candidates: Iterable[str]) -> tuple[str, ...]:
        """The projects among some configured folders, and the top where it is one."""
        chosen: list[str] = []
        for folder in candidates:  # sorted: those above come first
            above = nearest(folder, ["", *chosen])
            if not self._is_covered(folder, above):
                chosen.append(folder)
        chosen = [folder for folder in chosen if self._has_code(folder, chosen)]
        if not chosen or self._top_is_project(chosen):
            return ("", *chosen)
        return tuple(chosen)

    def _is_covered(self, folder: str, above: str) -> bool:
        """Whether the pytest of a folder above runs the tests of this one."""
        parent = self.look(above)
        if not parent.is_project and not above:
            return False
        relative = folder[len(above) :].lstrip("/")
        if parent.testpaths:
            return any(_overlap(relative, _normal(path)) for path in parent.testpaths)
        return parent.has_pytest or not self.look(folder).has_pytest

    def _has_code(self, folder: str, chosen: Collection[str]) -> bool:
        """Whether Python files lie in a project itself."""
        return any(
            path.endswith(".py") and nearest(path, chosen) == folder
            for path in self.paths
            if path.startswith(f"{folder}/")
        )

    def _top_is_project(self, chosen: Collection[str]) -> bool:
        """Whether there is something to measure besides the projects in subfolders."""
        said = self.look("")
        for path in self.paths:
            if not path.endswith(".py") or nearest(path, ["", *chosen]) or _is_material_file(path):
                continue
            if is_test(path) or said.is_project:
                return True
        return False


def _is_material_file(path: str) -> bool:
    """Whether a file is no part of a project at the top: set-up, documentation, examples."""
    if "/" not in path and path in ("setup.py", "noxfile.py", "conftest.py"):
        return True
    return not is_test(path) and _is_material(posixpath.dirname(path))


def _overlap(folder: str, path: str) -> bool:
    """Whether one of two folders lies in the other."""
    if "" in (folder, path):
        return True
    return f"{folder}/".startswith(f"{path}/") or f"{path}/".startswith(f"{folder}/")


def nearest(path: str, folders: Iterable[str]) -> str:
    """The deepest of some folders that a path lies in; "" where it lies in none of them."""
    return max(
        (folder for folder in folders if not folder or path.startswith(f"{folder}/")),
        key=len,
        default="",
    )


def lies_in(path: str, folder: str) -> bool:
    """Whether a path lies in a folder of the repository; in the top ("") all do."""
    return not folder or path.startswith(f"{folder}/")


def _sections(name: str, text: str) -> Mapping[str, dict[str, Any]]:
    """The sections of a configuration file by name; tables below "tool" as "tool.NAME"."""
    try:
        if name.endswith(".toml"):
            return _tables(name, tomllib.loads(text))
        if name == "setup.py":
            return {}
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(text)
        return {title: dict(parser[title]) for title in parser.sections()}
    except (ValueError, configparser.Error):
        return {"project": {}}  # broken: whoever measures it is told so


def _tables(name: str, content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tables = {title: table for title, table in content.items() if isinstance(table, dict)}
    tool = tables.pop("tool", {})
    tables |= {f"tool.{title}": t for title, t in tool.items() if isinstance(t, dict)}
    if name != "pyproject.toml":
        tables.setdefault("tool.pytest", tables.get("pytest", {}))
    return tables


def _testpaths(section: Mapping[str, Any]) -> tuple[str, ...]:
    value = section.get("ini_options", section)
    value = value.get("testpaths", ()) if isinstance(value, dict) else ()
    return tuple(value.split()) if isinstance(value, str) else tuple(map(str, value))
