"""Drafts tests without a model, the same ones every time.

In go a gap and a sandbox; the function is called there with mined values, and out comes a
candidate: the source of tests that expect what was observed.
"""

from copydesk.agent.testgen.embedded.drafter import draft_calls, draft_embedded

__all__ = [
    "draft_calls",
    "draft_embedded",
]
