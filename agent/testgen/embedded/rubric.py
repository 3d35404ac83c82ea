"""What a reviewer would not merge, as rules that every recorded case is checked with.

Each rule is one kind of fault that drafts were seen to have, with its reason in the reviewer's
words. A case that breaks one is left out, and the draft says how many were and why.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.outcomes import (
    Collects,
    Outcome,
    Raises,
    ReturnsObject,
    ReturnsRepr,
    ReturnsValue,
    ReturnsView,
    UpdatesReceiver,
)

MAX_ARGUMENT = 160
MAX_ARGUMENTS = 8
MAX_EXPECTED = 400
MAX_LENGTH = 100
"""A `len()` above it counts what is there, not what the function does."""
_EXPECTED_ERRORS = ("ValueError", "FileNotFoundError", "SystemExit", "UnicodeDecodeError")
"""Errors of the standard library that tell a caller what is wrong with an input."""
_FUNCTIONS = ("len", "str", "lambda *args: True")
_KEYED = ("__getitem__", "__delitem__")
_EMPTY = ("None", '""', 'b""', "[]", "{}", "()", "set()")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The function that cases are for, as far as a reviewer looks at it.

    Attributes:
        node: The function in its module's syntax tree.
        shape: How it is called; see shape_of.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef
    shape: str

    @property
    def documentation(self) -> str:
        """The docstring, or nothing."""
        return ast.get_docstring(self.node) or ""

    @property
    def takes_something(self) -> bool:
        """Whether it has a parameter, besides the object that it is bound to."""
        arguments = self.node.args
        own = [parameter.arg for parameter in (*arguments.args, *arguments.kwonlyargs)]
        return bool([name for name in own if name not in ("self", "cls")])

    @property
    def returns_something(self) -> bool:
        """Whether a statement of the function itself returns or yields a value."""
        for part in _own_parts(self.node):
            if isinstance(part, ast.Return) and part.value is not None:
                if not (isinstance(part.value, ast.Constant) and part.value.value is None):
                    return True
            elif isinstance(part, ast.Yield | ast.YieldFrom):
                return True
        return isinstance(self.node, ast.Lambda)


def _own_parts(function: ast.AST) -> list[ast.AST]:
    """The nodes of a function without those of the functions in it."""
    parts: list[ast.AST] = []
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            parts += [child, *_own_parts(child)]
    return parts


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault.

    Attributes:
        reason: What a reviewer says of it.
        example: A line that breaks it.
        is_broken: Whether a case of a function does.
    """

    reason: str
    example: str
    is_broken: Callable[[Case, Reviewed], bool]


def _raises_by_accident(case: Case, reviewed: Reviewed) -> bool:
    outcome = case.outcome
    if not isinstance(outcome, Raises) or outcome.is_own:
        return False
    if outcome.exception in reviewed.documentation or reviewed.shape in _KEYED:
        return False
    is_foreign = bool(outcome.message)  # only a `raise` has one: here that of another package
    return is_foreign or outcome.exception not in _EXPECTED_ERRORS


def _stands_for_something_else(case: Case, reviewed: Reviewed) -> bool:
    return any("SimpleNamespace(" in text for text in case.texts)


def _asserts_nothing(case: Case, reviewed: Reviewed) -> bool:
    outcome = case.outcome
    is_none = isinstance(outcome, ReturnsValue) and outcome.expected == "None"
    return is_none and not reviewed.returns_something and not case.warns


def _tells_an_address(case: Case, reviewed: Reviewed) -> bool:
    outcome = case.outcome
    return isinstance(outcome, ReturnsRepr) and outcome.expected.startswith(('"<', "'<"))


def _counts_the_surroundings(case: Case, reviewed: Reviewed) -> bool:
    fields = _fields(case.outcome)
    counts = [text for name, text in fields if name == "len()" and text.isdigit()]
    return len(fields) == len(counts) and any(int(text) > MAX_LENGTH for text in counts)


def _fields(outcome: Outcome) -> Sequence[tuple[str, str]]:
    return outcome.fields if isinstance(outcome, ReturnsObject | UpdatesReceiver) else ()


def _cannot_be_read(case: Case, reviewed: Reviewed) -> bool:
    if any(len(text) > MAX_ARGUMENT for text in case.arguments):
        return True
    required = len(reviewed.node.args.args) - len(reviewed.node.args.defaults)
    if len(case.arguments) + len(case.keywords) > max(MAX_ARGUMENTS, required):
        return True
    return any(len(text) > MAX_EXPECTED for text in case.outcome.expected_texts)


