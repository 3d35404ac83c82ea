"""What `copydesk status` says of pulls on a schedule."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

from copydesk.agent.cli.formatting import duration, time_ago
from copydesk.agent.desk.database import Database
from copydesk.agent.records import Json
from copydesk.agent.text import one_line, plural


def pull_schedule_state(db: Database, hours: float) -> Json | None:
    """The interval, the last try, the next one and what went wrong; None without a schedule."""
    if not hours:
        return None
    # loaded for those alone who want it
    from copydesk.agent.community.pull_schedule import next_pull, pull_state

    state = pull_state(db)
    return {
        "every_hours": hours,
        "last_at": _iso(state.asked_at),
        "next_at": _iso(next_pull(state, hours)),
        "problem": state.problem or None,
    }


def pull_schedule_lines(state: Json | None, now: float | None = None) -> list[str]:
    """The same in words, a line each.

    Args:
        state: As `pull_schedule_state` gives it.
        now: Unix time; that of the clock when left out.
    """
    if state is None:
        return []
    now = time.time() if now is None else now
    every = f"every {plural(int(state['every_hours']), 'hour')}"
    if state["every_hours"] != int(state["every_hours"]):
        every = f"every {state['every_hours']:g} hours"
    last = "never yet"
    seconds = 0.0
    if state["last_at"]:
        last = f"last {time_ago(state['last_at'], datetime.fromtimestamp(now, UTC))}"
        seconds = datetime.fromisoformat(state["next_at"]).timestamp() - now
    due = f"due in {duration(math.ceil(seconds))}" if seconds > 0 else "due now"
    lines = [f"Pull        {every}: {last}, {due}"]
    if state["problem"]:
        lines.append(f"            last problem: {one_line(state['problem'], 300)}")
    return lines


def _iso(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
