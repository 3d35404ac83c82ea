"""Random edits of small generated projects: incremental equals full, edit after edit.

Each example grows a project, then edits it again and again; after each edit the traces carried
over and merged must give the same executed lines, and the same outcomes, as a full run. How many
edits are tried is $COPYDESK_EDITS (2,000 in the slow suite unless it says otherwise).
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from copydesk.agent.coverage.collect import collect
from copydesk.agent.coverage.engine import Engine
from copydesk.agent.coverage.map import CoverageMap, Trace
from copydesk.agent.coverage.measure import TEST_FILES
from copydesk.agent.coverage.merge import merge
from copydesk.agent.coverage.select import Tree, select
from copydesk.agent.coverage.totals import executed
from copydesk.agent.records import Interpreter

PYTHON = Interpreter(
    Path(sys.executable), sys.version_info[:3], Path(sys.prefix), Path(sys.base_prefix), "test"
)
EDITS_EACH = 20
MODULES = ("alpha", "beta", "gamma")


@dataclass
class Function:
    name: str
    default: int
    body: list[str]
    decorated: bool = False
    method: bool = False

    def render(self) -> list[str]:
        head = ["@functools.lru_cache"] if self.decorated and not self.method else []
        first = "self, " if self.method else ""
        lines = [
            *head,
            f"def {self.name}({first}x={self.default}):",
            *(f"    {b}" for b in self.body),
        ]
        return [f"    {line}" for line in lines] if self.method else lines


@dataclass
class Module:
    constants: dict[str, int]
    functions: list[Function]
    comments: list[str] = field(default_factory=list)
    attribute: int = 1
    imports: list[str] = field(default_factory=list)
    effect: str = ""

    def render(self) -> str:
        plain = [f for f in self.functions if not f.method]
        methods = [f for f in self.functions if f.method]
        lines = [*self.comments, "import functools", *self.imports]
        lines += [f"{k} = {v}" for k, v in self.constants.items()]
        for function in plain:
            lines += ["", "", *function.render()]
        if methods:
            lines += ["", "", "class Box:", f"    size = {self.attribute}"]
            for function in methods:
                lines += ["", *function.render()]
        return "\n".join([*lines, self.effect, ""])


@dataclass
class Project:
    rng: random.Random
    modules: dict[str, Module] = field(default_factory=dict)
    tests: dict[str, list[str]] = field(default_factory=dict)
    fixture: int = 1
    data: int = 1
    count: int = 0

    def __post_init__(self) -> None:
        for n, name in enumerate(MODULES):
            imports = [
                f"from {other} import *" if n == 2 and other == "alpha" else f"import {other}"
                for other in MODULES[:n]
            ]
            self.modules[name] = Module({f"{name.upper()}": n + 1}, [], imports=imports)
            for method in (False, False, True):
                self.add_function(name, method)
        for name in MODULES:
            self.tests[name] = []
            for _ in range(3):
                self.add_test(name)

    def number(self) -> int:
        self.count += 1
        return self.count

    def statement(self, name: str) -> str:
        constant = self.rng.choice(list(self.modules[name].constants))
        return self.rng.choice(
            [
                f"x = x + {constant}",
                f"if x > {self.rng.randint(0, 6)}: x = x - 1",
                f"y = [i for i in range({constant})]",
                "x += len('two words')",
                "while x > 50: x = x // 2",
                f"x = x if x else {self.rng.randint(0, 9)}",
            ]
        )

    def add_function(self, name: str, method: bool) -> None:
        body = [self.statement(name) for _ in range(self.rng.randint(1, 3))] + ["return x"]
        if name == "beta" and not method:
            body.insert(0, f"x = alpha.{self.plain('alpha').name}(x)")
        function = Function(
            f"{name[0]}{self.number()}", self.rng.randint(0, 3), body, method=method
        )
        self.modules[name].functions.append(function)

    def plain(self, name: str) -> Function:
        return self.rng.choice([f for f in self.modules[name].functions if not f.method])

    def any(self) -> tuple[str, Function]:
        name = self.rng.choice(MODULES)
        return name, self.rng.choice(self.modules[name].functions)

    def add_test(self, name: str) -> None:
        n, function = self.number(), self.rng.choice(self.modules[name].functions)
        call = f"{name}.Box().{function.name}" if function.method else f"{name}.{function.name}"
        kind = self.rng.randrange(5)
        if kind == 0:
            text = f"def test_{n}(shared):\n    assert {call}(shared) is not None\n"
        elif kind == 1:
            text = (
                f"@pytest.mark.parametrize('v', range({name}.{name.upper()}))\n"
                f"def test_{n}(v):\n    assert {call}(v) is not None\n"
            )
        elif kind == 2:
            read = "text = open('data.txt').read()"
            text = f"def test_{n}():\n    {read}\n    assert {call}(len(text)) is not None\n"
        elif kind == 3:
            late = "import gamma as late"
            text = f"def test_{n}():\n    {late}\n    assert late.Box.size > 0 or {call}()\n"
        else:
            text = f"def test_{n}():\n    assert {call}() >= {self.rng.randint(-3, 3)}\n"
        self.tests[name].append(text)

    def files(self) -> dict[str, str]:
        found = {f"{name}.py": module.render() for name, module in self.modules.items()}
        for name, tests in self.tests.items():
            if tests:
                found[f"test_{name}.py"] = f"import pytest\n\nimport {name}\n\n\n" + "\n\n".join(
                    tests
                )
        first = self.modules["alpha"].functions[0].name
        found["conftest.py"] = (
            "import pytest\n\nimport alpha\n\n\n@pytest.fixture(scope='module')\n"
            f"def shared():\n    return alpha.{first}({self.fixture})\n"
        )
        found["data.txt"] = "x" * self.data
        found["pytest.ini"] = "[pytest]\n"
        return found

    def edit(self) -> str:
        name, function = self.any()
        module = self.modules[name]
        at = self.rng.randrange(len(function.body))
        choice = self.rng.choice(EDITS)
        if choice == "insert":
            function.body.insert(at, self.statement(name))
        elif choice == "delete" and len(function.body) > 1:
            del function.body[min(at, len(function.body) - 2)]
        elif choice == "constant":
            module.constants[self.rng.choice(list(module.constants))] += 1
        elif choice == "new constant":
            module.constants[f"K{self.number()}"] = 2
        elif choice == "rename":
            function.name = f"{name[0]}{self.number()}"
        elif choice == "move":
            self.rng.shuffle(module.functions)
        elif choice == "comment":
            module.comments.append(f"# note {self.number()}")
            function.body.insert(at, "# inside")
        elif choice == "decorator":
            function.decorated = not function.decorated
        elif choice == "default":
            function.default += 1
        elif choice == "split":
            self.add_function(name, False)
            function.body.insert(0, f"x = {module.functions[-1].name}(x)")
        elif choice == "method or function":
            if len([f for f in module.functions if not f.method]) > 1 or function.method:
                function.method = not function.method
        elif choice == "attribute":
            module.attribute = self.rng.randint(0, 3)
        elif choice == "indent":
            function.body = ["if True:", *(f"    {b}" for b in function.body)]
        elif choice == "fixture":
            self.fixture += 1
        elif choice == "data":
            self.data += 1
        elif choice == "add test":
            self.add_test(name)
        elif choice == "delete test" and self.tests[name]:
            del self.tests[name][self.rng.randrange(len(self.tests[name]))]
        elif choice == "effect":
            module.effect = f"for _n in range({self.rng.randint(0, 2)}):\n    {name.upper()} += 1\n"
        return choice


EDITS = ("insert", "delete", "constant", "new constant", "rename", "move", "comment", "decorator",
         "default", "split", "method or function", "attribute", "indent", "fixture", "data",
         "add test", "delete test", "effect")  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> None:
    for path in folder.iterdir():
        if path.suffix in (".py", ".txt", ".ini") and path.name not in files:
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


def full(folder: Path, files: dict[str, str]) -> list[Trace]:
    recording = collect(Engine(folder, PYTHON), files=None, carried=(), branch=False, timeout=120)
    return merge(None, None, recording, files, None)


def incremental(
    folder: Path, base: list[Trace], old: dict[str, str], new: dict[str, str]
) -> list[Trace]:
    found = CoverageMap("0" * 40, "e", False, {(t.kind, t.name): t for t in base})
    trees = (Tree(old, lambda blob: blob), Tree(new, lambda blob: blob))  # a text is its own blob
    is_test: Callable[[str], bool] = lambda path: path.startswith(TEST_FILES[0][:5])  # noqa: E731
    selection = select(found, *trees, is_test)
    if not selection.collect:
        return merge(found, selection, None, new, [])
    files = sorted(selection.collect)
    carried = [name for kind, name in selection.carried if kind == "test"]
    recording = collect(
        Engine(folder, PYTHON), files=files, carried=carried, branch=False, timeout=120
    )
    return merge(found, selection, recording, new, files)


def lines(traces: list[Trace], files: dict[str, str]) -> dict[str, set[int]]:
    return {
        p: set(e.lines) for p, e in executed(traces, files, lambda blob: blob).items() if e.lines
    }


def outcomes(traces: list[Trace]) -> dict[str, str]:
    return {t.name: t.outcome for t in traces if t.kind == "test"}


def replay(folder: Path, seed: int, edits: int) -> None:
    project = Project(random.Random(seed))
    files = project.files()
    write(folder, files)
    traces = full(folder, files)
    for number in range(edits):
        before = project.edit()
        after = project.files()
        write(folder, after)
        traces = incremental(folder, traces, files, after)
        truth = full(folder, after)
        what = f"seed {seed}, edit {number}: {before}"
        assert lines(traces, after) == lines(truth, after), what
        assert outcomes(traces) == outcomes(truth), what
        files = after


def test_a_few_random_edits(tmp_path: Path) -> None:
    replay(tmp_path, 1, 6)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(int(os.environ.get("COPYDESK_EDITS", "2000")) // EDITS_EACH))
def test_random_edits(tmp_path: Path, seed: int) -> None:
    replay(tmp_path, seed + 100, EDITS_EACH)
