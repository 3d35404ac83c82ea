"""What is in force: the project's agreements and the user's own settings.

What the project agrees on is `[tool.copydesk]` in pyproject.toml. What could run a command,
reach an address or lower a guard is the user's alone: `git config copydesk.*`. Neither can
stand in for the other.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from dataclasses import dataclass
from typing import Any, Literal

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, get_config, get_section, read_file
from copydesk.agent.records import Json, Sha


@dataclass(frozen=True, slots=True)
class Project:
    """`[tool.copydesk]`: what everybody who works on the project shares.

    Percentages are of 100. `unknown` is what the gate does with changed lines that were not
    measured: pass, measure or fail. `tests_may_fail` narrows the user's own `failing_tests`, ""
    leaves it as it is. `tests` are folders or files handed to pytest; empty means
    whatever pytest finds by the project's own configuration. `projects` are the folders of the
    projects that the repository holds; empty means those that are found. The keys `priority_...`
    are the constants of the priority of topics, times in days.
    """

    fail_under: float = 95.0
    diff_fail_under: float = 95.0
    may_not_fall: bool = True
    unknown: str = "pass"
    tests_may_fail: str = ""
    tests: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    behaviour: str = ""
    drafts_per_commit: int = 10
    stories: bool = True
    story_closes: tuple[str, ...] = ("tag", "quiet")
    story_quiet_days: float = 14.0
    story_contributors: bool = True
    model: str = ""
    prose_model: str = ""
    priority_question: float = 3.0
    priority_message: float = 2.0
    priority_vote: float = 1.5
    priority_reaction: float = 1.0
    priority_half_life: float = 21.0
    priority_open: float = 0.5
    priority_fatigue: float = 0.5
    priority_fatigue_days: float = 60.0


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
    `failing_tests` says how far a change may go while tests fail: nowhere (never), into a commit,
    or always on, through a push and CI too.
    `model_seconds` is how long a model may work in an hour when nobody asked for it (0: never).
    After `audit_measures` measures all tests run (0: never). `floor` is that of the total where
    the project sets no `fail_under`. `inbox` names further folders, as in $PATH, whose files are
    imported as feedback; `posts` the folder of the author's posts. `pull_every` is after how many
    hours the daemon pulls what readers wrote (0: never).
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
    behaviour_seconds: float = 300.0
    model_seconds: float = 1200.0
    audit_measures: float = 200.0
    failing_tests: Literal["never", "commit", "always"] = "commit"
    floor: float = 95.0
    inbox: str = ""
    posts: str = ""
    pull_every: float = 0.0


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
    "behaviour_seconds": "copydesk.behaviourSeconds",
    "model_seconds": "copydesk.modelSeconds",
    "audit_measures": "copydesk.auditMeasures",
    "failing_tests": "copydesk.failingTests",
    "floor": "copydesk.floor",
    "inbox": "copydesk.inbox",
    "posts": "copydesk.posts",
    "pull_every": "copydesk.pullEvery",
}
RECORDED_HOST = "copydesk.recordedModelHost"
"""The git config key of what $OLLAMA_HOST was when copydesk first met it."""

_MAY_BE_ZERO = {
    *("floor", "pause_battery", "pause_load", "burst", "audit_measures", "model_seconds"),
    *("behaviour_seconds", "pull_every"),
}
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}
_PERCENT = {"fail_under", "diff_fail_under"}
_PERSONAL_CHOICES = {
    "sandbox": ("auto", "partial", "off"),
    "own_tests": ("auto", "sandbox", "plain"),
    "measures": ("tips", "author", "all"),
    "failing_tests": ("never", "commit", "always"),
}
_ITEM_CHOICES = {"story_closes": ("tag", "quiet", "week")}
_CHOICES = {
    "unknown": ("pass", "measure", "fail"),
    "tests_may_fail": ("never", "commit"),
    "behaviour": ("", "say", "stop"),
}


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


def load_project(
    repo: Repository, sha: Sha | None = None, folder: str = ""
) -> tuple[Project, dict[str, str]]:
    """What the project has agreed on, and where each value comes from; as `load`, but quicker.

    Args:
        repo: The repository.
        sha: Read pyproject.toml from this commit instead of the worktree.
        folder: The folder of one project in it, which keeps what the top has set but for `tests`
            and `projects`.

    Raises:
        CopydeskError: A key is unknown or a value is of the wrong kind.
    """
    name = "pyproject.toml"
    table = _table(repo, sha, name)
    sources = dict.fromkeys((f.name for f in dataclasses.fields(Project)), "default")
    sources |= dict.fromkeys(table, name)
    if folder:
        name = f"{folder}/pyproject.toml"
        own = _table(repo, sha, name)
        project_from(table)  # what is wrong at the top is told as that of the top
        table = {key: value for key, value in table.items() if key not in _OF_THE_TOP} | own
        sources |= dict.fromkeys(_OF_THE_TOP, "default") | dict.fromkeys(own, name)
    project = project_from(table)
    key = PERSONAL_KEYS["floor"]
    if not folder and "fail_under" not in table and (text := get_config(repo, key)) is not None:
        project = dataclasses.replace(project, fail_under=personal_value("floor", text))
        sources["fail_under"] = f"git config {key}"
    return project, sources


_OF_THE_TOP = ("tests", "projects")
"""Settings that speak of the folder that they stand in."""


def _table(repo: Repository, sha: Sha | None, name: str) -> Json:
    """`[tool.copydesk]` of a file."""
    text = _text(repo, sha, name)
    try:
        table: Json = tomllib.loads(text or "").get("tool", {}).get("copydesk", {})
    except tomllib.TOMLDecodeError as error:
        raise CopydeskError(
            f"{name} is not valid TOML: {error}",
            slug="bad-config",
            hint="Correct the line it names.",
        ) from error
    return table


def _text(repo: Repository, sha: Sha | None, name: str) -> str | None:
    if sha is not None:
        blob = read_file(repo, sha, name)
        return None if blob is None else blob.decode("utf-8", "replace")
    path = repo.worktree / name
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


def unknown_key(key: str, known_keys: list[str], where: str) -> CopydeskError:
    """The error for a key that does not exist, naming the one that was probably meant."""
    import difflib  # 3 ms, for a mistyped name alone

    near = difflib.get_close_matches(key, known_keys, n=1)
    return CopydeskError(
        f"unknown key {key!r} in {where}",
        slug="unknown-key",
        hint=f"Did you mean {near[0]!r}?"
        if near
        else f"Known keys: {', '.join(sorted(known_keys))}.",
    )


def _checked(key: str, value: Any, default: object) -> Any:
    """A value of `[tool.copydesk]` as its field takes it.

    Args:
        key: The field's name.
        value: What TOML says.
        default: The field's default, whose type the value must have.

    Raises:
        CopydeskError: The value is of the wrong kind.
    """
    if _fits(key, value, default):
        if isinstance(default, tuple):
            return tuple(value)
        return float(value) if isinstance(default, float) else value
    raise CopydeskError(
        f"[tool.copydesk] {key} = {value!r} is not a value it can have",
        slug="bad-config",
        hint=_HINTS.get(key, f"It takes a value like {default!r}."),
    )


_HINTS = {
    "tests_may_fail": "It takes 'never' or 'commit': a tracked file may only be stricter than you"
    " are. `git config copydesk.failingTests always` lets failing tests go on to a push.",
}


def _fits(key: str, value: Any, default: object) -> bool:
    """Whether a value of `[tool.copydesk]` is one that its field takes."""
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return False
        return set(value) <= set(_ITEM_CHOICES.get(key, value))
    if isinstance(value, bool) != isinstance(default, bool):
        return False
    if isinstance(default, float):
        return isinstance(value, int | float) and _in_range(key, value)
    return isinstance(value, type(default)) and value in _CHOICES.get(key, (value,))


def _in_range(key: str, value: float) -> bool:
    """Whether a number of `[tool.copydesk]` is one that its field takes."""
    if key in _PERCENT:
        return 0 <= value <= 100
    if key == "priority_half_life":
        return 0 < value <= 36_500
    if key == "priority_fatigue":
        return 0 < value <= 1
    return 0 <= value <= 36_500


def load_personal(repo: Repository) -> tuple[Personal, dict[str, str]]:
    """What the user of this machine has set, and where each value comes from.

    Raises:
        CopydeskError: A value is not one that its setting takes.
    """
    values: dict[str, Any] = {}
    sources = {}
    section = get_section(repo, "copydesk")
    for name, key in PERSONAL_KEYS.items():
        text = section.get(key.lower())
        if text is not None:
            values[name] = personal_value(name, text)
        sources[name] = "default" if text is None else f"git config {key}"
    if "model_host" not in values:
        recorded, here = section.get(RECORDED_HOST.lower()), os.environ.get("OLLAMA_HOST")
        if recorded:  # the same for the daemon, hooks and every shell
            values["model_host"] = recorded
            sources["model_host"] = f"git config {RECORDED_HOST}"
        elif here:
            values["model_host"] = here
            sources["model_host"] = "$OLLAMA_HOST"
    return Personal(**values), sources


def personal_value(name: str, text: str) -> Any:
    """A personal setting read from text.

    Args:
        name: The setting: a field of Personal.
        text: What git's configuration says.

    Raises:
        CopydeskError: The text is not a value this setting takes.
    """
    default = {field.name: field.default for field in dataclasses.fields(Personal)}[name]
    if name == "floor":
        number = _number(text, may_be_zero=True)
        value: Any = number if number is not None and number <= 100 else None
    elif isinstance(default, bool):
        value = _BOOLEANS.get(text.lower())
    elif isinstance(default, float):
        value = _number(text, may_be_zero=name in _MAY_BE_ZERO)
    else:
        value = text if text in _PERSONAL_CHOICES.get(name, (text,)) else None
    if value is None:
        raise CopydeskError(
            f"{PERSONAL_KEYS[name]} = {text!r} is not a value it can have",
            slug="bad-config",
            hint=f"git config {PERSONAL_KEYS[name]} VALUE, with a value like {default!r}.",
        )
    return value


STRICTEST_FIRST = ("never", "commit", "always")
"""How far failing tests may go: nowhere, into a commit, or through a push and CI too."""


def tests_may_fail(project: str, user: str) -> str:
    """Which setting is in force: a tracked file may only narrow what the user allows.

    Args:
        project: The project's; "" where it has none.
        user: The user's.
    """
    settings = [setting for setting in (project, user) if setting]
    return min(settings, key=STRICTEST_FIRST.index)


def _number(text: str, *, may_be_zero: bool) -> float | None:
    """The number that a text says; None where it is none, or one that is too small."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number > 0 or (number == 0 and may_be_zero) else None
