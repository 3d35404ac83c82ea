"""Recordings as bytes: the same comes back, and nothing that is wrong gets in."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.exchange import decode_recording, encode_recording, recordings
from copydesk.agent.coverage.runner import Recording, TestRun
from copydesk.agent.coverage.store import nums_to_numbits, pack_arcs
from copydesk.agent.errors import CopydeskError

LINES = st.frozensets(st.integers(1, 400), min_size=1, max_size=9).map(nums_to_numbits)
ARCS = st.frozensets(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1).map(pack_arcs)
CONTEXTS = ["", "test:a.py::one[é\udc80]", "import:lib.py", "fixture:session:conftest.py:db"]
NEED = st.tuples(st.sampled_from(["file", "env", "name"]), st.sampled_from(["a.py", "B"]))


@st.composite
def made(draw: st.DrawFn) -> Recording:
    contexts = draw(st.sets(st.sampled_from(CONTEXTS)))
    lines = {c: draw(st.dictionaries(st.sampled_from(["a.py", "b/c.py"]), LINES)) for c in contexts}
    arcs = {c: {path: draw(ARCS) for path in lines[c] if draw(st.booleans())} for c in contexts}
    needs = {c: draw(st.frozensets(NEED, max_size=3)) for c in contexts}
    seconds = draw(st.floats(0, 1e6))
    run = TestRun("failed", seconds, ("function:a.py:f",), ("f",), draw(st.text(max_size=9)))
    names = ("a.py::one[é\udc80]", "a.py::two")
    tests = dict.fromkeys(names, run)
    return Recording(tests, names, {"b.py": "no"}, lines, arcs, needs, seconds, "CTracer", "said")


def a_recording() -> Recording:
    lines = {"test:a.py::one": {"a.py": nums_to_numbits([1, 3])}}
    run = TestRun("passed", 0.5, (), ())
    return Recording({"a.py::one": run}, ("a.py::one",), {}, lines, {}, {}, 1.0, "", "")


@given(made())
def test_what_is_encoded_comes_back(recording: Recording) -> None:
    assert decode_recording(encode_recording(recording)) == recording


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_changes_no_recording(place: int, change: int) -> None:
    content = bytearray(encode_recording(a_recording()))
    content[place % len(content)] ^= change
    with contextlib.suppress(CopydeskError):
        # else a bit of the compression that says nothing of the content
        decoded = decode_recording(bytes(content))
        assert decoded == decode_recording(encode_recording(a_recording()))


def changed(edit: Callable[[dict[str, Any]], object]) -> bytes:
    values = json.loads(zlib.decompress(encode_recording(a_recording())))
    edit(values)
    return zlib.compress(json.dumps(values).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        zlib.compress(b"[]"),
        encode_recording(a_recording()) + b"more",
        changed(lambda values: values.pop("output")),
        changed(lambda values: values.update(tests=[["a.py::one"]])),
        changed(lambda values: values["tests"][0].__setitem__(1, "fine")),
        changed(lambda values: values["tests"][0].__setitem__(2, float("nan"))),
        changed(lambda values: values["tests"][0].__setitem__(3, "not a list")),
        changed(lambda values: values.update(errors=[])),
        changed(lambda values: values.update(seconds=True)),
        changed(
            lambda values: values["files"].update({"hits/../x.hits": '["' + "0" * 40 + '"]\n'})
        ),
        changed(lambda values: values["files"].update({"traces/other.traces": "é\n"})),
    ],
)
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(CopydeskError) as caught:
        decode_recording(content)
    assert caught.value.slug == "map-refused"


def test_a_fragment_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MAX_FRAGMENT", 1 << 16)
    with pytest.raises(CopydeskError, match="takes more than"):
        decode_recording(zlib.compress(b" " * (1 << 20)))


def test_lines_outside_of_the_tree_stay_where_they_are() -> None:
    recording = a_recording()
    recording.lines["test:a.py::one"]["/usr/lib/x.py"] = nums_to_numbits([1])
    decoded = decode_recording(encode_recording(recording))
    assert list(decoded.lines["test:a.py::one"]) == ["a.py"]
