"""What is known of a project before any test runs: its environment, and which files count.

Starting the user's interpreter and reading its packages costs more than a small measure, so the
answer is kept on the desk for as long as everything it follows from is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from copydesk.agent.coverage.runner.coverage_py import DEFAULT_OMIT, Engine, Environment, digest
from copydesk.agent.coverage.runner.project_config import (
    CONFIG_FILES,
    pytest_cov_options,
    report_rules,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.records import Json

_METADATA = (".dist-info", ".egg-info")
_VARIABLE = re.compile(r"\$[\w{]")
"""What coverage.py takes for an environment variable in its settings."""

_CONFIGURATION = ("pyproject.toml", *CONFIG_FILES)


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """What coverage.py and the interpreter say of a tree.

    `always` are the files that count in the total whether executed or not, `measurable` those
    that count once executed.
    """

    environment: Environment
    always: frozenset[str]
    measurable: frozenset[str]

    def counted(self, executed: Iterable[str]) -> list[str]:
        """The files that belong to the total, given those of which something was executed."""
        return sorted(self.always | (self.measurable & frozenset(executed)))

    def rules(self, path: str) -> str:
        """A fingerprint of what coverage.py's report of a file follows from."""
        return self.environment.rules

    def within(self, holds: Callable[[str], bool]) -> ProjectInfo:
        """The same, of some of the files only."""
        return replace(
            self,
            always=frozenset(filter(holds, self.always)),
            measurable=frozenset(filter(holds, self.measurable)),
        )


@dataclass(frozen=True, slots=True)
class SeveralProjects(ProjectInfo):
    """The same of several projects in one tree, of which each has its own files."""

    parts: tuple[ProjectInfo, ...] = ()

    @classmethod
    def of(cls, parts: Sequence[ProjectInfo], folders: Sequence[str]) -> SeveralProjects:
        """Several projects, given with their folders, as one."""
        environments = [part.environment for part in parts]
        words = [word for e, folder in zip(environments, folders, strict=True) for word in
                 (folder, e.fingerprint, str(e.branch))]  # fmt: skip
        return cls(
            Environment(
                digest(words),
                any(environment.branch for environment in environments),
                digest([environment.rules for environment in environments]),
                _parts_together(environments, folders),
            ),
            frozenset().union(*(part.always for part in parts)),
            frozenset().union(*(part.measurable for part in parts)),
            tuple(parts),
        )

    def rules(self, path: str) -> str:
        """A fingerprint of what coverage.py's report of a file follows from."""
        for part in self.parts:
            if path in part.always or path in part.measurable:
                return part.environment.rules
        return ""


def _parts_together(
    environments: Sequence[Environment], folders: Sequence[str]
) -> Mapping[str, str]:
    """What several environments are of: a part that all have alike stands once."""
    together = dict(environments[0].parts)
    for name in together:
        values = [environment.parts.get(name, "") for environment in environments]
        if len(set(values)) > 1:
            lines = [f"{f or '.'}: {v}" for f, v in zip(folders, values, strict=True)]
            together[name] = "\n".join(lines)
    together["projects"] = "\n".join(folders)
    return together


def project_info(
    engine: Engine, db: Database, tests: Sequence[str], blobs: Mapping[str, str]
) -> ProjectInfo:
    """Ask the user's interpreter about a tree, or take the answer that the desk has kept.

    Args:
        engine: The tree and the interpreter.
        db: The desk.
        tests: What copydesk's own configuration hands to pytest.
        blobs: The files of the tree: blob by path.

    Raises:
        CopydeskError: The project's coverage configuration cannot be read.
    """
    paths = sorted(path for path in blobs if path.endswith(".py"))
    answers = db.content_cache("survey/3", lambda _: _ask(engine, paths))
    rules = report_rules(engine.home)
    key = _key(engine, paths, rules)
    answer = answers(key)
    if _installed_digest(answer["folders"]) != answer["installed"]:
        answers.recompute(key)
        answer = answers(key)
    if _may_be_kept(rules, blobs):
        answers.save()
    environment = engine.to_environment(answer, tests, rules)
    return ProjectInfo(
        environment,
        frozenset(answer["always"]).intersection(blobs),
        frozenset(answer["measurable"]).intersection(blobs),
    )


def _ask(engine: Engine, paths: list[str]) -> Json:
    answer = engine.project(paths)
    return answer | {"installed": _installed_digest(answer["folders"])}


def _key(engine: Engine, paths: Collection[str], rules: Sequence[str]) -> str:
    """A name for everything the answer follows from, but for what is installed."""
    interpreter = engine.interpreter
    parts = [str(interpreter.path), str(interpreter.extra_path), *map(str, interpreter.version)]
    parts += [_file_state(interpreter.path), _file_state(interpreter.prefix / "pyvenv.cfg")]
    parts += [str(engine.home), *DEFAULT_OMIT, *paths]
    # which files there are decides which of them coverage.py reads
    parts += [name for name in _CONFIGURATION if (engine.home / name).is_file()]
    sources, branch = pytest_cov_options(engine.home)
    return digest([*parts, *rules, *sources, str(branch)])


def _may_be_kept(rules: Sequence[str], blobs: Mapping[str, str]) -> bool:
    """Not where the answer follows from variables, or from packages that the tree itself holds."""
    if any(map(_VARIABLE.search, rules)):
        return False
    return not any(_is_package_metadata(path) for path in blobs)


def _is_package_metadata(path: str) -> bool:
    return any(mark in path for mark in _METADATA)


def _installed_digest(folders: Iterable[str]) -> str:
    """A name for the packages in some folders: it changes with each that comes, goes or changes."""
    parts: list[str] = []
    for folder in map(Path, folders):
        parts.append(str(folder))
        if not folder.is_dir():
            continue
        for entry in sorted(folder.iterdir()):
            if entry.name.endswith(_METADATA):
                parts += [entry.name, *(_file_state(entry / n) for n in ("METADATA", "PKG-INFO"))]
            elif entry.name.endswith((".pth", ".egg-link")):
                parts += [entry.name, _file_state(entry)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _file_state(path: Path) -> str:
    """What changes with a file; "-" where there is none."""
    try:
        status = path.stat()
    except OSError:
        return "-"
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"
