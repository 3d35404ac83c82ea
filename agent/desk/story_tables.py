"""The tables of stories, as the step of `migrations` makes them."""

from __future__ import annotations

STORIES = """
CREATE TABLE stories (
    -- A row per story of a span of commits; its text for the editor is a draft.
    id INTEGER PRIMARY KEY,
    draft_id INTEGER NOT NULL UNIQUE REFERENCES drafts (id),
    since TEXT NOT NULL,                     -- the commit before the span; "" where there is none
    first_commit TEXT NOT NULL,
    last_commit TEXT NOT NULL,
    closed_by TEXT NOT NULL DEFAULT '',      -- "" while commits are added: then tag, quiet, week, …
    state TEXT NOT NULL DEFAULT 'open',      -- open, edited, approved or sent
    story TEXT NOT NULL,                     -- JSON: agent/records.py, Story
    facts TEXT NOT NULL,                     -- JSON: the numbered facts that it rests on
    problems TEXT NOT NULL DEFAULT '[]',     -- JSON: what its facts do not hold
    accepted_red TEXT NOT NULL DEFAULT '[]', -- JSON: red sentences that the editor approved
    offered TEXT NOT NULL DEFAULT '[]',      -- JSON: facts that came after the editor's first edit
    updated_at TEXT NOT NULL
);
CREATE INDEX stories_by_last_commit ON stories (last_commit);

CREATE TABLE story_notes (
    -- A row per note of the author, or per question of the desk about a span.
    id INTEGER PRIMARY KEY,
    story_id INTEGER REFERENCES stories (id),-- NULL while it belongs to the story that grows
    subject TEXT NOT NULL DEFAULT '',        -- what a question asks about; "" for a note
    question TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT '',           -- the author's words
    state TEXT NOT NULL,                     -- asked, told or skipped
    written_at TEXT NOT NULL
);
"""
