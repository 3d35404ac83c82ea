"""What a project's own files say about how its tests and its coverage run."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from pathlib import Path

CONFIG_FILES = (
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg"),
    ".coveragerc",
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
)
"""Sections that no test run reads: what is installed counts by itself."""


def configuration(tree: Path) -> list[str]:
    """The texts that decide how tests and coverage run, for a fingerprint."""
    parts = []
    for name in CONFIG_FILES:
        path = tree / name
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            shared = name in ("tox.ini", "setup.cfg")
            parts.append(f"{name}\n{_without_packaging(text) if shared else text}")
    try:
        table = tomllib.loads((tree / "pyproject.toml").read_text("utf-8", "replace"))
    except (OSError, tomllib.TOMLDecodeError):
        return parts
    tool, project = table.get("tool", {}), table.get("project", {})
    wanted = [tool.get("pytest"), tool.get("coverage")]
    wanted += [project.get(k) for k in ("dependencies", "optional-dependencies", "scripts")]
    wanted += [project.get(k) for k in ("entry-points", "requires-python")]
    return [*parts, json.dumps(wanted, sort_keys=True, default=str)]


def _without_packaging(text: str) -> str:
    """A tox.ini or setup.cfg without the sections of those who build, test elsewhere, release."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return text
    return json.dumps({n: dict(s) for n, s in parser.items() if not _PACKAGING.fullmatch(n)})


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
