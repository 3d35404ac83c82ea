"""The hook and `copydesk gate`, held against each other on generated changes."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage.exceptions import CoverageException
from coverage.parser import PythonParser

from copydesk.agent import config
from copydesk.agent.cli.gate import gate_request
from copydesk.agent.coverage.gate import MeasuredGate, Verdict, floors_for, staged_change
from copydesk.agent.coverage.measure import measure
from copydesk.agent.coverage.store import describe_missing
from copydesk.agent.coverage.store.numbits import nums_to_numbits
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.traces import Counted, TotalKey
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, find, read_blob, resolve, set_config
from copydesk.agent.source_text import decode_source
from copydesk.hooks import gate

SHOP = '''\
"""Prices of a shop."""

import functools

RATES = {
    "de": 19,
    "fr": 20,  # since 2014
}


def traced(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)

    return call


def gross(net, country):
    """A price with tax."""
    if country not in RATES:
        raise KeyError(
            "no such country: "
            + country
        )
    return net * (
        100 + RATES[country]
    ) / 100


@traced
def label(
    name,
    price,
):
    if price == 0:
        return "free"
    text = """
    # no comment
    {}: {}
    """.format(name, price)
    return text


def refund(order):
    """Nothing calls it."""
    lines = [
        line
        for line in order
        # only what was paid
        if line
    ]
    for line in lines:
        line = dict(
            line,
            paid=False,
        )
    return None


class Basket:
    limit = 10

    def add(self, item):
        self.items = [*getattr(self, "items", []), item]
        return None

    def clear(self):
        self.items = []
        return None
'''
TEST = """\
import shop


def test_gross():
    assert shop.gross(100, "de") == 119


def test_label():
    assert "x: 1" in shop.label("x", 1)


def test_basket():
    shop.Basket().add(1)
