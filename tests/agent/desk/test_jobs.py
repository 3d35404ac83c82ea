from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.jobs import MAX_ATTEMPTS
from copydesk.agent.desk.store import open_desk


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path) as found:
        yield found


def test_asking_twice_is_asking_once(db: Database) -> None:
    db.jobs.enqueue("measure", "a")
    db.jobs.enqueue("measure", "a")
    job = db.jobs.lease()
    assert job is not None
    assert (job.kind, job.sha, job.attempts) == ("measure", "a", 1)
    assert db.jobs.lease() is None
    assert db.jobs.counts() == (0, 1, 0, 0)


def test_higher_priority_comes_first(db: Database) -> None:
    db.jobs.enqueue("draft", "a", priority=-10)
    db.jobs.enqueue("measure", "b")
    leased = [db.jobs.lease(), db.jobs.lease()]
    assert [job.kind for job in leased if job] == ["measure", "draft"]


def test_a_lease_that_runs_out_frees_the_job(db: Database) -> None:
    db.jobs.enqueue("measure", "a")
    assert db.jobs.lease(now=0.0, seconds=10.0) is not None
    assert db.jobs.lease(now=9.0) is None
    assert db.jobs.lease(now=11.0) is not None


def test_a_failed_job_waits_and_is_given_up_at_last(db: Database) -> None:
    db.jobs.enqueue("measure", "a")
    later = 0.0
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = db.jobs.lease(now=later or None)
        assert job is not None
        assert job.attempts == attempt
        db.jobs.fail(job, "boom")
        due = db.jobs.next_due()
        later = (due or 0.0) + 1
    assert db.jobs.lease(now=later + 1e6) is None
    assert db.jobs.failures() == [("measure", "a", "boom")]
    db.jobs.enqueue("measure", "a", again=True)
    assert db.jobs.counts().ready == 1


def test_a_hopeless_job_is_given_up_at_once(db: Database) -> None:
    db.jobs.enqueue("measure", "a")
    job = db.jobs.lease()
    assert job is not None
    db.jobs.fail(job, "no", final=True)
    assert db.jobs.counts().failed == 1


def test_done_and_dropped_jobs_stay_as_they_are(db: Database) -> None:
    for subject in "ab":
        db.jobs.enqueue("measure", subject)
    first, second = db.jobs.lease(), db.jobs.lease()
    assert first
    assert second
    db.jobs.finish(first)
    db.jobs.drop(second, "superseded")
    db.jobs.enqueue("measure", "a")
    assert db.jobs.lease() is None
    assert db.jobs.counts().done == 1
    assert db.jobs.next_due() is None


def test_a_new_daemon_frees_what_the_dead_one_held(db: Database) -> None:
    db.jobs.enqueue("measure", "a")
    db.jobs.lease()
    assert db.jobs.release_orphans() == 1
    assert db.jobs.lease() is not None


DRAIN = """
import sys
from pathlib import Path
from copydesk.agent.desk.store import open_desk
with open_desk(Path(sys.argv[1])) as db:
    while job := db.jobs.lease():
        print(job.sha)
"""


def test_two_daemons_never_take_the_same_job(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        for i in range(80):
            db.jobs.enqueue("measure", str(i))
    drain = [sys.executable, "-c", DRAIN, str(tmp_path)]
    daemons = [subprocess.Popen(drain, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = [subject for daemon in daemons for subject in daemon.communicate()[0].split()]
    assert sorted(taken, key=int) == [str(i) for i in range(80)]


def test_what_a_command_has_done_by_hand_is_no_failure_any_more(db: Database) -> None:
    db.jobs.enqueue("draft", "a" * 40)
    job = db.jobs.lease()
    assert job
    db.jobs.fail(job, "boom", final=True)
    db.jobs.done_by_hand("draft", "b" * 40)
    assert db.jobs.counts().failed == 1
    db.jobs.done_by_hand("draft", "a" * 40)
    assert db.jobs.failures() == []
    assert db.jobs.counts().done == 1


def test_a_later_success_takes_failures_of_commits_that_nothing_points_at_along(
    db: Database,
) -> None:
    old, tip, new = "a" * 40, "b" * 40, "c" * 40
    db.commits.replace_tips([tip, new])
    for kind, sha in (("measure", old), ("measure", tip), ("draft", old)):
        db.jobs.enqueue(kind, sha)
        job = db.jobs.lease()
        assert job
        db.jobs.fail(job, "boom", final=True)
    db.jobs.enqueue("measure", new)
    job = db.jobs.lease()
    assert job
    db.jobs.finish(job)
    assert {(kind, sha) for kind, sha, _ in db.jobs.failures()} == {
        ("measure", tip),
        ("draft", old),
    }


def test_drafts_of_commits_that_are_no_tip_any_more_are_dropped(db: Database) -> None:
    for sha in ("old", "tip"):
        db.execute("INSERT INTO commits VALUES (?, '', '', '', '', 0)", (sha,))
        for kind in ("draft", "model", "story", "measure"):
            db.jobs.enqueue(kind, sha)
    db.jobs.enqueue("draft", "never seen")
    db.commits.replace_tips(["tip"])
    dropped = db.jobs.drop_superseded_drafts()
    assert sorted((job.kind, job.sha) for job in dropped) == [("draft", "old"), ("model", "old")]
    assert db.jobs.drop_superseded_drafts() == []
    assert db.jobs.counts().ready == 7


def test_a_draft_in_hand_is_not_dropped(db: Database) -> None:
    db.execute("INSERT INTO commits VALUES ('old', '', '', '', '', 0)")
    db.jobs.enqueue("draft", "old")
    assert db.jobs.lease() is not None
    assert db.jobs.drop_superseded_drafts() == []


def test_drafts_that_were_dropped_are_wanted_again_when_their_commit_is_a_tip_again(
    db: Database,
) -> None:
    db.execute("INSERT INTO commits VALUES ('old', '', '', '', '', 0)")
    db.jobs.enqueue("draft", "old", priority=-10)
    db.jobs.drop_superseded_drafts()
    assert db.jobs.lease() is None
    db.commits.replace_tips(["old"])
    db.jobs.revive_drafts("old")
    assert db.jobs.drop_superseded_drafts() == []
    assert db.jobs.lease() is not None
