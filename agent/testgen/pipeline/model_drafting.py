"""Has a model draft the tests of one gap, group of branches by group."""

from __future__ import annotations

import time

from copydesk.agent.model.circuit_breaker import is_temporary
from copydesk.agent.model.client import Client
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.progress import Progress
from copydesk.agent.records import Candidate, Draft, Gap
from copydesk.agent.testgen.model import REPAIRS, BranchGroup, ModelDrafter, calls_of, combine
from copydesk.agent.testgen.pipeline.draft_desk import DraftDesk
from copydesk.agent.testgen.pipeline.draft_status import failure, no_test, worth
from copydesk.agent.testgen.verify import CheckedDraft


class ModelAccess:
    """The model, as far as one drafting of a commit may ask it.

    Args:
        client: The model, or None when none answered.
        until: After that, by the monotonic clock, it is asked no more.
        say: Told when it fails.

    Attributes:
        reason_to_wait: Why the model has still to be asked about a gap, or "".
    """

    def __init__(self, client: Client | None, until: float, say: Progress) -> None:
        self._client = client
        self._until = until
        self._say = say
        self.reason_to_wait = ""

    @classmethod
    def for_seconds(cls, client: Client | None, seconds: float, say: Progress) -> ModelAccess:
        """Access for so many seconds from now."""
        return cls(client, time.monotonic() + seconds, say)

    def usable_client(self) -> Client | None:
        """The model, when it may be asked now; else the work waits for one."""
        if self._client is not None and time.monotonic() <= self._until:
            return self._client
        self.reason_to_wait = self.reason_to_wait or "no model answered in time"
        return None

    def fail(self, client: Client, error: ModelFault | ModelUnavailable) -> bool:
        """Take a failure of the model in: one that is gone is asked no more.

        Returns:
            Whether the failure may pass; the work then waits for that.
        """
        self._say(f"  {client.name}: {error}")
        if isinstance(error, ModelUnavailable) or error.outcome in ("unavailable", "missing"):
            self._client = None
        if is_temporary(error):
            self.reason_to_wait = str(error)
            return True
        return False


class ModelGapDrafting:
    """The drafting of one gap by a model.

    Each group of branches is asked for in turn, and again with its failure where the test fails.
    The tests that pass become one draft.

    Args:
        desk: Checks drafts and keeps them.
        model: Told when the model fails.
        client: The model.
        remaining: What of the gap no other draft reaches.
        embedded: The embedded drafter's draft, for its calls.
        gap: The whole gap.
    """

    def __init__(
        self,
        desk: DraftDesk,
        model: ModelAccess,
        client: Client,
        remaining: Gap,
        embedded: Draft | None,
        *,
        gap: Gap,
    ) -> None:
        self.desk = desk
        self.model = model
        self.client = client
        self.remaining = remaining
        self.gap = gap
        seeds = calls_of(embedded.content, gap.function) if embedded else ()
        self.drafter = ModelDrafter(remaining, desk.workspace.tree, client, seeds=seeds)
        self.verified: list[CheckedDraft] = []
        self.failed: CheckedDraft | None = None
        self.interrupted = False
        self._earlier_calls: list[int] = []
        self._calls_before = desk.db.model_calls.last_id()
        self._kept: Draft | None = None

    def draft(self) -> Draft | None:
        """Ask for each group; the draft that is on the desk then, if any."""
        if self._resume() == "not run":
            return self._kept
        for group in self.drafter.groups:
            if not self._reaches(group) and not self._draft_group(group):
                break
        if len(self.verified) > 1:
            self._keep(self._joined())
        elif not self.verified and self.drafter.groups:
            self._keep_failure()
        return self._kept

    def _resume(self) -> str:
        """Check the draft that was on its way when the work was cut short; its verdict."""
        verifications = self.desk.db.verifications
        verification = verifications.unfinished(self.remaining, self.client.name)
        if verification is None:
            return ""
        self._earlier_calls = list(verification.calls)
        checked = self.desk.check_of_model(verification)
        verdict = checked.evidence.verdict
        if verdict == "asks":
            self.failed = checked
        elif verdict != "failed":
            self.verified.append(checked)
            self._kept = self.desk.keep(self.gap, checked, calls=self._earlier_calls)
        return verdict

    def _reaches(self, group: BranchGroup) -> bool:
        """Whether the tests that passed so far reach all lines of a group."""
        if not self.verified:
            return False
        gained: set[int] = set()
        for checked in self.verified:
            gained.update(checked.evidence.gained_lines)
        return gained.issuperset(group.lines)

    def _draft_group(self, group: BranchGroup) -> bool:
        """Ask for one group and keep what came of it; whether to go on with the next one."""
        checked = self._ask_until_it_passes(group)
        verdict = checked.evidence.verdict if checked else ""
        if checked and verdict == "verified":
            self.verified.append(checked)
            if len(self.verified) == 1:  # a crash loses nothing that stands
                self._keep(checked)
        else:
            self.failed = _better(checked, self.failed)
        return not self.interrupted and verdict != "not run"

    def _ask_until_it_passes(self, group: BranchGroup) -> CheckedDraft | None:
        """The last test that the model wrote for a group, checked; None when it wrote none."""
        checked: CheckedDraft | None = None
        best: CheckedDraft | None = None
        calls_before = self.desk.db.model_calls.last_id()
        try:
            candidate = self.drafter.draft(group)
            for turn in range(1, REPAIRS + 2):
                if candidate is None:
                    break
                checked = self._check(candidate, calls_before)
                best = _better(checked, best)
                if checked.evidence.verdict not in ("failed", "asks") or turn > REPAIRS:
                    break
                why = failure(checked.evidence)
                candidate = self.drafter.again(group, candidate, why, turn=turn)
        except (ModelFault, ModelUnavailable) as error:
            self.interrupted = self.model.fail(self.client, error)
        return best

    def _check(self, candidate: Candidate, calls_before: int) -> CheckedDraft:
        calls = self._calls_since(calls_before)
        self.client.make_way()  # running tests is what measures want the machine for
        return self.desk.check_of_model(self.desk.db.verifications.begin(candidate, calls))

    def _joined(self) -> CheckedDraft:
        """One draft of those that passed; the best of them where they do not go together."""
        together = combine([candidate for _, candidate in self.verified])
        joined = self.desk.check_of_model(self.desk.db.verifications.begin(together))
        best = max(self.verified, key=lambda checked: len(checked.evidence.gained_lines))
        return max(best, joined, key=lambda checked: worth(checked.evidence))

    def _keep(self, checked: CheckedDraft, *, unfinished: bool = False) -> None:
        calls = self._earlier_calls + self._calls_since(self._calls_before)
        self._kept = self.desk.keep(self.gap, checked, calls=calls, unfinished=unfinished)

    def _keep_failure(self) -> None:
        """Keep what failed, or that there was no test, so that the model is not asked again."""
        if self.failed is None and self.interrupted:
            return
        checked = self.failed or no_test(self.remaining, self.client.name, self.desk.tier)
        self._keep(checked, unfinished=self.interrupted)

    def _calls_since(self, number: int) -> list[int]:
        """The numbers of the calls in the model's log after a certain one."""
        return list(range(number + 1, self.desk.db.model_calls.last_id() + 1))


def _better(new: CheckedDraft | None, old: CheckedDraft | None) -> CheckedDraft | None:
    """The newer of two drafts of one group, unless only the older one asks or stands."""
    if new is None or old is None:
        return new or old
    order = ("failed", "not run", "asks", "verified")
    is_worse = order.index(new.evidence.verdict) < order.index(old.evidence.verdict)
    return old if is_worse else new
