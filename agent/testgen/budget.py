"""What the drafts of one commit may cost: CPU seconds and a model's tokens."""

from __future__ import annotations

import json
import resource
import sqlite3
from dataclasses import dataclass, field

from copydesk.agent.desk import drafts
from copydesk.agent.records import Sha


def processor_seconds() -> float:
    """CPU seconds of this process and of the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@dataclass(slots=True)
class Budget:
    """Counts what a commit's drafts have cost, those made before a restart included.

    Attributes:
        seconds: CPU seconds allowed.
        tokens: Tokens of prompts and answers allowed.
    """

    db: sqlite3.Connection
    sha: Sha
    seconds: float
    tokens: float
    _mark: float = field(default_factory=processor_seconds)

    def lap(self) -> float:
        """CPU seconds since the last lap: what the draft that is about to be kept has cost."""
        now = processor_seconds()
        took, self._mark = now - self._mark, now
        return took

    def passed(self) -> str:
        """Which limit is reached, in words, or ""."""
        made = drafts.listed(self.db, (), kind="test", commit=self.sha)
        seconds = sum(float(d.evidence.get("cpu_seconds") or 0) for d in made)
        seconds += processor_seconds() - self._mark
        if seconds >= self.seconds:
            return f"{seconds:.0f} of {self.seconds:.0f} CPU seconds (copydesk.draftSeconds)"
        calls = [call for d in made for call in d.evidence.get("calls") or ()]
        (tokens,) = self.db.execute(
            "SELECT coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(output_tokens, 0)), 0)"
            " FROM model_calls WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(calls),),
        ).fetchone()
        if tokens >= self.tokens:
            return f"{tokens:,} of {self.tokens:,.0f} tokens of the model (copydesk.draftTokens)"
        return ""
