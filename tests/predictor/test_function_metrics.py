"""Functions of a module, cut into pieces and parsed whole: the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.predictor.subjects.commits import function_metrics
from copydesk.predictor.subjects.commits.function_metrics import outermost

METHODS = [
    "    def f(self, a, *, b=1):\n        return f(a) if a else [x for x in b]\n",
    "    @property\n    def g(self):\n        '''\n    def not_one(self):\n        '''\n",
    "    @cached(\n        1\n    )\n    async def h(self): return g()\n",
    "    class Meta:\n        def f(self):\n            pass\n",
    "    if X:\n        def k(self): f()\n    else:\n        k = None\n",
    "    x = f(1)\n# a comment at the margin\n",
    "    SQL = '''\nselect f()\ndef g():\n'''\n",
    "    def tail(self):\n        return 1 \\\n",
    "  def crooked(self): pass\n",
    "\tdef tabbed(self): pass\n",
]
TOP = [
    "import os\nf(1)\n",
    "def f(a):\n    for x in a:\n        g(x)\n    return f\n",
    "@one\n@two(\n    3,\n)\ndef g(a, b): return a and b\n",
    "async def h():\n    def inner():\n        return h()\n    return inner\n",
    "if X:\n    def k(): pass\nelse:\n    def k(): return 1\n",
    "try:\n    import x\nexcept ImportError:\n    def x(): f()\n",
    "TEXT = '''\ndef no_function():\n    pass\nclass Nor: pass\n'''\n",
    "for x in y:\n    f(x)\nelse:\n    g(x)\n",
    "def broken(:\n",
    "print 'two'\n",
    "x = f(\n    g(1),\n)\n",
    "\n# a comment\n\n",
]
CLASSES = [
    "class A:\n",
    "@dec\nclass B(\n    f(1),\n):\n",
    'class C:\n    """Doc."""\n\n    y = 1\n',
]


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Modules of parts that are hard to cut, some of them no Python at all."""
    methods = st.lists(st.sampled_from(METHODS), max_size=4).map("".join)
    classes = st.tuples(st.sampled_from(CLASSES), methods).map("".join)
    text = "".join(draw(st.lists(st.sampled_from(TOP) | classes, max_size=6)))
    text = text if draw(st.booleans()) else text.rstrip("\n")
    return text if draw(st.integers(0, 3)) else text.replace("\n", "\r\n")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(modules())
def test_cut_or_whole_gives_the_same(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(function_metrics, "_CUT_LINES", 2)
    whole = function_metrics._parsed(text.replace("\r\n", "\n"))
    assert outermost(text) == (list(whole.functions) if whole else [])


def test_a_module_seen_before_is_parsed_where_it_changed() -> None:
    method = "    def m{0}(self):\n        return self.m{0}()\n\n"
    text = "class Large:\n" + "".join(method.format(i) for i in range(40)) + "\n\nlast = 1\n"
    before = outermost(text)
    assert len(before) == 40
    parsed = function_metrics._parsed.cache_info().misses
    after = outermost(text.replace("return self.m7()", "return self.m8() or self.m7()"))
    assert function_metrics._parsed.cache_info().misses == parsed + 1
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [name for name, _ in changed] == ["Large.m7", "Large.m8"]
    assert changed[0][1].branches == 1
    assert changed[1][1].callers == 1


def test_only_functions_asked_for_are_measured() -> None:
    text = "def a():\n    pass\n\n\ndef b():\n    a()\n"
    assert [name for name, _ in outermost(text, lambda first, last: first <= 6 <= last)] == ["b"]
