"""What a parameter is, and what a person would hand over for it."""

from __future__ import annotations

import abc
import ast
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.sandboxed.copydesk_tools.search.calls import receiver_setup
from copydesk.agent.sandboxed.copydesk_tools.search.run import apply_patches, observations
from copydesk.agent.sandboxed.copydesk_tools.search.values import (
    everyday_values,
    from_docstring,
    from_duck_type,
    from_flow,
    project_files,
    tables,
)
from copydesk.agent.sandboxed.copydesk_tools.search.values.expressions import Expression
from copydesk.agent.sandboxed.copydesk_tools.search.values.value_pools import Pools


def texts(expressions: Any) -> list[str]:
    return [expression.text for expression in expressions]


def first_function(source: str) -> tuple[ast.Module, Any]:
    tree = ast.parse(source)
    return tree, next(node for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(
    ("name", "kinds", "expected"),
    [
        ("home_url", {"str"}, "'https://example.com/docs?page=2'"),
        ("unit_price", {"float"}, "19.99"),
        ("unit_price", {"int"}, "5"),
        ("port", {"int", "str"}, "8080"),
        ("paths", {"list"}, "['docs/guide.md', 'notes.txt']"),
        ("categories", {"list"}, "['fruit', 'news']"),
    ],
)
def test_a_parameter_gets_what_its_name_says(name: str, kinds: set[str], expected: str) -> None:
    assert texts(everyday_values.everyday(name, kinds))[0] == expected


def test_a_name_that_says_nothing_gets_nothing() -> None:
    assert everyday_values.everyday("thing", {"str", "int"}) == []
    assert everyday_values.everyday("email", {"bytes"}) == []


def test_an_object_that_somebody_made_comes_with_less_and_with_more() -> None:
    money = Expression("Money(200, 'USD')", (("Money", "shop"),))
    assert texts(everyday_values.with_other_numbers(money)) == [
        "Money(100, 'USD')",
        "Money(251, 'USD')",
    ]
    assert everyday_values.with_other_numbers(Expression("Money(0, 'USD')")) == []
    assert everyday_values.with_other_numbers(Expression("Money('USD')")) == []


@pytest.mark.parametrize(
    "docstring",
    [
        ":param str color: Of the text, such as 'navy'.",
        ":param color: Of the text, such as 'navy'.\n    :type color: str",
        "Args:\n        color (str, optional): Of the text, such as 'navy'.",
        "Parameters\n    ----------\n    color : str\n        Of the text, such as 'navy'.",
    ],
    ids=["Sphinx", "Sphinx with type", "Google", "numpydoc"],
)
def test_a_docstring_tells_the_type_and_examples(docstring: str) -> None:
    _, function = first_function(f'def paint(color):\n    """Paint.\n\n    {docstring}\n    """\n')
    described = from_docstring.described(function, "color")
    assert described.kinds == ["str"]
    assert texts(described.quoted) == ["'navy'"]


def test_a_docstring_that_says_nothing_of_a_parameter() -> None:
    _, function = first_function('def paint(color):\n    """Paint."""\n')
    assert from_docstring.described(function, "color") == ("", "")


FLOW = """
def export(path, rows, write, quiet, label):
    render(path, rows, write, quiet)
    if not quiet and label:
        return label + "!"

def render(target, rows, out, silent):
    if silent or not rows:
        return
    for row in rows:
        out(row.upper())
    os.path.join(target, "x")

def keep(write):
    return write("a")
"""


def test_what_a_parameter_is_handed_to_says_what_it_is() -> None:
    tree, function = first_function(FLOW)
    assert from_flow.kinds_by_flow(tree, function, "path") == ["path"]
    assert from_flow.kinds_by_flow(tree, function, "rows") == ["list", "str"]
    assert from_flow.kinds_by_flow(tree, function, "label") == []


def test_a_flag_is_only_asked_for_its_truth() -> None:
    tree, function = first_function(FLOW)
    assert from_flow.is_only_asked_for_truth(tree, function, "quiet")
    assert not from_flow.is_only_asked_for_truth(tree, function, "label")
    assert not from_flow.is_only_asked_for_truth(tree, function, "rows")


def test_what_is_written_with_is_called_for_its_effect_alone() -> None:
    tree, function = first_function(FLOW)
    assert from_flow.receives_results(tree, function, "write")
    assert not from_flow.receives_results(tree, function, "quiet")
    keep = tree.body[-1]
    assert not from_flow.receives_results(tree, keep, "write")


def test_the_pools_put_plausible_values_first() -> None:
    tree, function = first_function(FLOW)
    module = types.ModuleType("exports")
    pools = Pools(tree, module, function, 0)
    first = {p.arg: pools.of(p, None)[0].text for p in function.args.args}
    assert first["write"] == "written.append"
    assert first["quiet"] == "True"
    assert first["label"] == "'fruit'"
    assert first["rows"].startswith("[")


class Token:
    def __init__(self, kind: str, text: str) -> None:
        self.kind, self.text = kind, text


class Selector:
    def __init__(self, token: Token) -> None:
        self.token = token

    def matches(self) -> bool:
        return self.token.kind == "x"


def test_objects_are_of_the_class_that_has_what_is_asked_for() -> None:
    module = sys.modules[__name__]
    _, function = first_function("def name(part):\n    return part.kind + part.text\n")
    asked = from_duck_type.attributes_asked(function, "part")
    assert asked == ["kind", "text"]
    assert from_duck_type.classes_with(module, asked)[:1] == [Token]
    assert from_duck_type.classes_with(module, ["matches"])[:1] == [Selector]
    assert from_duck_type.classes_with(module, ["nothing_has_this_name"]) == []
    assert from_duck_type.classes_with(module, []) == []
    assert from_duck_type.class_named(module, "Selector") is Selector
    assert from_duck_type.class_named(module, "Missing") is None


def test_a_table_has_the_columns_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _, function = first_function("def top(df):\n    return df['close'].max() - df['low'].min()\n")
    columns = tables.columns_of(function, "df")
    assert columns == ["close", "low"]
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    assert tables.tables(columns) == tables.series() == []
    monkeypatch.setitem(sys.modules, "pandas", types.ModuleType("pandas"))
    whole, short, empty = tables.tables(columns)
    assert whole.text.startswith("DataFrame({'close': [11.0, 12.0, 11.5,")
    assert short.text == "DataFrame({'close': [11.0, 12.0, 11.5], 'low': [9.0, 10.0, 9.5]})"
    assert empty.text == "DataFrame({'close': [], 'low': []})"
    assert tables.series()[0].names == (("Series", "pandas"),)
    assert "'price'" in tables.tables([])[0].text


FOLDERS = """
def settings(folder, name):
    if os.path.isfile(name):
        return name
    return read(os.path.join(folder, ".demo.json"))

def listing(folder):
    return [path for path in folder.glob("*")]

def versioned(root):
    return (root / "version.txt").read_text()

def plain(text):
    return text.upper()
"""


def test_a_folder_holds_what_a_function_expects_there() -> None:
    tree, settings = first_function(FOLDERS)
    looked = project_files.looked_at(tree, settings)
    assert looked.folders == {"folder": Expression("str(tmp_path)")}
    assert (looked.files, looked.names, looked.walks) == (["name"], [".demo.json"], False)
    every = list(project_files.file_choices(looked))
    changes, patches = every[0]
    assert texts(changes.values()) == ["str(tmp_path)"]
    assert patches[0][0] == "file:.demo.json"
    assert [name for name, _ in every[-1][1]] == ["file:notes.txt", "cwd"]


def test_a_folder_that_is_gone_through_holds_a_file() -> None:
    tree = ast.parse(FOLDERS)
    listing, versioned, plain = tree.body[1:]
    looked = project_files.looked_at(tree, listing)
    assert looked.folders == {"folder": Expression("tmp_path")}
    assert looked.walks
    assert project_files.looked_at(tree, versioned).names == ["version.txt"]
    assert list(project_files.file_choices(project_files.looked_at(tree, plain))) == []


def test_a_file_is_there_during_the_call_and_gone_after_it(tmp_path: Path) -> None:
    patches = (("file:notes.txt", Expression("'first line\\n'")),)
    with apply_patches.applied(patches, {"tmp_path": tmp_path}):
        assert (tmp_path / "notes.txt").read_text() == "first line\n"
    assert not (tmp_path / "notes.txt").exists()


class Store(abc.ABC):
    @abc.abstractmethod
    def get(self, key: str) -> str: ...


class MemoryStore(Store):
    def get(self, key: str) -> str:
        return key


class Base:
    def load(self) -> str:
        raise NotImplementedError


class Loaded(Base):
    def load(self) -> str:
        return "loaded"


def test_a_class_that_leaves_work_to_others_is_tried_through_one_that_does_it() -> None:
    assert from_duck_type.concrete_classes(Store) == [MemoryStore]
    assert from_duck_type.concrete_classes(Base) == [Loaded]
    assert from_duck_type.concrete_classes(MemoryStore) == []


TABLE = """
class Table:
    def __init__(self):
        self._headers, self.rows = None, []

    @property
    def headers(self):
        return self._headers

    @headers.setter
    def headers(self, value):
        self._headers = value

    def append(self, row):
        self.rows.append(list(row))

    def as_dicts(self):
        return [dict(zip(self.headers, row)) for row in self.rows]
"""


def test_an_object_is_set_up_as_its_users_do() -> None:
    tree = ast.parse(TABLE)
    module = types.ModuleType("table")
    exec(compile(TABLE, "table.py", "exec"), vars(module))
    owner = tree.body[0]
    assert isinstance(owner, ast.ClassDef)
    target = owner.body[-1]
    assert isinstance(target, ast.FunctionDef)
    sequences = receiver_setup.setups(tree, module, module.Table, target, 0)
    steps = [[(step.name, *texts(step.arguments)) for step in setup] for setup in sequences]
    assert [("headers=", "['name', 'age']"), ("append", "['Ada', 36]")] in steps
    table = module.Table()
    for step in sequences[1]:
        step.apply(table, [ast.literal_eval(argument.text) for argument in step.arguments])
    assert table.as_dicts() == [{"name": "Ada", "age": 36}]


class Column(list):  # type: ignore[type-arg]
    def tolist(self) -> list[Any]:
        return list(self)


class Frame(dict):  # type: ignore[type-arg]
    @property
    def columns(self) -> list[Any]:
        return list(self)


def test_the_columns_that_a_method_adds_are_told() -> None:
    after = Frame(a=Column([1]), b=Column([0.5, 1.0]), **{"odd name": Column([1])})
    after[3] = Column([1])
    after["long"] = Column([0.123456789] * 60)
    assert observations._new_columns(Frame(a=Column([1])), after) == [('["b"]', "[0.5, 1.0]", ())]