"""
NEW_LINES = (
    "", "# a comment", "    # a comment", "    return None", "    x = 1", '    """Text."""',
    "        y = (1,", "    )", "else:", "    else:", "\f", "X = 1", "    raise KeyError(",
    "        line", "    return text", "z = 'a\\\n", "    text = '''", "    '''", "    pass",
)  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository of two commits with a package beside the shop, both measured."""
    with pytest.MonkeyPatch.context() as patched:
        top = tmp_path_factory.mktemp("one-verdict")
        patched.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patched.setenv("GIT_CONFIG_GLOBAL", str(top / "config"))
        (top / "config").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        )
        folder = top / "shop"
        (folder / "old").mkdir(parents=True)
        (folder / "scripts").mkdir()
        files = {"shop.py": SHOP, "old/shop.py": SHOP, "test_shop.py": TEST, "unused.py": SHOP}
        files |= {"scripts/tool.py": SHOP, "old.py": "print 'one'\n\n" + SHOP}  # passed over
        run = ["git", "-C", str(folder)]
        subprocess.run([*run, "init", "-q"], check=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        for message, change in (("one", ("return 0", "")), ("two", ("limit = 10", "limit = 11"))):
            (folder / "shop.py").write_text(SHOP.replace(*change))
            subprocess.run([*run, "add", "-A"], check=True)
            subprocess.run([*run, "commit", "-q", "-m", message], check=True)
            repo = find(folder)
            set_config(repo, "copydesk.python", sys.executable)
            with open_desk(repo.desk) as db:
                measure(db, Commit(repo, resolve(repo, "HEAD")))
        yield folder


def functions(text: str) -> list[str]:
    """A module in pieces that can be moved: what stands between two blank lines."""
    return text.split("\n\n\n")


def edited(text: str, rng: random.Random) -> str:
    """A text after some edits of the kinds that people make."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rows = text.split("\n")
        at = rng.randrange(len(rows))
        kind = rng.randrange(10)
        if kind == 0:
            rows.insert(at, rng.choice(NEW_LINES))
        elif kind == 1:
            del rows[at : at + rng.randint(1, 3)]
        elif kind == 2:
            rows[at] += rng.choice(("  # why", " ", "  # pragma: no cover", "\r", "\rx = 1"))
        elif kind == 3:
            rows[at] = rng.choice(NEW_LINES)
        elif kind == 4:
            rows[at] = rows[at].replace(", ", ",").replace("=", " = ")
        elif kind == 5:
            pieces = functions(text)
            rng.shuffle(pieces)
            rows = "\n\n\n".join(pieces).split("\n")
        elif kind == 6:
            rows = [f"    {row}" if row else "" for row in rows]
            rows.insert(0, "if True:")
        elif kind == 7:
            number = rng.randrange(100)
            rows += ["", "", f"def new_{number}():", f"    return {number}", ""]
        elif kind == 8:
            pieces = functions(text)
            rows = "\n\n\n".join([*pieces, rng.choice(pieces)]).split("\n")
        else:
            rows[at] = rows[at].replace("price", "cost").replace("None", "line")
        text = "\n".join(rows)
    return text


def change(folder: Path, rng: random.Random) -> None:
    """Stage a change."""
    names = rng.sample(("shop.py", "old/shop.py", "unused.py"), rng.choice((1, 1, 2)))
    if rng.randrange(6) == 0:
        names.append(rng.choice(("scripts/tool.py", "old.py")))
    for name in names:
        (folder / name).write_text(edited((folder / name).read_text(), rng), newline="")
    kind = rng.randrange(12)
    if kind == 0:
        (folder / "new.py").write_text(edited(SHOP, rng), newline="")
    elif kind == 1:
        shutil.copyfile(folder / "shop.py", folder / "copy.py")
    elif kind == 2:
        (folder / "shop.py").rename(folder / "store.py")
    elif kind == 3:
        (folder / "link.py").symlink_to("shop.py")
    elif kind == 4:
        (folder / "test_shop.py").write_text(edited(TEST, rng), newline="")
    elif kind == 5:
        (folder / ".gitattributes").write_text(rng.choice(("*.py binary\n", "*.py -diff\n")))


def measure_staged(db: Database, repo: Repository, rng: random.Random) -> None:
    """Put on the desk what some tests would execute of what is staged: any of its statements."""
    environment = db.execute("SELECT environment FROM totals LIMIT 1").fetchone()[0]
    for path, (blob, _) in staged_change(repo).files.items():
        parser = PythonParser(text=decode_source(read_blob(repo, blob)), exclude="pragma: no cover")
        try:
            parser.parse_source()
        except CoverageException:
            continue
        for _ in range(rng.choice((0, 1, 1, 2))):
            share = rng.choice((1.0, 1.0, 0.9, 0.5))
            executed = {line for line in parser.statements if rng.random() < share}
            missing = json.dumps(sorted(parser.statements - executed))
            key = TotalKey(path, blob, environment, nums_to_numbits(executed), b"")
            statements = nums_to_numbits(parser.statements)
            db.totals.add(key, Counted(statements, b"", missing, "[]", 0))
    describe_missing(db, repo)


def verdict_of_gate(db: Database, repo: Repository) -> Verdict:
    """What `copydesk gate` says."""
    request = gate_request(repo, None, "HEAD")
    floors = floors_for(request, *config.load_project(repo))
    return MeasuredGate(repo, db).judge(request, floors)


def held_against_each_other(
    folder: Path, count: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> Counter[str]:
    """Generate changes and let both judge them; how many passed, failed, and were handed over.

    The hook hands a change to the gate, whose verdict is its own then, or lets it pass.
    """
    asked: list[list[str]] = []
    monkeypatch.setattr(gate, "run_gate_command", lambda words: asked.append(words) or 0)
    monkeypatch.setenv("CI", "1")
    monkeypatch.chdir(folder)
    repo = find(folder)
    outcomes: Counter[str] = Counter()

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)

    with open_desk(repo.desk) as db:
        (last,) = db.execute("SELECT max(id) FROM totals").fetchone()
        for number in range(seed, seed + count):
            rng = random.Random(number)
            change(folder, rng)
            git("add", "-A")
            measure_staged(db, repo, rng)
            asked.clear()
            code = gate.main()
            verdict = verdict_of_gate(db, repo)
            assert asked or (code, verdict.verdict == "fail") == (0, False), (number, verdict)
            outcomes[verdict.verdict] += 1
            outcomes["handed over"] += bool(asked)
            outcomes["handed over in vain"] += bool(asked) and verdict.verdict != "fail"
            db.execute("DELETE FROM totals WHERE id > ?", (last,))
            git("reset", "-q", "--hard")
            git("clean", "-q", "-f", "-d")
    return outcomes


def test_the_hook_passes_no_change_that_the_gate_stops(
    measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = held_against_each_other(measured, 40, 0, monkeypatch)
    assert min(outcomes["fail"], outcomes["pass"] + outcomes["unknown"]) > 5, outcomes
    assert outcomes["handed over"] < 40, outcomes


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 6000, 200))
def test_the_hook_passes_none_of_five_thousand_changes_that_the_gate_stops(
    measured: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    outcomes = held_against_each_other(measured, 200, seed, monkeypatch)
    print(seed, dict(outcomes))
    assert outcomes["fail"] > 20, outcomes
