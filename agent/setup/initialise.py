"""`copydesk init` and its undoing."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import Literal

from copydesk.agent.config import RECORDED_HOST
from copydesk.agent.daemon import control
from copydesk.agent.daemon.first_floor import want_floor
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.repository import Repository, get_config, resolve, set_config
from copydesk.agent.model.recorded_host import record_host
from copydesk.agent.process import ProcessError, find_program, run, scrubbed_environment
from copydesk.agent.progress import Progress
from copydesk.agent.projects import current_projects
from copydesk.agent.records import Json
from copydesk.agent.setup import precommit_config
from copydesk.agent.setup.git_hooks import (
    hooks_folder,
    hooks_path,
    install_native_hooks,
    remove_native_hooks,
    take_out_hooks,
    write_hook_scripts,
)
from copydesk.agent.setup.inside_worktree import leads_outside, require_inside
from copydesk.hooks import environment, native_hooks

Way = Literal["beside", "framework", "native"]
"""How hooks get into a repository: the gate through pre-commit and the notification as a hook of
git's own beside it; both through pre-commit; or git's own alone, the gate where the project uses
pre-commit anyway."""

BIN = "copydesk.bin"
"""The git config key that says where the console scripts are on this machine."""

_RECORD = "setup.json"
_STAGE_IT = (
    f"`git add {precommit_config.NAME}`: pre-commit refuses to run while its change is not staged."
)


def set_up(
    repo: Repository,
    *,
    way: Way = "beside",
    repo_url: str | None = None,
    rev: str | None = None,
    progress: Progress,
) -> list[str]:
    """Set copydesk up in a repository; a second time changes nothing.

    Args:
        repo: The repository; its worktree is where .pre-commit-config.yaml is.
        way: How the hooks get into it.
        repo_url: Where pre-commit gets our hooks from; None for this machine's installation.
        rev: The revision of it.
        progress: Takes a line before each step that may take long.

    Returns:
        What was done, a sentence each.

    Raises:
        CopydeskError: Something the user has to settle first; no file was changed then.
    """
    foreign_folder = hooks_path(repo)
    pre_commit = _pre_commit_program()
    configuration = repo.worktree / precommit_config.NAME
    if way != "native":
        _check_framework(pre_commit, foreign_folder)
        require_inside(repo, configuration)
    steps = _choose_python(repo, progress)
    set_config(repo, BIN, str(_scripts_folder()))
    repo.desk.mkdir(mode=0o700, exist_ok=True)
    write_hook_scripts(repo)
    usable = pre_commit is not None and foreign_folder is None
    wanted = way != "native" or not _read_record(repo).get("taken_out")
    gate: list[str] = []
    if usable and wanted and (way != "native" or _has_own(repo, configuration)):
        assert pre_commit is not None
        progress("Installing the hooks with pre-commit")
        gate = _add_to_framework(repo, pre_commit, _selection(way, repo_url, rev))
    elif way == "native":
        gate = ["Nothing is checked before a commit this way; `copydesk gate` checks by hand."]
    if way != "framework":
        steps += _leave_later_stages(repo)
        steps += [f"Native hooks: {step}." for step in install_native_hooks(repo)]
    want_floor(repo)
    return steps + gate + _start_measuring(repo)


def _leave_later_stages(repo: Repository) -> list[str]:
    """Have pre-commit run nothing after a commit where only we had it do so.

    Its start costs as much again as the one before the commit.
    """
    record = _read_record(repo)
    types: list[str] = record.get("types", [])
    later = [name for name in types if name in native_hooks.HOOKS]
    if not later:
        return []
    steps = _uninstall(repo, later)
    _write_record(repo, record | {"types": [name for name in types if name not in later]})
    return steps


def _has_own(repo: Repository, configuration: Path) -> bool:
    """Whether the project has a configuration of pre-commit that may be written."""
    return configuration.is_file() and not leads_outside(repo, configuration)


def _selection(way: Way, repo_url: str | None, rev: str | None) -> precommit_config.HookSelection:
    """Our hooks that pre-commit is to run: beside native hooks the gate alone."""
    ids = [precommit_config.GATE]
    if way == "framework":
        ids.append(precommit_config.COMMIT)
    return precommit_config.HookSelection(tuple(ids), repo_url, rev)


def _add_to_framework(
    repo: Repository, pre_commit: str, selection: precommit_config.HookSelection
) -> list[str]:
    """Add our hooks to pre-commit's configuration and install them, or leave both as they were."""
    _check_configuration(repo, pre_commit)
    steps = _configure(repo, selection)
    if precommit_config.COMMIT in selection.ids:  # pre-commit would run ours besides its own
        steps += [f"Native hooks: {step}." for step in take_out_hooks(repo)]
    try:
        return steps + _install(repo, pre_commit, selection)
    except CopydeskError:
        _unconfigure(repo, _read_record(repo))
        raise


