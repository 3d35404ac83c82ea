"""What the daemon does now, in one line."""

from __future__ import annotations

from copydesk.agent import config
from copydesk.agent.daemon import control
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.model.activity import activity_words, current_activity
from copydesk.agent.text import one_line

MODEL_SECONDS = 0.7
"""How long to wait for the model's server."""


def daemon_words(repo: Repository, db: Database) -> str:
    """What the daemon does, how much is left, and what is being measured."""
    if not control.status(repo).running:
        return "daemon asleep"
    counts = db.jobs.counts()
    words = [_measuring(db) or ("at work" if counts.running else "idle")]
    if counts.ready:
        words.append(f"{counts.ready} queued")
    if counts.failed:
        words.append(f"{counts.failed} failed")
    activity = current_activity(db, repo.desk)
    if activity is not None:
        words.append(activity_words(activity))
    return "daemon " + ", ".join(words)


def _measuring(db: Database) -> str:
    """How far a measure is; "" where none is being made."""
    if not db.unfinished.shas():
        return ""
    # the measuring modules take long to import
    from copydesk.agent.coverage.measure import progress

    runs = [run for run in progress(db) if run.tests]
    if not runs:
        return "measuring"
    run = runs[0]
    return f"measuring {run.sha[:8]}: {run.ended:,} of {run.tests:,} tests"


def model_words(repo: Repository, db: Database) -> str:
    """Which model can be asked, or that none can."""
    # the model's client takes a tenth of a second to import
    from copydesk.agent.model.client import available
    from copydesk.agent.model.settings import model_settings

    try:
        settings = model_settings(config.load(repo), db)
        answers, name, _ = available(settings, seconds=MODEL_SECONDS)
    except CopydeskError:
        return "no model"
    return one_line(name, 24) if answers else "no model"
