"""Loaded by every Python that a test starts, before anything else; elsewhere it does nothing.

The `sitecustomize` that would have been loaded without this one is loaded all the same.
"""

import os
import sys

if "COPYDESK_REDIRECT" in os.environ:
    from copydesk_probe.redirect import start

    start()

if "COPYDESK_ONE_MOUNT" in os.environ:
    try:
        from copydesk_probe import one_mount

        one_mount.install(os.environ[one_mount.VARIABLE])
    except Exception:  # then a rename fails as the sandbox has it fail
        pass

if "COPYDESK_CHILDREN" in os.environ:
    try:
        from copydesk_probe.child_process import CONTEXT, REPORTS, TREE, ChildProcess

        ChildProcess(*(os.environ[name] for name in (REPORTS, TREE, CONTEXT))).start()
    except Exception:  # a child without a report counts as one that may read any file
        pass

if "COVERAGE_PROCESS_CONFIG" in os.environ and "COPYDESK_CHILDREN" in os.environ:
    # where coverage.py lies in no folder that reads .pth files; else it has started already
    try:
        from copydesk_probe.coverage_internals import follow_start

        follow_start()
    except Exception:  # as where it is not installed: then it measures nothing
        pass


def run_next_sitecustomize() -> None:
    """Run the `sitecustomize` that comes next on the path, under this module's name."""
    from importlib.machinery import PathFinder

    folder = os.path.dirname(os.path.abspath(__file__))
    later_path = [path for path in sys.path if os.path.abspath(path) != folder]
    spec = PathFinder.find_spec("sitecustomize", later_path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(sys.modules[__name__])


run_next_sitecustomize()
