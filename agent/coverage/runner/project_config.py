"""What a project's own files say about how its tests and its coverage run."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from copydesk.agent.coverage.source import DEFAULT_PATTERNS

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
    plugin_names = " ".join(plugins).lower()
    ignored = frozenset[str]() if measures_children(tree) else _REPORTING
    parts = []
    for name, sections in _sections(tree):
        if name in _COVERAGE_FILES:
            relevant = {title: s for title, s in sections.items() if title == "run"}
        else:
            relevant = _without_other_tools(sections, plugin_names)
        is_pytests_own = name.startswith(("pytest", ".pytest"))
        if not is_pytests_own:
            relevant = _without_reporting(relevant, ignored)
        # a file that holds no setting of ours is as good as none, but pytest stops at its own
        if relevant or is_pytests_own:
            parts.append(json.dumps([name, relevant], sort_keys=True, default=str))
    return [*parts, str(has_pytest_configuration(tree))]


def _without_other_tools(sections: Mapping[str, object], plugins: str) -> dict[str, object]:
    """The sections that a test run may read."""
    return {
        title: settings
        for title, settings in sections.items()
        if not _is_of_another_tool(title, plugins)
    }


def _without_reporting(
    sections: Mapping[str, object], ignored: frozenset[str]
) -> dict[str, object]:
    """The sections without settings that decide nothing in a recording, empty ones left out."""
    relevant = {}
    for title, settings in sections.items():
        recording = _recording_settings(title, settings, ignored)
        if recording not in ({}, None):
            relevant[title] = recording
    return relevant


def report_rules(tree: Path) -> list[str]:
    """What coverage.py's reports of a tree follow from, for a fingerprint."""
    parts = []
    for name, sections in _sections(tree):
        if name not in _COVERAGE_FILES:
            sections = _coverage_sections(sections)
        if sections:
            parts.append(json.dumps([name, sections], sort_keys=True, default=str))
    return parts


def _coverage_sections(sections: Mapping[str, object]) -> dict[str, object]:
    """coverage.py's sections, and the whole of a file that cannot be taken apart ("")."""
    return {
        title: settings
        for title, settings in sections.items()
        if title.partition(":")[0] in ("", "coverage")
    }


def _sections(tree: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Every file that may configure tests or coverage, with its sections or tables by name."""
    for name in ("pyproject.toml", *CONFIG_FILES):
        try:
            text = (tree / name).read_text("utf-8", "replace")
        except OSError:
            continue
        try:
            yield name, _toml_tables(name, text) if name.endswith(".toml") else _ini_sections(text)
        except (ValueError, configparser.Error):
            yield name, {"": text}  # not to be read: any change of it counts


def _toml_tables(name: str, text: str) -> dict[str, object]:
    content = tomllib.loads(text)
    tool: dict[str, object] = content.get("tool", {})
    if name == "pyproject.toml":
        return tool
    # pytest.toml and .coveragerc.toml have their tables with "tool" or without
    return {k: v for k, v in content.items() if k not in ("tool", "project")} | tool


def _ini_sections(text: str) -> dict[str, object]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return {title: dict(s) for title, s in parser.items() if title != "DEFAULT" or s}


def _is_of_another_tool(section: str, plugins: str) -> bool:
    """Whether no test run reads a section."""
    if _PACKAGING.fullmatch(section):
        return True
    linter = _LINTERS.fullmatch(section)
    return linter is not None and linter[1] not in plugins


def _recording_settings(section: str, settings: object, ignored: frozenset[str]) -> object:
    """The settings of a section without those of coverage.py that concern its reports alone."""
    tool, _, part = section.partition(":")
    if tool != "coverage" and section != "run":
        return settings
    if section == "coverage" and isinstance(settings, dict):
        settings = settings.get("run", {})  # a table of pyproject.toml, which holds the others
    elif part not in ("", "run") and isinstance(settings, dict):
        return None
    if not isinstance(settings, dict):
        return settings
    return {key: value for key, value in settings.items() if key not in ignored}


def folders_above(folder: Path, tree: Path) -> list[Path]:
    """The folders above one, up to the top of its tree, the nearest first."""
    return [above for above in folder.parents if above == tree or tree in above.parents]


def has_pytest_configuration_above(folder: Path, tree: Path) -> bool:
    """Whether a folder of a tree, or one above it there, configures pytest."""
    folders = [folder, *folders_above(folder, tree)]
    return any(has_pytest_configuration(one) for one in folders)


def measures_children(tree: Path) -> bool:
    """Whether the coverage configuration may have child processes measured: then it is read."""
    for name in ("pyproject.toml", *CONFIG_FILES):
        path = tree / name
        if path.is_file() and re.search(rb"\bpatch\b|multiprocessing", path.read_bytes()):
            return True
    return False


def greenlets(tree: Path) -> list[str]:
    """What of greenlets the coverage configuration names as its `concurrency`.

    coverage.py's tracer then keeps apart what each of them executes, and counts other lines.
    """
    words = ""
    for _, sections in _sections(tree):
        tables = {**sections}
        coverage = tables.get("coverage")
        if isinstance(coverage, dict):  # of pyproject.toml
            tables["run"] = coverage.get("run")
        for title in ("run", "coverage:run"):
            settings = tables.get(title)
            if isinstance(settings, dict):
                words += f" {settings.get('concurrency', '')}"
    return re.findall(r"\b(?:eventlet|gevent|greenlet)\b", words)


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
    return pytest_setting(tree, "addopts")


def patterns_of_test_files(tree: Path) -> tuple[str, ...]:
    """The project's `python_files`: which files pytest collects tests from."""
    return tuple(pytest_setting(tree, "python_files")) or DEFAULT_PATTERNS


def pytest_setting(tree: Path, name: str) -> list[str]:
    """The words of one of pytest's settings, from the file that pytest would read.

    Args:
        tree: The top of the project.
        name: The setting.

    Returns:
        Its words; none where the project does not set it.
    """
    for file, section in _SECTIONS:
        try:
            text = (tree / file).read_text(encoding="utf-8")
            read = _setting_of_toml if file.endswith(".toml") else _setting_of_ini
            words = read(text, section, name)
        except (OSError, ValueError, configparser.Error):
            continue
        if words is not None:
            return [str(word) for word in words]
    return []


def _setting_of_toml(text: str, section: str, name: str) -> list[str] | None:
    content = tomllib.loads(text)
    table = content.get(section) if section else content.get("tool", {}).get("pytest")
    if not isinstance(table, dict):
        return None
    table = table.get("ini_options", table)
    value = table.get(name, []) if isinstance(table, dict) else []
    return _words(value) if isinstance(value, str) else list(value)


def _setting_of_ini(text: str, section: str, name: str) -> list[str] | None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    if not parser.has_section(section):
        return None
    return _words(parser.get(section, name, fallback=""))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # an open quotation mark
        return text.split()
