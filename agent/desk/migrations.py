"""The schema, one step at a time. A step that has shipped is never edited."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from sqlite_utils import Database, Migrations

from copydesk.agent.desk.comparisons import COMPARISONS
from copydesk.agent.desk.connection import Connection
from copydesk.agent.desk.feedback_state import FEEDBACK_STATE
from copydesk.agent.desk.feedback_tables import FEEDBACK
from copydesk.agent.desk.foreign_maps import FOREIGN_MAPS
from copydesk.agent.desk.gaps import GapRow, Gaps
from copydesk.agent.desk.review_tables import DECISIONS_UNDER_WAY
from copydesk.agent.desk.story_tables import PUBLISHING, STORIES, STORY_START, VOICE
from copydesk.agent.desk.tables import (
    ASKING_DRAFTS,
    CHECKOUTS,
    CLIMBS,
    FAILURES,
    FUNCTIONS,
    GAPS,
    JOBS,
    JOINED_OUTCOMES,
    KNOWN,
    MISSING_TEXTS,
    NOTHING_COUNTED,
    PASSED_OVER,
    PROJECT_TOTALS,
    REPEATS,
    SCORES,
    SHARED_GAPS,
    UNFINISHED,
)

migrations = Migrations("copydesk")

COVERAGE = """
CREATE TABLE files (
    -- A row per version of a Python file that a test has executed or that counts in the total.
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,                      -- relative to the top of the repository
    blob TEXT NOT NULL,                      -- git object id of the content
    UNIQUE (path, blob)
);

CREATE TABLE hits (
    -- A row per set of lines (and arcs) of one file version; shared by all traces that hit it.
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES files (id),
    lines BLOB NOT NULL,                     -- numbits, as coverage.py defines them
    arcs BLOB NOT NULL DEFAULT x'',          -- pairs of int32, sorted; empty without branches
    UNIQUE (file_id, lines, arcs)
);

CREATE TABLE contexts (
    -- A row per thing that executes lines: a test, a fixture of wider scope, a module's import.
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                      -- test, fixture or import
    name TEXT NOT NULL,                      -- node id, fixture id or path
    UNIQUE (kind, name)
);

CREATE TABLE traces (
    -- A row per recorded execution of a context; valid wherever all it depends on is the same.
    id INTEGER PRIMARY KEY,
    context_id INTEGER NOT NULL REFERENCES contexts (id),
    environment TEXT NOT NULL,               -- fingerprint of interpreter, packages, configuration
    outcome TEXT NOT NULL,                   -- passed, failed, skipped, xfailed, error or none
    seconds REAL NOT NULL,
    hits BLOB NOT NULL,                      -- ids of hits rows, int32, sorted
    needs TEXT NOT NULL,                     -- JSON: contexts, data files and modules it depends on
    recorded_at REAL NOT NULL
);
CREATE INDEX traces_by_context ON traces (context_id, id DESC);

CREATE TABLE totals (
    -- A row per file version and what all tests together executed of it; shared by commits.
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES files (id),
    environment TEXT NOT NULL,               -- fingerprint; coverage's configuration is part of it
    executed BLOB NOT NULL,                  -- numbits, statements or not
    arcs BLOB NOT NULL DEFAULT x'',          -- executed arcs, pairs of int32
    statements BLOB NOT NULL,                -- numbits: lines that coverage.py counts
    excluded BLOB NOT NULL,                  -- numbits
    missing TEXT NOT NULL,                   -- JSON: statements never executed
    missing_arcs TEXT NOT NULL DEFAULT '[]', -- JSON: pairs of lines
    branches INTEGER NOT NULL DEFAULT 0,     -- branches there are
    UNIQUE (file_id, environment, executed, arcs)
);

CREATE TABLE measures (
    -- A row per measured commit.
    sha TEXT PRIMARY KEY,
    base TEXT,                               -- the measured commit whose traces were carried over
    reason TEXT NOT NULL,                    -- in words, why these tests were run
    environment TEXT NOT NULL,
    interpreter TEXT NOT NULL,
    branch INTEGER NOT NULL,                 -- 1 when arcs were measured
    selected INTEGER NOT NULL,               -- tests run
    total INTEGER NOT NULL,                  -- tests there are
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    executable INTEGER NOT NULL,             -- statements (with branches: plus branches)
    covered INTEGER NOT NULL,
    percent REAL NOT NULL,
    seconds REAL NOT NULL,
    traces BLOB NOT NULL,                    -- ids of its traces rows, int32, zlib
    totals BLOB NOT NULL,                    -- ids of its totals rows, int32, zlib
    measured_at TEXT NOT NULL
);

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
);

