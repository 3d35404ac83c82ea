from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.records import Candidate, Gap, Json
from copydesk.agent.sandbox.records import Limits, Outcome, Tier
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.agent.testgen.embedded.drafter import draft_embedded
from copydesk.agent.testgen.project.layout import function_node

SHOP = '''
from __future__ import annotations

import csv
import datetime
import enum
import os
import random
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class CartError(Exception):
    pass


@dataclass
class Item:
    name: str
    price: float
    color: Color = Color.RED


class Cart:
    def __init__(self, owner: str, limit: int = 3):
        if not owner:
            raise CartError("a cart needs an owner")
        self.owner = owner
        self.limit = limit
        self.items = []

    def add(self, item: Item, count: int = 1) -> None:
        if count < 1:
            raise CartError(f"cannot add {count} items")
        for _ in range(count):
            self.items.append(item)

    @property
    def is_empty(self) -> bool:
        return not self.items

    @staticmethod
    def parse(text: str) -> tuple[str, int]:
        name, _, count = text.partition("x")
        return name.strip(), int(count or 1)

    @classmethod
    def for_guest(cls, number: int) -> Cart:
        return cls(f"guest-{number}")

    def __len__(self):
        return len(self.items)

    def __eq__(self, other):
        return isinstance(other, Cart) and self.owner == other.owner


def shipping(weight: int) -> int:
    """Shipping costs.

    >>> shipping(7)
    5
    """
    if weight < 0:
        raise ValueError("negative weight (in kg)")
    if weight <= 10:
        return 5
    return 12


def paint(item: Item, color: Color) -> Item:
    if color is Color.BLUE:
        return Item(item.name.upper(), item.price, color)
    return item


def show(names: list[str]) -> None:
    for name in names:
        print("*", name)


def sort_in_place(values: list[int]) -> None:
    values.sort(reverse=True)


def evens(limit: int):
    number = 0
    while number < limit:
        if number % 2 == 0:
            yield number
        number += 1


def forever(start: int):
    while True:
        yield start


async def fetch(name: str) -> str:
    if not name:
        raise ValueError("no name")
    return name.title()


def read_names(path: Path) -> list[str]:
    with open(path) as file:
        return [row["name"] for row in csv.DictReader(file)]


def years_until(day: datetime.date) -> int:
    return datetime.date.today().year - day.year


def kind_of_day(day: datetime.date) -> str:
    today = datetime.date.today()
    return "weekend" if day.weekday() > 4 and today else "weekday"


def roll() -> int:
    return random.randint(1, 1_000_000)


def stamp(text: str) -> str:
    return f"{text} {time.time()}"


def pieces(text: str) -> list[str]:
    return list({f"{text}{n}" for n in range(9)})


SEEN = {}


def remember(name: str) -> int:
    SEEN[name] = len(name)
    return len(SEEN)


def old(value: int) -> int:
    warnings.warn("use new()", DeprecationWarning)
    return value * 2


def thread_name(count: int) -> str:
    return threading.current_thread().getName() * count


def forget(path: str) -> None:
    os.remove(path)


def run(command: str) -> int:
    return os.system(command)


def fragile(number: int) -> int:
    if number == 2:
        os._exit(3)
    while number == 3:
        pass
    return number + 1


def area(*, width: int, height: int = 2) -> int:
    if width > 100:
        raise ValueError("too wide")
    return width * height


def score(config):
    if config["mode"] == "fast":
        return 1
    return config.get("weight", 2) * 3


def root(number: float) -> float:
    return number ** 0.5 if number >= 0 else float("nan")


def first(values: list[int]) -> int:
    return values[0]


def outer(number: int) -> int:
    def inner() -> int:
        return number + 1

    return inner()


if __name__ == "__main__":
    raise SystemExit("importing must not run this")
'''

Drafted = Callable[[str], Candidate | None]


@pytest.fixture
def drafted(
    tree: Path, write: Callable[[dict[str, str]], None], sandbox: Callable[[], SandboxRunner]
) -> Drafted:
    """The draft for a function of the sample shop, whose tests have been seen to pass."""
    write({"src/shop/__init__.py": "", "src/shop/cart.py": SHOP})

    def make(function: str) -> Candidate | None:
        candidate = draft_embedded(gap_of(tree, "src/shop/cart.py", function), tree, sandbox())
        if candidate is not None:
            names = [n.name for n in ast.parse(candidate.content).body if hasattr(n, "name")]
            assert tuple(names) == candidate.tests == candidate.recorded
            outcome = sandbox().run(
                ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_draft.py"),
                files={"tests/test_draft.py": candidate.content},
                env={"PYTHONHASHSEED": "99", "TZ": "America/Lima"},
            )
            assert outcome.returncode == 0, outcome.output + candidate.content
        return candidate

    return make


def gap_of(tree: Path, path: str, function: str) -> Gap:
    node = function_node((tree / path).read_text(), function)
    assert node is not None
    lines = {s.lineno for b in node.body for s in ast.walk(b) if isinstance(s, ast.stmt)}
    last = node.end_lineno or node.lineno
    return Gap("0" * 40, path, function, node.lineno, last, tuple(sorted(lines)))


