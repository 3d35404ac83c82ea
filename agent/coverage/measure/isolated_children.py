"""Tests that start a Python which knows nothing of the commit's files.

`-I`, `-E` or an environment of its own leave out the import path, and what leads imports from
editable installs to the commit. Such a Python imports what is installed: the working tree, with
what is not committed in it, or nothing at all in the sandbox. It cannot be led elsewhere, so it is
named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from copydesk.agent.coverage.measure.projects import ReadyProjects
from copydesk.agent.coverage.store import Trace
from copydesk.agent.desk.failures import FailedTest

_KIND = "isolated"
_STARTS = "starts a Python with -I, -E or an environment of its own"
_SHOWN = 3


def _isolated(traces: Iterable[Trace], projects: ReadyProjects) -> dict[str, bool]:
    """The tests that start such a Python where the project is installed in editable mode, by name:
    whether they run behind the guard.
    """
    tests: dict[str, bool] = {}
    redirects = [project.engine.redirect for project in projects.each]
    if not any(redirect and redirect.roots for redirect in redirects):
        return tests
    for trace in traces:
        if trace.kind != "test" or not trace.needed(_KIND):
            continue
        project = projects.of(trace.name)
        if project and project.engine.redirect and project.engine.redirect.roots:
            tests[trace.name] = project.engine.guard is not None
    return tests


def worktree_remark(traces: Iterable[Trace], projects: ReadyProjects) -> str:
    """What a measure's reason says of tests that may have run code of the working tree; "" where
    there are none: the guard keeps it away from them.
    """
    names = sorted(name for name, guarded in _isolated(traces, projects).items() if not guarded)
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    listed = ", ".join(names[:_SHOWN])
    return f"may have run what is not committed, for it {_STARTS}: {listed}{more}"


def explained(
    failed: Collection[FailedTest], traces: Collection[Trace], projects: ReadyProjects
) -> list[FailedTest]:
    """Failed tests, with the reason where one may have failed for want of the project's modules."""
    guarded: Mapping[str, bool] = _isolated(traces, projects) if failed else {}
    tests = []
    for test in failed:
        if guarded.get(test.test):
            reason = f"it {_STARTS}, in which the project cannot be imported in the sandbox"
            test = test._replace(error=f"{test.error} - {reason}")
        tests.append(test)
    return tests
