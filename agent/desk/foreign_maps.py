"""The tables of maps that others measured, and of the environments that this machine measures in.

A fetched map is a row of `foreign_maps`. Once a measure starts from it, its traces are on the desk
like those recorded here, but for `origin`, which names that row; `foreign_tests` counts, for each
commit measured here, the tests whose records are others'.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from copydesk.agent.desk.connection import Connection, transaction
from copydesk.agent.desk.measures import Conditions
from copydesk.agent.desk.packed_ids import compress_ids, decompress_ids
from copydesk.agent.records import Sha


class ForeignMap(NamedTuple):
    """A map that somebody else measured, as it says itself.

    `origin` is where it was fetched from, `name` and `tree` what it is there; `parts` are what its
    environment's fingerprint is of; `accepted` those in which it may differ from ours; `state` is
    fetched, used or refused, and `why` says the reason of the last.
    """

    id: int
    sha: Sha
    environment: str
    branch: bool
    origin: str
    name: str
    tree: str
    parts: Mapping[str, str]
    measured_by: str
    measured_at: int
    tests: int
    executable: int
    covered: int
    accepted: list[str]
    state: str
    why: str

    @property
    def conditions(self) -> Conditions:
        """Under what it says that it was measured."""
        return Conditions(self.environment, self.branch)

    @property
    def source(self) -> str:
        """Whose it is, in words."""
        return f"{self.measured_by or 'somebody'}, from {self.origin}"


class ForeignShare(NamedTuple):
    """How many tests of a measured commit rest on what others recorded, and whose that is."""

    source: str
    tests: int
    differs: list[str]

    @property
    def words(self) -> str:
        """The same in words."""
        accepted = f" (accepted although {', '.join(self.differs)} differ)" if self.differs else ""
        noun = "test rests" if self.tests == 1 else "tests rest"
        return f"foreign: {self.tests:,} {noun} on the map of {self.source}{accepted}"


_FIELDS = ", ".join(ForeignMap._fields)


class ForeignMaps:
    """Reads and writes the maps that others measured.

    Args:
        db: The desk; the tables are `foreign_maps`, `foreign_tests` and `environments`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    # --- environments ---

    def put_environment(self, fingerprint: str, parts: Mapping[str, str]) -> None:
        """Write what the fingerprint of an environment is of."""
        self._db.execute(
            "INSERT OR IGNORE INTO environments VALUES (?, ?)",
            (fingerprint, json.dumps(dict(parts))),
        )

    def environment(self, fingerprint: str) -> dict[str, str] | None:
        """What a fingerprint is of; None where that was not kept."""
        row = self._db.execute(
            "SELECT parts FROM environments WHERE fingerprint = ?", (fingerprint,)
        ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    # --- maps ---

    def replace(self, origin: str, maps: Iterable[ForeignMap], present: Collection[str]) -> None:
        """Write what was fetched from a place.

        Args:
            origin: The place.
            maps: The maps that are new; their `id` counts for nothing.
            present: The names of all maps that are there now; rows of others go.
        """
        with transaction(self._db):
            for each in maps:
                values = {**each._asdict(), "parts": json.dumps(dict(each.parts))}
                values |= {"accepted": json.dumps(each.accepted), "branch": int(each.branch)}
                del values["id"]
                marks = ", ".join(f":{name}" for name in values)
                self._db.execute(
                    f"INSERT OR IGNORE INTO foreign_maps ({', '.join(values)}) VALUES ({marks})",
                    values,
                )
            rows = self._db.execute("SELECT id, name FROM foreign_maps WHERE origin = ?", (origin,))
            gone = [(identity,) for identity, name in rows.fetchall() if name not in present]
            # what a measure rests on stays named
            self._db.executemany("DELETE FROM foreign_maps WHERE id = ? AND state <> 'used'", gone)

    def accept(self, parts: Collection[str]) -> None:
        """Let maps differ from our environment in some parts."""
        self._db.execute("UPDATE foreign_maps SET accepted = ?", (json.dumps(sorted(parts)),))

    def all(self) -> list[ForeignMap]:
        """All maps, the last measured first."""
        rows = self._db.execute(
            f"SELECT {_FIELDS} FROM foreign_maps ORDER BY measured_at DESC, id DESC"
        )
        return list(map(_foreign_map, rows))

    def get(self, identity: int) -> ForeignMap | None:
        """One map."""
        row = self._db.execute(
            f"SELECT {_FIELDS} FROM foreign_maps WHERE id = ?", (identity,)
        ).fetchone()
        return None if row is None else _foreign_map(row)

    def traces(self, identity: int) -> list[int] | None:
        """The ids of a map's traces; None where they are not on the desk."""
        row = self._db.execute(
            "SELECT traces FROM foreign_maps WHERE id = ?", (identity,)
        ).fetchone()
        return None if row is None or row[0] is None else decompress_ids(row[0])

    def set_used(self, identity: int, traces: Collection[int]) -> None:
        """Write that the traces of a map are on the desk."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE traces SET origin = ? WHERE id IN (SELECT value FROM json_each(?))",
                (identity, json.dumps(sorted(traces))),
            )
            self._db.execute(
                "UPDATE foreign_maps SET state = 'used', traces = ? WHERE id = ?",
                (compress_ids(traces), identity),
            )

    def refuse(self, identity: int, why: str) -> None:
        """Write that a map is never used, and why."""
        self._db.execute(
            "UPDATE foreign_maps SET state = 'refused', why = ?, traces = NULL WHERE id = ?",
            (why, identity),
        )

    def foreign(self, traces: Collection[int]) -> dict[int, int]:
        """Those of some traces that others recorded: the id of the map of each, by its id."""
        if not self._is_used():
            return {}
        rows = self._db.execute(
            "SELECT t.id, t.origin FROM json_each(?) AS ids JOIN traces AS t ON t.id = ids.value"
            " WHERE t.origin IS NOT NULL",
            (json.dumps(sorted(traces)),),
        )
        return {int(identity): int(origin) for identity, origin in rows}

    def _is_used(self) -> bool:
        query = "SELECT 1 FROM foreign_maps WHERE state <> 'fetched' LIMIT 1"
        return self._db.execute(query).fetchone() is not None

    # --- measured commits ---

    def note_use(self, sha: Sha, traces: Collection[int]) -> None:
        """Write how many tests of a commit measured here rest on what others recorded."""
        self._db.execute("DELETE FROM foreign_tests WHERE sha = ?", (sha,))
        if not self._is_used():
            return
        self._db.execute(
            "INSERT INTO foreign_tests (sha, map, tests)"
            " SELECT ?, t.origin, count(*) FROM json_each(?) AS ids"
            " JOIN traces AS t ON t.id = ids.value JOIN contexts AS c ON c.id = t.context_id"
            " WHERE t.origin IS NOT NULL AND c.kind = 'test' GROUP BY t.origin",
            (sha, json.dumps(sorted(traces))),
        )

    def resting_on(self, identity: int) -> list[Sha]:
        """The commits measured here that rest on a map."""
        rows = self._db.execute("SELECT sha FROM foreign_tests WHERE map = ?", (identity,))
        return [sha for (sha,) in rows]

    def shares(self, sha: Sha | None) -> list[ForeignShare]:
        """Whose records a measured commit rests on, the largest share first."""
        rows = self._db.execute(
            "SELECT f.map, f.tests FROM foreign_tests AS f WHERE f.sha = ?"
            " ORDER BY f.tests DESC, f.map",
            (sha,),
        ).fetchall()
        shares: dict[tuple[str, str], int] = {}
        for identity, tests in rows:
            each = self.get(identity)
            source = each.source if each else "somebody"
            differs = each.accepted if each else []
            key = (source, json.dumps(differs))
            shares[key] = shares.get(key, 0) + int(tests)
        return [ForeignShare(source, n, json.loads(d)) for (source, d), n in shares.items()]

    # --- pruning ---

    def used_traces(self, keep: int = 2) -> set[int]:
        """The ids of the traces of the maps that were used last; those of others are let go."""
        rows = self._db.execute(
            "SELECT id, traces FROM foreign_maps WHERE traces IS NOT NULL ORDER BY id DESC"
        ).fetchall()
        used = set[int]()
        for place, (identity, traces) in enumerate(rows):
            if place < keep:
                used.update(decompress_ids(traces))
            else:
                self._db.execute(
                    "UPDATE foreign_maps SET traces = NULL, state = 'fetched' WHERE id = ?",
                    (identity,),
                )
        self._db.execute("DELETE FROM foreign_tests WHERE sha NOT IN (SELECT sha FROM measures)")
        return used


def new_foreign_map(origin: str, name: str, tree: str, **said: Any) -> ForeignMap:
    """A map that was fetched, with what it says of itself as keyword arguments."""
    fields = dict.fromkeys(ForeignMap._fields)
    fields |= {"id": 0, "origin": origin, "name": name, "tree": tree, "accepted": []}
    fields |= {"state": "fetched", "why": "", **said}
    return ForeignMap(**fields)  # type: ignore[arg-type]


def _foreign_map(row: tuple[Any, ...]) -> ForeignMap:
    fields = dict(zip(ForeignMap._fields, row, strict=True))
    fields |= {"parts": json.loads(fields["parts"]), "accepted": json.loads(fields["accepted"])}
    return ForeignMap(**fields | {"branch": bool(fields["branch"])})


FOREIGN_MAPS = """
CREATE TABLE environments (
    -- A row per environment that commits were measured in here.
    fingerprint TEXT PRIMARY KEY,
    parts TEXT NOT NULL                      -- JSON: what it is of, in words, by name
) WITHOUT ROWID;

CREATE TABLE foreign_maps (
    -- A row per map that was fetched: what somebody else says that the tests of a commit execute.
    id INTEGER PRIMARY KEY,
    sha TEXT NOT NULL,
    environment TEXT NOT NULL,
    branch INTEGER NOT NULL,                 -- 1 when arcs were measured
    origin TEXT NOT NULL,                    -- the remote, and whose fork of it
    name TEXT NOT NULL,                      -- its folder among the maps
    tree TEXT NOT NULL,                      -- the git tree that holds it
    parts TEXT NOT NULL,                     -- JSON: what its environment is of
    measured_by TEXT NOT NULL,
    measured_at INTEGER NOT NULL,            -- Unix time
    tests INTEGER NOT NULL,
    executable INTEGER NOT NULL,             -- as it claims; no verdict uses it
    covered INTEGER NOT NULL,
    accepted TEXT NOT NULL,                  -- JSON: parts in which it may differ from ours
    state TEXT NOT NULL,                     -- fetched, used or refused
    why TEXT NOT NULL,                       -- of a refused one
    traces BLOB,                             -- ids of traces rows once used, int32, zlib
    UNIQUE (origin, name)
);

CREATE TABLE foreign_tests (
    -- A row per measured commit and map whose records it rests on.
    sha TEXT NOT NULL,
    map INTEGER NOT NULL,                    -- the row of foreign_maps
    tests INTEGER NOT NULL,
    PRIMARY KEY (sha, map)
) WITHOUT ROWID;

ALTER TABLE traces ADD COLUMN
    origin INTEGER /* the row of foreign_maps, where somebody else recorded it */;
"""
"""The step of `migrations` that makes the tables."""
