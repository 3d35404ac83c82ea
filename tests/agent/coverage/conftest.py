"""A small project with the shapes that incremental coverage has to get right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.measure.blob_texts import files_of
from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.coverage.measure.merge_traces import merge
from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.coverage.runner.run_tests import Recording, RunOptions, record_tests
from copydesk.agent.coverage.selection.affected import Selection, select
from copydesk.agent.coverage.selection.collection_order import collection_order, test_file_check
from copydesk.agent.coverage.source.tree_diff import Tree
from copydesk.agent.coverage.store.file_lines import add_up
from copydesk.agent.coverage.store.totals import Executed, executed_lines, load_totals
from copydesk.agent.coverage.store.traces import CoverageMap, Trace, load_map
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import Measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, find, read_blob, set_config, tree
from copydesk.agent.process import Result
from copydesk.agent.records import Interpreter

SERVER = """
import json, os, sys
import _pytest.assertion.rewrite, _pytest.doctest, _pytest.unittest, coverage, pytest

sys.dont_write_bytecode = True
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        out = os.open(order["output"], os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(out, stream)
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["cwd"])
        sys.path[0:1] = [order["cwd"], *order["env"]["PYTHONPATH"].split(os.pathsep)]
        code = 70
        try:
            code = int(pytest.main(order["argv"]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Server:
    """A Python that has imported pytest and coverage.py."""

    def __init__(self, python: str = sys.executable) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV"))}
        self.process = subprocess.Popen(
            [python, "-c", SERVER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=env | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )  # fmt: skip

    def ask(self, order: Mapping[str, Any]) -> int:
        """Run pytest in a fork; returns its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


class WarmEngine(Engine):
    """An engine whose pytest runs fork from one that is started already, for many small runs.

    Starting Python and importing pytest and coverage.py costs far more than running some tests.
    What a run does is the same: the probe and everything of the tree are imported in the fork.
    """

    server: Server

    def run_tests(
        self,
        argv: Sequence[str | Path],
        env: Mapping[str, str],
        *,
        scratch: Path,
        timeout: float,
        writes: Sequence[Path] = (),
    ) -> Result:
        words = [str(word) for word in argv[3:]]  # without `python -m pytest`
        output = scratch / "output"
        given = {**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        order = {"argv": words, "env": given, "cwd": str(self.tree), "output": str(output)}
        code = self.server.ask(order)
        return Result(tuple(words), code, output.read_bytes(), b"", 0.0)


@dataclass
class Trial:
    """A folder of files without git, measured in full and incrementally: files by path.

    A text is its own blob.
    """

    folder: Path
    engine: Engine

    def write(self, files: Mapping[str, str]) -> None:
        """Let the folder hold these files and nothing else."""
        for path in [p for p in self.folder.rglob("*") if p.is_file()]:
            if path.relative_to(self.folder).as_posix() not in files:
                path.unlink()
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text() != text:
                path.write_text(text)

    def full(self, files: Mapping[str, str]) -> list[Trace]:
        """The traces of a run of all tests."""
        self.write(files)
        return merge(None, None, self.run(None, ()), files, None)

    def run(self, files: list[str] | None, carried: Sequence[str]) -> Recording:
        options = RunOptions(files=files, skipped_tests=carried, branch=False, timeout=240)
        return record_tests(self.engine, options)

    def incremental(
        self, base: list[Trace], old: Mapping[str, str], new: Mapping[str, str]
    ) -> tuple[list[Trace], Selection]:
        """The traces of a measure that starts from those of other files, and what it selected."""
        self.write(new)
        found = CoverageMap("0" * 40, "e", False, {(t.kind, t.name): t for t in base})
        here = Tree(new, lambda blob: blob, variables=self.engine.variable_digests())
        selection = select(found, Tree(old, lambda blob: blob), here, test_file_check(found))
        files = collection_order(selection, old, new, found)
        carried = [name for kind, name in selection.carried if kind == "test"]
        recording = None if files == [] else self.run(files, carried)
        return merge(found, selection, recording, new, files), selection


@pytest.fixture
def trial_elsewhere(tmp_path: Path, python: Path) -> Iterator[Trial]:
    """A trial on another Python: one that a test is parametrised with."""
    folder = tmp_path / "trial"
    folder.mkdir()
    ask = "import json, sys; print(json.dumps([sys.version_info[:3], sys.prefix, sys.base_prefix]))"
    said = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    version, prefix, base = json.loads(said.stdout)
    server = Server(str(python))
    engine = type("WarmEngineThere", (WarmEngine,), {"server": server})
    yield Trial(
        folder,
        engine(folder, Interpreter(python, tuple(version), Path(prefix), Path(base), "test")),
    )
    server.close()


@pytest.fixture
def trial_of() -> Callable[[Engine], Trial]:
    """A trial in the folder of an engine."""
    return lambda engine: Trial(engine.tree, engine)


@pytest.fixture
def trial(tmp_path: Path, warm: type[WarmEngine]) -> Trial:
    folder = tmp_path / "trial"
    folder.mkdir()
    version = sys.version_info[:3]
    python = Interpreter(
        Path(sys.executable), version, Path(sys.prefix), Path(sys.base_prefix), "test"
    )
    return Trial(folder, warm(folder, python))


PROJECT = {
    "src/shop/__init__.py": "from shop.prices import total\n",
    "src/shop/prices.py": (
        "LIMIT = 100\n\n\n"
        "def total(prices, rate=0.0):\n"
        "    if not prices:\n        return 0\n"
        "    value = sum(prices) * (1 + rate)\n"
        "    if value > LIMIT:\n        value = LIMIT\n"
        "    return value\n\n\n"
        "def label(value):\n"
        "    if value < 0:\n        return 'refund'\n"
        "    return f'{value:.2f}'\n"
    ),
    "src/shop/stock.py": (
        "from pathlib import Path\n\n\n"
        "class Shelf:\n    size = 3\n\n"
        "    def __init__(self):\n        self.items = []\n\n"
        "    def put(self, item):\n"
        "        if len(self.items) >= self.size:\n            raise OverflowError(item)\n"
        "        self.items.append(item)\n\n\n"
        "def names(path):\n    return Path(path).read_text().split()\n"
    ),
    "src/shop/unused.py": "def nothing():\n    return None\n",
    "data/names.txt": "apple pear\n",
    "tests/conftest.py": (
        "import pytest\n\nfrom shop.stock import Shelf\n\n\n"
        "@pytest.fixture(scope='module')\ndef shelf():\n    made = Shelf()\n    made.put('one')\n"
        "    return made\n"
    ),
    "tests/test_prices.py": (
        "import pytest\n\nfrom shop import prices\n\n\n"
        "def test_total():\n    assert prices.total([1, 2]) == 3\n\n\n"
        "@pytest.mark.parametrize('value', [prices.LIMIT + 1, 1000])\n"
        "def test_limit(value):\n    assert prices.total([value]) == prices.LIMIT\n\n\n"
        "def test_label():\n    assert prices.label(1) == '1.00'\n"
    ),
    "tests/test_stock.py": (
        "from shop.stock import names\n\n\n"
        "def test_shelf(shelf):\n    assert shelf.items\n\n\n"
        "def test_names():\n    assert names('data/names.txt')\n"
    ),
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n",
}


@pytest.fixture
def project(repo: Path, commit: Callable[..., str]) -> Path:
    """The project, committed, to be run by the interpreter of this suite."""
    commit(repo, dict(PROJECT), "project")
    set_config(find(repo), "copydesk.python", sys.executable)
    return repo


@pytest.fixture
def desk_of() -> Iterator[Callable[[Path], tuple[Database, Callable[[str], Measure]]]]:
    """The desk of a repository, and what measures a commit of it."""
    with ExitStack() as kept:

        def opened(repo: Path) -> tuple[Database, Callable[[str], Measure]]:
            repository = find(repo)
            db = kept.enter_context(open_desk(repository.desk))
            return db, lambda sha: measure(db, Commit(repository, sha))

        yield opened


@pytest.fixture
def desk(project: Path) -> Iterator[Database]:
    with open_desk(find(project).desk) as db:
        yield db


@pytest.fixture
def measured(project: Path, desk: Database) -> Callable[..., Measure]:
    """Measure a commit of the project: measured() for HEAD."""
    from copydesk.agent.git.repository import resolve

    repository: Repository = find(project)

    def go(revision: str = "HEAD", **more: Any) -> Measure:
        done = measure(desk, Commit(repository, resolve(repository, revision)), **more)
        totals_follow_from_the_map(repository, desk, done)
        return done

    return go


def totals_follow_from_the_map(repo: Repository, db: Database, done: Measure) -> None:
    """What is reused of the commit before is what all traces of this one together say."""
    found, known = load_totals(db, done.sha), load_map(db, done.sha)
    assert found is not None
    assert known is not None
    blobs = files_of(tree(repo, done.sha))
    said = executed_lines(known.traces.values(), blobs, lambda blob: read_blob(repo, blob).decode())
    nothing = Executed(frozenset(), frozenset())
    assert {t.path: (t.blob, t.executed, t.arcs) for t in found} == {
        t.path: (blobs[t.path], *said.get(t.path, nothing)) for t in found
    }
    assert add_up(total.file_lines for total in found) == (done.executable, done.covered)
    lost = {t.path: set(t.missing) for t in found if t.missing}
    gaps: dict[str, set[int]] = {}
    for gap in db.gaps.of_commit(done.sha):
        gaps.setdefault(gap.path, set()).update(gap.lines)
    assert {path: lines for path, lines in gaps.items() if lines} == lost


@pytest.fixture(scope="session")
def warm() -> Iterator[type[WarmEngine]]:
    """An engine class for many small runs of pytest."""
    server = Server()
    yield type("WarmEngineHere", (WarmEngine,), {"server": server})
    server.close()


PACKAGES = ("pytest", "coverage", "pytest-cov", "pytest-xdist", "pytest-asyncio")
"""What the environments of other Pythons hold."""


def interpreter_of(version: str) -> Path | None:
    """A Python of a version, on the path or as pyenv keeps it."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for python in [*kept, *filter(None, [shutil.which(f"python{version}")])]:
        said = subprocess.run([python, "-V"], capture_output=True, text=True, check=False)
        if said.stdout.startswith(f"Python {version}."):
            return Path(python)
    return None


@pytest.fixture(scope="session")
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment of some version, for slow tests: python("3.12")."""
    found = interpreter_of(request.param)
    if found is None:
        pytest.skip(f"no Python {request.param} here")
    top = tmp_path_factory.mktemp(f"python{request.param}")
    subprocess.run([found, "-m", "venv", top], check=True)
    made = top / "bin" / "python"
    subprocess.run([made, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return made
