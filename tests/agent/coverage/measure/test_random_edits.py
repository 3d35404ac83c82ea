"""Random edits of small generated projects: incremental equals full, edit after edit.

Each example grows a project, then edits it again and again; after each edit the traces carried
over and merged must give the same executed lines, and the same outcomes, as a full run. How many
edits are tried is $COPYDESK_EDITS (2,000 in the slow suite unless it says otherwise); a part of
them goes by the numbers of their seeds, as in `test_random_edits[7]`.
"""

from __future__ import annotations

import ast
import copy
import os
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from copydesk.agent.coverage.store.totals import executed_lines
from copydesk.agent.coverage.store.traces import Trace
from copydesk.agent.errors import CopydeskError

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
    late: str = ""

    def render(self) -> str:
        plain = [f for f in self.functions if not f.method]
        methods = [f for f in self.functions if f.method]
        lines = [*self.comments, "import functools", *self.imports]
        lines += [f"{k} = {v}" for k, v in self.constants.items()]
        for function in plain:
            lines += ["", "", *function.render()]
        if methods:
            lines += ["", "", "class Box(list):", f"    size = {self.attribute}"]
            for function in methods:
                lines += ["", *function.render()]
        late = self.late if self.late in {f.name for f in plain} else plain[0].name
        return "\n".join([*lines, self.effect, "", f"LATE = {late}(1)", ""])


@dataclass
class Project:
    rng: random.Random
    modules: dict[str, Module] = field(default_factory=dict)
    tests: dict[str, list[str]] = field(default_factory=dict)
    fixture: int = 1
    data: int = 1
    count: int = 0
    hook: int = 1
    variable: int = 1
    marked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for n, name in enumerate(MODULES):
            imports = [
                f"from {other} import *" if n == 2 and other == "alpha" else f"import {other}"
                for other in MODULES[:n]
            ]
            if name == "alpha":
                imports.append("WORDS = len(open('data.txt').read())")
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
        kind = self.rng.randrange(9)
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
        elif kind == 4:
            text = f"def test_{n}():\n    assert {name}.LATE < {self.rng.randint(0, 9)}\n"
        elif kind == 5:
            text = f"def test_{n}():\n    import alpha, os\n\n"
            text += "    assert alpha.WORDS + int(os.environ['TRIAL']) < 5\n"
        elif kind == 6:
            length = f"len({name}.Box())"
            text = f"def test_{n}(request):\n    assert request.config.extra + {length} < 5\n"
        else:
            text = f"def test_{n}():\n    assert {call}() >= {self.rng.randint(-3, 3)}\n"
        self.tests[name].append(text)

    def files(self) -> dict[str, str]:
        found = {f"{name}.py": module.render() for name, module in self.modules.items()}
        for name, tests in self.tests.items():
            if tests:
                mark = "pytestmark = pytest.mark.skip\n" if name in self.marked else ""
                head = f"import pytest\n\nimport {name}\n{mark}\n\n"
                found[f"test_{name}.py"] = head + "\n\n".join(tests)
        first = self.modules["alpha"].functions[0].name
        found["conftest.py"] = (
            "import pytest\n\nimport alpha\n\n\n@pytest.fixture(scope='module')\n"
            f"def shared():\n    return alpha.{first}({self.fixture})\n\n\n"
            f"def pytest_configure(config):\n    config.extra = {self.hook}\n"
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
        elif choice == "rename" and function.name != "__len__":
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
            plain = [f for f in module.functions if not f.method]
            if function.name != "__len__" and (len(plain) > 1 or function.method):
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
        elif choice == "late":
            module.late = self.plain(name).name
        elif choice == "hook":
            self.hook += 1
        elif choice == "variable":
            self.variable = self.rng.randint(0, 4)
        elif choice == "mark":
            self.marked ^= {name}
        elif choice == "override":
            body = [f"return {self.rng.randint(0, 3)}"]
            former = [f for f in module.functions if f.name == "__len__"]
            if former:
                module.functions.remove(former[0])
            else:
                module.functions.append(Function("__len__", 0, body, method=True))
        elif choice == "effect":
            module.effect = f"for _n in range({self.rng.randint(0, 2)}):\n    {name.upper()} += 1\n"
        return choice


EDITS = ("insert", "delete", "constant", "new constant", "rename", "move", "comment", "decorator",
         "default", "split", "method or function", "attribute", "indent", "fixture", "data",
         "add test", "delete test", "effect", "late", "hook", "variable", "mark",
         "override")  # fmt: skip


def lines(traces: list[Trace], files: dict[str, str]) -> dict[str, set[int]]:
    return {
        p: set(e.lines)
        for p, e in executed_lines(traces, files, lambda blob: blob).items()
        if e.lines
    }


def outcomes(traces: list[Trace]) -> dict[str, str]:
    return {t.name: t.outcome for t in traces if t.kind == "test"}


def edited(project: Project) -> tuple[Project, str]:
    """The project after an edit that leaves Python, and the edit's name: a suite whose conftest
    cannot be imported is refused, not measured.
    """
    while True:
        after = copy.deepcopy(project)
        name = after.edit()
        try:
            for path, text in after.files().items():
                if path.endswith(".py"):
                    ast.parse(text)
        except SyntaxError:
            project.rng = after.rng  # another edit the next time
            continue
        return after, name


def replay(trial: Any, monkeypatch: pytest.MonkeyPatch, seed: int, edits: int) -> None:
    project = Project(random.Random(seed))
    files = project.files()
    monkeypatch.setenv("TRIAL", str(project.variable))
    traces = trial.full(files)
    number = 0
    while number < edits:
        former = project
        project, before = edited(project)
        monkeypatch.setenv("TRIAL", str(project.variable))
        after = project.files()
        try:
            truth = trial.full(after)
        except CopydeskError:  # a conftest that cannot be imported: another edit then
            former.rng, project = project.rng, former
            continue
        number += 1
        traces, _ = trial.incremental(traces, files, after)
        what = f"seed {seed}, edit {number}: {before}"
        assert outcomes(traces) == outcomes(truth), what
        assert lines(traces, after) == lines(truth, after), what
        files = after


def test_a_few_random_edits(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replay(trial, monkeypatch, 1, 8)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(int(os.environ.get("COPYDESK_EDITS", "2000")) // EDITS_EACH))
def test_random_edits(trial: Any, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    replay(trial, monkeypatch, seed + 100, EDITS_EACH)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13"], indirect=True)
def test_random_edits_on_other_pythons(
    trial_elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay(trial_elsewhere, monkeypatch, 50, EDITS_EACH)
