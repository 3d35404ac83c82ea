"""The parts of a project that go into a prompt, each within a budget of tokens."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from copydesk.agent.model.client import estimate
from copydesk.agent.records import LineNo
from copydesk.agent.testgen.project import FunctionNode, fixtures, nearest_test, parse
from copydesk.agent.text import one_line

MARK = "  # not run"
_EXAMPLE_TOKENS = 250
_LONG_LINE = 240
_CALL = 120  # characters of a call


def read_inside(tree: Path, path: str) -> str:
    """The text of a file of the tree; "" when it is not there or a link leads out of it."""
    top, file = tree.resolve(), (tree / path).resolve()
    if not file.is_relative_to(top) or not file.is_file():
        return ""
    return file.read_text("utf-8", "replace")


def function_excerpt(source: str, node: FunctionNode, marked: Sequence[LineNo], budget: int) -> str:
    """The text of a function, whole or as a window around the marked lines.

    Args:
        source: The module.
        node: The function in it.
        marked: Lines that get the mark "not run".
        budget: Tokens, by the estimate; the signature and the first marked line always stay.
    """
    lines = source.split("\n")
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    last = node.end_lineno or node.lineno
    shown = {n: _marked(lines[n - 1], n in marked) for n in range(first, last + 1)}
    head = [n for n in shown if n < node.body[0].lineno][:12]
    inner = [n for n in marked if n in shown] or [node.body[0].lineno]
    keep = _window(shown, head, inner, budget)
    out: list[str] = []
    before = first - 1
    for n in sorted(keep):
        if n > before + 1:
            out.append(_left_out(shown[n], n - before - 1))
        out.append(shown[n])
        before = n
    if before < last:
        out.append(_left_out(shown[before], last - before))
    return "\n".join(out)


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
    keep = {*head, inner[0]}
    spent = sum(cost[n] for n in keep) + 30
    near = sorted(shown, key=lambda n: (min(abs(n - i) for i in inner), n))
    for n in near:
        if n not in keep and spent + cost[n] <= budget:
            keep.add(n)
            spent += cost[n]
    return keep


def class_heading(source: str, qualname: str) -> str:
    """How an object of a method's class is made: its heading and the signature of __init__."""
    names = qualname.split(".")
    tree = parse(source)
    if len(names) < 2 or tree is None:
        return ""
    found = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == names[-2])
    node = next(found, None)
    if node is None:
        return ""
    bases = f"({', '.join(ast.unparse(base) for base in node.bases)})" if node.bases else ""
    out = [f"class {node.name}{bases}:"]
    for part in node.body:
        if isinstance(part, ast.AnnAssign):
            out.append(f"    {ast.unparse(part)}")
        elif isinstance(part, ast.FunctionDef) and part.name == "__init__" != names[-1]:
            out.append(f"    def __init__({ast.unparse(part.args)}): ...")
    return "\n".join(out[:20])


def example_test(tree: Path, path: str, function: str) -> str:
    """The project's existing test that is nearest to a function, or "".

    The shortest one that names the function, else the shortest of the nearest test module.
    """
    nearest = nearest_test(tree, path)
    return pick_test(read_inside(tree, nearest), function) if nearest else ""


def pick_test(text: str, function: str) -> str:
    """The best example among the test functions of a module's text, or ""."""
    module = parse(text)
    found = []
    for node in module.body if module else ():
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            code = "\n".join(text.split("\n")[start - 1 : node.end_lineno])
            if 10 < estimate(code) <= _EXAMPLE_TOKENS:
                found.append(code)
    word = re.compile(rf"\b{re.escape(function.rpartition('.')[2])}\b")
    return min(found, key=lambda code: (not word.search(code), len(code), code), default="")


def calls_of(test: str, function: str) -> tuple[str, ...]:
    """The calls of a function in a test module, such as "clamp(3, 0)", each once, in order."""
    tree, name = parse(test), function.rpartition(".")[2]
    found = [
        one_line(ast.unparse(node), _CALL)
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == name
    ]
    return tuple(dict.fromkeys(found))


def fixture_names(tree: Path) -> list[str]:
    """The fixtures that conftest files of the project offer to every test, at most eight."""
    names = {f.name for f in fixtures(tree) if f.path.rpartition("/")[2] == "conftest.py"}
    return sorted(n for n in names if not n.startswith("_"))[:8]


def fenced(code: str) -> str:
    """A block of code that nothing inside it can close."""
    ticks = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}python\n{code}\n{fence}"
