"""Programs that mean harm, in a real sandbox. Each must be stopped or be harmless."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from pathlib import Path

import pytest
from tests.agent.sandbox.conftest import LIMITS, MakeSandbox, alive

from copydesk.agent.sandbox.runner import Outcome, SandboxRunner


def attack(sandbox: SandboxRunner, code: str, *words: str, **options: object) -> Outcome:
    files = {"evil.py": textwrap.dedent(code)}
    return sandbox.run(["python", "evil.py", *words], files=files, **options)  # type: ignore[arg-type]


def test_the_home_and_everything_around_the_tree_is_absent(
    full: SandboxRunner, tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "very-secret")
    places = [Path.home() / ".ssh", tmp_path / "desk", top]
    for place in places:
        place.mkdir(exist_ok=True)
        (place / "id_key").write_text("very-secret")
    outcome = attack(
        full,
        """
        import os, pathlib, sys
        for name in sys.argv[1:]:
            try: print("OPENED", name, open(name).read())
            except OSError as error: print(error.strerror)
        for folder, folders, names in os.walk("/"):
            if folder == "/": folders[:] = set(folders) - {"proc", "usr"}
            print(*("FOUND " + n for n in names if n == "id_key"))
        for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try: print("FOUND" if b"very-secret" in entry.read_bytes() else "")
            except OSError: pass
        """,
        *(str(place / "id_key") for place in places),
        "/etc/shadow",
        str(top / ".git" / "config"),
        "/proc/1/root/etc/shadow",
    )
    assert outcome.returncode == 0
    assert "OPENED" not in outcome.output
    assert "FOUND" not in outcome.output
    assert "secret" not in outcome.output


def test_nothing_outside_the_copy_can_be_written(
    full: SandboxRunner, tmp_path: Path, top: Path, tree: Path
) -> None:
    name = f"trace-{uuid.uuid4().hex}"
    folders = [
        *(Path.home(), tmp_path, tree, Path("/"), Path("/usr"), Path("/var/tmp"), Path("/tmp")),
        *(Path("/etc"), Path("/dev"), Path("/dev/shm"), top, Path(sys.prefix), Path("/copydesk")),
        *(Path(sys.base_prefix), Path("/copydesk/tree")),
    ]
    outcome = attack(
        full,
        """
        import os, sys
        for folder in sys.argv[2:]:
            try:
                os.makedirs(folder, exist_ok=True)
                open(os.path.join(folder, sys.argv[1]), "w").close()
                print("wrote", folder)
            except OSError: pass
        for folder in ("/sys/kernel", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"):
            try: open(folder, "w"); print("wrote", folder)
            except OSError: pass
        os.link("/copydesk/tree/data.txt", "hard")
        """,
        name,
        *map(str, folders),
    )
    assert [folder for folder in folders if (folder / name).exists()] == []
    wrote = [line.removeprefix("wrote ") for line in outcome.output.splitlines() if "wrote" in line]
    inside = {"/tmp", "/dev/shm", str(top), *map(str, (Path.home(), tmp_path, tree))}
    assert set(wrote) <= inside, outcome.output
    assert "Invalid cross-device link" in outcome.output


def test_the_network_is_absent(full: SandboxRunner, tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        udp.bind(("127.0.0.1", 0))
        named.bind(path)
        name = uuid.uuid4().hex
        abstract.bind("\0" + name)
        for server in (tcp, named, abstract):
            server.listen()
        for server in (tcp, udp, named, abstract):
            server.setblocking(False)
        outcome = attack(
            full,
            """
            import socket, sys
            tcp, udp, path, name = sys.argv[1:]
            def reach(label, family, kind, address):
                try:
                    with socket.socket(family, kind) as s:
                        s.settimeout(1)
                        s.connect(address)
                        s.send(b"hello")
                        print("reached", label)
                except OSError as error: print(error)
            for host in ("127.0.0.1", "10.0.0.1", "8.8.8.8"):
                reach("tcp", socket.AF_INET, socket.SOCK_STREAM, (host, int(tcp)))
            reach("unix", socket.AF_UNIX, socket.SOCK_STREAM, path)
            reach("abstract", socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + name)
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(udp)))
            for family in (16, 17, 40, 38):
                try: socket.socket(family, socket.SOCK_RAW); print("reached family", family)
                except OSError: pass
            """,
            str(tcp.getsockname()[1]),
            str(udp.getsockname()[1]),
            path,
            name,
        )
        assert outcome.returncode == 0, outcome.output
        assert "reached" not in outcome.output
        for server in (tcp, named, abstract):
            with pytest.raises(BlockingIOError):
                server.accept()
        with pytest.raises(BlockingIOError):
            udp.recv(1)


FORK_BOMB = """
    import os, time
    made = 0
    for _ in range(400):
        try: pid = os.fork()
        except OSError: break
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
    print(made, flush=True)
    time.sleep(float(os.environ.get("STAY", "0")))
    """


def test_a_fork_bomb_meets_a_wall_and_dies(full: SandboxRunner) -> None:
    mark = uuid.uuid4().hex
    outcome = attack(full, FORK_BOMB, mark)
    assert outcome.ended == "exit"
    assert 30 < int(outcome.output) < LIMITS.processes
    assert alive(mark) == []


def test_a_fork_bomb_takes_nothing_from_its_neighbours(full: SandboxRunner) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda _: attack(full, FORK_BOMB), range(3)))
    assert all(30 < int(o.output) < LIMITS.processes for o in outcomes), outcomes


def test_a_real_fork_bomb_is_ended(full: SandboxRunner) -> None:
    mark = uuid.uuid4().hex
    limits = dataclasses.replace(LIMITS, wall_seconds=2.0)
    outcome = attack(
        full,
        """
        import os
        while True:
            try: os.fork()
            except OSError: pass
        """,
        mark,
        limits=limits,
    )
    assert outcome.ended in ("timeout", "memory")
    assert outcome.seconds < 20
    assert alive(mark) == []


def test_without_a_guard_a_fork_bomb_is_noticed(make: MakeSandbox) -> None:
    mark = uuid.uuid4().hex
    outcome = attack(make("off"), FORK_BOMB, mark, env={"STAY": "5"})
    if os.geteuid() == 0:  # whom the kernel does not limit
        assert (outcome.ended, outcome.reason) == ("memory", "started more than 60 processes")
    else:
        assert outcome.ended in ("memory", "exit")
    assert alive(mark) == []


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("x = bytearray(4 << 30)", id="in one piece"),
        pytest.param("x = []\nwhile True: x.append(bytearray(b'x' * (1 << 20)))", id="in pieces"),
        pytest.param(
            "import mmap\nx = mmap.mmap(-1, 2 << 30)\nfor i in range(0, 2 << 30, 4096): x[i] = 1",
            id="shared and anonymous",
        ),
    ],
)
def test_a_memory_bomb_is_stopped(full: SandboxRunner, code: str) -> None:
    outcome = attack(full, code)
    assert outcome.ended == "memory" or "MemoryError" in outcome.output or outcome.returncode
    assert outcome.seconds < 20


def test_who_comes_near_the_limit_goes_on_and_who_passes_it_with_its_children_does_not(
    full: SandboxRunner,
) -> None:
    # no copy is made on the way: one that the limit of addresses refuses would end the child first
    code = (
        "import os, sys, time\n"
        "def fifty():\n"
        "    memory = bytearray(50 << 20)\n"
        "    for place in range(0, len(memory), 4096): memory[place] = 1\n"
        "    return memory\n"
        "keep = fifty()\nchild = os.fork()\nif child == 0: keep = fifty()\n"
        "for _ in range(int(sys.argv[1])): time.sleep(0.02)\nif child == 0: os._exit(0)\n"
        "os.waitpid(child, 0)\nprint('done')"
    )
    for mebibytes, rounds, ended, said in ((180, 30, "exit", "done"), (75, 1500, "memory", "")):
        limits = dataclasses.replace(full.limits, memory=mebibytes << 20)
        outcome = attack(full, code, str(rounds), limits=limits)
        assert (outcome.ended, outcome.output.strip()) == (ended, said)


def test_memory_that_no_process_maps_cannot_be_had(full: SandboxRunner) -> None:
    outcome = attack(
        full,
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        try: os.memfd_create("x"); print("got memfd")
        except OSError as error: print(error.errno)
        for call in ("shmget", "msgget", "semget"):
            print("got" if getattr(libc, call)(0, 4096, 0o1600) >= 0 else ctypes.get_errno())
        print("got" if libc.prctl(4, 0, 0, 0, 0) == 0 else ctypes.get_errno())
        """,
    )
    assert outcome.output.split() == ["38", "38", "38", "38", "1"]


