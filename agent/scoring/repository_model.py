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


def as_copydesk_error(error: PredictorError) -> CopydeskError:
    """A predictor's error as one that the command line can show."""
    return CopydeskError(
        str(error),
        slug="predictor-refused",
        hint="It names the file, row or column to correct; docs/reference/predictor.md says more.",
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


def is_training_due(repo: Repository, db: Database, now: float | None = None) -> bool:
    """Whether the model should be trained, for the first time or again.

    Args:
        repo: The repository.
        db: Its desk.
        now: The Unix time.
    """
    read = db.mined_history.up_to()
    if read is None:
        return False
    try:
        card = model.load(folder(repo)).card
        trained_commits, trained_at = int(card["commits"]), float(card["trained_at"])
    except (PredictorError, KeyError, TypeError, ValueError):
        return db.mined_history.fixed_count() >= FIRST
    new_commits = read.commits - trained_commits
    days = ((time.time() if now is None else now) - trained_at) / 86_400
    return new_commits >= EVERY_COMMITS or (new_commits > 0 and days >= EVERY_DAYS)


def retrain(repo: Repository, db: Database, *, say: Progress = silent) -> Trained:
    """Train on the mined history, choose the model to put in force, and keep it.

    Raises:
        CopydeskError: The model cannot be kept.
    """
    read = db.mined_history.up_to()
    rows = mine_history.training_rows(db)
    say(f"training on {len(rows):,} changed functions")
    try:
        trained = train.train(rows, model.shipped_prior(), time.time())
        trained.card["commits"] = read.commits if read else 0
        saved = model.save(folder(repo), trained)
    except PredictorError as error:
        raise as_copydesk_error(error) from error
    say(f"in force: {saved.in_force}; {'; '.join(saved.card['why'])}")
    return saved
