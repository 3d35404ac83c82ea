"""Traces as files of a git tree, and what of such files is refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.agent.coverage.exchange import decode, encode, limits
from copydesk.agent.coverage.store import Hit, Trace, nums_to_numbits, pack_arcs
from copydesk.agent.errors import CopydeskError

BLOB = "b" * 40
MakeTrace = Callable[..., Trace]
LINES = st.lists(st.integers(1, 5000), unique=True, max_size=12)
SIGNED = st.integers(-5000, 5000).filter(bool)
ARCS = st.lists(st.tuples(SIGNED, SIGNED), unique=True, max_size=12)
PATHS = st.sampled_from(["a.py", "src/b.py", "src/deep/c.py"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
HITS = st.builds(
    lambda path, blob, lines, arcs: Hit(path, blob * 40, nums_to_numbits(lines), pack_arcs(arcs)),
    PATHS,
    st.sampled_from("abc"),
    LINES,
    ARCS,
)
NEEDS = st.frozensets(st.tuples(st.sampled_from(["env", "name", "fixture"]), TEXT), max_size=4)
TRACES = st.builds(
    Trace,
    st.sampled_from(["test", "import", "fixture", "collection", "session"]),
    st.one_of(TEXT, st.builds("{}::{}".format, PATHS, TEXT)),
    st.sampled_from(sorted(limits.OUTCOMES)),
    st.integers(0, 10_000).map(lambda ms: ms / 1000),
    st.lists(HITS, max_size=4).map(lambda hits: tuple(sorted(hits))),
    NEEDS,
    st.none(),
    st.none(),
)
MAPS = st.lists(TRACES, max_size=8, unique_by=lambda trace: (trace.kind, trace.name))


def by_key(traces: list[Trace]) -> dict[tuple[str, str], Trace]:
    return {(t.kind, t.name): t._replace(hits=tuple(sorted(t.hits))) for t in traces}


# how long it takes to make an example says how busy the machine is
UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow])


@UNHURRIED
@given(MAPS)
def test_what_is_encoded_is_decoded(traces: list[Trace]) -> None:
    files = encode(traces)
    assert by_key(decode(files)) == by_key(traces)
    assert encode(reversed(traces)) == files
    assert all(limits.is_inside(path) for path in files)


@UNHURRIED
@given(MAPS, st.data())
def test_altered_files_are_refused_or_say_the_same_kind_of_thing(
    traces: list[Trace], data: st.DataObject
) -> None:
    files = dict(encode(traces))
    if not files:
        return
    path = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[path])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(CopydeskError):
        for trace in decode({**files, path: bytes(content)}):
            assert trace.kind in limits.KINDS
            assert all(limits.is_inside(hit.path) for hit in trace.hits)


def test_lines_that_move_change_a_few_bytes(a_trace: MakeTrace) -> None:
    """A function that moves down by a line costs a number, not all of its lines."""
    before = [*range(1, 20), *range(40, 900)]
    after = [*range(1, 20), *range(41, 901)]
    texts = []
    for lines in (before, after):
        hit = Hit("a.py", BLOB, nums_to_numbits(lines), b"")
        files = encode([a_trace()._replace(hits=(hit,))])
        texts.append(files["hits/a.py.hits"].decode().split(","))
    assert sum(one != other for one, other in zip(*texts, strict=True)) == 1


def altered(trace: Trace, change: Mapping[str, object]) -> dict[str, bytes]:
    """The files of a map, of which one row has other values."""
    files = dict(encode([trace]))
    path = "traces/test/tests/test_lib.py.traces"
    *head, row = files[path].decode().split("\n")[:-1]
    values = dict(
        zip(["kind", "name", "outcome", "ms", "need", "hits"], json.loads(row), strict=True)
    )
    text = json.dumps(list({**values, **change}.values()), separators=(",", ":"))
    files[path] = "".join(f"{line}\n" for line in [*head, text]).encode()
    return files


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "code"}, "unknown kind"),
        ({"outcome": "great"}, "unknown kind"),
        ({"outcome": []}, "no text"),
        ({"ms": -1}, "out of bounds"),
        ({"ms": True}, "no whole number"),
        ({"name": 7}, "no text"),
        ({"name": "x" * 20_000}, "no text"),
        ({"need": "nowhere"}, "not there"),
        ({"hits": "AAAAAAAAAA"}, "lines that are not there"),
        ({"hits": "short"}, "not there"),
        ({"more": 1}, "a record that is none"),
    ],
)
def test_a_forged_record_is_refused(
    a_trace: MakeTrace, change: dict[str, object], why: str
) -> None:
    with pytest.raises(CopydeskError, match=why):
        decode(altered(a_trace(), change))


@pytest.mark.parametrize(
    "path", ["../up.py", "/etc/passwd", "a/../../b", ".git/config", "a/.GIT/b", "C:\\x", "a\nb", ""]
)
def test_a_path_outside_of_the_tree_is_refused(path: str) -> None:
    with pytest.raises(CopydeskError, match="leads out of the tree"):
        decode({f"hits/{path}.hits": b'["%s"]\n' % BLOB.encode()})
    needs = json.dumps([["file", path or "/"]])
    row = '["test","t","passed",1,"x",""]'
    with pytest.raises(CopydeskError, match="leads out of the tree"):
        decode({"traces/other.traces": f"{needs}\n\n{row}\n".encode()})


def hits_file(text: str) -> dict[str, bytes]:
    return {"hits/a.py.hits": f'["{BLOB}"]\n0 {text}\n'.encode()}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[2000000000],[]]", "beyond"),
        ("[[1],[4000000000,0]]", "beyond"),
        ("[[1e300],[]]", "no whole number"),
        ("[[1],[1]]", "arc without an end"),
        ("[1,2,3]", "no lines"),
        ("[[1],{}]", "no numbers"),
        ("[[1],[99999999999999999999999,1]]", "out of bounds"),
        ("[" * 100_000, "no JSON"),
        ("nonsense", "no JSON"),
    ],
)
def test_lines_that_cannot_be_are_refused(text: str, why: str) -> None:
    with pytest.raises(CopydeskError, match=why):
        decode(hits_file(text))


def test_a_small_file_cannot_ask_for_much_room(
    a_trace: MakeTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.Budget.__init__, "__defaults__", (1_000_000, 10))
    rows = "".join(f"0 [[{999_000 + n}],[]]\n" for n in range(20))
    with pytest.raises(CopydeskError, match="take more than"):
        decode({"hits/a.py.hits": f'["{BLOB}"]\n{rows}'.encode()})
    hits = tuple(Hit("a.py", BLOB, nums_to_numbits([n]), b"") for n in range(1, 20))
    with pytest.raises(CopydeskError, match="references"):
        decode(encode([a_trace()._replace(hits=hits)]))


@pytest.mark.parametrize("content", [b"", b"no end", b"\xff\n", b"[]\n", b'["x"]\n', b"{}\n"])
def test_a_file_of_another_kind_is_refused(content: bytes) -> None:
    with pytest.raises(CopydeskError):
        decode({"hits/a.py.hits": content})
    with pytest.raises(CopydeskError):
        decode({"hits/a.py.hits": b'["%s"]\n7 [[1],[]]\n' % BLOB.encode()})


def test_a_test_that_stands_twice_is_refused(a_trace: MakeTrace) -> None:
    files = encode([a_trace()])
    twice = {**files, "traces/other.traces": files["traces/test/tests/test_lib.py.traces"]}
    with pytest.raises(CopydeskError, match="twice"):
        decode(twice)
    with pytest.raises(CopydeskError, match="dependencies"):
        decode({"traces/other.traces": b"{}\n"})
    with pytest.raises(CopydeskError, match="dependency"):
        decode({"traces/other.traces": b"[[1]]\n"})
    with pytest.raises(CopydeskError, match="lines"):
        limits.checked_lines(b"\n" * (limits.MAX_LINES + 1))
