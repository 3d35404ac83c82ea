"""`copydesk doctor`: what copydesk found on this machine, and the cure for what is amiss."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import current_repository, head_sha, open_current_desk
from copydesk.agent.cli.model_progress import ModelProgress
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.daemon import control, prune
from copydesk.agent.daemon.resources import pause_reason
from copydesk.agent.desk import backup, space
from copydesk.agent.desk.store import DAMAGED
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import find, missing_error
from copydesk.agent.git.missing_modules import missing_packages
from copydesk.agent.git.repository import Repository, get_config, ignored_decisions
from copydesk.agent.projects import current_projects, project_name
from copydesk.agent.records import Sha
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.setup.git_hooks import hooks_path, installed_hooks
from copydesk.agent.text import clean, plural
from copydesk.hooks import start_daemon

if TYPE_CHECKING:
    from copydesk.agent.coverage.measure import Collection

LOW_DISK = 1 << 30
"""Free bytes below which a warning is given."""

PASSED_OVER = 3
"""Files that coverage.py passes over of which the name is said."""

_MARKS = {"ok": "✓", "note": "·", "wrong": "✗"}


class Finding(NamedTuple):
    """The result of one check. `state` is ok, note (works, with less) or wrong (does not work)."""

    name: str
    state: str
    said: str
    fix: str = ""


@click.command(
    epilog=examples("copydesk doctor", "copydesk doctor --model", "copydesk doctor --json")
)
@click.option("--model", "test_model", is_flag=True, help="Test the model server instead.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, test_model: bool, as_json: bool) -> None:
    """Check what copydesk needs here, and say how to fix it.

    With --model the server, its version and the model are named, and the model is loaded and
    asked three small questions. Ends with exit code 1 when something does not work.
    """
    findings = list(
        _model_checks(current_repository()) if test_model else examine(current_repository())
    )
    if as_json:
        echo_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            echo(f"{_MARKS[finding.state]} {finding.name}: {finding.said}")
            if finding.fix:
                echo(f"    {finding.fix}")
    ctx.exit(int(any(finding.state == "wrong" for finding in findings)))


def examine(repo: Repository) -> Iterator[Finding]:
    """Run every check, one finding each; a check that fails to run is a finding, too."""
    for name, look in _LOOKS.items():
        try:
            yield look(repo)
        except CopydeskError as error:
            yield Finding(name, "wrong", str(error), error.hint)
    yield from _ignored_settings(repo)


def _model_checks(repo: Repository) -> Iterator[Finding]:
    # the model's client takes a while to import
    from copydesk.agent.model.self_test import checks
    from copydesk.agent.model.settings import model_settings

    with open_current_desk() as (_, db):
        settings = model_settings(config.load(repo), db)
        settings = dataclasses.replace(settings, breaker=type(settings.breaker)())  # ask now
        doing = "testing the model"
        with spinner(doing) as update:
            settings = dataclasses.replace(settings, on_progress=ModelProgress(doing, update))
            yield from [Finding(*check) for check in checks(settings)]


def _interpreter(repo: Repository) -> Finding:
    """What runs the tests: of each project, where the repository holds several."""
    folders = current_projects(repo)
    if folders == ("",):
        return _interpreter_of(repo, "")
    findings = [_interpreter_of(repo, folder) for folder in folders]
    return _together("interpreter", folders, findings)


def _interpreter_of(repo: Repository, folder: str) -> Finding:
    search = find(repo, folder)
    python = search.interpreter
    if search.missing and search.missing != ["coverage"]:
        error = missing_error(search)
        return Finding("interpreter", "wrong", str(error), error.hint)
    search.require_supported()
    version = ".".join(map(str, python.version))
    words = f"{python.path}, Python {version} ({python.source}); pytest {search.pytest}"
    return Finding("interpreter", "ok", words)


def _ignored_settings(repo: Repository) -> Iterator[Finding]:
    """What is set where it does not count, if anything is."""
    ignored = ignored_decisions(repo)
    if not ignored:
        return
    places = sorted({str(setting.file or "a command line") for setting in ignored})
    keys = ", ".join(sorted({setting.key for setting in ignored}))
    yield Finding(
        "settings",
        "note",
        f"{keys} in {', '.join(places)} do not count: a file of the repository has no say in them",
        "copydesk config --set NAME=VALUE",
    )


def _hooks(repo: Repository) -> Finding:
    hooks = installed_hooks(repo)
    words = [f"{hook.event}: {hook.owner} ({hook.place})" for hook in hooks]
    if folder := hooks_path(repo):
        words.insert(0, f"core.hooksPath is {folder}")
    owners = {hook.owner for hook in hooks}
    set_up = get_config(repo, "copydesk.bin") is not None
    if not set_up and "copydesk" not in owners:
        words.insert(0, "not set up here; commits are seen while the daemon runs.")
        return Finding("hooks", "note", _sentence(words), "copydesk init")
    if not owners & {"copydesk", "pre-commit", "prek"}:
        words.insert(0, "git runs none of copydesk's hooks, so no commit starts the daemon.")
        fix = "copydesk init --native, or see docs/how-to/husky-and-lefthook.md"
        return Finding("hooks", "note", _sentence(words), fix)
    return Finding("hooks", "ok", "; ".join(words))


def _sentence(words: list[str]) -> str:
    """Join the first part, a sentence, with the details after it."""
    first, *details = words
    return f"{first} {'; '.join(details)}.".removesuffix(" .") if details else first


def _daemon(repo: Repository) -> Finding:
    now = control.status(repo)
    if now.running and now.version != start_daemon.VERSION:
        words = f"process {now.pid} is copydesk {now.version}, this is {start_daemon.VERSION}"
        return Finding("daemon", "note", words, "copydesk daemon start")
    reason = pause_reason(config.load_personal(repo)[0], repo.desk) if repo.desk.is_dir() else ""
    if reason:
        return Finding("daemon", "note", f"no work is started for now: {reason}")
    if now.running:
        return Finding("daemon", "ok", f"running, process {now.pid}, copydesk {now.version}")
    return Finding("daemon", "note", "not running; the next commit or command starts it")


def _watching(repo: Repository) -> Finding:
    limits = {}
    for name in ("user_instances", "user_watches", "queued_events"):
        path = Path(f"/proc/sys/fs/inotify/max_{name}")
        if not path.is_file():
            return Finding("watching", "ok", "this system has no inotify limits")
        limits[name] = int(path.read_text())
    words = ", ".join(f"{name.replace('_', ' ')} {limit:,}" for name, limit in limits.items())
    # a daemon takes one instance and a watch a folder; editors and bundlers take the rest
    if limits["user_instances"] < 64 or limits["user_watches"] < 8192:
        return Finding(
            "watching",
            "note",
            f"inotify limits are low: {words}; a daemon that gets none polls",
            "sudo sysctl fs.inotify.max_user_instances=128 fs.inotify.max_user_watches=65536",
        )
    return Finding("watching", "ok", f"inotify limits: {words}")


def _desk(repo: Repository) -> Finding:
    database = repo.desk / "desk.db"
    if database.exists() and (damage := backup.check(database)):
        fix = "copydesk daemon stop && copydesk backup --list; see docs/how-to/back-up.md"
        return Finding("desk", "wrong", f"damaged: {damage}", fix)
    copies = len(backup.listed(repo.desk))
    words = f"{prune.size(repo.desk) / 1e6:,.1f} MB, intact; {plural(copies, 'backup')}"
    if moved_away := sorted((repo.desk / DAMAGED).glob("*")):
        words += f"; a damaged one was moved to {moved_away[-1]}"
        return Finding("desk", "note", words, "Delete that folder when nothing in it is missed.")
    budget = config.load_personal(repo)[0].disk_mb
    return Finding("desk", "ok", f"{words}; the budget is {budget:g} MB")


def _queue(repo: Repository) -> Finding:
    with open_current_desk() as (_, db):
        failed = db.jobs.failures()
    if not failed:
        return Finding("queue", "ok", "no job has failed")
    kind, subject, error = failed[0]
    reason = error.strip().splitlines()[-1] if error.strip() else "no reason was kept"
    words = f"{plural(len(failed), 'job')} failed and will not be tried again;"
    words += f" the last: {kind} {subject[:12]}: {reason}"
    return Finding("queue", "wrong", words, f"copydesk measure {subject[:12]}")


def _tests(repo: Repository) -> Finding:
    """Collect the tests of HEAD once, and say what stands in the way."""
    sha = head_sha(repo)
    if sha is None or not (repo.desk / "desk.db").exists():
        words = "not collected: nothing is written here before `copydesk init` or a first measure"
        return Finding("tests", "note", "not collected: no commit yet" if sha is None else words)
    # all that runs tests takes long to import, and doctor alone is asked for it
    from copydesk.agent.coverage.measure import collect

    collections = collect(Commit(repo, sha))
    findings = [_tests_of(repo, sha, collection) for collection in collections]
    if len(findings) == 1:
        return findings[0]
    return _together("tests", [one.folder for one in collections], findings)


def _together(name: str, folders: Sequence[str], findings: Sequence[Finding]) -> Finding:
    """The findings of several projects as one, with the cure of the first that needs one."""
    words = "; ".join(
        f"in {clean(project_name(folder), keep='')}: {finding.said}"
        for folder, finding in zip(folders, findings, strict=True)
    )
    worst = min(findings, key=lambda finding: ("wrong", "note", "ok").index(finding.state))
    return Finding(name, worst.state, words, worst.fix)


def _tests_of(repo: Repository, sha: Sha, collection: Collection) -> Finding:
    """What pytest collects in one project."""
    folder, problem = collection.folder, collection.problem
    if problem is not None or collection.interpreter is None:
        return Finding("tests", "wrong", str(problem), problem.hint if problem else "")
    count = plural(len(collection.tests), "test")
    if not collection.errors:
        state = "ok" if collection.tests else "note"
        return Finding("tests", state, f"pytest collects {count} at {sha[:8]}")
    name, error = next(iter(collection.errors.items()))
    files = plural(len(collection.errors), "file")
    words = f"{files} cannot be collected at {sha[:8]} ({count} can); {clean(name)}: {error}"
    python = collection.interpreter.path
    install = missing_packages(repo, sha, str(python), collection.errors.values())
    if install is not None:
        return Finding("tests", "wrong", f"{words}; {install.problem}", install.command)
    fix = f"{python} -m pytest {shlex.quote(clean(name.removeprefix(f'{folder}/'), keep=''))}"
    return Finding("tests", "wrong", words, f"cd {shlex.quote(folder)} && {fix}" if folder else fix)


def _coverage(repo: Repository) -> Finding:
    """Name the files that coverage.py passes over: the gate knows nothing of their lines."""
    sha = head_sha(repo)
    if sha is None or not (repo.desk / "desk.db").exists():
        return Finding("coverage", "note", "not looked at: nothing was measured here yet")
    with open_current_desk() as (_, db):
        if db.measures.get(sha) is None:
            return Finding("coverage", "note", f"{sha[:8]} was not measured yet")
        passed_over = db.passed_over.of_commit(sha)
    if not passed_over:
        return Finding("coverage", "ok", f"coverage.py passes over no file of {sha[:8]}")
    named = [f"{path} ({why})" for path, why in list(passed_over.items())[:PASSED_OVER]]
    named += ["…"] if len(passed_over) > PASSED_OVER else []
    files = plural(len(passed_over), "file")
    words = f"coverage.py passes over {files} of {sha[:8]}, whose changes are unknown to the gate"
    fix = "Have a test import them; `omit` of coverage.py leaves out what needs no test."
    return Finding("coverage", "note", f"{words}: {clean('; '.join(named), keep='')}", fix)


def _sandbox(repo: Repository) -> Finding:
    setting = config.load(repo).personal.sandbox
    try:
        python = find(repo).interpreter
    except CopydeskError:
        python = None
    capability = detect(setting, python, outside=(repo.worktree,))
    states = {Tier.FULL: "ok", Tier.OFF: "note", Tier.PARTIAL: "note"}
    state = states.get(capability.tier, "wrong")
    words = f"tier {capability.tier}: {capability.reason}"
    return Finding("sandbox", state, words, capability.fix)


def _model(repo: Repository) -> Finding:
    # the model's client and the drafters take a while to import
    from copydesk.agent.model.client import available
    from copydesk.agent.model.recorded_host import cure, host_difference
    from copydesk.agent.model.settings import model_settings

    settings = config.load(repo)
    answers, name, why = available(model_settings(settings))
    words = name if answers else f"{why}; the embedded drafter and templates do the work"
    host, where = settings.personal.model_host, settings.sources["model_host"]
    if difference := host_difference(host, where):
        return Finding("model", "note", f"{words}; {difference}", cure())
    return Finding("model", "ok" if answers else "note", words)


def _disk(repo: Repository) -> Finding:
    free = space.free(repo.common_dir)
    words = f"{free / (1 << 30):,.1f} GiB free at {repo.common_dir}"
    if free < space.LOW_BYTES:
        return Finding("disk", "wrong", f"full: {words}; work is paused", "Make room.")
    if free < LOW_DISK:
        return Finding("disk", "wrong", words, "Make room; the desk cannot be written when full.")
    return Finding("disk", "ok", words)


_LOOKS: dict[str, Callable[[Repository], Finding]] = {
    "interpreter": _interpreter,
    "hooks": _hooks,
    "daemon": _daemon,
    "watching": _watching,
    "desk": _desk,
    "queue": _queue,
    "tests": _tests,
    "coverage": _coverage,
    "sandbox": _sandbox,
    "model": _model,
    "disk": _disk,
}
