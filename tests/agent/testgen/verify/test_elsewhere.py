"""What a draft takes from the place it was written in does not hold in another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.testgen.conftest import LeanSandbox

from copydesk.agent.records import Candidate, Evidence, Interpreter
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.sandboxed.copydesk_tools.elsewhere.settle import next_version
from copydesk.agent.testgen.project.tools import TOOLS
from copydesk.agent.testgen.verify.fresh_processes import FreshProcesses, Noticed
from copydesk.agent.testgen.verify.mutation_check import MutationScore
from copydesk.agent.testgen.verify.test_run import DraftUnderTest

PLACE = """\
import argparse
import datetime
import getpass
import importlib.metadata
import multiprocessing
import os
import pathlib
import platform
import resource
import socket
import stat
import sys
import tempfile
import time


def mode(folder):
    path = pathlib.Path(folder, "new.txt")
    path.write_text("")
    return stat.filemode(path.stat().st_mode)


def words(arguments=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="+")
    return parser.parse_args(arguments).words


def answers(folder):
    return {
        "user": getpass.getuser(),
        "number": os.getuid(),
        "host": socket.gethostname(),
        "home": str(pathlib.Path.home()),
        "folder": os.getcwd(),
        "temporary": tempfile.gettempdir(),
        "locale": os.environ.get("LC_ALL"),
        "zone": datetime.datetime.fromtimestamp(1_700_000_000).isoformat(),
        "mode": mode(folder),
        "limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "processors": multiprocessing.cpu_count(),
        "pytest": importlib.metadata.version("pytest"),
        "python": platform.python_version(),
        "micro": list(sys.version_info[:3]),
        "git": pathlib.Path(".git").exists(),
        "arguments": sys.argv[1:],
        "flag": os.environ.get("_".join(["shop", "flag"])),
        "year": datetime.date.today().year,
        "old": time.time() - os.path.getmtime("place.py") > 86400 * 365,
        "system": pathlib.Path("/etc/os-release").exists(),
        "width": os.environ.get("COLUMNS"),
        "color": "NO_COLOR" in os.environ,
        "seven": 7,
    }
"""

NAMES = [line.split('"')[1] for line in PLACE.splitlines() if line.startswith('        "')]

PATH = "tests/test_copydesk_draft.py"
ALONE = {"alone": True, "alone_seconds": 30.0, "source": PLACE}


@pytest.fixture
def guarded(tree: Path, interpreter: Interpreter) -> SandboxRunner:
    """The real sandbox."""
    capability = detect("auto", interpreter)
    if capability.tier is not Tier.FULL:
        pytest.skip(capability.reason)
    return LeanSandbox(tree, tree, interpreter, capability, visible=Visible((".",), TOOLS))


def test_whatever_a_draft_takes_from_the_sandbox_is_found_out_elsewhere(
    tree: Path, write: Callable[[dict[str, str]], None], guarded: SandboxRunner
) -> None:
    write({"place.py": PLACE})
    seen = _answers_of_the_sandbox(guarded, tree)
    text = f"from place import answers\n\nSEEN = {seen}\n"
    for name in NAMES:
        test = (
            f"def test_{name}(tmp_path):\n    assert answers(tmp_path)[{name!r}] == SEEN[{name!r}]"
        )
        text += f"\n\n{test}\n"
    names = tuple(f"test_{name}" for name in NAMES)
    draft = DraftUnderTest(guarded, tree, PATH, text, "place.py", PLACE, names)
    report, _ = draft.run(ALONE)
    assert {test: r.why for test, r in report.alone.items() if not r.passed} == {}

    processes = FreshProcesses(draft, report, (), 3, Noticed(MutationScore()))
    processes.quick = True  # however busy the machine is
    failure = processes.first_failure()

    assert failure is not None
    assert failure.rung == "elsewhere"
    assert set(names) - set(failure.tests) == {"test_seven"}
    assert failure.tests["test_year"] == "it hangs on where it runs: it fails on another day"


def _answers_of_the_sandbox(sandbox: SandboxRunner, tree: Path) -> str:
    """What the module answers at the usual place, as Python writes it."""
    text = """
import pytest
from place import answers


def test_all(tmp_path):
    pytest.fail(repr(answers(tmp_path)))
"""
    draft = DraftUnderTest(sandbox, tree, PATH, text, "place.py", PLACE, ("test_all",))
    report, _ = draft.run(ALONE)
    (result,) = report.alone.values()
    return next(line[line.index("{") :] for line in result.why.splitlines() if "{'user'" in line)


def test_a_test_that_holds_what_it_reads_is_verified(
    write: Callable[[dict[str, str]], None], climb: Callable[..., tuple[Evidence, Candidate]]
) -> None:
    write({"place.py": PLACE})
    evidence, kept = climb(
        "place.py",
        "words",
        [26, 27, 28],
        """
        import pytest

        from place import words


        def test_words_of_the_command_line(monkeypatch):
            monkeypatch.setattr("sys.argv", ["place", "a", "b"])
            assert words() == ["a", "b"]


        def test_no_words():
            with pytest.raises(SystemExit):
                words()
        """,
        repeats=3,
    )
    assert evidence.verdict == "verified", evidence
    assert kept.tests == ("test_words_of_the_command_line",)


@pytest.mark.parametrize(
    ("version", "following"),
    [("1.2.3", "1.2.4"), ("2.0.0rc1", "2.0.0rc2"), ("1.0.dev9+g1a", "1.0.dev9+g2a"), ("x", "x")],
)
def test_the_next_version_differs_in_its_last_number(version: str, following: str) -> None:
    assert next_version(version) == following
