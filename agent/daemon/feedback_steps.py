"""The daemon's steps that bring in what readers say: from inboxes, and from what is pulled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from copydesk.agent import config
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.progress import silent
from copydesk.agent.scoring.reader_needs import raise_gaps
from copydesk.agent.text import one_line, plural

if TYPE_CHECKING:
    from copydesk.agent.community.pull import Host

PULL_PAUSES = 60.0
"""Seconds that a scheduled pull waits for servers altogether: measures queue behind it."""

_REFUSALS = {"no-place", "no-token", "token-refused", "bad-api-address"}
"""Errors that are the user's to mend; trying again at once cannot help."""


def inbox_step(context: StepContext, _subject: str) -> None:
    """Import the files that were dropped into an inbox; tell tone and kinds of what is new."""
    from copydesk.agent.community.inbox import import_waiting
    from copydesk.agent.community.inbox_folders import inbox_folders

    named = config.load_personal(context.repo)[0].inbox
    folders = inbox_folders(context.repo.desk, named)
    done = 0
    for imported in import_waiting(context.db, folders, silent):
        done += 1
        what = imported.error or f"{plural(imported.messages, 'message')}, {imported.new} new"
        context.say(f"inbox: {imported.path.name}: {one_line(what, 300)}")
    if done:
        _take_in(context)


def pull_step(context: StepContext, _subject: str) -> None:
    """Read what is new in the places that the user named, if the user still wants that.

    What goes wrong is written down, for `copydesk status`, and left to the next time.
    """
    from copydesk.agent.community.pull import DISCORD, GITHUB
    from copydesk.agent.community.pull_schedule import set_pull_problem

    if not config.load_personal(context.repo)[0].pull_every:
        return
    hosts = [host for host in (DISCORD, GITHUB) if git.get_config(context.repo, host.places_key)]
    problems = [problem for host in hosts for problem in _pull_from(context, host)]
    if not hosts:
        keys = " nor ".join(host.places_key for host in (DISCORD, GITHUB))
        problems = [f"there is nothing to pull: neither {keys} is set"]
    for problem in problems:
        context.say(f"pull: {problem}")
    set_pull_problem(context.db, "; ".join(problems[:3]))
    _take_in(context)


def _pull_from(context: StepContext, host: Host) -> list[str]:
    """Pull from a service. Returns what went wrong, in words."""
    from copydesk.agent.community.pull import PullOptions, pull, short_pauses

    options = PullOptions(say=silent, sleep=short_pauses(PULL_PAUSES))
    try:
        pulled = pull(context.db, context.repo, host, options)
    except CopydeskError as error:
        if error.slug not in _REFUSALS:
            raise
        return [one_line(f"{host.name}: {error}", 300)]
    new = sum(place.new for place in pulled)
    context.say(f"pull: {host.name}: {plural(new, 'new message')}")
    return [one_line(f"{place.place}: {place.problem}", 300) for place in pulled if place.problem]


def _take_in(context: StepContext) -> None:
    """Tell tone and kinds of the messages that are new, and rank the gaps that they name."""
    from copydesk.agent.community.label_messages import label_messages

    label_messages(context.db, silent)
    for sha in sorted(git.tips(context.repo)):
        if context.db.measures.get(sha):
            raise_gaps(context.db, Commit(context.repo, sha), time.time())
