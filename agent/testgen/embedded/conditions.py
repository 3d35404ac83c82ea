"""The condition of a function that a case meets and the others do not, in the words of a name."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.outcomes import Raises
from copydesk.agent.testgen.embedded.words import snake

MAX_WORDS = 44
"""Characters of a condition in a name; a longer one names nothing."""
_MAX_LITERAL = 16
MAX_PURPOSE = 8
_OPEN_ENDS = frozenset(("a", "an", "and", "as", "by", "for", "from", "in", "of", "or", "the", "to"))
"""Words that a line ends in whose sentence goes on in the next one."""
_VERBS = (
    "return", "get", "compute", "calculate", "convert", "parse", "format", "make", "create",
    "build", "find", "yield", "split", "join", "remove", "strip", "add", "append", "insert",
    "extend", "write", "read", "load", "print", "encode", "decode", "escape", "quote", "replace",
    "check", "test", "set", "update", "list", "sort", "filter", "count", "normalize", "translate",
    "transform", "turn", "take", "give", "render", "validate", "merge", "wrap", "round",
)  # fmt: skip
_COMPARED = {
    ast.Eq: ("is", "is_not"),
    ast.NotEq: ("is_not", "is"),
    ast.Is: ("is", "is_not"),
    ast.IsNot: ("is_not", "is"),
    ast.Lt: ("is_below", "is_at_least"),
    ast.LtE: ("is_at_most", "is_above"),
    ast.Gt: ("is_above", "is_at_most"),
    ast.GtE: ("is_at_least", "is_below"),
    ast.In: ("is_in", "is_not_in"),
    ast.NotIn: ("is_not_in", "is_in"),
}
"""Operators as they are said, and as they are said of the other arm."""
_ASKED = {
    "startswith": "starts_with", "endswith": "ends_with", "isdigit": "is_digits",
    "exists": "exists", "is_file": "is_a_file", "is_dir": "is_a_folder",
}  # fmt: skip
_NUMBERS = {"0": "zero", "1": "one", "-1": "minus_one"}


@dataclass(frozen=True, slots=True)
class _Arm:
    """One way through an `if`."""

    number: int
    is_met: bool


def with_conditions(function: ast.AST, cases: Sequence[Case]) -> list[Case]:
    """The cases, each with the condition that sets it apart from the others."""
    raising = [isinstance(case.outcome, Raises) for case in cases]
    conditions = conditions_met(function, [case.reached for case in cases], raising)
    alone = [n for n, case in enumerate(cases) if not conditions[n] and not raising[n]]
    if len(alone) == 1 and not cases[alone[0]].outcome.words:
        conditions[alone[0]] = purpose(function)
    return [
        replace(case, condition=condition)
        for case, condition in zip(cases, conditions, strict=True)
    ]


def purpose(function: ast.AST) -> str:
    """What a function does, by the first sentence of its docstring: returns_the_sum_of_both; empty
    for one that is long or does not begin with what is done.
    """
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    documentation = ast.get_docstring(function) or ""
    sentence = re.split(r"[.:;(\n]", documentation, maxsplit=1)[0]
    words = re.findall(r"[A-Za-z0-9]+", sentence.lower())
    plain = "".join(words) == re.sub(r"\W", "", sentence.lower())
    if not plain or not 2 <= len(words) <= MAX_PURPOSE or words[-1] in _OPEN_ENDS:
        return ""
    verb = next((known for known in _VERBS if words[0] in (known, _third(known))), "")
    text = "_".join([_third(verb), *words[1:]]) if verb else ""
    return text if len(text) <= MAX_WORDS else ""


def _third(verb: str) -> str:
    """A verb as it is said of somebody else."""
    return verb + ("es" if verb.endswith(("s", "x", "ch", "sh", "ss")) else "s")


def conditions_met(
    function: ast.AST, reached: Sequence[Set[int]], raising: Sequence[bool]
) -> list[str]:
    """For each case the words of the condition that sets it apart; empty where none does.

    Args:
        function: The function's node.
        reached: The lines that each case executed.
        raising: Which of the cases end in an error: the condition right above is theirs.
    """
    branches = [node for node in ast.walk(function) if isinstance(node, ast.If)]
    branches.sort(key=lambda node: node.lineno)
    taken = [_arms(branches, lines) for lines in reached]
    shared = Counter(arm for arms in taken for arm in arms)
    return [
        _own_condition(branches, arms, shared, len(reached), is_error=is_error)
        for arms, is_error in zip(taken, raising, strict=True)
    ]


def _own_condition(
    branches: Sequence[ast.If],
    arms: Sequence[_Arm],
    shared: Counter[_Arm],
    cases: int,
    *,
    is_error: bool,
) -> str:
    """The words of the arm that sets a case apart: of an error the last, else the rarest."""
    if is_error:
        candidates = list(reversed(arms))
    else:
        own = [arm for arm in arms if shared[arm] < cases]
        candidates = sorted(own, key=lambda arm: (shared[arm], -arm.number))
    for arm in candidates:
        words = _words(branches[arm.number].test, is_met=arm.is_met)
        if 0 < len(words) <= MAX_WORDS:
            return words
    return ""


def _arms(branches: Sequence[ast.If], lines: Set[int]) -> list[_Arm]:
    """The arms that a case took, in the order of the text."""
    arms = []
    for number, branch in enumerate(branches):
        if branch.lineno not in lines:
            continue
        first, last = branch.body[0].lineno, branch.body[-1].end_lineno or branch.lineno
        arms.append(_Arm(number, any(first <= line <= last for line in lines)))
    return arms


def _words(test: ast.expr, *, is_met: bool) -> str:
    """A condition in words, beginning with when, with or without; empty for one that has none."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _words(test.operand, is_met=not is_met)
    if isinstance(test, ast.BoolOp):
        return _joined(test, is_met=is_met)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(test, is_met=is_met)
    if isinstance(test, ast.Call):
        return _called(test, is_met=is_met)
    name = _name(test)
    if not name:
        return ""
    return f"with_{name}" if is_met else f"without_{name}"


