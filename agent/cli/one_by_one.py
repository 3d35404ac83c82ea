"""Doing something for several items of a command, so that one that fails costs no other."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

import click

from copydesk.agent.cli.error_report import refusal_of_system
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.desk import space
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import costs_one_item
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Json

BUG = "bug"
"""In JSON, the `slug` of what copydesk itself failed on."""


class OneByOne:
    """What came of each item of a command that was given several.

    Args:
        db: The desk; what copydesk itself fails on is kept there.
        work: What is done, as `FailedItems` names it.
        several: Go on after an item that fails; without it the error is raised.
        as_json: Say nothing until the end, and then all of it as JSON.
        costing_one: Slugs of errors that are said like that of one item of several in any case.
    """

    def __init__(
        self,
        db: Database,
        work: str,
        *,
        several: bool,
        as_json: bool,
        costing_one: Collection[str] = (),
    ) -> None:
        self.db = db
        self.work = work
        self.several = several
        self.as_json = as_json
        self.costing_one = costing_one
        self.rows: list[Json] = []
        self.failures = 0

    @contextlib.contextmanager
    def item(self, name: int | str, failure: str) -> Iterator[None]:
        """Do something for an item; where it fails, say so and let the others go on.

        What the next item would fail on too is raised all the same, after what is known of those
        before.

        Args:
            name: The item: the number of a draft, or a commit.
            failure: What it then is, such as "not written".
        """
        try:
            yield
        except (click.Abort, click.ClickException, click.exceptions.Exit):
            raise  # the user's own end of the command
        except Exception as error:
            goes_on = isinstance(error, CopydeskError) or costs_one_item(error)
            goes_on = goes_on and not space.is_full(error)
            is_one = self.several or getattr(error, "slug", "") in self.costing_one
            if not is_one or not goes_on:
                if self.several and self.as_json:
                    echo_json(self.rows)
                raise
            self._failed(name, failure, error)

    def _failed(self, name: int | str, failure: str, error: Exception) -> None:
        self.failures += 1
        problem = refusal_of_system(error) or error
        if isinstance(problem, CopydeskError):
            reason, slug, hint = str(problem), problem.slug, problem.hint
        else:
            item = f"draft {name}" if isinstance(name, int) else name
            kept = self.db.failed_items.record(self.work, "", item, error)
            reason = f"copydesk failed on it ({kept.error})"
            slug, hint = BUG, "`copydesk log --failures` shows it."
        key = "id" if isinstance(name, int) else "commit"
        self.rows.append({key: name, "error": reason, "slug": slug})
        if not self.as_json:
            echo(f"{name}: {failure}: {reason}")
            if hint:
                echo(f"  {hint}")

    def say_done(self, row: Json, words: str) -> None:
        """Say what was done of an item.

        Args:
            row: The item in JSON.
            words: The same in words.
        """
        self.rows.append(row)
        if not self.as_json:
            echo(words)

    @property
    def done(self) -> int:
        """How many items did not fail."""
        return len(self.rows) - self.failures
