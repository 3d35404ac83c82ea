from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from copydesk.agent.cli import replay as cli
from copydesk.agent.config import Personal
from copydesk.agent.coverage.measure import predecessors
from copydesk.agent.coverage.probe.copydesk_probe import outcomes
from copydesk.agent.coverage.replay import replay as replaying
from copydesk.agent.coverage.replay.replay import Comparison, FullRun, commits, replay, summary
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests

Commit = Callable[..., str]
PYTHON = Path(sys.executable)

HOLES = {
    "src/pkg/__init__.py": "",
    "src/pkg/consts.py": "SIZE = 1\n",
    "src/pkg/deep.py": "COLOUR = 'red'\n",
    "src/pkg/shape.py": "class Box:\n    sides = 4\n\n    def area(self):\n        return 2\n",
    "src/pkg/childmod.py": "WORD = 'hello'\nprint(WORD)\n",
    "src/pkg/optional.py": (
        "try:\n    from pkg import extra\nexcept ImportError:\n    extra = None\n\n\n"
        "def has_extra():\n    return extra is not None\n"
    ),
    "src/pkg/late.py": "def numbers():\n    yield 1\n    yield 2\n",
    "data/value.txt": "1\n",
    "data/list/a.txt": "",
    "tests/conftest.py": (
        "import pytest\n\nfrom pkg import consts\n\n\n"
        "@pytest.fixture(scope='module')\ndef size():\n    return consts.SIZE\n\n\n"
        "@pytest.fixture(scope='session')\ndef shared():\n    made = []\n    made.append(1)\n"
        "    return made\n"
    ),
    "tests/test_data.py": (
        "import os\n\n\n"
        "def test_read():\n    assert open('data/value.txt').read() == '1\\n'\n\n\n"
        "def test_list():\n    assert os.listdir('data/list') == ['a.txt']\n\n\n"
        "def test_missing():\n    assert not os.path.exists('data/later.txt')\n\n\n"
        "def test_missing_open():\n"
        "    try:\n        open('data/later.txt').close()\n"
        "    except FileNotFoundError:\n        return\n    raise AssertionError\n"
    ),
    "tests/test_code.py": (
        "import subprocess\nimport sys\n\nfrom pkg.shape import Box\n\n\n"
        "def test_lazy():\n    from pkg.deep import COLOUR\n\n    assert COLOUR == 'red'\n\n\n"
        "def test_class():\n    assert Box.sides == 4\n\n\n"
        "def test_fixture(size):\n    assert size == 1\n\n\n"
        "def test_child():\n"
        "    said = subprocess.run([sys.executable, '-m', 'pkg.childmod'], capture_output=True)\n"
        "    assert said.stdout.strip() == b'hello'\n"
    ),
    "tests/test_optional.py": (
        "import os\n\nfrom pkg import optional\n\n\n"
        "def test_optional():\n    assert not optional.has_extra()\n\n\n"
        "def test_variable():\n    assert 'AUTO' not in os.environ\n"
    ),
    "tests/sub/test_auto.py": (
        "import os\n\n\ndef test_auto():\n    assert 'AUTO' not in os.environ\n"
    ),
    "tests/test_shared.py": (
        "from pkg import late\n\n\n"
        "def test_first(shared):\n    assert shared\n\n\n"
        "def test_second(shared):\n    assert shared\n\n\n"
        "def test_late():\n    assert next(late.numbers()) == 1\n"
    ),
    "pyproject.toml": "[tool.coverage.run]\nsource = ['pkg', 'tests']\nbranch = true\n",
}

AUTOUSE = (
    "import os\n\nimport pytest\n\n\n@pytest.fixture(autouse=True)\n"
    "def everywhere(monkeypatch):\n    monkeypatch.setenv('AUTO', '1')\n"
)


FIRST = "assert [1] == shared\n\n\ndef test_s"


