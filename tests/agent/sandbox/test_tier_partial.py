"""The partial tier: Landlock and a stricter filter, as an ordinary user, since root has none."""
# ruff: noqa: E501  # the programs read better on one line

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.sandbox.conftest import MakeSandbox
from tests.agent.sandbox.test_benign import interpreter
from tests.agent.sandbox.test_seccomp import ALLOW, ERROR, verdict_of

from copydesk.agent import records
from copydesk.agent.sandbox import landlock_launcher, seccomp, tier, tier_partial
from copydesk.agent.sandbox.records import Capability, Tier

DRIVER = """
import json, os, pathlib, socket, subprocess, sys, time
from pathlib import Path
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox import tier_partial, tier
from copydesk.agent.sandbox.runner import SandboxRunner, Limits
python = Interpreter(Path(sys.executable), sys.version_info[:3], Path(sys.prefix), Path(sys.base_prefix), "")
if why := tier_partial.missing():
    print(json.dumps({"missing": why})); raise SystemExit
work = Path(sys.argv[1])
found = tier.detect("auto", python, search=["/nowhere"])
limits = Limits(memory=200 << 20, processes=40, tree_size=8 << 20, file_size=4 << 20, wall_seconds=20)
sandbox = SandboxRunner(work / "tree", work / "top", python, found, limits=limits)
bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"S": "secret"})
HARM = '''
import ctypes, os, pathlib, socket, sys, time
work, bystander, port = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
def tried(name, action):
    try: action(); print("did", name)
    except Exception as error: print(type(error).__name__, name)
tried("read", lambda: (work / "secret").read_text())
tried("list", lambda: os.listdir(work))
tried("write", lambda: (work / "mark").write_text("x"))
tried("write the tree", lambda: (work / "tree" / "x").write_text("x"))
tried("remove", lambda: (work / "secret").unlink())
tried("chmod", lambda: os.chmod(work / "secret", 0o777))
tried("utime", lambda: os.utime(work / "secret", (1, 1)))
tried("truncate", lambda: os.truncate(work / "secret", 0))
tried("link", lambda: os.link(work / "secret", "hard"))
os.symlink(work / "secret", "soft")
tried("follow", lambda: open("soft").read())
tried("tcp", lambda: socket.create_connection(("127.0.0.1", port), timeout=2))
tried("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)))
tried("unix", lambda: socket.socket(socket.AF_UNIX).connect(str(work / "sock")))
tried("signal", lambda: os.kill(bystander, 15))
tried("environ", lambda: open(f"/proc/{bystander}/environ", "rb").read())
tried("prlimit", lambda: __import__("resource").prlimit(bystander, 7, (9, 9)))
tried("tmp", lambda: open("/tmp/copydesk-partial-mark", "w"))
tried("shm", lambda: open("/dev/shm/copydesk-partial-mark", "w"))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv("/bin/sleep", ["sleep", "7654.5"])
    os._exit(0)
time.sleep(0.3)
'''
GOOD = '''
import asyncio, os, pathlib, sqlite3, subprocess, sys, tempfile, threading
pathlib.Path("out.txt").write_text(open("x").read())
with tempfile.NamedTemporaryFile() as file: file.write(b"x")
assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout == "1\\\\n"
threading.Thread(target=print, args=("thread",)).start()
sqlite3.connect(os.path.join(tempfile.mkdtemp(), "db")).execute("create table t(x)")
(pathlib.Path.home() / "mine").write_text("x")
asyncio.run(asyncio.sleep(0))
os.write(int(os.environ["COPYDESK_REPORT_FD"]), b"reported")
raise SystemExit(3)
'''
EATS = "x = []\\nwhile True: x.append(bytearray(b'x' * 999999))"
FILLS = "n = 0\\nwhile True:\\n    n += 1; open(str(n), 'wb').write(bytes(1 << 20)); __import__('time').sleep(0.001)"
FORKS = "import os, time\\nfor _ in range(300):\\n    if not os.fork(): time.sleep(60); os._exit(0)\\ntime.sleep(60)"
with socket.create_server(("127.0.0.1", 0)) as server:
    words = [str(work), str(bystander.pid), str(server.getsockname()[1])]
    harm = sandbox.run(["python", "evil.py", *words], files={"evil.py": HARM})
good = sandbox.run(["python", "good.py"], files={"good.py": GOOD, "x": "laid over"})
ends = [sandbox.run(["python", "-c", code]).ended for code in (EATS, FILLS, FORKS)]
sleeping = subprocess.run(["pgrep", "-fc", "^sleep 7654.5"], capture_output=True, text=True).stdout
alive = bystander.poll() is None
bystander.communicate(b"\\n")
print(json.dumps({
    "tier": [found.tier, found.reason], "harm": harm.output.splitlines(), "alive": alive,
    "good": [good.ended, good.returncode, good.output, good.report.decode(), good.tier],
    "ends": ends, "sleeping": sleeping.strip(), "secret": (work / "secret").read_text(),
    "tree": sorted(os.listdir(work / "tree")),
}))
"""


