"""What is in force: the project's agreements and the user's own settings.

What the project agrees on is `[tool.copydesk]` in pyproject.toml. What could run a command,
reach an address or lower a guard is the user's alone: `git config copydesk.*`. Neither can
stand in for the other.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from dataclasses import dataclass
from typing import Any, Literal

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, get_section, read_file
from copydesk.agent.records import Json, Sha


@dataclass(frozen=True, slots=True)
class Project:
    """`[tool.copydesk]`: what everybody who works on the project shares.

    Percentages are of 100. `unknown` is what the gate does with changed lines that were not
    measured: pass, measure or fail. `tests` are folders or files handed to pytest; empty means
    whatever pytest finds by the project's own configuration.
    """

    fail_under: float = 95.0
    diff_fail_under: float = 95.0
    may_not_fall: bool = True
    unknown: str = "pass"
    tests: tuple[str, ...] = ()
    drafts_per_commit: int = 10
    stories: bool = True
    model: str = ""
    prose_model: str = ""


@dataclass(frozen=True, slots=True)
class Personal:
    """`git config copydesk.*`: what only the user of this machine may say.

    `own_tests` is how the project's tests run when a commit is measured: in the sandbox where
    there is one, nowhere else, or plainly. What they may reach from there is allowed by name:
    paths as in $PATH, names of environment variables.
    `idle_seconds` is how long the daemon stays with nothing to do; `measure_seconds` is the
    longest a measure may take. `pause_battery` (percent), `pause_load` (load average a
    processor) and `one_at_a_time` hold work back; 0 never does. `measures` says which commits
    of a burst are measured, `burst` how many besides the tips. `disk_mb` is the desk's budget.
    After `audit_measures` measures all tests run (0: never).
    """

    python: str = ""
    sandbox: Literal["auto", "partial", "off"] = "auto"
    model_host: str = ""
    allow_remote: bool = False
    own_tests: Literal["auto", "sandbox", "plain"] = "auto"
    own_tests_network: bool = False
    own_tests_paths: str = ""
    own_tests_variables: str = ""
    idle_seconds: float = 1200.0
    measure_seconds: float = 3600.0
    pause_battery: float = 20.0
    pause_load: float = 0.0
    one_at_a_time: bool = True
    measures: Literal["tips", "author", "all"] = "author"
    burst: float = 20.0
    disk_mb: float = 500.0
    draft_seconds: float = 900.0
    draft_tokens: float = 100000.0
    audit_measures: float = 200.0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything in force. `sources` says for each key where its value comes from."""

    project: Project
    personal: Personal
    sources: dict[str, str]


PERSONAL_KEYS = {
    "python": "copydesk.python",
    "sandbox": "copydesk.sandbox",
    "model_host": "copydesk.modelHost",
    "allow_remote": "copydesk.allowRemote",
    "own_tests": "copydesk.ownTests",
    "own_tests_network": "copydesk.ownTestsNetwork",
    "own_tests_paths": "copydesk.ownTestsPaths",
    "own_tests_variables": "copydesk.ownTestsVariables",
    "idle_seconds": "copydesk.idleSeconds",
    "measure_seconds": "copydesk.measureSeconds",
    "pause_battery": "copydesk.pauseBattery",
    "pause_load": "copydesk.pauseLoad",
    "one_at_a_time": "copydesk.oneAtATime",
    "measures": "copydesk.measures",
    "burst": "copydesk.burst",
    "disk_mb": "copydesk.diskMb",
    "draft_seconds": "copydesk.draftSeconds",
    "draft_tokens": "copydesk.draftTokens",
    "audit_measures": "copydesk.auditMeasures",
}
_MAY_BE_ZERO = {"pause_battery", "pause_load", "burst", "audit_measures"}
_PERCENT = {"fail_under", "diff_fail_under"}
_PERSONAL_CHOICES = {
    "sandbox": ("auto", "partial", "off"),
    "own_tests": ("auto", "sandbox", "plain"),
    "measures": ("tips", "author", "all"),
}
_CHOICES = {"unknown": ("pass", "measure", "fail")}


def load(repo: Repository, sha: Sha | None = None) -> Config:
    """What is in force in a worktree, or for a commit.

    Args:
        repo: The repository.
        sha: Read pyproject.toml from this commit instead of the worktree.

    Raises:
        CopydeskError: A key is unknown or a value is of the wrong kind.
    """
    project, sources = load_project(repo, sha)
    personal, where = load_personal(repo)
    return Config(project, personal, sources | where)


