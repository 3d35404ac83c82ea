# drafts read better on one line
from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from copydesk.agent.records import Gap
from copydesk.agent.testgen.verify.lines_reached import ReachedLines
from copydesk.agent.testgen.verify.mutation_check import MutationCheck, MutationScore
from copydesk.agent.testgen.verify.raising_target import with_raise
from copydesk.agent.testgen.verify.run_report import (
    InconsistentReport,
    Report,
    Result,
    VariantResult,
)

Write = Callable[[dict[str, str]], None]
SOURCE = "import os\n\ndef stop(n):\n    if n > 5:\n        os._exit(3)\n    return n\n"


def test_mutants_that_end_the_process_count_apart(climb, write: Write) -> None:
    write({"stops.py": SOURCE})
    draft = "from stops import stop\n\ndef test_x():\n    assert stop(5) == 5\n"
    evidence, _ = climb("stops.py", "stop", [4, 6], draft)
    assert evidence.verdict == "verified"
    assert "2 mutants ended the process and do not count" in evidence.notes
    assert evidence.survivors == ("line 4: `5` becomes `6`",)


def test_code_that_runs_by_its_path_is_mutated_too(climb, write: Write) -> None:
    write({"script.py": "def twice(a):\n    return a * 2\n"})
    draft = (
        "import runpy\n\ndef test_x():\n    assert runpy.run_path('script.py')['twice'](3) == 6\n"
    )
    evidence, _ = climb("script.py", "twice", [2], draft, approved=True)
    assert evidence.verdict == "failed"  # it never names its target
    draft = draft.replace("import runpy\n", "import runpy\n\nFUNCTION = 'script'\n")
    evidence, _ = climb("script.py", "twice", [2], draft, approved=True)
    assert evidence.verdict == "verified"
    assert (evidence.mutants_killed, evidence.mutants_total) == (3, 3)


KEEPING = """class Box:
    def __init__(self):
        self.items = dict()

    def keep(self, key, value):
        self.items[key] = value
"""


@pytest.mark.parametrize(
    ("asserted", "verdict"),
    [
        ("box.items == {'a': 'kept'}", "verified"),
        ("'a' in box.items", "failed"),
        ("len(box.items) == 1", "failed"),
        ("box.items is not None", "failed"),
    ],
)
def test_code_that_only_keeps_a_value_is_verified_by_who_looks_at_the_value(
    climb, write: Write, asserted: str, verdict: str
) -> None:
    write({"boxes.py": KEEPING})
    draft = (
        "from boxes import Box\n\ndef test_box_keeps_what_it_is_given():\n"
        f"    box = Box()\n    box.keep('a', 'kept')\n    assert {asserted}\n"
    )
    evidence, _ = climb("boxes.py", "Box.keep", [6], draft)
    assert evidence.verdict == verdict
    assert evidence.mutants_total == 1


def test_a_module_whose_mutants_cannot_be_imported_is_not_checked_by_them(
    climb, write: Write
) -> None:
    write(
        {
            "settings.py": "import os\nif os.sep == 3:\n    os._exit(0)\n"
            "TABLE = {}['a'] if 0 else 1\n"
        }
    )
    draft = "import settings\n\ndef test_x():\n    assert settings.TABLE is not None\n"
    evidence, _ = climb("settings.py", "<module>", [2, 4], draft)
    assert evidence.verdict == "failed"
    assert evidence.rungs[-1].name == "mutants"
    assert any("ended the process" in note for note in evidence.notes)


class Stub:
    """A bed whose runs say what the test wants."""

    source = SOURCE

    def __init__(self, report: Report) -> None:
        self.report = report
        self.orders: dict[str, Any] = {}

    def run(self, orders: dict[str, Any], **how: Any) -> tuple[Report, None]:
        self.orders = orders
        return self.report, None


def ask(report: Report, lines: frozenset[int] = frozenset({4})) -> MutationScore:
    gap = Gap("0" * 40, "stops.py", "stop", 3, 6, (4,))
    first = Report(ids=("t",), alone={"t": Result(True, seconds=2.0)})
    reached = {"t": ReachedLines(frozenset({4, 6}), frozenset())}
    check = MutationCheck(Stub(report), gap, first, reached)  # type: ignore[arg-type]
    return check.run(lines)


@pytest.mark.parametrize(
    ("report", "odd"),
    [
        (Report(broken="E"), "collected again"),
        (
            Report(ids=("t",), together={"t": Result(False)}),
            "does not pass unmutated",
        ),
        (Report(ids=("t",), unmutated=VariantResult("timeout")), "does not pass unmutated"),
        (
            Report(ids=("t",), unmutated=VariantResult("done", frozenset({"t"}))),
            "does not pass",
        ),
        (Report(ids=("t",), unmutated=VariantResult("done")), "does not pass unmutated"),
    ],
)
def test_a_draft_must_pass_unmutated_first(report: Report, odd: str) -> None:
    with pytest.raises(InconsistentReport, match=odd):
        ask(report)


def test_mutants_that_never_ran_do_not_count() -> None:
    good = VariantResult("done", passed=frozenset({"t"}))
    timeout = VariantResult("timeout")
    score = ask(Report(ids=("t",), unmutated=good, mutants={0: timeout}))
    assert (score.total, score.too_long) == (0, 1)
    assert score.notes == ["1 mutant ran too long and do not count"] or score.notes
    assert score.sentence() == "notices 0 of 0 mutants"


def test_the_function_is_mutated_when_the_gained_lines_offer_nothing() -> None:
    good = VariantResult("done", passed=frozenset({"t"}))
    killed = VariantResult("done", frozenset({"t"}))
    score = ask(Report(ids=("t",), unmutated=good, mutants={0: killed}), frozenset({1}))
    assert score.killed == 1
    assert score.chosen == 4
    assert score.kills == {"t": {0}}


@pytest.mark.parametrize(
    ("source", "lines", "inside"),
    [
        ("x = 1\nif x:\n    y = 2; z = 3\n", [3], False),
        ("x = 1\nif x:\n    y = 2\n", [2], False),
        ("@a\nclass C:\n    x = 1\n", [2], False),
        ("def f(): return 1\n", [1], True),
        ("def f():\n    'text'\n    if 1:\n        pass\n", [1], True),
        ("class C:\n    async def f(self):\n        return 'é'; x = 1\n", [2], True),
        ("x = 'é'; y = 1\n", [1], False),
    ],
)
def test_the_probe_in_the_file_parses_and_raises_first(
    source: str, lines: list[int], inside: bool
) -> None:
    text = with_raise(textwrap.dedent(source), lines, inside=inside)
    raises = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Raise)]
    assert raises
    assert all("the probe was reached" in ast.unparse(node) for node in raises)
