"""Drafting the tests of a commit's gaps, verifying them, and putting them on the desk."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from copydesk.agent import config
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.verifications import Verification
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.agent.model.circuit_breaker import is_temporary
from copydesk.agent.model.client import Client, connect
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.model.settings import model_settings
from copydesk.agent.model.types import TokenProgress, silent
from copydesk.agent.progress import Progress
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
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.testgen.accept import place_draft
from copydesk.agent.testgen.embedded import draft_embedded
from copydesk.agent.testgen.model import REPAIRS, BranchGroup, ModelDrafter, calls_of, combine
from copydesk.agent.testgen.pipeline.budget import Budget
from copydesk.agent.testgen.pipeline.checkpoints import CheckpointedSandbox
from copydesk.agent.testgen.pipeline.draft_status import (
    Found,
    failure,
    in_words,
    is_due,
    left_of,
    nothing,
    worth,
)
from copydesk.agent.testgen.pipeline.previous_drafts import Earlier
from copydesk.agent.testgen.project import Workspace, open_workspace
from copydesk.agent.testgen.verify import verify

_NEEDS_LEAVE = (
    "the partial sandbox hides less: `copydesk config --set sandbox=partial` lets it run what a"
    " model wrote"
)
_STATES: dict[str, DraftState] = {
    "verified": "ready",
    "failed": "discarded",
    "not run": "not_run",
}


def reach_model(
    settings: config.Config,
    db: Database,
    say: Progress,
    *,
    prose: bool = False,
    progress: TokenProgress = silent,
) -> Client | None:
    """The model, or None when none can be asked now."""
    try:
        return connect(model_settings(settings, db, progress=progress), prose=prose)
    except ModelUnavailable as why:
        say(f"no model: {why}")
        return None


def write_drafts(
    repo: Repository,
    db: Database,
    sha: Sha,
    gaps: Sequence[Gap],
    *,
    say: Progress,
    wanted: Callable[[], bool] = lambda: True,
    progress: TokenProgress = silent,
    seconds: float = math.inf,
    again: bool = False,
) -> list[Draft]:
    """Draft tests for gaps, one draft a gap and writer.

    The embedded drafter comes first; a model, where one answers, gets the lines that are left.
    Where none does, the commit waits for one; see agent/model/deferred_work.py.
    A gap that was drafted for this commit already is passed over, so that work can be resumed,
    and so is one whose drafts of other commits still stand; see earlier.py.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The measured commit.
        gaps: What to write tests for, in order.
        say: Told what is going on.
        wanted: Asked before each gap whether to go on.
        progress: Told what a model does.
        seconds: How long a model may be asked; the gaps that are left then wait.
        again: Draft even where a draft of another commit stands, or came to nothing.

    Returns:
        The drafts that wait for the editor, these gaps' earlier ones included.

    Raises:
        Superseded: The drafts are wanted no longer; those made so far stay.
        CopydeskError: Nothing can be run: no interpreter, or no sandbox and no leave without.
    """
    with open_workspace(repo, sha) as place:
        if place.sandbox.tier is Tier.NONE:
            raise CopydeskError(
                f"drafts cannot be checked here: {place.sandbox.reason}",
                slug="no-sandbox",
                hint="`copydesk doctor` names the cure; `git config copydesk.sandbox off` runs"
                " drafts without a guard, with your own rights.",
            )
        model = reach_model(config.load(repo, sha), db, say, progress=progress)
        budget = Budget.of(config.load(repo).personal, db, sha)
        earlier = Earlier(repo, db, sha)
        until = time.monotonic() + seconds
        work = _Work(db, sha, place, model, say, until, budget, earlier, again)
        found: list[Draft] = []
        for number, gap in enumerate(gaps, 1):
            if not wanted():
                deferred_work.cancel(db, "draft", sha)
                db.verifications.end_all(sha)
                raise Superseded
            if spent := work.budget.passed():
                say(f"{len(gaps) - number + 1} of {len(gaps)} gaps are left: {spent} are used")
                break
            say(f"[{number}/{len(gaps)}] {gap.path}::{gap.function}")
            found += work.gap(gap)
        db.verifications.end_all(sha)
        if work.unasked:
            deferred_work.defer(db, "draft", sha, work.unasked)
        else:
            deferred_work.cancel(db, "draft", sha)
        return found


@dataclass(slots=True)
class _Work:
    """The drafting of one commit.

    After `until`, monotonic seconds, no model is asked any more. `unasked` says why one has still
    to be asked, or is "".
    """

    db: Database
    sha: Sha
    place: Workspace
    model: Client | None
    say: Progress
    until: float
    budget: Budget
    earlier: Earlier
    again: bool
    unasked: str = ""
    basis: Json = field(default_factory=dict)

    @property
    def tier(self) -> str:
        """What drafts are run in."""
        return str(self.place.sandbox.tier)

    def gap(self, gap: Gap) -> list[Draft]:
        """Draft tests for one gap; the drafts that wait for the editor."""
        target = Target(gap.path, gap.function, gap.lines)
        self.basis = self.earlier.basis(gap)
        known = {} if self.again else {d.origin: d for d in self.earlier.known(gap)}
        if known:
            self.say("  stands as it was drafted before")
        for d in self.db.drafts.find((), kind="test", commit=self.sha):
            if d.target and (d.target.path, d.target.function) == (gap.path, gap.function):
                known[d.origin] = d
        if "embedded" not in known:
            climb = self.embedded(gap)
            found = self.climbed(climb) if climb else nothing(gap, "embedded", self.tier)
            known["embedded"] = self.keep(target, *found)
        left = left_of(gap, known.values())
        if not (left.lines or left.branches):
            pass
        elif self.model is None or time.monotonic() > self.until:
            self.unasked = self.unasked or "no model answered in time"
        elif is_due(known.get(self.model.name)):
            for draft in self.by_model(target, left, self.model, known.get("embedded")):
                known[draft.origin] = draft
        waits = [d for d in known.values() if d.state in ("ready", "not_run")]
        if waits:
            self.db.drafts.supersede_tests(target, [d.id for d in known.values()])
        return waits

    def embedded(self, gap: Gap) -> Verification | None:
        """The embedded drafter's draft: the one that was on its way, else a new one."""
        if climb := self.db.verifications.unfinished(gap, "embedded"):
            return climb
        candidate = draft_embedded(gap, self.place.tree, self.place.sandbox)
        return self.db.verifications.begin(candidate) if candidate else None

    def climbed(
        self, climb: Verification, *, recording: bool = False
    ) -> tuple[Evidence, Candidate]:
        """Take a draft up the ladder, from where it was."""
        sandbox = CheckpointedSandbox(self.place.sandbox, self.db.verifications, climb.id)
        return verify(climb.candidate, self.place.tree, sandbox, recording=recording)

    def by_model(
        self, target: Target, gap: Gap, model: Client, embedded: Draft | None
    ) -> Iterator[Draft]:
        """Ask group by group, each group anew with its failure; what stands is one draft."""
        first = self.db.model_calls.last_id()
        seeds = calls_of(embedded.content, gap.function) if embedded else ()
        drafter = ModelDrafter(gap, self.place.tree, model, seeds=seeds)
        stands, fallen, trouble, before = list[Found](), None, False, list[int]()
        if climb := self.db.verifications.unfinished(gap, model.name):
            before = list(climb.calls)
            resumed = self.verified(climb)
            if resumed[0].verdict != "failed":
                stands.append(resumed)
                yield self.keep(target, *resumed, calls=before)
            if resumed[0].verdict == "not run":
                return
        for group in drafter.groups:
            gained = {line for evidence, _ in stands for line in evidence.gained_lines}
            if stands and gained.issuperset(group.lines):
                continue
            found, trouble = self.by_group(drafter, group)
            if found and found[0].verdict == "verified":
                stands.append(found)
                if len(stands) == 1:  # a crash loses nothing that stands
                    yield self.keep(target, *found, calls=before + self.calls_since(first))
            else:
                fallen = found or fallen
            if trouble or (found and found[0].verdict == "not run"):
                break
        if len(stands) > 1:
            yield self.keep(target, *self.joined(stands), calls=before + self.calls_since(first))
        elif not stands and drafter.groups and (fallen or not trouble):
            fallen = fallen or nothing(gap, model.name, self.tier)
            yield self.keep(
                target, *fallen, calls=before + self.calls_since(first), unfinished=trouble
            )

    def by_group(self, drafter: ModelDrafter, group: BranchGroup) -> tuple[Found | None, bool]:
        """The last that a model wrote for a group, and whether trouble that may pass ended it."""
        found, first = None, self.db.model_calls.last_id()
        try:
            tried = drafter.draft(group)
            for turn in range(1, REPAIRS + 2):
                if tried is None:
                    break
                found = self.verified(self.db.verifications.begin(tried, self.calls_since(first)))
                if found[0].verdict != "failed" or turn > REPAIRS:
                    break
                tried = drafter.again(group, tried, failure(found[0]), turn=turn)
        except (ModelFault, ModelUnavailable) as error:
            return found, self.failed(error, drafter.client)
        return found, False

    def joined(self, stands: Sequence[Found]) -> Found:
        """One draft of those that stand; the best of them where they do not go together."""
        parts = combine([candidate for _, candidate in stands])
        whole = self.verified(self.db.verifications.begin(parts))
        best = max(stands, key=lambda one: len(one[0].gained_lines))
        return max(best, whole, key=lambda one: worth(one[0]))

    def calls_since(self, first: int) -> list[int]:
        """The numbers of the calls in the log after a certain one."""
        return list(range(first + 1, self.db.model_calls.last_id() + 1))

    def verified(self, climb: Verification) -> tuple[Evidence, Candidate]:
        """Climb the ladder, with observed values where the model predicted wrong ones."""
        if self.place.sandbox.tier is Tier.PARTIAL and not self.place.trusting:
            return Evidence("not run", "partial", notes=(_NEEDS_LEAVE,)), climb.candidate
        evidence, kept = self.climbed(climb, recording=True)
        self.say(f"  {kept.origin}: {in_words(evidence)}")
        return evidence, kept

    def failed(self, error: ModelFault | ModelUnavailable, model: Client) -> bool:
        """Say what went wrong; True when it may pass, and the rest then waits for that."""
        self.say(f"  {model.name}: {error}")
        if isinstance(error, ModelUnavailable) or error.outcome in ("unavailable", "missing"):
            self.model = None
        if is_temporary(error):
            self.unasked = str(error)
            return True
        return False

    def keep(
        self,
        target: Target,
        evidence: Evidence,
        kept: Candidate,
        *,
        calls: Sequence[int] = (),
        unfinished: bool = False,
    ) -> Draft:
        """Put a draft on the desk with its evidence and the numbers of the calls behind it."""
        more: Json = {"basis": self.basis} | ({"calls": list(calls)} if calls else {})
        more |= {"unfinished": True} if unfinished else {}
        state = _STATES[evidence.verdict]
        title = f"Tests for {target.function} in {target.path}"
        draft = Draft(0, "test", state, self.sha, title, kept.origin, "", kept.content, target)
        identity = self.db.drafts.add(
            dataclasses.replace(
                draft,
                path=place_draft(draft, self.place.tree).path,
                evidence=evidence_json(evidence, kept) | more | {"work_seconds": self.budget.lap()},
            )
        )
        self.db.verifications.end(kept.gap, kept.origin)
        if kept.origin == "embedded":
            self.say(f"  embedded: {in_words(evidence)}")
        return self.db.drafts.get(identity)


def evidence_json(evidence: Evidence, candidate: Candidate) -> Json:
    """The evidence as the desk keeps it, with which values were recorded, not predicted."""
    as_json: Json = json.loads(json.dumps(dataclasses.asdict(evidence)))
    return as_json | {"recorded": list(candidate.recorded)}
