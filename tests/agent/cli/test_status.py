import importlib.util
import json
import shutil
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli import status
from copydesk.agent.coverage.probe import HEAD
from copydesk.agent.coverage.store.traces import Trace, add_traces
from copydesk.agent.daemon import control
from copydesk.agent.desk.packed_ids import compress_ids
from copydesk.agent.desk.store import open_desk, transaction
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository


def test_the_json_of_a_measured_repository(run: Any, measured_shop: Path) -> None:
    done = run(measured_shop, "status", "--json")
    assert done.exit_code == 0
    found = json.loads(done.output)
    assert found["daemon"] == {"running": False, "pid": None, "version": None}
    assert found["queue"] == {"ready": 0, "running": 0, "done": 0, "failed": 0}
    head = found["head"]
    assert len(head["sha"]) == 40
    assert head["measured"] is True
    assert head["percent"] == pytest.approx(50)
    assert head["gaps"] == 2
    assert found["drafts"]["ready"] == 0
    assert found["model"]["available"] is False
    assert found["model"]["name"] is None
    assert found["model"]["why"]
    assert found["failures"] == []


def test_a_watched_status_is_shown_again_only_when_it_changed(
    run: Any, shop: Path, add_test: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def look_again() -> None:
        looks.append(1)
        if len(looks) == 2:
            add_test()
        if len(looks) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(status, "_until_next_look", look_again)
    done = run(shop, "status", "--watch", "--json")
    assert done.exit_code == 130
    states = [json.loads(line) for line in done.stdout.splitlines()]
    assert [state["drafts"]["ready"] for state in states] == [0, 1]
    looks.clear()
    done = run(shop, "status", "--watch")
    assert done.stdout.count("Repository  ") == 1  # the same draft again changes nothing


def test_status_in_words_names_the_next_step(run: Any, measured_shop: Path) -> None:
    said = run(measured_shop, "status").output
    assert "prices: 50.0 % covered," in said
    assert "Daemon      not set up" in said
    assert "Work        nothing to do" in said
    assert "Next: `copydesk gaps`" in said


def test_a_flaky_test_is_named(run: Any, shop: Path) -> None:
    before = None
    with open_desk(repository.find(shop).desk) as db:
        for outcome in ("passed", "failed"):
            trace = Trace("test", "test_a.py::test_a", outcome, 0.1, (), repeats=before)
            (before,) = add_traces(db, [trace], "e")
    said = run(shop, "status").output
    assert "Flaky       1 test (test_a.py::test_a, 1 time); `copydesk report` has them" in said
    found = json.loads(run(shop, "status", "--json").output)["flaky"]
    assert found == [{"test": "test_a.py::test_a", "flips": 1, "runs": 2}]


def test_how_far_the_tests_are(run: Any, shop: Path) -> None:
    desk = repository.find(shop).desk
    tests = {"test_a.py::test_a": {"outcome": "passed"}, "test_a.py::test_b": {"outcome": "failed"}}
    record = {"collected": [*tests, "test_a.py::test_c"], "tests": tests}
    record |= {"pieces": [], "contexts": {}, "needs": {}}
    body = zlib.compress(json.dumps(record).encode())
    with open_desk(desk) as db:
        (desk / "stream").write_bytes(HEAD.pack(len(body), zlib.crc32(body)) + body)
        db.execute(
            "INSERT INTO unfinished VALUES (?, NULL, 'e', 0, NULL, ?, NULL, '{}', ?, 0)",
            ("a" * 40, compress_ids([]), str(desk / "stream")),
        )
    assert "Tests       aaaaaaaa: 2 of 3 have run, 1 failed" in run(shop, "status").output
    (found,) = json.loads(run(shop, "status", "--json").output)["tests"]
    assert found == {"sha": "a" * 40, "ended": 2, "tests": 3, "failed": ["test_a.py::test_b"]}


def test_what_the_model_has_done_is_told_by_model_and_prompt(run: Any, shop: Path) -> None:
    calls = [("tiny:1b", "test-1", "ok")] * 3 + [("tiny:1b", "test-1", "endless")]
    calls += [("tiny:1b", f"test-{n}", "cut") for n in range(2, 8)] + [("tiny:1b", "", "ok")]
    with open_desk(repository.find(shop).desk) as db, transaction(db):
        db.executemany(
            "INSERT INTO model_calls (purpose, model, digest, prompt, response, options,"
            " seconds, outcome, called_at) VALUES ('test', ?, 'd', 'write', 'def',"
            " json_object('prompt', ?), 2.5, ?, '2026-01-01T00:00:00+00:00')",
            calls,
        )
        db.execute(
            "INSERT INTO drafts (kind, state, sha, title, origin, path, content, target_path,"
            " target_function, target_lines, evidence, created_at) VALUES"
            " ('test', 'accepted', 'a', 't', 'tiny:1b', 'p', 'c', 'p', 'f', '[]',"
            " '{\"calls\": [1, 2]}', '')"
        )
    said = run(shop, "status").output
    assert "            tiny:1b, test-1: 4 calls, 75 % answered, 50 % kept\n" in said
    assert "            tiny:1b, test-6: 1 call, 100 % answered, 0 % kept\n" in said
    assert "tiny:1b, test-7" not in said
    assert "`copydesk log --model` lists the rest" in said
    totals = json.loads(run(shop, "status", "--json").output)["model"]["totals"]
    assert [one["prompt"] for one in totals] == ["", *(f"test-{n}" for n in range(1, 8))]


def test_a_model_that_keeps_failing_rests(run: Any, shop: Path) -> None:
    path = Path(__file__).parents[2] / "ollama_server.py"
    spec = importlib.util.spec_from_file_location("ollama_server", path)
    assert spec
    assert spec.loader
    server = importlib.util.module_from_spec(spec)
    sys.modules["ollama_server"] = server
    spec.loader.exec_module(server)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with open_desk(repository.find(shop).desk) as db, transaction(db):
        db.executemany(
            "INSERT INTO model_calls (purpose, model, digest, prompt, response, options, seconds,"
            " outcome, called_at) VALUES ('test', 'm', 'd', '', '', '{}', 1, 'crashed', ?)",
            [(now,)] * 5,
        )
    with server.serve() as script:
        repository.set_config(repository.find(shop), "copydesk.modelHost", script.host)
        said = run(shop, "status").output
        model = json.loads(run(shop, "status", "--json").output)["model"]
    assert "Model       qwen2.5-coder:7b failed 5 times in a row; it is asked in" in said
    assert (model["available"], model["name"]) == (False, "qwen2.5-coder:7b")


def test_a_repository_without_commit(run: Any, tmp_path: Path, git: Callable[..., str]) -> None:
    git(tmp_path, "init", "-q")
    found = json.loads(run(tmp_path, "status", "--json").output)
    assert found["head"]["sha"] is None
    assert found["head"]["measured"] is False
    said = run(tmp_path, "status").output
    assert "no commit yet" in said
    assert "make the first commit" in said


def test_a_bare_repository_is_refused(run: Any, tmp_path: Path, git: Callable[..., str]) -> None:
    git(tmp_path, "init", "-q", "--bare", "empty.git")
    said = run(tmp_path / "empty.git", "status", "--json")
    assert said.exit_code == 2
    assert "is a bare repository" in said.output
    assert "messages.md#bare-repository" in said.output


def test_a_new_repository_is_told_how_to_begin(
    run: Any, shop: Path, git: Callable[..., str]
) -> None:
    assert "Next: `copydesk init` sets this" in run(shop, "status").output
    git(shop, "config", status.SET_UP, "/somewhere")
    said = run(shop, "status").output
    assert "Next: `copydesk wait`" in said
    assert "Daemon      asleep; a commit wakes it" in said


def test_waiting_drafts_and_jobs_are_the_next_step(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    with open_desk(repository.find(shop).desk) as db:
        db.jobs.enqueue("measure", "a" * 40)
    said = run(shop, "status").output
    assert "Work        1 ready" in said
    assert "Next: `copydesk wait`" in said
    add_test()
    assert "Next: `copydesk review` (1 draft)." in run(shop, "status").output


def test_a_failed_job_shows_its_error_and_how_to_try_again(run: Any, shop: Path) -> None:
    sha = "b" * 40
    with open_desk(repository.find(shop).desk) as db:
        db.jobs.enqueue("measure", sha)
        job = db.jobs.lease()
        assert job
        db.jobs.fail(job, "the test suite cannot be run\n\x1b[31mE  boom", final=True)
        db.jobs.enqueue("odd", "c" * 40)
        job = db.jobs.lease()
        assert job
        db.jobs.fail(job, "no step", final=True)
    said = run(shop, "status").output
    assert "Failed: measure bbbbbbbb" in said
    assert "  \\x1b[31mE  boom" in said
    assert "`copydesk measure bbbbbbbb` tries again." in said
    assert "Failed: odd cccccccc\n  no step\n" in said
    assert "Next:" not in said
    assert len(json.loads(run(shop, "status", "--json").output)["failures"]) == 2


def test_the_failure_of_a_former_commit_is_one_line(
    run: Any, measured_shop: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))
    with open_desk(repository.find(copy).desk) as db:
        db.jobs.enqueue("measure", "b" * 40)
        job = db.jobs.lease()
        assert job
        db.jobs.fail(job, "the suite is broken\nmore\nand more", final=True)
    said = run(copy, "status").output
    assert "Failed      measure bbbbbbbb, an earlier commit: the suite is broken\n" in said
    assert "more" not in said


def test_everything_done_says_so() -> None:
    found = {
        "head": {"sha": "a", "measured": True, "gaps": 0},
        "queue": {"ready": 0, "running": 0, "done": 9, "failed": 0},
        "drafts": {"ready": 0, "asks": 0, "not_run": 0},
    }
    assert "nothing to do" in status._next_step(found)


def test_a_broken_configuration_is_named(run: Any, shop: Path) -> None:
    (shop / "pyproject.toml").write_text("[tool.copydesk]\nfail_unter = 3\n")
    done = run(shop, "status")
    assert done.exit_code == 2
    assert "Did you mean 'fail_under'?" in done.output


def test_a_head_that_cannot_be_read_is_named(
    run: Any, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: object) -> str:
        raise CopydeskError("git rev-parse: damaged", slug="git-failed")

    monkeypatch.setattr(repository, "resolve", resolve)
    done = run(shop, "status")
    assert done.exit_code == 2
    assert "messages.md#git-failed" in done.output


def test_head_with_failed_tests_says_how_many(shop: Path) -> None:
    head = {"sha": "a" * 40, "subject": "x", "measured": True, "percent": 50.0, "failed": 1}
    said = status._head_words(head | {"measured_at": "2026-01-01T00:00:00+00:00"})
    assert said == "aaaaaaaa x: 50.0 % covered, 1 test failed, 2026-01-01"


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_wait_gives_up_in_time(
    run: Any, shop: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(control, "ensure", lambda *_, **__: False)
    repository.set_config(repository.find(shop), "copydesk.bin", "/somewhere")
    done = run(shop, "wait", "--timeout", "0.1", *words)
    assert done.exit_code == 1
    assert ("Time is up" in done.output) or json.loads(done.output)["done"] is False


def test_wait_wakes_the_daemon_and_returns_when_all_is_done(
    run: Any, repo: Path, git: Callable[..., str]
) -> None:
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.bin", "/somewhere")
    try:
        done = run(repo, "wait", "--timeout", "100")
        assert done.exit_code == 0
        assert "Nothing is left to do." in done.output
        found = json.loads(run(repo, "status", "--json").output)
        assert found["head"]["measured"] is True
        assert found["daemon"]["running"] is True
        assert f"process {found['daemon']['pid']}" in run(repo, "status").output
        with open_desk(repository.find(repo).desk) as db:
            db.execute("UPDATE jobs SET state = 'failed' WHERE kind = 'story'")
        done = run(repo, "wait", "--timeout", "50", "--json")
        assert json.loads(done.stdout)["done"] is True
        assert "1 job failed; `copydesk status` says why." in done.stderr
        assert done.exit_code == 1
    finally:
        run(repo, "daemon", "stop")
