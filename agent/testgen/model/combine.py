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
    first, *others = candidates
    parts = _Parts()
    tests, recorded, notes = list[str](), list[str](), list[str]()
    for candidate in (first, *others):
        renamed = parts.add(candidate)
        if renamed is None:
            continue
        tests += [renamed.get(name, name) for name in candidate.tests]
        recorded += [renamed.get(name, name) for name in candidate.recorded]
        notes += candidate.notes
    return replace(
        first,
        content=parts.text(),
        tests=tuple(dict.fromkeys(tests)),
        recorded=tuple(dict.fromkeys(recorded)),
        notes=tuple(dict.fromkeys(notes)),
    )


class _Parts:
    """The statements of a module in the making."""

    def __init__(self) -> None:
        self.imports: list[str] = []
        self.bodies: list[str] = []
        self.names: dict[str, str] = {}  # name -> the text that defines it

    def add(self, candidate: Candidate) -> dict[str, str] | None:
        """Take a draft in; the new names of tests that had to be renamed, None if it clashes."""
        tree, lines = parse(candidate.content), candidate.content.split("\n")
        statements = tree.body if tree else []
        imports, bodies, renamed = list[str](), list[str](), dict[str, str]()
        names: dict[str, str] = {}
        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports.append(ast.unparse(statement))
                continue
            text = _text(statement, lines)
            for name in defined_names(statement):
                there = self.names.get(name)
                if there == text:
                    text = ""
                elif there is not None and name in candidate.tests:
                    renamed[name] = self._free(name)
                    text = text.replace(f"def {name}(", f"def {renamed[name]}(", 1)
                elif there is not None:
                    return None
                names[renamed.get(name, name)] = text or there or ""
            bodies += [text] if text else []
        self.imports += imports
        self.bodies += bodies
        self.names |= names
        return renamed

    def _free(self, name: str) -> str:
        number = 2
        while f"{name}_{number}" in self.names:
            number += 1
        return f"{name}_{number}"

    def text(self) -> str:
        """The whole module."""
        kept = list(dict.fromkeys(self.imports))
        future = [line for line in kept if line.startswith("from __future__")]
        plain = sorted(line for line in kept if line not in future)
        head = "\n".join(([*future, ""] if future else []) + plain)
        return "\n\n\n".join(part for part in (head, *self.bodies) if part) + "\n"


def _text(statement: ast.stmt, lines: Sequence[str]) -> str:
    """A statement as it stands, its decorators and the comment at its end included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(d.lineno for d in decorators)])
    return "\n".join(lines[first - 1 : statement.end_lineno])
