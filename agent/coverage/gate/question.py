"""What the gate is asked about: what is staged, or what a commit adds to its base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from copydesk.agent.config import Project
from copydesk.agent.coverage.gate.changed_lines import Change, texts
from copydesk.agent.coverage.gate.coverage_files import Data
from copydesk.agent.coverage.gate.verdict import Floors, Rule, Verdict, judge, of_data
from copydesk.agent.coverage.store import file_lines as file_lines
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha

NOT_SET = (
    "this project sets no floor for the total; `fail_under = N` under [tool.copydesk] in"
    " pyproject.toml says where it stands, and the total may not fall under the base's anyway"
)
"""Said where the floor that stops somebody is the default."""


@dataclass(frozen=True, slots=True)
class Question:
    """A change to judge.

    `head` is the commit it ends in, or that it is staged on (None before the first one); `base`
    is what it is compared with, None when it is staged.
    """

    change: Change
    head: Sha | None
    base: Sha | None = None


def floors(
    question: Question,
    project: Project,
    sources: Mapping[str, str],
    *,
    fail_under: float | None = None,
    diff_fail_under: float | None = None,
) -> Floors:
    """What is asked of a change: the project's floors, and those named for this once.

    A total is nobody's own doing, so what is staged is only held to its own lines. What is to be
    pushed or merged is held to the project's floor for the total too, 95 where none is set.
    """
    merging = question.base is not None
    asked = project.fail_under if fail_under is None else fail_under
    nobodys = sources["fail_under"] == "default" and fail_under is None
    return Floors(
        project.diff_fail_under if diff_fail_under is None else diff_fail_under,
        Rule(asked, merging or fail_under is not None, NOT_SET if nobodys else ""),
        merging if project.may_not_fall else None,
    )


def from_data(repo: Repository, question: Question, asked: Floors, data: Data) -> Verdict:
    """The verdict by a coverage file; files that it does not hold do not count."""
    read = reader(repo, question.change)
    judged = of_data(question.change.lines, data.files)
    return judge(
        judged, replace(asked, ratchet=None), read=read,
        total=file_lines.add_up(data.files).percent,
    )  # fmt: skip


def reader(repo: Repository, change: Change) -> Callable[[str], str]:
    """A reader of the changed files, by path, as the change leaves them."""
    read = texts(repo)
    return lambda path: read(change.files[path][0])