@pytest.mark.parametrize("where", [".", "/tmp", "/dev/shm"])
def test_a_full_disk_is_full_inside_only(full: SandboxRunner, where: str, tree: Path) -> None:
    free = shutil.disk_usage(tree).free
    outcome = attack(
        full,
        """
        import os, sys
        total = 0
        try:
            for number in range(1000):
                with open(os.path.join(sys.argv[1], "fill%d" % number), "wb", 0) as file:
                    for _ in range(15):
                        total += file.write(bytes(1 << 20))
        except OSError as error:
            print(total, error.strerror)
        """,
        where,
    )
    total, _, why = outcome.output.partition(" ")
    assert why == "No space left on device\n"
    assert 0 < int(total) <= max(LIMITS.tree_size, 64 << 20)
    assert shutil.disk_usage(tree).free > free - (30 << 20)  # others write at the same time


def test_signals_reach_nobody_outside(full: SandboxRunner) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        outcome = attack(
            full,
            """
            import os, signal, sys
            for pid in (os.getppid(), 1, int(sys.argv[1]), int(sys.argv[2])):
                for sent in (signal.SIGTERM, signal.SIGKILL):
                    try: os.kill(pid, sent)
                    except OSError: pass
            print("still here", flush=True)
            os.kill(-1, signal.SIGKILL)
            """,
            str(os.getpid()),
            str(bystander.pid),
        )
        assert "still here" in outcome.output
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")


