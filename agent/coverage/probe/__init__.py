"""What runs inside the user's own interpreter: a folder that lies on its import path.

In go a tree and its tests; out comes a report of what each test executed and depends on. Of the
package `copydesk_probe` in that folder, copydesk itself uses what both sides must agree on: the
settings of a run, and the form of its report.
"""

from pathlib import Path

from copydesk.agent.coverage.probe.copydesk_probe.one_mount import VARIABLE as ONE_MOUNT
from copydesk.agent.coverage.probe.copydesk_probe.redirect import VARIABLE as REDIRECT
from copydesk.agent.coverage.probe.copydesk_probe.report_stream import HEAD, SECONDS, read
from copydesk.agent.coverage.probe.copydesk_probe.settings import VARIABLE, Settings

PROBE = Path(__file__).parent
"""The folder: `sitecustomize.py` and the package `copydesk_probe`."""

__all__ = ["HEAD", "ONE_MOUNT", "PROBE", "REDIRECT", "SECONDS", "VARIABLE", "Settings", "read"]
