"""What is mended in a draft without asking the model again."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.testgen.model.repair import Aim, Repaired, repair
from copydesk.agent.testgen.project.parse import parse

SOURCE = """\
from __future__ import annotations
import datetime as dt
from decimal import Decimal
from . import helpers
from .shapes import Box as Shape
from ..top import thing
from os.path import *

LIMIT = 20
try:
    FAST = True
except ImportError:
    SLOW = True

def clamp_page(page, total, size=LIMIT):
    return page

class Pager:
    def go(self): ...
"""
AIM = Aim("shop.web.pager", "clamp_page", SOURCE)


def mended(code: str, aim: Aim = AIM) -> Repaired:
    done = repair(code, aim)
    assert done is not None
    compile(done.content, "draft", "exec")
    return done


def imports(done: Repaired) -> list[str]:
    body = ast.parse(done.content).body
    return [ast.unparse(n) for n in body if isinstance(n, ast.Import | ast.ImportFrom)]


def test_missing_imports_are_added() -> None:
    done = mended(
        "def test_a():\n"
        "    with pytest.raises(ValueError):\n"
        "        clamp_page(math.inf, Decimal(1), dt.date, helpers.x, Shape, thing, Path, LIMIT)\n"
    )
    assert imports(done) == [
        "from decimal import Decimal",
        "from pathlib import Path",
        "from shop.top import thing",
        "from shop.web import helpers",
        "from shop.web.pager import LIMIT",
        "from shop.web.pager import clamp_page",
        "from shop.web.shapes import Box as Shape",
        "import datetime as dt",
        "import math",
        "import pytest",
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("from pager import clamp_page", "from your_module import clamp_page"),
        *("from .pager import clamp_page", "from . import clamp_page", "from pager import *"),
        *("from shop.web.pager import clamp_page", "from web.pager import LIMIT, clamp_page, no"),
        "from main import clamp_page as clamp_page",
    ],
)
def test_the_module_path_is_corrected(line: str) -> None:
    done = mended(f"{line}\n\ndef test_a():\n    assert clamp_page(1, 2) == 1\n")
    assert imports(done) in (
        ["from shop.web.pager import clamp_page"],
        ["from shop.web.pager import clamp_page as clamp_page"],
    )


@pytest.mark.parametrize(
    ("line", "use", "fixed"),
    [
        ("import pager", "pager.clamp_page", "import shop.web.pager as pager"),
        ("import pager as p", "p.clamp_page", "import shop.web.pager as p"),
        ("import your_module", "your_module.clamp_page", "import shop.web.pager as your_module"),
        ("import shop.web.pager", "shop.web.pager.clamp_page", "import shop.web.pager"),
        ("import numpy as np", "np.clamp_page", "import numpy as np"),
        (
            "from math import sqrt as clamp_page",
            "clamp_page",
            "from math import sqrt as clamp_page",
        ),
    ],
)
def test_whole_module_imports_are_corrected(line: str, use: str, fixed: str) -> None:
    done = mended(f"{line}\n\ndef test_a():\n    assert {use}(1, 2) == 1\n")
    assert imports(done) == [fixed]


def test_a_top_level_module_is_imported_plainly() -> None:
    done = mended("import pager\ndef test_a():\n    assert pager.f() == 1\n", Aim("pager", "f", ""))
    assert imports(done) == ["import pager"]


def test_a_wrong_import_inside_a_test_is_corrected_in_place() -> None:
    done = mended(
        "def test_a():\n"
        "    # the first page\n"
        "    from pager import (\n        clamp_page,\n    )\n"
        "    assert clamp_page(1, 2) == 1\n"
    )
    assert "    # the first page\n    from shop.web.pager import clamp_page\n" in done.content


def test_modules_of_the_project_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "src/shop").mkdir(parents=True)
    (tmp_path / "src/shop/__init__.py").write_text("")
    (tmp_path / "src/shop/other.py").write_text("clamp_page = 1")
    aim = Aim("shop.web.pager", "clamp_page", SOURCE, tmp_path)
    for module in ("shop", "shop.other"):
        code = f"from {module} import clamp_page\ndef test_a():\n    assert clamp_page == 1\n"
        assert imports(mended(code, aim)) == [f"from {module} import clamp_page"]
    code = "from shop.gone import clamp_page\ndef test_a():\n    assert clamp_page(1) == 1\n"
    assert imports(mended(code, aim)) == ["from shop.web.pager import clamp_page"]


def test_what_would_run_on_import_is_left_out() -> None:
    done = mended(
        '"""A module."""\n'
        "from __future__ import annotations\n"
        "import os, unused\n"
        "os.system('true')\n"
        "for i in range(3):\n    print(i)\n"
        "def test_a():\n    assert clamp_page(1, 2) == 1\n"
        'if __name__ == "__main__":\n    pytest.main()\n'
    )
    assert done.content == (
        "from __future__ import annotations\n\n"
        "from shop.web.pager import clamp_page\n\n\n"
        "def test_a():\n    assert clamp_page(1, 2) == 1\n"
    )


def test_copies_of_the_target_are_left_out() -> None:
    done = mended(
        "LIMIT = 3\n"
        "def clamp_page(page, total):\n    return 7\n"
        "class Pager:\n    pass\n"
        "def test_a():\n    assert clamp_page(1, 2) == 1\n"
    )
    assert "return 7" not in done.content
    assert done.notes == ("left out a copy of clamp_page", "left out a copy of Pager")
    assert imports(done) == ["from shop.web.pager import clamp_page"]


@pytest.mark.parametrize(
    "body",
    [
        *("pass", "clamp_page(1, 2)", "assert True", "assert 1 == 1", "print(clamp_page(1, 2))"),
        *("assert not None", "return clamp_page(1, 2) == 1"),
    ],
)
def test_tests_that_assert_nothing_are_left_out(body: str) -> None:
    assert repair(f"def test_a():\n    {body}\n", AIM) is None
    kept = mended(f"def test_a():\n    {body}\n\ndef test_b():\n    assert clamp_page(1, 2) == 1\n")
    assert kept.tests == ("test_b",)
    assert kept.notes == ("left out test_a: it asserts nothing",)


def test_tests_that_use_an_unknown_name_are_left_out() -> None:
    done = mended(
        "def test_a():\n    assert clamp_page(clamp) == mystery\n"
        "def test_b(tmp_path):\n    assert clamp_page(tmp_path, 2) == 1\n"
    )
    assert done.tests == ("test_b",)
    assert done.notes == ("left out test_a: nobody defines clamp, mystery",)


def test_tests_of_something_else_are_left_out() -> None:
    code = "def test_a():\n    assert len([1]) == 1\n"
    assert repair(code, AIM) is None
    done = mended(code + "def test_b():\n    assert clamp_page(1, 2) == 1\n")
    assert done.notes == ("left out test_a: it does not name clamp_page",)
    method = Aim("shop.web.pager", "Pager.go", SOURCE)
    for call in ("Pager()", "make().go()", "from_fixture.go()"):
        assert mended(f"def test_a(make, from_fixture):\n    assert {call}\n", method).tests


def test_helpers_and_fixtures_that_are_used_stay() -> None:
    done = mended(
        "SIZES = [1, 2]\nUNUSED = 3\n"
        "@pytest.fixture\ndef pager():\n    return make(SIZES)\n"
        "def make(sizes):\n    return Pager()\n"
        "def other():\n    pass\n"
        "@pytest.mark.parametrize('n', SIZES)\n"
        "def test_a(pager, n):\n    assert clamp_page(pager, n) == n  # comment\n"
    )
    assert done.content == (
        "from shop.web.pager import Pager\n"
        "from shop.web.pager import clamp_page\n"
        "import pytest\n\n\n"
        "SIZES = [1, 2]\n\n\n"
        "@pytest.fixture\ndef pager():\n    return make(SIZES)\n\n\n"
        "def make(sizes):\n    return Pager()\n\n\n"
        "@pytest.mark.parametrize('n', SIZES)\n"
        "def test_a(pager, n):\n    assert clamp_page(pager, n) == n  # comment\n"
    )


def test_methods_of_a_test_class_become_functions() -> None:
    done = mended(
        "class TestPager:\n"
        "    size = 3\n"
        "    def test_a(self, tmp_path):\n        assert clamp_page(tmp_path, 2) == 1\n"
        "    def test_b(self):\n        assert clamp_page(self.size, 2) == 1\n"
    )
    assert done.tests == ("test_a",)
    assert "def test_a(tmp_path):" in done.content
    assert done.notes == ("left out test_b: it needs its class",)


def test_a_later_test_of_the_same_name_wins() -> None:
    done = mended(
        "def test_a():\n    assert clamp_page(1, 2) == 1\n"
        "def test_a():\n    assert clamp_page(2, 2) == 2\n"
    )
    assert done.tests == ("test_a",)
    assert "(2, 2) == 2" in done.content


def test_async_tests_and_one_line_tests_are_kept() -> None:
    done = mended(
        "async def test_a():\n    assert await clamp_page(1, 2)\n"
        "x = 1; y = 2\n"
        "def test_b(): assert clamp_page(x, y) == 1\n"
    )
    assert done.tests == ("test_a", "test_b")
    assert "x = 1" in done.content
    assert "y = 2" in done.content


@pytest.mark.parametrize(
    "code", ["", "x = 1", "def f(): pass", "not ( python", "class TestA: pass"]
)
def test_without_a_test_there_is_nothing_to_mend(code: str) -> None:
    assert repair(code, AIM) is None


def test_names_bound_by_every_construct_are_not_missing() -> None:
    done = mended(
        "def test_a():\n"
        "    import json as j\n"
        "    with open('x') as handle:\n        pass\n"
        "    try:\n        pass\n    except ValueError as error:\n        j.dumps(error)\n"
        "    match clamp_page(1, 2):\n"
        "        case [first, *rest]:\n            assert first == rest == handle\n"
        "        case other:\n            assert [n for n in other] == (lambda q: q)(1)\n"
    )
    assert imports(done) == ["from shop.web.pager import clamp_page"]


STATEMENTS = st.sampled_from(
    [
        *("import pager\n", "from pager import clamp_page\n", "from x import *\n", "LIMIT = 2\n"),
        *("def clamp_page(a): return a\n", "class Pager: pass\n", "x = 1\n", "print(x)\n"),
        *("def test_a():\n    assert clamp_page(x) == 1\n", "def test_b(): pass\n"),
        *(
            "class TestC:\n    def test_c(self):\n        assert Pager().go() is None\n",
            "if x: pass\n",
        ),
        *(
            "def test_d():\n    from . import clamp_page\n    assert clamp_page(1)\n",
            "y: int = x\n",
        ),
        *("@pytest.fixture\ndef p(): return Pager()\n", "def test_e(p):\n    assert p == LIMIT\n"),
    ]
)


@given(st.lists(STATEMENTS, max_size=8))
def test_whatever_is_mended_parses_and_is_mended_already(statements: list[str]) -> None:
    done = repair("".join(statements), AIM)
    if done is None:
        return
    assert parse(done.content) is not None
    assert done.tests
    again = repair(done.content, AIM)
    assert again is not None
    assert (again.content, again.tests) == (done.content, done.tests)
