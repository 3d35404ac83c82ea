"""The repository's own model: where it is, when it is due again, and training it."""

from __future__ import annotations

import time
from pathlib import Path

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress, silent
from copydesk.agent.scoring import mine_history
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.subjects.commits import model, train
from copydesk.predictor.subjects.commits.train import Trained

EVERY_COMMITS, EVERY_DAYS = 50, 30.0
"""A model is trained again after so many commits, or so many days where there was one."""

FIRST = train.TRY_RESIDUAL
"""Defects known before a repository's own model is worth trying at all."""


def unusable(error: PredictorError) -> CopydeskError:
    """A predictor's refusal as copydesk's error."""
    return CopydeskError(
        str(error),
        slug="predictor-refused",
        hint="The message names the file, row or column; docs/reference/predictor.md says more.",
    )


def folder(repo: Repository) -> Path:
    """Where the repository's model is kept."""
    return repo.desk / "models" / "commits"


def in_force(repo: Repository, say: Progress = silent) -> Trained:
    """What scores this repository's commits: its own model, or the shipped prior."""
    if not (folder(repo) / "card.json").exists():
        return model.shipped()
    try:
        return model.load(folder(repo))
    except PredictorError as error:
        say(f"the shipped prior is used instead of this repository's model: {error}")
        return model.shipped()


def due(repo: Repository, db: Database, now: float | None = None) -> bool:
    """Whether the model should be trained (again)."""
    so_far = mine_history.known(db)
    if so_far is None:
        return False
    try:
        card = model.load(folder(repo)).card
        trained, at = int(card["commits"]), float(card["trained_at"])
    except (PredictorError, KeyError, TypeError, ValueError):
        (fixed,) = db.execute("SELECT count(fixed_at) FROM changed_functions").fetchone()
        return int(fixed) >= FIRST
    more = so_far.commits - trained
    days = ((time.time() if now is None else now) - at) / 86_400
    return more >= EVERY_COMMITS or (more > 0 and days >= EVERY_DAYS)


def retrain(repo: Repository, db: Database, *, say: Progress = silent) -> Trained:
    """Train on the mined history, let the gate decide, and keep the model.

    Raises:
        CopydeskError: The model cannot be kept.
    """
    so_far = mine_history.known(db)
    rows = mine_history.rows(db)
    say(f"training on {len(rows):,} changed functions")
    try:
        found = train.train(rows, model.shipped_prior(), time.time())
        found.card["commits"] = so_far.commits if so_far else 0
        kept = model.save(folder(repo), found)
    except PredictorError as error:
        raise unusable(error) from error
    say(f"in force: {kept.in_force}; {'; '.join(kept.card['why'])}")
    return kept
