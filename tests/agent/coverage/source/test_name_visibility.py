from __future__ import annotations

import pytest
from coverage.numbits import nums_to_numbits

from copydesk.agent.coverage.selection.affected import Selection, select
from copydesk.agent.coverage.source.name_visibility import accessed_names, import_only_names
from copydesk.agent.coverage.source.tree_diff import Tree
from copydesk.agent.coverage.store.traces import CoverageMap, Trace
from copydesk.agent.desk.traces import Hit

SHOP = "def price():\n    return 1\n"
TEST = "import os\n{}\n\n\ndef test_one():\n    {}\n"
NAME = "test_a.py::test_one"


def run(line: str, body: str, old: str, new: str) -> Selection:
    """What is selected when shop.py changes: one test that executes `body` and nothing of shop."""
    before = {"shop.py": old, "test_a.py": TEST.format(line, body)}
    after = {**before, "shop.py": new}
    trace = Trace(
        "test", NAME, "passed", 0.1,
        (Hit("test_a.py", before["test_a.py"], nums_to_numbits([6])),),
    )  # fmt: skip
    base = CoverageMap("0" * 40, "e", False, {("test", NAME): trace})
    trees = (Tree(files, lambda blob: blob) for files in (before, after))
    return select(base, *trees, lambda path: path.startswith("test_"))


@pytest.mark.parametrize(
    ("line", "body", "affected"),
    [
        ("import shop", "assert os.sep", False),
        ("import shop", "assert shop.os.sep", True),
        ("from shop import os", "assert os.sep", True),
        ("from shop import *", "assert os.sep", True),
        ("import shop", "assert getattr(shop, 'os', 1) and os", True),
        ("import sys", "assert os.sep", False),
    ],
    ids=["its own", "attribute", "from there", "everything", "text", "no import"],
)
def test_what_an_import_binds_is_seen_elsewhere_only_by_asking_for_it(
    line: str, body: str, affected: bool
) -> None:
    for old, new in ((SHOP, f"import os\n{SHOP}"), (f"import os\n{SHOP}", SHOP)):
        assert (NAME in run(line, body, old, new).affected) is affected


@pytest.mark.parametrize(
    "shop",
    [
        "try:\n    import os\nexcept ImportError:\n    os = None\n",
        "from x import os\n",
        "import os\n\n\ndef f():\n    global os\n    os = 1\n",
        "os = 1\n",
    ],
)
def test_a_name_that_anything_else_binds_may_be_meant_anywhere(shop: str) -> None:
    assert NAME in run("import shop", "assert os.sep", SHOP, shop + SHOP).affected


def test_a_name_that_follows_from_an_import_is_seen_everywhere() -> None:
    old = f"{SHOP}\n\ndef where(sep=1):\n    return sep\n"
    new = f"import os\n{SHOP}\n\ndef where(sep=os.sep):\n    return sep\n"
    assert NAME in run("from shop import where", "assert where()", old, new).affected


def test_what_a_source_binds_and_sees() -> None:
    assert import_only_names("import a.b, c as d\nimport e\ne = 1\nfrom f import g\n") == {"a", "d"}
    assert import_only_names("from f import *\nimport a\n") == frozenset()
    assert import_only_names("import a\ndef a(): pass\n") == frozenset()
    assert import_only_names("import a\ntry:\n    x\nexcept E as a:\n    pass\n") == frozenset()
    assert import_only_names("import (\n") == frozenset()
    assert accessed_names("x.y\nfrom a import b as c\n'd e'\nf\n") == {"y", "b", "d", "e"}
    assert accessed_names("match x:\n    case P(q=1):\n        pass\n") == {"q"}
    assert accessed_names("from a import *\n") is None
    assert accessed_names("(\n") is None