def _fits_no_parameter(case: Case, reviewed: Reviewed) -> bool:
    """A class or builtin where the body neither calls the parameter nor asks what it is."""
    parameters = [*reviewed.node.args.posonlyargs, *reviewed.node.args.args]
    parameters = parameters[len(parameters) - len(_positional(reviewed, parameters)) :]
    for parameter, text in zip(parameters, case.arguments, strict=False):
        is_function = text in _FUNCTIONS and parameter.annotation is None
        if is_function and not _is_used_as_function(reviewed.node, parameter.arg):
            return True
    return False


def _positional(reviewed: Reviewed, parameters: Sequence[ast.arg]) -> Sequence[ast.arg]:
    """The parameters without the object that a method is bound to."""
    is_bound = bool(parameters) and parameters[0].arg in ("self", "cls")
    return parameters[1:] if is_bound else parameters


def _is_used_as_function(function: ast.AST, name: str) -> bool:
    """Whether a parameter is called, handed on, kept, or asked for its kind."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            if getattr(node.func, "id", "") == name:
                return True
            names = [*node.args, *(word.value for word in node.keywords)]
            if name in [getattr(argument, "id", "") for argument in names]:
                return True
    return False


RULES = (
    Rule(
        "raises what nobody meant it to raise",
        "with pytest.raises(KeyError): total(Order())",
        _raises_by_accident,
    ),
    Rule(
        "hands over a stand-in that no caller would",
        "verify(b'abc', SimpleNamespace(verify=lambda *args: True))",
        _stands_for_something_else,
    ),
    Rule(
        "asserts only that nothing is returned, by a function that never returns anything",
        "assert save('abc') is None",
        _asserts_nothing,
    ),
    Rule(
        "asserts how an object is printed that has no words of its own",
        "assert repr(rows.filter('a')) == '<dataset object>'",
        _tells_an_address,
    ),
    Rule(
        "counts what happens to be there",
        "assert len(default_handlers()) == 116",
        _counts_the_surroundings,
    ),
    Rule("is too long to be read", "f('...', '...', '...', '...', '...')", _cannot_be_read),
    Rule(
        "hands over a function where none is asked for",
        "insert(1, column=len)",
        _fits_no_parameter,
    ),
)


_SAME_ANSWER = "expects the same empty answer, whatever it is given"


def is_trivial(outcome: Outcome) -> bool:
    """Whether what is expected says nothing: None, something empty, all zeros, all the same gap."""
    if isinstance(outcome, ReturnsValue | ReturnsView | Collects):
        if outcome.expected in _EMPTY:
            return True
        items = re.findall(r'float\("nan"\)|[-+]?[\d.]+(?:e[-+]?\d+)?', outcome.expected)
        plain = re.sub(r'float\("nan"\)|[-+\d.,e \[\]()]', "", outcome.expected)
        is_numbers = outcome.expected[:1] in "[(" and not plain
        return is_numbers and len(items) > 1 and set(items) <= {"0", "0.0", 'float("nan")'}
    return False


def merged(cases: Sequence[Case], reviewed: Reviewed) -> tuple[list[Case], tuple[str, ...]]:
    """The cases that a reviewer would take, and what was said of the others.

    Args:
        cases: The recorded ones, in order.
        reviewed: The function that they are for.

    Returns:
        The cases, and a note for each reason with the number of cases left out for it.
    """
    reasons: Counter[str] = Counter()
    remaining = []
    for case in cases:
        broken = [rule.reason for rule in RULES if rule.is_broken(case, reviewed)]
        if broken:
            reasons[broken[0]] += 1
        else:
            remaining.append(case)
    telling = _without_empty_answers(remaining, reviewed)
    if len(telling) < len(remaining):
        reasons[_SAME_ANSWER] += len(remaining) - len(telling)
    notes = tuple(f"left out {number}: {reason}" for reason, number in reasons.items())
    return telling, notes


def _without_empty_answers(cases: list[Case], reviewed: Reviewed) -> list[Case]:
    """The errors alone, where every answer is trivial and another one could have been had."""
    errors = [case for case in cases if isinstance(case.outcome, Raises)]
    answers = [case.outcome for case in cases if not isinstance(case.outcome, Raises)]
    writes = any(isinstance(answer, Collects) for answer in answers)
    if not reviewed.takes_something or not (reviewed.returns_something or writes):
        return cases
    return errors if answers and all(map(is_trivial, answers)) else cases
