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
from copydesk.agent.desk.store import transaction
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.model.calls import CallRecord, ModelSettings
from copydesk.agent.model.client import Client, connect
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
from copydesk.agent.testgen.apply import placement
from copydesk.agent.testgen.context import source_roots
from copydesk.agent.testgen.embedded import TOOLS, draft_embedded
from copydesk.agent.testgen.model_drafter import draft_with_model
from copydesk.agent.testgen.verify import verify
from copydesk.agent.text import plural

Say = Callable[[str], None]
_STATES: dict[str, DraftState] = {
    "verified": "ready",
    "failed": "discarded",
    "not run": "not_run",
}


@dataclass(frozen=True, slots=True)
class Workshop:
    """A commit's tree with a bench to run it on."""

    tree: Path
    bench: Bench


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
        )


def log_call(db: sqlite3.Connection, call: CallRecord) -> None:
    """Keep a request to the model, and what came of it."""
    with transaction(db):
        db.execute(
            "INSERT INTO model_calls (purpose, model, digest, prompt, response, options,"
            " prompt_tokens, output_tokens, seconds, outcome, called_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(call.purpose, call.model, call.digest, call.prompt, call.response),
                *(json.dumps(call.options, default=str), call.prompt_tokens, call.output_tokens),
                *(call.seconds, call.outcome, drafts.now()),
            ),
        )


def model_settings(settings: config.Config, db: sqlite3.Connection | None = None) -> ModelSettings:
    """What the user set about the model; with a desk, every call is logged there."""
    quiet = ModelSettings(
        host=settings.personal.model_host or None,
        model=settings.project.model or None,
        prose_model=settings.project.prose_model or None,
        allow_remote=settings.personal.allow_remote,
    )
    return quiet if db is None else dataclasses.replace(quiet, on_call=lambda c: log_call(db, c))


def reach_model(
    settings: config.Config, db: sqlite3.Connection, say: Say, *, prose: bool = False
) -> Client | None:
    """The model, or None when none can be asked now."""
    try:
        return connect(model_settings(settings, db), prose=prose)
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
) -> list[Draft]:
    """Draft tests for gaps, one draft a gap and writer.

    The embedded drafter comes first; a model, where one answers, gets the lines that are left.
    A gap that was drafted for this commit already is passed over, so that work can be resumed.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The measured commit.
        gaps: What to write tests for, in order.
        say: Told what is going on.
        wanted: Asked before each gap whether to go on.

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
        model = reach_model(config.load(repo, sha), db, say)
        found: list[Draft] = []
        for number, gap in enumerate(gaps, 1):
            if not wanted():
                raise Superseded
            say(f"[{number}/{len(gaps)}] {gap.path}::{gap.function}")
            found += _gap(db, sha, gap, place, model, say)
        return found


def _gap(
    db: sqlite3.Connection, sha: Sha, gap: Gap, place: Workshop, model: Client | None, say: Say
) -> list[Draft]:
    target = Target(gap.path, gap.function, gap.lines)
    known = {
        d.origin: d
        for d in drafts.listed(db, (), kind="test", commit=sha)
        if d.target and (d.target.path, d.target.function) == (gap.path, gap.function)
    }
    if "embedded" not in known and (candidate := draft_embedded(gap, place.tree, place.bench)):
        known["embedded"] = _checked(db, sha, target, candidate, place, say)
    gained = {n for d in known.values() for n in d.evidence.get("gained_lines", ())}
    left = dataclasses.replace(gap, lines=tuple(n for n in gap.lines if n not in gained))
    if model and model.name not in known and left.lines:
        for candidate in _asked(left, place, model, say):
            draft = _checked(db, sha, target, candidate, place, say)
            known[draft.origin] = draft
            if draft.state == "ready":
                break
    waiting = [d for d in known.values() if d.state in ("ready", "not_run")]
    if waiting:
        drafts.supersede(db, target, sha)
    elif not known:
        say("  no input was found that reaches these lines")
    return waiting


def _asked(gap: Gap, place: Workshop, model: Client, say: Say) -> Sequence[Candidate]:
    try:
        return draft_with_model(gap, place.tree, model)
    except ModelFault as fault:
        say(f"  {model.name}: {fault}")
        return ()


def _checked(
    db: sqlite3.Connection,
    sha: Sha,
    target: Target,
    candidate: Candidate,
    place: Workshop,
    say: Say,
) -> Draft:
    recording = candidate.origin != "embedded"  # whose values are observed ones already
    evidence, kept = verify(candidate, place.tree, place.bench, recording=recording)
    state = _STATES[evidence.verdict]
    text = kept.content
    draft = Draft(0, "test", state, sha, "", candidate.origin, "", text, target)
    identity = drafts.add(
        db,
        kind="test",
        state=state,
        commit=sha,
        title=f"Tests for {target.function} in {target.path}",
        origin=candidate.origin,
        path=placement(draft, place.tree).path,
        content=text,
        target=target,
        evidence=evidence_json(evidence, kept),
    )
    say(f"  {candidate.origin}: {_in_words(evidence)}")
    return drafts.get(db, identity)


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
