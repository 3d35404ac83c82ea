from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.records import Draft, Target
from copydesk.agent.testgen.accept.merge_modules import merge
from copydesk.agent.testgen.accept.placement import Placement, place_draft
from copydesk.agent.testgen.accept.reexports import import_as_existing
from copydesk.agent.testgen.accept.write_placement import revert_placement, write_placement

DRAFT = '''"""Drafted."""

from __future__ import annotations

import pytest
from shop.prices import total


def test_nothing_costs_nothing():
    assert total([]) == 0


def test_a_negative_price_is_refused():
    with pytest.raises(ValueError):
        total([-1])
'''


def draft(content: str = DRAFT, source: str = "shop/prices.py", path: str = "") -> Draft:
    target = Target(source, "total", (3,)) if source else None
    return Draft(1, "test", "ready", "0" * 40, "total", "embedded", path, content, target)


def put(tree: Path, name: str, text: str = "") -> Path:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


# -- where it goes


def test_tests_join_classes_as_a_class(tmp_path: Path) -> None:
    old = "class TestOther:\n    def test_other(self):\n        assert True\n"
    put(tmp_path, "tests/test_prices.py", old)
    plain = DRAFT.replace("from __future__ import annotations\n\n", "")
    found = place_draft(draft(plain), tmp_path)
    assert found.new_text.endswith(
        "class TestTotal:\n"
        "    def test_nothing_costs_nothing(self):\n        assert total([]) == 0\n\n"
        "    def test_a_negative_price_is_refused(self):\n"
        "        with pytest.raises(ValueError):\n            total([-1])\n"
    )


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ([], "test_prices.py"),  # from tests/ plain pytest could not import the module
        (["conftest.py"], "tests/test_prices.py"),
        (["src/shop/prices.py"], "tests/test_prices.py"),
        (["tests/conftest.py"], "tests/test_prices.py"),
        (["test/test_other.py"], "test/test_prices.py"),
        (["tests/shop/test_other.py"], "tests/shop/test_prices.py"),
        (["tests/other_test.py", "tests/more_test.py"], "tests/prices_test.py"),
        (["shop/test_other.py"], "shop/test_prices.py"),
        (["checks/test_other.py", "checks/test_more.py"], "checks/test_prices.py"),
        (["tests/unit/test_other.py", ".venv/x/test_prices.py"], "tests/test_prices.py"),
    ],
)
def test_a_new_file_stands_beside_its_siblings(
    tree: Path, existing: list[str], expected: str
) -> None:
    for name in existing:
        put(tree, name)
    put(tree, "shop/prices.py")
    assert place_draft(draft(), tree) == Placement(expected, DRAFT, None)


@pytest.mark.parametrize(
    ("settings", "existing", "expected"),
    [
        ("[project]\nname = 'shop'\n", [], "tests/test_prices.py"),
        ("[tool.pytest.ini_options]\npythonpath = ['.']\n", [], "tests/test_prices.py"),
        ("[tool.pytest.ini_options]\nminversion = '6'\n", [], "test_prices.py"),
        (
            "[tool.pytest.ini_options]\npython_files = ['check_*.py']\n",
            ["tests/check_other.py"],
            "tests/check_prices.py",
        ),
        (
            "[tool.pytest.ini_options]\npython_files = '*_spec.py'\ntestpaths = ['spec']\n",
            ["spec/other_spec.py", "tests/test_old.py"],
            "spec/prices_spec.py",
        ),
        (
            "[tool.pytest.ini_options]\npython_files = ['tests.py']\npythonpath = ['.']\n",
            ["shop/tests.py"],
            "tests/tests.py",
        ),
        (
            "[tool.pytest.ini_options]\ntestpaths = ['checks']\n",
            ["tests/test_old.py", "checks/README.md"],
            "checks/test_prices.py",
        ),
    ],
)
def test_a_new_file_is_one_that_plain_pytest_collects(
    tree: Path, settings: str, existing: list[str], expected: str
) -> None:
    put(tree, "pyproject.toml", settings)
    for name in existing:
        put(tree, name)
    put(tree, "shop/prices.py")
    placement = place_draft(draft(), tree)
    assert placement.path == expected
    path = write_placement(placement, tree)
    assert path.is_file()
    revert_placement(placement, tree)
    assert not path.exists()


