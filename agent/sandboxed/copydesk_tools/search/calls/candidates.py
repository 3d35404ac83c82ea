"""The stream of calls to try for one function, the most natural ones first."""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Dict, List, NamedTuple, Tuple

from ...source.functions import BINARY_METHODS, Function, is_bound, signature_of
from ..values import click_commands
from ..values.call import Call, Setup, Subject
from ..values.environment_patches import choices
from ..values.everyday_values import with_other_numbers
from ..values.expressions import Expression
from ..values.from_duck_type import concrete_classes
from ..values.from_iteration import derived, variadic
from ..values.project_files import file_choices, looked_at
from ..values.value_pools import Pools
from .entry_points import later_calls
from .existing_calls import Site, find_sites
from .receiver_setup import setups
from .returned_by_siblings import returned_by_siblings

MAX_PRODUCT = 400
MAX_OPTIONS = 300
MAX_PAIRED = 250
MAX_IN_FOLDER = 80
MAX_RANDOM = 500
MAX_RANDOM_DONE = 150
"""Random calls where every line is reached, for the sake of the small changes alone."""
MAX_NEAR = 120
"""Calls tried around each call that reached something new."""
MAX_RECEIVERS = 14
MAX_CONCRETE = 4
MAX_STARTS = 20
MAX_LATER = 6
_MAX_COMBINATIONS = 20_000
_PREFERENCE = {"doctest": 0, "test": 1, "production": 2}
_UNBOUND = ("function", "construct", "static")
"""Shapes that are called without an object."""
_FREE_KEYWORDS = ("1", "'abc'", "True", "None", "len", "str")


class Start(NamedTuple):
    """An object to call a method on (None for a function), and what is done to it first."""

    receiver: Expression | None
    setup: Setup = ()


