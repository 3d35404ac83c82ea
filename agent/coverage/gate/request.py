"""What the gate is asked about: what is staged, or what a commit adds to its base."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from copydesk.agent.config import PERSONAL_KEYS, Project
from copydesk.agent.coverage.gate.changed_lines import (
    Change,
    change_between,
    staged_change,
    texts,
)
from copydesk.agent.coverage.gate.changed_statements import ChangedStatements
from copydesk.agent.coverage.gate.coverage_files import CoverageFile, coverage_configuration
from copydesk.agent.coverage.gate.left_out import leaves_out
from copydesk.agent.coverage.gate.verdict import Floor, Floors, LineStatus, Verdict, judge
from copydesk.agent.coverage.store import add_up
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha

NO_FLOOR_SET = (
    "this project sets no floor for the total, so the usual one counts;"
    " `fail_under = {total}` under [tool.copydesk] in pyproject.toml, committed, makes"
    " today's total the floor, and `copydesk gaps` says what to test first on the way up"
)
"""Said where the floor that stops somebody is the default."""

STARTING_FLOOR = f"git config {PERSONAL_KEYS['floor']}"
PATH_TO_GOAL = (
    f"that is where the project stood when copydesk came ({STARTING_FLOOR}); on the way to"
    f" {Project().fail_under:g} % `copydesk gaps` says what to test first, and"
    " `copydesk config --set floor=N` keeps what was reached"
)
"""Said where the floor that stops somebody is that of the first measure."""


@dataclass(frozen=True, slots=True)
class GateRequest:
    """A change to judge.

    `head` is the commit it ends in, or that it is staged on (None before the first one); `base`
    is what it is compared with, None when it is staged.
    """

    change: Change
    head: Sha | None
    base: Sha | None = None

    @property
    def is_staged(self) -> bool:
        """Whether the change is no commit yet."""
        return self.base is None


def with_files(repo: Repository, request: GateRequest, also: Collection[str]) -> GateRequest:
    """The same change with files that count although their names do not end in .py."""
    if not also:
        return request
    if request.base is None or request.head is None:
        with contextlib.chdir(repo.worktree):
            return replace(request, change=staged_change(repo, also))
    return replace(request, change=change_between(repo, request.base, request.head, also))


def floors_for(
    request: GateRequest,
    project: Project,
    sources: Mapping[str, str],
    *,
    fail_under: float | None = None,
    diff_fail_under: float | None = None,
) -> Floors:
    """What is asked of a change: the project's floors, and those named for this once.

    A total is nobody's own doing, so what is staged is only held to its own lines. What is to be
    pushed or merged is held to the project's floor for the total too, 95 where none is set.

    Args:
        request: The change.
        project: The project's settings.
        sources: Where each setting comes from; "default" for one that nobody set.
        fail_under: A floor for the total for this once.
        diff_fail_under: A floor for the changed lines for this once.
    """
    note = ""
    if fail_under is None:
        note = {"default": NO_FLOOR_SET, STARTING_FLOOR: PATH_TO_GOAL}.get(
            sources["fail_under"], ""
        )
    total = Floor(
        project.fail_under if fail_under is None else fail_under,
        not request.is_staged or fail_under is not None,
        note,
    )
    return Floors(
        project.diff_fail_under if diff_fail_under is None else diff_fail_under,
        total,
        not request.is_staged if project.may_not_fall else None,
        is_strict=not request.is_staged,
        named=(fail_under, diff_fail_under),
        tests_may_fail=project.tests_may_fail,
    )


def unknown_policy(
    request: GateRequest, project: Project, sources: Mapping[str, str], named: str | None = None
) -> str:
    """What to do with lines that were not measured: pass, measure or fail.

    A commit goes on by default, for it is measured after it was made. What is to be pushed or
    merged stops: what is not known has not passed.

    Args:
        request: The change.
        project: The project's settings.
        sources: Where each setting comes from; "default" for one that nobody set.
        named: What was named for this once, if anything.
    """
    if named is not None:
        return named
    if sources["unknown"] == "default" and not request.is_staged:
        return "fail"
    return project.unknown


def judge_by_file(
    repo: Repository, request: GateRequest, floors: Floors, data: CoverageFile
) -> Verdict:
    """The verdict by a coverage file.

    Changed files that it does not hold are unknown, unless the project leaves them out of its
    coverage.
    """
    read = changed_file_reader(repo, request.change)
    is_left_out = leaves_out(repo.worktree, lambda: coverage_configuration(repo.worktree))
    statuses: dict[str, LineStatus] = {}
    for path, lines in request.change.lines.items():
        if _knows(data, path, read):
            file = data.files[path]
            statuses[path] = ChangedStatements(read(path), lines, file.statements).status(file)
        elif path in data.unclear or not is_left_out(path):
            statuses[path] = ChangedStatements(read(path), lines).unknown()
    total = add_up(data.files.values())
    doubts = () if total.executable else ("the coverage file counts no line of code",)
    verdict = judge(
        statuses, replace(floors, ratchet=None), read=read, total=total.percent, doubts=doubts
    )
    return replace(verdict, remarks=(*verdict.remarks, *data.remarks))


def _knows(data: CoverageFile, path: str, read: Callable[[str], str]) -> bool:
    """Whether a coverage file tells something of a file: one without a line may be a failed run."""
    if path not in data.files:
        return False
    if data.files[path].statements:
        return True
    text = read(path)
    return "pragma" in text or not _has_code(text)


def _has_code(text: str) -> bool:
    """Whether a module holds a statement that is no docstring."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return True
    return any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body
    )


def changed_file_reader(repo: Repository, change: Change) -> Callable[[str], str]:
    """A reader of the changed files, by path, as the change leaves them."""
    read = texts(repo, change)
    return lambda path: read(change.files[path][0])
