# ruff: noqa: E501  # drafts read better on one line
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.records import Evidence
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.sandbox.runner import SandboxRunner, Visible

Write = Callable[[dict[str, str]], None]


def fallen(evidence: Evidence) -> tuple[str, str]:
    """The rung a draft fell off, and why."""
    *before, last = evidence.rungs
    assert evidence.verdict == "failed"
    assert all(rung.passed for rung in before)
    assert not last.passed
    return last.name, last.detail


GRADES = """\
import functools


def grade(points):
    if points < 0:
        raise ValueError("points are never negative")
    if points >= 90:
        return "A"
    return "B"


def best(marks):
    found = None
    for mark in marks:
        if found is None or mark < found:
            found = mark
    return found


SEEN = []


def remember(name):
    SEEN.append(name)
    return len(SEEN)
"""


@pytest.fixture
def grades(write: Write) -> None:
    write({"grades.py": GRADES, "tests/conftest.py": FIXTURE})


FIXTURE = """\
import pytest

@pytest.fixture
def marks():
    return ["B", "A"]

@pytest.fixture
def points():
    return 90
"""


@pytest.mark.usefixtures("grades")
class TestHonestDrafts:
    def test_a_good_test_reaches_the_top(self, climb) -> None:
        evidence, kept = climb(
            "grades.py",
            "grade",
            [6, 8],
            """
            import os
            from grades import best, grade

            # the best
            def test_the_best():
                assert grade(90) == "A"
                assert grade(89) == "B"
            """,
            branches=[(5, 6), (7, 8)],
            repeats=2,
            recorded=["test_the_best", "test_gone"],
        )
        assert evidence.verdict == "verified"
        assert evidence.tier == "off"
        assert [r.name for r in evidence.rungs] == [
            "asserts",
            "passes",
            "isolated",
            "reaches",
            "depends",
            "mutants",
            "repeats",
            "elsewhere",
            "behaviour",
        ]
        assert evidence.rungs[3].detail == "1 of 2 lines and 1 of 2 branches"
        assert evidence.tests == ("test_the_best",)
        assert evidence.gained_lines == (8,)
        assert evidence.gained_branches == ((7, 8),)
        assert (evidence.mutants_killed, evidence.mutants_total) == (5, 5)
        assert evidence.survivors == ()
        assert evidence.seconds > 0
        assert kept.tests == kept.recorded == ("test_the_best",)
        assert kept.content.startswith("from grades import grade\n\n# the best\ndef test_the_best")

    def test_survivors_are_named(self, climb) -> None:
        evidence, _ = climb(
            "grades.py",
            "grade",
            [7, 8],
            """
            import grades

            def test_the_best():
                assert grades.grade(100) == "A"
            """,
        )
        assert evidence.verdict == "verified"
        assert "line 7: `>=` becomes `>`" in evidence.survivors
        assert evidence.mutants_killed < evidence.mutants_total
        said = {rung.name: rung.detail for rung in evidence.rungs}
        assert said["mutants"].startswith("notices 3 of 5")

    def test_fixtures_parameters_and_classes_work(self, climb) -> None:
        evidence, kept = climb(
            "grades.py",
            "grade",
            [6, 8, 9],
            """
            import unittest

            import pytest
            from grades import grade

            def test_fixture(points):
                assert grade(points) == "A"

            @pytest.mark.parametrize("points, expected", [(1, "B"), (2, "B")])
            def test_parameters(points, expected):
                assert grade(points) == expected

            class TestMore(unittest.TestCase):
                def setUp(self):
                    self.points = -1

                def test_negative(self):
                    with self.assertRaises(ValueError):
                        grade(self.points)
            """,
        )
        assert evidence.verdict == "verified"
        assert kept.tests == ("test_fixture", "test_parameters", "TestMore::test_negative")
        assert evidence.rungs[1].detail == "4 tests alone and together"

    def test_tests_that_fail_alone_are_dropped(self, climb) -> None:
        evidence, kept = climb(
            "grades.py",
            "grade",
            [6],
            """
            import pytest
            from grades import grade

            def test_wrong():
                assert grade(1) == "A"

            @pytest.mark.skip
            def test_skipped():
                assert grade(1) == "B"

            def test_negative():
                with pytest.raises(ValueError, match="never negative"):
                    grade(-1)
            """,
            branches=[(5, 6)],
        )
        assert evidence.verdict == "verified"
        assert kept.tests == ("test_negative",)
        assert "test_wrong" not in kept.content
        assert evidence.notes == (
            "test_wrong was dropped: AssertionError: assert 'B' == 'A'",
            "test_skipped was dropped: skipped in setup",
        )

    def test_an_earlier_test_that_two_later_ones_make_up_for_is_dropped(self, climb) -> None:
        evidence, kept = climb(
            "grades.py",
            "grade",
            [8, 9],
            """
            from grades import grade

            def test_best():
                assert grade(90) == "A"

            def test_both():
                assert [grade(90), grade(89)] == ["A", "B"]
            """,
        )
        assert kept.tests == ("test_both",)
        assert "test_best was dropped: it adds nothing to the others" in evidence.notes

    def test_tests_that_add_nothing_are_dropped(self, climb) -> None:
        evidence, kept = climb(
            "grades.py",
            "grade",
            [8],
            """
            from grades import grade

            class TestGrade:
                def test_best(self):
                    assert grade(90) == "A"

            class TestAgain:
                LIMIT = 90

                def test_best(self):
                    assert grade(self.LIMIT) == "A"

            def test_nothing():
                assert True
            """,
        )
        assert evidence.verdict == "verified"
        assert kept.tests == ("TestGrade::test_best",)
        assert "TestAgain" not in kept.content
        assert "test_nothing was dropped: it asserts nothing that could fail" in evidence.notes
        assert "TestAgain::test_best was dropped: it adds nothing to the others" in evidence.notes

    def test_a_test_that_needs_another_is_dropped(self, climb) -> None:
        evidence, kept = climb(
            "grades.py",
            "remember",
            [24, 25],
            """
            import grades

            def test_first():
                grades.SEEN.clear()
                assert grades.remember("a") == 1

            def test_second():
                assert grades.remember("b") == 2
            """,
        )
        assert evidence.verdict == "verified"
        assert kept.tests == ("test_first",)

    def test_a_test_that_spoils_another_drops_the_spoiled(self, climb) -> None:
        evidence, kept = climb(
            "grades.py",
            "remember",
            [24, 25],
            """
            import grades

            def test_one():
                assert grades.remember("a") == 1

            def test_two():
                assert grades.remember("b") == 1
            """,
        )
        assert kept.tests == ("test_one",)
        assert evidence.verdict == "verified"


