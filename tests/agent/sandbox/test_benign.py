"""Things that honest tests do, in a real sandbox, with pytest and the suite's own interpreter."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.sandbox.conftest import MakeSandbox

from copydesk.agent import records
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.runner import Capability, Limits, SandboxRunner
from copydesk.agent.sandbox.tier import Tier, detect

BENIGN = """
import asyncio, concurrent.futures, getpass, http.server, importlib.metadata, locale
import multiprocessing, os, pathlib, socket, sqlite3, ssl, subprocess, sys, tempfile, threading
import time, urllib.request, zoneinfo
from multiprocessing import shared_memory
import calc

def square(x): return x * x
def test_tmp_path(tmp_path): (tmp_path / "a").write_text("x"); assert (tmp_path / "a").exists()
def test_tempfile():
    with tempfile.NamedTemporaryFile() as file: file.write(b"x")
def test_pool():
    with multiprocessing.Pool(2) as pool: assert pool.map(square, [1, 2]) == [1, 4]
def test_process_pool():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(square, [3])) == [9]
def test_threads():
    threads = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(20)]
    [t.start() for t in threads]; [t.join() for t in threads]
def test_subprocess_sees_the_sources_from_anywhere():
    code = "import calc; print(calc.add(1, 1))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert said.stdout == "2\\n", said
def test_shell(): assert os.system("echo hi | grep -q hi && date >/dev/stdout") == 0
def test_metadata(): assert importlib.metadata.version("pytest")
def test_paths():
    assert calc.__file__ == os.path.join(os.getcwd(), "src", "calc", "__init__.py")
def test_loopback_server():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.handle_request); thread.start()
    url = "http://localhost:%d/data.txt" % server.server_port
    assert urllib.request.urlopen(url, timeout=5).read() == b"as committed\\n"
    thread.join(); server.server_close()
def test_asyncio():
    async def main():
        server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close(); server.close()
    asyncio.run(main())
