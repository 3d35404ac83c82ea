"""A draft that the editor changed, checked once more."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Candidate, Draft, Gap
from copydesk.agent.testgen.project import open_workspace
from copydesk.agent.testgen.verify import CheckedEdit, verify_edited


def verify_edit(
    repo: Repository,
    gap: Gap,
    draft: Draft,
    content: str,
    *,
    allowed: Set[str] = frozenset(),
) -> CheckedEdit:
    """Climb the ladder again with a draft that the editor changed or said yes to.

    Args:
        repo: The repository.
        gap: The draft's gap as it was measured.
        draft: The draft.
        content: What the editor made of it.
        allowed: What the editor said yes to, by name.
    """
    names = tuple(_test_names(content))
    candidate = Candidate(gap, draft.origin, content, names)
    with open_workspace(repo, draft.commit) as workspace:
        return verify_edited(candidate, workspace.tree, workspace.sandbox, allowed=allowed)


def _test_names(content: str) -> Iterator[str]:
    try:
        tree = ast.parse(content)
    except SyntaxError as error:
        raise CopydeskError(
            f"the edited test is not valid Python: {error}",
            slug="draft-not-python",
            hint="Edit it again; nothing was changed.",
        ) from error
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test"
        ):
            yield node.name
