"""What the drafts of one commit may cost: seconds of work and a model's tokens.

Seconds of the wall: the CPU time of what ends inside a pid namespace is not told to us.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from copydesk.agent.config import Personal
from copydesk.agent.desk.database import Database
from copydesk.agent.records import Sha


@dataclass(slots=True)
class Budget:
    """Counts what a commit's drafts have cost, those made before a restart included.

    Attributes:
        seconds: Seconds of work allowed.
        tokens: Tokens of prompts and answers allowed.
    """

    db: Database
    sha: Sha
    seconds: float
    tokens: float
    _mark: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, personal: Personal, db: Database, sha: Sha) -> Budget:
        """What the user allows a commit."""
        return cls(db, sha, personal.draft_seconds, personal.draft_tokens)

    def lap(self) -> float:
        """Seconds since the last lap: what the draft that is about to be kept has cost."""
        now = time.monotonic()
        took, self._mark = now - self._mark, now
        return round(took, 3)

    def spent(self) -> str:
        """Which limit is reached, in words, or ""."""
        seconds = time.monotonic() - self._mark
        calls: list[int] = []
        for draft in self.db.drafts.find((), kind="test", commit=self.sha):
            seconds += float(draft.evidence.get("work_seconds") or 0)
            calls += draft.evidence.get("calls") or ()
        if seconds >= self.seconds:
            return f"{seconds:.0f} of {self.seconds:.0f} seconds of work (copydesk.draftSeconds)"
        tokens = self.db.model_calls.tokens_of(calls)
        if tokens >= self.tokens:
            return f"{tokens:,} of {self.tokens:,.0f} tokens of the model (copydesk.draftTokens)"
        return ""
