"""Loaded by every Python that a test starts, before anything else; elsewhere it does nothing.

The `sitecustomize` that would have been loaded without this one is loaded all the same.
"""

import os
import sys

if "COPYDESK_CHILDREN" in os.environ:
    try:
        from copydesk_children import CONTEXT, REPORTS, TREE, Child

        Child(*(os.environ[name] for name in (REPORTS, TREE, CONTEXT))).start()
    except Exception:  # a child that does not report counts as one that may depend on anything
        pass

if "COVERAGE_PROCESS_CONFIG" in os.environ and "COPYDESK_CHILDREN" in os.environ:
    # where coverage.py lies in no folder that reads .pth files; else it has started already
    try:
        import coverage

        coverage.process_startup()
    except Exception:  # as where it is not installed: then it measures nothing
        pass


def go_on() -> None:
    """Load the next `sitecustomize` of the path."""
    from importlib.machinery import PathFinder

    here = os.path.dirname(os.path.abspath(__file__))
    rest = [path for path in sys.path if os.path.abspath(path) != here]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(sys.modules[__name__])


go_on()
