"""What programs that a test starts depend on.

A Python that a test starts loads `sitecustomize` of this folder, which notes each file of the
tree that it reads and each folder that it lists. Whether that can be relied on is decided where
the program is started: a Python that leaves its environment aside, or a program that is no
Python, may read anything. Standard library only; never imported as part of copydesk.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import shutil
import sys
from typing import Any, Callable, Mapping

REPORTS = "COPYDESK_CHILDREN"
"""The variable that names the folder of the children's reports."""

CONTEXT = "COPYDESK_CONTEXT"
"""The variable that names the context which starts a child."""

TREE = "COPYDESK_TREE"
"""The variable that names the tree, with a separator at its end."""

HERE = os.path.dirname(os.path.abspath(__file__))

FILTERS = frozenset(
    {"cat", "echo", "true", "false", "sleep", "printf", "uname", "id", "whoami", "date", "kill"}
)
"""Programs that read nothing but what their arguments name."""

PLAIN = re.compile(r"[\w ./-]*")
"""A shell's command line that is one command and names its files in full."""


class Untracked(Exception):
    """A program may depend on anything."""


def text(value: Any) -> str:
    """A part of a command line or an environment."""
    return os.fsdecode(value)


def environment(given: Mapping[Any, Any] | None) -> dict[str, str]:
    """The variables that a program will see."""
    return {text(k): text(v) for k, v in (os.environ if given is None else given).items()}


def started(args: tuple[Any, ...], context: str) -> tuple[bool, list[str]]:
    """What can be said of a program that `subprocess` is about to start.

    Args:
        args: Of the audit event: executable, argv, folder, environment.
        context: Who starts it.

    Returns:
        Whether it is a Python that will report, and what files its arguments name.

    Raises:
        Untracked: It may depend on anything.
    """
    executable, argv, folder, given = args
    seen = environment(given)
    if seen.get(CONTEXT) != context or HERE not in seen.get("PYTHONPATH", "").split(os.pathsep):
        raise Untracked
    words = [text(argv)] if isinstance(argv, (str, bytes)) else [text(word) for word in argv]
    program = text(executable) if executable else words[0]
    if is_python(program, seen):
        for word in words[1:]:
            if not word.startswith("-") or word in ("-c", "-m", "-"):
                break
            if not word.startswith("--") and set("IES") & set(word):
                raise Untracked
        return True, []
    if os.path.basename(program) in ("sh", "bash", "dash") and words[1:2] == ["-c"]:
        if len(words) != 3 or not PLAIN.fullmatch(words[2]):
            raise Untracked
        words = shlex.split(words[2])
        program = words[0] if words else "true"
    if os.path.basename(program) not in FILTERS:
        raise Untracked
    return False, [os.path.abspath(os.path.join(text(folder or ""), w)) for w in words[1:]]


def is_python(program: str, seen: Mapping[str, str]) -> bool:
    """Whether a program is an interpreter, or a script that names one in its first line."""
    if re.fullmatch(r"python[\d.]*|pypy[\d.]*", os.path.basename(program)):
        return True
    where = shutil.which(program, path=seen.get("PATH"))
    if where is None:
        return False
    with open(where, "rb") as file:
        first = file.readline(256)
    return first.startswith(b"#!") and b"python" in first and b" -" not in first


def read(folder: str) -> tuple[dict[str, set[tuple[str, str]]], dict[str, int]]:
    """The children's reports: what each context needs, and how many children it had."""
    needs: dict[str, set[tuple[str, str]]] = {}
    counts: dict[str, int] = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as file:
            context, *lines = file.read().split("\0")
        counts[context] = counts.get(context, 0) + 1
        found = needs.setdefault(context, set())
        for line in filter(None, lines):
            kind, _, what = line.partition(" ")
            found.add((kind, what))
    return needs, counts


KNOWN: dict[str, str] = {}
"""The context of each report that was looked at."""


def heard(folder: str) -> set[str]:
    """The contexts that have started a Python so far; "?" is one of which it is not known yet."""
    for name in os.listdir(folder):
        if name not in KNOWN:
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                context, said, _ = file.read().partition("\0")
            if not said:
                return {"?", *KNOWN.values()}
            KNOWN[name] = context
    return set(KNOWN.values())