def replaced(path: str, old: str, new: str) -> dict[str, str | None]:
    assert old in HOLES[path]
    return {path: HOLES[path].replace(old, new)}


@pytest.mark.slow
@pytest.mark.usefixtures("as_selected")
def test_the_holes_of_other_tools_are_closed(repo: Path, commit: Commit) -> None:
    found = closed(repo, commit, PYTHON)
    assert found[1].ratio > 0
    here = Interpreter(PYTHON, sys.version_info[:3], Path(sys.prefix), Path(sys.base_prefix), "")
    plain = sandbox_for_own_tests(Personal(), here, repo, repo)[0] is None
    assert (found[1].processor_ratio > 0) == plain, "nobody hears of it from the sandbox"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13"], indirect=True)
@pytest.mark.usefixtures("as_selected")
def test_they_are_closed_on_other_pythons(repo: Path, commit: Commit, python: Path) -> None:
    closed(repo, commit, python)


@pytest.fixture
def as_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures run what is selected, and hold no new outcome against a run of every test."""
    monkeypatch.setattr(predecessors.SelectedRun, "_suspects", lambda *_: {})


def closed(repo: Path, commit: Commit, python: Path) -> list[Comparison]:
    start = commit(repo, dict(HOLES), "start")
    outcomes = {
        "data/list/b.txt": "",
        "data/later.txt": "",
        "src/pkg/extra.py": "x = 1\n",
        "tests/sub/conftest.py": AUTOUSE,
        **replaced("data/value.txt", "1", "2"),
        **replaced("src/pkg/consts.py", "1", "2"),
        **replaced("src/pkg/deep.py", "red", "blue"),
        **replaced("src/pkg/shape.py", "sides = 4", "sides = 5"),
        **replaced("src/pkg/childmod.py", "hello", "bye"),
    }
    commit(repo, outcomes, "every test that should notice fails")
    back: dict[str, str | None] = {path: HOLES.get(path) for path in outcomes}
    back["notes.txt"] = "a tree that was never measured\n"
    commit(repo, back, "and passes again")
    quiet = "# said\n" + HOLES["src/pkg/shape.py"] + "\n\ndef unused():\n    return 3\n"
    first = replaced("tests/test_shared.py", "assert shared\n\n\ndef test_s", FIRST)
    commit(repo, {"src/pkg/shape.py": quiet} | first, "the first user of a session fixture")
    repository = find(repo)
    found = list(replay(repository, commits(repository, f"{start}..HEAD"), python=python))
    assert [(c.subject, c.verdict, c.differences, c.missed) for c in found] == [
        (c.subject, "exact", [], []) for c in found
    ]
    assert [(c.first, c.selected, c.total) for c in found] == [
        *((True, 14, 14), (False, 11, 14)),
        *((False, 11, 14), (False, 1, 14)),
    ], [c.reason for c in found]
    assert not repository.desk.exists()
    assert summary(found)["exact"] == 4
    return found


def test_what_differs_is_named_and_a_commit_that_cannot_run_is_said_to_be_so(
    repo: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = "import os\n\n\ndef f(path):\n    if os.path.exists(path):\n        return 1\n"
    marker = repo.parent / "marker"  # outside the tree, where nothing is watched
    set_config(find(repo), "copydesk.ownTests", "plain")
    test = "import lib\n\n\ndef test_f():\n    assert lib.f(PATH) is None\n    open(PATH, 'w')\n"
    start = commit(repo, {"lib.py": lib, "test_lib.py": test.replace("PATH", repr(str(marker)))})
    commit(repo, {"conftest.py": "raise RuntimeError('on purpose')\n"}, "broken")
    monkeypatch.chdir(repo.parent)
    argv = [str(repo), f"{start}..HEAD", "--python", str(PYTHON), "--keep-going"]
    said = CliRunner().invoke(cli.replay, [*argv, "--json"])
    assert said.exit_code == 1
    first, broken = json.loads(said.stdout)["commits"]
    assert first["verdict"] == "inexact"
    assert "test_lib.py::test_f: failed (full)" in first["differences"]
    assert "lib.py: executed 6 (full)" in first["differences"]
    assert broken["verdict"] == "broken"
    assert "on purpose" in broken["error"]
    assert "test_lib.py::test_f: passed (incremental)" in said.stderr


def test_a_sample_replays_some_commits_each_from_its_parent(
    repo: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_config(find(repo), "copydesk.ownTests", "plain")
    test = "import lib\n\n\ndef test_f():\n    assert lib.f() == 1\n"
    commit(repo, {"lib.py": "def f():\n    return 1\n", "test_lib.py": test}, "start")
    chosen = [commit(repo, {"lib.py": "def f():\n    x = 1\n    return x\n"}, "another body")]
    commit(repo, {"notes.txt": "nothing of Python"})
    chosen.append(commit(repo, {"lib.py": "def f():\n    return 2 - 1\n"}, "the last"))
    monkeypatch.chdir(repo)
    pairs = replaying.sample(find(repo), None, 9)
    assert [sha for _, sha in pairs[1:]] == chosen  # the first one brought the code
    assert replaying.sample(find(repo), None, 2) == [pairs[0], pairs[2]]
    assert replaying.sample(find(repo), "HEAD~3..HEAD", 1) == [pairs[2]]
    argv = ["--sample", "2", "HEAD~3..HEAD", "--python", str(PYTHON), "--json"]
    said = CliRunner().invoke(cli.replay, [".", *argv])
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)
    rows = [(row["sha"], row["verdict"], row["selected"]) for row in answer["commits"]]
    assert rows == [(sha, "exact", 1) for sha in chosen]
    assert answer["summary"]["exact"] == 2


def test_a_sample_that_could_not_be_compared_is_no_yes(
    repo: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"conftest.py": "raise RuntimeError('on purpose')\n", "test_a.py": ""}
    commit(repo, broken, "broken")
    monkeypatch.chdir(repo)
    said = CliRunner().invoke(cli.replay, ["--sample", "1", "--python", str(PYTHON)])
    assert said.exit_code == 1, said.output
    assert "1 broken" in said.stdout
    for argv in ([], ["--sample", "1", "--limit", "1"]):
        assert CliRunner().invoke(cli.replay, argv).exit_code == 2
    with pytest.raises(CopydeskError, match="no commit to replay"):
        replaying.sample(find(repo), "HEAD..HEAD", 1)


def test_the_table_and_what_is_wrong_with_a_commit() -> None:
    bad = Comparison("0123456789" * 4, "a subject", first=False, verdict="inexact", total=4)
    bad.selected, bad.seconds, bad.full_seconds, bad.full_processor = 1, 2.0, 8.0, 4.0
    bad.processor = 1.0
    bad.differences = [f"lib.py: executed {n} (full)" for n in range(30)]
    table = cli._table([bad])
    assert "| 01234567 | inexact | 25.0 % | 8.0 | 2.0 | 0.25 | 0.25 |" in table
    assert "0 of 1 commit exact, 1 inexact; median: 25.0 % of the tests selected, 0.25" in table
    assert len(cli._problems(bad)) == 21
    assert cli._problems(bad)[-1] == "… and 10 more; --json has them all"


def test_two_full_runs_that_differ_are_named_as_such(
    repo: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = commit(repo, {"lib.py": "x = 1\n", "test_lib.py": "def test_f():\n    import lib\n"})
    answers = iter([("lib.py", "executed", 7), ("lib.py", "executed", 8)])
    inner = replaying._Replay._full_run

    def unsteady(self: replaying._Replay, sha: str) -> FullRun:
        true = inner(self, sha)
        return FullRun(true.facts | {next(answers)}, true.outcomes, true.seconds, 0.0)

    monkeypatch.setattr(replaying._Replay, "_full_run", unsteady)
    [found] = replay(find(repo), [start], python=PYTHON)
    assert found.verdict == "flaky"
    assert found.differences == ["lib.py: executed 7 (full)"]
    assert len(found.unsteady) == 2
    assert found.processor_ratio == 0.0


@pytest.mark.slow
def test_a_test_on_which_full_runs_of_the_commit_before_disagreed_is_not_missed(
    repo: Path, commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = "import lib\n\n\ndef test_f():\n    assert lib.x\n"
    shas = [commit(repo, {"lib.py": "x = 1\n", "test_lib.py": test})]
    shas += [commit(repo, {"notes.txt": str(number)}) for number in range(2)]
    name = "test_lib.py::test_f"
    answers = iter(["failed", "passed", "passed", "failed", "failed", "passed"])
    inner = replaying._Replay._full_run

    def unsteady(self: replaying._Replay, sha: str) -> FullRun:
        true = inner(self, sha)
        return FullRun(true.facts, {name: next(answers)}, true.seconds, 0.0)

    monkeypatch.setattr(replaying._Replay, "_full_run", unsteady)
    place = tmp_path / "kept"
    [first, second] = replay(find(repo), shas[:2], python=PYTHON, desk=place)
    assert (first.verdict, first.unsteady_tests) == ("flaky", [name])
    assert (second.verdict, second.missed) == ("exact", [])
    # gone on with another time: only what is left, and the base is still known to be steady
    [third] = replay(find(repo), shas, python=PYTHON, desk=place, earlier=[first, second])
    assert (third.sha, third.verdict, third.missed) == (shas[2], "inexact", [name])
    [again] = replay(find(repo), shas[1:2], python=PYTHON, desk=place, earlier=[first])
    assert (again.verdict, again.missed) == ("exact", [])


def test_a_range_has_two_ends_and_a_limit_keeps_the_newest(repo: Path, commit: Commit) -> None:
    shas = [commit(repo, {"a.txt": str(n)}) for n in range(4)]
    repository = find(repo)
    assert commits(repository, f"{shas[0]}..HEAD") == shas
    assert commits(repository, f"{shas[0]}..HEAD", 2) == shas[1:]
    with pytest.raises(CopydeskError) as caught:
        commits(repository, "HEAD")
    assert caught.value.slug == "not-a-range"


def test_an_interpreter_that_cannot_be_used_is_named(repo: Path, tmp_path: Path) -> None:
    with pytest.raises(CopydeskError) as caught:
        next(replay(find(repo), ["HEAD"], python=tmp_path / "python"))
    assert caught.value.slug == "no-interpreter"


def test_a_replay_of_nothing_has_no_medians() -> None:
    assert summary([])["ratio"] is None
    assert Comparison("0" * 40, "", first=True).fraction == 0.0


@pytest.mark.parametrize(
    ("phases", "outcome"),
    [
        ([{"when": "call"}], "passed"),
        ([{"when": "setup", "outcome": "skipped"}], "skipped"),
        ([{"when": "call"}, {"when": "teardown", "outcome": "failed"}], "error"),
        ([{"when": "call", "outcome": "failed"}, {"when": "teardown"}], "failed"),
        ([{"when": "call", "outcome": "skipped", "wasxfail": ""}], "xfailed"),
        ([{"when": "call", "wasxfail": ""}], "xpassed"),
        ([{"when": "call", "outcome": "rerun"}], "rerun"),
    ],
)
def test_the_worst_phase_is_the_outcome(phases: list[dict[str, str]], outcome: str) -> None:
    found = "passed"
    for phase in phases:
        said = {"outcome": "passed"} | phase
        report = SimpleNamespace(
            **said, skipped=said["outcome"] == "skipped", failed=said["outcome"] == "failed"
        )
        found = outcomes.worse_of(found, outcomes.outcome_of(report))
    assert found == outcome