def test_unix_socket(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s")); server.listen(); client.connect(str(tmp_path / "s"))
def test_sqlite(tmp_path):
    db = sqlite3.connect(tmp_path / "db")
    assert db.execute("pragma journal_mode=wal").fetchone() == ("wal",)
    db.execute("create table t(x)"); db.close()
def test_user(): assert getpass.getuser() == "sandbox"
def test_home(): pathlib.Path("~/x").expanduser().write_text("y")
def test_time_zone(): assert zoneinfo.ZoneInfo("Europe/Paris") and time.tzname[0] == "UTC"
def test_ssl(): ssl.create_default_context()
def test_writing_beside_the_sources(): pathlib.Path("out.txt").write_text("x")
def test_shared_memory():
    block = shared_memory.SharedMemory(create=True, size=1000); block.close(); block.unlink()
def test_half_a_gigabyte(): assert len(bytearray(1 << 29)) == 1 << 29
def test_locale(): locale.setlocale(locale.LC_ALL, "C.UTF-8")
def test_no_terminal(): assert not sys.stdin.isatty() and not os.path.exists("/dev/tty0")
def test_null_and_random():
    open("/dev/null", "w").write("x"); assert open("/dev/urandom", "rb").read(4)
def test_standard_streams_can_be_opened(): open("/dev/stdout", "w").close()
"""


def test_what_honest_tests_do_works(make: MakeSandbox) -> None:
    sandbox = make("full", limits=Limits())
    words = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_benign.py"]
    outcome = sandbox.run(words, files={"test_benign.py": BENIGN})
    assert outcome.returncode == 0, outcome.output
    assert "24 passed" in outcome.output


ASK = """
import importlib.metadata, json, sys, inner
print(json.dumps([sys.prefix, sys.base_prefix, inner.x, importlib.metadata.version("inner")]))
"""


def interpreter(path: Path) -> Interpreter:
    code = (
        "import json, sys; print(json.dumps([sys.version_info[:3], sys.prefix, sys.base_prefix]))"
    )
    said = subprocess.run([path, "-c", code], capture_output=True, text=True, check=True).stdout
    version, prefix, base = json.loads(said)
    return Interpreter(path, tuple(version), Path(prefix), Path(base), "made here")


def environment(where: Path, base: Path) -> Interpreter:
    """A virtual environment with a package "inner" in it."""
    subprocess.run([base, "-m", "venv", "--without-pip", "--symlinks", where], check=True)
    found = interpreter(where / "bin" / "python")
    packages = next(where.glob("lib/python*/site-packages"))
    (packages / "inner.py").write_text("x = 'inner'\n")
    (packages / "inner-1.5.dist-info").mkdir()
    (packages / "inner-1.5.dist-info" / "METADATA").write_text("Name: inner\nVersion: 1.5\n")
    return found


BASES = {
    "our own": Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}"),
    "the system's": Path("/usr/bin/python3"),
}


@pytest.mark.parametrize("inside", [True, False], ids=["in the repository", "elsewhere"])
@pytest.mark.parametrize("base", [pytest.param(p, id=name) for name, p in BASES.items()])
def test_a_virtual_environment_works(
    make: MakeSandbox, top: Path, tree: Path, tmp_path: Path, base: Path, inside: bool
) -> None:
    capability = make("full").tier and detect()
    if not base.exists():
        pytest.skip(f"no {base}")
    where = (top if inside else tmp_path) / ".venv"
    python = environment(where, base)
    sandbox = SandboxRunner(tree, top, python, capability)
    outcome = sandbox.run(["python", "-c", ASK])
    assert outcome.returncode == 0, outcome
    assert json.loads(outcome.output) == [str(where), str(python.base_prefix), "inner", "1.5"]
    assert "Read-only" in sandbox.run(["touch", str(where / "x")]).output
    assert sandbox.run([str(where / "bin" / "python"), "-c", ""]).returncode == 0


def test_an_environment_reached_over_links_works(
    make: MakeSandbox, top: Path, tree: Path, tmp_path: Path
) -> None:
    """As uv does: the environment points to an alias of the version's own folder."""
    make("full")
    versions = tmp_path / "share" / "uv"
    versions.mkdir(parents=True)
    (versions / "cpython-3").symlink_to(sys.base_prefix)
    alias = versions / "cpython-3" / "bin" / Path(BASES["our own"]).name
    where = tmp_path / "envs" / "a"
    python = environment(where, alias)
    (tmp_path / "current").symlink_to("envs/a")
    python = dataclasses.replace(
        python, path=tmp_path / "current" / "bin" / "python", prefix=tmp_path / "current"
    )
    outcome = SandboxRunner(tree, top, python, detect()).run(["python", "-c", ASK])
    assert outcome.returncode == 0, outcome
    assert json.loads(outcome.output)[2:] == ["inner", "1.5"]


def test_a_committed_environment_is_the_copys(make: MakeSandbox, top: Path, tree: Path) -> None:
    make("full")
    python = environment(top / "env", BASES["our own"])
    shutil.copytree(top / "env", tree / "env", symlinks=True)
    outcome = SandboxRunner(tree, top, python, detect()).run(["python", "-c", ASK])
    assert outcome.returncode == 0, outcome


ORDINARY = """
import json, os, sys
from pathlib import Path
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.runner import SandboxRunner, Limits
from copydesk.agent.sandbox.tier import detect
prefixes = (Path(sys.prefix), Path(sys.base_prefix))
python = Interpreter(Path(sys.executable), sys.version_info[:3], *prefixes, "")
found = detect("auto", python)
top, tree = Path(sys.argv[1], "top"), Path(sys.argv[1], "tree")
limits = Limits(processes=40, memory=256 << 20)
said = [os.getuid(), found.tier, found.reason]
HELD = "x = []\\nwhile True: x.append(bytearray(b'x' * 999999))"
FORKS = '''
import os, time
made = 0
try:
    while made < 200:
        if not os.fork(): time.sleep(30); os._exit(0)
        made += 1
except OSError: pass
print(made)
'''
for tier in ("auto", "off"):
    sandbox = SandboxRunner(tree, top, python, detect(tier, python), limits=limits)
    code = "print(open('x').read())"
    said.append(sandbox.run(["python", "-c", code], files={"x": "laid over"}).output)
    said.append(sandbox.run(["python", "-c", HELD]).ended)
    said.append(sandbox.run(["python", "-c", FORKS]).output)
print(json.dumps(said))
"""


@pytest.fixture
def ordinary_user() -> int | None:
    """One whose processes are this test's alone: the kernel counts all that a user has."""
    return 65533 if os.geteuid() == 0 else None


@pytest.fixture
def workplace(ordinary_user: int | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="copydesk-test-"))
    for name in ("top", "tree"):
        (folder / name).mkdir()
    (folder / "tree" / "x").write_text("committed")
    for path in (folder, *folder.rglob("*")):
        if ordinary_user is not None:
            os.chown(path, ordinary_user, ordinary_user)
    yield folder
    shutil.rmtree(folder)


def test_an_ordinary_user_is_guarded_as_well(
    full: SandboxRunner, workplace: Path, ordinary_user: int | None
) -> None:
    program = Path("/usr/bin/python3" if ordinary_user is not None else sys.executable)
    if not program.exists() or interpreter(program).version < (3, 11):
        pytest.skip("no interpreter that an ordinary user can reach")
    sources = Path(records.__file__).parents[2]
    done = subprocess.run(
        [program, "-c", ORDINARY, workplace],
        env={"PYTHONPATH": str(sources), "HOME": str(workplace), "PYTHONDONTWRITEBYTECODE": "1"},
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
    uid, tier, reason, *runs = json.loads(done.stdout or f'[0, "", {done.stderr!r}]')
    assert uid == (ordinary_user or os.getuid())
    assert tier == Tier.FULL, reason
    assert (runs[0], runs[3]) == ("laid over\n", "laid over\n")
    assert {runs[1], runs[4]} <= {"memory", "exit"}
    assert 10 < int(runs[2]) < 40
    assert 10 < int(runs[5]) <= 40


def test_a_capability_made_by_hand_finds_its_program(
    make: MakeSandbox, tree: Path, top: Path
) -> None:
    python = make("full").python
    sandbox = SandboxRunner(tree, top, python, Capability(Tier.FULL, "by hand"))
    assert sandbox.run(["true"]).returncode == 0
