"""What a draft on its way up the ladder has behind it, so that a crash costs one run at most.

The verdict follows from the candidate and from the outcomes of its runs alone. Both are kept on
the desk until the draft is there; climbing again then reads what ran already.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import now
from copydesk.agent.desk.store import transaction
from copydesk.agent.records import Candidate, Gap, Sha
from copydesk.agent.sandbox.records import Limits, Outcome, Tier
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.hooks.failpoints import failpoint


@dataclass(frozen=True, slots=True)
class Begun:
    """A draft that climbs. `calls` are the numbers of the model's calls behind it."""

    id: int
    candidate: Candidate
    calls: tuple[int, ...]


def begin(db: Database, candidate: Candidate, calls: Sequence[int] = ()) -> Begun:
    """Keep a candidate; one for each commit, function and writer."""
    gap = candidate.gap
    key = (gap.commit, gap.path, gap.function, candidate.origin)
    kept = json.dumps(
        {"content": candidate.content, "tests": candidate.tests}
        | {"recorded": candidate.recorded, "notes": candidate.notes, "calls": list(calls)}
    )
    with transaction(db):
        _forget(db, key)
        row = db.execute(
            "INSERT INTO climbs (sha, path, function, origin, candidate, begun_at)"
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (*key, kept, now()),
        ).fetchone()
    return Begun(int(row[0]), candidate, tuple(calls))


def begun(db: Database, gap: Gap, origin: str) -> Begun | None:
    """The draft of a writer for a gap that was on its way when the work was cut short."""
    row = db.execute(
        "SELECT id, candidate FROM climbs"
        " WHERE sha = ? AND path = ? AND function = ? AND origin = ?",
        (gap.commit, gap.path, gap.function, origin),
    ).fetchone()
    if row is None:
        return None
    said = json.loads(row[1])
    lists = {name: tuple(said[name]) for name in ("tests", "recorded", "notes")}
    candidate = Candidate(gap, origin, said["content"], **lists)
    return Begun(int(row[0]), candidate, tuple(said["calls"]))


def end(db: Database, gap: Gap, origin: str) -> None:
    """Forget a climb: its draft is on the desk."""
    with transaction(db):
        _forget(db, (gap.commit, gap.path, gap.function, origin))


def end_all(db: Database, sha: Sha) -> None:
    """Forget what is left of a commit's climbs once its gaps are done, or wanted no longer."""
    with transaction(db):
        db.execute(
            "DELETE FROM climb_runs WHERE climb IN (SELECT id FROM climbs WHERE sha = ?)", (sha,)
        )
        db.execute("DELETE FROM climbs WHERE sha = ?", (sha,))


def _forget(db: Database, key: tuple[str, str, str, str]) -> None:
    where = "sha = ? AND path = ? AND function = ? AND origin = ?"
    db.execute(f"DELETE FROM climb_runs WHERE climb IN (SELECT id FROM climbs WHERE {where})", key)
    db.execute(f"DELETE FROM climbs WHERE {where}", key)


@dataclass(frozen=True, slots=True)
class Remembering:
    """A sandbox that does no run of a climb twice."""

    sandbox: SandboxRunner
    db: Database
    climb: int

    @property
    def tier(self) -> Tier:
        """The sandbox's."""
        return self.sandbox.tier

    def run(
        self,
        argv: Sequence[str],
        *,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        limits: Limits | None = None,
    ) -> Outcome:
        """As SandboxRunner.run, or what came of the very same run before."""
        parts = [str(self.tier), list(argv), dict(files or {}), dict(env or {})]
        asked = json.dumps([*parts, stdin.decode("latin-1")], sort_keys=True)
        request = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
        row = self.db.execute(
            "SELECT outcome FROM climb_runs WHERE climb = ? AND request = ?", (self.climb, request)
        ).fetchone()
        if row is not None:
            return _outcome(row[0])
        known = "SELECT count(*) + 1 FROM climb_runs WHERE climb = ?"
        (number,) = self.db.execute(known, (self.climb,)).fetchone()
        failpoint(f"climb.begun-{number}")
        outcome = self.sandbox.run(argv, files=files, env=env, stdin=stdin, limits=limits)
        if outcome.ended != "not run":
            with transaction(self.db):
                self.db.execute(
                    "INSERT OR REPLACE INTO climb_runs (climb, request, outcome) VALUES (?, ?, ?)",
                    (self.climb, request, _packed(outcome)),
                )
        failpoint(f"climb.stored-{number}")
        return outcome


def _packed(outcome: Outcome) -> bytes:
    plain = replace(outcome, report=b"")
    report = base64.b64encode(outcome.report).decode()
    return zlib.compress(json.dumps({**asdict(plain), "report": report}).encode())


def _outcome(packed: bytes) -> Outcome:
    said = json.loads(zlib.decompress(packed))
    said |= {"tier": Tier(said["tier"]), "report": base64.b64decode(said["report"])}
    return Outcome(**said)
