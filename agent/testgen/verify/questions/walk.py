"""Walks a draft and collects what to ask about."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from copydesk.agent.testgen.verify.questions import (
    attributes,
    calls,
    imports,
    literals,
    templates,
)
from copydesk.agent.testgen.verify.questions.draft import Draft, Known

_CHECKS: tuple[Callable[[Draft, ast.AST], Iterator[str]], ...] = (
    imports.check_imports,
    imports.check_imports_by_name,
    imports.check_patches,
    attributes.check_attributes,
    attributes.check_attributes_by_name,
    templates.check_formats,
    templates.check_formats_handed_on,
    attributes.check_modules_handed_on,
    literals.check_texts,
    literals.check_pickles,
    calls.check_names,
    calls.check_definitions,
    calls.check_fixtures_by_name,
    calls.check_logs,
    calls.check_errors_of_children,
    calls.check_runs_of_tests,
    calls.check_child_processes,
    calls.check_suites,
    templates.check_formats_of_logs,
    calls.check_annotations,
    calls.check_globals_of_a_dict,
)


def questions(tree: ast.Module, target: str, is_known: Known) -> list[str]:
    """What a human has to allow by name.

    Args:
        tree: The draft.
        target: The path of the file under test.
        is_known: Whether a package outside of the standard library is the project's own or one
            that it uses.

    Returns:
        In words, sorted and without doubles; empty for most honest tests.
    """
    draft = Draft(tree, target, is_known)
    asked: set[str] = set()
    for node in draft.nodes:
        for check in _CHECKS:
            asked.update(check(draft, node))
    return sorted(asked)
