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

PUBLISHING = """
CREATE TABLE sent_parts (
    -- A row per part of a story that was sent to a channel, or is to be.
    id INTEGER PRIMARY KEY,
    draft_id INTEGER NOT NULL REFERENCES drafts (id),
    channel TEXT NOT NULL,                   -- discord
    round INTEGER NOT NULL,                  -- 1, and one more for each `send --again`
    number INTEGER NOT NULL,                 -- its place in the thread, from 1
    kind TEXT NOT NULL,                      -- hook, part, picture, question or poll
    state TEXT NOT NULL DEFAULT 'planned',   -- planned, sending (no answer yet), sent
    payload TEXT NOT NULL,                   -- JSON: what is sent; no address, no thread
    picture BLOB,                            -- the file that goes along; gone once it is sent
    thread_id TEXT NOT NULL DEFAULT '',      -- Discord's, as text
    message_id TEXT NOT NULL DEFAULT '',     -- Discord's, as text
    sent_at TEXT NOT NULL DEFAULT '',        -- ISO 8601; "" until it is sent
    UNIQUE (draft_id, channel, round, number)
);
CREATE INDEX sent_parts_by_message ON sent_parts (channel, message_id);

CREATE TABLE exported_files (
    -- A row per file that `export` wrote outside the desk: what it held when it was written.
    path TEXT PRIMARY KEY,
    draft_id INTEGER NOT NULL REFERENCES drafts (id),
    channel TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    exported_at TEXT NOT NULL
) WITHOUT ROWID;
"""

VOICE = """
CREATE TABLE voice (
    -- A row per line of how the author writes, as it was learnt and as the author chose it.
    key TEXT PRIMARY KEY,                    -- person, greeting, tags, … (stories/voice/records.py)
    learnt TEXT NOT NULL DEFAULT 'null',     -- JSON; null where nothing was learnt
    evidence TEXT NOT NULL DEFAULT '',       -- what it was learnt from
    chosen TEXT NOT NULL DEFAULT 'null'      -- JSON: in its place; null where the author left it
) WITHOUT ROWID;
"""

STORY_START = """
DROP TABLE facts;

CREATE TABLE story_start (
    -- One row at most: the commit after which the first story begins, while there is none.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since TEXT NOT NULL                      -- "" for the beginning of the history
);
"""
