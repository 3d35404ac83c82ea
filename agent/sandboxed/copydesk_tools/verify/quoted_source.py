"""Has tracebacks, `inspect` and warnings quote the target in the same words in each run.

A test could go by the words that Python quotes of a source file, and so tell its versions apart
without asking what the code does. They are those of the file as it was, but for the version that
does the same in other words: there they say nothing. Standard library only; Python 3.9 or later.
"""

from __future__ import annotations

import io
import linecache
import os
from typing import Any, Dict, List


def quote_as(path: str, text: str) -> None:
    """Answer with a text whenever linecache is asked for the lines of a file.

    What else reads the file finds what is there; audit_side_effects hears of it.

    Args:
        path: The file.
        text: Its text, with newlines as one character.
    """
    target = os.path.realpath(path)
    lines = io.StringIO(text).readlines()
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    original = linecache.updatecache
    is_target: Dict[str, bool] = {}

    def updatecache(filename: str, module_globals: Any = None) -> List[str]:
        if filename not in is_target:
            is_target[filename] = os.path.realpath(filename) == target
        if not is_target[filename]:
            return original(filename, module_globals)
        try:
            status = os.stat(target)
        except OSError:
            return []
        linecache.cache[filename] = status.st_size, status.st_mtime, lines, target
        return lines

    linecache.updatecache = updatecache