def test_a_project_that_has_all_files_of_its_one_name_gets_another_name(tree: Path) -> None:
    put(tree, "pyproject.toml", "[tool.pytest.ini_options]\npython_files = ['tests.py']\n")
    for folder in ("shop", "tests", "test"):
        put(tree, f"{folder}/tests.py")
    assert place_draft(draft(), tree).path.rpartition("/")[2].startswith("test_prices_")


def test_a_package_gives_its_name(tree: Path) -> None:
    put(tree, "shop/__init__.py")
    put(tree, "conftest.py")
    assert place_draft(draft(source="shop/__init__.py"), tree).path == "tests/test_shop.py"
    assert place_draft(draft(source="__init__.py"), tree).path == "tests/test_package.py"
    assert place_draft(draft(source="shop/_legacy.py"), tree).path == "tests/test_legacy.py"


def test_a_taken_name_is_not_taken_twice(tree: Path) -> None:
    put(tree, "tests/test_prices.py", "def broken(:\n")
    assert place_draft(draft(), tree).path == "tests/test_shop_prices.py"
    put(tree, "tests/test_shop_prices.py", "def broken(:\n")
    assert place_draft(draft(), tree).path == "tests/test_prices_2.py"
    put(tree, "tests/test_prices_2.py")
    assert place_draft(draft(), tree).path == "tests/test_prices_3.py"


def test_a_draft_without_a_target_goes_where_it_says(tree: Path) -> None:
    found = place_draft(draft(source="", path="tests/test_prices.py"), tree)
    assert found == Placement("tests/test_prices.py", DRAFT, None)


# -- appending


def test_appending_keeps_everything_that_is_there(tree: Path) -> None:
    old = (
        "# Copyright\n"
        '"""Prices."""\n'
        "from __future__ import annotations\n"
        "import zebra  # first for a reason\n"
        "import pytest\n"
        "\n"
        "LIMIT = 3   # aligned\n"
        "\n"
        "def test_nothing_costs_nothing():\n"
        "    assert zebra\n"
        "# the end"
    )
    put(tree, "tests/test_prices.py", old)
    found = place_draft(draft(), tree)
    assert found.path == "tests/test_prices.py"
    assert found.old_text == old
    assert found.new_text == (
        "# Copyright\n"
        '"""Prices."""\n'
        "from __future__ import annotations\n"
        "import zebra  # first for a reason\n"
        "import pytest\n"
        "from shop.prices import total\n"
        "\n"
        "LIMIT = 3   # aligned\n"
        "\n"
        "def test_nothing_costs_nothing():\n"
        "    assert zebra\n"
        "# the end\n"
        "\n"
        "\n"
        "def test_nothing_costs_nothing_2():\n"
        "    assert total([]) == 0\n"
        "\n"
        "\n"
        "def test_a_negative_price_is_refused():\n"
        "    with pytest.raises(ValueError):\n"
        "        total([-1])\n"
    )


def test_windows_line_ends_stay(tree: Path) -> None:
    put(tree, "tests/test_prices.py", "import pytest\r\n\r\n\r\ndef test_x():\r\n    pass\r\n")
    found = place_draft(draft(), tree)
    assert found.old_text is not None
    assert "\n" not in found.new_text.replace("\r\n", "")
    write_placement(found, tree)
    assert (tree / found.path).read_bytes() == found.new_text.encode()


@pytest.mark.parametrize(
    ("head", "encoding", "works"),
    [
        ("# -*- coding: latin-1 -*-\nNAME = 'é'\n", "latin-1", True),
        ("NAME = 'é'\n", "utf-8-sig", True),
        ("# coding: ascii\n", "ascii", False),
        ("NAME = 'é'\n", "latin-1", False),
    ],
)
def test_the_encoding_stays_or_a_new_file_is_made(
    tree: Path, head: str, encoding: str, works: bool
) -> None:
    path = put(tree, "tests/test_prices.py")
    path.write_bytes(head.encode(encoding))
    found = place_draft(draft(DRAFT.replace("== 0", "!= 'é'")), tree)
    write_placement(found, tree)
    if works:
        assert path.read_bytes().decode(encoding) == found.new_text
        assert path.read_bytes().startswith(head.encode(encoding)[:3])
    else:
        assert found.old_text is None
        assert path.read_bytes() == head.encode(encoding)


