"""Tables as the steps of `migrations` make them."""

from __future__ import annotations

JOBS = """
CREATE TABLE jobs (
    -- A row per piece of work; the same work asked for twice is one row.
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                      -- measure, draft, story or model
    subject TEXT NOT NULL,                   -- what to work on, such as a commit
    state TEXT NOT NULL DEFAULT 'ready',     -- ready, running, waiting, done, failed, dropped
    priority INTEGER NOT NULL DEFAULT 0,     -- higher first
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,      -- Unix time; a job that failed waits
    leased_until REAL,                       -- Unix time; past it the job is free again
    worker INTEGER,                          -- process id of whoever runs it
    error TEXT,
    added_at REAL NOT NULL,
    ended_at REAL,
    UNIQUE (kind, subject)
);
CREATE INDEX jobs_by_state ON jobs (state, priority DESC, id);

CREATE TABLE events (
    -- A row per knock of a hook that has been taken in.
    id TEXT PRIMARY KEY,                     -- the name of its spool file
    hook TEXT NOT NULL,
    worktree TEXT NOT NULL,
    received_at REAL NOT NULL
);

CREATE TABLE commits (
    -- A row per commit that copydesk has seen.
    sha TEXT PRIMARY KEY,
    parents TEXT NOT NULL,                   -- space-separated
    author TEXT NOT NULL,
    authored_at TEXT NOT NULL,               -- ISO 8601 with zone
    subject TEXT NOT NULL,
    seen_at REAL NOT NULL
);

CREATE TABLE tips (
    -- A row per tip of a branch or worktree up to which every commit has been seen.
    sha TEXT PRIMARY KEY
);
"""

KNOWN = """
CREATE TABLE known (
    -- A row per value worked out from content alone, so that it is worked out once. May be emptied.
    kind TEXT NOT NULL,                      -- what was worked out, and by which version of it
    key TEXT NOT NULL,                       -- git object id of the content, or a hash of it
    value TEXT NOT NULL,                     -- JSON
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""

GAPS = """
DROP VIEW gaps_ranked;

ALTER TABLE gaps RENAME TO gaps_before;

CREATE TABLE gaps (
    -- A row per function of a measured commit with lines that no test reaches.
    sha TEXT NOT NULL REFERENCES measures (sha),
    path TEXT NOT NULL,
    function TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    lines TEXT NOT NULL,                     -- JSON
    branches TEXT NOT NULL,                  -- JSON
    risk REAL NOT NULL,
    reasons TEXT NOT NULL,                   -- JSON: phrases
    changed INTEGER NOT NULL,                -- 1 when this commit touched the function
    PRIMARY KEY (sha, path, function, first_line)
) WITHOUT ROWID;

INSERT INTO gaps SELECT * FROM gaps_before;

DROP TABLE gaps_before;

CREATE VIEW gaps_ranked AS
    -- What to test next, the riskiest first.
    SELECT sha, path, function, json_array_length(lines) AS lines, risk, reasons, changed
    FROM gaps ORDER BY changed DESC, risk DESC, json_array_length(lines) DESC;
"""

FUNCTIONS = """
CREATE VIEW gate_functions AS
    -- Where the functions of a file version stand, as far as it has been worked out.
    SELECT DISTINCT k.key AS blob, json_extract(s.value, '$[0]') AS function,
           json_extract(s.value, '$[1]') AS first_line, json_extract(s.value, '$[2]') AS last_line
    FROM known AS k, json_each(k.value, '$[0]') AS s WHERE k.kind GLOB 'outline/2/*';
"""

SCORES = """
CREATE TABLE changed_functions (
    -- A row per function that a commit changed, with what was known of it then.
    sha TEXT NOT NULL,
    path TEXT NOT NULL,
    function TEXT NOT NULL,
    first_line INTEGER NOT NULL,             -- in that commit
    last_line INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,           -- Unix time
    inputs TEXT NOT NULL,                    -- JSON, see docs/reference/predictor.md
    fixed_at INTEGER,                        -- Unix time of the first fix that mended it, if any
    fixed_by TEXT,                           -- that fix
    PRIMARY KEY (sha, path, function, first_line)
) WITHOUT ROWID;
CREATE INDEX changed_functions_by_path ON changed_functions (path, function, committed_at);