def source_of(path: str) -> str:
    """The source that a compiled module stands for (PEP 3147), any other path as it is.

    An import that finds the compiled module valid never opens the source.
    """
    folder, name = os.path.split(path)
    above, cache = os.path.split(folder)
    if cache != "__pycache__" or not name.endswith(".pyc"):
        return path
    return os.path.join(above, name.partition(".")[0] + ".py")


def watch_status(name: str, note: Callable[[Any], None]) -> None:
    """Have each path noted that a function of `os` asks for, which no audit event tells of.

    One may appear there. What goes wrong in noting never fails the user's own call.
    """
    inner = getattr(os, name)
    accessor: Any = None
    if sys.hexversion < 0x030B0000:  # pathlib keeps references of its own, as methods of a class
        import pathlib

        accessor = getattr(pathlib, "_NormalAccessor", None)

    @functools.wraps(inner)
    def status(*args: Any, **options: Any) -> Any:
        with contextlib.suppress(Exception):
            note(args[0] if args else options["path"])
        return inner(*args, **options)

    setattr(os, name, status)
    if getattr(accessor, name, None) is inner:
        setattr(accessor, name, staticmethod(status))
    for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if inner in supported:
            supported.add(status)  # `shutil` looks functions up there


class Child:
    """A Python that a test started: notes what it reads, at once, for it may be killed.

    Args:
        reports: The folder to write to.
        tree: What paths are relative to, with a separator at its end.
        context: Who started it.
    """

    def __init__(self, reports: str, tree: str, context: str) -> None:
        self.reports = reports
        self.tree = tree
        self.context = context
        self._seen: set[str] = set()
        self._pid = 0
        self._file = -1

    def note(self, kind: str, name: str = "") -> None:
        """Write something down, once."""
        with contextlib.suppress(OSError):  # a child without a report may depend on anything
            self._write(f"{kind} {name}")

    def _write(self, line: str) -> None:
        if self._pid != os.getpid():  # a fork writes to a file of its own
            self._pid = os.getpid()
            path = os.path.join(self.reports, f"{self._pid}-{os.urandom(4).hex()}")
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            os.write(self._file, self.context.encode("utf-8", "surrogateescape") + b"\0")
        if line not in self._seen:
            self._seen.add(line)
            os.write(self._file, line.encode("utf-8", "surrogateescape") + b"\0")

    def inside(self, path: Any) -> str | None:
        """A path as the tree knows it, or None outside."""
        if isinstance(path, int):
            return None
        full = os.path.abspath(text(path))
        if full + os.sep == self.tree:
            return "."
        return full[len(self.tree) :] if full.startswith(self.tree) else None

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Note files that are read, folders that are listed, programs that are not tracked."""
        watch: Callable[[tuple[Any, ...]], None] | None = self.watched.get(event)
        if watch is not None:
            with contextlib.suppress(Exception):
                watch(args)

    def opened(self, args: tuple[Any, ...]) -> None:
        """A file."""
        inside = self.inside(args[0])
        if inside is not None and not (args[2] or 0) & 3:
            self.note("file", source_of(inside))

    def listed(self, args: tuple[Any, ...]) -> None:
        """A folder."""
        inside = self.inside(args[0] or os.curdir)
        if inside is not None:
            self.note("folder", inside)

    def started(self, args: tuple[Any, ...]) -> None:
        """A program."""
        try:
            reports, names = started(args, self.context)
        except Exception:
            self.note("process")
            return
        if not reports:
            for name in names:
                self.opened((name, None, 0))

    def start(self) -> None:
        """Begin to watch."""
        import copydesk_origin  # beside this file, where only a child of a test looks

        sys.dont_write_bytecode = True  # it would show in the tree
        self.watched: dict[str, Any] = {
            **dict.fromkeys(("open", "sqlite3.connect"), lambda a: self.opened((*a, None, 0)[:3])),
            **dict.fromkeys(("os.listdir", "os.scandir", "glob.glob"), self.listed),
            **dict.fromkeys(
                ("os.system", "os.exec", "os.posix_spawn"), lambda _: self.note("process")
            ),
            "subprocess.Popen": self.started,
        }
        self.note("child")
        copydesk_origin.watch_variables(lambda name: self.note("env", name))
        for name in ("stat", "lstat", "access"):
            watch_status(name, lambda path: self.opened((path, None, 0)))
        sys.addaudithook(self.audit)


@functools.cache
def forked(reports: str, tree: str, context: str) -> Child:
    """What notes the needs of a context in a process that a test forked."""
    return Child(reports, tree, context)
