"""All of coverage.py that is private or differs between its versions, in one place.

Nothing else of copydesk touches what is below. Where a version lacks one of these, or has it in
another form, the function here says so, and what calls it takes coverage.py's public interface.

| what | coverage.py |
| --- | --- |
| `Coverage._collector.data`: what the C tracer fills, by file | all, 6.5 to 7.17 |
| arcs in it as integers: 20 bits a line | to 7.13.1 |
| arcs in it as integers: 28 bits a line | from 7.13.2 |
| arcs in it as tuples | its Python tracer, in all |
| `Collector._collectors`, `Collector.tracers`: the stack of what measures | all |
| $COVERAGE_CORE: which tracer is taken; before there is the C tracer alone | from 7.4 |
| `get_analysis_to_report` in `coverage.report` | to 7.2 |
| `get_analysis_to_report` in `coverage.report_core` | from 7.3 |
| `Analysis.has_arcs` is a method | to 7.4 |
| `Analysis.executed` has lines that are no statements, too | to 7.13.0 |
| `patch`, `config.serialize()`, a configuration ":data:…", $COVERAGE_PROCESS_CONFIG | from 7.10 |
| `patch_multiprocessing`, `Coverage._auto_save`, `Coverage._warn_…` | all |
| `run:source_dirs` | from 7.8 |

The layout of arcs is not taken from a version but from what the tracer itself makes of two lines.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, NamedTuple


class ArcPacking(NamedTuple):
    """How arcs are packed into integers: so many bits a line, then the signs of both."""

    bits: int

    def packed(self, start: int, end: int) -> int:
        """An arc as one integer."""
        sign = (start < 0) << 2 * self.bits | (end < 0) << 2 * self.bits + 1
        return abs(start) | abs(end) << self.bits | sign

    def unpacked(self, arc: int) -> tuple[int, int]:
        """What `packed` packed."""
        mask = (1 << self.bits) - 1
        start, end = arc & mask, arc >> self.bits & mask
        if arc >> 2 * self.bits & 1:
            start = -start
        return start, (-end if arc >> 2 * self.bits + 1 & 1 else end)


OWN_PACKING = ArcPacking(28)
"""How copydesk packs arcs that come as pairs."""

_TWO_LINES = "\n" * 5 + "first = 6\nsecond = 7\n"
_FIRST, _SECOND = 6, 7
_LIKELY_BITS = (28, 20, *range(16, 32))


@contextlib.contextmanager
def c_tracer() -> Iterator[None]:
    """Let a Coverage that is made meanwhile take the C tracer.

    The core on sys.monitoring, the default of some versions, knows no dynamic contexts.
    """
    former = os.environ.get("COVERAGE_CORE")
    os.environ["COVERAGE_CORE"] = "ctrace"
    try:
        yield
    finally:
        if former is None:
            del os.environ["COVERAGE_CORE"]
        else:
            os.environ["COVERAGE_CORE"] = former


def live_hits(cov: Any) -> dict[str, set[Any]] | None:
    """The sets that a started Coverage's tracer fills, by file; None where they are not found."""
    live = getattr(getattr(cov, "_collector", None), "data", None)
    return live if type(live) is dict else None


def packing_of(live: dict[str, set[Any]], folder: str, *, arcs: bool) -> ArcPacking | None:
    """How a running tracer packs arcs, seen from what it makes of two lines that are run for it.

    Args:
        live: What `live_hits` returned of it.
        folder: One that it measures, with a separator at its end. Nothing is written there.
        arcs: Whether it records arcs; else it is only tried out.

    Returns:
        None where what it makes cannot be read.
    """
    path = folder + "copydesk-two-lines.py"
    exec(compile(_TWO_LINES, path, "exec"), {})
    hits = live.pop(path, set())
    if not arcs:
        return OWN_PACKING if {_FIRST, _SECOND} <= hits else None
    if (_FIRST, _SECOND) in hits:
        return OWN_PACKING  # the Python tracer: its pairs are packed when they are taken
    for packing in map(ArcPacking, _LIKELY_BITS):
        if packing.packed(_FIRST, _SECOND) in hits and _are_near(hits, packing):
            return packing
    return None


def _are_near(hits: set[int], packing: ArcPacking) -> bool:
    """Whether arcs of a few lines are still that when they are unpacked."""
    lines = (line for arc in hits for line in packing.unpacked(arc))
    return all(abs(line) <= _SECOND for line in lines)


