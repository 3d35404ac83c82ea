"""What the gate is asked about: what is staged, or what a commit adds to its base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from copydesk.agent.config import Project
from copydesk.agent.coverage.gate.changed_lines import Change, texts
from copydesk.agent.coverage.gate.changed_statements import ChangedStatements
from copydesk.agent.coverage.gate.coverage_files import CoverageFile
from copydesk.agent.coverage.gate.verdict import Floor, Floors, LineStatus, Verdict, judge
from copydesk.agent.coverage.store import add_up
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha

NO_FLOOR_SET = (
    "this project sets no floor for the total; `fail_under = N` under [tool.copydesk] in"
    " pyproject.toml says where it stands, and the total may not fall under the base's anyway"
)
"""Said where the floor that stops somebody is the default."""


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
    is_default = sources["fail_under"] == "default" and fail_under is None
    total = Floor(
        project.fail_under if fail_under is None else fail_under,
        not request.is_staged or fail_under is not None,
        NO_FLOOR_SET if is_default else "",
    )
    return Floors(
        project.diff_fail_under if diff_fail_under is None else diff_fail_under,
        total,
        not request.is_staged if project.may_not_fall else None,
        tests_may_fail=project.tests_may_fail,
    )


def judge_by_file(
    repo: Repository, request: GateRequest, floors: Floors, data: CoverageFile
) -> Verdict:
    """The verdict by a coverage file; files that it does not hold do not count."""
    read = changed_file_reader(repo, request.change)
    statuses: dict[str, LineStatus] = {}
    for path, lines in request.change.lines.items():
        if path in data.files:
            file = data.files[path]
            statuses[path] = ChangedStatements(read(path), lines, file.statements).status(file)
        elif path in data.unclear:
            statuses[path] = ChangedStatements(read(path), lines).unknown()
    verdict = judge(
        statuses,
        replace(floors, ratchet=None),
        read=read,
        total=add_up(data.files.values()).percent,
    )
    return replace(verdict, remarks=(*verdict.remarks, *data.remarks))


def changed_file_reader(repo: Repository, change: Change) -> Callable[[str], str]:
    """A reader of the changed files, by path, as the change leaves them."""
    read = texts(repo, change)
    return lambda path: read(change.files[path][0])
