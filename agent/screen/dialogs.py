"""The small windows that ask: for a reason, for a yes, for which drafts; and the help."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

REASONS = (
    "asserts the wrong value",
    "tests nothing that matters",
    "hard to read",
    "a test for that is there already",
    "not in the style of this project",
    "the code will change",
)
"""Reasons to pick from; any other can be typed."""


class Choice(NamedTuple):
    """Something to choose: its name, and what is shown of it."""

    name: str
    words: str


class _Dialog(ModalScreen[str | None]):
    """A window that gives back what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel")]


class ChoiceDialog(_Dialog):
    """Asks to choose one of several, or to type something else where that is allowed.

    Args:
        title: What is asked.
        choices: What there is to choose.
        typed: What the line to type in says while it is empty; none is there when "".
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(number), f"pick({number - 1})", show=False) for number in range(1, 10)
    ]

    def __init__(self, title: str, choices: Sequence[Choice], *, typed: str = "") -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._typed = typed

    def compose(self) -> ComposeResult:
        """The title, the choices and the line to type in."""
        with Vertical(classes="dialog"):
            yield Label(self._title, markup=False, classes="title")
            yield OptionList(
                *(
                    Option(f"{number} {choice.words}", id=choice.name)
                    for number, choice in enumerate(self._choices, 1)
                ),
                markup=False,
                compact=True,
            )
            if self._typed:
                yield Input(placeholder=self._typed, compact=True)

    def action_pick(self, number: int) -> None:
        """Choose by number."""
        if number < len(self._choices):
            self.dismiss(self._choices[number].name)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose by Enter or a click."""
        self.dismiss(event.option_id)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed, where that is anything."""
        if event.value.strip():
            self.dismiss(event.value.strip())


class TextDialog(_Dialog):
    """Asks for a line of text.

    Args:
        title: What is asked.
        placeholder: What stands there while nothing is typed.
        needed: Whether an empty line is no answer.
    """

    def __init__(self, title: str, placeholder: str, *, needed: bool = True) -> None:
        super().__init__()
        self._title = title
        self._placeholder = placeholder
        self._needed = needed

    def compose(self) -> ComposeResult:
        """The title and the line."""
        with Vertical(classes="dialog"):
            yield Label(self._title, markup=False, classes="title")
            yield Input(placeholder=self._placeholder, compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed."""
        if event.value.strip() or not self._needed:
            self.dismiss(event.value.strip())


class HelpDialog(_Dialog):
    """Lists the keys.

    Args:
        keys: Each key with what it does.
        notes: Lines to stand below them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "dismiss(None)", show=False)
    ]

    def __init__(self, keys: Iterable[tuple[str, str]], notes: Iterable[str]) -> None:
        super().__init__()
        self._keys = list(keys)
        self._notes = list(notes)

    def compose(self) -> ComposeResult:
        """A line a key."""
        width = max(len(key) for key, _ in self._keys)
        lines = [f"{key:{width}}  {words}" for key, words in self._keys]
        with VerticalScroll(classes="dialog help"):
            yield Label("Keys", classes="title")
            yield Label("\n".join([*lines, "", *self._notes]), markup=False)
