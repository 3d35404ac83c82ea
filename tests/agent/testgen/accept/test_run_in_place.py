"""An accepted test is run once more in the file it goes into."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.git import repository
from copydesk.agent.records import Draft, Target
from copydesk.agent.testgen.accept.placement import place_draft
from copydesk.agent.testgen.accept.run_in_place import InPlace, run_placement

CALC = "SEEN = []\n\n\ndef add(a, b):\n    SEEN.append(a)\n    return a + b\n"
TESTS = """\
import pytest

import calc


class Hidden:
    def test_not_collected(self):
        pass


@pytest.fixture(autouse=True)
def numbers(monkeypatch):
    monkeypatch.setattr(calc, "SEEN", [1])


def test_first():
    assert calc.SEEN == [1]


@pytest.mark.skip
def test_skipped():
    pass


def test_broken():
    assert calc.add(1, 1) == 3
"""

Try = Callable[..., InPlace]


@pytest.fixture
def try_in_place(repo: Path, commit: Callable[..., str]) -> Try:
    def go(content: str, tests: str = TESTS, sandbox: str = "off") -> InPlace:
        sha = commit(repo, {"calc.py": CALC, "test_calc.py": tests})
        found = repository.find(repo)
        repository.set_config(found, "copydesk.python", sys.executable)
        repository.set_config(found, "copydesk.sandbox", sandbox)
        target = Target("calc.py", "add", (5, 6))
        draft = Draft(1, "test", "ready", sha, "t", "m", "test_calc.py", content, target)
        place = place_draft(draft, repo)
        assert place.path == "test_calc.py"
        return run_placement(found, draft, place)

    return go


def test_a_good_one_passes_beside_failing_neighbours(try_in_place: Try) -> None:
    draft = "import calc\n\n\ndef test_add():\n    assert calc.add(2, 3) == 5\n"
    assert try_in_place(draft) == InPlace("passes")


def test_one_that_meets_another_fixture_fails(try_in_place: Try) -> None:
    draft = "import calc\n\n\ndef test_seen():\n    calc.add(1, 1)\n    assert calc.SEEN == [1]\n"
    found = try_in_place(draft)
    assert found.verdict == "fails"
    assert found.why.startswith("test_seen: ")


def test_one_that_disturbs_its_neighbours_fails(try_in_place: Try) -> None:
    draft = "import calc\n\n\ndef setup_module():\n    del calc.add\n\n\ndef test_add():\n"
    draft += "    assert calc.SEEN == []\n"
    tests = "import calc\n\n\ndef test_first():\n    assert calc.add(1, 1) == 2\n"
    found = try_in_place(draft, tests)
    assert found == InPlace("fails", "test_first of that file fails beside it")


def test_tests_that_the_text_does_not_show_are_no_hindrance(try_in_place: Try) -> None:
    tests = "import calc\n\n\nif 0:\n    pass\n\n\ndef test_a():\n    pass\n\n\ndel test_a\n"
    draft = "import calc\n\n\ndef test_add():\n    assert calc.add(2, 3) == 5\n"
    assert try_in_place(draft, tests) == InPlace("passes")
    bad = draft + "\n\ndel test_add\n"
    assert try_in_place(bad, tests).verdict == "fails"


def test_without_a_way_to_run_it_nothing_is_known(
    try_in_place: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copydesk.agent.sandbox.records import Capability, Tier
    from copydesk.agent.testgen.project import workspace

    monkeypatch.setattr(workspace, "detect", lambda *a, **k: Capability(Tier.NONE, "no guard"))
    draft = "import calc\n\n\ndef test_add():\n    assert calc.add(2, 3) == 5\n"
    assert try_in_place(draft) == InPlace("not run", "no guard")