@pytest.mark.parametrize(
    "old",
    [
        "from other import total\n",
        "total = 3\n",
        "for total in []:\n    pass\n",
        "if True:\n    def total(): ...\n",
        "def total():\n    return 1\n",
        "def broken(:\n",
        "import pytest\rx = 1\r",
        'import pytest; x = """\n"""\n',
    ],
)
def test_what_does_not_go_together_becomes_a_new_file(tree: Path, old: str) -> None:
    put(tree, "tests/test_prices.py", old)
    found = place_draft(draft(), tree)
    assert found.old_text is None
    assert found.new_text == DRAFT


def test_a_helper_is_shared_when_it_is_the_same_and_a_clash_when_not() -> None:
    helper = "def build():\n    return 1\n"
    new = helper + "\n\ndef test_b():\n    assert build() == 1\n"
    merged = merge(helper + "\n\ndef test_a():\n    assert build()\n", new)
    assert merged is not None
    assert merged.count("def build") == 1
    assert merge("def build():\n    return 2\n", new) is None


def test_a_test_used_by_name_is_not_renamed() -> None:
    new = "def test_a():\n    assert True\n\n\ntest_b = test_a\n"
    assert merge("def test_a():\n    pass\n", new) is None


def test_tests_go_before_a_closing_main(tree: Path) -> None:
    old = (
        "import unittest\n\n\nclass TestPrices(unittest.TestCase):\n"
        "    def test_a(self):\n        self.assertTrue(1)\n\n\n"
        "# run me\nif __name__ == '__main__':\n    unittest.main()\n"
    )
    merged = merge(old, DRAFT)
    assert merged is not None
    assert merged.index("def test_a_negative") < merged.index("# run me")
    assert merged.endswith("\n\n\n# run me\nif __name__ == '__main__':\n    unittest.main()\n")


def test_imports_are_merged_name_by_name() -> None:
    old = (
        "import os.path\n"
        "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n"
        "from shop import prices\ndef test_a(): pass\n"
    )
    new = (
        "import os\nimport os.path\nimport json, re as regex\nimport tomllib\n"
        "from shop import prices, rates\nfrom . import near\n"
        "def test_b():\n    assert json and regex and prices and rates and near\n"
    )
    merged = merge(old, new)
    assert merged is not None
    assert merged.splitlines()[5:11] == [
        "from shop import prices",
        "import os",
        "import json, re as regex",
        "from shop import rates",
        "from . import near",
        "",
    ]


def test_an_empty_or_commented_file_takes_a_draft() -> None:
    for old in ("", "# only words\n", '"""Only a docstring."""', "x = 1"):
        merged = merge(old, DRAFT)
        assert merged is not None
        assert merged.startswith(old) or old == "x = 1"
        assert "from shop.prices import total" in merged
    assert merge('"""One."""', "def test_a():\n    assert 1\n") == (
        '"""One."""\n\n\ndef test_a():\n    assert 1\n'
    )


