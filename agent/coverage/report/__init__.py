"""Puts coverage into words and pages.

In go a commit and the desk; out come the report as Markdown, as plain text or as one HTML page,
the annotations and summaries of CI hosts, and coverage in the formats of coverage.py.
"""

from copydesk.agent.coverage.report import export, facts, hosts, markdown, page, plain, verdict
from copydesk.agent.coverage.report.facts import Insight, Report
from copydesk.agent.coverage.report.words import model_words, percent, ranges

__all__ = [
    "Insight",
    "Report",
    "export",
    "facts",
    "hosts",
    "markdown",
    "model_words",
    "page",
    "percent",
    "plain",
    "ranges",
    "verdict",
]