def trace_again(cov: Any) -> None:
    """Trace this thread again after somebody has taken the trace function out."""
    collector: Any = getattr(cov, "_collector", None)
    running = running_collectors(type(collector))
    if running and running[-1] is collector:
        collector.tracers[0].start()


def running_collectors(collector_class: Any) -> list[Any] | None:
    """coverage.py's stack of what measures in this process; None where it is not found."""
    running = getattr(collector_class, "_collectors", None)
    return running if isinstance(running, list) else None


def has_source_dirs() -> bool:
    """Whether `run:source_dirs` is an option."""
    import coverage

    return bool(coverage.version_info >= (7, 8))


# --- what is reported of a file ------------------------------------------------------------------


class FileAnalysis(NamedTuple):
    """What coverage.py says of a file: sets of lines, and its own counts of them.

    `missing_branches` are arcs by the line they start at. `counts` are how many statements, missing
    statements, branches and missing branches there are, by coverage.py's own counting.
    """

    path: str
    statements: set[int]
    missing: set[int]
    excluded: set[int]
    missing_branches: dict[int, list[int]]
    branches: int
    counts: tuple[int, int, int, int]


def file_analyses(cov: Any) -> list[FileAnalysis] | None:
    """What the JSON report would say, from what it makes it of: one analysis a file.

    The report analyses each file again for each of its functions and classes. Which files are
    reported is coverage.py's own decision. None where it has no such interface.

    Raises:
        NoDataError: coverage.py's own, where there is no file.
    """
    find = _analysis_function()
    if find is None:
        return None
    cov.get_data().set_query_contexts(cov.get_option("report:contexts"))
    try:
        return [_file_analysis(reporter, analysis) for reporter, analysis in find(cov, None)]
    except (AttributeError, TypeError):
        return None


def _analysis_function() -> Any:
    for name in ("coverage.report_core", "coverage.report"):
        with contextlib.suppress(ImportError):
            module = __import__(name, fromlist=["get_analysis_to_report"])
            function = getattr(module, "get_analysis_to_report", None)
            if function is not None:
                return function
    return None


def _file_analysis(reporter: Any, analysis: Any) -> FileAnalysis:
    has_arcs = analysis.has_arcs() if callable(analysis.has_arcs) else analysis.has_arcs
    branches = analysis.missing_branch_arcs() if has_arcs else {}
    numbers = analysis.numbers
    return FileAnalysis(
        reporter.relative_filename(),
        set(analysis.statements),
        set(analysis.missing),
        set(analysis.excluded),
        {start: list(ends) for start, ends in branches.items()},
        numbers.n_branches,
        (numbers.n_statements, numbers.n_missing, numbers.n_branches, numbers.n_missing_branches),
    )


# --- children ------------------------------------------------------------------------------------


def patch_multiprocessing(cov: Any) -> None:
    """Have the processes of `multiprocessing` measured as `concurrency` asks for it."""
    from coverage.multiproc import patch_multiprocessing as patch

    patch(rcfile=str(cov.config.config_file))


def serialized(cov: Any) -> str:
    """A Coverage's configuration as its children take it."""
    return str(cov.config.serialize())


def measure_fork(config: str) -> None:
    """Measure a process that was forked anew, as `patch = fork` does.

    Args:
        config: From `serialized`.
    """
    import coverage

    parents = coverage.Coverage.current()
    if parents is not None:
        parents._auto_save = False
        parents.stop()
    child: Any = coverage.Coverage(config_file=":data:" + config)
    child._warn_no_data = child._warn_unimported_source = False
    child._warn_preimported_source = False
    child._auto_save = True
    child.start()


def follow_start() -> None:
    """Measure this process if the one that started it asks for it, as coverage.py's .pth does."""
    import coverage

    coverage.process_startup()


# --- the import of coverage.py -------------------------------------------------------------------

RARELY_USED = (
    ("annotate", "AnnotateReporter"),
    ("html", "HtmlReporter"),
    ("lcovreport", "LcovReporter"),
    ("multiproc", "patch_multiprocessing"),
    ("xmlreport", "XmlReporter"),
)
"""Modules of coverage.py that few questions need, and what the others import of each: a fifth of
what coverage.py takes to import."""
