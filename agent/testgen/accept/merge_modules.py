"""Adds a drafted test module to an existing one without touching what is there."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Imported(NamedTuple):
    """One imported name: where from ("" for a plain import) and what it is bound to."""

    module: str
    level: int
    name: str
    bound: str


def merge(old: str, draft: str) -> str | None:
    """The text of an existing test module with the tests of a draft in it.

    New imports follow the last import at the top; tests go to the end, or before a closing
    `if __name__ == "__main__":`; names that are taken get a number. Nothing of the old text
    changes: not its order, comments, line endings or last line.

    Args:
        old: The existing module, with its own line endings.
        draft: The drafted module.

    Returns:
        The new text, or None when the two do not go together: the same name stands for different
        things, or the result would not hold all statements of both.
    """
    if "\r" in old.replace("\r\n", ""):
        return None  # old Mac line ends, which the line numbers of the tree count
    try:
        old_tree, draft_tree = ast.parse(old), ast.parse(draft)
        body = _DraftBody(old_tree, draft_tree, draft).text()
        imports = _new_imports(old_tree, draft_tree)
    except (SyntaxError, ValueError, _NameClash):
        return None
    merged = _joined(old, old_tree, imports, body)
    return merged if _holds_all(merged, old_tree, draft_tree) else None


class _NameClash(Exception):
    """A name would come to stand for something else."""


def _joined(old: str, old_tree: ast.Module, imports: Sequence[str], body: str) -> str:
    """The old text with the import lines and the body of a draft in their places."""
    newline = "\r\n" if old.count("\r\n") * 2 > old.count("\n") else "\n"
    rows = _rows(old)
    end = _row_of_closing_main(old_tree, rows)
    top = min(_row_after_imports(old_tree, rows), end)
    head, middle, tail = "".join(rows[:top]), "".join(rows[top:end]), "".join(rows[end:])
    if imports or not middle:
        head = _with_last_newline(head, newline)
    if imports and middle.startswith(("def ", "class ", "@", "async ")):
        middle = newline * 2 + middle  # a definition that stood right below the imports
    text = head + "".join(line + newline for line in imports) + middle
    text = _with_two_blank_lines(text, newline) + body.replace("\n", newline)
    return text + newline * 2 + tail if tail else text


def _rows(text: str) -> list[str]:
    """Lines with their ends, split where Python splits them."""
    *complete, last = text.split("\n")
    rows = [row + "\n" for row in complete]
    return [*rows, last] if last else rows


# -- imports


def _imports(body: Sequence[ast.stmt]) -> Iterator[Imported]:
    """What the statements of a module import, those in `try` included: imports with a fallback."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield _imported(node, alias)
        elif isinstance(node, ast.Try):
            yield from _imports(node.body)
            for handler in node.handlers:
                yield from _imports(handler.body)