NAMES = st.sampled_from(["a", "b", "total", "pytest", "test_x", "test_y"])
OLD = st.one_of(
    st.builds("import {}\n".format, NAMES),
    st.builds("from shop import {0} as {1}\n".format, NAMES, NAMES),
    st.builds("{} = '''é\n  '''\n".format, NAMES),
    st.builds("def {}():\n    pass\n".format, NAMES),
    st.builds("@pytest.mark.slow\nclass {}:\n    # words\n    x = 1\n".format, NAMES),
    st.just("\n"),
    st.just("# a comment\n"),
    st.just('"""text"""\n'),
    st.just("if __name__ == '__main__':\n    a()\n"),
    st.just("x = 1; y = [\n  2]\n"),
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(OLD, max_size=7).map("".join),
    st.lists(OLD, max_size=3).map("".join),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_merging_never_changes_an_old_statement(
    old: str, extra: str, newline: str, cut: bool
) -> None:
    old = (old.rstrip("\n") if cut else old).replace("\n", newline)
    merged = merge(old, extra + DRAFT.split("\n\n", 2)[2])
    if merged is None:
        return
    kept = iter(ast.dump(node) for node in ast.parse(merged).body)
    assert all(any(ast.dump(node) == dump for dump in kept) for node in ast.parse(old).body)
    rows = iter(merged.split("\n"))
    assert all(any(row.rstrip("\r") == r.rstrip("\r") for r in rows) for row in old.split("\n"))
    assert "def test_a_negative_price_is_refused" in merged


# -- re-exports


@pytest.mark.parametrize(
    ("init", "bound", "coming", "imported"),
    [
        ("from .prices import total", "from shop import total", "shop.prices", ""),
        ("from shop.prices import total", "from shop import total", "shop.prices", ""),
        (
            "from .prices import total as sum_up",
            "from shop import sum_up as total",
            "shop.prices",
            "",
        ),
        ("from .prices import total", "from shop.prices import total", "shop", ""),
        ("from .prices import total", "from shop import rate", "shop.prices", "shop.prices"),
        ("from .rates import total", "from shop import total", "shop.prices", None),
        ("from .prices import total\ntotal = 1", "from shop import total", "shop.prices", None),
        ("if 1:\n    from .prices import total", "from shop import total", "shop.prices", None),
        ("def total(): pass", "from shop import total", "shop.prices", None),
        ("not python", "from shop import total", "shop.prices", None),
        ("", "from elsewhere import total", "shop.prices", None),
    ],
)
def test_what_a_package_hands_on_is_the_same_thing(
    tmp_path: Path, init: str, bound: str, coming: str, imported: str | None
) -> None:
    put(tmp_path, "src/shop/__init__.py", init + "\n")
    put(tmp_path, "src/shop/prices.py", "def total(prices):\n    return sum(prices)\n")
    put(tmp_path, "tests/test_prices.py", f"{bound}\n\n\ndef test_one():\n    assert 1\n")
    content = DRAFT.replace("from shop.prices import", f"from {coming} import")
    place = place_draft(draft(content, "src/shop/prices.py"), tmp_path)
    if imported is None:
        assert place.path == "tests/test_shop_prices.py"
        assert place.new_text == content
        return
    assert place.path == "tests/test_prices.py"
    heads = [line for line in place.new_text.split("\n") if line.startswith("from ")]
    assert heads == [bound] + ([f"from {imported} import total"] if imported else [])


def test_names_of_one_import_go_where_each_has_its_own(tmp_path: Path) -> None:
    put(tmp_path, "shop/__init__.py", "from .prices import (\n    rate,\n    total,\n)\n")
    put(tmp_path, "shop/prices.py", "rate = 1\ntax = 2\ndef total(): pass\n")
    old = "from shop import total\n"
    new = "import pytest\nfrom shop.prices import tax, total, rate as r\n\nx = 1\n"
    assert import_as_existing(old, new, tmp_path) == (
        "import pytest\nfrom shop.prices import tax, rate as r\nfrom shop import total\n\nx = 1\n"
    )
    assert import_as_existing("from (", new, tmp_path) == new
    relative = "from .prices import total\n"
    assert import_as_existing(old, relative, tmp_path) == relative


def test_where_each_module_has_its_test_module_a_new_one_gets_one(tmp_path: Path) -> None:
    for name in ("prices", "rates", "_taxes"):
        put(tmp_path, f"shop/{name}.py", "x = 1\n")
    put(tmp_path, "shop/__init__.py")
    old = "from shop.prices import total\n\n\ndef test_a():\n    assert total\n"
    put(tmp_path, "tests/test_rates.py", old)
    put(tmp_path, "tests/test_everything.py", old)
    assert place_draft(draft(), tmp_path).path == "tests/test_rates.py"  # two show no custom
    put(tmp_path, "tests/test_taxes.py", "x = 1\n")
    place = place_draft(draft(), tmp_path)
    assert (place.path, place.old_text) == ("tests/test_prices.py", None)
