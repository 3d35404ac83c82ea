"""The traces of a commit as the files of a git tree, and back.

What the tests of one file did is one file, what is executed of one source file another, so that a
commit that changes a function changes few of them, and git stores the rest once. Lines are kept as
the distances between them: where a function moves, one number changes, and git's deltas are small.
The texts are lines of JSON. What executed what is named by a hash of it, so a reference either
leads to what it was made from or nowhere.

Nothing of what is read here is trusted: see `limits` for what it may hold.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from copydesk.agent.coverage.exchange.limits import (
    KINDS,
    MAX_NEEDS,
    OUTCOMES,
    Budget,
    checked_lines,
    checked_numbers,
    checked_path,
    checked_text,
    checked_words,
    is_inside,
)
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import (
    Hit,
    Trace,
    numbits_to_nums,
    nums_to_numbits,
    pack_arcs,
    unpack_arcs,
)
from copydesk.agent.git.map_repository import refused
from copydesk.agent.records import Arc

HITS, TRACES = ".hits", ".traces"
"""How the names of the files end: no folder of a project is called so."""

_OTHER = "other"
_REFERENCE = 10
"""Characters of a reference: 60 bits of a SHA-256."""

_PATHS = frozenset({"file", "folder", "import", "after"})
"""Kinds of needs whose names are paths of the tree."""


def encode(traces: Iterable[Trace]) -> dict[str, bytes]:
    """The files that hold some traces, by path; the same traces always give the same files."""
    hits: dict[str, dict[tuple[str, str], str]] = {}
    references: dict[Hit, str] = {}
    shards: dict[str, list[Trace]] = {}
    for trace in traces:
        for hit in trace.hits:
            if hit not in references:
                text = _hit_as_text(hit)
                hits.setdefault(hit.path, {})[hit.blob, text] = ""
                references[hit] = _hit_reference(hit.path, hit.blob, text)
        shards.setdefault(_shard_of(trace), []).append(trace)
    files = {f"hits/{path}{HITS}": _hits_file(texts) for path, texts in hits.items()}
    for name, members in shards.items():
        files[f"traces/{name}{TRACES}"] = _traces_file(members, references)
    return files


def _shard_of(trace: Trace) -> str:
    """The name of the file that a trace stands in."""
    if trace.kind in ("test", "import", "collection"):
        path = file_of(trace.name)
        if is_inside(path):
            return f"{'import' if trace.kind == 'import' else 'test'}/{path}"
    return _OTHER


def _hits_file(texts: Iterable[tuple[str, str]]) -> bytes:
    rows = sorted(texts)
    blobs = sorted({blob for blob, _ in rows})
    number = {blob: str(place) for place, blob in enumerate(blobs)}
    lines = [json.dumps(blobs), *(f"{number[blob]} {text}" for blob, text in rows)]
    return _joined(lines)


def _traces_file(traces: Iterable[Trace], references: Mapping[Hit, str]) -> bytes:
    needs: dict[frozenset[tuple[str, str]], tuple[str, str]] = {}
    rows = []
    for trace in sorted(traces, key=lambda trace: (trace.kind, trace.name)):
        if trace.needs not in needs:
            text = json.dumps(sorted(trace.needs), ensure_ascii=True, separators=(",", ":"))
            needs[trace.needs] = _reference(text), text
        # by path, not by reference: what stays the same stays in its place
        places = sorted((hit.path, hit.blob, references[hit]) for hit in trace.hits)
        joined = "".join(reference for _, _, reference in places)
        milliseconds = round(trace.seconds * 1000)
        row = [trace.kind, trace.name, trace.outcome, milliseconds, needs[trace.needs][0], joined]
        rows.append(json.dumps(row, ensure_ascii=True, separators=(",", ":")))
    return _joined([text for _, text in sorted(needs.values())] + [""] + rows)


def _hit_as_text(hit: Hit) -> str:
    lines = numbits_to_nums(hit.lines)
    arcs = unpack_arcs(hit.arcs)
    distances: list[int] | int = [lines[0], *(b - a for a, b in pairwise(lines))] if lines else []
    if arcs and lines == _lines_of_arcs(arcs):
        distances = 0
    return json.dumps([distances, _arcs_as_numbers(arcs)], separators=(",", ":"))


def _lines_of_arcs(arcs: Sequence[Arc]) -> list[int]:
    """The lines that arcs lead from and to: nearly always those that were executed."""
    return sorted({line for arc in arcs for line in arc if line > 0})


def _arcs_as_numbers(arcs: Iterable[Arc]) -> list[int]:
    """Arcs as distances, two a piece: from the start before, and from start to end.

    The last bit of each says that the line is negative: an entry or exit.
    """
    numbers, last = [], 0
    for start, end in sorted(arcs, key=lambda arc: (abs(arc[0]), arc)):
        numbers.append((abs(start) - last) * 2 + (start < 0))
        numbers.append((abs(end) - abs(start)) * 2 + (end < 0))
        last = abs(start)
    return numbers


def _arcs_from_numbers(numbers: Sequence[int]) -> list[Arc]:
    arcs, last = [], 0
    for start, end in zip(numbers[::2], numbers[1::2], strict=True):
        last += start >> 1
        reach = last + (end >> 1)
        arcs.append((-last if start & 1 else last, -reach if end & 1 else reach))
    return arcs


def _reference(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_REFERENCE]


def _hit_reference(path: str, blob: str, text: str) -> str:
    return _reference(f"{path}\0{blob}\0{text}")


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")


# --- reading ---


def decode(files: Mapping[str, bytes]) -> list[Trace]:
    """The traces that files hold.

    Args:
        files: The content of each by its path, from whomever.

    Raises:
        CopydeskError: They are not what `encode` makes, or hold more than they may
            ("map-refused").
    """
    budget = Budget()
    hits: dict[str, Hit] = {}
    for path, content in files.items():
        if path.startswith("hits/"):
            source = checked_path(path.removeprefix("hits/").removesuffix(HITS))
            _read_hits(source, content, hits, budget)
    traces: dict[tuple[str, str], Trace] = {}
    for path, content in files.items():
        if path.startswith("traces/"):
            for trace in _read_traces(content, hits, budget):
                if traces.setdefault((trace.kind, trace.name), trace) is not trace:
                    raise refused(f"{trace.name!r} stands in it twice")
    return list(traces.values())


def _read_hits(path: str, content: bytes, into: dict[str, Hit], budget: Budget) -> None:
    first, *rows = checked_lines(content)
    blobs = checked_words(_parsed(first))
    for row in rows:
        number, space, text = row.partition(" ")
        if not space or not number.isdigit() or len(number) > 6 or int(number) >= len(blobs):
            raise refused(f"a version of {path!r} that it does not name")
        blob = blobs[int(number)]
        hit = _hit_from_text(path, blob, text, budget)
        into[_hit_reference(path, blob, text)] = hit


def _hit_from_text(path: str, blob: str, text: str, budget: Budget) -> Hit:
    parsed = _parsed(text)
    if not isinstance(parsed, list) or len(parsed) != 2:
        raise refused(f"no lines of {path!r}")
    distances, numbers = parsed
    pairs = checked_numbers(numbers)
    if len(pairs) % 2:
        raise refused(f"an arc without an end in {path!r}")
    arcs = _arcs_from_numbers(pairs)
    if distances == 0:
        lines = _lines_of_arcs(arcs)
    else:
        lines = list(accumulate(checked_numbers(distances, least=0)))
    budget.spend(path, lines, arcs)
    return Hit(path, blob, nums_to_numbits(lines), pack_arcs(arcs))


def _read_traces(content: bytes, hits: Mapping[str, Hit], budget: Budget) -> Iterable[Trace]:
    rows = checked_lines(content)
    needs: dict[str, frozenset[tuple[str, str]]] = {}
    in_needs = True
    for row in rows:
        if in_needs and row:
            needs[_reference(row)] = _needs_from_text(row)
        elif in_needs:
            in_needs = False
        else:
            yield _trace_from_text(row, needs, hits, budget)


def _needs_from_text(text: str) -> frozenset[tuple[str, str]]:
    parsed = _parsed(text)
    if not isinstance(parsed, list) or len(parsed) > MAX_NEEDS:
        raise refused("too many dependencies")
    pairs = set()
    for pair in parsed:
        if not isinstance(pair, list) or len(pair) != 2:
            raise refused("a dependency that is none")
        kind, name = checked_text(pair[0]), checked_text(pair[1])
        if kind in _PATHS and name not in ("", ".", "*"):
            checked_path(name)
        pairs.add((kind, name))
    return frozenset(pairs)


def _trace_from_text(
    text: str,
    needs: Mapping[str, frozenset[tuple[str, str]]],
    hits: Mapping[str, Hit],
    budget: Budget,
) -> Trace:
    parsed = _parsed(text)
    if not isinstance(parsed, list) or len(parsed) != 6:
        raise refused("a record that is none")
    kind, name, outcome, milliseconds, need, joined = parsed
    if checked_text(kind) not in KINDS or checked_text(outcome) not in OUTCOMES:
        raise refused(f"a record of an unknown kind: {str(kind)[:40]!r}, {str(outcome)[:40]!r}")
    (time,) = checked_numbers([milliseconds], least=0)
    references = checked_text(joined, most=len(text))
    if not isinstance(need, str) or need not in needs or len(references) % _REFERENCE:
        raise refused(f"{str(name)[:200]!r} refers to what is not there")
    executed = []
    for at in range(0, len(references), _REFERENCE):
        hit = hits.get(references[at : at + _REFERENCE])
        if hit is None:
            raise refused(f"{str(name)[:200]!r} refers to lines that are not there")
        executed.append(hit)
    budget.spend_references(len(executed))
    return Trace(kind, checked_text(name), outcome, time / 1000, tuple(executed), needs[need])


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refused(f"no JSON: {text[:60]!r}") from error
