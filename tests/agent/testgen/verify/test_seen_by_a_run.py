"""Every run of a draft sees the same, whichever version of its target it is given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.testgen.conftest import LeanSandbox

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project.tools import TOOLS
from copydesk.agent.testgen.verify.test_run import DraftUnderTest

PATH = "tests/test_copydesk_draft.py"
TARGET = "def grade(points):\n    if points >= 90:\n        return 'A'\n    return 'B'\n"
DRAFT = """\
import fcntl
import gc
import hashlib
import inspect
import json
import os
import resource
import signal
import stat
import sys
import threading
import warnings

from grades import grade


def looks(path):
    status = os.lstat(path)
    names = os.listxattr(path, follow_symlinks=False)
    kind = stat.S_ISDIR(status.st_mode)
    dates = (status.st_mtime_ns, status.st_atime_ns)
    return [path, status.st_mode, 0 if kind else status.st_size, status.st_uid, *dates, names]


def tree(top):
    yield looks(top)
    for folder, _, files in os.walk(top):
        for name in sorted(files):
            yield looks(os.path.join(folder, name))


def streams():
    for number in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            kind = stat.S_IFMT(os.fstat(number).st_mode)
        except OSError:
            continue  # the one that the list was read by
        yield number, kind, fcntl.fcntl(number, fcntl.F_GETFL), fcntl.fcntl(number, fcntl.F_GETFD)


def status():
    grow = ("Pid", "Tgid", "NSpid", "NStgid", "SigQ", "HugetlbPages")  # or are the user's in all
    for row in open("/proc/self/status").read().split("\\n"):
        name = row.partition(":")[0]
        if name not in grow and not name.startswith(("Vm", "Rss")) and "ctxt_switches" not in name:
            yield row


def facts():
    yield "environment", sorted(os.environ.items())
    yield "arguments", [sys.argv, open("/proc/self/cmdline").read(), sys.flags, sys.path]
    yield "processes", [os.getppid(), os.getsid(0), threading.active_count()]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield "children", list(children)
    yield "limits", [resource.getrlimit(n) for n in range(16)]
    yield "status", list(status())
    yield "modules", sorted(sys.modules)
    yield "streams", list(streams())
    yield "files", list(tree("."))
    # pytest itself has just written in that folder, so it has this moment's date
    yield "temporary", list(tree("/tmp"))[1:] if TEMPORARY else []
    yield "hashes", [hash("x"), hash(b"y")]
    yield "signals", [str(signal.getsignal(n)) for n in range(1, 30) if n not in (9, 19)]
    yield "collector", [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 0]
    yield "warnings", [str(entry) for entry in warnings.filters]
    yield "source", [inspect.getsource(grade), inspect.getsourcelines(grade)[1]]


def test_grade(pytestconfig):
    seen = dict(facts(), options=sorted(vars(pytestconfig.option)))
    digests = {name: hashlib.md5(repr(seen[name]).encode()).hexdigest()[:8] for name in seen}
    raise AssertionError(json.dumps(digests))
"""
VERSIONS = [
    TARGET,
    TARGET.replace(">=", "<"),
    TARGET.replace("'A'", "'another grade'"),
    TARGET.replace("    return 'B'", "    []; return 'B'  # in other words"),
    TARGET.replace("    if", "    raise BaseException\n    if", 1),
]
"""All of a kind of which the report has the words."""
ORDERS = {
    "source": TARGET,
    "silent": VERSIONS,
    "version_seconds": 60.0,
    "budget_seconds": 60.0,
}


def seen_in_runs(sandbox: SandboxRunner, tree: Path) -> list[dict[str, str]]:
    """What each run has seen, as digests by the kind of fact."""
    text = DRAFT.replace("TEMPORARY", str(sandbox.tier is Tier.FULL))
    draft = DraftUnderTest(sandbox, tree, PATH, text, "grades.py", TARGET, ("test_grade",))
    _, outcome = draft.run(ORDERS)
    records = [json.loads(line) for line in outcome.report.splitlines()]
    phases = [phase for record in records for phase in record.get("reports", ())]
    phases += [record["report"] for record in records if record["kind"] == "report"]
    return [
        json.loads(re.search(r"\{.*\}", why)[0])  # type: ignore[index]
        for _, _, outcome, why in phases
        if outcome == "failed"
    ]


@pytest.fixture(params=["full", "off"])
def any_sandbox(
    request: pytest.FixtureRequest,
    tree: Path,
    interpreter: Interpreter,
    sandbox: Callable[[], SandboxRunner],
) -> SandboxRunner:
    if request.param == "off":
        return sandbox()
    capability = detect("auto", interpreter)
    if capability.tier is not Tier.FULL:
        pytest.skip(capability.reason)
    return LeanSandbox(tree, tree, interpreter, capability, visible=Visible((".",), TOOLS))


def test_all_versions_are_tried_in_the_same_surroundings(
    any_sandbox: SandboxRunner, tree: Path, write: Callable[[dict[str, str]], None]
) -> None:
    write({"grades.py": TARGET, "tests/test_other.py": "", "data/table.txt": "1"})
    first, *others = seen_in_runs(any_sandbox, tree)
    assert len(others) == len(VERSIONS)
    assert len(first) > 12
    different = {name for seen in others for name in seen if seen[name] != first[name]}
    assert different == set()
