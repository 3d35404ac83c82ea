"""What a call was observed to come to: each kind reads its record, asserts and names itself.

A record is what the search wrote about a call, a claim like everything from the sandbox. A kind's
`parse` checks every text of it, `lines` writes the act and the assertions of a test, and the
`words` go into the test's name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from copydesk.agent.records import Json
from copydesk.agent.testgen.embedded.call_source import Act, Subject
from copydesk.agent.testgen.embedded.checked_texts import CheckedTexts, checked_name
from copydesk.agent.testgen.embedded.render_values import Refused
from copydesk.agent.testgen.embedded.source_lines import (
    SINGLETONS,
    approximated,
    asserted,
    asserted_equal,
    asserted_fields,
    assigned,
    indented,
    pattern,
    statement,
)
from copydesk.agent.testgen.embedded.words import noun, quoted_words, slug, snake

MAX_MESSAGE = 200
Fields = tuple[tuple[str, str], ...]
"""Attributes of an object, or views like `len()`, and the texts of their values."""
_VIEWS = {
    "tolist": "{}.tolist()",
    "hexdigest": "{}.hexdigest()",
    "to_dict": '{}.to_dict("list")',
    "vars": "vars({})",
}
_EMPTY = {
    '""': "empty_text",
    "[]": "an_empty_list",
    "{}": "an_empty_dict",
    "set()": "an_empty_set",
}


class Outcome(ABC):
    """What was observed of a call."""

    fixtures: ClassVar[tuple[str, ...]] = ()
    """The fixtures that the assertions need."""
    names_receiver: ClassVar[bool] = False
    """Whether the object has to have a name, to be looked at after the call."""

    @classmethod
    @abstractmethod
    def parse(cls, record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Self:
        """Read a record.

        Args:
            record: What the search wrote.
            texts: Checks each text.
            arguments: The checked positional arguments of the call.

        Raises:
            Refused, LookupError, TypeError, ValueError: It is not what the search writes.
        """

    @abstractmethod
    def lines(self, act: Act) -> list[str]:
        """The act of a test and its assertions."""

    @property
    def expected_texts(self) -> tuple[str, ...]:
        """The expected values that may name a fixture."""
        return ()

    @property
    def words(self) -> str:
        """What the call does, in words; empty where its input alone names the test."""
        return ""

    @property
    def difference(self) -> str:
        """Words that tell the test from another one with the same input words."""
        return ""

    def words_alone(self, subject: Subject) -> str:
        """What the call does, where no input names the test."""
        return self.words

    def words_when(self, condition: str) -> str:
        """What a test of this outcome is called, behind the subject's words, by its condition.

        Args:
            condition: The condition in words, beginning with when, with or without.
        """
        return f"{self.words}_{condition}" if self.words else condition

    def test_words(self, subject: Subject, inputs: str) -> str:
        """What a test of this outcome is called, behind the subject's words.

        Args:
            subject: The function under test.
            inputs: The input in words; empty for none.
        """
        if not inputs:
            return self.words or self.words_alone(subject)
        if inputs.startswith(("with", "after")):
            return f"{self.words}_{inputs}" if self.words else inputs
        return f"{self.words}_for_{inputs}" if self.words else f"of_{inputs}"


@dataclass(frozen=True, slots=True)
class _Expected(Outcome):
    """A result that is compared with one expected text."""

    expected: str

    @classmethod
    def parse(cls, record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Self:
        """Read the expected text."""
        return cls(texts.text((record["text"], record["names"])))

    def lines(self, act: Act) -> list[str]:
        """The assertion; within the context where the result is one."""
        if not act.enters:
            return self.assertion(act.result)
        return [f"    with {act.called} as entered:", *indented(self.assertion("entered"))]

    @abstractmethod
    def assertion(self, result: str) -> list[str]:
        """What is asserted of the expression of a result."""

    @property
    def expected_texts(self) -> tuple[str, ...]:
        """The one expected text."""
        return (self.expected,)

    @property
    def difference(self) -> str:
        """What it gives."""
        return f"gives_{slug(self.expected) or noun(self.expected)}"

    def words_alone(self, subject: Subject) -> str:
        """What it returns."""
        return f"returns_{slug(self.expected) or noun(self.expected)}"


@dataclass(frozen=True, slots=True)
class ReturnsValue(_Expected):
    """The call returns a value that can be written down."""

    @property
    def is_singleton(self) -> bool:
        """Whether the value is None, True or False."""
        return self.expected in SINGLETONS

    def assertion(self, result: str) -> list[str]:
        """The result is the value."""
        if self.expected == 'float("nan")':
            return asserted(f"math.isnan({result})", "", "")
        return asserted_equal(result, self.expected)

    @property
    def words(self) -> str:
        """Only what is worth saying before the input: nothing, a truth, something empty."""
        if self.is_singleton:
            return f"returns_{self.expected.lower()}"
        return f"returns_{_EMPTY[self.expected]}" if self.expected in _EMPTY else ""


@dataclass(frozen=True, slots=True)
class ReturnsRepr(_Expected):
    """The call returns an object that is known by its repr."""

    def assertion(self, result: str) -> list[str]:
        """The repr is the expected one."""
        return asserted(f"repr({result})", "==", self.expected)


@dataclass(frozen=True, slots=True)
class ReturnsView(_Expected):
    """The call returns an object that is known by what one of its methods gives."""

    template: str

    @classmethod
    def parse(cls, record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Self:
        """Read the expected text and the method."""
        expected = texts.text((record["text"], record["names"]))
        return cls(expected, _VIEWS[record["view"]])

    def assertion(self, result: str) -> list[str]:
        """The method gives the expected value."""
        return asserted(self.template.format(result), "==", approximated(self.expected))


@dataclass(frozen=True, slots=True)
class Prints(_Expected):
    """The call returns nothing and prints."""

    fixtures = ("capsys",)

    def lines(self, act: Act) -> list[str]:
        """The call, then what was printed; a context is entered and left."""
        return [*_acted(act), *self.assertion("capsys.readouterr().out")]

    def assertion(self, result: str) -> list[str]:
        """The output is the expected one."""
        return asserted(result, "==", self.expected)

    @property
    def words(self) -> str:
        """What it prints."""
        return f"prints_{slug(self.expected) or 'its_output'}"

    @property
    def difference(self) -> str:
        """Nothing: the words say it."""
        return ""


@dataclass(frozen=True, slots=True)
class Collects(_Expected):
    """The call hands on what it writes to a function that it is given."""

    def lines(self, act: Act) -> list[str]:
        """A list that collects, the call, and what was collected."""
        return ["    written = []", *_acted(act), *self.assertion("written")]

    def assertion(self, result: str) -> list[str]:
        """The list is the expected one."""
        return asserted(result, "==", self.expected)

    @property
    def words(self) -> str:
        """That it writes nothing; what it writes its input tells."""
        return "writes_nothing" if self.expected == "[]" else ""

    def words_alone(self, subject: Subject) -> str:
        """That it writes something."""
        return self.words or f"writes_{noun(self.expected)}"


@dataclass(frozen=True, slots=True)
class ChangesArgument(_Expected):
    """The call returns nothing and changes an argument; `after` it is left for a context."""

    index: int
    after: str

    @classmethod
    def parse(cls, record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Self:
        """Read which argument, and what it is within the context and after it."""
        expected = texts.text((record["text"], record["names"]))
        after = texts.text((record["after"], record["names"]))
        return cls(expected, range(len(arguments))[record["argument"]], after)

    def lines(self, act: Act) -> list[str]:
        """The argument by a name, the call, and what the argument is then."""
        subject = act.subject
        name = subject.free_name(subject.argument_names(len(act.arguments))[self.index])
        lines = assigned(name, act.arguments[self.index])
        act = act.with_argument(self.index, name)
        if not act.enters:
            return [*lines, *statement("", act.result), *self.assertion(name)]
        within = indented(self.assertion(name))
        return [*lines, f"    with {act.called}:", *within, *asserted(name, "==", self.after)]

    def assertion(self, result: str) -> list[str]:
        """The argument is the expected value."""
        return asserted(result, "==", self.expected)

    @property
    def words(self) -> str:
        """That it changes it."""
        return "changes_its_argument"

    @property
    def difference(self) -> str:
        """Nothing: the input says it."""
        return ""


@dataclass(frozen=True, slots=True)
class _Fields(Outcome):
    """An object that is known by some of its attributes."""

    fields: Fields

    @classmethod
    def parse(cls, record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Self:
        """Read the attributes."""
        fields = [
            (texts.field(name), texts.text((text, names))) for name, text, names in record["fields"]
        ]
        return cls(tuple(fields))

    @property
    def field_names(self) -> str:
        """The names of the first attributes, joined."""
        return "_and_".join(name for name, _ in self.fields[:2] if name.isidentifier())

    @property
    def difference(self) -> str:
        """The first attributes whose values are words."""
        words = []
        for name, text in self.fields:
            if value := slug(text):
                words.append(f"{name.strip('()')}_{value}")
        return f"with_{'_and_'.join(words[:2])}" if words else ""


@dataclass(frozen=True, slots=True)
class ReturnsObject(_Fields):
    """The call makes or returns an object with these attributes."""

    def lines(self, act: Act) -> list[str]:
        """The object by a name, and its attributes."""
        if not act.enters:
            return self._assertions(act, act.as_statement)
        return [f"    with {act.called} as entered:", *indented(self._assertions(act, "entered"))]

    def _assertions(self, act: Act, result: str) -> list[str]:
        subject = act.subject
        name = subject.variable if subject.shape == "construct" else "result"
        return [*assigned(name, result), *asserted_fields(name, self.fields)]

    def words_alone(self, subject: Subject) -> str:
        """What a new object starts with, what another one has."""
        verb = "starts_with" if subject.shape == "construct" else "has"
        return f"{verb}_{self.field_names or 'these_contents'}"


@dataclass(frozen=True, slots=True)
class UpdatesReceiver(_Fields):
    """The method returns nothing and changes these attributes of its object."""

    names_receiver = True

    def lines(self, act: Act) -> list[str]:
        """The call, then the object's attributes; a context is entered and left."""
        return [*_acted(act), *asserted_fields(str(act.receiver), self.fields)]

    @property
    def words(self) -> str:
        """What it updates."""
        return f"updates_{self.field_names or 'its_contents'}"


