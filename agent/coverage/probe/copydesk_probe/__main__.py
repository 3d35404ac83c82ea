"""`python -m copydesk_probe` runs `python -m pytest`, recorded from before its first import.

The module becomes the one that `-m pytest` would have put here. With `runpy` pytest would stand
three frames higher: some tests rest on how many there are below them before they recurse.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from .start import started_recorder

started_recorder()
spec = find_spec("pytest.__main__")
loader = getattr(spec, "loader", None)
code = getattr(loader, "get_code")("pytest.__main__")  # noqa: B009 - not all loaders have it
globals().update(
    __spec__=spec,
    __package__="pytest",
    __loader__=loader,
    __file__=getattr(spec, "origin", None),
    __cached__=getattr(spec, "cached", None),
    __doc__=None,
)
sys.argv[0] = getattr(spec, "origin", "pytest")
del find_spec, loader, spec, started_recorder, sys
exec(globals().pop("code"))
