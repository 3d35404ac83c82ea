"""A change that alters, beside lines, what counts as a line: it is named, so that none vanishes."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Iterator, Mapping

from copydesk.agent.coverage.gate.changed_lines import INDEX, index_file, merge_base
from copydesk.agent.coverage.gate.request import GateRequest
from copydesk.agent.coverage.gate.scripts import remark_on_scripts
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.command import git as run_git
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import clean, one_line

_RAW = ("--no-literal-pathspecs", "diff", "--raw", "-z", "--no-abbrev", "--no-renames",
        "--ignore-submodules=all")  # fmt: skip
_NAMES = (".coveragerc", ".coveragerc.toml", "setup.cfg", "tox.ini", "pyproject.toml")
_KEYS = frozenset(
    {
        *("omit", "include", "source", "source_pkgs", "source_dirs", "branch", "plugins"),
        *("exclude_lines", "exclude_also", "partial_branches", "partial_also"),
    }
)
"""What of coverage.py's configuration decides which lines count."""

_FLOORS = frozenset(
    {"fail_under", "diff_fail_under", "may_not_fall", "unknown", "tests_may_fail", "projects"}
)
"""What of copydesk's own decides what is asked of them."""

Settings = dict[str, frozenset[str]]
"""The values of each setting that has some."""


def remarks_on_change(repo: Repository, request: GateRequest) -> tuple[str, ...]:
    """What is to be said of a change besides its lines: scripts, and its configuration."""
    return (*remark_on_configuration(repo, request), *remark_on_scripts(repo, request))


def remark_on_configuration(repo: Repository, request: GateRequest) -> tuple[str, ...]:
    """What a change alters in the configuration that says which lines count, file by file.

    Args:
        repo: The repository.
        request: What is judged.
    """
    try:
        blobs = {path: pair for path, *pair in _changed_blobs(repo, request)}
        contents = git.read_blobs(repo, {blob for pair in blobs.values() for blob in pair})
    except CopydeskError:  # a clone that lacks some of them: what was asked for is judged
        return ()
    remarks = []
    for path, pair in sorted(blobs.items()):
        before, after = (settings_of(path, contents.get(blob, b"")) for blob in pair)
        if before != after:
            words = one_line("; ".join(_differences(before, after)), 300)
            remark = f"{path} changes in the same step which lines count, or what is asked: {words}"
            remarks.append(clean(remark, keep=""))
    return tuple(remarks)


def _changed_blobs(repo: Repository, request: GateRequest) -> Iterator[tuple[str, str, str]]:
    """The changed files that may configure coverage: the path, the former and the present blob."""
    ends = ["--cached"]
    if request.base is not None and request.head is not None:
        ends = [merge_base(repo, request.base, request.head), request.head]
    paths = [f":(top,glob)**/{name}" for name in _NAMES]
    index = {INDEX: str(index_file(repo, os.environ))}
    output = run_git(*_RAW, *ends, "--", *paths, git_dir=repo.git_dir, extra=index)
    fields = os.fsdecode(output).split("\0")
    for entry, path in zip(fields[::2], fields[1::2], strict=False):
        before, after = entry.split()[2:4]
        yield path, before, after


def settings_of(path: str, content: bytes) -> Settings:
    """The settings of a file that say which lines count; a file that cannot be read is one.

    Args:
        path: The file: its name says how to read it.
        content: What it holds.
    """
    text = content.decode("utf-8", "replace")
    name = path.rpartition("/")[2]
    settings: Settings = {}
    try:
        for title, section in _sections(name, text):
            keys = _FLOORS if title == "copydesk" else _KEYS
            for key in keys & section.keys():
                if values := _values(section[key]):
                    settings[f"{title}.{key}"] = values
    except (ValueError, configparser.Error):
        return {"all of it": frozenset({text})}
    return settings


def _sections(name: str, text: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The sections of coverage.py, by its own names for them, and copydesk's."""
    if name.endswith(".toml"):
        content = tomllib.loads(text)
        tool = content.get("tool", {})
        own = content if name != "pyproject.toml" else {}
        coverage = tool.get("coverage", own)
        sections = {**coverage, "copydesk": tool.get("copydesk", {})}
    else:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        prefix = "" if name == ".coveragerc" else "coverage:"
        sections = {title.removeprefix(prefix): dict(section) for title, section in parser.items()
                    if title.startswith(prefix)}  # fmt: skip
    for title in ("run", "report", "copydesk"):
        if isinstance(section := sections.get(title), Mapping):
            yield title, section


def _values(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset(filter(None, map(str.strip, re.split(r"[\n,]", value))))
    values = value if isinstance(value, list) else [value]
    return frozenset(str(one) for one in values)


def _differences(before: Settings, after: Settings) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, frozenset()), after.get(key, frozenset())
        if old == new:
            continue
        if key == "all of it":
            yield "it cannot be read"
            continue
        words = [f"+ {value}" for value in sorted(new - old)]
        words += [f"- {value}" for value in sorted(old - new)]
        yield f"{key.rpartition('.')[2]} ({', '.join(words)})"
