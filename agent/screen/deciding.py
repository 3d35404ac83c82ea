"""What the keys decide: asked for at once, carried out in threads, undone in reverse."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from textual.app import App, SuspendNotSupported

from copydesk.agent.desk.drafts import WAITING
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.screen.desk_thread import DeskThread
from copydesk.agent.screen.dialogs import REASONS, Choice, ChoiceDialog, TextDialog
from copydesk.agent.screen.editor import open_editor
from copydesk.agent.screen.entries import Entry
from copydesk.agent.screen.entry_list import EntryList
from copydesk.agent.text import plural

if TYPE_CHECKING:  # the list is painted before the rest of copydesk is imported
    from copydesk.agent.desk.database import Database
    from copydesk.agent.git.repository import Repository
    from copydesk.agent.records import Draft
    from copydesk.agent.review.together import Outcome

MUTANTS = (1, 3, 5)
"""How many mutants the drafts notice that can be accepted all at once."""


class Step(NamedTuple):
    """Something that was decided here, and can be undone as one."""

    action: Literal["accept", "reject", "edit", "skip"]
    drafts: tuple[int, ...]


class Deciding(App[None]):
    """The part of the screen that decides; `DeskApp` shows what there is to decide on."""

    repo: Repository
    quick: DeskThread
    slow: DeskThread

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._under_way: dict[int, str] = {}
        self._wanted: int | None = None

    # -- what DeskApp provides

    @property
    def desk_list(self) -> EntryList:
        """The list."""
        raise NotImplementedError

    def say(self, words: str) -> None:
        """Show a line in the status."""
        raise NotImplementedError

    def say_error(self, error: Exception) -> None:
        """Show what went wrong."""
        raise NotImplementedError

    def ask(self, thread: DeskThread, work: Callable[[Database], Any], **more: Any) -> None:
        """Have a thread do something."""
        raise NotImplementedError

    def look(self) -> None:
        """Look whether the desk has changed."""
        raise NotImplementedError

    def carry_out(self) -> None:
        """Carry out what was asked for."""
        raise NotImplementedError

    def show_entries(self, keep: int | None = None) -> None:
        """Show the entries anew."""
        raise NotImplementedError

    # -- what is under way

    def as_under_way(self, entry: Entry) -> Entry:
        """An entry with what was asked for here and does not stand on the desk yet."""
        words = self._under_way.get(entry.id)
        return replace(entry, under_way=words, error="") if words else entry

    def settle(self, entries: Sequence[Entry]) -> None:
        """Forget what was asked for of drafts that are listed no more, or whose turn it is."""
        listed = {entry.id: entry for entry in entries}
        for identity in list(self._under_way):
            entry = listed.get(identity)
            if entry is None or entry.under_way or entry.error:
                del self._under_way[identity]

    def take_wanted(self) -> int | None:
        """The entry that the cursor goes to when it is listed again."""
        wanted = self._wanted
        if wanted is not None and self.desk_list.choose(wanted):
            self._wanted = None
        return wanted

    def _begin(self, identities: Sequence[int], words: str) -> None:
        """Show that something is being done to drafts, and go on to the next one."""
        self._under_way |= dict.fromkeys(identities, words)
        chosen = self.desk_list.chosen
        self.show_entries()
        if chosen is not None and chosen.id in identities:
            self.desk_list.action_next_waiting()

    def _ended(self, identities: Sequence[int]) -> None:
        for identity in identities:
            self._under_way.pop(identity, None)
        self.show_entries()
        self.look()

    def _open_entry(self) -> Entry | None:
        """The chosen entry where it can be decided on; else why not is said."""
        entry = self.desk_list.chosen
        if entry is None:
            self.say("Nothing is chosen.")
        elif entry.under_way:
            self.say(f"Draft {entry.id}: {entry.under_way}; u takes that back.")
        elif entry.state not in WAITING:
            self.say(f"Draft {entry.id} is {entry.state}; u takes that back.")
        else:
            return entry
        return None

    # -- accepting

    def action_accept(self) -> None:
        """Accept the chosen draft; one that asks for a yes asks first."""
        entry = self._open_entry()
        if entry is None:
            return
        if entry.state != "asks":
            self.accept([entry.id])
            return
        title = f"{entry.summary}. Allow that, in this draft as it is?"
        choices = [Choice("yes", "yes: check it with that, and accept it"), Choice("", "no")]
        self.push_screen(
            ChoiceDialog(title, choices), lambda answer: self._allow(entry.id) if answer else None
        )

    def accept(self, identities: Sequence[int]) -> None:
        """Have drafts accepted, as one batch."""
        self.steps.append(Step("accept", tuple(identities)))
        self._begin(identities, "accepting")
        self._queue("accept", identities)

    def _queue(self, action: Literal["accept", "undo"], identities: Sequence[int]) -> None:
        self.ask(
            self.quick,
            lambda db: db.decision_queue.add(action, identities),
            then=lambda _: self._queued(),
            failed=lambda error: self._failed(identities, error),
        )

    def _queued(self) -> None:
        self.carry_out()
        self.look()

    def _failed(self, identities: Sequence[int], error: Exception) -> None:
        self.say_error(error)
        self._ended(identities)

    def _allow(self, identity: int) -> None:
        """Check a draft with the yes that it asks for, and accept it."""

        def work(db: Database) -> Draft:
            from copydesk.agent.review import decisions

            names = decisions.open_questions(decisions.waiting(db, identity))
            return decisions.say_yes(self.repo, db, identity, names)

        def then(draft: Draft) -> None:
            self._ended([identity])
            if draft.evidence.get("verdict") == "failed":
                self.say(f"Draft {identity} does not pass its check with that.")
            else:
                self.accept([identity])

        self.steps.append(Step("edit", (identity,)))
        self._begin([identity], "checking")
        self.ask(self.slow, work, then=then, failed=lambda error: self._failed([identity], error))

    def action_accept_many(self) -> None:
        """Accept all marked drafts, or all verified ones, as one."""
        sets = sets_to_accept(self.desk_list.entries, self.desk_list.marked)
        if not sets:
            self.say("Nothing is marked, and nothing listed is verified.")
            return
        choices = [Choice(name, _set_words(name, len(drafts))) for name, drafts in sets.items()]
        self.push_screen(
            ChoiceDialog("Accept which of those that are listed?", choices),
            lambda name: self._accept_set(sets[name]) if name else None,
        )

    def _accept_set(self, identities: Sequence[int]) -> None:
        self.desk_list.marked.clear()
        self.accept(identities)

    def action_mark(self) -> None:
        """Mark the chosen draft, or not any more, and go to the next one."""
        entry = self._open_entry()
        if entry is not None:
            self.desk_list.marked ^= {entry.id}
            self.desk_list.action_move(1)
            self.show_entries()

    # -- turning down, leaving

    def action_reject(self) -> None:
        """Reject the chosen draft, or all marked ones, for a reason."""
        entry = self._open_entry()
        if entry is None:
            return
        choices = [Choice(reason, reason) for reason in REASONS]
        self.push_screen(
            ChoiceDialog(f"Why reject draft {entry.id}?", choices, typed="or another reason"),
            lambda why: self._reject(entry.id, why) if why else None,
        )

    def _reject(self, identity: int, why: str) -> None:
        self.steps.append(Step("reject", (identity,)))
        self._begin([identity], "rejecting")

        def work(db: Database) -> Draft:
            from copydesk.agent.review import decisions

            return decisions.reject(self.repo, db, identity, why)

        def then(_: Draft) -> None:
            self.say(f"Draft {identity} is rejected: {why}")
            self._ended([identity])

        self.ask(
            self.quick,
            work,
            then=then,
            failed=lambda error: self._failed([identity], error),
        )

    def action_skip(self) -> None:
        """Leave the chosen draft and go to the next one."""
        entry = self.desk_list.chosen
        if entry is not None:
            self.steps.append(Step("skip", (entry.id,)))
            self.desk_list.action_move(1)

    # -- undoing

    def action_undo(self) -> None:
        """Undo the decision on the chosen draft where it is decided on, else the last step."""
        entry = self.desk_list.chosen
        if entry is not None and entry.state not in WAITING and not entry.under_way:
            action: Any = "reject" if entry.state == "rejected" else "accept"
            self._undo(Step(action, (entry.id,)))
        elif self.steps:
            self._undo(self.steps.pop())
        else:
            self.say("Nothing was decided here yet; the filter :decided lists what was before.")

    def _undo(self, step: Step) -> None:
        self._wanted = step.drafts[0]
        if step.action == "skip":
            self.take_wanted()
        elif step.action == "accept":
            self._under_way |= dict.fromkeys(step.drafts, "taking back")
            self.show_entries()
            self._queue("undo", step.drafts)
        else:
            self._take_back(step.drafts[0])

    def _take_back(self, identity: int) -> None:
        def work(db: Database) -> tuple[Draft, Any]:
            from copydesk.agent.review import edits

            return edits.take_back(self.repo, db, identity)

        def then(taken: tuple[Draft, Any]) -> None:
            _, kept = taken
            more = f"; your version is kept in {kept}" if kept else ""
            self.say(f"Draft {identity} waits again{more}.")
            self._ended([identity])

        self.ask(
            self.quick,
            work,
            then=then,
            failed=lambda error: self._failed([identity], error),
        )

    def say_outcome(self, action: str, outcome: Outcome) -> None:
        """Say what came of a batch that was carried out."""
        for identity in (*outcome.done, *outcome.failures):
            self._under_way.pop(identity, None)
        if outcome.done:
            from copydesk.agent.screen.outcome_words import accepted_words, undone_words

            words = accepted_words if action == "accept" else undone_words
            self.ask(
                self.quick,
                lambda db: words(self.repo, db, outcome),
                then=lambda text: self.say(text),
            )
        for identity, error in outcome.failures.items():
            self.say(f"Draft {identity}: {error}")
            self.bell()
        self.look()

    # -- stories

    def action_note(self) -> None:
        """Answer what the chosen story asks, or keep a note for the one that grows."""
        entry = self.desk_list.chosen
        if entry is None or entry.kind != "story":
            self.say("Notes are for stories; choose one.")
            return
        title = entry.question or "Why? A note for the story that grows."

        def take(text: str | None) -> None:
            def work(db: Database) -> str:
                from copydesk.agent.screen.story_choices import take_note

                return take_note(db, entry.id, str(text))

            if text:
                self.ask(self.quick, work, then=self.say)

        self.push_screen(TextDialog(title, "in your own words"), take)

    def action_choose(self) -> None:
        """Take or drop a part of the chosen story."""
        entry = self._open_entry()
        if entry is None:
            return

        def work(db: Database) -> list[Choice]:
            from copydesk.agent.screen.story_choices import story_choices

            return story_choices(db, entry.id)

        self.ask(self.quick, work, then=lambda choices: self._ask_part(entry.id, choices))

    def _ask_part(self, identity: int, choices: Sequence[Choice]) -> None:
        if not choices:
            self.say("There is nothing to take or to drop.")
            return
        self.push_screen(
            ChoiceDialog("Take or drop what?", choices),
            lambda name: self._choose_part(identity, name) if name else None,
        )

    def _choose_part(self, identity: int, name: str) -> None:
        def work(db: Database) -> Draft:
            from copydesk.agent.screen.story_choices import choose

            return choose(self.repo, db, identity, name)

        def then(draft: Draft) -> None:
            self.steps.append(Step("edit", (identity,)))
            self.say(f"Story {identity} is changed: {_verdict_of(draft)}.")
            self._ended([identity])

        self.ask(self.quick, work, then=then, failed=lambda error: self._failed([identity], error))

    # -- editing

    def action_edit(self) -> None:
        """Edit the chosen draft; it is checked again in the background."""
        entry = self._open_entry()
        if entry is None:
            return
        try:
            self._let_type(entry.id)
        except (CopydeskError, OSError) as error:
            self.say_error(error)
            return
        except SuspendNotSupported:
            self.say(f"This terminal cannot be left; `copydesk edit {entry.id}` does the same.")
            return
        self.check_edit(entry.id)

    def _let_type(self, identity: int) -> None:
        """Open the editor on the file of an edit, which stays there until it is on the desk."""
        from copydesk.agent.review import edits

        with (
            open_desk(self.repo.desk) as db,
            edits.editing(self.repo, db, identity) as edit,
            self.suspend(),
        ):
            open_editor(edit.path)

    def check_edit(self, identity: int) -> None:
        """Take what was typed to the desk, checked."""

        def work(db: Database) -> Draft | None:
            from copydesk.agent.review import edits

            with edits.editing(self.repo, db, identity) as edit:
                return edits.finish(self.repo, db, edit)

        def then(draft: Draft | None) -> None:
            if draft is None:
                self.say("Nothing was changed.")
            else:
                self.steps.append(Step("edit", (identity,)))
                self.say(f"Draft {identity} is as you typed it: {_verdict_of(draft)}.")
            self._ended([identity])

        self._wanted = identity
        self._under_way[identity] = "checking"
        self.show_entries()
        self.ask(self.slow, work, then=then, failed=lambda error: self._failed([identity], error))

    def action_open_file(self) -> None:
        """Open the source of the chosen test at its line."""
        entry = self.desk_list.chosen
        if entry is None or not entry.file:
            self.say("There is no file to open.")
            return
        try:
            with open_desk(self.repo.desk) as db:
                target = db.drafts.get(entry.id).target
            lines = target.lines if target else ()
            with self.suspend():
                open_editor(self.repo.worktree / entry.file, min(lines, default=1))
        except (CopydeskError, OSError) as error:
            self.say_error(error)
        except SuspendNotSupported:
            self.say("This terminal cannot be left.")


def sets_to_accept(entries: Sequence[Entry], marked: Collection[int]) -> dict[str, list[int]]:
    """The drafts that can be accepted at once, by name: "marked", and the least number of mutants
    that verified ones notice. Sets that hold nothing are left out.
    """
    waiting = [entry for entry in entries if entry.waits and entry.state != "asks"]
    sets = {"marked": [entry.id for entry in waiting if entry.id in marked]}
    for least in MUTANTS:
        sets[str(least)] = [entry.id for entry in waiting if _notices(entry, least)]
    return {name: drafts for name, drafts in sets.items() if drafts}


def _notices(entry: Entry, mutants: int) -> bool:
    """Whether an entry is a verified test that notices at least so many mutants."""
    return (entry.kind, entry.verdict) == ("test", "verified") and entry.killed >= mutants


def _verdict_of(draft: Draft) -> str:
    verdict = draft.evidence.get("verdict")
    problems = draft.evidence.get("problems") or ()
    return str(verdict) if verdict else plural(len(problems), "doubt")


def _set_words(name: str, count: int) -> str:
    if name == "marked":
        return f"{plural(count, 'draft')}: all that are marked"
    mutants = plural(int(name), "mutant")
    return f"{plural(count, 'draft')}: all verified that notice {mutants} or more"