BAD = {
    "it does not parse": ("asserts", "it does not parse", "def test_x(:\n"),
    "no test": ("asserts", "no test function", "from grades import grade\nassert grade(1)\n"),
    "asserts nothing": ("asserts", "asserts nothing", "def test_x():\n    grade(1)\n"),
    "asserts True": (
        "asserts",
        "asserts nothing",
        "def test_x():\n    grade(90)\n    assert True, 'fine'\n",
    ),
    "another target": (
        "asserts",
        "never names grade",
        "import json\ndef test_x():\n    assert json.dumps(1) == '1'\n",
    ),
    "fails": ("passes", "assert 'A' == 'B'", "def test_x():\n    assert grade(90) == 'B'\n"),
    "syntax pytest dislikes": ("passes", "import nowhere", "import nowhere\ndef test_x():\n    assert grade(nowhere.x)\n"),
    "skips": ("passes", "skipped", "import pytest\n@pytest.mark.skip\ndef test_x():\n    assert grade(90)\n"),
    "expects to fail": ("passes", "xfailed", "import pytest\n@pytest.mark.xfail\ndef test_x():\n    assert grade(90) == 'B'\n"),
    "no parameters": ("passes", "skipped", "import pytest\n@pytest.mark.parametrize('a', [])\ndef test_x(a):\n    assert grade(90) == a\n"),
    "hidden": ("passes", "did not collect", "def test_x():\n    assert grade(90)\ntest_x.__test__ = False\n"),
    "leaves": ("passes", "did not come to its end", "import os\ndef test_x():\n    assert grade(90)\n    os.abort()\n"),
    "leaves at import": ("passes", "", "import sys\nsys.exit(0)\ndef test_x():\n    assert grade(90)\n"),
    "another line": ("reaches", "none of the uncovered lines (8)", "def test_x():\n    assert grade(1) == 'B'\n"),
    "patches the target": ("reaches", "none", "import grades\ndef test_x(monkeypatch):\n    monkeypatch.setattr(grades, 'grade', lambda p: 'A')\n    assert grades.grade(90) == 'A'\n"),
    "swallows": ("depends", "passes though the target raises", "def test_x():\n    try:\n        seen = grade(90)\n    except BaseException:\n        seen = 'A'\n    assert seen\n"),
    "hash seed": ("repeats", "in fresh process|assert", "SEED = hash('a')\ndef test_x(pytestconfig):\n    import os\n    assert grade(90) == 'A'\n    assert os.environ['PYTHONHASHSEED'] == '0'\n"),
    "notices nothing": ("mutants", "notices 0 of", "def test_x():\n    assert isinstance(str(grade(90)), str)\n"),
    "equals everything": ("mutants", "notices 0 of", "class Any:\n    def __eq__(self, other):\n        return True\ndef test_x():\n    assert grade(90) == Any()\n"),
}  # fmt: skip


