from __future__ import annotations

from copydesk.agent.coverage.source.import_graph import ImportGraph, imports_of

SOURCES = {
    "src/pkg/__init__.py": "from pkg.core import add\n",
    "src/pkg/core.py": "import os\nfrom . import util\nfrom .sub.deep import thing\n",
    "src/pkg/util.py": "def f():\n    import pkg.lazy\n",
    "src/pkg/lazy.py": "",
    "src/pkg/sub/__init__.py": "",
    "src/pkg/sub/deep.py": "from ..util import f\n",
    "src/pkg/alone.py": "",
    "tests/conftest.py": "import pkg.alone\n",
    "tests/helpers.py": "",
    "tests/test_core.py": "from pkg import core\nimport helpers\n",
    "top.py": "import pkg.core as c\n",
    "broken.py": "def (",
}


def graph() -> ImportGraph:
    return ImportGraph(SOURCES)


def test_what_a_file_imports_with_packages_and_conftests() -> None:
    found = graph()
    assert found.direct("src/pkg/core.py", lazy=True) == {
        "src/pkg/__init__.py", "src/pkg/util.py", "src/pkg/sub/__init__.py", "src/pkg/sub/deep.py",
    }  # fmt: skip
    assert "tests/conftest.py" in found.direct("tests/test_core.py", lazy=True)
    assert "tests/helpers.py" in found.direct("tests/test_core.py", lazy=True)


def test_the_closure_with_and_without_imports_inside_functions() -> None:
    found = graph()
    assert "src/pkg/lazy.py" in found.closure("tests/test_core.py")
    assert "src/pkg/lazy.py" not in found.closure("tests/test_core.py", lazy=False)
    assert "src/pkg/alone.py" in found.closure("tests/test_core.py")  # through conftest
    assert found.closure("broken.py") == {"broken.py"}


def test_who_imports_a_file() -> None:
    users = graph().importers(["src/pkg/util.py", "not-there.py"])
    assert {"src/pkg/core.py", "tests/test_core.py", "top.py"} <= users
    assert "broken.py" not in users


def test_imports_are_read_with_their_level_and_place() -> None:
    found = imports_of("import a.b\nfrom .. import c\nclass K:\n    import d\nf = lambda: 1\n")
    assert [(i.module, i.level, i.lazy) for i in found] == [
        ("a.b", 0, False), ("", 2, False), ("d", 0, False),
    ]  # fmt: skip
