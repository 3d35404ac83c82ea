"""The probe's tracers agree, in processes of their own: only one tracer fits into each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.store.traces import pack_arcs, unpack_arcs

SCRIPT = """
import json, sys
from copydesk_probe import tracers
kind, root = sys.argv[1:]
scope = tracers.SourceScope(root)
branch = "branch" in kind
if kind.startswith("monitoring"):
    tracer = tracers.MonitoringTracer(scope)
else:
    tracer = tracers.CoverageTracer(scope, branch, root + "/data")
tracer.start()
if "official" in kind:
    tracer._live = None
sys.path.insert(0, root)
tracer.switch("import")
import subject
for name, value in (("one", 1), ("two", 5), ("one", 9)):
    assert tracer.switch(name) in ("import", "one", "two")
    subject.work(value)
tracer.switch("")
tracer.stop()
found = {}
for context, files in tracer.hits.contexts.items():
    for path, piece in files.items():
        if path.endswith("subject.py"):
            values = [tracer.packing.unpacked(arc) for arc in piece] if branch else piece
            found[context] = sorted(values)
print(json.dumps(found))
"""
SUBJECT = (
    "def work(value):\n    if value > 3:\n        value -= 1\n"
    "    for _ in range(value % 2):\n        value += 1\n    return value\n"
)


def traced(kind: str, folder: Path, python: str = sys.executable) -> dict[str, list[object]]:
    (folder / "subject.py").write_text(SUBJECT)
    said = subprocess.run(
        [python, "-c", SCRIPT, kind, str(folder)],
        env={"PYTHONPATH": str(PROBE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, list[object]] = json.loads(said.stdout)
    return {context: values for context, values in found.items() if values}


LINES = {"import": [1], "one": [2, 3, 4, 5, 6], "two": [2, 3, 4, 6]}


@pytest.mark.parametrize("kind", ["lines", "lines official", "monitoring"])
def test_every_tracer_sees_the_same_lines(kind: str, tmp_path: Path) -> None:
    if kind == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring came with Python 3.12")
    assert traced(kind, tmp_path) == LINES


BEFORE, SINCE = ("lines", "lines official"), ("lines", "monitoring")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "kinds"),
    [("3.10", BEFORE), ("3.11", BEFORE), ("3.12", SINCE), ("3.13", SINCE)],
    indirect=["python"],
)
def test_tracers_agree_on_every_python(
    python: Path, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    for kind in kinds:
        assert traced(kind, tmp_path, str(python)) == LINES
    arcs = traced("branch", tmp_path, str(python))
    assert arcs == traced("branch official", tmp_path, str(python))
    assert [6, -1] in arcs["two"]


def test_arcs_taken_from_the_tracer_are_those_of_its_contexts(tmp_path: Path) -> None:
    taken = traced("branch", tmp_path)
    assert taken == traced("branch official", tmp_path)
    assert [-1, 2] in taken["two"]
    assert [6, -1] in taken["two"]
    assert [2, 4] not in taken["two"]


@given(st.frozensets(st.tuples(st.integers(-(2**27), 2**27), st.integers(-(2**27), 2**27))))
def test_packed_arcs_come_back(arcs: frozenset[tuple[int, int]]) -> None:
    assert unpack_arcs(pack_arcs(arcs)) == tuple(sorted(arcs))