ASKING = {"syntax pytest dislikes", "leaves", "hash seed"}
"""Those that fall at once for want of a yes, and with one where they are bad."""


@pytest.mark.usefixtures("grades")
class TestDraftsThatFall:
    @pytest.mark.parametrize("name", BAD)
    def test_a_bad_draft_falls_where_it_is_bad(self, climb, name: str) -> None:
        rung, why, content = BAD[name]
        if "import grades" not in content and name not in {"another target", "it does not parse"}:
            content = "from grades import grade\n" + content
        repeats = int(rung == "repeats")
        evidence, kept = climb(
            "grades.py", "grade", [8], content, repeats=repeats, approved=name in ASKING
        )
        fell, said = fallen(evidence)
        assert fell == rung
        assert any(part in said for part in why.split("|"))
        assert kept.content == content

    def test_a_flaky_test_falls(self, climb) -> None:
        evidence, _ = climb(
            "grades.py",
            "grade",
            [8],
            """
            import random
            from grades import grade

            def test_x():
                assert grade(90) == "A"
                assert random.random() < 0.3
            """,
            repeats=6,
        )
        assert fallen(evidence)[0] in {"passes", "repeats"}

    def test_what_a_mutant_leaves_behind_is_no_fault_of_the_test(self, climb) -> None:
        evidence, _ = climb(
            "grades.py",
            "grade",
            [8],
            """
            from pathlib import Path
            from grades import grade

            def test_x():
                assert not Path("mark").exists()
                seen = grade(90)
                if seen != "A":
                    Path("mark").touch()
                assert seen == "A"
            """,
            repeats=0,
        )
        assert evidence.verdict == "verified"

    def test_a_test_that_never_ends_falls_quickly(self, climb, monkeypatch) -> None:
        monkeypatch.setattr("copydesk.agent.testgen.verify.climb.ALONE_SECONDS", 0.5)
        evidence, _ = climb(
            "grades.py",
            "grade",
            [8],
            "from grades import grade\ndef test_x():\n    while grade(90):\n        pass\n"
            "    assert grade(1)\n",
        )
        assert fallen(evidence) == ("passes", "test_x: it did not come to its end (timeout)")

    @pytest.mark.parametrize(
        ("content", "rung", "why"),
        [
            (
                "import os\nassert os.environ['PYTHONHASHSEED'] == '0'\ndef test_x():\n    assert grade(90) == 'A'\n",
                "repeats",
                "in fresh process 1: ",
            ),
            (
                "import os\ndef test_x():\n    assert grade(90) == 'A'\n    if os.environ['PYTHONHASHSEED'] != '0':\n        os._exit(0)\n",
                "repeats",
                "in fresh process 1: ",
            ),
            (
                "import os\ndef test_x():\n    try:\n        assert grade(90) == 'A'\n    except BaseException:\n        os._exit(0)\n",
                "depends",
                "it ends otherwise (lost)",
            ),
        ],
    )
    def test_what_shows_up_late_falls_late(self, climb, content: str, rung: str, why: str) -> None:
        content = "from grades import grade\n" + content
        evidence, _ = climb("grades.py", "grade", [8], content, repeats=1, origin="embedded")
        fell, said = fallen(evidence)
        assert fell == rung
        assert why in said

    def test_nothing_to_mutate_is_said(self, climb, write: Write) -> None:
        write({"quiet.py": "class C:\n    def quiet(self, a):\n        del a.b\n"})
        evidence, _ = climb(
            "quiet.py",
            "C.quiet",
            [3],
            "from quiet import C\ndef test_x():\n    c = C()\n    c.b = 1\n    c.quiet(c)\n"
            "    assert vars(c) == {}\n",
        )
        assert fallen(evidence) == ("mutants", "there is nothing to mutate in what it reaches")


