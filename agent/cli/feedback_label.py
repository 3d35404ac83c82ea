"""Ask for the tone of messages, one key each."""

from __future__ import annotations

import sys

import click

from copydesk.agent.cli.output import echo
from copydesk.agent.community.label_messages import (
    load_labels,
    refit_from_labels,
    save_labels,
    texts_to_label,
)
from copydesk.agent.community.tone import LEAST_LABELS, Refit
from copydesk.agent.desk.database import Database
from copydesk.agent.text import clean, plural

_KEYS = {"n": "negative", "o": "neutral", "p": "positive"}
_HELP = "n negative, o neutral, p positive, s skip, u undo, q stop"


def label_interactively(db: Database, limit: int) -> None:
    """Ask about messages until `limit` were shown or the user stops; what was said is stored.

    Args:
        db: The open desk.
        limit: At most so many messages.
    """
    labels = load_labels(db)
    messages = texts_to_label(db, labels, limit)
    if not messages:
        echo("No messages to label; `copydesk feedback import FILE` brings some in.")
        return
    echo(_HELP)
    place = 0
    while place < len(messages):
        identity, text, tone = messages[place]
        echo("")
        echo(f"({place + 1} of {len(messages)}, told as {tone or 'unknown'})")
        echo(clean(text[:1000]))
        key = _ask()
        if key == "q":
            break
        if key == "u":
            place = max(0, place - 1)
            labels.pop(str(messages[place][0]), None)
        else:
            if key in _KEYS:
                labels[str(identity)] = _KEYS[key]
            place += 1
        save_labels(db, labels)
    echo("")
    _print_result(refit_from_labels(db, labels))


def _ask() -> str:
    """One of the keys; what is none of them is asked again, and the end of the input stops."""
    while True:
        key = _read_key()
        if key in {*_KEYS, "s", "u", "q"}:
            return key
        echo(_HELP)


def _read_key() -> str:
    """The key that was pressed, without Enter where there is a terminal; Enter alone skips."""
    try:
        if not sys.stdin.isatty():
            line = click.prompt("tone", prompt_suffix="? ", show_default=False, default="s")
            return str(line)[:1].lower()
        click.echo("tone? ", nl=False)
        key = click.getchar()
    except (click.Abort, KeyboardInterrupt, EOFError):
        return "q"
    click.echo(key if key.isprintable() else "")
    return "s" if key in "\r\n" else key[:1].lower()


def _print_result(refit: Refit | None) -> None:
    if refit is None:
        return
    if refit.labels < LEAST_LABELS:
        missing = LEAST_LABELS - refit.labels
        echo(f"{plural(refit.labels, 'label')} stored; the weights are fitted from {missing} more.")
        return
    figures = (
        f"macro-F1 {refit.fitted:.3f} with your {refit.labels} labels,"
        f" {refit.shipped:.3f} with the shipped weights, on labels not seen"
    )
    in_force = "your weights are in force" if refit.better else "the shipped weights stay"
    echo(f"{figures}: {in_force}.")
