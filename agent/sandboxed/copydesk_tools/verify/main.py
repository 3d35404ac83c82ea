"""Run one draft in the user's own pytest: what the sandbox starts.

The command line is pytest's, the draft last. Three kinds of process share the work, so that what
is tested can reach neither the orders nor the report:

- The supervisor, which this becomes, reads the orders from standard input, puts the version of the
  target that is to be tried into the tree, and writes the report to COPYDESK_REPORT_FD. No code of
  the project ever runs in it.
- The fork server has pytest in memory and nothing of the project; it knows no orders.
- Each test run is a fork of that one. It collects and runs the tests as pytest does, and what it
  finds in the tree is all it knows of the version that is tried.
"""

from __future__ import annotations

import os
import socket
import sys

from .fork_server import ForkServer, import_pytest, leave_the_import_path
from .supervisor import Supervisor


def main(arguments: list[str]) -> None:
    """Run what the orders say and leave with the code of the first run, past any exit handler.

    Args:
        arguments: pytest's.
    """
    report = int(os.environ.pop("COPYDESK_REPORT_FD"))
    tools = leave_the_import_path()
    import_pytest(arguments)
    ours, its = socket.socketpair()
    server = os.fork()
    if server == 0:
        ours.close()
        os.close(report)
        ForkServer(its, arguments).serve()
    its.close()
    code = Supervisor(ours, server, report, tools).work()
    sys.stdout.flush()
    os._exit(code)
