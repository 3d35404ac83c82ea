"""A measure that was cut short at any point is gone on with, and the end is that of a full run."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.agent.coverage import probe
from copydesk.agent.coverage.measure import interrupted
from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.coverage.measure.shards import Shards
from copydesk.agent.coverage.store import load_totals
from copydesk.agent.coverage.store.traces import load_map
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import Conditions, Measure
from copydesk.agent.desk.packed_ids import compress_ids
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, resolve, set_config

FILES = {
    "shop.py": (
        "def price(value):\n    if value > 5:\n        return 5\n    return value\n\n\n"
        "class Till:\n    def __init__(self):\n        self.sum = 0\n\n"
        "    def close(self):\n        self.sum = None\n\n\n"
        "def lazily():\n    import late\n    return late.ONE\n\n\n"
        "def never():\n    return 0\n"
    ),
    "late.py": "def made():\n    return 1\n\n\nONE = made()\n",
    "helper.py": "def end():\n    return 'the end'\n\n\ndef setting():\n    return 7\n",
    "conftest.py": (
        "import pytest\n\nimport helper\nimport shop\n\n\n"
        "@pytest.fixture(scope='session')\ndef till():\n"
        "    made = shop.Till()\n    yield made\n    made.close()\n\n\n"
        "@pytest.fixture(scope='module')\ndef number():\n    return helper.setting()\n\n\n"
        "def pytest_sessionfinish():\n    helper.end()\n"
    ),
    "test_a.py": (
        "import shop\n\n\n"
        "def test_low():\n    assert shop.price(1) == 1\n\n\n"
        "def test_number(number):\n    assert number == 7\n\n\n"
        "def test_till(till):\n    assert till.sum == 0\n\n\n"
        "def test_late():\n    assert shop.lazily() == 1\n\n\n"
        "def test_wrong():\n    assert shop.price(1) == 2\n"
    ),
    "test_b.py": (
        "import subprocess, sys, unittest\n\nimport shop\n\n\n"
        "class TestClass(unittest.TestCase):\n"
        "    @classmethod\n    def setUpClass(cls):\n        cls.till = shop.Till()\n\n"
        "    @classmethod\n    def tearDownClass(cls):\n        cls.till.close()\n\n"
        "    def test_one(self):\n        assert self.till.sum == 0\n\n"
        "    def test_two(self):\n        assert shop.price(9) == 5\n\n\n"
        "def test_program():\n"
        "    assert not subprocess.call([sys.executable, '-c', 'import late'])\n\n\n"
        "def test_last(number):\n    assert number\n"
    ),
    "pyproject.toml": "[tool.coverage.run]\nsource = ['.']\n",
}

EDITS: dict[str, Mapping[str, str]] = {
    "nothing": {"README.md": "words"},
    "code": {"shop.py": FILES["shop.py"].replace("return 5", "return 2 + 3")},
    "fixture": {"helper.py": FILES["helper.py"].replace("return 7", "return 3 + 4")},
    "late": {"late.py": FILES["late.py"].replace("return 1", "return 2 - 1")},
    "tear-down": {"shop.py": FILES["shop.py"].replace("self.sum = None", "del self.sum")},
    "tests": {"test_b.py": FILES["test_b.py"].replace("9) == 5", "8) == 5")},
}


class Cut(Exception):
    """The measure ends here, as if by a SIGKILL: nothing is tidied up."""


@pytest.fixture
def slow_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the probe say something after every test."""
    original = Shards.run
    monkeypatch.setattr(
        Shards,
        "run",
        lambda self, engine, options: original(self, engine, replace(options, report_seconds=0.0)),
    )


@pytest.fixture
def shop(repo: Path, commit: Callable[..., str]) -> Path:
    commit(repo, dict(FILES), "a shop")
    set_config(find(repo), "copydesk.python", sys.executable)
    return repo


@pytest.fixture
def db(shop: Path) -> Iterator[Database]:
    with open_desk(find(shop).desk) as connection:
        yield connection


def go(shop: Path, db: Database, **more: bool) -> Measure:
    repo = find(shop)
    return measure(db, Commit(repo, resolve(repo, "HEAD")), **more)


