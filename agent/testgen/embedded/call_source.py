"""The call of a test: what is called, with what, and how a test gets at its result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from copydesk.agent.testgen.embedded.words import snake

TAKE = 10
"""Items asserted of a long generator; the search takes as many."""
BINARY = {
    "__eq__": "==", "__ne__": "!=", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">=",
    "__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/", "__floordiv__": "//",
    "__mod__": "%", "__and__": "&", "__or__": "|", "__xor__": "^",
}  # fmt: skip
_OPERATOR_WORDS = {
    "__eq__": "equals", "__ne__": "differs", "__lt__": "is_less", "__gt__": "is_greater",
    "__le__": "is_at_most", "__ge__": "is_at_least", "__radd__": "added_to", "__rmul__": "times",
}  # fmt: skip
"""What an operator is called in the name of a test, where its method's name is no word."""
_CALLS = {
    "__len__": "len({receiver})",
    "__repr__": "repr({receiver})",
    "__str__": "str({receiver})",
    "__bool__": "bool({receiver})",
    "__iter__": "iter({receiver})",
    "__int__": "int({receiver})",
    "__float__": "float({receiver})",
    "__neg__": "-{receiver}",
    "__abs__": "abs({receiver})",
    "__reversed__": "reversed({receiver})",
    **{name: f"({{receiver}} {operator} {{inner}})" for name, operator in BINARY.items()},
    "__contains__": "({inner} in {receiver})",
    "__delitem__": "del {receiver}[{inner}]",
    "__getitem__": "{receiver}[{slice}]",
    "property": "{receiver}.{name}",
    "setter": "{receiver}.{name} = {inner}",
    "construct": "{owner}({inner})",
    "static": "{owner}.{name}({inner})",
    "method": "{receiver}.{name}({inner})",
}
"""How a call is written, by the subject's shape; a plain function is called by its name."""
_WRAPS = {
    "run": "asyncio.run({})",
    "take": f"list(itertools.islice({{}}, {TAKE}))",
    "collect": "asyncio.run(collect({}))",
    "collect_some": "asyncio.run(collect_some({}))",
    "list": "list({})",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The function under test: how it is imported, called, and what its parameters are named."""

    module: str
    owner: str
    name: str
    shape: str
    parameters: tuple[str, ...]

    @property
    def imported(self) -> str:
        """The name that the test module imports."""
        return self.owner or self.name

    @property
    def words(self) -> str:
        """The subject's part of a test name."""
        name = _OPERATOR_WORDS.get(self.name) or self.name.strip("_")
        if self.shape == "construct":
            return snake(self.owner)
        return f"{snake(self.owner)}_{name}" if self.owner else name

    @property
    def variable(self) -> str:
        """What a test calls an object of the subject's class."""
        name = snake(self.owner).strip("_")
        hides = name in (self.owner, self.name)
        return "instance" if hides or not name.isidentifier() else name

    def argument_names(self, count: int) -> list[str]:
        """The parameter names of so many positional arguments."""
        names = list(self.parameters[:count])
        return names + [f"argument_{number + 1}" for number in range(len(names), count)]

    def free_name(self, name: str) -> str:
        """A parameter's name, unless it would hide something the test needs."""
        needed = {"request", "expected", "pytest", "asyncio", "itertools", self.imported}
        return f"{name}_value" if name in needed or name.startswith("_") else name


@dataclass(frozen=True, slots=True)
class Act:
    """The act of a test: the call of its subject, as texts.

    Attributes:
        subject: What is called.
        receiver: The object it is called on.
        arguments: The positional arguments.
        keywords: The others, as name=value.
        then: The rows of arguments that the result is called with, one after the other.
        wrap: How the test gets at the result: a coroutine is run, an iterator gone through, a
            context entered.
    """

    subject: Subject
    receiver: str | None
    arguments: tuple[str, ...]
    keywords: tuple[str, ...] = ()
    then: tuple[tuple[str, ...], ...] = ()
    wrap: str = ""

    @property
    def enters(self) -> bool:
        """Whether the result is a context that the test enters."""
        return self.wrap == "with"

    @property
    def called(self) -> str:
        """The call, without what gets at its result."""
        later = "".join(f"({', '.join(row)})" for row in self.then)
        return _call(self.subject, self.receiver, [*self.arguments, *self.keywords]) + later

    @property
    def result(self) -> str:
        """The expression of the result; a context is not entered by it."""
        return _WRAPS.get(self.wrap, "{}").format(self.called)

    @property
    def as_statement(self) -> str:
        """The call where nothing is made of its result: an operator without brackets."""
        plain = self.subject.shape in BINARY and not self.then and not self.wrap
        return self.result[1:-1] if plain else self.result

    def with_argument(self, index: int, name: str) -> Act:
        """The same call with an argument by its name."""
        arguments = [*self.arguments[:index], name, *self.arguments[index + 1 :]]
        return replace(self, arguments=tuple(arguments))


def _call(subject: Subject, receiver: str | None, arguments: Sequence[str]) -> str:
    listed = ", ".join(arguments)
    template = _CALLS.get(subject.shape, "{name}({inner})")
    if subject.shape == "method" and subject.name == "__call__":
        template = "{receiver}({inner})"
    elif subject.shape == "method" and subject.name == "__setitem__":
        if len(arguments) == 2:
            return f"{receiver}[{arguments[0]}] = {arguments[1]}"
        template = "{receiver}({inner})"
    return template.format(
        receiver=receiver,
        inner=listed,
        slice=_slice(listed),
        name=subject.name,
        owner=subject.owner,
    )


def _slice(text: str) -> str:
    """1: for slice(1, None), 0:2 for slice(0, 2); anything else as it is."""
    bounds = re.fullmatch(r"slice\((-?\w+), (-?\w+)\)", text)
    if bounds is None:
        return text
    return ":".join(bound.replace("None", "") for bound in bounds.groups())
