"""How many ways lead through a function: radon's count, which boolean operators add to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from radon.complexity import cc_visit
from radon.visitors import Class, Function

ROOT = Path(__file__).parent.parent
MOST = 12
"""The complexity a function may have (https://radon.readthedocs.io/en/latest/intro.html)."""

SAMPLES = ("agent/demo/sample", "agent/demo/change")
"""Code of the demo's project, which is what users write."""

EXCEPTIONS: dict[str, dict[str, str]] = {}
"""Functions that may be more complex: by file, each with the reason."""


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The functions of a file with their complexity: methods as Class.method, closures as f.g."""
    for block in cc_visit(path.read_text("utf-8")):
        if isinstance(block, Class):
            yield from _methods(block)
        elif not block.is_method:
            yield from _with_closures(block, block.name)


def _methods(block: Class) -> Iterator[tuple[str, int]]:
    for method in block.methods:
        yield from _with_closures(method, f"{block.name}.{method.name}")
    for inner in block.inner_classes:
        yield from _methods(inner)


def _with_closures(function: Function, name: str) -> Iterator[tuple[str, int]]:
    yield name, function.complexity
    for closure in function.closures:
        yield from _with_closures(closure, f"{name}.{closure.name}")


def too_complex() -> dict[str, set[str]]:
    """The functions over the limit, by file."""
    over: dict[str, set[str]] = {}
    for folder in ("agent", "hooks", "predictor"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(SAMPLES):
                continue
            for function, complexity in functions(path):
                if complexity > MOST:
                    over.setdefault(name, set()).add(function)
    return over


def test_functions_are_simple_enough() -> None:
    unexcused = [
        f"{path}::{function}"
        for path, names in too_complex().items()
        for function in names - EXCEPTIONS.get(path, {}).keys()
    ]
    assert not unexcused, f"more than {MOST} ways through: take them apart"


def test_every_exception_is_still_needed_and_says_why() -> None:
    over = too_complex()
    for path, reasons in EXCEPTIONS.items():
        assert not reasons.keys() - over.get(path, set()), path
        assert all(reason.strip() for reason in reasons.values())


def test_methods_closures_and_boolean_operators_count(tmp_path: Path) -> None:
    source = """
class A:
    def method(self, x):
        return x or 1

def function(x):
    def closure(y):
        return y and x or [z for z in x if z]
    return closure
"""
    path = tmp_path / "a.py"
    path.write_text(source)
    assert dict(functions(path)) == {"A.method": 2, "function": 1, "function.closure": 5}
