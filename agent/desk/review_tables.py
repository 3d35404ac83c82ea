"""The tables of decisions that are on their way, as the step of `migrations` makes them."""

from __future__ import annotations

DECISIONS_UNDER_WAY = """
CREATE TABLE queued_decisions (
    -- A row per decision of the editor that is still to be carried out, or could not be.
    id INTEGER PRIMARY KEY,
    draft_id INTEGER NOT NULL REFERENCES drafts (id),
    action TEXT NOT NULL,                    -- accept or undo
    batch INTEGER NOT NULL,                  -- the same for those that were made together
    began INTEGER NOT NULL DEFAULT 0,        -- 1 while it is carried out
    error TEXT NOT NULL DEFAULT '',          -- why it could not be carried out; "" while it waits
    hint TEXT NOT NULL DEFAULT '',           -- the next step then
    asked_at TEXT NOT NULL,
    UNIQUE (draft_id, action)
);

CREATE TABLE pending_writes (
    -- A row per draft whose decision writes a file, from before that until both are done.
    draft_id INTEGER PRIMARY KEY REFERENCES drafts (id),
    path TEXT NOT NULL,                      -- relative to the top of the working tree
    before TEXT,                             -- the file's text; NULL where there is none
    after TEXT,
    decision TEXT NOT NULL                   -- JSON: action, state, path and evidence
);
"""
