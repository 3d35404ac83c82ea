"""The tables of feedback, as the step of `migrations` makes them."""

from __future__ import annotations

FEEDBACK = """
CREATE TABLE feedback_threads (
    -- A row per channel, forum thread, discussion or blog post that messages stand in.
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,                    -- discord, github, wordpress, disqus, csv
    external_id TEXT NOT NULL,               -- the source's own id, or the address
    title TEXT NOT NULL,
    url TEXT NOT NULL,
    UNIQUE (source, external_id)
);

CREATE TABLE feedback_people (
    -- A row per person who wrote or reacted. Ids and names are not kept, unless you asked.
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,               -- keyed hash of source and id
    name TEXT NOT NULL DEFAULT '',           -- only with `feedback import --names`
    is_author INTEGER NOT NULL DEFAULT 0,    -- 1: it is you (`feedback me`)
    forgotten INTEGER NOT NULL DEFAULT 0     -- 1: `feedback forget`; nothing of them is kept again
);

CREATE TABLE feedback_messages (
    -- A row per message of readers, or of the author.
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    thread INTEGER NOT NULL REFERENCES feedback_threads (id),
    parent TEXT NOT NULL,                    -- external_id of the message it answers, or ''
    person INTEGER REFERENCES feedback_people (id),
    created_at REAL NOT NULL,                -- Unix time
    edited_at REAL,
    text TEXT NOT NULL,                      -- without mail and public IP addresses
    reactions TEXT NOT NULL,                 -- JSON: [emoji, count, [person, ...]] each, or ''
    flags INTEGER NOT NULL,                  -- 1 by a bot, 2 by the author, 4 a notice, 8 deleted
    gone INTEGER NOT NULL DEFAULT 0,         -- 1: a later export of its channel lacks it
    as_of REAL NOT NULL,                     -- when this version was exported
    version INTEGER NOT NULL,                -- hash of the content; decides between equal as_of
    tone TEXT,                               -- negative, neutral, positive, unsure; NULL: not yet
    tone_probability REAL,
    kind TEXT,                               -- question, request, ...; NULL: not worked out yet
    kind_reason TEXT,
    answered INTEGER NOT NULL DEFAULT 0,     -- 1: you said so
    UNIQUE (source, external_id)
);

CREATE INDEX feedback_messages_by_thread ON feedback_messages (thread, created_at);

CREATE TABLE feedback_polls (
    -- A row per poll; what is known of its votes.
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,               -- of the message that asks it
    question TEXT NOT NULL,
    options TEXT NOT NULL,                   -- JSON: [text, votes or null] each
    total INTEGER,                           -- NULL where it is not known
    closed INTEGER NOT NULL,
    complete INTEGER NOT NULL,               -- 0: the winner alone is known
    as_of REAL NOT NULL,
    PRIMARY KEY (source, external_id)
) WITHOUT ROWID;

CREATE TABLE feedback_spans (
    -- A row per stretch of a channel that an export holds whole: what it lacks is gone there.
    thread INTEGER NOT NULL REFERENCES feedback_threads (id),
    first REAL NOT NULL,
    last REAL NOT NULL,
    as_of REAL NOT NULL,
    PRIMARY KEY (thread, first, last, as_of)
) WITHOUT ROWID;

CREATE TABLE feedback_settings (
    -- The key that people are hashed with, and what you taught about your readers' words.
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE VIRTUAL TABLE feedback_search USING fts5(
    text, content='feedback_messages', content_rowid='id', tokenize='unicode61'
);

CREATE TRIGGER feedback_messages_added AFTER INSERT ON feedback_messages BEGIN
    INSERT INTO feedback_search (rowid, text) VALUES (new.id, new.text);
END;

CREATE TRIGGER feedback_messages_removed AFTER DELETE ON feedback_messages BEGIN
    INSERT INTO feedback_search (feedback_search, rowid, text) VALUES ('delete', old.id, old.text);
END;

CREATE TRIGGER feedback_messages_changed AFTER UPDATE OF text ON feedback_messages
WHEN old.text <> new.text BEGIN
    INSERT INTO feedback_search (feedback_search, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO feedback_search (rowid, text) VALUES (new.id, new.text);
END;

CREATE VIEW feedback AS
    -- What readers said, the newest first; without what was deleted.
    SELECT m.id, m.source, t.title AS thread, t.url, datetime(m.created_at, 'unixepoch') AS written,
           m.text, m.tone, m.kind, m.answered,
           m.flags & 2 > 0 OR coalesce(p.is_author, 0) AS by_author
    FROM feedback_messages AS m JOIN feedback_threads AS t ON t.id = m.thread
    LEFT JOIN feedback_people AS p ON p.id = m.person
    WHERE m.flags & 12 = 0 AND NOT m.gone ORDER BY m.created_at DESC;
"""
