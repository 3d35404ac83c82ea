"""Drafting the tests of a commit's gaps, verifying them, and putting them on the desk."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copydesk.agent import config
from copydesk.agent.coverage.source import MODULE
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import WAITING
from copydesk.agent.desk.failures import costs_one_item
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.model import deferred_work
from copydesk.agent.model.client import Client, connect
from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.settings import model_settings
from copydesk.agent.model.types import TokenProgress, silent
from copydesk.agent.progress import Progress
from copydesk.agent.records import Draft, Gap
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.testgen.embedded import draft_embedded
from copydesk.agent.testgen.pipeline.budget import Budget
from copydesk.agent.testgen.pipeline.draft_desk import DraftDesk
from copydesk.agent.testgen.pipeline.draft_status import (
    failed_drafting,
    has_open_lines,
    is_due,
    no_test,
    without_reached,
)
from copydesk.agent.testgen.pipeline.model_drafting import ModelAccess, ModelGapDrafting
from copydesk.agent.testgen.pipeline.previous_drafts import PreviousDrafts
from copydesk.agent.testgen.project import open_workspace
from copydesk.hooks import failpoints


def reach_model(
    settings: config.Config,
    db: Database,
    say: Progress,
    *,
    prose: bool = False,
    progress: TokenProgress = silent,
    in_background: bool = False,
) -> Client | None:
    """The model, or None when none can be asked now."""
    chosen = model_settings(settings, db, progress=progress, in_background=in_background)
    try:
        return connect(chosen, prose=prose)
    except ModelUnavailable as why:
        say(f"no model: {why}")
        return None


@dataclass(frozen=True, slots=True)
class DraftingOptions:
    """How the gaps of a commit are drafted.

    Attributes:
        is_wanted: Asked before each gap whether to go on.
        token_progress: Told what a model does.
        asks_model: False leaves to later what a model could add.
        client: The model to ask; looked for when left out.
        model_seconds: How long a model may be asked; the gaps that are left then wait.
        again: Draft even where a draft of another commit stands, or came to nothing.
    """

    is_wanted: Callable[[], bool] = lambda: True
    token_progress: TokenProgress = silent
    asks_model: bool = True
    client: Client | None = None
    model_seconds: float = math.inf
    again: bool = False


def gaps_to_draft(previous: PreviousDrafts, limit: int | None = None) -> list[Gap]:
    """The gaps a commit's drafts are for: what it changed first, then the riskiest others.

    Functions whose drafts of other commits still stand are left out.

    Args:
        previous: The drafts of other commits, as seen from the measured commit.
        limit: How many at most; all of them when left out.
    """
    gaps = [
        gap for gap in previous.db.gaps.of_commit(previous.commit.sha) if gap.function != MODULE
    ]
    return previous.choose_gaps(gaps)[:limit] if gaps else []


def write_drafts(
    previous: PreviousDrafts,
    gaps: Sequence[Gap],
    *,
    say: Progress,
    options: DraftingOptions | None = None,
) -> list[Draft]:
    """Draft tests for gaps of a measured commit, one draft a gap and writer.

    The embedded drafter comes first; a model, where one answers, gets the lines that are left.
    Where none does, the commit waits for one; see model/deferred_work.py.
    A gap that was drafted for this commit already is passed over, so that work can be resumed,
    and so is one whose drafts of other commits still stand.

    Args:
        previous: The drafts of other commits, as seen from the measured commit.
        gaps: What to write tests for, in order.
        say: Told what is going on.
        options: How it is done.

    Returns:
        The drafts that wait for the editor, these gaps' earlier ones included.

    Raises:
        Superseded: The drafts are wanted no longer; those made so far stay.
        CopydeskError: Nothing can be run: no interpreter, or no sandbox and no leave without.
    """
    options = options or DraftingOptions()
    repo, db, sha = previous.commit.repo, previous.db, previous.commit.sha
    slot = "model" if options.client else "draft"  # a model's request never holds up a draft
    with open_workspace(repo, sha, slot) as workspace:
        if workspace.sandbox.tier is Tier.NONE:
            raise CopydeskError(
                f"drafts cannot be checked here: {workspace.sandbox.reason}",
                slug="no-sandbox",
                hint="`copydesk doctor` says how to get a sandbox;"
                " `copydesk config --set sandbox=off` runs drafts like any program that you start.",
            )
        settings = config.load(repo, sha)
        client = options.client
        if client is None and options.asks_model:
            client = reach_model(settings, db, say, progress=options.token_progress)
        budget = Budget.of(config.load(repo).personal, db, sha)
        drafting = _CommitDrafting(
            previous,
            DraftDesk(db, workspace, budget, say),
            ModelAccess.for_seconds(client, options.model_seconds, say),
            again=options.again,
        )
        return drafting.draft_gaps(gaps, options.is_wanted)


class _CommitDrafting:
    """The drafting of one commit.

    Args:
        previous: The drafts of other commits.
        desk: Checks drafts and keeps them.
        model: The model, as far as it may be asked.
        again: See DraftingOptions.
    """

    def __init__(
        self, previous: PreviousDrafts, desk: DraftDesk, model: ModelAccess, *, again: bool
    ) -> None:
        self.previous = previous
        self.desk = desk
        self.model = model
        self.again = again
        self.say = desk.say
        self.db = desk.db
        self.sha = previous.commit.sha

    def draft_gaps(self, gaps: Sequence[Gap], is_wanted: Callable[[], bool]) -> list[Draft]:
        """Draft for gap after gap until the budget is used; the drafts that wait."""
        drafts: list[Draft] = []
        for number, gap in enumerate(gaps, 1):
            if not is_wanted():
                deferred_work.cancel(self.db, "draft", self.sha)
                self.db.verifications.end_all(self.sha)
                raise Superseded
            if spent := self.desk.budget.spent():
                remaining = len(gaps) - number + 1
                self.say(f"{remaining} of {len(gaps)} gaps are left: {spent} are used")
                break
            name = f"{gap.path}::{gap.function}"
            self.say(f"[{number}/{len(gaps)}] {name}")
            with self.db.failed_items.contained("draft", self.sha, name, say=self.say):
                drafts += self.draft_gap(gap)
        self.db.verifications.end_all(self.sha)
        if self.model.reason_to_wait:
            deferred_work.defer(self.db, "draft", self.sha, self.model.reason_to_wait)
        else:
            deferred_work.cancel(self.db, "draft", self.sha)
        return drafts

    def draft_gap(self, gap: Gap) -> list[Draft]:
        """Draft tests for one gap; the drafts that wait for the editor."""
        failpoints.failpoint(f"draft {gap.path}::{gap.function}")
        self.desk.basis = self.previous.basis(gap)
        drafts = self._drafts_so_far(gap)
        if "embedded" not in drafts:
            drafts["embedded"] = self._try_embedded(gap)
        remaining = without_reached(gap, drafts.values())
        if has_open_lines(remaining):
            name = f"{gap.path}::{gap.function} (model)"
            with self.db.failed_items.contained("draft", self.sha, name, say=self.say):
                self._ask_model(gap, remaining, drafts)
        waiting = [draft for draft in drafts.values() if draft.state in WAITING]
        if waiting:
            identities = [draft.id for draft in drafts.values()]
            self.db.drafts.supersede_tests(self.desk.target(gap), identities)
        return waiting

    def _drafts_so_far(self, gap: Gap) -> dict[str, Draft]:
        """The drafts for a gap by writer: those of this commit, else those that still stand."""
        drafts: dict[str, Draft] = {}
        if not self.again:
            for draft in self.previous.standing(gap):
                drafts[draft.origin] = draft
        if drafts:
            self.say("  stands as it was drafted before")
        for draft in self.db.drafts.find((), kind="test", commit=self.sha):
            target = draft.target
            if target and (target.path, target.function) == (gap.path, gap.function):
                drafts[draft.origin] = draft
        return drafts

    def _try_embedded(self, gap: Gap) -> Draft:
        """The embedded drafter's draft; where copydesk fails on the gap, that in its place."""
        name = f"{gap.path}::{gap.function} (embedded)"
        try:
            failpoints.failpoint(f"draft {name}")
            draft = self._draft_embedded(gap)
        except Exception as error:
            if not costs_one_item(error):
                raise
            failed = self.db.failed_items.record("draft", self.sha, name, error)
            return self.desk.keep(
                gap, failed_drafting(gap, "embedded", self.desk.tier, failed.error)
            )
        self.db.failed_items.clear("draft", self.sha, name)
        return draft

    def _draft_embedded(self, gap: Gap) -> Draft:
        """The embedded drafter's draft, checked: the one that was on its way, else a new one."""
        verification = self.db.verifications.unfinished(gap, "embedded")
        if verification is None:
            workspace = self.desk.workspace
            candidate = draft_embedded(gap, workspace.tree, workspace.sandbox)
            if candidate is None or not candidate.tests:
                notes = candidate.notes if candidate else ()
                return self.desk.keep(gap, no_test(gap, "embedded", self.desk.tier, notes))
            verification = self.db.verifications.begin(candidate)
        return self.desk.keep(gap, self.desk.check(verification))

    def _ask_model(self, gap: Gap, remaining: Gap, drafts: dict[str, Draft]) -> None:
        """Have the model draft for what is left of a gap, where that is due and possible."""
        client = self.model.usable_client()
        if client is None or not is_due(drafts.get(client.name)):
            return
        drafting = ModelGapDrafting(
            self.desk, self.model, client, remaining, drafts.get("embedded"), gap=gap
        )
        draft = drafting.draft()
        if draft is not None:
            drafts[draft.origin] = draft
