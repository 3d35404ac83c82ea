"""What a part of a run recorded, as bytes that travel between machines, and back.

What each context executed and needs is in the files of `shards`, with the same limits; beside them
stand how the tests went and what was collected. The bytes are compressed JSON, never a pickle:
whoever answers in a worker's name can send a wrong record, but no code.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

from copydesk.agent.coverage.exchange.limits import (
    MAX_LINES,
    OUTCOMES,
    checked_text,
    is_inside,
)
from copydesk.agent.coverage.exchange.shards import decode, encode
from copydesk.agent.coverage.runner import Recording, TestRun
from copydesk.agent.coverage.store import Hit, Trace
from copydesk.agent.git.map_repository import refused

MAX_FRAGMENT = 256 << 20
"""Bytes of a fragment once it is unpacked."""

MAX_OUTPUT = 64 << 20
"""Characters of what its pytest printed."""

_NO_BLOB = "0" * 40
"""Lines are of the commit that both sides have: no version of a file has to be named."""

_FIELDS = frozenset({"files", "tests", "collected", "errors", "seconds", "tracer", "output"})


def encode_recording(recording: Recording) -> bytes:
    """A recording as bytes; lines of what lies outside of the tree are left out."""
    contexts = {*recording.lines, *recording.needs}
    traces = [_trace(recording, context) for context in sorted(contexts)]
    tests = []
    for name, test in recording.tests.items():
        lists = list(test.fixtures), list(test.names)
        tests.append([name, test.outcome, test.seconds, *lists, test.message])
    values = {
        "files": {path: content.decode("ascii") for path, content in encode(traces).items()},
        "tests": tests,
        "collected": list(recording.collected),
        "errors": recording.errors,
        "seconds": recording.seconds,
        "tracer": recording.tracer,
        "output": recording.output[-MAX_OUTPUT:],
    }
    return zlib.compress(json.dumps(values, separators=(",", ":")).encode("ascii"))


def _trace(recording: Recording, context: str) -> Trace:
    kind, _, name = context.partition(":") if context else ("session", "", "")
    arcs = recording.arcs.get(context, {})
    hits = tuple(
        Hit(path, _NO_BLOB, lines, arcs.get(path, b""))
        for path, lines in sorted(recording.lines.get(context, {}).items())
        if is_inside(path)
    )
    return Trace(kind, name, "none", 0.0, hits, recording.needs.get(context, frozenset()))


def decode_recording(content: bytes) -> Recording:
    """The recording that bytes hold.

    Args:
        content: The bytes, from whomever.

    Raises:
        CopydeskError: They are not what `encode_recording` makes, or hold more than they may
            ("map-refused").
    """
    values = _unpacked(content)
    files = _texts(values["files"], most=MAX_FRAGMENT)
    lines: dict[str, dict[str, bytes]] = {}
    arcs: dict[str, dict[str, bytes]] = {}
    needs: dict[str, frozenset[tuple[str, str]]] = {}
    for trace in decode({path: _ascii(text) for path, text in files.items()}):
        is_session = trace.kind == "session" and not trace.name
        context = "" if is_session else f"{trace.kind}:{trace.name}"
        lines[context] = {hit.path: hit.lines for hit in trace.hits}
        arcs[context] = {hit.path: hit.arcs for hit in trace.hits if hit.arcs}
        needs[context] = trace.needs
    return Recording(
        dict(map(_test, _list(values["tests"]))),
        tuple(map(checked_text, _list(values["collected"]))),
        _texts(values["errors"], most=MAX_OUTPUT),
        lines,
        arcs,
        needs,
        _seconds(values["seconds"]),
        checked_text(values["tracer"]),
        checked_text(values["output"], most=MAX_OUTPUT),
    )


def _unpacked(content: bytes) -> Mapping[str, Any]:
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(content, MAX_FRAGMENT)
        if not unpacker.eof or unpacker.unused_data:
            raise refused(
                f"a fragment that is cut short, or takes more than {MAX_FRAGMENT:,} bytes"
            )
        values = json.loads(raw)
    except (zlib.error, ValueError, RecursionError) as error:
        raise refused("a fragment that cannot be read") from error
    if not isinstance(values, dict) or values.keys() != _FIELDS:
        raise refused("a fragment with other fields")
    return values


def _test(row: Any) -> tuple[str, TestRun]:
    if not isinstance(row, list) or len(row) != 6:
        raise refused("a test that is none")
    name, outcome, seconds, fixtures, names, message = row
    if checked_text(outcome) not in OUTCOMES:
        raise refused(f"an outcome that is none: {outcome[:40]!r}")
    run = TestRun(
        outcome,
        _seconds(seconds),
        tuple(map(checked_text, _list(fixtures))),
        tuple(map(checked_text, _list(names))),
        checked_text(message, most=MAX_OUTPUT),
    )
    return checked_text(name), run


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_LINES:
        raise refused("no list, or too long a one")
    return value


def _texts(value: Any, *, most: int) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MAX_LINES:
        raise refused("no texts by name")
    return {checked_text(name): checked_text(text, most=most) for name, text in value.items()}


def _ascii(text: str) -> bytes:
    if not text.isascii():
        raise refused("a file that is no plain text")
    return text.encode("ascii")


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value < 1e9:
        raise refused("a time that is none")
    return float(value)