def _check_configuration(repo: Repository, pre_commit: str) -> None:
    """Make sure that pre-commit itself takes the project's configuration, before it is added to.

    Raises:
        CopydeskError: It does not.
    """
    if not (repo.worktree / precommit_config.NAME).is_file():
        return
    try:
        _run_pre_commit(repo, pre_commit, "validate-config", precommit_config.NAME)
    except ProcessError as error:
        raise CopydeskError(
            f"pre-commit does not take {precommit_config.NAME}: {error.output or error.reason}",
            slug="bad-precommit-config",
            hint="Correct it (`pre-commit validate-config` checks it), then run the command again.",
        ) from error


def undo(repo: Repository) -> list[str]:
    """Remove all that `set_up` installed; the desk with its measures and drafts stays.

    Returns:
        What was done, a sentence each.
    """
    steps = []
    if control.stop(repo):
        steps.append("Stopped the daemon.")
    record = _read_record(repo)
    if types := record.get("types"):
        steps += _uninstall(repo, types)
    steps += _unconfigure(repo, record)
    steps += [f"Native hooks: {step}." for step in remove_native_hooks(repo)]
    for key in (BIN, interpreter.RECORDED, RECORDED_HOST):
        if get_config(repo, key) is not None:
            set_config(repo, key, None)
            steps.append(f"Took {key} out of the git configuration.")
    (repo.desk / _RECORD).unlink(missing_ok=True)
    if repo.desk.is_dir() and types:
        _write_record(repo, {"taken_out": True})
    if repo.desk.is_dir():
        steps.append(f"Kept what was measured and drafted: {repo.desk} (delete it to forget it).")
    return steps


def _scripts_folder() -> Path:
    """The folder of our console scripts: an installation for one user has them elsewhere."""
    beside_python = Path(sys.executable).absolute().parent
    user_scheme = sysconfig.get_preferred_scheme("user")
    folders = [
        beside_python,
        Path(sysconfig.get_path("scripts")),
        Path(sysconfig.get_path("scripts", user_scheme)),
    ]
    for folder in folders:
        if (folder / precommit_config.GATE).exists():
            return folder
    return beside_python


def _pre_commit_program() -> str | None:
    beside_ours = _scripts_folder() / "pre-commit"
    return str(beside_ours) if beside_ours.exists() else find_program("pre-commit")


def _check_framework(pre_commit: str | None, foreign_folder: Path | None) -> None:
    """Make sure that pre-commit is there and installs where git looks for hooks."""
    if foreign_folder is not None:
        raise CopydeskError(
            f"core.hooksPath sends git's hooks to {foreign_folder}, where pre-commit installs none",
            slug="hooks-path",
            hint="`copydesk init --native` puts its hooks there; or unset core.hooksPath.",
        )
    if pre_commit is None:
        raise CopydeskError(
            "pre-commit was not found",
            slug="no-pre-commit",
            hint="Install it (`pipx install pre-commit`), or use `copydesk init --native`.",
        )


def _choose_python(repo: Repository, progress: Progress) -> list[str]:
    progress("Looking for the Python that runs the tests")
    shell = interpreter.shell_python()
    if shell and shell.parent.parent.resolve() != Path(sys.prefix).resolve():
        set_config(repo, interpreter.RECORDED, str(shell))
    record_host(repo)
    folders = current_projects(repo)
    return [line for folder in folders for line in _project_python(repo, folder, progress)]


def _project_python(repo: Repository, folder: str, progress: Progress) -> list[str]:
    """What runs the tests of one project, with what measuring needs."""
    search = interpreter.find(repo, folder)
    if search.missing:
        progress(f"Installing {' and '.join(search.missing)} into the desk")
        try:
            search = interpreter.provide(repo, search)
        except CopydeskError as error:
            return [f"Nothing can be measured yet: {error} {error.hint}"]
    python = search.interpreter
    version = ".".join(map(str, python.version))
    where = f"In {folder}, tests run" if folder else "Tests run"
    return [
        f"{where} with {python.path}, Python {version} ({python.source});"
        f" pytest {search.pytest}, coverage {search.coverage}."
    ]


