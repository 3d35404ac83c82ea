"""Spans of commits: which commits belong together, and what is known of them.

In go commits that follow each other; out come numbered facts that readers care about: public
names, options, changelog entries, releases, reasons, tests, coverage, people.
"""

from copydesk.agent.stories.span.facts import (
    AuthorNote,
    SpanInputs,
    is_substantial,
    span_facts,
)
from copydesk.agent.stories.span.gather import SpanOptions, gather_span, logged_commits
from copydesk.agent.stories.span.references import issue_address, project_page, web_address
from copydesk.agent.stories.span.split_spans import ClosingRules, Part, split_spans
from copydesk.agent.stories.span.themes import FOR_READERS, kind_of, without_type
from copydesk.agent.stories.span.which_commits import Chosen, range_of, release, since, week

__all__ = [
    "FOR_READERS",
    "AuthorNote",
    "Chosen",
    "ClosingRules",
    "Part",
    "SpanInputs",
    "SpanOptions",
    "gather_span",
    "is_substantial",
    "issue_address",
    "kind_of",
    "logged_commits",
    "project_page",
    "range_of",
    "release",
    "since",
    "span_facts",
    "split_spans",
    "web_address",
    "week",
    "without_type",
]
