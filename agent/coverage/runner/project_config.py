"""What a project's own files say about how its tests and its coverage run."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

CONFIG_FILES = (
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg"),
    *(".coveragerc", ".coveragerc.toml"),
)
"""Files besides pyproject.toml that configure pytest or coverage.py."""

_SECTIONS = (
    ("pytest.toml", "pytest"),
    (".pytest.toml", "pytest"),
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", ""),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
"""Where pytest looks for its configuration, in its order: the file and its section."""


_PACKAGING = re.compile(
    r"tox(:.*)?|testenv(:.*)?|gh|gh-actions(:.*)?|metadata|options|options\.(?!entry_points).*"
    r"|bumpversion(:.*)?|bdist_wheel|sdist|build_sphinx|egg_info|aliases|check-manifest"
    r"|bdist_rpm|build_ext|upload_docs|zest\.releaser|devpi:upload|semantic_release|wheel|easy_install"
    r"|setuptools|setuptools_scm|distutils|flit|hatch|pdm|poetry|uv|uv-.*|cibuildwheel|maturin"
    r"|scikit-build|meson-python|towncrier|commitizen|bumpver|tbump|pip-tools|pipx|briefcase|rye"
    r"|pixi|nox|dependabot|renovate|check-wheel-contents|auditwheel|docs|sphinx.*|copydesk"
)
"""Sections of tools that build, release or document, and test elsewhere: no test run reads them,
for what is installed counts by itself. A test that opens the file depends on the file."""

_LINTERS = re.compile(
    r"(flake8|mypy|isort|pycodestyle|pep8|pydocstyle|pylint|black|yapf|ruff|codespell|pyright"
    r"|bandit|doc8|interrogate|vulture|typos|autoflake|pyupgrade|djlint|docformatter|deptry|ty"
    r"|basedpyright|pyrefly|repo-review|creosote|refurb|pytype|pyre|rstcheck)([-.:_].*)?"
)
"""Sections of tools that read code without running it. They count only where a plugin of pytest
may bring the tool into the test run."""

_REPORTING = frozenset(
    {"source", "source_pkgs", "source_dirs", "omit", "include", "branch", "relative_files"}
    | {"command_line", "data_file", "context", "dynamic_context", "disable_warnings"}
    | {"debug", "debug_file", "cover_pylib"}
)
"""Settings of coverage.py's [run] that decide nothing in a recording: it keeps every file of the
tree, under a configuration of its own; whether it keeps branches is asked apart from these. Child
processes that are measured are so under the project's configuration, then all of them count."""

_COVERAGE_FILES = (".coveragerc", ".coveragerc.toml")


def configuration(tree: Path, plugins: Iterable[str] = ()) -> list[str]:
    """What decides how the tests of a tree run, for a fingerprint.

    A setting counts unless it is known that no test run reads it.

    Args:
        tree: The folder.
        plugins: The names of the packages that bring plugins of pytest.
    """
    names = " ".join(plugins).lower()
    ignored = frozenset[str]() if measures_children(tree) else _REPORTING
    parts = []
    for name, sections in _sections(tree):
        if name in _COVERAGE_FILES:
            kept = {n: s for n, s in sections.items() if n == "run"}
        else:
            kept = {n: s for n, s in sections.items() if not _bystander(n, names)}
            # a file that holds no setting of ours is as good as none, but pytest stops at it
        if not name.startswith(("pytest", ".pytest")):
            kept = {n: _recording(n, s, ignored) for n, s in kept.items()}
            kept = {n: s for n, s in kept.items() if s not in ({}, None)}
        if kept or name.startswith(("pytest", ".pytest")):
            parts.append(json.dumps([name, kept], sort_keys=True, default=str))
    return [*parts, str(has_pytest_configuration(tree))]


