"""Good tests in the styles that people write them: data for test_good.py.

A small shop with the kinds of code that suites are written for, and a draft a style. Written for
this suite.
"""

from __future__ import annotations

from typing import NamedTuple

PROJECT = {
    "pyproject.toml": (
        "[project]\nname = 'shop'\nversion = '1'\n[tool.pytest.ini_options]\n"
        "addopts = '-ra --strict-markers'\nmarkers = ['slow: takes longer']\n"
    ),
    "src/shop/__init__.py": '__version__ = "1"\n',
    "src/shop/__main__.py": "from shop.cli import main\n\nraise SystemExit(main())\n",
    "src/shop/cli.py": """\
import argparse
import sys

from shop.prices import total


def main(argv=None):
    parser = argparse.ArgumentParser(prog="shop")
    parser.add_argument("prices", nargs="+", type=float)
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args(argv)
    if options.rate > 1:
        print("a rate is a share of 1", file=sys.stderr)
        return 2
    print(f"{total(options.prices, options.rate):.2f}")
    return 0
""",
    "src/shop/prices.py": '''\
import logging
import warnings

log = logging.getLogger(__name__)


def total(prices, rate=0.0):
    """Sum prices and add a rate.

    >>> total([1, 2])
    3.0
    """
    if not prices:
        return 0.0
    if any(price < 0 for price in prices):
        raise ValueError("a price is never negative")
    if rate < 0:
        warnings.warn("a negative rate is a discount", stacklevel=2)
    value = sum(prices) * (1 + rate)
    log.info("total is %s", value)
    return float(value)


class Basket:
    def __init__(self):
        self.items = {}

    def add(self, name, count=1):
        if count < 1:
            raise ValueError(f"cannot add {count}")
        self.items[name] = self.items.get(name, 0) + count
        return self

    def __len__(self):
        return sum(self.items.values())

    def __contains__(self, name):
        return name in self.items

    @property
    def empty(self):
        return not self.items
''',
    "src/shop/store.py": """\
import json
import os
import sqlite3
import urllib.request
from pathlib import Path


def save(path, data):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, sort_keys=True))
    return path


def load(path, default=None):
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        return default


def config_path():
    base = os.environ.get("SHOP_HOME")
    if base:
        return Path(base) / "shop.json"
    return Path.home() / ".shop.json"


def count(path, name):
    db = sqlite3.connect(path)
    try:
        db.execute("create table if not exists seen (name text)")
        db.execute("insert into seen values (?)", (name,))
        db.commit()
        return db.execute("select count(*) from seen where name = ?", (name,)).fetchone()[0]
    finally:
        db.close()


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode().strip()
""",
    "src/shop/jobs.py": """\
import asyncio
import contextlib
import time


def square(n):
    if n < 0:
        return None
    return n * n


async def double(n, delay=0):
    await asyncio.sleep(delay)
    if n is None:
        raise TypeError("nothing to double")
    return n * 2


async def gather(numbers):
    return await asyncio.gather(*(double(n) for n in numbers))


def batches(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@contextlib.contextmanager
def timed(times, clock=time.perf_counter):
    start = clock()
    try:
        yield
    finally:
        times.append(clock() - start)


def retry(function, attempts=3):
    for attempt in range(attempts):
        try:
            return function()
        except OSError:
            if attempt == attempts - 1:
                raise
""",
    "tests/conftest.py": """\
import pytest

from shop.prices import Basket


@pytest.fixture
def basket():
    return Basket().add("apple", 2)


@pytest.fixture(params=[0.0, 0.5])
def rate(request):
    return request.param
""",
    "tests/data/prices.txt": "1 2 3\n",
    "tests/test_smoke.py": "def test_smoke():\n    import shop\n\n    assert shop.__version__\n",
}


class Good(NamedTuple):
    """A draft and what it is for: path, function, and some text on each line it should reach."""

    path: str
    function: str
    reaches: tuple[str, ...]
    draft: str


def _of(path: str, function: str, *reaches: str) -> tuple[str, str, tuple[str, ...]]:
    return f"src/shop/{path}.py", function, reaches