@dataclass(frozen=True, slots=True)
class Raises(Outcome):
    """The call raises an exception."""

    exception: str
    message: str = ""
    is_own: bool = True
    """Whether a statement of the project raises it."""

    @classmethod
    def parse(cls, record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Self:
        """Read the exception's class and message."""
        texts.exception(record["name"], record["module"])
        is_own = record.get("own", True) is True
        return cls(record["name"], str(record["message"])[:MAX_MESSAGE], is_own)

    def lines(self, act: Act) -> list[str]:
        """pytest.raises around the call; a context is entered in the same line."""
        match = f", match={pattern(self.message)}" if self.message else ""
        raises = f"    with pytest.raises({self.exception}{match})"
        if act.enters:
            return [f"{raises}, {act.called}:", "        pass"]
        return [f"{raises}:", *indented(statement("", act.as_statement))]

    @property
    def expected_texts(self) -> tuple[str, ...]:
        """The exception's name."""
        return (self.exception,)

    @property
    def words(self) -> str:
        """That it rejects its input, or what it raises."""
        return "rejects" if self._rejects else f"raises_{snake(self.exception)}"

    @property
    def _rejects(self) -> bool:
        is_value_error = self.exception.endswith(("ValueError", "DecodeError"))
        return is_value_error or "Invalid" in self.exception

    @property
    def difference(self) -> str:
        """The first words of the message."""
        first_words = " ".join(self.message.split()[:4])
        return slug(f'"{first_words}"') if self.message else ""

    def test_words(self, subject: Subject, inputs: str) -> str:
        """rejects_<input>, raises_<exception>_for_<input>."""
        if not self._rejects:
            return super(Raises, self).test_words(subject, inputs)
        inputs = inputs.removeprefix("with_")
        return f"rejects_{inputs}" if inputs else "rejects_the_call"


@dataclass(frozen=True, slots=True)
class Invokes(Outcome):
    """A click command says something and ends with an exit code."""

    command_line: str
    code: int
    output: str

    @classmethod
    def parse(cls, record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Self:
        """Read the exit code and the output."""
        output = texts.text((record["text"], record["names"]))
        return cls(arguments[0], int(record["code"]), output)

    def lines(self, act: Act) -> list[str]:
        """The command, started as click's own documentation does it."""
        lines = assigned("result", f"CliRunner().invoke({act.subject.name}, {self.command_line})")
        lines.append(f"    assert result.exit_code == {self.code}")
        if self.output != '""':
            lines += asserted("result.output", "==", self.output)
        return lines

    @property
    def expected_texts(self) -> tuple[str, ...]:
        """The output."""
        return (self.output,)

    def test_words(self, subject: Subject, inputs: str) -> str:
        """What the command line says, and how it ends when that is not well."""
        words = [slug(text.rpartition(".")[0] or text) for text in quoted_words(self.command_line)]
        ending = f"exits_with_{self.code}" if self.code else ""
        return "_".join(filter(None, [*words, ending]))


KINDS: dict[str, type[Outcome]] = {
    "value": ReturnsValue,
    "repr": ReturnsRepr,
    "view": ReturnsView,
    "prints": Prints,
    "collects": Collects,
    "changes": ChangesArgument,
    "state": ReturnsObject,
    "receiver": UpdatesReceiver,
    "raises": Raises,
    "invokes": Invokes,
}
"""The outcomes by the word that the search has for each."""


def parse_outcome(record: Json, texts: CheckedTexts, arguments: Sequence[str]) -> Outcome:
    """The outcome that a record tells of; see Outcome.parse."""
    kind = KINDS.get(checked_name(record["kind"]))
    if kind is None:
        raise Refused("kind")
    return kind.parse(record, texts, arguments)


def _acted(act: Act) -> list[str]:
    """The call as a statement; a context is entered and left."""
    if act.enters:
        return [f"    with {act.called}:", "        pass"]
    return statement("", act.result)
