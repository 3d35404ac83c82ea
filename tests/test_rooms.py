"""The walls of the house: who may import whom."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "hooks": {"hooks"},
    "predictor": {"predictor"},
    "agent": {"agent", "hooks", "predictor"},
}
LADDER = [
    {
        *("errors", "records", "text", "source_text", "front_matter", "untrusted_files"),
        *("process", "isolated_python", "progress", "sandboxed"),
    },
    {"config", "git", "desk", "projects"},
    {"sandbox", "model"},
    {"coverage"},
    {"testgen", "stories", "community", "scoring"},
    {"examples", "behaviour"},
    {"review"},
    {"daemon"},
    {"setup"},
    {"screen"},
    {"demo"},
    {"cli"},
]
STEP = {room: level for level, rooms in enumerate(LADDER) for room in rooms}
SAMPLES = {"agent/demo/sample", "agent/demo/change"}
ELSEWHERE = {
    "agent/sandboxed/copydesk_tools/": {"pytest", "_pytest", "click", "sre_parse"},
    "agent/coverage/probe/copydesk_probe/": {"pytest", "_pytest", "coverage"},
}
"""The packages that the user's interpreter imports by their own names, and what they may import
besides the standard library (sre_parse was part of it until Python 3.12)."""
SITECUSTOMIZE = "agent/coverage/probe/sitecustomize.py"
HEAVY = {
    "catboost",
    "dask",
    "distributed",
    "ollama",
    "git",
    "bokeh",
    "bokeh_sampledata",
    "numpy",
    "pandas",
    "streamlit",
    "yfinance",
    "rich",
    "ruamel",
    "resvg_py",
    "sqlite_utils",
    "textual",
    "tomlkit",
    "watchdog",
    "httpx",
    "jinja2",
    "markupsafe",
    "ijson",
    "defusedxml",
    "textblob",
    "vaderSentiment",
}
HEAVY_HOME = ("agent/desk/migrations.py", "agent/screen/")
"""What is imported only when a migration is due, or the screen is opened."""
FACED = ("agent/coverage", "agent/testgen")
SQL_HOME = ("agent/desk/", "hooks/gate.py")  # the hook may not import the desk, and has no time to
GIT_STARTERS = {"agent/git/command.py"}


class Found(NamedTuple):
    path: str
    module: str
    top_level: bool
    line: int


def sources(room: str) -> Iterator[Path]:
    for path in sorted((ROOT / room).rglob("*.py")):
        if not any(path.relative_to(ROOT).as_posix().startswith(f"{i}/") for i in SAMPLES):
            yield path


def imported(path: Path) -> list[Found]:
    tree = ast.parse(path.read_text("utf-8"))
    name = path.relative_to(ROOT).as_posix()
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    top = {id(inner) for node in tree.body for inner in _outside_functions(node)}
    found = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [Found(name, a.name, id(node) in top, node.lineno) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            relative = name.startswith(tuple(ELSEWHERE))
            assert relative or not node.level, f"{name}:{node.lineno}: relative import"
            base = absolute_name(path, node)
            found.append(Found(name, base, id(node) in top, node.lineno))
            found += [
                Found(name, f"{base}.{a.name}", id(node) in top, node.lineno)
                for a in node.names
                if base.startswith("copydesk.")
            ]
    return found


def absolute_name(path: Path, node: ast.ImportFrom) -> str:
    """The module that `from ... import` names, as our own code imports it."""
    if not node.level:
        return node.module or ""
    package = ["copydesk", *path.relative_to(ROOT).parts[: -node.level]]
    return ".".join([*package, *filter(None, [node.module])])


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("copydesk", *parts)).removesuffix(".__init__")


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def rooms_of(found: list[Found]) -> set[str]:
    return {f.module.split(".")[1] for f in found if f.module.startswith("copydesk.")}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_keeps_to_its_walls(room: str) -> None:
    for path in sources(room):
        found = imported(path)
        assert rooms_of(found) <= MAY_IMPORT[room], path
        assert not {f.module.split(".")[0] for f in found} & MAY_IMPORT.keys(), (
            f"{path}: import it as copydesk.*"
        )


def test_hooks_use_nothing_but_the_standard_library() -> None:
    for path in sources("hooks"):
        for found in imported(path):
            top = found.module.split(".")[0]
            assert top in sys.stdlib_module_names or top == "copydesk", found


@pytest.mark.parametrize("package", ELSEWHERE)
def test_what_runs_elsewhere_imports_its_own_package_and_the_standard_library(package: str) -> None:
    own = f"copydesk.{package.replace('/', '.')}"
    allowed = sys.stdlib_module_names | ELSEWHERE[package]
    for path in sorted((ROOT / package).rglob("*.py")):
        for found in imported(path):
            inside = f"{found.module}.".startswith(own)
            assert inside or found.module.split(".")[0] in allowed, found
        tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
        absolute = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level]
        assert not [n for n in absolute if (n.module or "").startswith("copydesk")], path


def test_what_every_python_of_a_test_loads_imports_only_the_probe() -> None:
    allowed = sys.stdlib_module_names | {"copydesk_probe", "coverage"}
    assert {f.module.split(".")[0] for f in imported(ROOT / SITECUSTOMIZE)} <= allowed


def test_inside_the_agent_imports_only_go_down_the_ladder() -> None:
    for path in sources("agent"):
        parts = path.relative_to(ROOT / "agent").with_suffix("").parts
        if parts[0] == "__init__":
            continue
        assert parts[0] in STEP, f"{path}: no rung for {parts[0]}"
        for found in imported(path):
            other = found.module.split(".")
            if other[:2] == ["copydesk", "agent"] and len(other) > 2:
                assert STEP[other[2]] <= STEP[parts[0]], f"{found} climbs the ladder"


def test_there_are_no_import_cycles() -> None:
    modules = {module_name(path) for room in MAY_IMPORT for path in sources(room)}
    graph: dict[str, set[str]] = {}
    for room in MAY_IMPORT:
        for path in sources(room):
            name = module_name(path)
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            graph[name] = {f.module for f in imported(path)} & modules - {name, package}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def faces() -> dict[str, set[str]]:
    """The packages with a face, and the names that each of them exports."""
    exported = {}
    for room in FACED:
        for path in sorted((ROOT / room).glob("*/__init__.py")):
            assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path
            exported[module_name(path)] = _exports(path)
    return exported


def _exports(path: Path) -> set[str]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_a_package_is_imported_by_its_face() -> None:
    exported = faces()
    for room in MAY_IMPORT:
        for path in sources(room):
            name = module_name(path)
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.ImportFrom) or not node.module:
                    continue
                package = ".".join(node.module.split(".")[:4])
                if package in exported and not f"{name}.".startswith(f"{package}."):
                    where = f"{path.relative_to(ROOT)}:{node.lineno}"
                    assert node.module == package, f"{where}: import it from {package}"
                    names = {alias.name for alias in node.names}
                    assert names <= exported[package], f"{where}: not in {package}.__all__"


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    for room in MAY_IMPORT:
        for path in sources(room):
            if path.relative_to(ROOT).as_posix().startswith(HEAVY_HOME):
                continue
            for found in imported(path):
                if found.module.split(".")[0] in HEAVY:
                    assert not found.top_level, f"{found}: import it inside the function"


def test_the_screen_is_imported_where_it_is_opened() -> None:
    for path in sources("agent"):
        if path.relative_to(ROOT).as_posix().startswith("agent/screen/"):
            continue
        for found in imported(path):
            if found.module.startswith("copydesk.agent.screen"):
                assert not found.top_level, f"{found}: import it inside the function"
            assert found.module.split(".")[0] != "textual", found


def test_one_module_starts_git() -> None:
    for room in MAY_IMPORT:
        for path in sources(room):
            name = path.relative_to(ROOT).as_posix()
            if name in GIT_STARTERS or name.startswith(("hooks/", "agent/demo/")):
                continue  # hooks may not import the agent; the demo types the user's own commands
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.List | ast.Tuple) and node.elts:
                    first = node.elts[0]
                    starts = isinstance(first, ast.Constant) and first.value == "git"
                    assert not starts, f"{name}:{node.lineno} starts git"


def test_only_the_desk_runs_sql() -> None:
    for room in MAY_IMPORT:
        for path in sources(room):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(SQL_HOME) or name in GIT_STARTERS:  # GitPython's execute runs git
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    runs_sql = node.func.attr in ("execute", "executemany", "executescript")
                    assert not runs_sql, f"{name}:{node.lineno}: ask the desk in words"


DEALS_WITH_SOURCE = (
    *("agent/coverage", "agent/testgen", "agent/sandboxed", "agent/git", "agent/review"),
    *("agent/scoring", "agent/stories", "hooks"),
)


@pytest.mark.parametrize("room", DEALS_WITH_SOURCE)
def test_source_is_split_into_lines_in_one_way(room: str) -> None:
    """str.splitlines counts other lines than Python does: hooks/source_lines.py says why."""
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("splitlines", "getlines"):
                pytest.fail(f"{path}:{node.lineno}: use split_source_lines, or split at line feeds")


def test_no_file_grows_past_500_lines() -> None:
    for room in MAY_IMPORT:
        for path in (ROOT / room).rglob("*.py"):
            length = path.read_text("utf-8").count("\n")
            assert length <= 500, f"{path.relative_to(ROOT)}: {length} lines"
