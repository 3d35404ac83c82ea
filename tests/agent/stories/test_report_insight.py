"""What a model says needs attention: only what holds is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.coverage.report.flaky_tests import FlakyTest
from copydesk.agent.coverage.report.report_data import Report, gather_report
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, find, resolve, set_config
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.records import Fact
from copydesk.agent.stories.report_insight import attention, insight

SHOP = "def price(amount):\n    if amount < 0:\n        return 0\n    return amount * 2\n"
TEST = "from shop import price\n\n\ndef test_price():\n    assert price(3) == 6\n"


class Said:
    def __init__(self, text: str) -> None:
        self.text, self.model = text, "small:1b"


class Scripted:
    def __init__(self, *answers: Any) -> None:
        self.answers, self.purposes = list(answers), list[str]()

    def ask(self, prompt: str, *, purpose: str, **_: Any) -> Said:
        self.purposes.append(purpose)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        pairs = [{"text": text, "facts": ids.split()} for text, ids in answer]
        return Said(json.dumps({"sentences": pairs}))


@pytest.fixture
def known(repo: Path, commit: Callable[..., str]) -> Iterator[tuple[Repository, Database, Report]]:
    found = find(repo)
    set_config(found, "copydesk.python", sys.executable)
    commit(repo, {"shop.py": SHOP, "test_shop.py": TEST}, "Sell things")
    with open_desk(found.desk) as db:
        sha = resolve(found, "HEAD")
        measure(db, Commit(found, sha))
        yield found, db, gather_report(found, db, sha)


def gap_of(repo: Repository, db: Database, report: Report) -> Fact:
    from copydesk.agent.stories.gather_facts import gather_facts

    facts = attention(report, gather_facts(db, [Commit(repo, report.commit.sha)]))
    return next(f for f in facts if f.kind == "open gap")


def test_only_sentences_that_hold_are_shown(
    known: tuple[Repository, Database, Report],
) -> None:
    repo, db, report = known
    assert [(g.function, g.lines) for g in report.gaps] == [("price", (3,))]
    at = gap_of(repo, db, report).id
    where = f"{{{at}.lines}} line of {{{at}.function}} in {{{at}.path}}"
    good = (f"{where} is not reached by any test: {{{at}.reasons}}.", at)
    false = ("7 lines of `price` are not reached by any test.", at)
    invented = (f"{{{at}.function}} is slow because of the database.", at)
    model = Scripted([good, false, invented], [false, invented])
    said = insight(repo, db, report, model, lambda _: None)
    assert said is not None
    assert said.sentences == (
        "1 line of `price` in `shop.py` is not reached by any test: “no test reaches 1 line of it;"
        " the commit added or rewrote 4 lines of it”.",
    )
    assert (said.model, said.dropped) == ("small:1b", 2)
    assert model.purposes == ["insight", "insight-repair"]


def test_a_model_that_says_nothing_true_or_nothing_at_all_is_left_out(
    known: tuple[Repository, Database, Report],
) -> None:
    repo, db, report = known
    at = gap_of(repo, db, report).id
    false = ("`cost` has 9 open lines.", at)
    assert insight(repo, db, report, Scripted([false], [false]), lambda _: None) is None
    told: list[ModelFault | ModelUnavailable] = []
    trouble = ModelFault("stalled")
    assert insight(repo, db, report, Scripted(trouble), told.append) is None
    assert told == [trouble]


def test_unsteady_tests_are_facts_too(
    known: tuple[Repository, Database, Report],
) -> None:
    from dataclasses import replace

    report = replace(known[2], flaky=(FlakyTest("test_shop.py::test_price", 5, 1),))
    [fact] = [f for f in attention(report, ()) if f.kind == "unsteady test"]
    assert fact.text == (
        "`test_shop.py::test_price` changed its outcome 1 time in 5 runs while all that it depends"
        " on stayed the same."
    )
