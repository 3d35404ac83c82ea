"""The calls to try where a difference is looked for: with what both versions speak of."""

from __future__ import annotations

import ast
import itertools
import random
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Deque, List, Set, Tuple

from ..search.calls.candidates import Stream
from ..search.values.call import Call, Json, call_from_json
from ..search.values.expressions import Expression
from ..search.values.value_pools import Pools
from ..source.functions import Function, is_bound, outermost_function, signature_of
from ..source.read_parameters import read_parameters
from .vary import in_turns, with_parameter

FIRST = 4
"""Values of a parameter that come before those of the other version."""
RANDOM = 150
"""Calls at random, made of those that reach a change, where a budget of calls is left."""
MAX_AROUND = 60
"""Calls made of one that reaches a change, an argument at a time."""
VARIED_A_TURN, AROUND_A_TURN = 2, 3
"""Calls of the two kinds for each of the stream's own."""


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


def mentioned_parameters(
    node: Function, owner: str, lines: Sequence[int], other: Json
) -> List[str]:
    """The parameters that the changed lines of either version read, this one's first.

    Args:
        node: The function in this version.
        owner: The class that it stands in; "" for none.
        lines: The changed ones of this version.
        other: See `with_both_versions`; `changed` has the changed lines of that version.
    """
    names = read_parameters(node, signature_of(node, bound=is_bound(node, owner)), lines)
    before, _ = _other_node(other)
    if before is not None:
        signature = signature_of(before, bound=is_bound(before, owner))
        names += read_parameters(before, signature, other.get("changed", ()))
    return list(dict.fromkeys(names))


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
        mentioned: Parameters that the changed lines of either version read.

    Attributes:
        near: Calls that reach a change, or something new; what comes next is made of them.
        reaching: Those that reach a change: of these every parameter is varied.
    """

    def __init__(
        self, stream: Stream, first: List[Json], most: int, mentioned: Sequence[str] = ()
    ) -> None:
        self.stream, self.most, self.mentioned = stream, most, mentioned
        self.first = [call_from_json(plain) for plain in first]
        self.near: List[Call] = []
        self.reaching: List[Call] = []
        self.random = random.Random(0)

    def __iter__(self) -> Iterator[Call]:
        tried: Set[Call] = set()
        yield from _fresh(self.first, tried)
        yield from itertools.islice(_fresh(self._made(), tried), self.most)
        yield from _fresh(self._at_random(), tried)

    def _made(self) -> Iterator[Call]:
        """The stream's calls, in turns with those made of calls that were of use: no kind of them
        uses up what may be tried.
        """
        around: Deque[Iterator[Call]] = deque()
        varied: Iterator[Call] = iter(())
        plain = self.stream.calls()
        near, is_varied = 0, False
        while True:
            if self.reaching and not is_varied:
                varied, is_varied = self._varied(), True
            for call in self.near[near:]:
                around.append(itertools.islice(self._around(call), MAX_AROUND))
            near = len(self.near)
            turn = [*itertools.islice(plain, 1), *itertools.islice(varied, VARIED_A_TURN)]
            if not turn and not around:
                return
            yield from turn
            yield from _in_rotation(around, AROUND_A_TURN)

    def _varied(self) -> Iterator[Call]:
        """Calls that reach a change with every parameter at each of its values in turn."""
        stream = self.stream
        signature = signature_of(stream.node, bound=is_bound(stream.node, stream.subject.owner))
        names = [name.arg for name, _ in signature.named if stream.values.get(name.arg)]
        if stream.subject.shape == "command":
            return
        turns = in_turns(stream.values, names, self.mentioned)
        for number, (name, value) in enumerate(turns):
            # of two that reach it in turns, for one may hide what the other shows
            call = self.reaching[number % min(2, len(self.reaching))]
            other = with_parameter(call, signature, name, value)
            if other is not None:
                yield other

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
        """A call with one of its arguments nudged: one more, one less, longer, shorter; the first
        of each argument, then the second of each.
        """
        places = [self._nudged_argument(call, index) for index in range(len(call.arguments))]
        places += [self._nudged_keyword(call, index) for index in range(len(call.keywords))]
        for row in itertools.zip_longest(*places):
            yield from (other for other in row if other is not None)

    def _nudged_argument(self, call: Call, index: int) -> Iterator[Call]:
        for value in nudged(call.arguments[index]):
            arguments = (*call.arguments[:index], value, *call.arguments[index + 1 :])
            yield call._replace(arguments=arguments, origin="near")

    def _nudged_keyword(self, call: Call, index: int) -> Iterator[Call]:
        name, value = call.keywords[index]
        for other in nudged(value):
            keywords = (*call.keywords[:index], (name, other), *call.keywords[index + 1 :])
            yield call._replace(keywords=keywords, origin="near")


def _fresh(calls: Iterable[Call], tried: Set[Call]) -> Iterator[Call]:
    """The calls that were not tried yet, wherever they came from; notes them."""
    for call in calls:
        key = call._replace(origin="")
        if key not in tried:
            tried.add(key)
            yield call


def _in_rotation(sources: Deque[Iterator[Call]], most: int) -> Iterator[Call]:
    """So many calls, one of each source in turn; a source that is used up is left out."""
    for _ in range(most):
        while sources:
            source = sources.popleft()
            call = next(source, None)
            if call is not None:
                sources.append(source)
                yield call
                break


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
