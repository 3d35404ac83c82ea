"""The stream of calls to try for one function, the most natural ones first."""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional, Tuple

from ...source.functions import BINARY_METHODS, Function, Parameter
from ..values import click_commands
from ..values.call import Call, Step, Subject
from ..values.environment_patches import choices
from ..values.expressions import Expression
from ..values.from_iteration import derived, variadic
from ..values.value_pools import Pools
from .entry_points import later_calls
from .existing_calls import find_sites
from .receiver_setup import setups
from .returned_by_siblings import made_by_others

Start = Tuple[Optional[Expression], Tuple[Step, ...]]
"""An object to call a method on, and what is done to it first."""

MAX_PRODUCT = 400
MAX_OPTIONS = 300
MAX_PAIRED = 250
MAX_RANDOM = 500
MAX_RANDOM_DONE = 150
"""Random calls where every line is reached, for the sake of the small changes alone."""
MAX_NEAR = 120
"""Calls tried around each call that reached something new."""
MAX_RECEIVERS = 14
MAX_STARTS = 20
MAX_LATER = 6
_PREFERENCE = {"doctest": 0, "test": 1, "production": 2}


class Stream:
    """Candidate calls, in order, without repeats; what was kept steers what comes next."""

    def __init__(
        self, subject: Subject, tree: ast.Module, node: Function, top: str, seed: int
    ) -> None:
        self.subject, self.tree, self.node, self.top = subject, tree, node, top
        self.random = random.Random(seed)
        self.pools = Pools(tree, subject.module, node, seed)
        self.kept: list[Call] = []
        self.is_done: Callable[[], bool] = lambda: False
        self.changed: tuple[Subject, Function] = (subject, node)
        self.later = later_calls(self.pools, node)
        arguments = node.args
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
        defaults += arguments.defaults
        bound = bool(subject.owner) and not any(
            getattr(d, "id", "") == "staticmethod" for d in node.decorator_list
        )
        pairs = list(zip(plain, defaults))[1 if bound else 0 :]
        self.required: list[Parameter] = [(a, None) for a, default in pairs if default is None]
        self.optional: list[Parameter] = [(a, d) for a, d in pairs if d is not None]
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
            self.optional.append((argument, default))
        self.forced = {
            a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults) if d is None
        }
        self.positional_only = {a.arg for a in arguments.posonlyargs}
        self.variadic = arguments.vararg
        self.is_typed = all(a.annotation is not None for a, _ in pairs)
        self.sites = find_sites(top, tree, *self._called_name())
        self.values = {
            a.arg: self._with_sites(index, a.arg, self.pools.of(a, default))
            for index, (a, default) in enumerate([*self.required, *self.optional])
        }

    def _called_name(self) -> tuple[str, str]:
        if self.subject.shape == "construct":
            return self.subject.owner, ""
        return self.subject.name, self.subject.owner

    def _with_sites(self, index: int, name: str, values: list[Expression]) -> list[Expression]:
        """The pool of a parameter, with what callers passed for it in front of the noise."""
        passed = [s.arguments[index] for s in self.sites if index < len(s.arguments)]
        passed += [value for s in self.sites for key, value in s.keywords if key == name]
        return list(dict.fromkeys([*values[:6], *passed[:20], *values[6:]]))

    def calls(self) -> Iterator[Call]:
        """Every call to try, each once."""
        seen: set[Any] = set()
        for call in self._all():
            key = call._replace(origin="")
            if key not in seen:
                seen.add(key)
                yield call

    def _all(self) -> Iterator[Call]:
        if self.subject.shape == "command":
            root = getattr(self.subject.module, self.subject.name)
            command = root.commands[self.subject.words[0]] if self.subject.words else root
            for line in click_commands.lines(root, list(self.subject.words), command):
                yield Call(None, (line,), (), "command")
            return
        receivers = self._receivers()
        if self.subject.shape in BINARY_METHODS and len(self.required) == 1:
            name = self.required[0][0].arg  # an operator's other side is mostly of its own kind
            same = [r for r in receivers if r is not None]
            self.values[name] = list(dict.fromkeys([*same, *self.values[name]]))
        starts = self._starts(receivers) if receivers else []
        yield from self._from_sites(starts)
        if not receivers:
            return
        near = 0
        stages = (
            self._products, self._surrounded, self._with_more, self._with_options,
            self._paired, self._returned, self._with_words, self._at_random,
        )  # fmt: skip
        for stage in (*stages, self._called_again):
            for plain in stage(starts):
                for chain in self.later[:MAX_LATER]:
                    yield plain._replace(then=chain)
                yield plain
                while near < len(self.kept):
                    near += 1
                    yield from itertools.islice(self._around(self.kept[near - 1]), MAX_NEAR)

    def _from_sites(self, starts: Sequence[Start]) -> Iterator[Call]:
        bound = self.subject.shape not in ("function", "construct", "static")
        for site in sorted(self.sites, key=lambda s: _PREFERENCE[s.origin]):
            call = Call(None, site.arguments, site.keywords, site.origin)
            if bound and site.receiver is None:  # self.method(...): on any object of the class
                yield from (call._replace(receiver=r, setup=s) for r, s in starts[:4])
            elif bound:
                yield call._replace(receiver=site.receiver)
            else:
                yield call

    def _receivers(self) -> Sequence[Expression | None]:
        """Objects to call a method on; a single None for a plain function."""
        if self.subject.shape in ("function", "construct", "static"):
            return [None]
        owner = getattr(self.subject.module, self.subject.owner)
        made: list[Expression] = []
        for site in find_sites(self.top, self.tree, self.subject.owner, ""):
            inner = ", ".join(
                [a.text for a in site.arguments] + [f"{k}={v.text}" for k, v in site.keywords]
            )
            names = {self.subject.owner: self.subject.module.__name__}
            for part in [*site.arguments, *(v for _, v in site.keywords)]:
                names.update(part.names)
            made.append(Expression(f"{self.subject.owner}({inner})", tuple(sorted(names.items()))))
        made = made[: MAX_RECEIVERS // 3] + self.pools.constructed(owner)
        return list(dict.fromkeys(made))[:MAX_RECEIVERS]

    def _starts(self, receivers: Sequence[Expression | None]) -> list[Start]:
        """The objects as they are made, then the first two of them after some steps."""
        fresh: list[Start] = [(receiver, ()) for receiver in receivers]
        if receivers[0] is None:
            return fresh
        owner = getattr(self.subject.module, self.subject.owner)
        steps = setups(self.tree, self.subject.module, owner, self.node, 0)
        used: list[Start] = [(receivers[0], one) for one in steps]
        used += [(receiver, one) for one in steps[:4] for receiver in receivers[1:3]]
        return [fresh[0], *used[:6], *fresh[1:], *used[6:]][:MAX_STARTS]

    def _call(
        self,
        start: Start,
        positional: list[Expression],
        options: dict[str, Expression],
        origin: str,
    ) -> Call:
        given = {name: self.values[name][0] for name in sorted(self.forced)}
        given.update(options)
        return Call(start[0], tuple(positional), tuple(given.items()), origin, start[1])

    def _rows(self, limit: int) -> Iterator[list[Expression]]:
        """Combinations of the required arguments, the simplest (lowest ranks) first."""
        pools = [self.values[a.arg] for a, _ in self.required]
        if not pools:
            yield []
            if self.variadic is not None:
                for value in self.pools.of_each(self.variadic)[:12]:
                    yield [value]
                    yield [value, value]
            return
        per = max(3, round(4 * limit ** (1 / len(pools))))
        ranges = [range(min(len(pool), per)) for pool in pools]
        ranked = sorted(itertools.islice(itertools.product(*ranges), 20_000), key=_rank)
        for ranks in ranked[:limit]:
            yield [pool[i] for pool, i in zip(pools, ranks)]

    def _products(self, starts: Sequence[Start]) -> Iterator[Call]:
        each = max(40, MAX_PRODUCT // len(starts))
        for row in self._rows(each):
            for start in starts:
                yield self._call(start, row, {}, "literal")

    def _with_more(self, starts: Sequence[Start]) -> Iterator[Call]:
        """More positional arguments behind the required ones, where the function takes them."""
        if self.variadic is None or not self.required:
            return
        for more in variadic(self.pools.of_each(self.variadic)):
            for row in self._rows(4):
                yield self._call(starts[0], [*row, *more], {}, "literal")

    def _surrounded(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Plain calls with what the function reads besides its arguments put in place."""
        every = choices(self.tree, self.node, self.pools.lines)
        for patches in every:
            for row in self._rows(3 if patches != every[0] else 40):
                for start in starts[:2]:
                    yield self._call(start, row, {}, "literal")._replace(patches=patches)

    def _paired(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Two arguments at once, the second one made of the first: a key of a dictionary, a part
        of a text, a number beside another. Only while there is something left to reach.
        """
        if self.is_done():
            return
        names = [a.arg for a, _ in self.required]
        names += [a.arg for a, _ in self.optional if a.arg not in self.positional_only]
        plain = next(self._rows(1), [])
        rows = itertools.islice(itertools.zip_longest(*(self.values[n][:8] for n in names)), 8)
        pairs = [(one, other) for one in names for other in names if one != other][:12]
        calls = (
            self._with(starts[0], plain, {one: value, other: more})
            for row in rows
            for one, other in pairs
            if (value := row[names.index(one)]) is not None
            for more in derived(value.text)
        )
        yield from itertools.islice(calls, MAX_PAIRED)

    def _returned(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Arguments that a function beside this one returns, alone and beside what it was given.
        Only while there is something left to reach.
        """
        if self.is_done():
            return
        subject, count = self.subject, len(self.required)
        if subject.shape not in ("function", "method") or not 0 < count < 3:
            return
        receiver = starts[0][0]
        others = made_by_others(self.tree, subject.module, self.node, subject.owner, receiver)
        for row, made in others:
            rows = [[made]] if count == 1 else [[row[0], made], [made, row[0]]]
            for one in rows:
                yield self._call((receiver, ()), one, {}, "returned")

    def _with(self, start: Start, row: list[Expression], changed: dict[str, Expression]) -> Call:
        """A call with some of its arguments, by name, other than in the row."""
        places = [a.arg for a, _ in self.required]
        positional = [changed.get(name, value) for name, value in zip(places, row)]
        options = {name: value for name, value in changed.items() if name not in places}
        return self._call(start, positional, options, "paired")

    def _with_options(self, starts: Sequence[Start]) -> Iterator[Call]:
        rows = list(self._rows(6))
        longest = max((len(self.values[a.arg]) for a, _ in self.optional), default=0)
        calls = (
            self._call(start, row, {argument.arg: self.values[argument.arg][rank]}, "option")
            for rank in range(longest)
            for row in rows
            for argument, _ in self.optional
            if rank < len(self.values[argument.arg]) and argument.arg not in self.positional_only
            for start in starts[:2]
        )
        yield from itertools.islice(calls, MAX_OPTIONS)

    def _with_words(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Keywords that only **keywords takes: those the body asks for, else a made-up one."""
        if self.node.args.kwarg is None:
            return
        name = self.node.args.kwarg.arg
        words: dict[str, None] = {}
        for part in ast.walk(self.node):
            owner = getattr(part, "value", None) or getattr(getattr(part, "func", None), "value", 0)
            if getattr(owner, "id", "") == name:
                for constant in ast.walk(part):
                    text = getattr(constant, "value", None)
                    if isinstance(text, str) and text.isidentifier():
                        words[text] = None
        for word in [*list(words)[:8], "option"]:
            for text in ("1", "'abc'", "True", "None", "len", "str"):
                for row in self._rows(4):
                    yield self._call(starts[0], row, {word: Expression(text)}, "option")

    def _called_again(self, starts: Sequence[Start]) -> Iterator[Call]:
        """A few plain calls whose result is called, should it be a function made elsewhere."""
        if self.later:
            return
        text = (Expression("'abc'"),)
        for row in self._rows(6):
            for chain in (((Expression("len"),), text), (text,)):
                for given in ({}, *({a.arg: v} for a, _ in self.optional
                                    for v in self.values[a.arg][:3])):  # fmt: skip
                    yield self._call(starts[0], row, given, "later")._replace(then=chain)

    def _around(self, call: Call) -> Iterator[Call]:
        """The kept call with one argument changed at a time, or one option added."""
        longest = max((len(v) for v in self.values.values()), default=0)
        names = [a.arg for a, _ in self.required]
        options = [a.arg for a, _ in self.optional if a.arg not in self.positional_only]
        for rank in range(longest):
            for place, name in enumerate(names[: len(call.arguments)]):
                if rank < len(self.values[name]):
                    changed = list(call.arguments)
                    changed[place] = self.values[name][rank]
                    yield call._replace(arguments=tuple(changed), origin="near")
            for name in options[max(0, len(call.arguments) - len(names)) :]:
                if rank < len(self.values[name]):
                    given = {**dict(call.keywords), name: self.values[name][rank]}
                    yield call._replace(keywords=tuple(given.items()), origin="near")

    def _at_random(self, starts: Sequence[Start]) -> Iterator[Call]:
        if not self.values:
            return
        choose = self.random.choice
        for _ in range(MAX_RANDOM if not self.is_done() else MAX_RANDOM_DONE):
            row = [choose(self.values[a.arg]) for a, _ in self.required]
            options = {
                a.arg: choose(self.values[a.arg])
                for a, _ in self.optional
                if a.arg not in self.positional_only and self.random.random() < 0.4
            }
            yield self._call(choose(starts), row, options, "random")


def _rank(ranks: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    return sum(ranks), ranks