FORGERIES = {
    "os._exit": "import os\ndef test_x():\n    assert grade(1) == 'A'\ndef test_y():\n    assert grade(1)\n    os._exit(0)\n",
    "sys.modules": "import sys\ndef test_x():\n    [*sys.modules.values()][0].grade = grade\n    assert grade(90) == 'A'\n",
    "gc": "import gc\ndef test_x():\n    assert gc.get_objects() and grade(90)\n",
    "from _pytest": "from _pytest.reports import TestReport\ndef test_x():\n    assert grade(90) or TestReport\n",
    "__code__": "def test_x():\n    grade.__code__ = (lambda p: 'A').__code__\n    assert grade(1) == 'A'\n",
    "getattr": "import os\ndef test_x():\n    assert grade(90)\n    getattr(os, '_exit')(0)\n",
    "from os": "from os import _exit\ndef test_x():\n    assert grade(90)\n    _exit(0)\n",
    "variable": "import os\ndef test_x():\n    assert os.environ.get('COPYDESK_REPORT_FD') or grade(1)\n",
    "import": "def test_x():\n    assert __import__('dis') and grade(90)\n",
}  # fmt: skip


GOOD_BUT_ASKS = """\
import sys
from grades import grade


def test_x():
    assert len(sys.modules) > 1 and grade(90) == "A"
"""


