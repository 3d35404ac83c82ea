"""Walks a draft and collects what to ask about."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from copydesk.agent.sandboxed.copydesk_tools.verify.checked_values import IMPORTS, UNPICKLES
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
    calls.check_errors_of_children,
    calls.check_runs_of_tests,
    calls.check_child_processes,
    calls.check_suites,
    templates.check_formats_of_logs,
    calls.check_annotations,
    calls.check_globals_of_a_dict,
)


def questions_of_words(words: Iterable[str], target: str, is_known: Known) -> set[str]:
    """What to ask about what was heard of a draft while it ran.

    Args:
        words: As checked_values and audit_side_effects write them; those that end with a dotted
            name are asked about as if the draft had spelled it out, the others as they are.
        target: The path of the file under test.
        is_known: See questions.
    """
    draft = Draft(ast.Module([], []), target, is_known)
    asked: set[str] = set()
    for text in words:
        if text.startswith(IMPORTS):
            asked.update(imports.question_of_name(draft, text.removeprefix(IMPORTS)))
        elif text.startswith(UNPICKLES):
            asked.update(literals.question_of_pickled(draft, text.removeprefix(UNPICKLES)))
        else:
            asked.add(text)
    return asked


def questions(
    tree: ast.Module, target: str, is_known: Known, *, listens: bool = False
) -> list[str]:
    """What a human has to allow by name.

    Args:
        tree: The draft.
        target: The path of the file under test.
        is_known: Whether a package outside of the standard library is the project's own or one
            that it uses.
        listens: What the draft makes up is looked at while it runs (see checked_values), so that
            it need not be asked about here.

    Returns:
        In words, sorted and without doubles; empty for most honest tests.
    """
    draft = Draft(tree, target, is_known, listens=listens)
    asked: set[str] = set()
    for node in draft.nodes:
        for check in _CHECKS:
            asked.update(check(draft, node))
    return sorted(asked)