CREATE TABLE policy (
    -- A row per rule of the gate, copied here from pyproject.toml for the hook to read.
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
"""

DRAFTS = """
CREATE TABLE drafts (
    -- A row per test or story written for the editor.
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                      -- test or devlog
    state TEXT NOT NULL,                     -- see agent/records.py, DraftState
    sha TEXT NOT NULL,                       -- the commit it was written for
    title TEXT NOT NULL,
    origin TEXT NOT NULL,                    -- embedded, template, or the model's name
    path TEXT NOT NULL,                      -- where it goes when accepted
    target_path TEXT NOT NULL DEFAULT '',
    target_function TEXT NOT NULL DEFAULT '',
    target_lines TEXT NOT NULL DEFAULT '[]', -- JSON
    content TEXT NOT NULL,
    evidence TEXT NOT NULL DEFAULT '{}',     -- JSON: every rung of the ladder, or the facts
    note TEXT NOT NULL DEFAULT '',           -- why the editor rejected it
    created_at TEXT NOT NULL,
    UNIQUE (kind, sha, target_path, target_function, origin)
);
CREATE INDEX drafts_by_state ON drafts (state, id);

CREATE TABLE reviews (
    -- A row per decision of the editor.
    id INTEGER PRIMARY KEY,
    draft_id INTEGER NOT NULL REFERENCES drafts (id),
    action TEXT NOT NULL,                    -- accept, edit, reject or undo
    why TEXT NOT NULL DEFAULT '',
    before TEXT NOT NULL DEFAULT '',         -- the draft as it was
    after TEXT NOT NULL DEFAULT '',          -- the draft as the editor left it
    path TEXT NOT NULL DEFAULT '',           -- the file that was written
    decided_at TEXT NOT NULL
);

CREATE TABLE facts (
    -- A row per fact a story may rest on.
    sha TEXT NOT NULL,
    id TEXT NOT NULL,                        -- F1, F2, ...
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    data TEXT NOT NULL,                      -- JSON: the numbers, names and paths
    PRIMARY KEY (sha, id)
);

CREATE TABLE model_calls (
    -- A row per request to the model.
    id INTEGER PRIMARY KEY,
    purpose TEXT NOT NULL,
    model TEXT NOT NULL,
    digest TEXT NOT NULL,
    prompt TEXT NOT NULL,
    response TEXT NOT NULL,
    options TEXT NOT NULL,                   -- JSON
    prompt_tokens INTEGER,
    output_tokens INTEGER,
    seconds REAL NOT NULL,
    outcome TEXT NOT NULL,                   -- ok, or the name of the fault
    called_at TEXT NOT NULL
);
"""

VIEWS = """
CREATE VIEW drafts_waiting AS
    -- What the editor has not decided on yet.
    SELECT id, kind, title, origin, path, target_path, target_function, sha, created_at
    FROM drafts WHERE state IN ('ready', 'not_run') ORDER BY id;

CREATE VIEW coverage_by_commit AS
    -- Coverage over time.
    SELECT m.sha, c.authored_at, c.subject, m.percent, m.covered, m.executable,
           m.selected, m.total, m.failed, m.seconds
    FROM measures AS m LEFT JOIN commits AS c USING (sha) ORDER BY m.measured_at;

CREATE VIEW gaps_ranked AS
    -- What to test next, the riskiest first.
    SELECT sha, path, function, json_array_length(lines) AS lines, risk, reasons, changed
    FROM gaps ORDER BY changed DESC, risk DESC, json_array_length(lines) DESC;

CREATE VIEW gate_files AS
    -- File versions with a verdict; what the gate hook asks first.
    SELECT DISTINCT f.path, f.blob FROM totals AS t JOIN files AS f ON f.id = t.file_id;

CREATE VIEW gate_lines AS
    -- Lines known to be reached by no test, by file version.
    SELECT f.path, f.blob, j.value AS line
    FROM totals AS t JOIN files AS f ON f.id = t.file_id, json_each(t.missing) AS j
    WHERE t.id = (SELECT max(id) FROM totals WHERE file_id = f.id);

CREATE VIEW gate_totals AS
    -- The total of each measured commit.
    SELECT sha, percent FROM measures;

CREATE VIEW gate_policy AS
    -- The rules in force.
    SELECT key, value FROM policy;
"""


def _executescript(db: Database, script: str) -> None:
    # sqlite3's own executescript commits first, which would break the step's transaction
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):  # a trigger holds statements of its own
            db.execute(statement)
            statement = ""


@migrations()
def m001_jobs(db: Database) -> None:
    """The queue, and what has been seen of git."""
    _executescript(db, JOBS)


@migrations()
def m002_coverage(db: Database) -> None:
    """The coverage map."""
    _executescript(db, COVERAGE)


@migrations()
def m003_drafts(db: Database) -> None:
    """Drafts, reviews, facts and the log of the model."""
    _executescript(db, DRAFTS)


@migrations()
def m004_views(db: Database) -> None:
    """Views for the editor and for the gate hook."""
    _executescript(db, VIEWS)


@migrations()
def m005_known(db: Database) -> None:
    """What was worked out from sources and from the interpreter."""
    _executescript(db, KNOWN)


@migrations()
def m006_scores(db: Database) -> None:
    """The mined history, and what was predicted."""
    _executescript(db, SCORES)


@migrations()
def m007_climbs(db: Database) -> None:
    """Drafts on their way up the ladder."""
    _executescript(db, CLIMBS)


@migrations()
def m008_gaps(db: Database) -> None:
    """Gaps take half the room: they are most of what a measure adds."""
    _executescript(db, GAPS)


@migrations()
def m009_functions(db: Database) -> None:
    """The gate hook names functions."""
    _executescript(db, FUNCTIONS)


@migrations()
def m010_repeats(db: Database) -> None:
    """Runs that repeat an earlier one, and the tests whose outcome is a matter of chance."""
    _executescript(db, REPEATS)


@migrations()
def m011_unfinished(db: Database) -> None:
    """What measures had learned that were cut short."""
    _executescript(db, UNFINISHED)


@migrations()
def m012_no_events(db: Database) -> None:
    """Notifications leave no row: they were written and never read."""
    db.execute("DROP TABLE events")


RUNG_NAMES = {
    "gate": "approved",
    "contained": "isolated",
    "gains": "reaches",
    "probe": "depends",
    "rewrite": "behaviour",
}
"""What the rungs of the verify ladder were called until step 13, and are called since."""


@migrations()
def m013_rung_names(db: Database) -> None:
    """The rungs in the evidence of tests have the names that they are shown by."""
    rows = db.execute("SELECT id, evidence FROM drafts WHERE kind = 'test'").fetchall()
    for identity, text in rows:
        evidence = json.loads(text)
        for rung in evidence.get("rungs") or ():
            rung["name"] = RUNG_NAMES.get(rung["name"], rung["name"])
        db.execute("UPDATE drafts SET evidence = ? WHERE id = ?", (json.dumps(evidence), identity))


@migrations()
def m014_failures(db: Database) -> None:
    """The tests that failed, and what copydesk itself could not do."""
    _executescript(db, FAILURES)


@migrations()
def m015_checkouts(db: Database) -> None:
    """What stood beside the files of measured commits."""
    _executescript(db, CHECKOUTS)


@migrations()
def m016_missing_texts(db: Database) -> None:
    """The gate hook knows by which lines to ask the whole gate."""
    _executescript(db, MISSING_TEXTS)


@migrations()
def m017_feedback(db: Database) -> None:
    """What readers said."""
    _executescript(db, FEEDBACK)


@migrations()
def m018_evidence_before(db: Database) -> None:
    """A decision keeps the evidence from before it, so that an edit can be taken back whole."""
    db.execute(
        "ALTER TABLE reviews ADD COLUMN"
        " evidence_before TEXT NOT NULL DEFAULT '' /* JSON, empty where it was not kept */"
    )


@migrations()
def m019_nothing_counted(db: Database) -> None:
    """Nothing counted is not 100 %: such a measure has no percentage."""
    _executescript(db, NOTHING_COUNTED)


@migrations()
def m020_project_totals(db: Database) -> None:
    """A repository may hold several projects, each with its own total."""
    _executescript(db, PROJECT_TOTALS)


@migrations()
def m021_no_functions(db: Database) -> None:
    """The whole gate names the functions of missing lines, so no hook asks for them."""
    db.execute("DROP VIEW gate_functions")


@migrations()
def m022_asking_drafts(db: Database) -> None:
    """A draft that asks for the editor's yes waits, too."""
    _executescript(db, ASKING_DRAFTS)


@migrations()
def m023_stories(db: Database) -> None:
    """Stories of spans of commits, and the author's notes."""
    _executescript(db, STORIES)


@migrations()
def m024_joined_outcomes(db: Database) -> None:
    """What became of a function is written once, not looked for after every measure."""
    _executescript(db, JOINED_OUTCOMES)


@migrations()
def m025_passed_over(db: Database) -> None:
    """The files that coverage.py passes over have a name."""
    _executescript(db, PASSED_OVER)


@migrations()
def m026_shared_gaps(db: Database) -> None:
    """Commits share the gaps of the files that are alike in them."""
    _executescript(db, SHARED_GAPS)
    _share_gaps(db.conn)


def _share_gaps(db: sqlite3.Connection) -> None:
    """Take the gaps over from the table that had all of them for each commit."""
    gaps = Gaps(Connection(db))
    fields = ", ".join(GapRow._fields)
    for (sha,) in db.execute("SELECT DISTINCT sha FROM gaps_before").fetchall():
        rows = db.execute(f"SELECT {fields} FROM gaps_before WHERE sha = ?", (sha,))
        gaps.replace(sha, gaps.prepare([GapRow(*row) for row in rows]))
    db.execute("INSERT OR IGNORE INTO commit_gaps SELECT sha, '[]' FROM measures")
    db.execute("DROP TABLE gaps_before")


@migrations()
def m027_feedback_state(db: Database) -> None:
    """Inboxes, pulls and offers."""
    _executescript(db, FEEDBACK_STATE)


@migrations()
def m028_publishing(db: Database) -> None:
    """What was sent and exported of stories."""
    _executescript(db, PUBLISHING)


@migrations()
def m029_story_start(db: Database) -> None:
    """Where the first story begins. The facts of single entries were never read again."""
    _executescript(db, STORY_START)


@migrations()
def m030_voice(db: Database) -> None:
    """How the author writes."""
    _executescript(db, VOICE)


@migrations()
def m031_comparisons(db: Database) -> None:
    """What commits changed in what the code does."""
    _executescript(db, COMPARISONS)


@migrations()
def m032_foreign_maps(db: Database) -> None:
    """Maps that others measured."""
    _executescript(db, FOREIGN_MAPS)


@migrations()
def m033_decisions_under_way(db: Database) -> None:
    """Decisions that are carried out in the background, and files that they write."""
    _executescript(db, DECISIONS_UNDER_WAY)


@migrations()
def m034_project_conditions(db: Database) -> None:
    """A change of one project's configuration concerns no other project."""
    db.execute(
        "ALTER TABLE project_totals ADD COLUMN conditions TEXT NOT NULL DEFAULT ''"
        " /* what its outcomes depend on besides the code, as a fingerprint */"
    )


STEPS: tuple[Callable[[Database], None], ...] = (
    *(m001_jobs, m002_coverage, m003_drafts, m004_views),
    *(m005_known, m006_scores, m007_climbs, m008_gaps, m009_functions),
    *(m010_repeats, m011_unfinished, m012_no_events, m013_rung_names),
    *(m014_failures, m015_checkouts, m016_missing_texts, m017_feedback),
    *(m018_evidence_before, m019_nothing_counted, m020_project_totals),
    *(m021_no_functions, m022_asking_drafts, m023_stories),
    *(m024_joined_outcomes, m025_passed_over, m026_shared_gaps),
    *(m027_feedback_state, m028_publishing, m029_story_start),
    *(m030_voice, m031_comparisons, m032_foreign_maps, m033_decisions_under_way),
    *(m034_project_conditions,),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps this database has not seen yet, each in its own transaction."""
    migrations.apply(Database(connection))
