"""Checks the drafts of one commit, and puts them on the desk with their evidence."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import Verification
from copydesk.agent.progress import Progress
from copydesk.agent.records import (
    OWN_DRAFTERS,
    Candidate,
    Draft,
    DraftState,
    Evidence,
    Gap,
    Json,
    Target,
)
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.testgen.accept import place_draft
from copydesk.agent.testgen.pipeline.budget import Budget
from copydesk.agent.testgen.pipeline.checkpoints import CheckpointedSandbox
from copydesk.agent.testgen.pipeline.draft_status import in_words
from copydesk.agent.testgen.project import Workspace
from copydesk.agent.testgen.verify import CheckedDraft, verify

_NEEDS_LEAVE = (
    "the partial sandbox hides less: `copydesk config --set sandbox=partial` lets it run what a"
    " model wrote"
)
_STATES: dict[str, DraftState] = {
    "verified": "ready",
    "asks": "asks",
    "failed": "discarded",
    "not run": "not_run",
}


class DraftDesk:
    """Where the drafts of a commit are checked and kept.

    Args:
        db: The desk.
        workspace: The commit's tree, and the sandbox that drafts are run in.
        budget: Measures what each draft costs.
        say: Told what came of each.

    Attributes:
        basis: What the drafts of the current gap rest on; see PreviousDrafts.basis.
    """

    def __init__(self, db: Database, workspace: Workspace, budget: Budget, say: Progress) -> None:
        self.db = db
        self.workspace = workspace
        self.budget = budget
        self.say = say
        self.basis: Json = {}

    @property
    def tier(self) -> str:
        """What drafts are run in."""
        return str(self.workspace.sandbox.tier)

    @staticmethod
    def target(gap: Gap) -> Target:
        """What a draft for a gap is meant to reach."""
        return Target(gap.path, gap.function, gap.lines)

    def check(self, verification: Verification, *, recording: bool = False) -> CheckedDraft:
        """Take a draft up the verify ladder, from where it was.

        Args:
            verification: The draft.
            recording: Put observed values where it predicted wrong ones; see verify().
        """
        sandbox = CheckpointedSandbox(
            self.workspace.sandbox, self.db.verifications, verification.id
        )
        return verify(
            verification.candidate,
            self.workspace.tree,
            sandbox,
            allowed=lambda text: frozenset(self.db.drafts.yes_to(text).get("names", ())),
            recording=recording,
        )

    def check_of_model(self, verification: Verification) -> CheckedDraft:
        """As check(), of what a model wrote: it runs only where that is allowed, and observed
        values take the place of wrong ones.
        """
        if self.workspace.sandbox.tier is Tier.PARTIAL and not self.workspace.trusting:
            evidence = Evidence("not run", "partial", notes=(_NEEDS_LEAVE,))
            return CheckedDraft(evidence, verification.candidate)
        checked = self.check(verification, recording=True)
        self.say(f"  {checked.candidate.origin}: {in_words(checked.evidence)}")
        return checked

    def keep(
        self,
        gap: Gap,
        checked: CheckedDraft,
        *,
        calls: Sequence[int] = (),
        unfinished: bool = False,
    ) -> Draft:
        """Put a draft on the desk with its evidence.

        Args:
            gap: What it was written for.
            checked: The draft and what came of checking it.
            calls: The numbers of the model's calls behind it.
            unfinished: The model was cut short; it is to be asked again.
        """
        evidence, candidate = checked
        target = self.target(gap)
        draft = Draft(
            id=0,
            kind="test",
            state=_STATES[evidence.verdict],
            commit=gap.commit,
            title=f"Tests for {target.function} in {target.path}",
            origin=candidate.origin,
            path="",
            content=candidate.content,
            target=target,
            evidence=self._evidence(checked, calls, unfinished),
        )
        path = place_draft(draft, self.workspace.tree).path if candidate.tests else ""
        identity = self.db.drafts.add(dataclasses.replace(draft, path=path))
        self.db.verifications.end(candidate.gap, candidate.origin)
        if candidate.origin in OWN_DRAFTERS:
            self.say(f"  {candidate.origin}: {in_words(evidence)}")
        return self.db.drafts.get(identity)

    def _evidence(self, checked: CheckedDraft, calls: Sequence[int], unfinished: bool) -> Json:
        """All that is kept as a draft's evidence, with what it cost."""
        evidence = evidence_json(*checked)
        evidence["basis"] = self.basis
        yes = self.db.drafts.yes_to(checked.candidate.content) if evidence["asks"] else {}
        if yes:  # given at another commit, to the same text
            evidence["yes"] = yes
        if calls:
            evidence["calls"] = list(calls)
        if unfinished:
            evidence["unfinished"] = True
        evidence["work_seconds"] = self.budget.lap()
        return evidence


def evidence_json(evidence: Evidence, candidate: Candidate) -> Json:
    """The evidence as the desk keeps it, with which values were recorded, not predicted."""
    as_json: Json = json.loads(json.dumps(dataclasses.asdict(evidence)))
    as_json["recorded"] = list(candidate.recorded)
    return as_json