@pytest.mark.usefixtures("grades")
class TestForgeries:
    @pytest.mark.parametrize("name", FORGERIES)
    def test_what_reaches_in_needs_a_yes(self, climb, name: str) -> None:
        content = "from grades import grade\n" + FORGERIES[name]
        evidence, _ = climb("grades.py", "grade", [8], content)
        assert evidence.verdict == "asks"
        assert evidence.asks

    def test_a_draft_that_asks_does_not_run_before_the_yes_where_nothing_guards(
        self, climb
    ) -> None:
        evidence, _ = climb("grades.py", "grade", [8], GOOD_BUT_ASKS)
        assert (evidence.verdict, evidence.asks) == ("asks", ("touches sys.modules",))
        assert [rung.name for rung in evidence.rungs] == ["asserts", "approved"]
        assert evidence.notes == ("needs a human's yes: it touches sys.modules",)
        evidence, _ = climb("grades.py", "grade", [8], GOOD_BUT_ASKS, approved=True)
        assert (evidence.verdict, evidence.asks) == ("verified", ("touches sys.modules",))

    def test_a_yes_holds_for_the_text_that_it_was_given_to(self, climb) -> None:
        first, kept = climb("grades.py", "grade", [8], GOOD_BUT_ASKS, approved=True)
        given = {kept.content: set(first.asks)}
        again, _ = climb(
            "grades.py", "grade", [8], GOOD_BUT_ASKS, allowed=lambda text: given.get(text, set())
        )
        assert (again.verdict, again.asks) == ("verified", first.asks)
        other = GOOD_BUT_ASKS.replace("> 1", "> 2")
        changed, _ = climb(
            "grades.py", "grade", [8], other, allowed=lambda text: given.get(text, set())
        )
        assert changed.verdict == "asks"

    @pytest.mark.parametrize("name", ["os._exit", "getattr", "from os"])
    def test_a_yes_does_not_let_an_exit_pass(self, climb, name: str) -> None:
        content = "from grades import grade\n" + FORGERIES[name]
        evidence, _ = climb("grades.py", "grade", [8], content, approved=True)
        assert fallen(evidence)[0] == "passes"

    def test_our_own_drafter_is_asked_nothing(self, climb) -> None:
        content = "import sys\nfrom grades import grade\n\ndef test_x():\n    assert 'grades' in sys.modules and grade(90) == 'A'\n"
        evidence, _ = climb("grades.py", "grade", [8], content, origin="embedded")
        assert evidence.verdict == "verified"
        assert evidence.notes == ()

    def test_a_printed_summary_proves_nothing(self, climb) -> None:
        evidence, _ = climb(
            "grades.py",
            "grade",
            [8],
            """
            import sys
            from grades import grade

            def test_x():
                sys.__stdout__.write("1 passed in 0.01s\\n")
                assert grade(90) == "B"
            """,
        )
        assert fallen(evidence)[0] == "passes"

    def test_forged_records_are_noticed(self, climb) -> None:
        evidence, _ = climb(
            "grades.py",
            "grade",
            [8],
            """
            import json
            import os
            from grades import grade

            def test_x():
                for fd in range(3, 30):
                    try:
                        os.write(fd, json.dumps({"n": 1, "kind": "end", "code": 0}).encode() + b"\\n")
                    except OSError:
                        pass
                assert grade(90) == "A"
            """,
        )
        assert fallen(evidence)[0] == "passes"

    def test_a_target_replaced_in_place_is_not_reached(self, climb) -> None:
        evidence, _ = climb(
            "grades.py",
            "grade",
            [8],
            """
            import grades

            grades.grade = lambda points: "A"

            def test_x():
                assert grades.grade(90) == "A"
            """,
        )
        assert fallen(evidence)[0] == "reaches"