TOTAL = _of("prices", "total", "return 0.0", 'raise ValueError("a price', "return float")
SAVE = _of("store", "save", "path.write_text", "return path")
LOAD = _of("store", "load", "return json.loads", "return default")
COUNT = _of("store", "count", "db.commit()", "return db.execute")
FETCH = _of("store", "fetch", "return answer")
MAIN = _of("cli", "main", "return 2", "return 0")
SQUARE = _of("jobs", "square", "return None", "return n * n")
DOUBLE = _of("jobs", "double", "raise TypeError", "return n * 2")
BATCHES = _of("jobs", "batches", "yield batch", "batch = []")
TIMED = _of("jobs", "timed", "times.append")
RETRY = _of("jobs", "retry", "return function()", "raise")
ADD = _of(
    "prices",
    "Basket.add",
    "if count < 1",
    "raise ValueError(f",
    "self.items[name] =",
    "return self",
)
HOME = _of("store", "config_path", "return Path(base)", "return Path.home()")

GOOD = {
    "plain asserts": Good(*TOTAL, """
from shop.prices import total

def test_total_of_nothing_is_zero():
    assert total([]) == 0.0

def test_total_adds_the_rate():
    assert total([10, 20], 0.1) == 33.0
"""),
    "raises with match": Good(*TOTAL, """
import pytest
from shop.prices import total

def test_negative_prices_are_refused():
    with pytest.raises(ValueError, match="never negative"):
        total([1, -1])
"""),
    "raises and its value": Good(*TOTAL, """
import pytest
import shop.prices as prices

def test_negative():
    with pytest.raises(ValueError) as caught:
        prices.total([-1])
    assert str(caught.value) == "a price is never negative"
"""),
    "parametrize": Good(*TOTAL, """
import pytest
from shop.prices import total

@pytest.mark.parametrize(("prices", "rate", "expected"), [
    ([], 0, 0.0),
    ([1], 0, 1.0),
    pytest.param([1, 2], 1, 6.0, id="doubled"),
])
def test_total(prices, rate, expected):
    assert total(prices, rate) == expected
"""),
    "stacked parametrize": Good(*TOTAL, """
import pytest
from shop.prices import total

@pytest.mark.parametrize("price", [1, 2])
@pytest.mark.parametrize("rate", [0, 1])
def test_scale(price, rate):
    assert total([price], rate) == price * (1 + rate)
"""),
    "approx": Good(*TOTAL, """
import pytest
from shop.prices import total

def test_close():
    assert total([0.1, 0.2]) == pytest.approx(0.3)
"""),
    "a warning": Good(*_of("prices", "total", "warnings.warn"), """
import pytest
from shop.prices import total

def test_a_discount_is_warned_about():
    with pytest.warns(UserWarning, match="discount"):
        assert total([10], -0.5) == 5.0
"""),
    "caplog": Good(*_of("prices", "total", "log.info", "return float"), """
import logging
from shop.prices import total

def test_the_total_is_logged(caplog):
    with caplog.at_level(logging.INFO, logger="shop.prices"):
        assert total([1]) == 1.0
    assert caplog.messages == ["total is 1.0"]
"""),
    "a fixture of the project": Good(*_of("prices", "Basket.__len__", "return sum"), """
def test_a_basket_knows_its_size(basket):
    assert len(basket) == 2
"""),
    "a parametrized fixture of the project": Good(*TOTAL, """
from shop.prices import total

def test_any_rate(rate):
    assert total([2], rate) == 2 * (1 + rate)
"""),
    "own fixtures with teardown": Good(*ADD, """
import pytest
from shop.prices import Basket

@pytest.fixture
def full():
    basket = Basket()
    basket.add("pear", 3)
    yield basket
    basket.items.clear()

def test_adding_adds_up(full):
    assert full.add("pear").items == {"pear": 4}
"""),
    "a class with setup": Good(*ADD, """
import pytest
from shop.prices import Basket

class TestBasket:
    def setup_method(self):
        self.basket = Basket()

    def test_add(self):
        assert self.basket.add("apple") is self.basket
        assert self.basket.items["apple"] == 1

    def test_nothing_is_refused(self):
        with pytest.raises(ValueError, match="cannot add 0"):
            self.basket.add("apple", 0)
"""),
    "unittest": Good(*ADD, """
import unittest
from shop.prices import Basket

class BasketTest(unittest.TestCase):
    def setUp(self):
        self.basket = Basket()

    def test_add(self):
        self.basket.add("apple", 2)
        self.assertEqual(self.basket.items, {"apple": 2})

    def test_refused(self):
        with self.assertRaisesRegex(ValueError, "cannot add -1"):
            self.basket.add("apple", -1)
"""),
    "unittest with subtests": Good(*SQUARE, """
import unittest
from shop.jobs import square

class SquareTest(unittest.TestCase):
    def test_square(self):
        for n, expected in [(0, 0), (3, 9), (-1, None)]:
            with self.subTest(n=n):
                self.assertEqual(square(n), expected)
"""),
    "a property": Good(*_of("prices", "Basket.empty", "return not"), """
from shop.prices import Basket

def test_empty():
    basket = Basket()
    assert basket.empty
    basket.add("x")
    assert not basket.empty
"""),
    "a dunder": Good(*_of("prices", "Basket.__contains__", "return name in"), """
from shop.prices import Basket

def test_contains():
    assert "apple" in Basket().add("apple")
    assert "pear" not in Basket()
"""),
    "tmp_path": Good(*SAVE, """
import json
from shop.store import save

def test_save_makes_the_folder(tmp_path):
    path = save(tmp_path / "a" / "b.json", {"z": 1, "a": 2})
    assert path.read_text() == '{"a": 2, "z": 1}'
"""),
    "tmp_path round trip": Good(*LOAD, """
from shop.store import load, save

def test_round_trip(tmp_path):
    assert load(save(tmp_path / "x.json", [1, 2])) == [1, 2]

def test_missing_gives_the_default(tmp_path):
    assert load(tmp_path / "nothing", default=7) == 7
"""),
    "tempfile and os": Good(*SAVE, """
import os
import tempfile
from shop.store import save

def test_save_in_a_temporary_folder():
    with tempfile.TemporaryDirectory() as folder:
        path = save(os.path.join(folder, "x.json"), None)
        assert os.path.getsize(path) == 4
"""),
    "tmp_path_factory": Good(*LOAD, """
import pytest
from shop.store import load, save

@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return save(tmp_path_factory.mktemp("data") / "x.json", {"a": 1})

def test_load(stored):
    assert load(stored) == {"a": 1}
"""),
    "chdir": Good(*LOAD, """
from shop.store import load, save

def test_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("x.json", 5)
    assert load("x.json") == 5
"""),
    "a data file of the suite": Good(*TOTAL, """
from pathlib import Path
from shop.prices import total

DATA = Path(__file__).parent / "data" / "prices.txt"

def test_prices_of_the_file():
    assert total([int(word) for word in DATA.read_text().split()]) == 6.0
"""),
    "monkeypatched environment": Good(*HOME, """
from pathlib import Path
from shop.store import config_path

def test_by_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_HOME", str(tmp_path))
    assert config_path() == tmp_path / "shop.json"

def test_by_home(monkeypatch):
    monkeypatch.delenv("SHOP_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/somewhere"))
    assert config_path() == Path("/somewhere/.shop.json")
"""),
    "a monkeypatched collaborator": Good(*FETCH, """
import contextlib
import io
import urllib.request
from shop.store import fetch

def test_fetch_strips(monkeypatch):
    def fake(url, timeout):
        assert url == "http://example.com"
        return contextlib.closing(io.BytesIO(b" yes \\n"))

    monkeypatch.setattr(urllib.request, "urlopen", fake)
    assert fetch("http://example.com") == "yes"
"""),
    "mock": Good(*RETRY, """
from unittest import mock

import pytest
from shop.jobs import retry

def test_retry_until_it_works():
    function = mock.Mock(side_effect=[OSError, OSError, "done"])
    assert retry(function) == "done"
    assert function.call_count == 3

def test_retry_gives_up():
    with pytest.raises(OSError):
        retry(mock.Mock(side_effect=OSError), attempts=2)
"""),
    "a patched module": Good(*MAIN, """
from unittest.mock import patch
from shop.cli import main

@patch("shop.cli.total", return_value=12.5)
def test_main_prints_the_total(total, capsys):
    assert main(["1", "2"]) == 0
    total.assert_called_once_with([1.0, 2.0], 0.0)
    assert capsys.readouterr().out == "12.50\\n"
"""),
    "capsys": Good(*MAIN, """
from shop.cli import main

def test_a_wrong_rate_is_said(capsys):
    assert main(["1", "--rate", "2"]) == 2
    assert "share of 1" in capsys.readouterr().err
"""),
    "usage error": Good(*_of("cli", "main", "options = parser"), """
import pytest
from shop.cli import main

def test_no_prices(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage: shop" in capsys.readouterr().err
    assert main(["1"]) == 0
"""),
    "argv": Good(*MAIN, """
import sys
from shop.cli import main

def test_argv(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["shop", "2", "3"])
    assert main() == 0
    assert capsys.readouterr().out.strip() == "5.00"
"""),
    "subprocess of the project's own command": Good(*MAIN, """
import subprocess
import sys
from shop.cli import main

def test_the_command(capsys):
    done = subprocess.run(
        [sys.executable, "-m", "shop", "1", "2"], capture_output=True, text=True, check=True
    )
    assert main(["1", "2"]) == 0
    assert done.stdout == capsys.readouterr().out == "3.00\\n"
"""),
    "asyncio.run": Good(*DOUBLE, """
import asyncio

import pytest
from shop.jobs import double

def test_double():
    assert asyncio.run(double(4)) == 8

def test_nothing():
    with pytest.raises(TypeError, match="nothing to double"):
        asyncio.run(double(None))
"""),
    "an event loop of its own": Good(*_of("jobs", "gather", "return await"), """
import asyncio
from shop.jobs import gather

def test_gather():
    async def main():
        return await gather([1, 2, 3])

    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(main()) == [2, 4, 6]
    finally:
        loop.close()
"""),
    "IsolatedAsyncioTestCase": Good(*DOUBLE, """
import unittest
from shop.jobs import double

class DoubleTest(unittest.IsolatedAsyncioTestCase):
    async def test_double(self):
        self.assertEqual(await double(2), 4)
"""),
    "a generator": Good(*BATCHES, """
from shop.jobs import batches

def test_batches():
    assert list(batches("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(batches([], 2)) == []
"""),
    "a context manager and a clock": Good(*TIMED, """
import pytest
from shop.jobs import timed

def test_time_is_noted_even_after_an_error():
    times, ticks = [], iter([1.0, 3.5])
    with pytest.raises(KeyError), timed(times, clock=lambda: next(ticks)):
        raise KeyError
    assert times == [2.5]
"""),
    "multiprocessing": Good(*SQUARE, """
import multiprocessing
from shop.jobs import square

def test_in_a_pool():
    with multiprocessing.Pool(2) as pool:
        assert pool.map(square, [1, 2, 3]) == [square(1), 4, 9]
"""),
    "a process pool": Good(*SQUARE, """
from concurrent.futures import ProcessPoolExecutor
from shop.jobs import square

def test_in_processes():
    with ProcessPoolExecutor(2) as pool:
        assert list(pool.map(square, [2, -2])) == [4, None]
    assert square(-3) is None
"""),
    "threads": Good(*SQUARE, """
from concurrent.futures import ThreadPoolExecutor
from shop.jobs import square

def test_in_threads():
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(square, range(5))) == 30
"""),
    "a loopback server": Good(*FETCH, """
import http.server
import threading

import pytest
from shop.store import fetch

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\\n")

    def log_message(self, *args):
        pass

@pytest.fixture
def server():
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()

def test_fetch(server):
    assert fetch(server) == "hello"
"""),
    "sqlite in a file": Good(*COUNT, """
from shop.store import count

def test_count(tmp_path):
    path = tmp_path / "seen.db"
    assert [count(path, "a"), count(path, "a"), count(path, "b")] == [1, 2, 1]
"""),
    "sqlite in memory": Good(*COUNT, """
from shop.store import count

def test_memory_is_new_each_time():
    assert count(":memory:", "a") == 1
    assert count(":memory:", "a") == 1
"""),
    "a doctest run by hand": Good(*TOTAL, """
import doctest
import shop.prices

def test_examples():
    found = doctest.testmod(shop.prices)
    assert found.attempted == 1
    assert found.failed == 0
"""),
    "a random but seeded value": Good(*BATCHES, """
import random
from shop.jobs import batches

def test_nothing_is_lost():
    items = random.Random(3).sample(range(100), 10)
    assert [n for batch in batches(items, 3) for n in batch] == items
    assert len(list(batches(items, 3))) == 4
"""),
    "marks and a skip that does not apply": Good(*SQUARE, """
import sys

import pytest
from shop.jobs import square

pytestmark = pytest.mark.filterwarnings("error")

@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 6), reason="old")
def test_square():
    assert square(12) == 144
"""),
    "freed time": Good(*TIMED, """
import time
from shop.jobs import timed

def test_real_time(monkeypatch):
    monkeypatch.setattr(time, "perf_counter", lambda: 5.0)
    times = []
    with timed(times, time.perf_counter):
        pass
    assert times == [0.0]
"""),
    "helpers and constants": Good(*BATCHES, """
from shop.jobs import batches

LETTERS = "abcdefg"

def sizes(size):
    return [len(batch) for batch in batches(LETTERS, size)]

def test_sizes():
    assert sizes(3) == [3, 3, 1]
    assert sizes(7) == [7]
"""),
}  # fmt: skip
