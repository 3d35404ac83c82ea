"""A stored story made ready to leave the desk: what may be published, and as what."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, between, get_config
from copydesk.agent.records import Fact, Picture, Story
from copydesk.agent.stories.channels import devlog
from copydesk.agent.stories.channels.changelog import changelog_section, release_notes
from copydesk.agent.stories.channels.discord_thread import (
    ThreadOptions,
    build_thread,
    thread_calls,
)
from copydesk.agent.stories.channels.sites import SITES, Post, file_name, render, slug_of
from copydesk.agent.stories.pictures import draw_pictures, span_points
from copydesk.agent.stories.span.references import project_page
from copydesk.agent.stories.stored_stories import StoredStory, load_story, save_story
from copydesk.agent.text import one_line, plural

TEXT_CHANNELS = ("devlog", "changelog", "release")
CHANNELS = (*TEXT_CHANNELS, "discord", *SITES)

CHANNEL_KEY = "copydesk.discordChannel"
TAGS_KEY = "copydesk.discordTags"


@dataclass(frozen=True, slots=True)
class Publication:
    """A story with its facts, and what its posts say of themselves.

    `version` is the release that it is about, "" for none. `thread` is what the user has set for
    Discord.
    """

    draft_id: int
    story: Story
    facts: tuple[Fact, ...]
    post: Post
    version: str
    thread: ThreadOptions


def publication(
    repo: Repository, db: Database, draft_id: int, *, draft: bool = False
) -> Publication:
    """A story as it may be published.

    Args:
        repo: The repository.
        db: Its desk.
        draft_id: The story's draft.
        draft: Whether its posts are to be drafts.

    Raises:
        CopydeskError: There is no such story, or sentences of it are red and nobody accepted them.
    """
    stored = load_story(db, draft_id)
    check_red(stored)
    links = tuple(filter(None, [project_page(repo)]))
    span = stored.span
    commits = tuple(dict.fromkeys(filter(None, (span.first, span.last))))
    return Publication(
        draft_id=draft_id,
        story=_illustrated(repo, db, stored),
        facts=stored.facts,
        post=Post(draft_id, slug_of(stored.story.title, draft_id), commits, draft, links),
        version=_version(stored.closed_by),
        thread=_thread_options(repo, links),
    )


def _illustrated(repo: Repository, db: Database, stored: StoredStory) -> Story:
    """The story with its plots, which are drawn anew each time; none where its commits are gone."""
    if stored.story.pictures:
        return stored.story
    since, last = stored.span.since, stored.span.last
    try:
        commits = between(repo, f"{since}..{last}" if since else last)
    except CopydeskError:
        return stored.story
    points = span_points(db, [*filter(None, [since]), *commits])
    return replace(stored.story, pictures=draw_pictures(stored.facts, points))


def check_red(stored: StoredStory) -> None:
    """Refuse a story with sentences that its facts do not hold.

    Raises:
        CopydeskError: There are some that the editor has not accepted.
    """
    red = stored.open_red
    if red:
        raise CopydeskError(
            f"{plural(len({p.sentence for p in red}), 'sentence')} of story {stored.draft_id} is"
            f" not in its facts, such as “{one_line(red[0].sentence, 80)}” ({red[0].why})",
            slug="red-sentences",
            hint=f"`copydesk edit {stored.draft_id}` changes them;"
            f" `copydesk accept --anyway {stored.draft_id}` takes them as they are.",
        )


def accept_red(db: Database, stored: StoredStory) -> StoredStory:
    """Take the red sentences of a story as they are: the editor vouches for them."""
    red = tuple(dict.fromkeys(problem.sentence for problem in stored.problems))
    return save_story(db, replace(stored, accepted_red=red))


def channel_text(channel: str, publication: Publication) -> str:
    """What a channel gets.

    Args:
        channel: One of CHANNELS.
        publication: The story.

    Returns:
        Markdown; for Discord the calls of the webhook as JSON.

    Raises:
        CopydeskError: The story has nothing for that channel.
    """
    story, post = publication.story, publication.post
    if channel in SITES:
        return render(SITES[channel], story, post)
    if channel == "discord":
        calls = thread_calls(build_thread(story, publication.thread), publication.thread.channel)
        return json.dumps(calls, indent=2, ensure_ascii=False) + "\n"
    if channel == "release":
        return release_notes(story, post.links)
    if channel == "devlog":
        return devlog.render(story, publication.facts, picture=_in_outbox, links=post.links)
    if not any(entries for _, entries in story.changes):
        raise CopydeskError(
            f"story {publication.draft_id} has no change to list",
            slug="no-changes",
            hint="A changelog lists what readers of the project notice; this span has none of it.",
        )
    return changelog_section(story, publication.version, post.links)


def _in_outbox(picture: Picture) -> str:
    """Where the dev log of the outbox finds a picture."""
    return f"pictures/{file_name(picture.name)}.svg"


def _version(closed_by: str) -> str:
    """The release that a story was closed by: "tag v1.2.0" is 1.2.0."""
    word, _, tag = closed_by.partition(" ")
    return tag.removeprefix("v") if word == "tag" else ""


def _thread_options(repo: Repository, links: tuple[str, ...]) -> ThreadOptions:
    kind = get_config(repo, CHANNEL_KEY) or "forum"
    tags = (get_config(repo, TAGS_KEY) or "").replace(",", " ").split()
    if kind not in ("forum", "text") or not all(tag.isdecimal() for tag in tags):
        raise CopydeskError(
            f"{CHANNEL_KEY} is forum or text, and {TAGS_KEY} a list of numbers",
            slug="bad-config",
            hint=f"git config {CHANNEL_KEY} forum",
        )
    return ThreadOptions("forum" if kind == "forum" else "text", tuple(tags), links)
