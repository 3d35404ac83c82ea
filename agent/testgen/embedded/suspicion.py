"""What a careful reader doubts before a value is recorded as right.

A doubt is a reason, in words. A case that is doubted is no test: it is reported beside the draft
as a suspected bug, and it is for the editor to say which of the two is wrong, code or expectation.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Callable, Iterator, Sequence

from copydesk.agent.testgen.embedded.call_source import Subject
from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.outcomes import (
    Raises,
    ReturnsObject,
    ReturnsValue,
    UpdatesReceiver,
)
from copydesk.agent.testgen.embedded.rubric import Reviewed

_NEVER_NEGATIVE = frozenset(
    ["quantity", "qty", "price", "shares", "stock", "seats", "age", "units"]
)
"""Words of names whose numbers are not below zero in any business."""
_HINTED = {"int": int, "str": str, "bool": bool, "list": list, "dict": dict, "bytes": bytes}
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_NUMBER_WORDS = frozenset(["number", "price", "amount", "money", "float", "decimal"])
_NOT_NEGATIVE = re.compile(
    r"\b(non-?negative|positive|greater than (or equal to )?(0|zero))\b", re.I
)
_UNIT_RANGE = re.compile(r"\b(between|from) (0|0\.0|zero) (and|to) (1|1\.0|one)\b", re.I)

Doubt = Callable[[Subject, Case, Reviewed], str]


def doubt(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    """Why a recorded case may be a bug; empty where nothing speaks against it.

    Args:
        subject: What was called.
        case: The call and what came of it.
        reviewed: The function's node.
    """
    if isinstance(case.outcome, Raises):
        return ""
    for one in _DOUBTS:
        reason = one(subject, case, reviewed)
        if reason:
            return reason
    return ""


def as_note(subject: Subject, case: Case, reason: str) -> str:
    """A doubt as a note of the draft: the call, and what is wrong with what it gives."""
    arguments = ", ".join([*case.arguments, *(f"{name}={text}" for name, text in case.keywords)])
    return f"suspect: {subject.name}({arguments}): {reason}"


# -- what the signature says


def _contradicts_the_hint(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    value = _value(case)
    hint = reviewed.node.returns
    name = getattr(hint, "id", "")
    if case.wrap not in ("", "run") or case.then or name not in _HINTED or value is _NO_VALUE:
        return ""
    if isinstance(value, _HINTED[name]):
        return ""
    return f"the signature says {name}, the result is {_shown(case)}"


def _denies_a_question(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    is_question = subject.name.lstrip("_").startswith(("is_", "has_"))
    if is_question and isinstance(case.outcome, ReturnsValue) and case.outcome.expected == "None":
        return f"`{subject.name}` asks for yes or no, the answer is None"
    return ""


# -- what the docstring says


def _contradicts_an_example(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    expected = getattr(case.outcome, "expected", "")
    if case.receiver is not None or not isinstance(case.outcome, ReturnsValue):
        return ""
    own = _normal(f"{subject.name}({', '.join(_written(case))})")
    for source, want in _examples(reviewed.documentation):
        if _normal(source) == own and want and _normal(want) != _normal(expected):
            return f"the docstring's example gives {want}, the function gives {expected}"
    return ""


def _written(case: Case) -> list[str]:
    return [*case.arguments, *(f"{name}={text}" for name, text in case.keywords)]


def _examples(documentation: str) -> Iterator[tuple[str, str]]:
    try:
        examples = doctest.DocTestParser().get_examples(documentation)
    except ValueError:
        return
    for example in examples:
        yield example.source.strip(), example.want.strip()


def _normal(text: str) -> str:
    """A text of Python in one way of writing it; as it is where it is none."""
    try:
        return ast.unparse(ast.parse(text, mode="eval"))
    except (SyntaxError, ValueError):
        return text


def _leaves_the_documented_range(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    value = _value(case)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    returns = _returns_part(reviewed.documentation)
    if _NOT_NEGATIVE.search(returns) and value < 0:
        return f"the docstring says that it is not negative, the result is {value}"
    if _UNIT_RANGE.search(returns) and not 0 <= value <= 1:
        return f"the docstring says between 0 and 1, the result is {value}"
    return ""


def _returns_part(documentation: str) -> str:
    """What a docstring says of the result."""
    match = re.search(r"(:returns?:|Returns?:?\s*\n?[-\s]*)(.+)", documentation, re.DOTALL)
    return match.group(2)[:300] if match else ""


# -- what the names say


def _takes_less_than_nothing(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    names = subject.argument_names(len(case.arguments))
    pairs = [*zip(names, case.arguments, strict=True), *case.keywords]
    for name, text in pairs:
        if _NEVER_NEGATIVE & set(name.lower().split("_")) and _is_negative(text):
            return f"a {name} of {text} is taken as if it were one"
    return ""


def _holds_less_than_nothing(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    outcome = case.outcome
    fields = outcome.fields if isinstance(outcome, ReturnsObject | UpdatesReceiver) else ()
    for name, text in fields:
        if _NEVER_NEGATIVE & set(name.lower().split("_")) and _is_negative(text):
            return f"it leaves a {name} of {text}"
    return ""


def _is_negative(text: str) -> bool:
    try:
        return float(text) < 0
    except ValueError:
        match = re.fullmatch(r'Decimal\("(-[\d.]+)"\)', text)
        return match is not None and float(match.group(1)) < 0


def _loses_the_thousands(subject: Subject, case: Case, reviewed: Reviewed) -> str:
    value = _value(case)
    words = set(subject.name.lower().split("_"))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not words & _NUMBER_WORDS or not case.arguments:
        return ""
    match = _GROUPED.fullmatch(case.arguments[0].strip("\"'"))
    if match is None:
        return ""
    meant = float(match.group().replace(",", ""))
    return "" if value == meant else f"it reads as {meant:g}, the result is {value}"


# -- values


class _NoValue:
    """What a case has that returns nothing that can be written as a literal."""


_NO_VALUE = _NoValue()


def _value(case: Case) -> object:
    """The literal that a case expects."""
    if not isinstance(case.outcome, ReturnsValue):
        return _NO_VALUE
    try:
        return ast.literal_eval(case.outcome.expected)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _NO_VALUE


def _shown(case: Case) -> str:
    return str(getattr(case.outcome, "expected", ""))[:60]


_DOUBTS: Sequence[Doubt] = (
    _contradicts_an_example,
    _contradicts_the_hint,
    _denies_a_question,
    _leaves_the_documented_range,
    _takes_less_than_nothing,
    _holds_less_than_nothing,
    _loses_the_thousands,
)