@pytest.fixture
def work(ordinary_user: int | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="copydesk-test-", dir="/var/tmp"))
    for name in ("top", "tree"):
        (folder / name).mkdir()
    (folder / "secret").write_text("very-secret")
    (folder / "tree" / "x").write_text("committed")
    for path in (folder, *folder.rglob("*")):
        if ordinary_user is not None:
            os.chown(path, ordinary_user, ordinary_user)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def said(work: Path, ordinary_user: int | None) -> dict[str, Any]:
    program = Path("/usr/bin/python3" if ordinary_user is not None else sys.executable)
    if not program.exists() or interpreter(program).version < (3, 11):
        pytest.skip("no interpreter that an ordinary user can reach")
    done = subprocess.run(
        [program, "-c", DRIVER, work],
        env={
            "PYTHONPATH": str(Path(records.__file__).parents[2]),
            "HOME": str(work),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": "/usr/bin:/bin",
        },
        user=ordinary_user,
        group=ordinary_user,
        extra_groups=None if ordinary_user is None else [],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'copydesk'" in done.stderr:
        pytest.skip("the sources lie where an ordinary user cannot read them")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    if "missing" in answer:
        pytest.skip(answer["missing"])
    return answer


def test_an_ordinary_user_without_bubblewrap_is_guarded_by_landlock(said: dict[str, Any]) -> None:
    assert said["tier"] == [
        "partial",
        "bubblewrap is not installed; Landlock confines them instead",
    ]
    assert len(said["harm"]) == 18
    assert [line for line in said["harm"] if line.startswith("did")] == []
    assert said["alive"]
    assert said["secret"] == "very-secret"
    assert said["tree"] == ["x"]
    assert said["sleeping"] == "0"
    assert said["good"] == ["exit", 3, "thread\n", "reported", "partial"]
    assert said["ends"][0] in ("memory", "exit")
    assert said["ends"][1] == "output"
    assert said["ends"][2] in ("memory", "exit")  # the kernel counts all of the user's


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_stricter_filter_refuses_what_landlock_leaves_open(machine: str) -> None:
    def ask(name: str, *arguments: int) -> int:
        table = seccomp._MACHINES[machine][1] | seccomp._CONFINED[machine]
        program = seccomp.program(machine, confined=True)
        assert program is not None
        return verdict_of(program, machine, table[name], *arguments)

    for family in (1, 2, 10, 16):
        assert ask("socket", family) & 0xFFFF0000 == ERROR
    assert ask("fchmodat") & 0xFFFF0000 == ERROR
    assert ask("prlimit64", 0) == ALLOW
    assert ask("prlimit64", 77) & 0xFFFF0000 == ERROR
    assert ask("clone", 0) == ALLOW


@pytest.mark.parametrize(
    ("system", "user", "version", "machine", "why"),
    [
        ("win32", 1000, 7, "x86_64", "neither Landlock nor sandbox-exec"),
        ("darwin", 1000, 0, "arm64", "sandbox-exec is missing"),
        ("linux", 0, 7, "x86_64", "Landlock cannot confine root"),
        ("linux", 1000, 7, "riscv64", "no system-call filter for riscv64"),
        ("linux", 1000, 5, "x86_64", "Landlock of version 5, and 6 is needed (Linux 6.12)"),
        ("linux", 1000, 6, "aarch64", ""),
    ],
)
def test_where_there_is_none_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, system: str, user: int, version: int, machine: str, why: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(tier_partial.platform, "machine", lambda: machine)
    monkeypatch.setattr(landlock_launcher, "abi", lambda: version)
    assert tier_partial.missing() == why
    if why:
        found = tier._partial(tier._own_interpreter())
        assert (found.tier, found.reason) == (Tier.NONE, f"no partial tier either: {why}")


@pytest.mark.parametrize(
    ("system", "wrong", "expected"),
    [
        ("linux", "", (Tier.PARTIAL, "Landlock confines them instead")),
        ("darwin", "", (Tier.PARTIAL, "sandbox-exec confines them instead")),
        ("linux", "it leaks", (Tier.NONE, "Landlock does not hold: it leaks")),
    ],
)
def test_a_probe_vouches_for_it(
    monkeypatch: pytest.MonkeyPatch, system: str, wrong: str, expected: tuple[Tier, str]
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(tier_partial, "missing", lambda: "")
    monkeypatch.setattr(tier, "run_probe", lambda *_: wrong)
    found = tier._partial(tier._own_interpreter())
    assert (found.tier, found.reason) == expected


def test_what_a_macs_profile_allows_is_quoted() -> None:
    text = tier_partial.profile([Path('/a "b"')], Path("/private/tmp/x"))
    assert '(subpath "/a \\"b\\"")' in text
    assert "(deny network*)" in text
    assert text.count("(subpath") > 5
    assert '(allow file-write* (subpath "/private/tmp/x") (subpath "/dev/null"))' in text


def test_on_a_mac_sandbox_exec_is_put_before_the_command(
    make: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for the program: nothing here has run on a Mac."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as stand_in:
        stand_in.write('#!/bin/sh\n[ "$1" = -p ] && shift 2 && exec "$@"\n')
        stand_in.flush()
        copy = Path(stand_in.name + ".run")
        shutil.copy(stand_in.name, copy)
        copy.chmod(0o755)
        try:
            monkeypatch.setattr(tier_partial, "_SANDBOX_EXEC", str(copy))
            monkeypatch.setattr(sys, "platform", "darwin")
            assert tier_partial.missing() == ""
            sandbox = make("partial")
            outcome = sandbox.run(["python", "-c", "print(open('data.txt').read())"])
        finally:
            copy.unlink()
    assert (outcome.ended, outcome.output) == ("exit", "as committed\n\n")
    assert sandbox.tier is Tier.PARTIAL


def test_a_rule_that_the_kernel_refuses_starts_nothing(
    make: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tier_partial, "_rules", lambda *_: {"read": [], "write": [], "filter": ""})
    outcome = make("partial").run(["true"])
    assert outcome.ended == "not run"
    assert "the program cannot be confined" in outcome.reason
    assert Capability(Tier.PARTIAL, "").tier == outcome.tier
