"""Turn recorded calls into tests that read as a maintainer would write them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.agent.testgen.embedded.call_source import TAKE, Act, Subject
from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.fixtures import arrangement, fixtures_of
from copydesk.agent.testgen.embedded.outcomes import ReturnsValue
from copydesk.agent.testgen.embedded.render_values import quoted
from copydesk.agent.testgen.embedded.source_lines import WIDTH, approximated, asserted, indented
from copydesk.agent.testgen.embedded.test_names import test_name, unique

MIN_ROWS = 3
"""Cases of one shape that make a parametrized test."""
SHORT = 3
"""Lines of a test that is read at a glance."""
_PLAIN_IMPORTS = ("asyncio", "itertools", "math", "random")
_HELPERS = {
    "stream": """async def stream(*items):
    for item in items:
        yield item""",
    "collect": """async def collect(items):
    return [item async for item in items]""",
    "collect_some": f"""async def collect_some(items):
    taken = []
    async for item in items:
        taken.append(item)
        if len(taken) == {TAKE}:
            return taken""",
}


@dataclass(frozen=True, slots=True)
class Test:
    """One test function."""

    name: str
    lines: tuple[str, ...]
    cases: tuple[Case, ...]


def module_text(subject: Subject, cases: Sequence[Case]) -> tuple[str, tuple[str, ...]]:
    """A whole test module for the recorded calls of one function.

    Returns:
        The text and the names of its test functions, in order.
    """
    tests = _tests(subject, cases)
    body = "\n\n\n".join("\n".join(test.lines) for test in tests)
    helpers = [text for name, text in _HELPERS.items() if re.search(rf"\b{name}\(", body)]
    body = "\n\n\n".join([*helpers, body])
    text = f"{_imports(subject, tests, body)}\n\n\n{body}\n"
    return text, tuple(test.name for test in tests)


def _tests(subject: Subject, cases: Sequence[Case]) -> list[Test]:
    """The tests: a table of the cases of one shape where there are enough, else one each."""
    groups: dict[object, list[Case]] = {}
    for number, case in enumerate(cases):
        groups.setdefault(case.row_shape or number, []).append(case)
    names: set[str] = set()
    tests: list[Test] = []
    for group in groups.values():
        if len(group) >= MIN_ROWS:
            tests.append(_table(subject, group, names))
        else:
            tests += [_single(subject, case, names) for case in group]
    return tests


def _table(subject: Subject, cases: Sequence[Case], names: set[str]) -> Test:
    """A parametrized test of cases of one shape."""
    first = cases[0]
    assert isinstance(first.outcome, ReturnsValue)
    words = [word for word, _ in first.keywords]
    columns = [
        subject.free_name(name) for name in (*subject.argument_names(len(first.arguments)), *words)
    ]
    positional = columns[: len(first.arguments)]
    keyword_columns = columns[len(first.arguments) :]
    keywords = [f"{word}={name}" for word, name in zip(words, keyword_columns, strict=True)]
    act = Act(subject, first.receiver, tuple(positional), tuple(keywords), wrap=first.wrap)
    how = "is" if first.outcome.is_singleton else "=="
    name = unique("_".join([f"test_{subject.words}", *_with(words)]), names)
    lines = [
        "@pytest.mark.parametrize(",
        f"    ({', '.join(quoted(column) for column in (*columns, 'expected'))}),",
        "    [",
        *(_row(case) for case in cases),
        "    ],",
        ")",
        f"def {name}({', '.join((*columns, 'expected'))}):",
        *asserted(act.result, how, "expected"),
    ]
    return Test(name, tuple(lines), tuple(cases))


def _with(words: Sequence[str]) -> list[str]:
    return [f"with_{'_and_'.join(words)}"] if words else []


def _row(case: Case) -> str:
    """The values of a case, as a row of a table."""
    assert isinstance(case.outcome, ReturnsValue)
    values = [*case.arguments, *(value for _, value in case.keywords)]
    return f"        ({', '.join([*values, approximated(case.outcome.expected)])}),"


def _single(subject: Subject, case: Case, names: set[str]) -> Test:
    """A test of one case."""
    name = unique(test_name(subject, case), names, case.outcome.difference)
    head = f"def {name}({', '.join(fixtures_of(case))}):"
    arranged = arrangement(case)
    if case.warns:
        lines = [*arranged, *_warning(case.warns, case.lines(subject))]
    else:
        lines = _in_blocks([*arranged, *case.arranged(subject)], case.acted(subject))
    return Test(name, (head, *lines), (case,))


def _in_blocks(arranged: Sequence[str], acted: Sequence[str]) -> list[str]:
    """A test's body: empty lines between arrange, act and assert where it is longer than three
    lines.
    """
    if len(arranged) + len(acted) <= SHORT:
        return [*arranged, *acted]
    asserts = [number for number, line in enumerate(acted) if line.startswith("    assert")]
    first = asserts[0] if asserts else 0
    act, assertions = acted[:first], acted[first:]
    apart = len(act) > 1 or (bool(arranged) and len(assertions) > 1)
    blocks = [arranged, act, assertions] if apart else [arranged, [*act, *assertions]]
    lines: list[str] = []
    for block in filter(None, blocks):
        lines += ["", *block] if lines else block
    return lines


def _warning(category: str, lines: list[str]) -> list[str]:
    """The lines of a test, from its act on below pytest.warns."""
    act = next(number for number, line in enumerate(lines) if _is_act(line))
    return [*lines[:act], f"    with pytest.warns({category}):", *indented(lines[act:])]


def _is_act(line: str) -> bool:
    return line.startswith("    assert") or "(" in line


def _imports(subject: Subject, tests: Sequence[Test], body: str) -> str:
    """The imports of a test module in three groups: the standard library, others, the project."""
    package = subject.module.split(".")[0]
    standard: dict[str, set[str]] = {}
    third_party: dict[str, set[str]] = {}
    is_named = re.search(
        rf"\b{subject.imported}\b", body
    )  # else it is a subclass that stands for it
    own: dict[str, set[str]] = {subject.module: {subject.imported}} if is_named else {}
    for name, module in _imported_names(subject, tests, body):
        group = third_party
        if module.split(".")[0] == package:
            group = own
        elif module.split(".")[0] in sys.stdlib_module_names:
            group = standard
        group.setdefault(module, set()).add(name)
    modules = [name for name in _PLAIN_IMPORTS if re.search(rf"\b{name}\.", body)]
    blocks = [
        [*(f"import {name}" for name in modules), *_from_lines(standard)],
        [*(["import pytest"] if "pytest." in body else []), *_from_lines(third_party)],
        _from_lines(own),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _imported_names(subject: Subject, tests: Sequence[Test], body: str) -> list[tuple[str, str]]:
    """What the tests import from elsewhere than the subject, as (name, module)."""
    names = [("CliRunner", "click.testing")] if subject.shape == "command" else []
    for test in tests:
        for case in test.cases:
            names += [pair for pair in case.names if re.search(rf"\b{pair[0]}\b", body)]
    return names


def _from_lines(names_by_module: dict[str, set[str]]) -> list[str]:
    lines = []
    for module in sorted(names_by_module):
        names = sorted(names_by_module[module], key=lambda name: (not name[:1].isupper(), name))
        line = f"from {module} import {', '.join(names)}"
        if len(line) > WIDTH:
            line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
        lines.append(line)
    return lines
