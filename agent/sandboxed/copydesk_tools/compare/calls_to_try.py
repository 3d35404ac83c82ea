"""The calls to try where a difference is looked for: with what both versions speak of."""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Iterator
from typing import Any, List, Tuple

from ..search.calls.candidates import Stream
from ..search.values.call import Call, Json, call_from_json
from ..search.values.expressions import Expression
from ..search.values.value_pools import Pools
from ..source.functions import Function, is_bound, outermost_function, signature_of

FIRST = 4
"""Values of a parameter that come before those of the other version."""
RANDOM = 150
"""Calls at random, made of those that reach a change, where a budget of calls is left."""
MAX_AROUND = 60
"""Calls made of one that reaches a change, an argument at a time."""


def with_both_versions(stream: Stream, other: Json, module: Any) -> None:
    """Put the values that the other version speaks of among those of a stream.

    Both versions' literals, what they compare with and the neighbours of it, in one order on both
    sides: the two searches then try the same calls.

    Args:
        stream: The calls of this version.
        other: The `source` of the other version's module, its `function` and that one's `lines`.
        module: This version's module.
    """
    node, tree = _other_node(other)
    if node is None or tree is None:
        return
    pools = Pools(tree, module, node, 0)
    signature = signature_of(node, bound=is_bound(node, stream.subject.owner))
    for parameter, default in signature.named:
        if parameter.arg not in stream.values:
            continue
        own, others = stream.values[parameter.arg], pools.of(parameter, default)
        stream.values[parameter.arg] = _merged(own, others)


def _other_node(other: Json) -> Tuple[Function | None, ast.Module | None]:
    try:
        tree = ast.parse(other["source"])
    except (SyntaxError, ValueError, KeyError):
        return None, None
    return outermost_function(tree, other["function"], other["lines"])[1], tree


def _merged(own: List[Expression], others: List[Expression]) -> List[Expression]:
    """Two lists of values in turns, so that what only one of them holds stands near the front."""
    common = [value for value in own if value in others]
    only = [value for value in own if value not in others]
    only_others = [value for value in others if value not in own]
    turns = [v for pair in itertools.zip_longest(only, only_others) for v in pair if v is not None]
    turns.sort(key=lambda value: (len(value.text), value.text))
    return list(dict.fromkeys([*common[:FIRST], *turns[:24], *common[FIRST:], *turns[24:]]))


_LETTERS = "abcXYZ019 _-./:,=%'\n\u00e9"


class CallsToTry:
    """Calls for one version of a function, in order and without repeats.

    Args:
        stream: Makes them; see `with_both_versions`.
        first: Calls that are to be tried in any case: drafts', the other version's.
        most: How many are made besides those.

    Attributes:
        near: Calls that reach a change; what comes next is made of them.
    """

    def __init__(self, stream: Stream, first: List[Json], most: int) -> None:
        self.stream, self.most = stream, most
        self.first = [call_from_json(plain) for plain in first]
        self.near: List[Call] = []
        self.random = random.Random(0)

    def __iter__(self) -> Iterator[Call]:
        tried = set()
        made = itertools.chain(itertools.islice(self._made(), self.most), self._at_random())
        for call in itertools.chain(self.first, made):
            key = call._replace(origin="")
            if key not in tried:
                tried.add(key)
                yield call

    def _made(self) -> Iterator[Call]:
        near = 0
        for call in self.stream.calls():
            yield call
            while near < len(self.near):
                near += 1
                yield from itertools.islice(self._around(self.near[near - 1]), MAX_AROUND)

    def _at_random(self) -> Iterator[Call]:
        """Calls that reach a change with a literal of their arguments drawn anew."""
        for number in range(RANDOM if self.most and self.near else 0):
            call = self.near[number % len(self.near)]
            if not call.arguments:
                continue
            index = number // len(self.near) % len(call.arguments)
            value = self._drawn(call.arguments[index])
            if value is not None:
                arguments = (*call.arguments[:index], value, *call.arguments[index + 1 :])
                yield call._replace(arguments=arguments, origin="random")

    def _drawn(self, expression: Expression) -> Expression | None:
        """A value of the kind of a literal, at random; None for what is none."""
        try:
            value = ast.literal_eval(expression.text)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
        drawn = _draw(value, self.random, 0)
        return Expression(repr(drawn)) if type(drawn) is type(value) else None

    def _around(self, call: Call) -> Iterator[Call]:
        """A call with one of its arguments nudged: one more, one less, longer, shorter."""
        for index, argument in enumerate(call.arguments):
            for value in nudged(argument):
                arguments = (*call.arguments[:index], value, *call.arguments[index + 1 :])
                yield call._replace(arguments=arguments, origin="near")
        for index, (name, value) in enumerate(call.keywords):
            for other in nudged(value):
                keywords = (*call.keywords[:index], (name, other), *call.keywords[index + 1 :])
                yield call._replace(keywords=keywords, origin="near")


def nudged(expression: Expression) -> List[Expression]:
    """Values beside one that is a literal; none for any other."""
    try:
        value = ast.literal_eval(expression.text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return []
    return [Expression(repr(other)) for other in _beside(value) if type(other) is type(value)]


def _draw(value: Any, source: random.Random, depth: int) -> Any:
    """A value of the same kind, at random: texts of the same letters and others."""
    if isinstance(value, bool):
        return source.random() < 0.5
    if isinstance(value, int):
        return source.choice((source.randint(-9, 9), source.randint(-1000, 1000), value * 3))
    if isinstance(value, float):
        return round(source.uniform(-100, 100), source.randint(0, 3))
    if isinstance(value, str):
        return "".join(source.choices(_LETTERS + value * 2, k=source.randint(0, 7)))
    if isinstance(value, bytes):
        return bytes(source.choices(range(256), k=source.randint(0, 7)))
    if isinstance(value, (list, tuple)) and value and depth < 3:
        items = [source.choice(list(value)) for _ in range(source.randint(0, 4))]
        return type(value)(_draw(item, source, depth + 1) for item in items)
    return value


def _beside(value: Any) -> List[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, -value, value * 2, value * 10]
    if isinstance(value, float):
        return [value + 1, value - 1, -value, value / 2, value + 0.5]
    if isinstance(value, str):
        return [value + "x", value[:-1], value.upper(), " " + value, value + value, value[::-1]]
    if value and isinstance(value, list):
        return [value[:-1], value[::-1], value + value[-1:], value[1:], value + value]
    if value and isinstance(value, tuple):
        return [value[:-1], value[::-1], value + value[-1:], value[1:]]
    if value and isinstance(value, dict):
        return [{key: value[key] for key in list(value)[:-1]}]
    return []
