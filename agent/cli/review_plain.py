"""`copydesk review --plain`: the waiting drafts, one at a time."""

from __future__ import annotations

import shutil
import sys
from collections import Counter

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.decisions import (
    allow,
    asked_for_a_yes,
    edit_draft,
    not_tried_here,
)
from copydesk.agent.cli.formatting import evidence_lines, shortest_path
from copydesk.agent.cli.output import echo, print_progress
from copydesk.agent.cli.story import show_questions, tell
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import WAITING
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, DraftKind
from copydesk.agent.review import decisions, edits
from copydesk.agent.scoring import order_drafts as scores
from copydesk.agent.text import plural

PROMPT = "[a]ccept [e]dit [r]eject [s]kip [w]hy [u]ndo [m]ore [q]uit [?]"
HELP = """\
a  accept: a test goes into its test module, a story into the outbox; nothing is committed
e  edit: change the draft in your editor; it is checked again and stays here
r  reject: turn it down; the reason is asked for
s  skip: leave it for another time
w  why: answer what is asked about a story; your words become its reasons
u  undo: take back the last decision of this review and go back to that draft
m  more: show the whole draft and all of its evidence
q  quit: leave the rest as it is"""
CHOICES = {
    word: word[0] for word in ("accept", "edit", "reject", "skip", "why", "undo", "more", "quit")
}
_FRAME = 7
"""Lines of a screen taken by heading, blanks and prompt."""


class _Quit(Exception):
    """The user chose to quit."""


def review_plain(kind: DraftKind | None) -> None:
    """Show one draft after another and ask what to do with it."""
    with open_current_desk() as (repo, db):
        waiting = scores.ordered(db, db.drafts.find(kind=kind), keep=True)
        if not waiting:
            echo("Nothing waits for you. `copydesk status` says what is going on.")
            return
        desk_work = _Review(repo, db, [draft.id for draft in waiting])
        try:
            desk_work.run()
        except _Quit:
            pass
        except click.Abort as abort:
            if not isinstance(abort.__context__, EOFError):
                raise
            echo()  # the input ended; what was decided stays
        remaining = len(db.drafts.find(kind=kind))
    desk_work.sum_up(remaining)


class _Review:
    """The state of one review: the drafts, the current one, and the decisions so far."""

    def __init__(self, repo: Repository, db: Database, pile: list[int]) -> None:
        self.repo = repo
        self.db = db
        self.pile = pile
        self.place = 0
        self.decided: list[tuple[int, str]] = []

    def run(self) -> None:
        """Show draft after draft until the last one.

        Raises:
            _Quit: The editor left before.
        """
        while self.place < len(self.pile):
            draft = self.db.drafts.get(self.pile[self.place])
            if draft.state in WAITING:
                self.show(draft)
                self.ask(draft)
            else:
                self.place += 1  # decided elsewhere meanwhile

    def show(self, draft: Draft, *, full: bool = False) -> None:
        """Show a draft so that it fits the screen, or all of it."""
        echo(f"\n── {self.place + 1} of {len(self.pile)} " + "─" * 40)
        screen.print_heading(draft)
        echo()
        proof = evidence_lines(draft)
        room = None
        if not full and sys.stdout.isatty():
            height = shutil.get_terminal_size().lines
            proof = _brief(proof, height // 3)
            room = max(5, height - _FRAME - len(proof))
        lines_left = screen.print_code(draft.content, screen.draft_language(draft), limit=room)
        if lines_left:
            echo(f"… {plural(lines_left, 'more line')}: m shows all")
        echo()
        for line in proof:
            echo(line)
        show_questions(_questions(draft))

    def ask(self, draft: Draft) -> None:
        """Ask what to do with a draft until that moves on or changes it."""
        while True:
            answer = click.prompt(PROMPT, prompt_suffix=" > ", default="", show_default=False)
            word = answer.strip().lower()
            choice = CHOICES.get(word, word)
            try:
                if self.act(choice, draft):
                    return
            except CopydeskError as error:
                # one draft that cannot be placed must not end the review
                print_progress(f"copydesk: {error}")
                if error.hint:
                    print_progress(error.hint)

    def act(self, choice: str, draft: Draft) -> bool:
        """Do what was chosen.

        Returns:
            Whether to show the next draft, or the same one again.

        Raises:
            _Quit: The choice was to leave.
            CopydeskError: It cannot be done.
        """
        match choice:
            case "a":
                return self.accept(draft)
            case "e":
                self.edit(draft)
            case "r":
                why = click.prompt("why", prompt_suffix="? ")
                decisions.reject(self.repo, self.db, draft.id, why)
                self.next(draft, "rejected")
            case "s":
                self.next(draft, "skipped")
            case "w":
                return self.answer(draft)
            case "u":
                return self.undo()
            case "m":
                self.show(draft, full=True)
                return False
            case "q":
                raise _Quit
            case _:
                echo(HELP)
                return False
        return True

    def next(self, draft: Draft, decision: str) -> None:
        self.decided.append((draft.id, decision))
        self.place += 1

    def accept(self, draft: Draft) -> bool:
        """Put a draft in place, once what it asks for is allowed; whether it was."""
        if decisions.open_questions(draft):
            if not asked_for_a_yes(draft):
                return False
            allow(self.repo, self.db, draft)
        path = decisions.accept(self.repo, self.db, draft.id)
        echo(f"wrote {shortest_path(path)}")
        for line in not_tried_here(self.db.drafts.get(draft.id)):
            echo(f"  {line}")
        self.next(draft, "accepted")
        return True

    def edit(self, draft: Draft) -> None:
        if edit_draft(self.repo, self.db, draft.id) is None:
            echo("Nothing was changed.")
            return
        self.decided.append((draft.id, "edited"))

    def answer(self, draft: Draft) -> bool:
        """Take the author's answers to what is asked about a story, and tell it with them."""
        questions = _questions(draft)
        if not questions:
            echo("Nothing is asked about this draft.")
            return False
        for identity, question in questions:
            echo(question)
            words = click.prompt("answer (- never asks again)", default="", show_default=False)
            if words.strip():
                self.db.stories.answer(identity, words.strip().removeprefix("-"))
        tell(self.repo, self.db, None)
        return True

    def undo(self) -> bool:
        if not self.decided:
            echo("Nothing was decided yet in this review.")
            return False
        identity, decision = self.decided[-1]
        if decision != "skipped":
            _, kept = edits.take_back(self.repo, self.db, identity)
            if kept is not None:
                echo(f"Your version is kept in {shortest_path(kept)}.")
        self.decided.pop()
        self.place = self.pile.index(identity)
        return True

    def sum_up(self, remaining: int) -> None:
        """Say what was decided, and the next step."""
        counts = Counter(decision for _, decision in self.decided)
        counted = [
            f"{counts[decision]} {decision}" for decision in ("accepted", "rejected", "skipped")
        ]
        echo(f"\n{', '.join(counted)}; {plural(remaining, 'draft')} left on the desk.")
        if counts["accepted"]:
            echo("Look the accepted ones over and commit them; `copydesk undo ID` takes one back.")


def _questions(draft: Draft) -> list[tuple[int, str]]:
    """What is asked about a story, each with its number; nothing of other drafts."""
    return [(int(q["id"]), str(q["question"])) for q in draft.evidence.get("questions", ())]


def _brief(lines: list[str], most: int) -> list[str]:
    """The first lines of the evidence, and how many follow."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"… {plural(len(lines) - most + 1, 'more line')} of evidence"]
