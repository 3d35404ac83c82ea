"""`copydesk doctor`: what copydesk found on this machine, and the cure for what is amiss."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import current_repository
from copydesk.agent.cli.model_progress import ModelProgress
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.daemon import control, prune
from copydesk.agent.daemon.resources import pause_reason
from copydesk.agent.desk import backup, space
from copydesk.agent.desk.store import DAMAGED, open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.interpreter import find, missing_error
from copydesk.agent.git.repository import Repository, get_config
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.setup.git_hooks import hooks_path, installed_hooks
from copydesk.agent.text import plural
from copydesk.hooks import start_daemon

LOW_DISK = 1 << 30
"""Free bytes below which a warning is given."""

_MARKS = {"ok": "✓", "note": "·", "wrong": "✗"}


class Finding(NamedTuple):
    """One thing looked at. `state` is ok, note (works, with less) or wrong (does not work)."""

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
    """Check what copydesk needs here, and name the cure.

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
    """Look at everything, one finding each; what fails to be looked at is a finding too."""
    for name, look in _LOOKS.items():
        try:
            yield look(repo)
        except CopydeskError as error:
            yield Finding(name, "wrong", str(error), error.hint)


def _model_checks(repo: Repository) -> Iterator[Finding]:
    # the model's client takes a while to import
    from copydesk.agent.model.selftest import checks
    from copydesk.agent.model.settings import model_settings

    with open_desk(repo.desk) as db:
        settings = model_settings(config.load(repo), db)
        settings = dataclasses.replace(settings, breaker=type(settings.breaker)())  # ask now
        doing = "testing the model"
        with spinner(doing) as update:
            settings = dataclasses.replace(settings, on_progress=ModelProgress(doing, update))
            yield from [Finding(*check) for check in checks(settings)]


def _interpreter(repo: Repository) -> Finding:
    found = find(repo)
    python = found.interpreter
    if found.missing and found.missing != ["coverage"]:
        error = missing_error(found)
        return Finding("interpreter", "wrong", str(error), error.hint)
    said = f"{python.path}, Python {'.'.join(map(str, python.version))} ({python.source})"
    return Finding("interpreter", "ok", f"{said}; pytest {found.pytest}")


def _hooks(repo: Repository) -> Finding:
    found = installed_hooks(repo)
    who = "; ".join(f"{hook.event}: {hook.owner} ({hook.place})" for hook in found)
    elsewhere = hooks_path(repo)
    if elsewhere:
        who = f"core.hooksPath is {elsewhere}" + (f"; {who}" if who else "")
    set_up = get_config(repo, "copydesk.bin") is not None
    ours = any(hook.owner in ("copydesk", "pre-commit", "prek") for hook in found)
    if not set_up and not any(hook.owner == "copydesk" for hook in found):
        return Finding(
            "hooks", "note",
            f"not set up here; commits are seen while the daemon runs. {who}".rstrip(". ") + ".",
            "copydesk init",
        )  # fmt: skip
    if not ours:
        return Finding(
            "hooks", "note",
            f"none of ours is run by git, so no commit starts the daemon. {who}".rstrip(". ") + ".",
            "copydesk init --native, or see docs/how-to/husky-and-lefthook.md",
        )  # fmt: skip
    return Finding("hooks", "ok", who)


def _daemon(repo: Repository) -> Finding:
    now = control.status(repo)
    if now.running and now.version != start_daemon.VERSION:
        return Finding(
            "daemon", "note", f"process {now.pid} is copydesk {now.version}, this is"
            f" {start_daemon.VERSION}", "copydesk daemon start",
        )  # fmt: skip
    reason = pause_reason(config.load_personal(repo)[0], repo.desk) if repo.desk.is_dir() else ""
    if reason:
        return Finding("daemon", "note", f"work is held back: {reason}")
    if now.running:
        return Finding("daemon", "ok", f"running, process {now.pid}, copydesk {now.version}")
    return Finding("daemon", "note", "not running; the next commit or command starts it")