def _configure(repo: Repository, selection: precommit_config.HookSelection) -> list[str]:
    path = repo.worktree / precommit_config.NAME
    before = _read(path)
    record = _read_record(repo)
    former = _former_defaults(record)
    if "after" in record and before == record["after"]:
        base = record["before"]
    else:
        base = None if before is None else precommit_config.remove_hooks(before, former)
        record["created"] = before is None or bool(record.get("created"))
    # from what was there before us: hook types that another way of setting up added go again
    added = precommit_config.defaults_to_add(base, selection)
    after = before
    if before is None or former != added or not precommit_config.has_hooks(before, selection):
        after = precommit_config.add_hooks(base, selection)
    record |= {"before": base, "added": added, "after": after}
    _write_record(repo, record)
    if after is None or after == before:
        return [f"{precommit_config.NAME} has our hooks already."]
    _write(path, after)
    if before is None:
        return [f"Wrote {precommit_config.NAME}."]
    return [f"Added our hooks to {precommit_config.NAME}; {_STAGE_IT}"]


def _former_defaults(record: Json) -> precommit_config.AddedDefaults:
    """What `_configure` noted that it added besides the hooks."""
    types, stages = record.get("added", ([], False))
    return precommit_config.AddedDefaults(tuple(types), stages)


def _unconfigure(repo: Repository, record: Json) -> list[str]:
    path = repo.worktree / precommit_config.NAME
    now = None if leads_outside(repo, path) else _read(path)
    if now is None:
        return []
    after = _without_our_hooks(now, record)
    if after == now:
        return []
    if after is None:
        path.unlink()
        return [f"Deleted {precommit_config.NAME}, which held our hooks alone."]
    _write(path, after)
    return [f"Took our hooks out of {precommit_config.NAME}; {_STAGE_IT}"]


def _without_our_hooks(text: str, record: Json) -> str | None:
    """The configuration as it was before us; None where there was none, or nothing is left.

    Args:
        text: The configuration as it is.
        record: What `_configure` noted.
    """
    if text == record.get("after"):
        before: str | None = record["before"]
        return before
    remaining = precommit_config.remove_hooks(text, _former_defaults(record))
    holds_nothing = not remaining.replace("repos:", "").strip()
    return None if record.get("created") and holds_nothing else remaining


def _run_pre_commit(repo: Repository, program: str, *arguments: str) -> None:
    env = scrubbed_environment(keep=environment.KEPT)
    run([program, *arguments], cwd=repo.worktree, env=env, timeout=120)


def _install(
    repo: Repository, program: str, selection: precommit_config.HookSelection
) -> list[str]:
    folder = hooks_folder(repo)
    new = [name for name in selection.types if not _by_pre_commit(folder / name)]
    words = [word for name in selection.types for word in ("--hook-type", name)]
    try:
        _run_pre_commit(repo, program, "install", *words)
    except ProcessError as error:
        raise CopydeskError(
            f"pre-commit could not install the hooks: {error.output or error.reason}",
            slug="pre-commit-failed",
            hint="`copydesk init --native` works without it.",
        ) from error
    record = _read_record(repo)
    record["types"] = sorted({*record.get("types", []), *new})
    _write_record(repo, record)
    return [f"pre-commit runs our hooks at {', '.join(selection.types)}."]


def _uninstall(repo: Repository, types: list[str]) -> list[str]:
    program = _pre_commit_program()
    if program is None:
        return ["pre-commit is gone; its hooks stay in the hooks folder."]
    words = [word for name in types for word in ("--hook-type", name)]
    try:
        _run_pre_commit(repo, program, "uninstall", *words)
    except ProcessError as error:
        return [f"pre-commit could not take its hooks out: {error.output or error.reason}"]
    return [f"pre-commit's hooks are taken out again: {', '.join(types)}."]


def _by_pre_commit(hook: Path) -> bool:
    with contextlib.suppress(OSError):
        return b"File generated by pre-commit" in hook.read_bytes()[:500]
    return False


def _start_measuring(repo: Repository) -> list[str]:
    steps = []
    with contextlib.suppress(CopydeskError):  # no commit yet
        sha = resolve(repo, "HEAD")
        with open_desk(repo.desk) as db:
            db.jobs.enqueue("measure", sha)
        steps.append(f"Queued the first measure, of {sha[:12]}.")
    control.ensure(repo)
    if control.status(repo).running:
        steps.append("The daemon is running; `copydesk status` says how far it is.")
    return steps


def _read_record(repo: Repository) -> Json:
    with contextlib.suppress(OSError, ValueError):
        record = json.loads((repo.desk / _RECORD).read_text("utf-8"))
        if isinstance(record, dict):
            return record
    return {}


def _write_record(repo: Repository, record: Json) -> None:
    _write(repo.desk / _RECORD, json.dumps(record))


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CopydeskError(
            f"{path.name} cannot be read: {error}",
            slug="bad-precommit-config",
            hint="It has to be a text file in UTF-8.",
        ) from error


def _write(path: Path, text: str) -> None:
    if path.is_symlink():
        path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(text.encode("utf-8"))
    if path.exists():
        temporary.chmod(path.stat().st_mode & 0o7777)
    temporary.replace(path)