def _imported(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> Imported:
    if isinstance(node, ast.Import):
        return Imported("", 0, alias.name, alias.asname or _package(alias.name))
    return Imported(node.module or "", node.level, alias.name, alias.asname or alias.name)


class _OldNames:
    """What a module imports and binds at its top level, for the imports of a draft.

    Args:
        tree: The existing module.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.bound = _bound_names(tree.body)
        self.imported = set(_imports(tree.body))
        self.packages: set[str] = set()
        for one in self.imported:
            if not one.module and one.bound == _package(one.name):
                self.packages.add(one.bound)

    def lacks(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
        """Whether a name has to be imported; not when the module imports it from there already.

        Raises:
            _NameClash: The module uses the name for something else.
        """
        imported = _imported(node, alias)
        if imported in self.imported:
            return False
        # `import shop.a` beside `import shop.b` binds the same package
        binds_package = isinstance(node, ast.Import) and not alias.asname
        if imported.bound in self.bound and not (binds_package and imported.bound in self.packages):
            raise _NameClash(imported.bound)
        return True


def _new_imports(old_tree: ast.Module, draft_tree: ast.Module) -> list[str]:
    """The import lines to add, in the draft's order.

    Raises:
        _NameClash: A name that the old module uses for something else.
    """
    old_names = _OldNames(old_tree)
    lines: list[str] = []
    for node in draft_tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and not _is_future(node):
            added = [alias for alias in node.names if old_names.lacks(node, alias)]
            if added:
                lines.append(ast.unparse(_with_names(node, added)))
    return lines


def _is_future(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _with_names(node: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> ast.stmt:
    if isinstance(node, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(node.module, names, node.level)


def _package(name: str) -> str:
    return name.split(".")[0]


def _bound_names(body: Sequence[ast.stmt]) -> set[str]:
    """The names that a module binds at its top level, as far as the text says."""
    names = {imported.bound for imported in _imports(body)}
    for node in body:
        if isinstance(node, Definition):
            names.add(node.name)
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                names.add(part.id)
            elif isinstance(part, Definition):
                names.add(part.name)
    return names


# -- where things go


def _row_after_imports(tree: ast.Module, rows: Sequence[str]) -> int:
    """The row after the last import before the first definition, else after the docstring and
    the comments at the top.
    """
    after: int | None = None
    for node in tree.body:
        if isinstance(node, Definition):
            break
        if isinstance(node, ast.Import | ast.ImportFrom):
            after = node.end_lineno
    if after is not None:
        return after
    if tree.body and _is_constant(tree.body[0]):
        return tree.body[0].end_lineno or 0
    count = 0
    while count < len(rows) and rows[count].startswith("#"):
        count += 1
    return count


def _row_of_closing_main(tree: ast.Module, rows: Sequence[str]) -> int:
    """The row before which the tests go: the closing `if __name__`, else the end."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.If) or not _asks_for_main(last.test):
        return len(rows)
    row = last.lineno - 1
    while row and rows[row - 1].startswith("#"):
        row -= 1
    return row


def _asks_for_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and getattr(test.left, "id", "") == "__name__"


def _is_constant(node: ast.stmt) -> bool:
    """Whether a statement is only a constant, a docstring above all."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _with_last_newline(text: str, newline: str) -> str:
    return text + newline if text and not text.endswith("\n") else text


def _with_two_blank_lines(text: str, newline: str) -> str:
    """The text with two empty lines at its end, unless it is empty."""
    if not text:
        return ""
    text = _with_last_newline(text, newline)
    blank = 0
    for row in reversed(_rows(text)):
        if row.strip():
            break
        blank += 1
    return text + newline * max(0, 2 - blank)


# -- the draft's own part


class _DraftBody:
    """The draft without docstring, imports and what the old module has already.

    Args:
        old_tree: The existing module.
        draft_tree: The drafted one.
        draft: Its text.
    """

    def __init__(self, old_tree: ast.Module, draft_tree: ast.Module, draft: str) -> None:
        self.taken = _bound_names(old_tree.body)
        self.old_statements = {ast.dump(node) for node in old_tree.body}
        self.statements = draft_tree.body
        self.rows = _rows(draft)
        self.used = {node.id for node in ast.walk(draft_tree) if isinstance(node, ast.Name)}

    def text(self) -> str:
        """Its text, with names that are taken renamed.

        Raises:
            _NameClash: A helper's name is taken, or a test that must be renamed is used by name.
        """
        dropped: list[ast.stmt] = []
        for index, node in enumerate(self.statements):
            docstring = index == 0 and _is_constant(node)
            if docstring or self._is_there_already(node):
                dropped.append(node)
            elif _is_test(node):
                assert isinstance(node, Definition)
                self._rename_if_taken(node)
            elif _bound_names([node]) & self.taken:
                raise _NameClash(ast.unparse(node))
        for node in reversed(dropped):
            del self.rows[first_row(node) : node.end_lineno or node.lineno]
        return "".join(self.rows).strip("\n") + "\n"

    def _is_there_already(self, node: ast.stmt) -> bool:
        """Whether a statement is an import, which is added apart, or a helper of the old module."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            return True
        return not _is_test(node) and ast.dump(node) in self.old_statements

    def _rename_if_taken(self, test: Definition) -> None:
        name = free_name(test.name, self.taken)
        if name != test.name:
            if test.name in self.used:
                raise _NameClash(test.name)
            row = self.rows[test.lineno - 1]
            self.rows[test.lineno - 1] = row.replace(test.name, name, 1)
        self.taken.add(name)


def first_row(node: ast.stmt) -> int:
    """The row of a statement or of its first decorator, counted from 0."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)]) - 1


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, Definition) and node.name.lower().startswith("test")


def free_name(name: str, taken: Collection[str], separator: str = "_") -> str:
    """The name, or with the first number from 2 on with which it is not taken."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}{separator}{number}", number + 1
    return candidate


def _holds_all(merged: str, old_tree: ast.Module, draft_tree: ast.Module) -> bool:
    """Whether a text holds every old statement unchanged and in order, and every test."""
    try:
        tree = ast.parse(merged)
    except (SyntaxError, ValueError):
        return False
    dumps = iter([ast.dump(node) for node in tree.body])
    for node in old_tree.body:
        if ast.dump(node) not in dumps:  # goes on behind the statement before
            return False
    return _count_tests(tree) == _count_tests(old_tree) + _count_tests(draft_tree)


def _count_tests(tree: ast.Module) -> int:
    return sum(_is_test(node) for node in tree.body)