def body(candidate: Candidate | None) -> str:
    assert candidate is not None
    return candidate.content.split("\n\n\n", 1)[1]


def test_a_function_gets_its_doctest_its_error_and_both_sides_of_its_limit(
    drafted: Drafted,
) -> None:
    candidate = drafted("shipping")
    assert candidate is not None
    assert candidate.origin == "embedded"
    assert candidate.content == (
        "import pytest\n\n"
        "from shop.cart import shipping\n\n\n"
        "@pytest.mark.parametrize(\n"
        '    ("weight", "expected"),\n'
        "    [\n"
        "        (7, 5),\n"
        "        (11, 12),\n"
        "        (0, 5),\n"
        "        (10, 5),\n"
        "    ],\n"
        ")\n"
        "def test_shipping(weight, expected):\n"
        "    assert shipping(weight) == expected\n\n\n"
        "def test_shipping_rejects_when_weight_is_below_zero():\n"
        '    with pytest.raises(ValueError, match=r"negative weight \\(in kg\\)"):\n'
        "        shipping(-1)\n"
    )
    assert drafted("shipping") == candidate


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("Cart.__init__", 'cart = Cart("ada")\n    assert cart.owner == "ada"\n'),
        (
            "Cart.add",
            "def test_cart_add_updates_items_and_is_empty_when_count_is_at_least_one():\n",
        ),
        ("Cart.is_empty", 'assert Cart("ada").is_empty is True'),
        ("Cart.parse", 'assert Cart.parse("Hello World") == ("Hello World", 1)'),
        ("Cart.for_guest", 'assert result.owner == "guest-3"'),
        ("Cart.__len__", 'assert len(Cart("ada")) == 0'),
        ("Cart.__eq__", '(Cart("ada") == Cart("ada")) is True'),
        ("paint", 'result == Item(name="ADA", price=1.5, color=Color.BLUE)'),
        ("show", 'assert capsys.readouterr().out == "* Ada'),
        ("sort_in_place", "sort_in_place(values)\n    assert values == [2, 1, 0]"),
        ("evens", "assert list(evens(10)) == [0, 2, 4, 6, 8]"),
        ("forever", "assert list(itertools.islice(forever(1), 10)) == [1, 1, 1"),
        (
            "fetch",
            'with pytest.raises(ValueError, match="no name"):\n        asyncio.run(fetch(""))',
        ),
        ("read_names", 'read_names(tmp_path / "data.csv") == ["a", "b"]'),
        ("kind_of_day", 'assert kind_of_day(date(2024, 2, 29)) == "weekday"'),
        ("old", "with pytest.warns(DeprecationWarning):\n        assert old(1) == 2"),
        ("area", "assert area(width=100) == 200"),
        ("score", 'assert score({"mode": 1, "weight": 1}) == 3'),
        ("root", "math.isnan(root(-1"),
        ("outer.<locals>.inner", "assert outer(3) == 4"),
    ],
)
def test_every_kind_of_result_is_asserted_in_its_own_way(
    drafted: Drafted, function: str, expected: str
) -> None:
    assert expected in body(drafted(function))


def test_what_python_says_is_deprecated_is_left_alone(drafted: Drafted) -> None:
    assert drafted("thread_name") is None  # getName() is gone in some later version


@pytest.mark.parametrize("function", ["years_until", "pieces", "remember", "forget", "run"])
def test_what_cannot_be_repeated_or_reaches_outside_is_left_alone(
    drafted: Drafted, function: str
) -> None:
    assert drafted(function) is None


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        ("roll", ["    random.seed(1)", "    assert roll() == 140892"]),
        (
            "stamp",
            [
                '    monkeypatch.setattr("time.time", lambda: 1700000000.0)',
                '    assert stamp("Hello World") == "Hello World 1700000000.0"',
            ],
        ),
    ],
)
def test_chance_and_the_time_are_held_still(
    drafted: Drafted, function: str, lines: list[str]
) -> None:
    assert "\n".join(lines) in body(drafted(function))


def test_a_call_that_ends_the_process_or_never_ends_costs_only_itself(drafted: Drafted) -> None:
    assert "assert fragile(1) == 2" in body(drafted("fragile"))


def test_an_error_that_looks_like_a_bug_is_noted_and_not_asserted(drafted: Drafted) -> None:
    candidate = drafted("first")
    assert candidate is not None
    assert "IndexError" not in candidate.content
    assert candidate.notes == ("suspect: first([]) raises IndexError",)


class ScriptedBench:
    """A sandbox that gives prepared answers instead of running anything."""

    limits = Limits()

    def __init__(self, *answers: object, returncode: int = 0) -> None:
        self.answers = [a if isinstance(a, bytes) else json.dumps(a).encode() for a in answers]
        self.returncode = returncode
        self.requests: list[Json] = []

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", **_: Any) -> Outcome:
        self.requests.append(json.loads(stdin))
        return Outcome("exit", self.returncode, "", self.answers.pop(0), 0.1, Tier.OFF)


