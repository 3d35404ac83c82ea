"""One recorded call: its inputs, and what was observed."""

from __future__ import annotations

from dataclasses import dataclass

from copydesk.agent.records import Json
from copydesk.agent.testgen.embedded.call_source import Act, Subject
from copydesk.agent.testgen.embedded.checked_texts import (
    CheckedTexts,
    checked_name,
    checked_patch,
    checked_step,
    is_builtin,
)
from copydesk.agent.testgen.embedded.outcomes import Outcome, ReturnsValue, parse_outcome
from copydesk.agent.testgen.embedded.render_values import Refused
from copydesk.agent.testgen.embedded.source_lines import assigned, statement

MAX_RECEIVER = 40
"""Characters of an object's text; one with a longer text gets a name."""
MAX_CELL = 60
"""Characters of a value in a table of parametrized rows."""
_WRAPS = ("", "run", "list", "take", "collect", "collect_some", "with")
_USED_UP = ("tmp_path", "iter(", "stream(", "StringIO(", "BytesIO(")
"""What the first run of a test uses up, so that a table cannot share it."""
Keywords = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded call, every text of it checked and written by the host.

    Attributes:
        receiver: The object that the subject is called on.
        arguments: The positional arguments.
        keywords: The others.
        outcome: What was observed.
        wrap: How the test gets at the result: run, list, take, collect, collect_some or with.
        warns: The category of the warning that the call gives.
        names: What the texts import, as (name, module).
        setup: The methods that are called on the object first, with their arguments.
        then: The rows of arguments that the result is called with.
        patches: What is put in place around the call.
        reached: The lines of the function that it executes.
        condition: What sets it apart from the other cases, in the words of a name.
    """

    receiver: str | None
    arguments: tuple[str, ...]
    keywords: Keywords
    outcome: Outcome
    wrap: str = ""
    warns: str = ""
    names: tuple[tuple[str, str], ...] = ()
    setup: tuple[tuple[str, tuple[str, ...]], ...] = ()
    then: tuple[tuple[str, ...], ...] = ()
    patches: tuple[tuple[str, str], ...] = ()
    reached: frozenset[int] = frozenset()
    condition: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of all its inputs."""
        receiver = (self.receiver,) if self.receiver is not None else ()
        named = [value for _, value in (*self.keywords, *self.patches)]
        rows = [*(row for _, row in self.setup), *self.then]
        return (*receiver, *self.arguments, *named, *(text for row in rows for text in row))

    @property
    def uses_receiver(self) -> bool:
        """Whether an argument is what another method of the same object returns."""
        if self.receiver is None:
            return False
        return any(text.startswith(f"{self.receiver}.") for text in self.arguments)

    @property
    def names_receiver(self) -> bool:
        """Whether a test gives the object a name."""
        if self.receiver is None:
            return False
        is_long = len(self.receiver) > MAX_RECEIVER
        return is_long or self.outcome.names_receiver or bool(self.setup) or self.uses_receiver

    def arranged(self, subject: Subject) -> list[str]:
        """The lines that make the object which a test needs; none where it needs no name."""
        if not self.names_receiver:
            return []
        lines = assigned(subject.variable, str(self.receiver))
        for method, arguments in self.setup:
            lines += statement("", _step(subject.variable, method, arguments))
        return lines

    def acted(self, subject: Subject) -> list[str]:
        """The act and the assertions."""
        keywords = tuple(f"{name}={value}" for name, value in self.keywords)
        receiver, arguments = self.receiver, self.arguments
        if self.names_receiver:
            receiver = subject.variable
            own = [text.replace(f"{self.receiver}.", f"{receiver}.") for text in arguments]
            arguments = tuple(own)
        act = Act(subject, receiver, arguments, keywords, self.then, self.wrap)
        return self.outcome.lines(act)

    def lines(self, subject: Subject) -> list[str]:
        """The object that a test needs, the act and the assertions."""
        return [*self.arranged(subject), *self.acted(subject)]

    @property
    def row_shape(self) -> object:
        """Cases of equal shape can be rows of one parametrized test; None for those that cannot."""
        if not isinstance(self.outcome, ReturnsValue) or not self._is_plain:
            return None
        if self._is_used_up or self.uses_receiver or "nan" in self.outcome.expected:
            return None
        if max(map(len, (*self.texts, self.outcome.expected))) > MAX_CELL:
            return None
        words = tuple(name for name, _ in self.keywords)
        is_singleton = self.outcome.is_singleton
        return (self.receiver, len(self.arguments), words, self.wrap, is_singleton)

    @property
    def _is_plain(self) -> bool:
        """Whether the call has an input, and nothing around it."""
        around = (self.warns, self.patches, self.setup, self.then)
        return self.wrap != "with" and not any(around) and bool(self.arguments or self.keywords)

    @property
    def _is_used_up(self) -> bool:
        return any(word in text for text in self.texts for word in _USED_UP)


def _step(receiver: str, method: str, arguments: tuple[str, ...]) -> str:
    if method == "__setitem__":
        return f"{receiver}[{arguments[0]}] = {arguments[1]}"
    if method.endswith("="):
        return f"{receiver}.{method[:-1]} = {arguments[0]}"
    return f"{receiver}.{method}({', '.join(arguments)})"


def parse_case(record: Json, texts: CheckedTexts) -> Case:
    """The case that the search recorded.

    Raises:
        Refused, LookupError, TypeError, ValueError, AttributeError: It is not what the search
            writes, or more than values.
    """
    observed = record["observed"]
    texts.imports = {}
    receiver = None if record["receiver"] is None else texts.text(record["receiver"])
    arguments = texts.texts(record["arguments"])
    keywords = [(checked_name(name), texts.text(value)) for name, value in record["keywords"]]
    setup = [(checked_step(name), texts.texts(row)) for name, row in record.get("setup", ())]
    then = [texts.texts(row) for row in record.get("then", ())]
    patches = [
        (checked_patch(name), texts.text(value)) for name, value in record.get("patches", ())
    ]
    outcome = parse_outcome(observed, texts, arguments)
    return Case(
        receiver,
        arguments,
        tuple(keywords),
        outcome,
        _checked_wrap(observed.get("wrap", "")),
        _checked_warning(observed.get("warns", "")),
        tuple(sorted(texts.imports.items())),
        tuple(setup),
        tuple(then),
        tuple(patches),
        frozenset(line for line in record.get("lines", ()) if isinstance(line, int)),
    )


def _checked_wrap(wrap: object) -> str:
    if wrap not in _WRAPS:
        raise Refused("wrap")
    return str(wrap)


def _checked_warning(name: object) -> str:
    if name != "" and not is_builtin(name, Warning):
        raise Refused("warning")
    return str(name)
