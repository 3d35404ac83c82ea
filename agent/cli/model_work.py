"""What `copydesk status` and `wait` say of the work of a model in the background."""

from __future__ import annotations

import time

from copydesk.agent import config
from copydesk.agent.cli.formatting import duration, short_sha
from copydesk.agent.desk.database import Database
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.agent.model.activity import activity_words, current_activity
from copydesk.agent.model.background import seconds_used
from copydesk.agent.model.recorded_host import cure, host_difference
from copydesk.agent.records import Json
from copydesk.agent.text import one_line, plural

_WORK = {"draft": "tests for", "story": "the story of"}


def model_work(repo: Repository, db: Database) -> Json:
    """What a model does, what waits for one, and the seconds of this hour that were used."""
    activity = current_activity(db, repo.desk)
    doing = None
    if activity:
        doing = {"kind": activity.kind, "sha": activity.sha, "tokens": activity.tokens}
        doing |= {"step": activity.step or "waiting", "seconds": time.time() - activity.began}
        doing |= {"words": activity_words(activity)}
    personal, sources = config.load_personal(repo)
    return {
        "difference": host_difference(personal.model_host, sources["model_host"]) or None,
        "doing": doing,
        "waiting": [
            {"kind": work.kind, "sha": work.sha, "tries": work.tries, "why": work.why}
            for work in deferred_work.deferred(db)
        ],
        "seconds_used": round(seconds_used(db), 1),
        "seconds_an_hour": personal.model_seconds,
    }


def model_work_lines(model: Json) -> list[str]:
    """The same in words, a line each; none where there is nothing to say."""
    lines = [f"{model['difference']}; `{cure()}`"] if model["difference"] else []
    if model["doing"]:
        lines.append(model["doing"]["words"])
    if waiting := model["waiting"]:
        newest = waiting[-1]
        name = f"{_WORK[newest['kind']]} {short_sha(newest['sha'])}"
        words = f"{plural(len(waiting), 'piece')} of work left to it, {name} last"
        lines.append(f"{words}: {one_line(newest['why'], 120)}")
    if model["seconds_used"]:
        used, hourly = duration(model["seconds_used"]), duration(model["seconds_an_hour"])
        lines.append(f"it has worked {used} in this hour, of {hourly} allowed")
    return lines
