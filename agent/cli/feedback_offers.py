"""`copydesk feedback offers`: what readers said, for the next story."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import head_sha, open_current_desk
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import clean

if TYPE_CHECKING:
    from copydesk.agent.community.offers import Change, Offer
    from copydesk.agent.desk.database import Database
    from copydesk.agent.git.repository import Repository

_MOST_COMMITS = 200


@click.command(
    epilog=examples(
        "copydesk feedback offers",
        "copydesk feedback offers --since v1.2 --json",
        "copydesk feedback offers --drop poll-3fa9c1",
    )
)
@click.option("--since", metavar="REVISION", help="What commits after it answer is offered too.")
@click.option("--take", "taken", metavar="KEY", multiple=True, help="Remember that you used it.")
@click.option("--drop", "dropped", metavar="KEY", multiple=True, help="Do not offer it again.")
@click.option("--all", "everything", is_flag=True, help="List what was taken or dropped as well.")
@json_option
def offers(
    since: str | None,
    taken: tuple[str, ...],
    dropped: tuple[str, ...],
    everything: bool,
    as_json: bool,
) -> None:
    """List what the next story could take up of what readers said.

    Topics that people wait for, a first sentence, one question, a poll, what you did that was asked
    for, and answers that you owe. Each comes with the messages behind it and with facts; nobody is
    named. What you take or drop is remembered, and a story that grows is told again at once, unless
    you have edited it.
    """
    from copydesk.agent.community.offers import undecided

    with open_current_desk() as (repo, db), screen.spinner("reading messages") as update:
        from copydesk.agent.community.label_messages import label_messages

        label_messages(db, update)
        all_offers = _offers(repo, db, since)
        for keys, decision in ((taken, "taken"), (dropped, "dropped")):
            for key in keys:
                offer = _by_key(all_offers, key)
                db.feedback_state.decide(offer.kind, offer.about, decision, offer.text, time.time())
        told_again = _tell_again(repo, db) if taken or dropped else None
        decisions = db.feedback_state.decisions()
        shown = all_offers if everything else undecided(all_offers, decisions)
    if as_json:
        echo_json(
            [
                {
                    **offer._asdict(),
                    "key": offer.key,
                    "decision": decisions.get((offer.kind, offer.about)),
                    "facts": [
                        {"kind": kind, "text": text, "values": dict(values)}
                        for kind, text, values in offer.facts
                    ],
                }
                for offer in shown
            ]
        )
        return
    if told_again is not None:
        echo(f"{told_again}: the story is told again.")
    if not shown:
        echo("Nothing to offer; `copydesk feedback import FILE` brings messages in.")
    for offer in shown:
        _print(offer, decisions.get((offer.kind, offer.about), ""))


def _tell_again(repo: Repository, db: Database) -> int | None:
    from copydesk.agent import config
    from copydesk.agent.review.reader_offers import tell_without

    return tell_without(repo, db, config.load(repo).project, time.time())


def _offers(repo: Repository, db: Database, since: str | None) -> list[Offer]:
    from copydesk.agent import config
    from copydesk.agent.community.offers import offers as make_offers
    from copydesk.agent.community.priority import constants_of
    from copydesk.agent.community.topics import open_questions, rank_topics
    from copydesk.agent.git.commit import Commit
    from copydesk.agent.scoring.reader_needs import code_index

    now = time.time()
    topics = rank_topics(db, now, constants_of(config.load(repo).project))
    changes = _changes(repo, since) if since else []
    sha = head_sha(repo) if changes else None
    mentions = code_index(db, Commit(repo, sha)).mentions if sha else lambda text: []
    return make_offers(topics, open_questions(db), changes, mentions)


def _changes(repo: Repository, since: str) -> list[Change]:
    """The commits after a revision, the newest first, with what each changed."""
    from copydesk.agent.community.changes import changes_of
    from copydesk.agent.git.repository import between

    return changes_of(repo, between(repo, f"{since}..HEAD")[:_MOST_COMMITS])


def _by_key(made: list[Offer], key: str) -> Offer:
    for offer in made:
        if offer.key == key:
            return offer
    raise CopydeskError(
        f"there is no offer {key!r}",
        slug="no-offer",
        hint="`copydesk feedback offers --all` lists them with their keys.",
    )


def _print(offer: Offer, decision: str) -> None:
    state = f" ({decision})" if decision else ""
    echo(f"{offer.key}{state}: {clean(offer.text, keep='')}")
    for option in offer.options:
        echo(f"   - {clean(option, keep='')}")
    listed = ", ".join(map(str, offer.messages[:8]))
    echo(f"   messages {listed}" + (" and more" if len(offer.messages) > 8 else ""))