def load_project(repo: Repository, sha: Sha | None = None) -> tuple[Project, dict[str, str]]:
    """What the project has agreed on, and where each value comes from; as `load`, but quicker.

    Raises:
        CopydeskError: A key is unknown or a value is of the wrong kind.
    """
    text = _pyproject(repo, sha)
    table: Json = {}
    if text is not None:
        try:
            table = tomllib.loads(text).get("tool", {}).get("copydesk", {})
        except tomllib.TOMLDecodeError as error:
            raise CopydeskError(
                f"pyproject.toml is not valid TOML: {error}",
                slug="bad-config",
                hint="Correct the line it names.",
            ) from error
    sources = dict.fromkeys((f.name for f in dataclasses.fields(Project)), "default")
    project = project_from(table)
    return project, sources | dict.fromkeys(table, "pyproject.toml")


def _pyproject(repo: Repository, sha: Sha | None) -> str | None:
    if sha is not None:
        blob = read_file(repo, sha, "pyproject.toml")
        return None if blob is None else blob.decode("utf-8", "replace")
    path = repo.worktree / "pyproject.toml"
    return path.read_text("utf-8", "replace") if path.is_file() else None


def project_from(table: Json) -> Project:
    """`[tool.copydesk]` as a Project.

    Raises:
        CopydeskError: A key is unknown (the nearest known one is named) or a value is wrong.
    """
    fields = {f.name: f.default for f in dataclasses.fields(Project)}
    values = {}
    for key, value in table.items():
        if key not in fields:
            raise unknown_key(key, list(fields), "[tool.copydesk]")
        values[key] = _checked(key, value, fields[key])
    return Project(**values)


def unknown_key(key: str, known: list[str], where: str) -> CopydeskError:
    """The error for a key that does not exist, naming the one that was probably meant."""
    near = difflib.get_close_matches(key, known, n=1)
    return CopydeskError(
        f"unknown key {key!r} in {where}",
        slug="unknown-key",
        hint=f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(sorted(known))}.",
    )


def _checked(key: str, value: Any, default: object) -> Any:
    wrong = CopydeskError(
        f"[tool.copydesk] {key} = {value!r} is not a value it can have",
        slug="bad-config",
        hint=f"It takes a value like {default!r}.",
    )
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise wrong
        return tuple(value)
    if isinstance(default, bool) != isinstance(value, bool):
        raise wrong
    if isinstance(default, float):
        if not isinstance(value, int | float) or (key in _PERCENT and not 0 <= value <= 100):
            raise wrong
        return float(value)
    if not isinstance(value, type(default)):
        raise wrong
    if key in _CHOICES and value not in _CHOICES[key]:
        raise wrong
    return value


def load_personal(repo: Repository) -> tuple[Personal, dict[str, str]]:
    """What the user of this machine has set, and where each value comes from.

    Raises:
        CopydeskError: A value is not one that its setting takes.
    """
    values: dict[str, Any] = {}
    sources = {}
    found = get_section(repo, "copydesk")
    for name, key in PERSONAL_KEYS.items():
        said = found.get(key.lower())
        if said is not None:
            values[name] = personal_value(name, said)
        sources[name] = "default" if said is None else f"git config {key}"
    if "model_host" not in values and os.environ.get("OLLAMA_HOST"):
        values["model_host"] = os.environ["OLLAMA_HOST"]
        sources["model_host"] = "$OLLAMA_HOST"
    return Personal(**values), sources


def personal_value(name: str, said: str) -> Any:
    """A personal setting read from text.

    Raises:
        CopydeskError: The text is not a value this setting takes.
    """
    default = {f.name: f.default for f in dataclasses.fields(Personal)}[name]
    wrong = CopydeskError(
        f"{PERSONAL_KEYS[name]} = {said!r} is not a value it can have",
        slug="bad-config",
        hint=f"git config {PERSONAL_KEYS[name]} VALUE, with a value like {default!r}.",
    )
    if name in _PERSONAL_CHOICES and said not in _PERSONAL_CHOICES[name]:
        raise wrong
    if isinstance(default, bool):
        if said.lower() not in ("true", "false", "yes", "no", "1", "0", "on", "off"):
            raise wrong
        return said.lower() in ("true", "yes", "1", "on")
    if isinstance(default, float):
        try:
            number = float(said)
        except ValueError:
            raise wrong from None
        if not (number > 0 or (number == 0 and name in _MAY_BE_ZERO)):
            raise wrong
        return number
    return said
