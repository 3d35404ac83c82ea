"""The voice on the desk: learnt from the author's posts, kept, and given back."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.voice import VoiceLine
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, get_config
from copydesk.agent.stories.stored_stories import story_from_json
from copydesk.agent.stories.voice.learn import learn
from copydesk.agent.stories.voice.posts import Post, post_of_story, read_posts
from copydesk.agent.stories.voice.records import Voice, voice_from

POSTS_KEY = "copydesk.posts"


def posts_folder(repo: Repository) -> Path | None:
    """The folder of the author's posts, as git's configuration names it; None for none.

    Raises:
        CopydeskError: There is no such folder.
    """
    name = get_config(repo, POSTS_KEY)
    if not name:
        return None
    folder = repo.worktree / Path(name).expanduser()
    if not folder.is_dir():
        raise CopydeskError(
            f"{POSTS_KEY} is {name}, which is no folder",
            slug="no-posts-folder",
            hint=f"git config {POSTS_KEY} ../blog/content/posts",
        )
    return folder


def author_posts(repo: Repository, db: Database) -> list[Post]:
    """The author's posts: those of the folder, then the approved stories that the author edited.

    Raises:
        CopydeskError: The folder that is set does not exist.
    """
    folder = posts_folder(repo)
    posts = read_posts(folder) if folder is not None else []
    return [
        *posts,
        *(
            post_of_story(f"story {row.draft_id}", story_from_json(row.story))
            for row in db.stories.edited_and_approved()
        ),
    ]


def learn_voice(repo: Repository, db: Database) -> dict[str, VoiceLine]:
    """Learn how the author writes from all posts there are, and keep it.

    Returns:
        The lines in force, by their key: what the author chose stays as it is.

    Raises:
        CopydeskError: The folder that is set does not exist.
    """
    db.voice.learn(learn(author_posts(repo, db)))
    return db.voice.all()


def load_voice(db: Database) -> Voice:
    """How the author writes, as it was learnt last and as the author changed it."""
    lines = db.voice.all()
    return voice_from({key: line.value for key, line in lines.items() if line.value is not None})
