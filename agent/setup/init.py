"""`copydesk init` and its undoing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path

from copydesk.agent.daemon import control
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.repository import Repository, get_config, resolve, set_config
from copydesk.agent.process import ProcessError, run, scrubbed_environment
from copydesk.agent.progress import Progress
from copydesk.agent.records import Json
from copydesk.agent.setup import precommit
from copydesk.agent.setup.hooks import (
    hooks_folder,
    hooks_path,
    put_native,
    put_scripts,
    remove_native,
)
from copydesk.hooks import environment

BIN = "copydesk.bin"
"""The git config key that says where the console scripts are on this machine."""

_RECORD = "setup.json"
_STAGE_IT = f"`git add {precommit.NAME}`: pre-commit refuses to run while its change is not staged."


def initialise(
    repo: Repository,
    *,
    native: bool,
    repo_url: str | None,
    rev: str | None,
    progress: Progress,
) -> list[str]:
    """Set copydesk up in a repository. Doing it twice is doing it once.

    Args:
        repo: The repository; its worktree is where .pre-commit-config.yaml is.
        native: Install the post-commit hooks as git's own files, without pre-commit.
        repo_url: Where pre-commit gets our hooks from; None for this machine's installation.
        rev: The revision of it.
        progress: Takes a line before each step that may take long.

    Returns:
        What was done, a sentence each.

    Raises:
        CopydeskError: Something the user has to settle first; no file was changed then.
    """
    top = repo.worktree
    elsewhere = hooks_path(repo)
    program = _pre_commit()
    framework = program is not None and elsewhere is None
    if not native:
        _check(program, elsewhere)
    done = _choose_python(repo, progress)
    set_config(repo, BIN, str(_scripts()))
    repo.desk.mkdir(mode=0o700, exist_ok=True)
    put_scripts(repo)
    if native:
        done += [f"Native hooks: {said}." for said in put_native(repo)]
    if framework and (not native or (top / precommit.NAME).is_file()):
        assert program
        ids = (precommit.GATE,) if native else (precommit.GATE, precommit.COMMIT)
        wanted = precommit.Wanted(ids, repo_url, rev)
        progress("Installing the hooks with pre-commit")
        done += _configure(repo, wanted)
        try:
            done += _install(repo, program, wanted)
        except CopydeskError:
            _unconfigure(repo, _read_record(repo))
            raise
    elif native:
        done.append("Nothing is checked before a commit this way; `copydesk gate` checks by hand.")
    return done + _begin(repo)


def undo(repo: Repository) -> list[str]:
    """Take out all that `initialise` put in; what copydesk has learnt stays in the desk.

    Returns:
        What was done, a sentence each.
    """
    done = []
    if control.stop(repo):
        done.append("Stopped the daemon.")
    record = _read_record(repo)
    if types := record.get("types"):
        done += _uninstall(repo, types)
    done += _unconfigure(repo, record)
    done += [f"Native hooks: {said}." for said in remove_native(repo)]
    for key in (BIN, interpreter.RECORDED):
        if get_config(repo, key) is not None:
            set_config(repo, key, None)
            done.append(f"Took {key} out of the git configuration.")
    (repo.desk / _RECORD).unlink(missing_ok=True)
    if repo.desk.is_dir():
        done.append(f"Kept what was measured and drafted: {repo.desk} (delete it to forget it).")
    return done


def _scripts() -> Path:
    """The folder of our console scripts: an installation for one user has them elsewhere."""
    beside = Path(sys.executable).absolute().parent
    places = [beside, Path(sysconfig.get_path("scripts"))]
    places.append(Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))))
    return next((place for place in places if (place / precommit.GATE).exists()), beside)


def _pre_commit() -> str | None:
    beside = _scripts() / "pre-commit"
    return str(beside) if beside.exists() else shutil.which("pre-commit")


def _check(program: str | None, elsewhere: Path | None) -> None:
    if elsewhere is not None:
        raise CopydeskError(
            f"core.hooksPath sends git's hooks to {elsewhere}, where pre-commit installs none",
            slug="hooks-path",
            hint="`copydesk init --native` puts its hooks there; or unset core.hooksPath.",
        )
    if program is None:
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
    found = interpreter.find(repo)
    if found.missing:
        progress(f"Installing {' and '.join(found.missing)} into the desk")
        try:
            found = interpreter.provide(repo, found)
        except CopydeskError as error:
            return [f"Nothing can be measured yet: {error} {error.hint}"]
    python = found.interpreter
    version = ".".join(map(str, python.version))
    return [
        f"Tests run with {python.path}, Python {version} ({python.source});"
        f" pytest {found.pytest}, coverage {found.coverage}."
    ]


def _configure(repo: Repository, wanted: precommit.Wanted) -> list[str]:
    path = repo.worktree / precommit.NAME
    before = _read(path)
    record = _read_record(repo)
    former = precommit.Added(*record.get("added", [[], False]))
    if not record or before != record.get("after"):
        base = None if before is None else precommit.remove(before, former)
        record["before"] = base
        record["created"] = before is None or bool(record.get("created"))
        record["added"] = precommit.added(base, wanted)
    after = precommit.add(before, wanted)
    record["after"] = after
    _write_record(repo, record)
    if after == before:
        return [f"{precommit.NAME} has our hooks already."]
    _write(path, after)
    if before is None:
        return [f"Wrote {precommit.NAME}."]
    return [f"Added our hooks to {precommit.NAME}; {_STAGE_IT}"]


def _unconfigure(repo: Repository, record: Json) -> list[str]:
    path = repo.worktree / precommit.NAME
    now = _read(path)
    if now is None:
        return []
    put = precommit.Added(*record.get("added", [[], False]))
    after: str | None = precommit.remove(now, put)
    if "after" in record and now == record["after"]:
        after = record["before"]
    elif record.get("created") and after is not None and not after.replace("repos:", "").strip():
        after = None
    if after == now:
        return []
    if after is None:
        path.unlink()
        return [f"Deleted {precommit.NAME}, which held our hooks alone."]
    _write(path, after)
    return [f"Took our hooks out of {precommit.NAME}; {_STAGE_IT}"]


def _run_pre_commit(repo: Repository, program: str, *arguments: str) -> None:
    env = scrubbed_environment(kept=environment.KEPT)
    run([program, *arguments], cwd=repo.worktree, env=env, timeout=120)


def _install(repo: Repository, program: str, wanted: precommit.Wanted) -> list[str]:
    folder = hooks_folder(repo)
    new = [name for name in wanted.types if not _by_pre_commit(folder / name)]
    words = [word for name in wanted.types for word in ("--hook-type", name)]
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
    return [f"pre-commit runs our hooks at {', '.join(wanted.types)}."]


def _uninstall(repo: Repository, types: list[str]) -> list[str]:
    program = _pre_commit()
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


def _begin(repo: Repository) -> list[str]:
    done = []
    with contextlib.suppress(CopydeskError):  # no commit yet
        sha = resolve(repo, "HEAD")
        with open_desk(repo.desk) as db:
            db.jobs.enqueue("measure", sha)
        done.append(f"Queued the first measure, of {sha[:12]}.")
    control.ensure(repo)
    if control.status(repo).running:
        done.append("The daemon is running; `copydesk status` says how far it is.")
    return done


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
