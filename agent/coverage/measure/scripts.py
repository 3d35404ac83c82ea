"""Python files whose names do not end in .py: coverage.py counts them once they were executed.

Which files are sources is mostly seen from their names. A script without that ending, a SConstruct
or a configuration that is executed counts all the same, by the project's own rules.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

from copydesk.agent.coverage.measure.projects import ReadyProject
from copydesk.agent.coverage.source import is_script
from copydesk.agent.desk.database import Database


def published(counted: Iterable[str]) -> str:
    """The scripts among the files that count as the gate and its hook read them, a line each.

    The gate names others with such odd names, and does not judge them.
    """
    return "\n".join(sorted(path for path in counted if is_script(path) and path.isprintable()))


def counted_scripts(
    project: ReadyProject,
    executed: Iterable[str],
    blobs: Mapping[str, str],
    read: Callable[[str], str],
) -> list[str]:
    """The executed scripts that count by a project's coverage configuration.

    Args:
        project: The project.
        executed: The files of which something was executed.
        blobs: The commit's files: blob by path.
        read: The text of a blob.
    """
    own = [path for path in executed if is_script(path) and path in blobs and project.holds(path)]
    scripts = [path for path in own if _is_python(read(blobs[path]))]
    return sorted(set(project.engine.counted(scripts)).intersection(scripts)) if scripts else []


def known_scripts(
    db: Database, trees: Sequence[Mapping[str, str]], read: Callable[[str], str]
) -> frozenset[str]:
    """The scripts of some trees that were executed in any measure.

    Args:
        db: The desk.
        trees: Their files: blob by path.
        read: The text of a blob.
    """
    scripts = set[str]()
    for path in db.traces.executed_scripts():
        blobs = {tree[path] for tree in trees if path in tree}
        if any(_is_python(read(blob)) for blob in blobs):
            scripts.add(path)
    return frozenset(scripts)


def _is_python(text: str) -> bool:
    """Whether a text is source: templates are compiled under their own names, too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True
