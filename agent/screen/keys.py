"""The keys of the screen, in one place: the bindings, the help and the docs are made of them."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """A key: what Textual calls it, what it is called on the screen, the action, a short name for
    the line of keys ("" to leave it out there), and what it does in a sentence.
    """

    key: str
    shown: str
    action: str
    short: str
    words: str


# fmt: off
KEYS = (
    Key("a", "a", "accept", "accept", "Accept: a test goes to its module, a story to the outbox."),
    Key("e", "e", "edit", "edit", "Edit in $EDITOR; it is checked again in the background."),
    Key("r", "r", "reject", "reject", "Reject: pick a reason by its number, or type one."),
    Key("u", "u", "undo", "undo", "Undo the last decision, or the one on a decided draft."),
    Key("s", "s", "skip", "", "Skip: leave it and go to the next one."),
    Key("space", "Space", "mark", "mark", "Mark it, and go to the next one."),
    Key("A", "A", "accept_many", "many", "Accept all marked, or all verified; undone as one."),
    Key("n", "n", "note", "", "Answer what a story asks, or note why, for the story."),
    Key("x", "x", "choose", "", "Take or drop a part of a story: examples, facts, questions."),
    Key("o", "o", "open_file", "", "Open the source file in $EDITOR at the line."),
    Key("c", "c", "copy", "", "Copy the draft to the clipboard."),
    Key("slash", "/", "filter", "filter", "Filter: words, kind: file: author: verdict: :decided."),
    Key("g", "g", "group", "", "Group by commit, by file, or not at all."),
    Key("v", "v", "view", "view", "The next pane: draft, evidence, source."),
    Key("t", "t", "theme", "", "Dark or light."),
    Key("tab", "Tab", "app.focus_next", "", "Go from the list to the panes and back."),
    Key("question_mark", "?", "help", "help", "This help."),
    Key("ctrl+z", "Ctrl-Z", "suspend_process", "", "Leave to the shell; fg comes back."),
    Key("q", "q", "leave", "quit", "Quit; what is being accepted is finished first."),
)
# fmt: on

MORE = (
    ("↑ ↓ j k", "Another draft; PgUp, PgDn, Home and End go further. In a pane: scroll."),
    ("Enter", "Read the draft where there is room for one pane only."),
    ("Esc", "Back: closes the filter, then the draft."),
    ("Ctrl-P", "All commands by name."),
    (
        "mouse",
        "Click to choose, twice to read; wheels scroll; keys can be clicked.",
    ),
)
"""What is not bound here: keys of lists and panes, and the mouse."""


def bindings() -> list[Binding]:
    """The keys as Textual takes them."""
    return [
        Binding(one.key, one.action, one.short or one.words, show=bool(one.short),
                key_display=one.shown, tooltip=one.words)
        for one in KEYS
    ]  # fmt: skip


def help_lines() -> list[tuple[str, str]]:
    """Each key with what it does."""
    return [(one.shown, one.words) for one in KEYS] + list(MORE)


def keys_table() -> str:
    """The keys as a Markdown table, for the docs."""
    rows = [f"| {key} | {words} |" for key, words in help_lines()]
    return "\n".join(["| key | what it does |", "| --- | --- |", *rows])