class Stream:
    """Candidate calls, in order, without repeats; what was kept steers what comes next.

    Args:
        subject: What is called.
        tree: Its module's syntax tree.
        node: The function in it.
        top: The project's folder, in which calls of the function are looked for.
        seed: Of the random values.

    Attributes:
        kept: Calls that reached something new; the next ones are near to them.
        is_done: Whether every line is reached that can be.
        changed: The function whose small changes are to be noticed, and its node.
    """

    def __init__(
        self, subject: Subject, tree: ast.Module, node: Function, top: str, seed: int
    ) -> None:
        self.subject, self.tree, self.node, self.top = subject, tree, node, top
        self.random = random.Random(seed)
        self.pools = Pools(tree, subject.module, node, seed)
        self.kept: List[Call] = []
        self.is_done: Callable[[], bool] = lambda: False
        self.changed: Tuple[Subject, Function] = (subject, node)
        self.later = later_calls(self.pools, node)
        signature = signature_of(node, bound=is_bound(node, subject.owner))
        self.required = [parameter.arg for parameter in signature.required]
        self.optional = [parameter.arg for parameter, _ in signature.optional]
        self.keyword_options = [
            name for name in self.optional if name not in signature.positional_only
        ]
        self.required_keywords = sorted(signature.required_keywords)
        self.variadic, self.free_keywords = signature.variadic, signature.keywords
        self.is_typed = all(
            parameter.annotation is not None for parameter, _ in signature.by_position
        )
        self.sites = find_sites(top, tree, *self._called_name())
        self.values: Dict[str, List[Expression]] = {}
        parameters = [(parameter, None) for parameter in signature.required]
        for index, (parameter, default) in enumerate([*parameters, *signature.optional]):
            values = self.pools.of(parameter, default)
            self.values[parameter.arg] = self._with_sites(index, parameter.arg, values)

    def _called_name(self) -> Tuple[str, str]:
        if self.subject.shape == "construct":
            return self.subject.owner, ""
        return self.subject.name, self.subject.owner

    def _with_sites(self, index: int, name: str, values: List[Expression]) -> List[Expression]:
        """The pool of a parameter, with what callers passed for it in front of the noise."""
        passed = [site.arguments[index] for site in self.sites if index < len(site.arguments)]
        for site in self.sites:
            passed += [value for key, value in site.keywords if key == name]
        return list(dict.fromkeys([*values[:6], *passed[:20], *values[6:]]))

    def calls(self) -> Iterator[Call]:
        """Every call to try, each once."""
        tried = set()
        for call in self._all():
            key = call._replace(origin="")
            if key not in tried:
                tried.add(key)
                yield call

    def _all(self) -> Iterator[Call]:
        if self.subject.shape == "command":
            yield from self._command_lines()
            return
        receivers = self._receivers()
        if self.subject.shape in BINARY_METHODS and len(self.required) == 1:
            name = self.required[0]  # an operator's other side is mostly of its own kind
            objects = [receiver for receiver in receivers if receiver is not None]
            self.values[name] = list(dict.fromkeys([*objects, *self.values[name]]))
        starts = self._starts(receivers) if receivers else []
        yield from self._from_sites(starts)
        if starts:
            yield from self._made_up(starts)

    def _command_lines(self) -> Iterator[Call]:
        root = getattr(self.subject.module, self.subject.name)
        words = list(self.subject.words)
        command = root.commands[words[0]] if words else root
        for line in click_commands.lines(root, words, command):
            yield Call(None, (line,), (), "command")

    def _made_up(self, starts: Sequence[Start]) -> Iterator[Call]:
        """The calls of each stage, and those near to the ones that were kept in the meantime."""
        near = 0
        stages = (
            self._in_folders, self._products, self._surrounded, self._with_more,
            self._with_options, self._paired, self._returned, self._with_words, self._at_random,
            self._called_again,
        )  # fmt: skip
        for stage in stages:
            for call in stage(starts):
                for chain in self.later[:MAX_LATER]:
                    yield call._replace(then=chain)
                yield call
                while near < len(self.kept):
                    near += 1
                    yield from itertools.islice(self._around(self.kept[near - 1]), MAX_NEAR)

    def _from_sites(self, starts: Sequence[Start]) -> Iterator[Call]:
        """The calls that somebody wrote; self.method(...) on any object of the class."""
        is_method = self.subject.shape not in _UNBOUND
        for site in sorted(self.sites, key=lambda site: _PREFERENCE[site.origin]):
            call = Call(None, site.arguments, site.keywords, site.origin)
            if not is_method:
                yield call
            elif site.receiver is not None:
                yield call._replace(receiver=site.receiver)
            else:
                for start in starts[:4]:
                    yield call._replace(receiver=start.receiver, setup=start.setup)

    def _receivers(self) -> Sequence[Expression | None]:
        """Objects to call a method on; a single None for a plain function."""
        if self.subject.shape in _UNBOUND:
            return [None]
        owner = getattr(self.subject.module, self.subject.owner)
        written = [
            self._construction(site)
            for site in find_sites(self.top, self.tree, self.subject.owner, "")
        ]
        varied = [other for first in written[:1] for other in with_other_numbers(first)]
        written = [*written[: MAX_RECEIVERS // 3], *varied]
        kinds = concrete_classes(owner)
        concrete = [made for kind in kinds for made in self.pools.constructed(kind)]
        receivers = written + concrete[:MAX_CONCRETE] + self.pools.constructed(owner)
        return list(dict.fromkeys(receivers))[:MAX_RECEIVERS]

    def _construction(self, site: Site) -> Expression:
        """The call of the class that somebody wrote, as an expression."""
        texts = [argument.text for argument in site.arguments]
        texts += [f"{name}={value.text}" for name, value in site.keywords]
        names = {self.subject.owner: self.subject.module.__name__}
        for part in [*site.arguments, *(value for _, value in site.keywords)]:
            names.update(part.names)
        return Expression(f"{self.subject.owner}({', '.join(texts)})", tuple(sorted(names.items())))

    def _starts(self, receivers: Sequence[Expression | None]) -> List[Start]:
        """The objects as they are made, then the first of them after some steps."""
        fresh = [Start(receiver) for receiver in receivers]
        if receivers[0] is None:
            return fresh
        owner = getattr(self.subject.module, self.subject.owner)
        sequences = setups(self.tree, self.subject.module, owner, self.node, 0)
        used = [Start(receivers[0], setup) for setup in sequences]
        for setup in sequences[:4]:
            used += [Start(receiver, setup) for receiver in receivers[1:3]]
        return [fresh[0], *used[:6], *fresh[1:], *used[6:]][:MAX_STARTS]

    def _call(
        self,
        start: Start,
        positional: Sequence[Expression],
        options: Mapping[str, Expression],
        origin: str,
    ) -> Call:
        keywords = {name: self.values[name][0] for name in self.required_keywords}
        keywords.update(options)
        return Call(start.receiver, tuple(positional), tuple(keywords.items()), origin, start.setup)

    def _rows(self, limit: int) -> Iterator[List[Expression]]:
        """Combinations of the required arguments, the simplest (lowest ranks) first."""
        pools = [self.values[name] for name in self.required]
        if not pools:
            yield from self._variadic_rows()
            return
        per_pool = max(3, round(4 * limit ** (1 / len(pools))))
        ranges = [range(min(len(pool), per_pool)) for pool in pools]
        combinations = itertools.islice(itertools.product(*ranges), _MAX_COMBINATIONS)
        for ranks in sorted(combinations, key=_rank)[:limit]:
            yield [pool[rank] for pool, rank in zip(pools, ranks)]

    def _variadic_rows(self) -> Iterator[List[Expression]]:
        """No argument, then one or two for `*arguments`."""
        yield []
        if self.variadic is not None:
            for value in self.pools.of_each(self.variadic)[:12]:
                yield [value]
                yield [value, value]

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

    def _in_folders(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Plain calls with the test's own folder, and small files in it, where one is asked for."""
        for changes, patches in file_choices(looked_at(self.tree, self.node)):
            changes = {name: value for name, value in changes.items() if name in self.values}
            for row in self._rows(MAX_IN_FOLDER if changes else 0):
                yield self._changed(starts[0], row, changes)._replace(patches=patches)

    def _paired(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Two arguments at once, the second one made of the first: a key of a dictionary, a part
        of a text, a number beside another. Only while there is something left to reach.
        """
        if not self.is_done():
            yield from itertools.islice(self._pairs(starts[0]), MAX_PAIRED)

    def _pairs(self, start: Start) -> Iterator[Call]:
        plainest = next(self._rows(1), [])
        names = [*self.required, *self.keyword_options]
        pairs = list(itertools.islice(itertools.permutations(names, 2), 12))
        pools = [self.values[name][:8] for name in names]
        for row in itertools.islice(itertools.zip_longest(*pools), 8):
            for first, second in pairs:
                value = row[names.index(first)]
                if value is None:
                    continue
                for second_value in derived(value.text):
                    yield self._changed(start, plainest, {first: value, second: second_value})

    def _changed(self, start: Start, row: List[Expression], changes: Dict[str, Expression]) -> Call:
        """A call with some of its arguments, by name, other than in the row."""
        positional = [changes.get(name, value) for name, value in zip(self.required, row)]
        options = {name: value for name, value in changes.items() if name not in self.required}
        return self._call(start, positional, options, "paired")

    def _returned(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Arguments that a function beside this one returns, alone and beside what it was given.
        Only while there is something left to reach.
        """
        subject, count = self.subject, len(self.required)
        if self.is_done() or subject.shape not in ("function", "method") or not 0 < count < 3:
            return
        start = Start(starts[0].receiver)
        for arguments, call in returned_by_siblings(
            self.tree, subject.module, self.node, subject.owner, start.receiver
        ):
            rows = [[call]]
            if count == 2:
                rows = [[arguments[0], call], [call, arguments[0]]]
            for row in rows:
                yield self._call(start, row, {}, "returned")

    def _with_options(self, starts: Sequence[Start]) -> Iterator[Call]:
        yield from itertools.islice(self._options(starts[:2]), MAX_OPTIONS)

    def _options(self, starts: Sequence[Start]) -> Iterator[Call]:
        """One option at a time, the first value of each, then the second, and so on."""
        rows = list(self._rows(6))
        longest = max((len(self.values[name]) for name in self.optional), default=0)
        for rank in range(longest):
            names = [name for name in self.keyword_options if rank < len(self.values[name])]
            for row, name, start in itertools.product(rows, names, starts):
                yield self._call(start, row, {name: self.values[name][rank]}, "option")

    def _with_words(self, starts: Sequence[Start]) -> Iterator[Call]:
        """Keywords that only **keywords takes: those the body asks for, else a made-up one."""
        if self.free_keywords is None:
            return
        words = _keys_of(self.node, self.free_keywords.arg)
        for word in [*words[:8], "option"]:
            for text in _FREE_KEYWORDS:
                for row in self._rows(4):
                    yield self._call(starts[0], row, {word: Expression(text)}, "option")

    def _called_again(self, starts: Sequence[Start]) -> Iterator[Call]:
        """A few plain calls whose result is called, should it be a function made elsewhere."""
        if self.later:
            return
        text = (Expression("'abc'"),)
        chains = (((Expression("len"),), text), (text,))
        options: List[Dict[str, Expression]] = [{}]
        for name in self.optional:
            options += [{name: value} for value in self.values[name][:3]]
        for row, chain, option in itertools.product(self._rows(6), chains, options):
            yield self._call(starts[0], row, option, "later")._replace(then=chain)

    def _around(self, call: Call) -> Iterator[Call]:
        """The kept call with one argument changed at a time, or one option added."""
        longest = max(map(len, self.values.values()), default=0)
        positional = self.required[: len(call.arguments)]
        more = max(0, len(call.arguments) - len(self.required))
        for rank in range(longest):
            for index, name in enumerate(positional):
                if rank < len(self.values[name]):
                    arguments = list(call.arguments)
                    arguments[index] = self.values[name][rank]
                    yield call._replace(arguments=tuple(arguments), origin="near")
            for name in self.keyword_options[more:]:
                if rank < len(self.values[name]):
                    keywords = {**dict(call.keywords), name: self.values[name][rank]}
                    yield call._replace(keywords=tuple(keywords.items()), origin="near")

    def _at_random(self, starts: Sequence[Start]) -> Iterator[Call]:
        if not self.values:
            return
        choose = self.random.choice
        for _ in range(MAX_RANDOM if not self.is_done() else MAX_RANDOM_DONE):
            row = [choose(self.values[name]) for name in self.required]
            options: Dict[str, Expression] = {}
            for name in self.keyword_options:
                if self.random.random() < 0.4:
                    options[name] = choose(self.values[name])
            yield self._call(choose(starts), row, options, "random")


def _rank(ranks: Tuple[int, ...]) -> Tuple[int, Tuple[int, ...]]:
    return sum(ranks), ranks


def _keys_of(function: Function, name: str) -> List[str]:
    """The keys that a function asks a mapping for."""
    words: Dict[str, None] = {}
    for node in ast.walk(function):
        owner: Any = getattr(node, "value", None)
        owner = owner or getattr(getattr(node, "func", None), "value", None)
        if getattr(owner, "id", "") != name:
            continue
        for part in ast.walk(node):
            text = getattr(part, "value", None)
            if isinstance(text, str) and text.isidentifier():
                words[text] = None
    return list(words)
