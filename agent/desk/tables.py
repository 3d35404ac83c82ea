"""Tables that came after the first ones, as the steps of `migrations` make them."""

from __future__ import annotations

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
