"""Predictions and what came of them: the table `predictions`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.records import Json, Sha, TestId

QUIET_SECONDS = 365 * 86_400.0
"""A changed function without a fix for so long counts as one without a defect."""

PredictionKind = Literal["function", "test", "draft"]
"""What a prediction is about: a changed function, an affected test, or a draft."""


class Prediction(NamedTuple):
    """One score of one subject.

    `subject` is "path::function", a test's id or a draft's id; `model` the SHA-256 of the model
    that gave the score, "" for a formula; `in_force` the name of that model.
    """

    subject: str
    score: float
    in_force: str
    model: str
    reasons: tuple[str, ...]
    features: Mapping[str, float | None]


_OF_COMMIT = ("subject", "score", "in_force", "model", "reasons", "features", "outcome")
_LATEST = (
    *("kind", "sha", "subject", "score", "in_force", "model", "reasons", "features"),
    *("made_at", "outcome", "outcome_why", "outcome_at"),
)


class Predictions:
    """Predictions as rows, one a kind, commit and subject.

    Args:
        db: The open desk.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def store(self, kind: PredictionKind, sha: Sha, predictions: Iterable[Prediction]) -> None:
        """Keep predictions for a commit; an earlier one is replaced while its outcome is open."""
        rows = [
            (
                *(kind, sha, p.subject, p.score, p.in_force, p.model),
                *(json.dumps(p.reasons), json.dumps(p.features), time.time()),
            )
            for p in predictions
        ]
        with transaction(self._db):
            self._db.executemany(
                "INSERT INTO predictions (kind, sha, subject, score, in_force, model, reasons,"
                " features, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (kind, sha, subject) DO UPDATE SET score = excluded.score,"
                " in_force = excluded.in_force, model = excluded.model,"
                " reasons = excluded.reasons, features = excluded.features,"
                " made_at = excluded.made_at"
                " WHERE predictions.outcome IS NULL",
                rows,
            )

    def of_commit(self, kind: PredictionKind, sha: Sha) -> list[Json]:
        """The predictions for a commit's functions, tests or drafts, the highest score first."""
        rows = self._db.execute(
            f"SELECT {', '.join(_OF_COMMIT)} FROM predictions WHERE kind = ? AND sha = ?"
            " ORDER BY score DESC, subject",
            (kind, sha),
        )
        return [_as_json(_OF_COMMIT, row) for row in rows]

    def latest(self, limit: int) -> list[Json]:
        """The last predictions, the newest first, with their outcome where it is known.

        Args:
            limit: At most so many.
        """
        rows = self._db.execute(
            f"SELECT {', '.join(_LATEST)} FROM predictions ORDER BY made_at DESC, id DESC LIMIT ?",
            (limit,),
        )
        return [_as_json(_LATEST, row) for row in rows]

    def open_tests(self, sha: Sha) -> set[TestId]:
        """The tests of a commit with a prediction whose outcome is not known yet."""
        rows = self._db.execute(
            "SELECT subject FROM predictions WHERE kind = 'test' AND sha = ? AND outcome IS NULL",
            (sha,),
        )
        return {subject for (subject,) in rows}

    def settle_tests(self, sha: Sha, outcomes: Mapping[TestId, str]) -> None:
        """Write how the tests of a measured commit went.

        Args:
            sha: The commit.
            outcomes: pytest's outcome by test.
        """
        now = time.time()
        rows = [
            (float(outcome in ("failed", "error")), outcome, now, sha, test)
            for test, outcome in outcomes.items()
        ]
        with transaction(self._db):
            self._db.executemany(
                "UPDATE predictions SET outcome = ?, outcome_why = ?, outcome_at = ?"
                " WHERE kind = 'test' AND sha = ? AND subject = ? AND outcome IS NULL",
                rows,
            )

    def join_outcomes(self, now: float | None = None) -> int:
        """Write the outcomes of functions and drafts that are known by now.

        A function's is 1 when a fix was traced to it, 0 when a year went by without one. A
        draft's is whether the editor accepted it.

        Args:
            now: The Unix time.

        Returns:
            How many were written.
        """
        now = time.time() if now is None else now
        with transaction(self._db):
            return self._join_fixes() + self._join_quiet(now) + self._join_decisions(now)

    def _join_fixes(self) -> int:
        return self._db.execute(
            "UPDATE predictions SET outcome = 1, outcome_why = 'fixed by ' || f.fixed_by,"
            " outcome_at = f.fixed_at FROM changed_functions AS f"
            " WHERE predictions.kind = 'function' AND predictions.outcome IS NOT 1"
            " AND f.sha = predictions.sha AND f.path || '::' || f.function = predictions.subject"
            " AND f.fixed_at IS NOT NULL"
        ).rowcount

    def _join_quiet(self, now: float) -> int:
        return self._db.execute(
            "UPDATE predictions SET outcome = 0, outcome_why = 'no fix in a year',"
            " outcome_at = :now FROM changed_functions AS f"
            " WHERE predictions.kind = 'function' AND predictions.outcome IS NULL"
            " AND f.sha = predictions.sha AND f.path || '::' || f.function = predictions.subject"
            " AND f.fixed_at IS NULL AND f.committed_at < :now - :quiet",
            {"now": now, "quiet": QUIET_SECONDS},
        ).rowcount

    def _join_decisions(self, now: float) -> int:
        return self._db.execute(
            "UPDATE predictions SET outcome = d.state = 'accepted', outcome_why = d.note,"
            " outcome_at = :now FROM drafts AS d"
            " WHERE predictions.kind = 'draft' AND predictions.outcome IS NULL"
            " AND d.id = CAST(predictions.subject AS INTEGER)"
            " AND d.state IN ('accepted', 'rejected')",
            {"now": now},
        ).rowcount


def _as_json(names: Sequence[str], row: Sequence[Any]) -> Json:
    prediction: Json = dict(zip(names, row, strict=True))
    prediction["reasons"] = json.loads(prediction["reasons"])
    prediction["features"] = json.loads(prediction["features"])
    return prediction