CREATE TABLE mined_commits (
    -- A row per commit whose changes were read.
    sha TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE history_state (
    -- One row: what the history up to a commit says of each file, function and author.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    tip TEXT NOT NULL,                       -- the last commit that was read
    commits INTEGER NOT NULL,
    state BLOB NOT NULL,                     -- JSON, zlib
    mined_at REAL NOT NULL
);

CREATE TABLE predictions (
    -- A row per thing that a model said, with what came of it once that is known.
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                      -- function, test or draft
    sha TEXT NOT NULL,
    subject TEXT NOT NULL,                   -- path::function, a test's node id, or a draft's id
    score REAL NOT NULL,
    in_force TEXT NOT NULL,                  -- which model said it
    model TEXT NOT NULL,                     -- SHA-256 of the model; "" for a formula
    reasons TEXT NOT NULL,                   -- JSON: phrases
    features TEXT NOT NULL,                  -- JSON
    made_at REAL NOT NULL,                   -- Unix time
    outcome REAL,                            -- 1: fixed, failed, accepted; 0: not; NULL: not known
    outcome_why TEXT NOT NULL DEFAULT '',
    outcome_at REAL,
    UNIQUE (kind, sha, subject)
);
CREATE INDEX predictions_open ON predictions (kind, outcome);

CREATE VIEW predictions_judged AS
    -- What the models said, beside what came of it.
    SELECT kind, sha, subject, score, in_force, outcome, outcome_why, reasons
    FROM predictions WHERE outcome IS NOT NULL ORDER BY made_at;
"""

CLIMBS = """
CREATE TABLE climbs (
    -- A row per test draft on its way up the verify ladder; it goes when the draft is on the desk.
    id INTEGER PRIMARY KEY,
    sha TEXT NOT NULL,
    path TEXT NOT NULL,
    function TEXT NOT NULL,
    origin TEXT NOT NULL,                    -- the draft's writer
    candidate TEXT NOT NULL,                 -- JSON: the draft as written
    begun_at TEXT NOT NULL,
    UNIQUE (sha, path, function, origin)
);
CREATE TABLE climb_runs (
    -- A row per finished sandbox run of such a draft, so that none is repeated after a crash.
    climb INTEGER NOT NULL,
    request TEXT NOT NULL,                   -- SHA-256 of what was run
    outcome BLOB NOT NULL,                   -- zlib of JSON
    PRIMARY KEY (climb, request)
) WITHOUT ROWID;
"""

REPEATS = """
ALTER TABLE traces ADD COLUMN
    repeats INTEGER /* the run before, where nothing that one depended on had changed */;

CREATE INDEX traces_by_repeats ON traces (repeats) WHERE repeats IS NOT NULL;

CREATE VIEW outcome_flips AS
    -- A row per run whose outcome is another than that of the run it repeats: it was chance.
    SELECT t.context_id, t.id AS run, f.id AS before, f.outcome AS was, t.outcome AS became,
           t.recorded_at
    FROM traces AS t JOIN traces AS f ON f.id = t.repeats AND f.context_id = t.context_id
    WHERE replace(t.outcome, 'error', 'failed') <> replace(f.outcome, 'error', 'failed');

CREATE VIEW tests_flaky AS
    -- Tests with such runs, those with the most first.
    SELECT c.name, count(*) AS flips,
           (SELECT count(*) FROM traces AS r WHERE r.context_id = c.id) AS runs,
           datetime(max(f.recorded_at), 'unixepoch') AS last_at
    FROM outcome_flips AS f JOIN contexts AS c ON c.id = f.context_id
    GROUP BY c.id ORDER BY flips DESC, c.name;
"""

NOTHING_COUNTED = """
DROP VIEW coverage_by_commit;

DROP VIEW gate_totals;

ALTER TABLE measures ADD COLUMN
    share REAL /* percent of what counts that is covered; NULL where that is not known */;

UPDATE measures SET share = percent
    WHERE executable AND (covered = 0 OR (passed > 0 AND passed + failed + skipped <= total));

ALTER TABLE measures DROP COLUMN percent;

ALTER TABLE measures RENAME COLUMN share TO percent;

CREATE VIEW coverage_by_commit AS
    -- Coverage over time.
    SELECT m.sha, c.authored_at, c.subject, m.percent, m.covered, m.executable,
           m.selected, m.total, m.failed, m.seconds
    FROM measures AS m LEFT JOIN commits AS c USING (sha) ORDER BY m.measured_at;

CREATE VIEW gate_totals AS
    -- The total of each measured commit, and what decides whether it can be relied on.
    SELECT sha, percent, total, passed, failed, skipped, executable, rowid AS number
    FROM measures;
"""

PROJECT_TOTALS = """
CREATE TABLE project_totals (
    -- A row per project of a measured commit; none where the repository is one project.
    sha TEXT NOT NULL,
    folder TEXT NOT NULL,                    -- the project's, relative to the top; "" is the top
    branch INTEGER NOT NULL,                 -- 1 when branches count in it
    total INTEGER NOT NULL,                  -- tests there are
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    executable INTEGER NOT NULL,
    covered INTEGER NOT NULL,
    percent REAL,                            -- NULL where that is not known
    PRIMARY KEY (sha, folder)
) WITHOUT ROWID;
"""

UNFINISHED = """
CREATE TABLE unfinished (
    -- A row per measure that runs tests now, or was cut short: what is known of its commit.
    sha TEXT PRIMARY KEY,
    base TEXT,                               -- the commit it had started from
    environment TEXT NOT NULL,
    branch INTEGER NOT NULL,                 -- 1 when arcs are measured
    files TEXT,                              -- JSON: the test files that are collected; NULL: all
    traces BLOB NOT NULL,                    -- ids of the traces rows that hold, int32, zlib
    tests TEXT,                              -- JSON: tests to run yet; NULL: the stream is not read
    variables TEXT NOT NULL,                 -- JSON: a digest of each variable that the tests see
    stream TEXT NOT NULL,                    -- the file in which the run says what it records
    begun_at REAL NOT NULL                   -- Unix time
);
"""

FAILURES = """
CREATE TABLE failed_tests (
    -- A row per test of a measured commit that failed, or file whose tests were not collected.
    sha TEXT NOT NULL,
    test TEXT NOT NULL,                      -- pytest's node id; the file where it is of collection
    outcome TEXT NOT NULL,                   -- failed, error or collection
    before TEXT NOT NULL,                    -- passed, failed, new; "" where that is not known
    compared TEXT NOT NULL,                  -- the commit that it was so at, or ""
    line INTEGER NOT NULL,                   -- in the test's file; 0 where that is not known
    error TEXT NOT NULL,                     -- the last error line
    output TEXT NOT NULL,                    -- the end of what pytest said; "" where not kept
    PRIMARY KEY (sha, test)
) WITHOUT ROWID;

CREATE TABLE failed_items (
    -- A row per item that a piece of work could not do, while the rest of it went on.
    id INTEGER PRIMARY KEY,
    work TEXT NOT NULL,                      -- the kind of work: measure, draft, story, ...
    sha TEXT NOT NULL,                       -- the commit that it was done for, or "desk"
    item TEXT NOT NULL,                      -- a gap, a file, a step
    error TEXT NOT NULL,                     -- what went wrong, in one line
    trace TEXT NOT NULL,                     -- the end of the traceback
    failed_at TEXT NOT NULL,
    UNIQUE (work, sha, item)
);

CREATE VIEW gate_failures AS
    -- The tests that fail at each measured commit.
    SELECT sha, test, error FROM failed_tests;
"""

CHECKOUTS = """
CREATE TABLE checkouts (
    -- A row per commit whose tests ran beside files that are not its own.
    sha TEXT NOT NULL,
    unfinished INTEGER NOT NULL,             -- 1 for a measure that runs now, or was cut short
    beside TEXT NOT NULL,                    -- JSON: submodules' commits, generated files' blobs
    PRIMARY KEY (sha, unfinished)
) WITHOUT ROWID;
"""

MISSING_TEXTS = """
CREATE TABLE missing_texts (
    -- A row per total with missing lines: by what the gate hook knows them in another version.
    total_id INTEGER PRIMARY KEY REFERENCES totals (id) ON DELETE CASCADE,
    digests TEXT NOT NULL,                   -- pairs of numbers, see hooks/line_digests.py
    lone_cr INTEGER NOT NULL                 -- 1 where git counts the lines otherwise than Python
);

CREATE VIEW gate_versions AS
    -- What was measured of each version of a file; what the gate hook asks first.
    SELECT f.path, f.blob, t.statements, t.missing, m.digests, m.lone_cr
    FROM totals AS t JOIN files AS f ON f.id = t.file_id
    LEFT JOIN missing_texts AS m ON m.total_id = t.id;
"""

JOINED_OUTCOMES = """
ALTER TABLE changed_functions
    ADD COLUMN joined INTEGER /* 1 once what became of it stands with its prediction */;
CREATE INDEX changed_functions_fixed ON changed_functions (fixed_at)
    WHERE fixed_at IS NOT NULL AND joined IS NULL;
CREATE INDEX changed_functions_open ON changed_functions (committed_at)
    WHERE fixed_at IS NULL AND joined IS NULL;
"""

PASSED_OVER = """
CREATE TABLE passed_over (
    -- A row per file of a set that coverage.py says nothing of although nobody left it out.
    digest TEXT NOT NULL,                    -- SHA-256 of the set; many commits share it
    path TEXT NOT NULL,
    reason TEXT NOT NULL,                    -- in words
    PRIMARY KEY (digest, path)
) WITHOUT ROWID;
CREATE INDEX passed_over_by_path ON passed_over (path);
CREATE TABLE passed_over_in (
    -- A row per measured commit with such files.
    sha TEXT PRIMARY KEY,
    digest TEXT NOT NULL                     -- which set
) WITHOUT ROWID;

CREATE VIEW gate_passed_over AS
    -- Files that coverage.py passes over in some measured commit; the gate hook asks for them.
    SELECT path, reason FROM passed_over;
"""

SHARED_GAPS = """
DROP VIEW gaps_ranked;

ALTER TABLE gaps RENAME TO gaps_before;

CREATE TABLE gap_files (
    -- A row per state that the gaps of a file were in; the commits in which it is that share it.
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,                -- start of the SHA-256 of the gaps
    path TEXT NOT NULL
);

CREATE TABLE gap_rows (
    -- A row per function with lines that no test reaches, in one state of its file.
    file_id INTEGER NOT NULL,                -- the row of gap_files
    function TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    lines TEXT NOT NULL,                     -- JSON
    branches TEXT NOT NULL,                  -- JSON
    risk REAL NOT NULL,
    reasons TEXT NOT NULL,                   -- JSON: phrases
    changed INTEGER NOT NULL,                -- 1 when the commit touched the function
    PRIMARY KEY (file_id, function, first_line)
) WITHOUT ROWID;

CREATE TABLE commit_gaps (
    -- A row per measured commit that has gaps, or was found to have none.
    sha TEXT PRIMARY KEY REFERENCES measures (sha),
    files TEXT NOT NULL                      -- JSON: ids of gap_files
) WITHOUT ROWID;

CREATE VIEW gaps AS
    -- The functions of a measured commit with lines that no test reaches.
    SELECT c.sha, g.path, r.function, r.first_line, r.last_line, r.lines, r.branches, r.risk,
           r.reasons, r.changed
    FROM commit_gaps AS c, json_each(c.files) AS f
    JOIN gap_files AS g ON g.id = f.value JOIN gap_rows AS r ON r.file_id = g.id;

CREATE VIEW gaps_ranked AS
    -- What to test next, the riskiest first.
    SELECT sha, path, function, json_array_length(lines) AS lines, risk, reasons, changed
    FROM gaps ORDER BY changed DESC, risk DESC, json_array_length(lines) DESC;
"""

ASKING_DRAFTS = """
DROP VIEW drafts_waiting;
CREATE VIEW drafts_waiting AS
    -- What the editor has not decided on yet.
    SELECT id, kind, title, origin, path, target_path, target_function, sha, created_at
    FROM drafts WHERE state IN ('ready', 'asks', 'not_run') ORDER BY id;
"""