def _watching(repo: Repository) -> Finding:
    limits = {
        name: Path(f"/proc/sys/fs/inotify/max_{name}")
        for name in ("user_instances", "user_watches", "queued_events")
    }
    if not all(path.is_file() for path in limits.values()):
        return Finding("watching", "ok", "this system has no inotify limits")
    found = {name: int(path.read_text()) for name, path in limits.items()}
    said = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in found.items())
    # a daemon takes one instance and a watch a folder; editors and bundlers take the rest
    if found["user_instances"] < 64 or found["user_watches"] < 8192:
        return Finding(
            "watching", "note", f"inotify limits are low: {said}; a daemon that gets none polls",
            "sudo sysctl fs.inotify.max_user_instances=128 fs.inotify.max_user_watches=65536",
        )  # fmt: skip
    return Finding("watching", "ok", f"inotify limits: {said}")


def _desk(repo: Repository) -> Finding:
    aside = sorted((repo.desk / DAMAGED).glob("*"))
    wrong = backup.check(repo.desk / "desk.db") if (repo.desk / "desk.db").exists() else ""
    if wrong:
        return Finding(
            "desk", "wrong", f"damaged: {wrong}",
            "copydesk daemon stop && copydesk backup --list; see docs/how-to/back-up.md",
        )  # fmt: skip
    copies = len(backup.listed(repo.desk))
    said = f"{prune.size(repo.desk) / 1e6:,.1f} MB, whole; {plural(copies, 'backup')}"
    budget = config.load_personal(repo)[0].disk_mb
    if aside:
        return Finding(
            "desk", "note", f"{said}; a damaged one was set aside as {aside[-1]}",
            "Delete that folder when nothing in it is missed.",
        )  # fmt: skip
    return Finding("desk", "ok", f"{said}; the budget is {budget:g} MB")


def _queue(repo: Repository) -> Finding:
    with open_desk(repo.desk) as db:
        failed = db.jobs.failures()
    if not failed:
        return Finding("queue", "ok", "nothing was given up")
    kind, subject, error = failed[0]
    reason = error.strip().splitlines()[-1] if error.strip() else "no reason was kept"
    return Finding(
        "queue", "wrong", f"{plural(len(failed), 'job')} given up; the last: {kind}"
        f" {subject[:12]}: {reason}", f"copydesk measure {subject[:12]}"
    )  # fmt: skip


def _sandbox(repo: Repository) -> Finding:
    setting = config.load(repo).personal.sandbox
    try:
        python = find(repo).interpreter
    except CopydeskError:
        python = None
    tier = detect(setting, python, outside=(repo.worktree,))
    states = {Tier.FULL: "ok", Tier.OFF: "note", Tier.PARTIAL: "note"}
    said = f"tier {tier.tier}: {tier.reason}"
    return Finding("sandbox", states.get(tier.tier, "wrong"), said, tier.fix)


def _model(repo: Repository) -> Finding:
    # the model's client and the drafters take a while to import
    from copydesk.agent.model.client import available
    from copydesk.agent.model.settings import model_settings

    there, name, why = available(model_settings(config.load(repo)))
    if there:
        return Finding("model", "ok", name)
    return Finding("model", "note", f"{why}; the embedded drafter and templates do the work")


def _disk(repo: Repository) -> Finding:
    free = space.free(repo.common_dir)
    said = f"{free / (1 << 30):,.1f} GiB free at {repo.common_dir}"
    if free < space.LOW_BYTES:
        return Finding("disk", "wrong", f"full: {said}; work is paused", "Make room.")
    if free < LOW_DISK:
        return Finding("disk", "wrong", said, "Make room; the desk cannot be written when full.")
    return Finding("disk", "ok", said)


_LOOKS: dict[str, Callable[[Repository], Finding]] = {
    "interpreter": _interpreter,
    "hooks": _hooks,
    "daemon": _daemon,
    "watching": _watching,
    "desk": _desk,
    "queue": _queue,
    "sandbox": _sandbox,
    "model": _model,
    "disk": _disk,
}