@pytest.mark.slow
def test_one_run_cannot_end_another_of_the_same_user(full: SandboxRunner) -> None:
    beside = "import time; print('up', flush=True); time.sleep(4)"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = pool.submit(full.run, ["python", "-c", beside])
        harm = attack(
            full,
            """
            import os, time
            end = time.monotonic() + 3
            while time.monotonic() < end:
                for pid in range(1, 1 << 16):
                    if pid != os.getpid():
                        try: os.kill(pid, 9)
                        except OSError: pass
            print("tried", flush=True)
            os.kill(-1, 9)
            """,
        )
        assert "tried" in harm.output
        assert (other.result().ended, other.result().returncode) == ("exit", 0)


def test_the_kernel_is_out_of_reach(full: SandboxRunner) -> None:
    outcome = attack(
        full,
        """
        import ctypes, fcntl, os
        libc = ctypes.CDLL(None, use_errno=True)
        def call(name, *arguments):
            if getattr(libc, name)(*arguments) >= 0: print("got", name)
        call("unshare", 0x10000000)
        call("unshare", 0x00020000)
        call("ptrace", 16, os.getppid(), 0, 0)
        call("mount", b"none", b"/tmp", b"tmpfs", 0, None)
        call("setns", 0, 0)
        call("personality", 0x0040000)
        call("syscall", 425, 1, ctypes.create_string_buffer(200))   # io_uring_setup
        call("syscall", 435, 0, 0)                                  # clone3
        call("setuid", 0)
        call("chroot", b"/tmp")
        clone = 56 if os.uname().machine == "x86_64" else 220
        child = libc.syscall(clone, 0x10000000 | 17, 0, 0, 0, 0)
        if child == 0: os._exit(0)
        if child > 0: print("got a user namespace")
        master, slave = os.openpty()
        for code in (0x5412, 0x541C):
            try: fcntl.ioctl(slave, code, b"x"); print("got ioctl")
            except OSError as error: assert error.errno == 1
        print(open("/proc/self/status").read())
        """,
    )
    assert outcome.returncode == 0, outcome.output
    assert "got" not in outcome.output
    assert "CapBnd:\t0000000000000000" in outcome.output
    assert "Uid:\t1000\t1000\t1000\t1000" in outcome.output


def test_what_is_left_in_the_copy_reaches_nobody(full: SandboxRunner, tree: Path) -> None:
    outcome = attack(
        full,
        """
        import os
        os.symlink("/etc/passwd", "data2.txt"); os.unlink("data.txt"); os.mkfifo("data.txt")
        open("sitecustomize.py", "w").write("raise SystemExit(9)")
        os.makedirs("/".join(["d" * 100] * 30))
        """,
    )
    assert outcome.returncode == 0, outcome.output
    assert full.run(["python", "-c", "print(open('data.txt').read())"]).output == "as committed\n\n"
    assert sorted(os.listdir(tree)) == ["conftest.py", "data.txt", "link.txt", "src"]  # noqa: PTH208


DRIVER = """
import sys, threading
from pathlib import Path
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.runner import SandboxRunner, Capability, Tier
python = Interpreter(Path(sys.executable), (3, 11, 0), Path(sys.prefix), Path(sys.base_prefix), "")
capability = Capability(Tier(sys.argv[3]), "")
sandbox = SandboxRunner(Path(sys.argv[1]), Path(sys.argv[2]), python, capability)
print("running", flush=True)
sandbox.run(["python", "-c", "import time; time.sleep(60)", sys.argv[4]])
"""


def test_a_run_dies_with_the_process_that_asked_for_it(
    full: SandboxRunner, tree: Path, top: Path
) -> None:
    mark = uuid.uuid4().hex
    words = [sys.executable, "-c", DRIVER, str(tree), str(top), "full", mark]
    asking = subprocess.Popen(words, stdout=subprocess.PIPE)
    inside = [sys.executable.encode(), b"-c", b"import time; time.sleep(60)", mark.encode(), b""]

    def sleeping() -> bool:
        for pid in alive(mark):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words == inside:
                return True
        return False

    assert eventually(sleeping)
    asking.kill()
    asking.communicate()
    assert eventually(lambda: alive(mark) == [])


def test_a_thread_that_ends_takes_no_run_with_it(full: SandboxRunner) -> None:
    outcomes: list[Outcome] = []

    def ask() -> None:
        outcomes.append(attack(full, "import time; time.sleep(0.3); print('done')"))

    for _ in range(2):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert [o.output for o in outcomes] == ["done\n"] * 2


def eventually(question: object, patience: float = 20.0) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if question():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False
