from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk import queue
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path) as found:
        yield found


def test_asking_twice_is_asking_once(db: Database) -> None:
    queue.put(db, "measure", "a")
    queue.put(db, "measure", "a")
    job = queue.lease(db)
    assert job is not None
    assert (job.kind, job.subject, job.attempts) == ("measure", "a", 1)
    assert queue.lease(db) is None
    assert queue.counts(db) == (0, 1, 0, 0)


def test_higher_priority_comes_first(db: Database) -> None:
    queue.put(db, "draft", "a", priority=-10)
    queue.put(db, "measure", "b")
    leased = [queue.lease(db), queue.lease(db)]
    assert [job.kind for job in leased if job] == ["measure", "draft"]


def test_a_lease_that_runs_out_frees_the_job(db: Database) -> None:
    queue.put(db, "measure", "a")
    assert queue.lease(db, now=0.0, seconds=10.0) is not None
    assert queue.lease(db, now=9.0) is None
    assert queue.lease(db, now=11.0) is not None


def test_a_failed_job_waits_and_is_given_up_at_last(db: Database) -> None:
    queue.put(db, "measure", "a")
    later = 0.0
    for attempt in range(1, queue.MAX_ATTEMPTS + 1):
        job = queue.lease(db, now=later or None)
        assert job is not None
        assert job.attempts == attempt
        queue.fail(db, job, "boom")
        due = queue.next_due(db)
        later = (due or 0.0) + 1
    assert queue.lease(db, now=later + 1e6) is None
    assert queue.failures(db) == [("measure", "a", "boom")]
    queue.put(db, "measure", "a", again=True)
    assert queue.counts(db).ready == 1


def test_a_hopeless_job_is_given_up_at_once(db: Database) -> None:
    queue.put(db, "measure", "a")
    job = queue.lease(db)
    assert job is not None
    queue.fail(db, job, "no", final=True)
    assert queue.counts(db).failed == 1


def test_done_and_dropped_jobs_stay_as_they_are(db: Database) -> None:
    for subject in "ab":
        queue.put(db, "measure", subject)
    first, second = queue.lease(db), queue.lease(db)
    assert first
    assert second
    queue.finish(db, first)
    queue.drop(db, second, "superseded")
    queue.put(db, "measure", "a")
    assert queue.lease(db) is None
    assert queue.counts(db).done == 1
    assert queue.next_due(db) is None


def test_a_new_daemon_frees_what_the_dead_one_held(db: Database) -> None:
    queue.put(db, "measure", "a")
    queue.lease(db)
    assert queue.release_orphans(db) == 1
    assert queue.lease(db) is not None


DRAIN = """
import sys
from pathlib import Path
from copydesk.agent.desk import queue
from copydesk.agent.desk.store import open_desk
with open_desk(Path(sys.argv[1])) as db:
    while job := queue.lease(db):
        print(job.subject)
"""


def test_two_daemons_never_take_the_same_job(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        for i in range(80):
            queue.put(db, "measure", str(i))
    drain = [sys.executable, "-c", DRAIN, str(tmp_path)]
    daemons = [subprocess.Popen(drain, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = [subject for daemon in daemons for subject in daemon.communicate()[0].split()]
    assert sorted(taken, key=int) == [str(i) for i in range(80)]
