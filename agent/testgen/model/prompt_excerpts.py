"""The parts of a project that go into a prompt, each within a budget of tokens."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from copydesk.agent.model.client import estimate
from copydesk.agent.records import LineNo
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.project import FunctionNode, fixtures, nearest_test, parse
from copydesk.agent.text import one_line

MARK = "  # not run"
_EXAMPLE_TOKENS = 250
_LONG_LINE = 240
_MOST_HEAD_LINES = 12
_COST_OF_REMARKS = 30  # tokens of "... lines left out"
_CALL = 120  # characters of a call


def read_inside(tree: Path, path: str) -> str:
    """The text of a file of the tree; "" when it is not there or a link leads out of it."""
    top, file = tree.resolve(), (tree / path).resolve()
    if not file.is_relative_to(top) or not file.is_file():
        return ""
    return decode_source(file.read_bytes())


def function_excerpt(source: str, node: FunctionNode, marked: Sequence[LineNo], budget: int) -> str:
    """The text of a function, whole or as a window around the marked lines.

    Args:
        source: The module.
        node: The function in it.
        marked: Lines that get the mark "not run".
        budget: Tokens, by the estimate; the signature and the first marked line always stay.
    """
    lines = source.split("\n")
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    shown = {n: _marked(lines[n - 1], n in marked) for n in range(first, last + 1)}
    body = node.body[0].lineno
    head = [n for n in shown if n < body][:_MOST_HEAD_LINES]
    inner = [n for n in marked if n in shown] or [body]
    return _with_gaps(shown, sorted(_window(shown, head, inner, budget)))


def _with_gaps(shown: dict[LineNo, str], selected: Sequence[LineNo]) -> str:
    """The selected lines, with a comment for each run of lines that is left out."""
    text: list[str] = []
    before = min(shown) - 1
    for n in selected:
        if n > before + 1:
            text.append(_left_out(shown[n], n - before - 1))
        text.append(shown[n])
        before = n
    last = max(shown)
    if before < last:
        text.append(_left_out(shown[before], last - before))
    return "\n".join(text)


def _marked(line: str, is_marked: bool) -> str:
    line = line.rstrip()
    line = line if len(line) <= _LONG_LINE else line[:_LONG_LINE] + " ..."
    return line + MARK if is_marked else line


def _left_out(neighbour: str, count: int) -> str:
    indent = neighbour[: len(neighbour) - len(neighbour.lstrip())]
    return f"{indent}# ... {count} line{'s' if count > 1 else ''} left out"


def _window(
    shown: dict[LineNo, str], head: Sequence[LineNo], inner: Sequence[LineNo], budget: int
) -> set[LineNo]:
    """The lines to show: all, or the head and what surrounds the inner lines within the budget."""
    cost = {n: estimate(text + "\n") for n, text in shown.items()}
    if sum(cost.values()) <= budget:
        return set(shown)
    window = {*head, inner[0]}
    spent = sum(cost[n] for n in window) + _COST_OF_REMARKS
    nearest_first = sorted(shown, key=lambda n: (min(abs(n - i) for i in inner), n))
    for n in nearest_first:
        if n not in window and spent + cost[n] <= budget:
            window.add(n)
            spent += cost[n]
    return window


def class_heading(source: str, qualname: str) -> str:
    """How an object of a method's class is made: its heading and the signature of __init__."""
    *owners, function = qualname.split(".")
    node = _class_named(parse(source), owners[-1]) if owners else None
    if node is None:
        return ""
    bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
    lines = [f"class {node.name}{bases}:"]
    for part in node.body:
        if isinstance(part, ast.AnnAssign):
            lines.append(f"    {ast.unparse(part)}")
        elif isinstance(part, ast.FunctionDef) and part.name == "__init__" != function:
            lines.append(f"    def __init__({ast.unparse(part.args)}): ...")
    return "\n".join(lines[:20])


def _class_named(tree: ast.Module | None, name: str) -> ast.ClassDef | None:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    return None


def example_test(tree: Path, path: str, function: str) -> str:
    """The project's existing test that is nearest to a function, or "".

    The shortest one that names the function, else the shortest of the nearest test module.
    """
    nearest = nearest_test(tree, path)
    return pick_test(read_inside(tree, nearest), function) if nearest else ""


def pick_test(text: str, function: str) -> str:
    """The best example among the test functions of a module's text, or ""."""
    examples = [code for code in _test_codes(text) if 10 < estimate(code) <= _EXAMPLE_TOKENS]
    word = re.compile(rf"\b{re.escape(function.rpartition('.')[2])}\b")
    return min(examples, key=lambda code: (not word.search(code), len(code), code), default="")


def _test_codes(text: str) -> Iterator[str]:
    """The texts of the test functions of a module."""
    module = parse(text)
    lines = text.split("\n")
    for node in module.body if module else ():
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield "\n".join(lines[start - 1 : node.end_lineno])


def calls_of(test: str, function: str) -> tuple[str, ...]:
    """The calls of a function in a test module, such as "clamp(3, 0)", each once, in order."""
    tree, name = parse(test), function.rpartition(".")[2]
    calls: dict[str, None] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and _called_name(node) == name:
            calls[one_line(ast.unparse(node), _CALL)] = None
    return tuple(calls)


def _called_name(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def fixture_names(tree: Path) -> list[str]:
    """The fixtures that conftest files of the project offer to every test, at most eight."""
    names = {f.name for f in fixtures(tree) if f.path.rpartition("/")[2] == "conftest.py"}
    return sorted(n for n in names if not n.startswith("_"))[:8]


def fenced(code: str) -> str:
    """A block of code that nothing inside it can close."""
    ticks = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}python\n{code}\n{fence}"
