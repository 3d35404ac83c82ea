"""From the gaps of a commit to drafts on the desk.

In go a commit and its gaps; each gap in reach of the budget is drafted, verified and stored, and
out come drafts with their evidence. What an earlier run had done is not done again.
"""

from copydesk.agent.testgen.pipeline.budget import Budget
from copydesk.agent.testgen.pipeline.draft_desk import DraftDesk, evidence_json
from copydesk.agent.testgen.pipeline.draft_gaps import (
    DraftingOptions,
    gaps_to_draft,
    reach_model,
    write_drafts,
)
from copydesk.agent.testgen.pipeline.previous_drafts import PreviousDrafts

__all__ = [
    "Budget",
    "DraftDesk",
    "DraftingOptions",
    "PreviousDrafts",
    "evidence_json",
    "gaps_to_draft",
    "reach_model",
    "write_drafts",
]
