"""Puts coverage into words and pages.

In go a commit and the desk; out come the report as Markdown, as JSON or as one HTML page, the
annotations and summaries of CI hosts, and coverage in the formats of coverage.py.
"""

from copydesk.agent.coverage.report.changed_behaviour import (
    ChangedBehaviour,
    behaviour_section,
    unannounced_behaviours,
)
from copydesk.agent.coverage.report.ci_hosts import CiHost, detect_host
from copydesk.agent.coverage.report.community_facts import (
    CommunityFacts,
    PostKindRow,
    PostRow,
    QuestionRow,
    ToneWeek,
    TopicRow,
)
from copydesk.agent.coverage.report.export import FORMATS, export
from copydesk.agent.coverage.report.finding_formats import (
    findings_as_quickfix,
    findings_of,
    gaps_as_quickfix,
    verdict_as_sarif,
)
from copydesk.agent.coverage.report.html_report import render_html
from copydesk.agent.coverage.report.json_report import render_json
from copydesk.agent.coverage.report.markdown_report import render_markdown
from copydesk.agent.coverage.report.pull_request_comment import pull_request_comment
from copydesk.agent.coverage.report.report_data import Insight, Report, gather_report
from copydesk.agent.coverage.report.source_files import SourceFile, source_files
from copydesk.agent.coverage.report.source_pages import INDEX, render_pages
from copydesk.agent.coverage.report.verdict_formats import (
    failure_annotations,
    failures_as_markdown,
    github_annotations,
    gitlab_code_quality,
    verdict_as_markdown,
)

__all__ = [
    "FORMATS",
    "INDEX",
    "ChangedBehaviour",
    "CiHost",
    "CommunityFacts",
    "Insight",
    "PostKindRow",
    "PostRow",
    "QuestionRow",
    "Report",
    "SourceFile",
    "ToneWeek",
    "TopicRow",
    "behaviour_section",
    "detect_host",
    "export",
    "failure_annotations",
    "failures_as_markdown",
    "findings_as_quickfix",
    "findings_of",
    "gaps_as_quickfix",
    "gather_report",
    "github_annotations",
    "gitlab_code_quality",
    "pull_request_comment",
    "render_html",
    "render_json",
    "render_markdown",
    "render_pages",
    "source_files",
    "unannounced_behaviours",
    "verdict_as_markdown",
    "verdict_as_sarif",
]
