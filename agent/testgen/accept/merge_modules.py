"""Adds a drafted test module to an existing one without touching what is there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Imported = tuple[str, int, str, str]
"""Module ("" for a plain import), level, name, and the name it is bound to."""


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
    newline = "\r\n" if old.count("\r\n") * 2 > old.count("\n") else "\n"
    try:
        there, coming = ast.parse(old), ast.parse(draft)
        body = _body(there, coming, draft)
        lines = _new_imports(there, coming)
    except (SyntaxError, ValueError, _Clash):
        return None
    rows = _rows(old)
    end = _end(there, rows)
    top = min(_after_imports(there, rows), end)
    tail = "".join(rows[end:])
    middle = "".join(rows[top:end])
    new = (
        _closed("".join(rows[:top]), newline if lines or not middle else "")
        + "".join(line + newline for line in lines)
        + _spaced(middle, bool(lines), newline)
    )
    new = _parted(new, newline) + body.replace("\n", newline)
    if tail:
        new += newline * 2 + tail
    return new if _whole(there, coming, new) else None


class _Clash(Exception):
    """A name would come to stand for something else."""


def _rows(text: str) -> list[str]:
    """Lines with their ends, split where Python splits them."""
    return [row + "\n" for row in text.split("\n")[:-1]] + [r for r in [text.split("\n")[-1]] if r]


# -- imports


def _imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, Imported]]:
    for node in _reached(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, ("", 0, alias.name, alias.asname or alias.name.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                bound = alias.asname or alias.name
                yield node, (node.module or "", node.level, alias.name, bound)


def _reached(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Top-level statements, those in `try` included: imports with a fallback."""
    for node in body:
        yield node
        if isinstance(node, ast.Try):
            yield from _reached(node.body)
            for handler in node.handlers:
                yield from _reached(handler.body)


def _new_imports(there: ast.Module, coming: ast.Module) -> list[str]:
    """The import lines to add, in the draft's order.

    Raises:
        _Clash: A name that the old module uses for something else.
    """
    present = {imported for _, imported in _imports(there)}
    packages = {bound for module, _, name, bound in present if not module and _root(name) == bound}
    bound = _bound(there)
    lines: list[str] = []
    for node in coming.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        wanted = []
        for alias, (_, imported) in zip(node.names, _imports(ast.Module([node], [])), strict=True):
            name = imported[3]
            package = isinstance(node, ast.Import) and not alias.asname and name in packages
            if imported in present:
                continue
            if name in bound and not package:
                raise _Clash(name)
            wanted.append(alias)
        if wanted:
            lines.append(ast.unparse(_with_names(node, wanted)))
    return lines


def _with_names(node: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> ast.stmt:
    if isinstance(node, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(node.module, names, node.level)


def _root(name: str) -> str:
    return name.split(".")[0]


def _bound(tree: ast.Module) -> set[str]:
    """The names that a module binds at its top level, as far as the text says."""
    names = {imported[3] for _, imported in _imports(tree)}
    for node in tree.body:
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


def _after_imports(tree: ast.Module, rows: Sequence[str]) -> int:
    """The row after the last import before the first definition, else after the docstring and
    the comments at the top.
    """
    after = None
    for node in tree.body:
        if isinstance(node, Definition):
            break
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            after = node.end_lineno
    if after is not None:
        return after
    first = tree.body[:1]
    if first and isinstance(first[0], ast.Expr) and isinstance(first[0].value, ast.Constant):
        return first[0].end_lineno or 0
    count = 0
    while count < len(rows) and rows[count].startswith("#"):
        count += 1
    return count


def _end(tree: ast.Module, rows: Sequence[str]) -> int:
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


def _closed(text: str, newline: str) -> str:
    """The text with an end of its last line, when something follows."""
    return text + newline if text and newline and not text.endswith("\n") else text


def _spaced(middle: str, added: bool, newline: str) -> str:
    """Two empty lines between the imports and a definition that stood right below."""
    if added and middle.startswith(("def ", "class ", "@", "async ")):
        return newline * 2 + middle
    return middle


def _parted(text: str, newline: str) -> str:
    """The text with two empty lines at its end, unless it is empty."""
    if not text:
        return ""
    text = _closed(text, newline)
    blank = 0
    for row in reversed(_rows(text)):
        if row.strip():
            break
        blank += 1
    return text + newline * max(0, 2 - blank)


# -- the draft's own part


def _body(there: ast.Module, coming: ast.Module, draft: str) -> str:
    """The draft without docstring and imports, with names that are taken renamed.

    Raises:
        _Clash: A helper's name is taken, or a test that must be renamed is used by name.
    """
    taken = _bound(there)
    known = {ast.dump(node) for node in there.body}
    rows = _rows(draft)
    cut: list[tuple[int, int]] = []
    used = {node.id for node in ast.walk(coming) if isinstance(node, ast.Name)}
    for place, node in enumerate(coming.body):
        text = place == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        same = not _is_test(node) and ast.dump(node) in known
        if isinstance(node, (ast.Import, ast.ImportFrom)) or text or same:
            cut.append((_first_row(node), node.end_lineno or node.lineno))
        elif _is_test(node):
            assert isinstance(node, Definition)
            name = _free(node.name, taken)
            if name != node.name:
                if node.name in used:
                    raise _Clash(node.name)
                row = rows[node.lineno - 1]
                rows[node.lineno - 1] = row.replace(node.name, name, 1)
            taken.add(name)
        elif _bound(ast.Module([node], [])) & taken:
            raise _Clash(ast.unparse(node))
    for first, last in reversed(cut):
        del rows[first:last]
    return "".join(rows).strip("\n") + "\n"


def _first_row(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)]) - 1


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, Definition) and node.name.lower().startswith("test")


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _whole(there: ast.Module, coming: ast.Module, new: str) -> bool:
    """Whether the new text holds every old statement unchanged and in order, and every test."""
    try:
        tree = ast.parse(new)
    except (SyntaxError, ValueError):
        return False
    dumps = iter([ast.dump(node) for node in tree.body])
    if not all(any(ast.dump(node) == dump for dump in dumps) for node in there.body):
        return False
    before, after, added = ([n for n in t.body if _is_test(n)] for t in (there, tree, coming))
    return len(after) == len(before) + len(added)
