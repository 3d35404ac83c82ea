"""What a run of the tests recorded, and the same in the names of the whole repository.

pytest names tests by their paths below the project's folder. Where that is not the top of the
repository, names would mean two tests in two projects, so they are kept by the paths of the
repository.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from copydesk.agent.records import TestId

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class TestRun:
    """How one test went. `names` are the fixtures it asks for, by name."""

    __test__ = False  # a record, not a test class

    outcome: str
    seconds: float
    fixtures: tuple[str, ...]
    names: tuple[str, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the probe saw of one pytest run.

    `lines` (numbits) and `arcs` (as `store.traces.pack_arcs` has them) are by context and path,
    `needs` by context: pairs of a kind and a name, as the probe's `dependencies` has them.
    """

    tests: dict[TestId, TestRun]
    collected: tuple[TestId, ...]
    errors: dict[str, str]
    lines: dict[str, dict[str, bytes]]
    arcs: dict[str, dict[str, bytes]]
    needs: dict[str, frozenset[tuple[str, str]]]
    seconds: float
    tracer: str
    output: str = field(repr=False, default="")


def name_in_project(name: TestId, folder: str) -> TestId:
    """A test of the repository as pytest names it in the project's folder."""
    return name.removeprefix(f"{folder}/") if folder else name


def in_repository(recording: Recording, folder: str) -> Recording:
    """A recording of a project in a subfolder, in the names of the repository.

    Args:
        recording: What was recorded; its paths of files are the repository's already.
        folder: The project's folder.
    """

    def name(test: str) -> str:
        return posixpath.join(folder, test) if test not in ("", ".") else folder

    tests = {}
    for test, run in recording.tests.items():
        fixtures = tuple(_context(fixture, folder) for fixture in run.fixtures)
        tests[name(test)] = replace(run, fixtures=fixtures)
    return replace(
        recording,
        tests=tests,
        collected=tuple(map(name, recording.collected)),
        errors={name(test): text for test, text in recording.errors.items()},
        lines=_contexts(recording.lines, folder),
        arcs=_contexts(recording.arcs, folder),
        needs={
            _context(context, folder): _needs(needs, folder)
            for context, needs in recording.needs.items()
        },
    )


def united(recordings: Iterable[Recording]) -> Recording:
    """The recordings of several projects as one.

    What runs between the tests is one context, whatever the project.
    """
    whole = Recording({}, (), {}, {}, {}, {}, 0.0, "")
    for recording in recordings:
        whole = _united(whole, recording)
    return whole


def _united(one: Recording, other: Recording) -> Recording:
    return Recording(
        {**one.tests, **other.tests},
        (*one.collected, *other.collected),
        {**one.errors, **other.errors},
        united_hits(one.lines, other.lines, united_lines),
        united_hits(one.arcs, other.arcs, united_arcs),
        united_needs(one.needs, other.needs),
        one.seconds + other.seconds,
        one.tracer or other.tracer,
        one.output + other.output,
    )


_ByContext = dict[str, dict[str, bytes]]
"""Lines (numbits) or arcs (packed) by context and path."""


def united_needs(
    one: Mapping[str, frozenset[tuple[str, str]]], other: Mapping[str, frozenset[tuple[str, str]]]
) -> dict[str, frozenset[tuple[str, str]]]:
    """What contexts depend on in one recording or another, by context."""
    contexts = {**one, **other}
    return {c: one.get(c, frozenset()) | other.get(c, frozenset()) for c in contexts}


def united_hits(
    one: _ByContext, other: _ByContext, unite: Callable[[bytes, bytes], bytes]
) -> _ByContext:
    """Lines or arcs of two recordings, by context and path.

    Args:
        one: Those of the first.
        other: Those of the second.
        unite: The union of two packed sets.
    """
    whole = {context: dict(by_path) for context, by_path in one.items()}
    for context, by_path in other.items():
        known = whole.setdefault(context, {})
        for path, packed in by_path.items():
            known[path] = unite(known[path], packed) if path in known else packed
    return whole


def united_lines(one: bytes, other: bytes) -> bytes:
    """The union of two sets of lines (numbits)."""
    longer = max(len(one), len(other))
    bits = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return bits.to_bytes(longer, "little")


def united_arcs(one: bytes, other: bytes) -> bytes:
    """The union of two sets of packed arcs."""
    pairs = sorted({*struct.iter_unpack("<ii", one), *struct.iter_unpack("<ii", other)})
    return b"".join(struct.pack("<ii", *pair) for pair in pairs)


def _contexts(by_context: Mapping[str, _Value], folder: str) -> dict[str, _Value]:
    return {_context(context, folder): value for context, value in by_context.items()}


def _context(context: str, folder: str) -> str:
    """A context in the names of the repository: imports are, as they are by path."""
    kind, _, name = context.partition(":")
    if kind == "test":
        return f"test:{posixpath.join(folder, name)}"
    if kind == "fixture":
        return f"fixture:{_fixture(name, folder)}"
    return context


def _fixture(name: str, folder: str) -> str:
    """A fixture: its scope, where it is defined (a part of a test's name), and its own name."""
    scope, _, rest = name.partition(":")
    place, _, own_name = rest.rpartition(":")
    return f"{scope}:{posixpath.join(folder, place) if place else folder}:{own_name}"


def _needs(needs: Iterable[tuple[str, str]], folder: str) -> frozenset[tuple[str, str]]:
    pairs = set()
    for kind, name in needs:
        pairs.add((kind, _fixture(name, folder) if kind == "fixture" else name))
    return frozenset(pairs)
