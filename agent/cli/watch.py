"""`copydesk watch`: the affected tests at every save."""

from __future__ import annotations

import json
import sys
import time
from typing import NamedTuple

import click

from copydesk.agent import config
from copydesk.agent.cli import gate as gates
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.formatting import (
    duration,
)
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, print_progress
from copydesk.agent.coverage.gate import (
    DraftAdvice,
    GateRequest,
    MeasuredGate,
    Verdict,
    change_between,
    floors_for,
    verdict_as_json,
    waiting_commands,
)
from copydesk.agent.coverage.measure import commit as measuring
from copydesk.agent.coverage.store import (
    Measure,
    load_map,
)
from copydesk.agent.daemon.save_watcher import SaveWatcher
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git import uncommitted
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import silent
from copydesk.agent.records import Json, Sha
from copydesk.agent.text import clean, percent, plural

FAILED = 20
"""Failing tests that are named on the screen."""


class Result(NamedTuple):
    """The result of a save: its measure, the failing tests, and the gate's verdict."""

    measure: Measure
    failing: tuple[str, ...]
    verdict: Verdict
    advice: DraftAdvice


@click.command(epilog=examples("copydesk watch", "copydesk watch --once", "copydesk watch --json"))
@click.option("--once", is_flag=True, help="Look at what is saved now, and end.")
@json_option
def watch(once: bool, as_json: bool) -> None:
    """Run the affected tests whenever you save.

    What is saved is measured like a commit, without being one, so the gate mostly knows before
    you commit. With --json every save is one line. --once ends with exit code 1 when a test
    fails or the gate would say no; Ctrl-C ends the rest.
    """
    with open_current_desk(create=True) as (repo, db):
        watcher = _Watcher(repo, db, quiet=as_json or not sys.stdout.isatty())
        if once:
            result = watcher.look()
            assert result is not None
            _show(result, as_json)
            sys.exit(1 if result.failing or result.verdict.verdict == "fail" else 0)
        with SaveWatcher() as saves:
            try:
                while True:
                    saves.watch(uncommitted.worktree_folders(repo))
                    _turn(watcher, as_json)
                    saves.wait()
            except KeyboardInterrupt:
                if not as_json:
                    echo()


def _turn(watcher: _Watcher, as_json: bool) -> None:
    try:
        result = watcher.look()
    except CopydeskError as error:  # the next save may mend it
        print_progress(f"not measured: {error} {error.hint}")
        return
    if result is not None:
        if not watcher.quiet:
            click.clear()
        _show(result, as_json)
        if not as_json:
            echo(f"\n{time.strftime('%H:%M:%S')}, waiting for a save; Ctrl-C ends.")


class _Watcher:
    """Measures the working tree whenever it differs from what was measured last."""

    def __init__(self, repo: Repository, db: Database, *, quiet: bool) -> None:
        self.repo, self.db, self.quiet = repo, db, quiet
        self.tree, self.last = "", ""

    def look(self) -> Result | None:
        """Measure what is saved; None when nothing is new."""
        head = git.resolve(self.repo, "HEAD")
        parents = [sha for sha in (head, self.last) if sha]
        saved = uncommitted.commit_worktree(self.repo, parents)
        tree = git.trees(self.repo, [saved])[saved] + head
        if tree == self.tree:
            return None
        self.tree = tree
        progress = print_progress if not self.quiet else silent
        measure = measuring.measure(self.db, Commit(self.repo, saved), say=progress)
        if self.last:
            self.db.measures.delete(self.last)
        self.last = saved
        request = GateRequest(change_between(self.repo, head, saved), saved, head)
        # a commit is what comes next, and it is held to its own lines
        floors = floors_for(
            GateRequest(request.change, saved), *config.load_project(self.repo, saved)
        )
        verdict = MeasuredGate(self.repo, self.db).judge(request, floors)
        waiting = waiting_commands(self.db.drafts.find(kind="test"))
        advice = DraftAdvice(waiting, is_committed=False)
        return Result(measure, _failing(self.db, saved), verdict, advice)


def _failing(db: Database, sha: Sha) -> tuple[str, ...]:
    traces = load_map(db, sha)
    assert traces is not None
    wrong = {name for (_, name), t in traces.traces.items() if t.outcome in ("failed", "error")}
    return tuple(sorted(wrong))


def _show(result: Result, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_as_json(result)))
        return
    measure = result.measure
    tests = f"{measure.selected:,} of {plural(measure.total, 'test')}"
    echo(
        f"{tests} run in {duration(measure.seconds)}, {measure.failed:,} failed."
        f" Total {percent(measure.percent)}."
    )
    for doubt in measure.doubts:
        echo(f"  no verdict: {doubt}")
    for name in result.failing[:FAILED]:
        echo(clean(f"  failed: {name}", keep=""))
    if len(result.failing) > FAILED:
        echo(f"  … and {len(result.failing) - FAILED} more")
    gates.print_verdict(result.verdict, result.advice)


def _as_json(result: Result) -> Json:
    measure = result.measure
    return {
        "selected": measure.selected,
        "total": measure.total,
        "failing": list(result.failing),
        "percent": measure.percent,
        "doubts": list(measure.doubts),
        "seconds": round(measure.seconds, 3),
        "gate": verdict_as_json(result.verdict),
    }