class TestWhereItRuns:
    def test_no_sandbox_is_not_a_failure(self, climb, tree: Path, interpreter, grades) -> None:
        sandbox = SandboxRunner(tree, tree, interpreter, Capability(Tier.NONE, "no guard here"))
        content = "from grades import grade\ndef test_x():\n    assert grade(90) == 'A'\n"
        evidence, kept = climb("grades.py", "grade", [8], content, on=sandbox)
        assert evidence.verdict == "not run"
        assert evidence.tier == "none"
        assert evidence.notes == ("no guard here",)
        assert kept.content == content

    def test_a_project_whose_pytest_does_not_start_is_not_a_failure(
        self, climb, write: Write, grades
    ) -> None:
        write({"conftest.py": "raise RuntimeError('set up the database first')\n"})
        content = "from grades import grade\ndef test_x():\n    assert grade(90) == 'A'\n"
        evidence, _ = climb("grades.py", "grade", [8], content)
        assert evidence.verdict == "not run"
        assert "pytest did not start here" in evidence.notes[0]

    @pytest.mark.parametrize("source", [None, "def grade(:\n"])
    def test_a_source_that_cannot_be_read_is_not_a_failure(
        self, climb, write: Write, source: str | None
    ) -> None:
        write({"grades.py": source} if source else {})
        content = "from grades import grade\ndef test_x():\n    assert grade(90) == 'A'\n"
        evidence, _ = climb("grades.py", "grade", [8], content, approved=True)
        assert evidence.verdict == "not run"
        assert "cannot be read as Python" in evidence.notes[0]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            (
                "pytest.ini",
                "[pytest]\naddopts = --cov=grades --strict-markers -n 4 --import-mode=importlib"
                " -p no:doctest\nfilterwarnings = error\n",
            ),
            (
                "pyproject.toml",
                "[tool.pytest.ini_options]\naddopts = ['--cov', '-x', '--import-mode', 'append']\n"
                "filterwarnings = ['error']\nxfail_strict = true\n",
            ),
            ("pytest.toml", "[pytest]\naddopts = ['--cov', '-n', '2']\nstrict = true\n"),
            ("pyproject.toml", "[tool.pytest]\naddopts = ['--import-mode=importlib', '--cov']\n"),
            ("tox.ini", "[pytest]\naddopts = --doctest-modules -k nothing\n"),
            ("setup.cfg", "[tool:pytest]\naddopts = -m 'not slow' tests --maxfail=1\n"),
        ],
    )
    def test_the_projects_options_do_no_harm(
        self, climb, write: Write, grades, name: str, text: str
    ) -> None:
        write({name: text})
        content = "from grades import grade\ndef test_x():\n    assert grade(90) == 'A'\n"
        evidence, _ = climb("grades.py", "grade", [8], content)
        assert evidence.verdict == "verified"

    def test_a_src_layout_and_nested_tests_are_found(self, climb, write: Write) -> None:
        write(
            {
                "src/school/__init__.py": "",
                "src/school/grades.py": GRADES,
                "tests/__init__.py": "",
                "tests/unit/__init__.py": "",
                "tests/unit/conftest.py": FIXTURE,
                "tests/unit/test_grades.py": "from school.grades import grade\n",
            }
        )
        content = (
            "from school.grades import best\ndef test_x(marks):\n    assert best(marks) == 'A'\n"
        )
        evidence, _ = climb("src/school/grades.py", "best", [13, 14, 15, 16, 17], content)
        assert evidence.verdict == "verified"

    def test_the_full_guard_gives_the_same_verdict(
        self, climb, tree: Path, interpreter, grades
    ) -> None:
        from copydesk.agent.sandbox.tier import detect
        from copydesk.agent.testgen.project.tools import TOOLS

        capability = detect("auto", interpreter)
        if capability.tier is not Tier.FULL:
            pytest.skip(capability.reason)
        sandbox = SandboxRunner(tree, tree, interpreter, capability, visible=Visible(tools=TOOLS))
        content = "from grades import grade\ndef test_x():\n    assert grade(90) == 'A'\n"
        evidence, _ = climb("grades.py", "grade", [8], content, on=sandbox)
        assert evidence.verdict == "verified", [r.detail for r in evidence.rungs]
        assert evidence.tier == "full"
        evidence, kept = climb("grades.py", "grade", [8], GOOD_BUT_ASKS, on=sandbox)
        assert (evidence.verdict, evidence.asks) == ("asks", ("touches sys.modules",))
        assert [rung.name for rung in evidence.rungs if not rung.passed] == ["approved"]
        assert (evidence.gained_lines, kept.tests) == ((8,), ("test_x",))

    def test_only_harmless_options_of_the_project_stay(self, write: Write, tree: Path) -> None:
        from copydesk.agent.testgen.verify.test_run import draft_path, pytest_options

        write(
            {
                "pytest.ini": "[other]\n",
                "tox.ini": "[pytest]\naddopts = --ds=site.settings -p a -pb\n",
            }
        )
        assert pytest_options(tree)[-3:] == ["--ds=site.settings", "-p", "a"]
        write(
            {"tox.ini": "no section\n", "pyproject.toml": "not toml [", "setup.cfg": "[metadata]\n"}
        )
        assert pytest_options(tree)[-1] == "addopts="
        write({"pyproject.toml": "[tool]\npytest = 3\n"})
        assert pytest_options(tree)[-1] == "addopts="
        assert draft_path(tree, "grades.py") == "tests/test_copydesk_draft.py"
        write({"test_grades.py": ""})
        assert draft_path(tree, "grades.py") == "test_copydesk_draft.py"