def cut(shop: Path, db: Database, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Measure HEAD up to the end of its tests and no further; what the run had said by then."""
    said: list[bytes] = []

    def parse_report(*_: object) -> None:
        said.append(stream(db).read_bytes())
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr("copydesk.agent.coverage.runner.run_tests.parse_report", parse_report)
        with pytest.raises(Cut):
            go(shop, db)
    return said[0]


def stream(db: Database) -> Path:
    ((path,),) = db.execute("SELECT stream FROM unfinished WHERE tests IS NULL")
    return Path(path)


def ends(data: bytes) -> list[int]:
    """Where the records of a stream end."""
    found, at = [0], 0
    while at < len(data):
        size, _ = probe.HEAD.unpack_from(data, at)
        at += probe.HEAD.size + size
        found.append(at)
    return found


def said(db: Database, sha: str) -> tuple[object, ...]:
    """All that a measure says: every line of every file, and how every test went."""
    total, known = load_totals(db, sha), load_map(db, sha)
    assert total is not None
    assert known is not None
    lines = sorted((t.path, t.statements, t.missing, t.missing_branches) for t in total)
    return lines, sorted((name, test.outcome) for name, test in known.tests().items())


def restart(db: Database) -> None:
    """Forget every measure, but nothing that was learned."""
    for table in ("gaps", "measures"):
        db.execute(f"DELETE FROM {table}")


@pytest.mark.usefixtures("slow_stream")
def test_a_measure_that_was_cut_short_is_gone_on_with(
    shop: Path, db: Database, monkeypatch: pytest.MonkeyPatch, commit: Callable[..., str]
) -> None:
    data = cut(shop, db, monkeypatch)
    path, whole = stream(db), ends(data)
    assert len(whole) == 11  # nine tests, the end
    path.write_bytes(data[: whole[5] + 20])  # in the middle of a record
    (so_far,) = interrupted.progress(db)
    assert so_far[1:] == (5, 9, ("test_a.py::test_wrong",))
    sha = commit(shop, dict(EDITS["code"]))
    done = go(shop, db)
    assert interrupted.progress(db) == []
    # test_till waits for its session, test_wrong was the last; test_b.py had not begun; then all
    # ran beside test_wrong, whose failure is the first that is known of it
    assert (done.selected, done.total, done.failed) == (9, 9, 1)
    assert "was not run to its end" in done.reason
    assert db.execute("SELECT count(*) FROM unfinished").fetchone() == (0,)
    assert not path.exists()
    found = said(db, sha)
    go(shop, db, full=True)
    assert said(db, sha) == found


def test_a_measure_killed_in_a_long_test_keeps_all_that_ended_before(
    repo: Path, commit: Callable[..., str], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    quick = "".join(f"def test_{n}():\n    assert shop.price({n}) == {n}\n\n\n" for n in range(5))
    text = (
        f"import shop\n\n\n{quick}def test_long():\n    assert open({str(pipe)!r}).read() == ''\n"
    )
    files = {
        "shop.py": FILES["shop.py"],
        "test_shop.py": text,
        "pyproject.toml": FILES["pyproject.toml"],
    }
    sha = commit(repo, files)
    set_config(find(repo), "copydesk.python", sys.executable)
    set_config(find(repo), "copydesk.ownTests", "plain")  # the pipe is outside of any sandbox
    argv = [sys.executable, "-m", "copydesk.agent.cli.main", "measure"]
    measuring = subprocess.Popen(argv, cwd=repo, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with pipe.open("w"):  # opens once the long test does
        measuring.kill()
        measuring.communicate()
    pipe.unlink()
    pipe.touch()
    with open_desk(find(repo).desk) as db:
        (so_far,) = interrupted.progress(db)
        assert so_far == (sha, 5, 6, ())
        done = go(repo, db)
        # the long one, and the last one that ended, which never counts
        assert (done.selected, done.total, done.failed) == (2, 6, 0)
        resumed = said(db, sha)
        go(repo, db, full=True)
        assert said(db, sha) == resumed


@pytest.mark.parametrize("said", [b"", b"words", b"[1]", b'{"collected": [1], "tests": {"x": 2}}'])
def test_a_stream_that_is_none_is_left_aside(db: Database, tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "stream"
    body = zlib.compress(said)
    path.write_bytes(probe.HEAD.pack(len(body), zlib.crc32(body)) + body)
    db.execute(
        "INSERT INTO unfinished VALUES (?, NULL, 'e', 0, NULL, ?, NULL, '{}', ?, 0)",
        ("a" * 40, compress_ids([]), str(path)),
    )
    assert interrupted.progress(db) == []
    assert interrupted.load_interrupted(db, Conditions("e", False), lambda _: {}) == {}
    assert not path.exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("slow_stream")
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("first", [True, False], ids=["first measure", "later measure"])
def test_cut_short_at_any_point_the_next_total_is_that_of_a_full_run(
    shop: Path,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    commit: Callable[..., str],
    edit: str,
    first: bool,
) -> None:
    if not first:
        go(shop, db)
        text = FILES["helper.py"] + "\n\ndef more():\n    return 1\n"
        other = FILES["shop.py"].replace("self.sum = 0", "self.sum = 1 - 1")
        commit(shop, {"helper.py": text, "shop.py": other})
    data = cut(shop, db, monkeypatch)
    row = db.execute("SELECT * FROM unfinished").fetchone()
    path = stream(db)
    measures = db.execute("SELECT * FROM measures").fetchall()
    changed = EDITS[edit]
    if not first and "shop.py" in changed:
        changed = {"shop.py": changed["shop.py"].replace("self.sum = 0", "self.sum = 1 - 1")}
    sha = commit(shop, dict(changed))
    go(shop, db, full=True)
    truth = said(db, sha)
    ran = set()
    for end in ends(data):
        restart(db)
        for one in measures:
            db.execute(f"INSERT INTO measures VALUES ({', '.join('?' * len(one))})", one)
        db.execute("DELETE FROM unfinished")
        db.execute(f"INSERT INTO unfinished VALUES ({', '.join('?' * len(row))})", row)
        path.write_bytes(data[: end + 9])  # in the middle of the next record
        done = go(shop, db)
        assert said(db, sha) == truth, f"cut at {end}"
        ran.add(done.selected)
    # the more had ended, the less is left, unless what changed affects all that had run
    assert (min(ran) < max(ran)) == (first or edit not in ("late", "tear-down"))
