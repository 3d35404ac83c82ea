"""What is called, and one call of it: plain values that travel between the processes."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

from .expressions import Expression

Json = Dict[str, Any]
Patches = Tuple[Tuple[str, Expression], ...]
"""What is put in place around a call: see environment_patches."""


Row = Tuple[Expression, ...]
"""The arguments of one call."""
Chain = Tuple[Row, ...]
"""How a result is called, and what that gives, and so on: a row of arguments for each."""


class Step(NamedTuple):
    """A call of a method, by name, on the object that was made; `name=` sets a property."""

    name: str
    arguments: Row

    def apply(self, receiver: Any, arguments: List[Any]) -> None:
        """Do it."""
        if self.name == "__setitem__":
            receiver[arguments[0]] = arguments[1]
        elif self.name.endswith("="):
            setattr(receiver, self.name[:-1], arguments[0])
        else:
            getattr(receiver, self.name)(*arguments)


Setup = Tuple[Step, ...]


class Call(NamedTuple):
    """One call of the target: its receiver (for a method), its arguments, where they came from.

    `setup` is done to the receiver first; the result is called with each row of `then` in turn;
    `patches` are put around all of it.
    """

    receiver: Expression | None
    arguments: Row
    keywords: Tuple[Tuple[str, Expression], ...]
    origin: str
    setup: Setup = ()
    then: Chain = ()
    patches: Patches = ()

    @property
    def parts(self) -> list[Expression]:
        """Every expression of the call."""
        own = [self.receiver] if self.receiver is not None else []
        later = [part for row in (*(s.arguments for s in self.setup), *self.then) for part in row]
        named = [value for _, value in (*self.keywords, *self.patches)]
        return [*own, *self.arguments, *named, *later]

    @property
    def names_patched(self) -> frozenset[str]:
        """What is put around the call."""
        return frozenset(name for name, _ in self.patches)

    @property
    def uses_files(self) -> bool:
        """Whether an argument is a path to one of the sample files in tmp_path."""
        return any("tmp_path /" in part.text for part in self.parts)


class Subject(NamedTuple):
    """What is called: shape is function, method, static, construct, property, command or a
    dunder's name. `first` and `last` are the lines that count, which are the target's even where
    it is reached through another function; `words` lead from a group of commands to the one.
    """

    module: Any
    owner: str
    name: str
    shape: str
    file: str
    first: int
    last: int
    words: Tuple[str, ...] = ()


def call_to_json(call: Call) -> Json:
    """A call as plain data."""
    return {
        "receiver": call.receiver,
        "arguments": call.arguments,
        "keywords": call.keywords,
        "origin": call.origin,
        "setup": call.setup,
        "then": call.then,
        "patches": call.patches,
    }


def call_from_json(plain: Json) -> Call:
    """The call that call_to_json wrote."""
    return Call(
        None if plain["receiver"] is None else _expression(plain["receiver"]),
        tuple(_expression(a) for a in plain["arguments"]),
        tuple((name, _expression(value)) for name, value in plain["keywords"]),
        plain["origin"],
        tuple(Step(name, tuple(map(_expression, row))) for name, row in plain["setup"]),
        tuple(tuple(map(_expression, row)) for row in plain["then"]),
        tuple((name, _expression(value)) for name, value in plain["patches"]),
    )


def _expression(plain: list[Any]) -> Expression:
    return Expression(plain[0], tuple((name, module) for name, module in plain[1]))
