"""Drafting the tests of a commit's gaps, verifying them, and putting them on the desk."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.desk import drafts
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.model import waiting
from copydesk.agent.model.breaker import will_pass
from copydesk.agent.model.calls import Progress, silent
from copydesk.agent.model.client import Client, connect
from copydesk.agent.model.desk import last_call, model_settings
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.records import (
    Candidate,
    Draft,
    DraftState,
    Evidence,
    Gap,
    Json,
    Sha,
    Target,
)
from copydesk.agent.sandbox.bench import Bench
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen import journal
from copydesk.agent.testgen.apply import placement
from copydesk.agent.testgen.context import source_roots
from copydesk.agent.testgen.embedded import TOOLS, draft_embedded
from copydesk.agent.testgen.model_drafter import REPAIRS, ModelDrafter
from copydesk.agent.testgen.verify import verify
from copydesk.agent.text import plural

Say = Callable[[str], None]
_NEEDS_LEAVE = (
    "the partial sandbox hides less: `copydesk config --set sandbox=partial` lets it run what a"
    " model wrote"
)
_STATES: dict[str, DraftState] = {
    "verified": "ready",
    "failed": "discarded",
    "not run": "not_run",
}


@dataclass(frozen=True, slots=True)
class Workshop:
    """A commit's tree with a bench to run it on.

    `trusting`: in tier partial, what a model wrote may be run too.
    """

    tree: Path
    bench: Bench
    trusting: bool = False


@contextlib.contextmanager
def workshop(repo: Repository, sha: Sha) -> Iterator[Workshop]:
    """Hold the tree of a commit, ready to run drafts in.

    Raises:
        CopydeskError: No interpreter can run the project's tests.
    """
    interpreter = ready(repo)
    setting = config.load(repo, sha).personal.sandbox
    with snapshot(repo, sha, "draft") as shot:
        capability = detect(setting, interpreter, outside=(repo.worktree,))
        yield Workshop(
            shot.path,
            Bench(
                shot.path,
                repo.worktree,
                interpreter,
                capability,
                source_roots=source_roots(shot.path),
                tools=TOOLS,
            ),
            setting == "partial",
        )


def reach_model(
    settings: config.Config,
    db: sqlite3.Connection,
    say: Say,
    *,
    prose: bool = False,
    progress: Progress = silent,
) -> Client | None:
    """The model, or None when none can be asked now."""
    try:
        return connect(model_settings(settings, db, progress=progress), prose=prose)
    except ModelUnavailable as why:
        say(f"no model: {why}")
        return None


def write_drafts(
    repo: Repository,
    db: sqlite3.Connection,
    sha: Sha,
    gaps: Sequence[Gap],
    *,
    say: Say,
    wanted: Callable[[], bool] = lambda: True,
    progress: Progress = silent,
) -> list[Draft]:
    """Draft tests for gaps, one draft a gap and writer.

    The embedded drafter comes first; a model, where one answers, gets the lines that are left.
    Where none does, the commit waits for one; see waiting.py.
    A gap that was drafted for this commit already is passed over, so that work can be resumed.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The measured commit.
        gaps: What to write tests for, in order.
        say: Told what is going on.
        wanted: Asked before each gap whether to go on.
        progress: Told what a model does.

    Returns:
        The drafts that wait for the editor, these gaps' earlier ones included.

    Raises:
        Superseded: The drafts are wanted no longer; those made so far stay.
        CopydeskError: Nothing can be run: no interpreter, or no sandbox and no leave without.
    """
    with workshop(repo, sha) as place:
        if place.bench.tier is Tier.NONE:
            raise CopydeskError(
                f"drafts cannot be checked here: {place.bench.reason}",
                slug="no-sandbox",
                hint="`copydesk doctor` names the cure; `git config copydesk.sandbox off` runs"
                " drafts without a guard, with your own rights.",
            )
        model = reach_model(config.load(repo, sha), db, say, progress=progress)
        waited = any((one.what, one.sha) == ("draft", sha) for one in waiting.waiting(db))
        work = _Work(db, sha, place, model, say, waited)
        found: list[Draft] = []
        for number, gap in enumerate(gaps, 1):
            if not wanted():
                waiting.forget(db, "draft", sha)
                journal.end_all(db, sha)
                raise Superseded
            say(f"[{number}/{len(gaps)}] {gap.path}::{gap.function}")
            found += work.gap(gap)
        journal.end_all(db, sha)
        if work.unasked:
            waiting.wait(db, "draft", sha, work.unasked)
        else:
            waiting.forget(db, "draft", sha)
        return found


@dataclass(slots=True)
class _Work:
    """The drafting of one commit.

    `waited` is whether it was begun before and could not be ended for want of a model; what that
    model wrote and was not kept does not count then. `unasked` says why a model has still to be
    asked, or is "".
    """

    db: sqlite3.Connection
    sha: Sha
    place: Workshop
    model: Client | None
    say: Say
    waited: bool = False
    unasked: str = ""

    def gap(self, gap: Gap) -> list[Draft]:
        """Draft tests for one gap; the drafts that wait for the editor."""
        target = Target(gap.path, gap.function, gap.lines)
        known = {
            d.origin: d
            for d in drafts.listed(self.db, (), kind="test", commit=self.sha)
            if d.target and (d.target.path, d.target.function) == (gap.path, gap.function)
        }
        if "embedded" not in known and (climb := self.embedded(gap)):
            evidence, kept = self.climbed(climb)
            known["embedded"] = self.keep(target, evidence, kept)
        gained = {n for d in known.values() for n in d.evidence.get("gained_lines", ())}
        left = dataclasses.replace(gap, lines=tuple(n for n in gap.lines if n not in gained))
        if left.lines and self.model is None:
            self.unasked = self.unasked or "no model answered"
        elif left.lines and self.model and self.is_due(known.get(self.model.name)):
            for draft in self.by_model(target, left, self.model):
                known[draft.origin] = draft
        waits = [d for d in known.values() if d.state in ("ready", "not_run")]
        if waits:
            drafts.supersede(self.db, target, self.sha)
        elif not known:
            self.say("  no input was found that reaches these lines")
        return waits

    def is_due(self, written: Draft | None) -> bool:
        """Whether the model is to be asked about a gap, given what it wrote for it before."""
        return written is None or (self.waited and written.state == "discarded")

    def embedded(self, gap: Gap) -> journal.Begun | None:
        """The embedded drafter's draft: the one that was on its way, else a new one."""
        if climb := journal.begun(self.db, gap, "embedded"):
            return climb
        candidate = draft_embedded(gap, self.place.tree, self.place.bench)
        return journal.begin(self.db, candidate) if candidate else None

    def climbed(
        self, climb: journal.Begun, *, recording: bool = False
    ) -> tuple[Evidence, Candidate]:
        """Take a draft up the ladder, from where it was."""
        bench = journal.Remembering(self.place.bench, self.db, climb.id)
        return verify(climb.candidate, self.place.tree, bench, recording=recording)

    def by_model(self, target: Target, gap: Gap, model: Client) -> Iterator[Draft]:
        """Ask group by group until a draft stands, each group anew with its failure."""
        if climb := journal.begun(self.db, gap, model.name):
            resumed = self.verified(climb)
            if resumed[0].verdict != "failed":
                yield self.keep(target, *resumed, calls=climb.calls)
                return
        drafter = ModelDrafter(gap, self.place.tree, model)
        for group in drafter.groups:
            asked, found, trouble = last_call(self.db), None, False
            try:
                tried = drafter.draft(group)
                for turn in range(1, REPAIRS + 2):
                    if tried is None:
                        break
                    behind = range(asked + 1, last_call(self.db) + 1)
                    found = self.verified(journal.begin(self.db, tried, behind))
                    if found[0].verdict != "failed" or turn > REPAIRS:
                        break
                    tried = drafter.again(group, tried, _failure(found[0]), turn=turn)
            except (ModelFault, ModelUnavailable) as error:
                trouble = self.failed(error, model)
            if found:
                calls = list(range(asked + 1, last_call(self.db) + 1))
                yield self.keep(target, *found, calls=calls)
            if trouble or (found and found[0].verdict != "failed"):
                return

    def verified(self, climb: journal.Begun) -> tuple[Evidence, Candidate]:
        """Climb the ladder, with observed values where the model predicted wrong ones."""
        if self.place.bench.tier is Tier.PARTIAL and not self.place.trusting:
            return Evidence("not run", "partial", notes=(_NEEDS_LEAVE,)), climb.candidate
        evidence, kept = self.climbed(climb, recording=True)
        self.say(f"  {kept.origin}: {_in_words(evidence)}")
        return evidence, kept

    def failed(self, error: ModelFault | ModelUnavailable, model: Client) -> bool:
        """Say what went wrong; True when it may pass, and the rest then waits for that."""
        self.say(f"  {model.name}: {error}")
        if isinstance(error, ModelUnavailable) or error.outcome in ("unavailable", "missing"):
            self.model = None
        if will_pass(error):
            self.unasked = str(error)
            return True
        return False

    def keep(
        self, target: Target, evidence: Evidence, kept: Candidate, *, calls: Sequence[int] = ()
    ) -> Draft:
        """Put a draft on the desk with its evidence and the numbers of the calls behind it."""
        state = _STATES[evidence.verdict]
        draft = Draft(0, "test", state, self.sha, "", kept.origin, "", kept.content, target)
        identity = drafts.add(
            self.db,
            kind="test",
            state=state,
            commit=self.sha,
            title=f"Tests for {target.function} in {target.path}",
            origin=kept.origin,
            path=placement(draft, self.place.tree).path,
            content=kept.content,
            target=target,
            evidence=evidence_json(evidence, kept) | ({"calls": list(calls)} if calls else {}),
        )
        journal.end(self.db, kept.gap, kept.origin)
        if kept.origin == "embedded":
            self.say(f"  embedded: {_in_words(evidence)}")
        return drafts.get(self.db, identity)


