"""What a module offers, and what of it has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import find
from copydesk.agent.stories.public_api import (
    ApiChange,
    ModuleApi,
    changes_between,
    compare_modules,
    read_module,
)


def differences(before: str, after: str) -> list[tuple[str, ...]]:
    """What changed in a module, each as kind, name and what follows."""
    changes = compare_modules({"m.py": read_module(before)}, {"m.py": read_module(after)})
    return [_brief(change) for change in changes]


def _brief(change: ApiChange) -> tuple[str, ...]:
    details = (change.kind, change.name, change.parameter, change.before, change.after, change.doc)
    return tuple(filter(None, details))


CASES: dict[str, tuple[str, str, list[tuple[str, ...]]]] = {
    "a new function with its docstring": (
        "",
        'def f(x):\n    """Read rows,\n    e.g. all of them. Slowly.\n    """\n',
        [("added", "f", "Read rows, e.g. all of them.")],
    ),
    "a class and its methods are one": (
        "",
        "class C:\n    def m(self): pass\n",
        [("added", "C")],
    ),
    "a method": (
        "class C:\n    def m(self): pass\n",
        "class C:\n    def m(self): pass\n    def n(self): pass\n",
        [("added", "C.n")],
    ),
    "a method that may be inherited": (
        "class C(Base):\n    def m(self): pass\n",
        "class C(Base):\n    pass\n",
        [],
    ),
    "private names": ("", "def _f(): pass\nclass _C: pass\n", []),
    "names that __all__ leaves out": (
        "",
        "__all__ = ['_f']\ndef _f(): pass\ndef g(): pass\n",
        [("added", "_f")],
    ),
    "an __all__ that is computed": ("", "__all__ = names()\ndef g(): pass\n", [("added", "g")]),
    "a name that is still imported was not removed": (
        "def f(): pass\n",
        "from other import f\n",
        [],
    ),
    "a name that the module's __getattr__ may give": (
        "def f(): pass\n",
        "def __getattr__(name): pass\n",
        [],
    ),
    "a removed function": ("def f(): pass\n", "x = 1\n", [("removed", "f")]),
    "parameters": (
        "def f(a, b=1, c=2): pass\n",
        "def f(a, b=3, *, d=None): pass\n",
        [
            ("default changed", "f", "b", "1", "3"),
            ("parameter added", "f", "d", "None"),
            ("parameter removed", "f", "c"),
        ],
    ),
    "a parameter of another name at the same place": (
        "def f(listOfLists, b=1): pass\n",
        "def f(list_of_lists, b=1): pass\n",
        [("parameter renamed", "f", "list_of_lists", "listOfLists")],
    ),
    "a parameter with a default whose names have a word in common": (
        "def f(a, *, max_rows=None): pass\n",
        "def f(a, *, most_rows=None): pass\n",
        [("parameter renamed", "f", "most_rows", "max_rows")],
    ),
    "a parameter with the same default that is another thing": (
        "def f(lax=False): pass\n",
        "def f(strict=False): pass\n",
        [("parameter added", "f", "strict", "False"), ("parameter removed", "f", "lax")],
    ),
    "a parameter that says the opposite of the former one": (
        "def f(detect_types): pass\n",
        "def f(no_detect_types): pass\n",
        [("parameter added", "f", "no_detect_types"), ("parameter removed", "f", "detect_types")],
    ),
    "a parameter of another name that is given by its name alone": (
        "def f(rows): pass\n",
        "def f(*, rows_in): pass\n",
        [("parameter added", "f", "rows_in"), ("parameter removed", "f", "rows")],
    ),
    "a parameter that any keyword may have been": (
        "def f(**more): pass\n",
        "def f(a=1): pass\n",
        [],
    ),
    "a parameter that any keyword may still be": (
        "def f(a=1): pass\n",
        "def f(**more): pass\n",
        [],
    ),
    "the parameters of a constructor are its class's": (
        "class C:\n    def __init__(self, a): pass\n",
        "class C:\n    def __init__(self, a, b=0): pass\n",
        [("parameter added", "C", "b", "0")],
    ),
    "the fields of a dataclass": (
        "@dataclass\nclass C:\n    a: int\n",
        "@dataclass(frozen=True)\nclass C:\n    a: int\n    b: int = 0\n    n: ClassVar[int] = 1\n",
        [("parameter added", "C", "b", "0")],
    ),
    "a default too long to show": (
        "def f(a='x'): pass\n",
        f"def f(a={'x' * 60!r}): pass\n",
        [],
    ),
    "a decorator that deprecates": (
        "def f(): pass\n",
        "@deprecated('use g')\ndef f(): pass\n",
        [("deprecated", "f")],
    ),
    "a warning that always comes": (
        "def f(): pass\n",
        "def f():\n    warnings.warn('old', DeprecationWarning)\n",
        [("deprecated", "f")],
    ),
    "a warning about one parameter": (
        "def f(a=None): pass\n",
        "def f(a=None):\n    if a:\n        warnings.warn('a is old', DeprecationWarning)\n",
        [],
    ),
    "a docstring that deprecates": (
        "def f(): pass\n",
        'def f():\n    """Old.\n\n    .. deprecated:: 3\n    """\n',
        [("deprecated", "f", "Old.")],
    ),
    "click options": (
        "@click.command()\n@click.option('--old')\ndef run(): pass\n",
        "@click.command()\n"
        "@click.option('-s', '--strict/--lax', default=True, help='Refuse. Or not.')\n"
        "@click.option('--secret', hidden=True)\ndef run(): pass\n",
        [("option added", "--strict", "Refuse."), ("option removed", "--old")],
    ),
    "argparse options": (
        "p.add_argument('--jobs', default=1)\n",
        "p.add_argument('--jobs', default=4)\np.add_argument('--x', help=argparse.SUPPRESS)\n"
        "p.add_argument('path')\n",
        [("option default", "--jobs", "1", "4")],
    ),
    "definitions under a condition": (
        "try:\n    import x\nexcept ImportError:\n    def f(): pass\n",
        "try:\n    import x\nexcept ImportError:\n    def f(): pass\n    def g(): pass\n",
        [("added", "g")],
    ),
    "source that is no Python": ("def f(:\n", "def f(): pass\n", []),
}


@pytest.mark.parametrize(("before", "after", "expected"), CASES.values(), ids=CASES.keys())
def test_what_changed(before: str, after: str, expected: list[tuple[str, ...]]) -> None:
    assert differences(before, after) == expected


def test_a_name_that_left_one_module_for_another_has_moved() -> None:
    api = read_module("def f(): pass\ndef g(): pass\n")
    rest = read_module("def g(): pass\n")
    taken = read_module("def f(): pass\n")
    changes = compare_modules({"a.py": api}, {"a.py": rest, "b.py": taken})
    assert changes == [ApiChange("moved", "b.py", "f", "function", before="a.py")]


def test_a_module_comes_back_from_json() -> None:
    api = read_module("class C:\n    def m(self, a=1): pass\np.add_argument('--x', default=2)\n")
    assert api is not None
    assert ModuleApi.from_json(json.loads(json.dumps(api))) == api


def test_of_two_commits_only_what_users_import_is_compared(
    repo: Path, commit: Callable[..., str]
) -> None:
    source = "def f(): pass\np.add_argument('--new')\n"
    first = commit(repo, {"readme.md": "x"})
    names = (
        "app.py",
        "tests/helper.py",
        "test_app.py",
        "docs/conf.py",
        "_inner.py",
        "pkg/__init__.py",
    )
    second = commit(repo, dict.fromkeys(names, source))
    found = find(repo)
    with open_desk(found.desk) as db:
        before, after = git.tree(found, first), git.tree(found, second)
        for _ in range(2):  # the second time from the desk
            changes = changes_between(db, found, before, after, names)
            assert [(change.kind, change.path) for change in changes] == [
                ("added", "app.py"),
                ("added", "pkg/__init__.py"),
                ("option added", "_inner.py"),
                ("option added", "app.py"),
                ("option added", "pkg/__init__.py"),
            ]
