"""Which tests of a draft add nothing to the others."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from copydesk.agent.records import Gap, TestId
from copydesk.agent.testgen.project import find_tests
from copydesk.agent.testgen.verify.lines_reached import GainedLines, ReachedLines, gained_lines
from copydesk.agent.testgen.verify.mutation_check import MutationScore
from copydesk.agent.testgen.verify.test_run import DraftUnderTest


class Contributions:
    """What each test function of a draft adds: lines, branches, ways to leave a line, mutants,
    a yes or a no.

    A line that one test leaves by an exception and another by its end is two things.

    Args:
        draft: The draft.
        gap: What it is for.
        gained: What of the gap its tests reach together.
        score: The mutants that it notices.
    """

    def __init__(
        self, draft: DraftUnderTest, gap: Gap, gained: GainedLines, score: MutationScore
    ) -> None:
        self.draft = draft
        self.gap = gap
        self.gained = gained
        self.score = score

    def redundant(self, names: Sequence[str], by_test: Mapping[TestId, ReachedLines]) -> list[str]:
        """Tests whose every contribution the others make too; later ones go first.

        Args:
            names: The test functions.
            by_test: What each test reaches.
        """
        adds: dict[str, set[object]] = {name: set() for name in names}
        for test, reached in by_test.items():
            adds[self.draft.function_of(test)] |= self._of_test(test, reached)
        for name, answer in plain_answers(self.draft.text).items():
            if name in adds:
                adds[name].add(("answers", answer))
        kept = list(names)
        for name in reversed(names):
            by_others: set[object] = set()
            for other_name in kept:
                if other_name != name:
                    by_others |= adds[other_name]
            if adds[name] <= by_others:
                kept.remove(name)
        return [name for name in names if name not in kept]

    def _of_test(self, test: TestId, reached: ReachedLines) -> set[object]:
        gained = gained_lines(self.gap, [reached])
        adds: set[object] = {*gained.lines, *gained.branches}
        for arc in reached.arcs:
            if arc[0] in self.gained.lines:
                adds.add(("left", arc))
        for number in self.score.kills.get(test, ()):
            adds.add(("mutant", number))
        return adds


def plain_answers(text: str) -> dict[str, bool]:
    """The tests of a module that end in `assert ... is True` or `is False`, with which of them: a
    question is shown with a yes and a no, whatever mutants they notice.
    """
    answers = {}
    for name, test in find_tests(ast.parse(text)).items():
        last = test.body[-1]
        compared = last.test if isinstance(last, ast.Assert) else None
        if isinstance(compared, ast.Compare) and isinstance(compared.ops[0], ast.Is):
            value = getattr(compared.comparators[0], "value", None)
            if isinstance(value, bool):
                answers[name] = value
    return answers