def report_rules(tree: Path) -> list[str]:
    """What coverage.py's reports of a tree follow from, for a fingerprint."""
    parts = []
    for name, sections in _sections(tree):
        if name not in _COVERAGE_FILES:
            read = ("", "coverage")  # the first is all of a file that cannot be taken apart
            sections = {n: s for n, s in sections.items() if n.partition(":")[0] in read}
        if sections:
            parts.append(json.dumps([name, sections], sort_keys=True, default=str))
    return parts


def _sections(tree: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Every file that may configure tests or coverage, with its sections or tables by name."""
    for name in ("pyproject.toml", *CONFIG_FILES):
        try:
            text = (tree / name).read_text("utf-8", "replace")
        except OSError:
            continue
        try:
            if name.endswith(".toml"):
                table = tomllib.loads(text)
                tool = table.get("tool", {})
                # pytest.toml and .coveragerc.toml have their tables with "tool" or without
                plain = {k: v for k, v in table.items() if k not in ("tool", "project")}
                yield name, (tool if name == "pyproject.toml" else plain | tool)
            else:
                parser = configparser.ConfigParser(interpolation=None)
                parser.read_string(text)
                yield name, {n: dict(s) for n, s in parser.items() if n != "DEFAULT" or s}
        except (ValueError, configparser.Error):
            yield name, {"": text}  # not to be read: any change of it counts


def _bystander(section: str, plugins: str) -> bool:
    """Whether no test run reads a section."""
    if _PACKAGING.fullmatch(section):
        return True
    found = _LINTERS.fullmatch(section)
    return found is not None and found[1] not in plugins


def _recording(section: str, settings: object, ignored: frozenset[str]) -> object:
    """The settings of a section without those of coverage.py that concern its reports alone."""
    tool, _, part = section.partition(":")
    if section in ("coverage", "run") or tool == "coverage":
        if not isinstance(settings, dict):
            return settings
        if section == "coverage":  # a table of pyproject.toml, which holds the others
            settings = settings.get("run", {})
        elif part not in ("", "run"):
            return None
        if not isinstance(settings, dict):
            return settings
        return {k: v for k, v in settings.items() if k not in ignored}
    return settings


def measures_children(tree: Path) -> bool:
    """Whether the coverage configuration may have child processes measured: then it is read."""
    for name in ("pyproject.toml", *CONFIG_FILES):
        path = tree / name
        if path.is_file() and re.search(rb"\bpatch\b|multiprocessing", path.read_bytes()):
            return True
    return False


def has_pytest_configuration(tree: Path) -> bool:
    """Whether the tree itself holds a file that pytest takes as its configuration."""
    for name, section in _SECTIONS:
        if not (tree / name).is_file():
            continue
        if not name.startswith(("tox", "setup")):
            return True  # pytest stops at it for the root folder even without a table of its own
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(tree / name, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            return True
    return False


def pytest_cov_options(tree: Path) -> tuple[list[str], bool]:
    """What `--cov=` and `--cov-branch` in the project's pytest addopts ask for."""
    words = addopts(tree)
    sources = [w.partition("=")[2] for w in words if re.match(r"--cov=.", w)]
    return sources, "--cov-branch" in words


def addopts(tree: Path) -> list[str]:
    """The words of the project's `addopts`, from the file that pytest would read."""
    for name, section in _SECTIONS:
        try:
            text = (tree / name).read_text(encoding="utf-8")
            found = _from_toml(text, section) if name.endswith(".toml") else _ini(text, section)
        except (OSError, ValueError, configparser.Error):
            continue
        if found is not None:
            return [str(word) for word in found]
    return []


def _from_toml(text: str, section: str) -> list[str] | None:
    whole = tomllib.loads(text)
    table = whole.get(section) if section else whole.get("tool", {}).get("pytest")
    if not isinstance(table, dict):
        return None
    table = table.get("ini_options", table)
    found = table.get("addopts", []) if isinstance(table, dict) else []
    return _words(found) if isinstance(found, str) else list(found)


def _ini(text: str, section: str) -> list[str] | None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    if not parser.has_section(section):
        return None
    return _words(parser.get(section, "addopts", fallback=""))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # an open quotation mark
        return text.split()
