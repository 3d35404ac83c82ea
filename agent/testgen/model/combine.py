"""One test module of several that a model wrote for the same function."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from copydesk.agent.records import Candidate
from copydesk.agent.testgen.project import defined_names, parse


def combine(candidates: Sequence[Candidate]) -> Candidate:
    """Put the tests of some drafts into one module.

    Imports are joined. A test or helper whose name is taken gets a number, unless the same text
    stands there already; a draft whose helpers clash with others' is left out.

    Args:
        candidates: Drafts of one gap by one writer, each a module that parses; at least one.
    """
    module = _Module()
    tests: list[str] = []
    recorded: list[str] = []
    notes: list[str] = []
    for candidate in candidates:
        renamed = module.add(candidate)
        if renamed is None:
            continue
        tests += [renamed.get(name, name) for name in candidate.tests]
        recorded += [renamed.get(name, name) for name in candidate.recorded]
        notes += candidate.notes
    return replace(
        candidates[0],
        content=module.text(),
        tests=tuple(dict.fromkeys(tests)),
        recorded=tuple(dict.fromkeys(recorded)),
        notes=tuple(dict.fromkeys(notes)),
    )


class _Module:
    """A module in the making: its imports, the texts of its statements, and the text that defines
    each name.
    """

    def __init__(self) -> None:
        self.imports: list[str] = []
        self.texts: list[str] = []
        self.definitions: dict[str, str] = {}

    def add(self, candidate: Candidate) -> dict[str, str] | None:
        """Take a draft in; the new names of tests that had to be renamed, None if it clashes."""
        tree, lines = parse(candidate.content), candidate.content.split("\n")
        imports: list[str] = []
        texts: list[str] = []
        renamed: dict[str, str] = {}
        definitions: dict[str, str] = {}
        for statement in tree.body if tree else ():
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports.append(ast.unparse(statement))
                continue
            text = _text(statement, lines)
            for name in defined_names(statement):
                existing = self.definitions.get(name)
                if existing == text:
                    text = ""
                elif existing is not None:
                    if name not in candidate.tests:
                        return None
                    renamed[name] = self._free_name(name)
                    text = text.replace(f"def {name}(", f"def {renamed[name]}(", 1)
                definitions[renamed.get(name, name)] = text or existing or ""
            if text:
                texts.append(text)
        self.imports += imports
        self.texts += texts
        self.definitions |= definitions
        return renamed

    def _free_name(self, name: str) -> str:
        number = 2
        while f"{name}_{number}" in self.definitions:
            number += 1
        return f"{name}_{number}"

    def text(self) -> str:
        """The whole module."""
        future: list[str] = []
        plain: list[str] = []
        for line in dict.fromkeys(self.imports):
            (future if line.startswith("from __future__") else plain).append(line)
        if future:
            future.append("")
        head = "\n".join([*future, *sorted(plain)])
        parts = [head, *self.texts] if head else self.texts
        return "\n\n\n".join(parts) + "\n"


def _text(statement: ast.stmt, lines: Sequence[str]) -> str:
    """A statement as it stands, its decorators and the comment at its end included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(d.lineno for d in decorators)])
    return "\n".join(lines[first - 1 : statement.end_lineno])
