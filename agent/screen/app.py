"""The full-screen desk: a list of what waits, what each draft is, and a key for each decision."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Footer, Input, Static

from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Sha
from copydesk.agent.screen.deciding import Deciding
from copydesk.agent.screen.desk_thread import Answer, DeskThread
from copydesk.agent.screen.detail import Detail, Look
from copydesk.agent.screen.dialogs import HelpDialog
from copydesk.agent.screen.entries import (
    GROUPINGS,
    Entry,
    Grouping,
    counted,
    grouped,
    in_stable_order,
    load_entries,
)
from copydesk.agent.screen.entry_list import EntryList
from copydesk.agent.screen.filters import FIELDS, Filter, parse_filter
from copydesk.agent.screen.glyphs import ASCII, UNICODE, Glyphs
from copydesk.agent.screen.keys import bindings, help_lines
from copydesk.agent.screen.pane import Pane
from copydesk.agent.text import clean, one_line, plural

if TYPE_CHECKING:  # the list is painted before the rest of copydesk is imported
    from copydesk.agent.desk.database import Database
    from copydesk.agent.git.repository import Repository
    from copydesk.agent.review.together import Outcome
    from copydesk.agent.screen.details import Details

POLL_SECONDS = 0.5
REST_SECONDS = 0.04
"""How long the cursor rests on an entry before its detail is made: who runs through the list is not
held up by what is passed."""

MODEL_EVERY = 60
"""Polls between two looks for a model."""

VIEWS = ("draft", "evidence", "source")


class Looked(Message):
    """What a thread answered."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class DeskApp(Deciding):
    """The screen of one desk.

    Args:
        repo: The repository.
        text: The filter to begin with.
        glyphs: The signs that the terminal can show.
        dark: Whether to begin dark.
    """

    CSS_PATH = Path(__file__).with_name("layout.tcss")
    TITLE = "copydesk"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(),
        Binding("escape", "close", show=False, priority=True),
    ]

    def __init__(
        self, repo: Repository, *, text: str = "", glyphs: Glyphs = UNICODE, dark: bool = True
    ) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (150, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]
        self.repo = repo
        self.glyphs = glyphs
        self.theme = "textual-dark" if dark else "textual-light"
        self._text = text
        self._filter: Filter = parse_filter(text)
        self._grouping: Grouping = "commit"
        self._entries: list[Entry] = []
        self._subjects: dict[Sha, str] = {}
        self._details: Details | None = None
        self._shown: dict[tuple[Entry, bool], Detail] = {}
        self._version: tuple[int, bool] | None = None
        self._polls = 0
        self._model = ""
        self._daemon = ""
        self._message = ""
        self.looking = DeskThread(repo.desk, "looking", self._deliver)
        self.reading = DeskThread(repo.desk, "reading", self._deliver)
        self.quick = DeskThread(repo.desk, "deciding", self._deliver)
        self.slow = DeskThread(repo.desk, "carrying out", self._deliver)

    # -- what is on the screen

    def compose(self) -> ComposeResult:
        """The line at the top, the list, the panes, the status and the keys."""
        yield Static(id="top", markup=False)
        yield Input(value=self._text, placeholder=_FILTER_HINT, id="filter")
        with Horizontal(id="body"):
            yield EntryList(self.glyphs)
            with Vertical(id="right"):
                yield Pane("draft", id="draft", wrap=False)
                yield Pane("evidence", id="evidence", wrap=True)
                yield Pane("source", id="source", wrap=False)
        yield Static(id="status", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to look at the desk."""
        self.screen.set_class(self.glyphs is ASCII, "ascii")
        self.screen.add_class("view-draft")
        if self._text:
            self.screen.add_class("filtering")
        self.desk_list.focus()
        for thread in (self.looking, self.reading, self.quick, self.slow):
            thread.start()
        self.look()
        self.set_interval(POLL_SECONDS, self.look)

    @property
    def desk_list(self) -> EntryList:
        """The list."""
        return self.query_one(EntryList)

    @property
    def chosen(self) -> Entry | None:
        """The entry that is chosen."""
        return self.desk_list.chosen

    def say(self, words: str) -> None:
        """Show a line in the status, until the next one."""
        self._message = one_line(words, 400)
        self._show_status()

    def say_error(self, error: Exception) -> None:
        """Show what went wrong; the screen goes on."""
        self.say(f"{error}" if isinstance(error, CopydeskError) else f"copydesk failed: {error!r}")
        self.bell()

    def _show_status(self) -> None:
        parts = [self._message, self._daemon, self._model]
        text = "  ·  ".join(filter(None, parts))
        self.query_one("#status", Static).update(
            text, layout=False
        )  # one line high whatever it says

    def _show_top(self) -> None:
        listed = self.desk_list.entries
        words = [f"copydesk  {clean(self.repo.worktree.name, keep='')}", counted(listed)]
        if len(listed) != len(self._entries):
            words.append(f"of {len(self._entries)}")
        if self.desk_list.marked:
            words.append(f"{len(self.desk_list.marked)} marked")
        words.append(f"by {self._grouping}" if self._grouping != "none" else "by value")
        self.query_one("#top", Static).update("  ·  ".join(words), layout=False)

    def show_entries(self, keep: int | None = None) -> None:
        """Show the entries anew, as they are filtered, grouped and under way."""
        self.desk_list.marked &= {entry.id for entry in self._entries}
        entries = [self.as_under_way(entry) for entry in self._filter.choose(self._entries)]
        self.desk_list.show(grouped(entries, self._grouping, self._subjects), keep=keep)
        self._show_top()

    # -- looking at the desk, in threads

    def _deliver(self, answer: Answer) -> None:
        self.post_message(Looked(answer))

    def on_looked(self, message: Looked) -> None:
        """Take what a thread answered."""
        message.answer.call(message.answer.value)

    def ask(self, thread: DeskThread, work: Callable[[Database], Any], **more: Any) -> None:
        """Have a thread do something; `then` is told what came of it, errors are shown."""
        failed = more.pop("failed", self.say_error)
        thread.do(work, more.pop("then", _nothing), failed, **more)

    def look(self) -> None:
        """Look whether the desk has changed, and what the daemon does."""
        self._polls += 1
        want_model = self._polls % MODEL_EVERY == 2
        decided, version = self._filter.decided, self._version

        def work(db: Database) -> tuple[Any, ...]:
            now = (db.version, decided)
            entries = load_entries(db, decided=decided) if now != version else None
            subjects = _subjects(self.repo, entries, self._subjects) if entries else {}
            waiting = db.decision_queue.count_waiting()
            daemon, model = "", None
            if version is not None:  # else the list comes first
                from copydesk.agent.screen.status_words import daemon_words, model_words

                daemon = daemon_words(self.repo, db)
                model = model_words(self.repo, db) if want_model else None
            return now, entries, subjects, daemon, waiting, model

        self.ask(self.looking, work, then=self._looked, topic="look")

    def _looked(self, answer: tuple[Any, ...]) -> None:
        version, entries, subjects, daemon, waiting, model = answer
        if model is not None:
            self._model = model
        if daemon != self._daemon or model is not None:
            self._daemon = daemon
            self._show_status()
        if waiting and self.slow.is_idle:
            self.carry_out()  # somebody else was stopped before
        if entries is None or version[1] != self._filter.decided:
            return
        self._version = version
        self._entries = in_stable_order(self._entries, entries)
        self._subjects.update(subjects)
        self.settle(entries)
        self._shown.clear()
        former = self.chosen
        self.show_entries(self.take_wanted())
        if self.chosen == former:  # else it is shown because it was chosen
            self._show_detail(former)

    def on_entry_list_chosen(self, event: EntryList.Chosen) -> None:
        """Show the entry that was chosen."""
        self._show_detail(event.entry)

    def _show_detail(self, entry: Entry | None) -> None:
        self.is_waiting = False
        if entry is None:
            self._paint(Detail(0, ("draft", "evidence", "source"), [], [], []))
            return
        dark = self.current_theme.dark
        detail = self._shown.get((entry, dark))
        if detail is not None:
            self._paint(detail)
            self._read_ahead()
            return
        self.is_waiting = True
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST_SECONDS, lambda: self._read(entry, dark))

    def _read(self, entry: Entry, dark: bool) -> None:
        """Make the detail of an entry on which the cursor has come to rest."""
        self.is_waiting = False
        look = Look(self.glyphs, dark)
        self.ask(
            self.reading,
            lambda db: self._make_detail(db, entry, look),
            then=lambda made: self._took(entry, dark, made, show=True),
            topic="detail",
        )

    def _make_detail(self, db: Database, entry: Entry, look: Look) -> Detail:
        """Make the detail of an entry; in the thread that reads."""
        if self._details is None:
            from copydesk.agent.screen.details import Details

            self._details = Details(self.repo)
        return self._details.of(db, entry, look)

    def _took(self, entry: Entry, dark: bool, detail: Detail, *, show: bool) -> None:
        if len(self._shown) > 200:
            self._shown.clear()
        self._shown[entry, dark] = detail
        if show and self.chosen == entry:
            self._paint(detail)
            self._read_ahead()

    def _read_ahead(self) -> None:
        """Make the details of the next entry before they are asked for."""
        entry, dark = self.desk_list.next_entry, self.current_theme.dark
        if entry is None or (entry, dark) in self._shown:
            return
        look = Look(self.glyphs, dark)
        self.ask(
            self.reading,
            lambda db: self._make_detail(db, entry, look),
            then=lambda made: self._took(entry, dark, made, show=False),
            failed=_nothing,
            topic="ahead",
        )

    def _paint(self, detail: Detail) -> None:
        stays = detail.id == self._painted
        self._painted = detail.id
        shown = (detail.draft, detail.evidence, detail.source)
        for name, title, lines in zip(VIEWS, detail.titles, shown, strict=True):
            pane = self.query_one(f"#{name}", Pane)
            pane.border_title = title.replace("[", "\\[")
            pane.show(lines, stays=stays)

    def carry_out(self) -> None:
        """Carry out what was asked for, batch after batch."""
        outcomes: list[tuple[str, Outcome]] = []

        def work(db: Database) -> bool:
            from copydesk.agent.review.carry_out import carry_out_next

            return carry_out_next(self.repo, db, lambda *done: outcomes.append(done))

        def then(more: bool) -> None:
            for action, outcome in outcomes:
                self.say_outcome(action, outcome)
            if more:
                self.carry_out()
                self.look()

        self.ask(self.slow, work, then=then)

    # -- keys that decide nothing

    def action_filter(self) -> None:
        """Type a filter."""
        self.screen.add_class("filtering")
        self.query_one("#filter", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        if event.input.id != "filter":
            return
        former = self._filter.decided
        self._filter = parse_filter(event.value)
        if self._filter.decided != former:
            self.look()
        else:
            self.show_entries()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the list."""
        if event.input.id == "filter":
            self.screen.set_class(bool(event.value), "filtering")
            self.desk_list.focus()

    def action_close(self) -> None:
        """Close a dialog, else the filter, else the draft that is read."""
        if len(self.screen_stack) > 1:
            self.screen.dismiss(None)
        elif self.screen.has_class("filtering"):
            self.query_one("#filter", Input).value = ""
            self.screen.remove_class("filtering")
        else:
            self.screen.remove_class("reading")
        self.desk_list.focus()

    def on_entry_list_opened(self) -> None:
        """Read the chosen draft."""
        self.screen.add_class("reading")
        self.query_one(f"#{self._view}", Pane).focus()

    @property
    def _view(self) -> str:
        return next(view for view in VIEWS if self.screen.has_class(f"view-{view}"))

    def action_view(self) -> None:
        """Show the next pane where not all of them have room."""
        former = self._view
        views = VIEWS if self.screen.has_class("-narrow") else ("draft", "source")
        later = views[views.index(former) + 1 :] if former in views else ()
        view = (*later, *views)[0]
        self.screen.remove_class(f"view-{former}")
        self.screen.add_class(f"view-{view}")
        if self.screen.has_class("reading"):
            self.query_one(f"#{view}", Pane).focus()

    def action_group(self) -> None:
        """Group by commit, by file, or not at all."""
        number = (GROUPINGS.index(self._grouping) + 1) % len(GROUPINGS)
        self._grouping = GROUPINGS[number]
        self.show_entries()

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"
        self._show_detail(self.chosen)

    def action_help(self) -> None:
        """Show the keys."""
        fields = ", ".join(f"{field}:" for field in FIELDS)
        self.push_screen(HelpDialog(help_lines(), [f"A filter knows {fields} and :decided."]))

    def action_suspend_process(self) -> None:
        """Leave to the shell, where there is one to go back to."""
        if os.environ.get("TERM"):
            super().action_suspend_process()

    def action_copy(self) -> None:
        """Copy the chosen draft."""
        entry = self.chosen
        if entry is not None:
            self.ask(self.reading, lambda db: db.drafts.get(entry.id).content, then=self._copy)

    def _copy(self, text: str) -> None:
        self.copy_to_clipboard(text)
        self.say(f"{plural(text.count(chr(10)), 'line')} copied")

    def action_leave(self) -> None:
        """Quit once what is being carried out is done."""
        if not self.quick.is_idle or not self.slow.is_idle:
            self.say("finishing what is being accepted; q again leaves it to the next screen")
            if not self._leaving:
                self._leaving = True
                self.set_interval(0.1, self._leave_when_idle)
                return
        self.exit()

    _leaving = False
    _painted = 0
    _rest: Timer | None = None
    is_waiting = False
    """Whether the cursor has not rested long enough yet."""

    def _leave_when_idle(self) -> None:
        if self.quick.is_idle and self.slow.is_idle:
            self.exit()

    def stop(self) -> None:
        """End the threads: what they have begun is finished, or settled by the next screen."""
        for thread in (self.looking, self.reading, self.quick):
            thread.stop(5)
        self.slow.stop(0.1)


_FILTER_HINT = "words, kind:test file:… author:… verdict:failed :decided"


def _nothing(_: object) -> None:
    pass


def _subjects(repo: Repository, entries: list[Entry], known: dict[Sha, str]) -> dict[Sha, str]:
    """The first lines of the messages of commits that are not known yet."""
    from copydesk.agent.git.repository import commit_info

    subjects = {}
    for sha in {entry.commit for entry in entries} - known.keys():
        try:
            subjects[sha] = one_line(commit_info(repo, sha).subject, 60)
        except CopydeskError:  # a commit that is gone
            subjects[sha] = ""
    return subjects