def case(**changes: Any) -> Json:
    seen = {"kind": "value", "text": "2", "names": [], "wrap": ""}
    plain: Json = {"receiver": None, "arguments": [["1", []]], "keywords": [], "origin": "literal"}
    return {**plain, "observed": seen, "lines": [2], **changes}


def answered(tree: Path, *answers: object, **how: Any) -> Candidate | None:
    (tree / "m.py").write_text("def f(x, y=0):\n    return x + 1\n")
    gap = Gap("0" * 40, "m.py", "f", 1, 2, (2,))
    return draft_embedded(gap, tree, ScriptedBench(*answers, **how))  # type: ignore[arg-type]


def test_a_sound_report_becomes_a_test(tree: Path) -> None:
    one = case()
    candidate = answered(tree, {"cases": [one]}, {"observations": [one["observed"]]})
    assert candidate is not None
    assert candidate.content == ("from m import f\n\n\ndef test_f_of_1():\n    assert f(1) == 2\n")


@pytest.mark.parametrize(
    "report", [b"", b"not json", b"[]", {"error": "x"}, {"cases": 3}, {"cases": []}]
)
def test_a_report_that_is_none_gives_no_draft(tree: Path, report: object) -> None:
    assert answered(tree, report, {}) is None


def test_calls_of_which_none_becomes_a_test_leave_the_reasons(tree: Path) -> None:
    one = case(observed=value("2"), arguments=[["1", []]] * 9)
    candidate = answered(
        tree,
        {"cases": [one], "suspects": ["f(0) raised ZeroDivisionError"]},
        {"observations": [one["observed"]]},
    )
    assert candidate is not None
    assert candidate.tests == ()
    assert candidate.notes == (
        "suspect: f(0) raised ZeroDivisionError",
        "left out 1: is too long to be read",
    )
    doubted = answered(tree, {"cases": [], "suspects": ["f(0) raised IndexError"]})
    assert doubted is not None
    assert doubted.notes == ("suspect: f(0) raised IndexError",)


def test_a_run_that_failed_gives_no_draft(tree: Path) -> None:
    assert answered(tree, {"cases": [case()]}, returncode=1) is None


def test_an_observation_that_differs_the_second_time_is_dropped(tree: Path) -> None:
    other = {"kind": "value", "text": "3", "names": [], "wrap": ""}
    assert answered(tree, {"cases": [case()]}, {"observations": [other]}) is None


def value(text: str, names: Sequence[Sequence[str]] = (), **more: Any) -> Json:
    return {"kind": "value", "text": text, "names": [list(n) for n in names], "wrap": "", **more}


@pytest.mark.parametrize(
    "forged",
    [
        case(arguments=[["__import__('os').system('x')", []]]),
        case(arguments=[["1", [["a b", "m"]]]]),
        case(arguments=[["system('x')", [["system", "os"]]]]),
        case(arguments=[["thing(1)", [["thing", "elsewhere"]]]]),
        case(arguments=[["f(1)", [["f", "m"]]]]),
        case(arguments=3),
        case(arguments=[3]),
        case(keywords=[["x=1, y", ["1", []]]]),
        case(observed=value("exit()")),
        case(observed=value("2", wrap="eval")),
        case(observed=value("2", warns="os.system")),
        case(observed=value("2", warns="print")),
        case(observed={"kind": "code", "text": "2", "names": []}),
        case(observed={"kind": "raises", "name": "print", "module": "builtins", "message": ""}),
        case(observed={"kind": "raises", "name": "E", "module": "os;x", "message": ""}),
        case(observed={"kind": "changes", "argument": 7, "text": "1", "names": []}),
        case(observed={"kind": "state", "fields": [["a()", "1", []]]}),
        case(receiver="x"),
        {},
        "text",
    ],
)
def test_a_forged_case_is_left_out(tree: Path, forged: Any) -> None:
    seen = forged.get("observed") if isinstance(forged, dict) else None
    assert answered(tree, {"cases": [forged]}, {"observations": [seen]}) is None


@pytest.mark.parametrize("function", ["<module>", "missing", "C"])
def test_a_gap_without_a_function_gets_no_draft(tree: Path, function: str) -> None:
    (tree / "m.py").write_text("class C:\n    x = 1\n")
    gap = Gap("0" * 40, "m.py", function, 1, 2, (2,))
    assert draft_embedded(gap, tree, ScriptedBench()) is None  # type: ignore[arg-type]


def test_a_file_that_is_gone_gets_no_draft(tree: Path) -> None:
    gap = Gap("0" * 40, "gone.py", "f", 1, 2, (2,))
    assert draft_embedded(gap, tree, ScriptedBench()) is None  # type: ignore[arg-type]


def test_a_module_that_cannot_be_imported_gets_no_draft(
    tree: Path, write: Callable[[dict[str, str]], None], sandbox: Callable[[], SandboxRunner]
) -> None:
    write({"broken.py": "import no_such_module\n\ndef f(x):\n    return x\n"})
    assert draft_embedded(gap_of(tree, "broken.py", "f"), tree, sandbox()) is None
