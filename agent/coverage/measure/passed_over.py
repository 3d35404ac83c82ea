"""The modules of a commit that count once something of them is executed, and of which nothing was.

They are in no total, so nothing would speak against a change of theirs. Files that the
configuration leaves out (`omit`, `include`, a `source` that it names) and tests are none of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from copydesk.agent.coverage.runner import ProjectInfo
from copydesk.hooks.gate import is_test

NEVER_RUN = "coverage.py saw nothing of it run, and counts such files in packages only"
"""coverage.py looks for files that nothing executes in the folders of `source`, and below them in
packages: folders with an `__init__.py`."""


def never_run(info: ProjectInfo, reached: Iterable[str]) -> dict[str, str]:
    """Why coverage.py passes modules over that could be measured, in words, by path.

    Args:
        info: What is known of the project.
        reached: The files of which something was executed, or that are in the total.
    """
    modules = (info.measurable - info.always).difference(reached)
    return {path: NEVER_RUN for path in modules if not is_test(path)}