def _joined(test: ast.BoolOp, *, is_met: bool) -> str:
    """The first of several conditions that hold together; empty where only one of them need."""
    if isinstance(test.op, ast.And) != is_met:
        return ""
    parts = [_words(value, is_met=is_met) for value in test.values]
    return parts[0] if all(parts) else ""


def _compared(test: ast.Compare, *, is_met: bool) -> str:
    left, operator, right = test.left, test.ops[0], test.comparators[0]
    comparison = _COMPARED.get(type(operator))
    name, other = _name(left), _literal(right) or _name(right)
    if comparison is None or not name or not other:
        return ""
    verb = comparison[0] if is_met else comparison[1]
    if isinstance(operator, ast.Is | ast.IsNot) and other == "none":
        return f"without_{name}" if verb == "is" else f"with_{name}"
    return f"when_{name}_{verb}_{other}"


def _called(test: ast.Call, *, is_met: bool) -> str:
    """isinstance(x, str) as when_x_is_a_str, x.startswith("a") as when_x_starts_with_a."""
    if getattr(test.func, "id", "") == "isinstance" and len(test.args) == 2:
        name, kind = _name(test.args[0]), _name(test.args[1])
        article = "a" if is_met else "no"
        return f"when_{name}_is_{article}_{kind}" if name and kind else ""
    return _asked(test) if is_met and isinstance(test.func, ast.Attribute) else ""


def _asked(test: ast.Call) -> str:
    """What a method asks of its object; empty for one that has no words."""
    assert isinstance(test.func, ast.Attribute)
    owner, verb = _name(test.func.value), _ASKED.get(test.func.attr, "")
    words = [_literal(argument) or _name(argument) for argument in test.args[:1]]
    if not owner or not verb or not all(words):
        return ""
    return "_".join([f"when_{owner}_{verb}", *words])


def _name(node: ast.expr) -> str:
    """A variable, attribute or length in words; empty for anything else."""
    if isinstance(node, ast.Name):
        return snake(node.id).strip("_") if len(node.id) > 1 else ""
    if isinstance(node, ast.Attribute):
        owner = _name(node.value)
        word = snake(node.attr).strip("_")
        return word if owner in ("", "self", "cls") else f"{owner}_{word}"
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len" and node.args:
        name = _name(node.args[0])
        return f"length_of_{name}" if name else ""
    return ""


def _literal(node: ast.expr) -> str:
    """A short literal in words; empty for anything else."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return ""
    text = str(value)
    if text in _NUMBERS:
        return _NUMBERS[text]
    if text == "":
        return "empty"
    if isinstance(value, str | int | bool | type(None)) and re.fullmatch(r"[\w.\- ]+", text):
        words = re.sub(r"\W+", "_", text.replace("-", "minus ", 1) if text[0] == "-" else text)
        return words.strip("_").lower() if len(words) <= _MAX_LITERAL else ""
    return ""
