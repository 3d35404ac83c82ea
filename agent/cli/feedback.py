"""`copydesk feedback`: what readers say, and what they wait for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.feedback_offers import offers
from copydesk.agent.cli.feedback_output import (
    file_json,
    iso_time,
    mention_json,
    message_json,
    place_text,
    print_file,
    print_messages,
    print_text,
    print_topic,
    topic_json,
)
from copydesk.agent.cli.feedback_sources import inbox, pull
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import clean, one_line, plural

if TYPE_CHECKING:
    from copydesk.agent.community.code_mentions import Mention
    from copydesk.agent.desk.database import Database
    from copydesk.agent.desk.feedback import FeedbackMessage
    from copydesk.agent.git.repository import Repository

_MOST_LISTED = 10_000
"""Messages that a filter looks through, the newest first."""
_KINDS = ("bug report", "request", "question", "answer", "praise", "complaint", "remark")


@click.group(
    epilog=examples(
        "copydesk feedback import export.json",
        "copydesk feedback topics",
        "copydesk feedback list --kind question",
    )
)
def feedback() -> None:
    """Bring in what readers say, and see what they wait for.

    Messages stay on this machine. People are stored as keyed hashes; mail and public IP
    addresses are taken out of what they wrote.
    """


@feedback.command(
    "import",
    epilog=examples(
        "copydesk feedback import 'Guild - devlog [123].json'",
        "copydesk feedback import comments.xml discussion-12.json",
        "copydesk feedback import --filtered only-mine.json",
    ),
)
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--names", is_flag=True, help="Keep the names that people show as well.")
@click.option(
    "--filtered", is_flag=True, help="The export leaves messages out; none counts as deleted."
)
@json_option
def import_(files: tuple[Path, ...], names: bool, filtered: bool, as_json: bool) -> None:
    """Bring in exported messages and comments.

    The format is recognised by what a file holds: DiscordChatExporter JSON, messages of Discord's
    API, GitHub discussions, issues, comments and releases, WordPress WXR, Disqus XML, or CSV with
    the columns created_at and text (and id, parent_id, thread_url, author, likes).

    The same file twice changes nothing; a later export brings edits, new counts of reactions,
    and hides what was deleted. Exit code 1 when a file could not be read.
    """
    from copydesk.agent.community.import_files import import_file
    from copydesk.agent.community.label_messages import label_messages

    with open_current_desk(create=True) as (repo, db), screen.spinner("importing") as update:
        imported = [
            import_file(db, path, names=names, complete=not filtered, progress=update)
            for path in files
        ]
        label_messages(db, update)
        raised = _raise_gaps(repo, db)
    if as_json:
        echo_json([file_json(one) for one in imported])
    else:
        for one in imported:
            print_file(one)
        if raised:
            echo(f"{plural(raised, 'gap')} named by readers rank higher: `copydesk gaps`.")
    if any(one.error for one in imported):
        raise click.exceptions.Exit(1)


def _raise_gaps(repo: Repository, db: Database) -> int:
    """Let what readers named move the gaps of the commit that is checked out."""
    from copydesk.agent.cli.current_desk import head_sha
    from copydesk.agent.git.commit import Commit
    from copydesk.agent.scoring.reader_needs import raise_gaps

    sha = head_sha(repo)
    return raise_gaps(db, Commit(repo, sha), time.time()) if sha else 0


def _code_named(repo: Repository, db: Database, text: str) -> list[Mention]:
    """The code of the commit that is checked out which a message names."""
    from copydesk.agent.cli.current_desk import head_sha
    from copydesk.agent.git.commit import Commit
    from copydesk.agent.scoring.reader_needs import code_index

    sha = head_sha(repo)
    return code_index(db, Commit(repo, sha)).mentions(text) if sha else []


@feedback.command(
    "list",
    epilog=examples(
        "copydesk feedback list --open",
        "copydesk feedback list --kind 'bug report' --tone negative",
        "copydesk feedback list --search 'save file' --json",
    ),
)
@click.option("--kind", type=click.Choice(_KINDS), help="Only messages of this kind.")
@click.option(
    "--tone",
    type=click.Choice(("negative", "neutral", "positive", "unsure")),
    help="Only messages of this tone.",
)
@click.option(
    "--open", "only_open", is_flag=True, help="Only questions without an answer from you."
)
@click.option("--search", metavar="WORDS", default="", help="Only messages with all these words.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List at most N."
)
@json_option
def list_(
    kind: str | None, tone: str | None, only_open: bool, search: str, limit: int, as_json: bool
) -> None:
    """List what readers wrote, the newest first."""
    with open_current_desk() as (_, db):
        _label(db)
        messages = _candidates(db, search, _MOST_LISTED if kind or tone or only_open else limit)
        shown = [message for message in messages if _has_labels(message, kind, tone)]
        if only_open:
            shown = [message for message in shown if _is_open(db, message)]
    shown = shown[:limit]
    if as_json:
        echo_json([message_json(message) for message in shown])
        return
    print_messages(shown)


def _candidates(db: Database, search: str, limit: int) -> list[FeedbackMessage]:
    """The newest messages, or those with all these words."""
    words = search.split()
    return db.feedback.search(words, _MOST_LISTED) if words else db.feedback.latest(limit)


def _has_labels(message: FeedbackMessage, kind: str | None, tone: str | None) -> bool:
    """Whether a message is of a kind and a tone; None stands for any."""
    return kind in (None, message.kind) and tone in (None, message.tone)


def _is_open(db: Database, message: FeedbackMessage) -> bool:
    """Whether a message asks something that neither you nor another author has answered."""
    from copydesk.agent.desk.feedback import BY_AUTHOR

    if message.kind != "question" or message.answered:
        return False
    return not any(reply.flags & BY_AUTHOR for reply in db.feedback.answers_to(message))


@feedback.command(epilog=examples("copydesk feedback show 42", "copydesk feedback show 42 --json"))
@click.argument("identity", metavar="ID", type=int)
@json_option
def show(identity: int, as_json: bool) -> None:
    """Show a message, why it counts as what it does, and its answers."""
    with open_current_desk() as (repo, db):
        _label(db)
        message = _message(db, identity)
        answers = db.feedback.answers_to(message)
        mentions = _code_named(repo, db, message.text)
    if as_json:
        echo_json(
            {
                **message_json(message),
                "answers": [message_json(answer) for answer in answers],
                "code": [mention_json(mention) for mention in mentions],
            }
        )
        return
    echo(f"Message {message.id}, {message.kind}, {message.tone or 'tone not known'}")
    echo(
        f"{clean(message.thread_title or message.source, keep='')}, {iso_time(message.created_at)}"
    )
    if message.url:
        echo(clean(message.url, keep=""))
    echo(f"A {message.kind}, since {clean(message.kind_reason, keep='')}.")
    if message.tone:
        echo(f"The words are {message.tone} with probability {message.tone_probability:.2f}.")
    for mention in mentions:
        places = ", ".join(map(place_text, mention.places))
        ambiguous = ", one of these" if mention.is_ambiguous else ""
        echo(f'It names "{one_line(mention.words, 60)}" ({mention.kind}{ambiguous}): {places}')
    echo("")
    print_text(message.text)
    for emoji, count, _ in message.reactions:
        echo(f"{clean(emoji, keep='')} {count}")
    for answer in answers:
        echo("")
        echo(f"Answer {answer.id}: {one_line(' '.join(answer.text.split()), 200)}")


@feedback.command(
    epilog=examples("copydesk feedback topics", "copydesk feedback topics --json --limit 3")
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="List at most N."
)
@json_option
def topics(limit: int, as_json: bool) -> None:
    """List what readers wait for most, and why.

    A topic is a tag of yours (`copydesk feedback tag`), or messages that are alike. Its priority
    is reach x (1 + need) x (1 + open / 2) x fatigue: how many people, how recently; how many of
    them ask or are displeased; whether a question is open; how often you wrote about it lately.
    """
    from copydesk.agent import config
    from copydesk.agent.community.priority import constants_of
    from copydesk.agent.community.topics import rank_topics

    with open_current_desk() as (repo, db):
        _label(db)
        constants = constants_of(config.load(repo).project)
        ranked = rank_topics(db, time.time(), constants)[:limit]
    if as_json:
        echo_json([topic_json(topic) for topic in ranked])
        return
    if not ranked:
        echo("No topics yet; `copydesk feedback import FILE` brings messages in.")
        return
    for place, topic in enumerate(ranked, 1):
        print_topic(place, topic)


@feedback.command(
    epilog=examples(
        "copydesk feedback tag saves 'save file' autosave",
        "copydesk feedback tag saves --remove autosave",
        "copydesk feedback tag",
    )
)
@click.argument("name", required=False, default="")
@click.argument("keywords", nargs=-1)
@click.option("--remove", is_flag=True, help="Take the keywords, or the whole tag, away.")
@json_option
def tag(name: str, keywords: tuple[str, ...], remove: bool, as_json: bool) -> None:
    """Name a topic by words that messages on it hold; without a NAME, list the tags.

    To merge two groups that `topics` shows as alike, give both the same tag; to split one, give
    a part of it a tag of its own.
    """
    from copydesk.agent.community.topics import load_tags, save_tags

    with open_current_desk(create=bool(name)) as (_, db):
        tags = load_tags(db)
        if name:
            tags = _changed_tags(tags, name, keywords, remove)
            save_tags(db, tags)
    if as_json:
        echo_json(tags)
        return
    if not tags:
        echo("No tags; `copydesk feedback tag NAME KEYWORD...` makes one.")
    for one, words in sorted(tags.items()):
        echo(f"{clean(one, keep='')}: {clean(', '.join(words), keep='')}")


def _changed_tags(
    tags: dict[str, tuple[str, ...]], name: str, keywords: tuple[str, ...], remove: bool
) -> dict[str, tuple[str, ...]]:
    """The tags with keywords added to one, or taken from it.

    Raises:
        CopydeskError: There is nothing to add or to take away.
    """
    stored = set(tags.get(name, ()))
    searchable = {word.strip() for word in keywords if any(map(str.isalnum, word))}
    if remove:
        if name not in tags:
            raise CopydeskError(
                f"there is no tag {name!r}",
                slug="no-tag",
                hint="`copydesk feedback tag` lists them.",
            )
        left_over = stored - searchable if keywords else set()
    else:
        if not searchable:
            raise CopydeskError(
                f"the tag {name!r} needs words to find its messages by",
                slug="no-tag",
                hint=f"Give some: `copydesk feedback tag {name} WORD...`.",
            )
        left_over = stored | searchable
    others = {one: words for one, words in tags.items() if one != name}
    return others | ({name: tuple(sorted(left_over))} if left_over else {})


@feedback.command(
    epilog=examples("copydesk feedback answered 42", "copydesk feedback answered 42 --undo")
)
@click.argument("identities", metavar="ID...", type=int, nargs=-1, required=True)
@click.option("--undo", is_flag=True, help="They are open again.")
def answered(identities: tuple[int, ...], undo: bool) -> None:
    """Say that you have answered questions elsewhere."""
    with open_current_desk(create=True) as (_, db):
        messages = [_message(db, identity) for identity in identities]
        for message in messages:
            db.feedback.set_answered(message.id, not undo)
    state = "open again" if undo else "answered"
    echo(f"{plural(len(messages), 'message')} {state}.")


@feedback.command(epilog=examples("copydesk feedback me mira", "copydesk feedback me"))
@click.argument("names", nargs=-1)
@json_option
def me(names: tuple[str, ...], as_json: bool) -> None:
    """Say which names, logins or ids are yours; without a NAME, list them.

    What you wrote is no feedback, and a question that you have replied to is answered. Names
    that Discord shows are recognised from the next import on.
    """
    from copydesk.agent.community.import_files import add_own_names, own_names

    with open_current_desk(create=bool(names)) as (_, db):
        if names:
            add_own_names(db, names)
        listed = sorted(own_names(db))
    if as_json:
        echo_json(listed)
    elif listed:
        echo(f"You are: {clean(', '.join(listed), keep='')}")
    else:
        echo("None yet; `copydesk feedback me NAME` adds one.")


@feedback.command(
    epilog=examples("copydesk feedback forget ana_k", "copydesk feedback forget --source github bo")
)
@click.argument("author")
@click.option(
    "--source",
    type=click.Choice(("discord", "github", "wordpress", "disqus", "csv")),
    help="Where they wrote; without it, everywhere.",
)
def forget(author: str, source: str | None) -> None:
    """Erase all that a person wrote, and refuse it in later imports.

    AUTHOR is the id or login as the export has it, or a name that was kept with --names.
    """
    from copydesk.agent.community.import_files import forget_author

    with open_current_desk(create=True) as (_, db):
        erased = forget_author(db, author, source)
    echo(f"{plural(erased, 'message')} erased; later imports leave this person out.")


@feedback.command(epilog=examples("copydesk feedback label", "copydesk feedback label --limit 30"))
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Ask about N."
)
def label(limit: int) -> None:
    """Correct the tone of messages, one key each, to teach copydesk how your readers write.

    n negative, o neutral, p positive, s skip, u undo, q stop. From 100 labels on the weights are
    fitted anew, and used only if they judge labels better that they have not seen.
    """
    from copydesk.agent.cli.feedback_label import label_interactively

    with open_current_desk(create=True) as (_, db):
        _label(db)
        label_interactively(db, limit)


def _label(db: Database) -> None:
    """Work out tones and kinds that are not known yet."""
    from copydesk.agent.community.label_messages import label_messages

    with screen.spinner("reading messages") as update:
        label_messages(db, update)


def _message(db: Database, identity: int) -> FeedbackMessage:
    message = db.feedback.message(identity)
    if message is None:
        raise CopydeskError(
            f"there is no message {identity}",
            slug="no-message",
            hint="`copydesk feedback list` shows the ids.",
        )
    return message


feedback.add_command(inbox)
feedback.add_command(pull)
feedback.add_command(offers)
