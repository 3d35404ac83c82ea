"""Notes what a draft reaches for outside of its project, by Python's own audit events.

In the sandbox none of it does harm, but an accepted test runs with the user's rights. Loaded by
main.py into the user's pytest; standard library only, Python 3.9 or later.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from .shared_words import SharedWords

TOOLS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GRACE = 0.2
"""Seconds for a process that has just been ended to be gone."""
SECRET = (".ssh", ".aws", ".gnupg", ".netrc", ".git-credentials", ".pypirc", ".docker", ".kube")
CACHES = (".cache", ".matplotlib", os.path.join(".config", "matplotlib"))
READ = ("/usr", "/bin", "/lib", "/lib64", "/lib32", "/sbin", "/etc", "/dev", "/proc", "/sys")
CODE = (".py", ".pth", ".toml", ".ini", ".cfg", ".so", ".pyc", ".sh")
CALLS = ("ptrace", "kill", "process_vm_readv", "process_vm_writev", "unshare", "mount", "syscall")
FLOOD = 1 << 20
READS_SOURCE = "reads the source file of what it tests"
IMPORTING = "<frozen importlib._bootstrap_external>"
RUNPY = os.path.join(os.path.dirname(os.__file__), "runpy.py")
RUNNING = ("<frozen runpy>", RUNPY, "<frozen zipimport>")
REWRITING = os.path.join("_pytest", "assertion", "rewrite.py")
DEVICES = ("/dev/null", "/dev/shm", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/pts", "/dev/fd")


class SideEffects:
    """Listens from its making on, in this process and in all copies of it.

    Args:
        target: The source file that is tested.
        copies: Folders in which others of it lie.
    """

    def __init__(self, target: str = "", copies: tuple[str, ...] = ()) -> None:
        self.start_anew()
        self.target = identity(target)
        self.copies = copies
        self.home = os.path.realpath(os.path.expanduser("~"))
        self.tree = os.path.realpath(os.getcwd())
        self.temporary = os.path.realpath(tempfile.gettempdir())
        python: tuple[str, ...] = (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path, TOOLS)
        self.readable = tuple({os.path.realpath(p) for p in (*python, *READ) if p})
        self.adopting = {1, parent(os.getppid())}
        """Who becomes the parent of a process whose own has ended."""
        self.busy = False
        writes = ["os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.utime"]
        writes += ["shutil.rmtree"]
        plainly = ("os.truncate", "shutil.chown", "sqlite3.connect")
        self.watched: dict[str, Callable[..., Any]] = {
            "open": self.opened,
            **dict.fromkeys(writes, self.changed),
            **dict.fromkeys(("os.rename", "shutil.move"), self.moved),
            "os.link": self.moved,
            "os.symlink": self.linked,
            "os.kill": self.killed,
            "os.killpg": self.killed,
            **dict.fromkeys(plainly, self.only_path),
            "ctypes.dlsym": self.looked_up,
            "socket.connect": self.connected,
            "socket.sendto": self.connected,
        }
        sys.addaudithook(self.hear)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """The audit hook; what it does itself is not heard."""
        judge = self.watched.get(event)
        if judge is None or self.busy:
            return
        self.busy = True
        try:
            judge(*args)
        except (OSError, TypeError, ValueError):  # the call itself will say so
            pass
        finally:
            self.busy = False

    def start_anew(self) -> None:
        """Hear nothing of what was, nor what the process that this is a copy of will do."""
        self._said, self._asked, self._named = SharedWords(), SharedWords(), SharedWords()

    @property
    def said(self) -> list[str]:
        """What was reached for, in words, without doubles."""
        return self._said.texts()

    @property
    def asked(self) -> list[str]:
        """What a human is to be asked about, in words, without doubles."""
        return self._asked.texts() + self._named.texts()

    def say(self, words: str) -> None:
        """Keep what was reached for, once."""
        self._said.add(words)

    def ask(self, words: str) -> None:
        """Keep what a human is to be asked about, once."""
        self._asked.add(words)

    def name(self, words: str) -> None:
        """Keep a name that a human may have to be asked about; none takes another's place."""
        if not self._named.add_beside(words):
            self.ask("makes up more names than can be kept")

    # -- files

    def opened(self, path: Any, mode: Any, flags: int) -> None:
        """A file is opened."""
        if isinstance(path, int):
            return
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            self.changed(path)
            return
        full = place(path)
        if self.reads_target(full):
            self.ask(READS_SOURCE)
        if below(full, (self.home,)):
            parts = os.path.relpath(full, self.home).split(os.sep)
            if parts[0] in SECRET:
                self.say(f"reads {full}")
            return
        allowed = below(full, (self.tree, self.temporary, *self.readable))
        if not allowed or full == "/etc/shadow" or self.of_others(full):
            self.say(f"reads {full}")

    def reads_target(self, full: str) -> bool:
        """Whether a file is the target or a copy of it, and not read in order to run it."""
        if below(full, self.copies):
            return True
        is_target = self.target is not None and identity(full) == self.target
        return is_target and not runs_code(sys._getframe(3))

    def of_others(self, full: str) -> bool:
        """Whether it is another process's file in /proc."""
        parts = full.split("/")
        if parts[:2] != ["", "proc"] or len(parts) < 4 or not parts[2].isdigit():
            return False
        pid = int(parts[2])
        return pid != os.getpid() and parent(pid) != os.getpid()

    def changed(self, path: Any, *more: Any) -> None:
        """Something is written, made, changed or removed; the last word may be an open folder."""
        if isinstance(path, int) or path in (":memory:", "", b""):
            return
        name = os.fsdecode(path)
        folder = more[-1] if more else None
        if isinstance(folder, int) and folder > 2 and not os.path.isabs(name):
            name = os.path.join(os.path.realpath(f"/proc/self/fd/{folder}"), name)
        self.written(place(name))

    def only_path(self, path: Any, *_: Any) -> None:
        """As changed, for an event that names no folder."""
        self.changed(path)

    def written(self, full: str) -> None:
        """Judge a place that is written to."""
        if below(full, tuple(map(os.path.realpath, (sys.prefix, sys.base_prefix)))):
            self.say(f"changes {full}")
        elif below(full, (self.home,)):
            self.written_in_home(full)
        elif below(full, (self.tree,)):
            self.written_in_tree(full)
        elif not below(full, (self.temporary, *DEVICES)) and not full.startswith("/proc/self/"):
            self.say(f"changes {full}")

    def written_in_home(self, full: str) -> None:
        """In the user's home only caches may be written."""
        if not below(full, tuple(os.path.join(self.home, cache) for cache in CACHES)):
            name = os.path.relpath(full, self.home)
            self.say("changes the home" if name == "." else f"changes ~/{name}")

    def written_in_tree(self, full: str) -> None:
        """In the project neither its code nor git's files may be written, nor the folder itself."""
        parts = os.path.relpath(full, self.tree).split(os.sep)
        if ".git" in parts or full.endswith(CODE):
            self.say(f"changes {os.sep.join(parts)}")
        elif parts == ["."]:
            self.say("changes the project's own folder")

    def moved(self, source: Any, target: Any, *folders: Any) -> None:
        """A file is renamed or linked: both ends count."""
        self.changed(source, *folders[:1])
        self.changed(target, *folders[1:2])

    def linked(self, source: Any, target: Any, *folder: Any) -> None:
        """A link is made: where it stands counts; what is reached through it counts when it is."""
        self.changed(target, *folder)

    # -- processes and sockets

    def killed(self, pid: int, signal: int) -> None:
        """A signal is sent: to itself and its own children it may."""
        if pid != os.getpid() and (pid <= 1 or parent(pid) != os.getpid()):
            self.say(f"sends a signal to process {pid}")

    def looked_up(self, library: Any, name: Any) -> None:
        """A function of the C library is taken, past the events of Python's own."""
        if name in CALLS:
            self.say(f"calls {name} of the C library")

    def printed(self, size: int) -> None:
        """A test has printed so many characters."""
        if size > FLOOD:
            self.say("floods the output")

    def connected(self, sock: Any, address: Any) -> None:
        """A connection is made or a datagram sent: to a server that runs here it may."""
        if isinstance(address, tuple):
            host, port = str(address[0]), address[1]
            local = host.startswith("127.") or host in ("localhost", "::1", "0.0.0.0", "")
            kind = "udp" if sock.type & 0xF == socket.SOCK_DGRAM else "tcp"
            if not local or not listens(kind, int(port)):
                self.say(f"connects to {host}:{port}, which it has not started")
        elif isinstance(address, (str, bytes)):
            name = os.fsdecode(address)
            if name.startswith("\0"):
                with open("/proc/net/unix", "rb") as table:
                    if b"@" + os.fsencode(name[1:]) not in table.read():
                        self.say(f"connects to the socket @{name[1:]}")
            elif not below(place(name), (self.tree, self.temporary)):
                self.say(f"connects to the socket {name}")

    def left_behind(self) -> None:
        """Note the processes that are still there when all tests are done."""
        try:
            alive = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        except OSError:
            return
        for pid in {*alive} - {os.getpid(), os.getppid(), *self.adopting}:
            if self.stays(pid) and self.stays_a_while(pid):
                self.say("leaves a process behind")

    def stays(self, pid: int) -> bool:
        """Whether a process lives, and will when this one ends: it left its parent or session."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                letter, ppid, _, session = file.read().rpartition(b")")[2].split()[:4]
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                helper = b"multiprocessing" in file.read()  # they end when their pipe does
        except (OSError, ValueError):
            return False
        gone = letter in (b"Z", b"X")
        left = int(ppid) in self.adopting or int(session) != os.getsid(0)
        return not gone and not helper and left

    def stays_a_while(self, pid: int) -> bool:
        """Whether it still does after a moment."""
        time.sleep(GRACE)
        return self.stays(pid)


def untouched_copies() -> tuple[str, ...]:
    """Where the project can be read as it was, in a guarded run: the supervisor puts back what a
    run changed from there.
    """
    beside = os.path.dirname(TOOLS)
    return tuple(os.path.join(beside, name) for name in ("files", "tree"))


def identity(path: str) -> tuple[int, int] | None:
    """What makes a file that file, whatever it is called; None for one that is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def runs_code(frame: FrameType | None) -> bool:
    """Whether the frame that opens a module does so to execute it."""
    calls: list[tuple[str, str]] = []
    while frame is not None and len(calls) < 5:
        calls.append((frame.f_code.co_filename, frame.f_code.co_name))
        frame = frame.f_back
    imports = [(IMPORTING, "get_data"), (IMPORTING, "get_code")]
    if calls[:2] == imports:
        return calls[2] == (IMPORTING, "exec_module") or calls[2][0] in RUNNING
    rewrites = (file.endswith(REWRITING) and name == "_rewrite_test" for file, name in calls)
    return calls[0][0] in RUNNING or any(rewrites)


def place(path: Any) -> str:
    """Where a path leads: links are followed."""
    return os.path.realpath(os.fsdecode(path))


def below(full: str, folders: tuple[str, ...]) -> bool:
    """Whether a path is one of the folders or in one."""
    return any(full == f or full.startswith(f.rstrip("/") + "/") for f in folders)


def parent(pid: int) -> int:
    """The parent of a process; 0 when it is not known."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def listens(kind: str, port: int) -> bool:
    """Whether somebody in this network namespace listens on (or is bound to) a port."""
    for table in (f"/proc/net/{kind}", f"/proc/net/{kind}6"):
        if not os.path.exists(table):
            continue
        with open(table, encoding="ascii") as file:
            rows = [row.split() for row in list(file)[1:]]
        bound = [words for words in rows if kind == "udp" or words[3] == "0A"]
        if any(int(words[1].rpartition(":")[2], 16) == port for words in bound):
            return True
    return False
