"""Give one parameter of a call another value."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import List

from ..search.values.call import Call
from ..search.values.expressions import Expression
from ..source.functions import Signature

FIRST_RANKS = 4
"""Values of a parameter that the change mentions, before any other parameter is varied."""


def with_parameter(call: Call, signature: Signature, name: str, value: Expression) -> Call | None:
    """A call with one parameter of another value.

    Args:
        call: The call.
        signature: What it is a call of.
        name: The parameter.
        value: Its value.

    Returns:
        The call, or None where a parameter before it would have to be given as well.
    """
    places = [parameter.arg for parameter, _ in signature.by_position]
    index = places.index(name) if name in places else len(call.arguments) + 1
    if index < len(call.arguments):
        arguments = (*call.arguments[:index], value, *call.arguments[index + 1 :])
        return call._replace(arguments=arguments, origin="near")
    if name in signature.positional_only:
        if index > len(call.arguments):
            return None
        return call._replace(arguments=(*call.arguments, value), origin="near")
    keywords = {**dict(call.keywords), name: value}
    return call._replace(keywords=tuple(keywords.items()), origin="near")


def in_turns(
    values: Mapping[str, Sequence[Expression]], names: Sequence[str], mentioned: Sequence[str]
) -> Iterator[tuple[str, Expression]]:
    """Every value of every parameter, the first value of each, then the second of each, and so on.

    Args:
        values: Those of each parameter.
        names: The parameters.
        mentioned: Those of them whose first values come before all others.
    """
    ahead: List[str] = [name for name in mentioned if name in names]
    yield from _turns(values, ahead, 0, FIRST_RANKS)
    longest = max((len(values[name]) for name in names), default=0)
    for rank in range(longest):
        yield from _turns(values, names, rank, rank + 1)


def _turns(
    values: Mapping[str, Sequence[Expression]], names: Sequence[str], start: int, end: int
) -> Iterator[tuple[str, Expression]]:
    for rank, name in itertools.product(range(start, end), names):
        if rank < len(values[name]):
            yield name, values[name][rank]