def _failure(evidence: Evidence) -> str:
    """Why a draft was not kept, for the model to read."""
    fell = next((r for r in evidence.rungs if not r.passed), None)
    return f"{fell.name}: {fell.detail}" if fell else evidence.verdict


def evidence_json(evidence: Evidence, candidate: Candidate) -> Json:
    """The evidence as the desk keeps it, with which values were recorded, not predicted."""
    as_json: Json = json.loads(json.dumps(dataclasses.asdict(evidence)))
    return as_json | {"recorded": list(candidate.recorded)}


def _in_words(evidence: Evidence) -> str:
    if evidence.verdict == "verified":
        return (
            f"{plural(len(evidence.tests), 'test')} verified, "
            f"{plural(len(evidence.gained_lines), 'line')} gained, "
            f"{evidence.mutants_killed} of {plural(evidence.mutants_total, 'mutant')} killed"
        )
    fell = next((r for r in evidence.rungs if not r.passed), None)
    return f"{evidence.verdict}: {fell.name}: {fell.detail}" if fell else evidence.verdict


def recheck(repo: Repository, gap: Gap, draft: Draft, content: str) -> tuple[Evidence, Candidate]:
    """Climb the ladder again with a draft that the editor changed.

    Args:
        repo: The repository.
        gap: The draft's gap as it was measured.
        draft: The draft.
        content: What the editor made of it.
    """
    names = tuple(_test_names(content))
    candidate = Candidate(gap, draft.origin, content, names)
    with workshop(repo, draft.commit) as place:
        return verify(candidate, place.tree, place.bench, approved=True)


def _test_names(content: str) -> Iterator[str]:
    import ast

    try:
        tree = ast.parse(content)
    except SyntaxError as error:
        raise CopydeskError(
            f"the edited test is not valid Python: {error}",
            slug="draft-not-python",
            hint="Edit it again; nothing was changed.",
        ) from error
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test"
        ):
            yield node.name
