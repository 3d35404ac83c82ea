"""bubblewrap's command line: an allow-list of what a run may see, and everything else absent.

Options are of version 0.8 (--disable-userns, sized --tmpfs). bubblewrap by itself is no policy;
the policy is what is written here.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.sandbox.interpreter_folders import SYSTEM, InterpreterFolders
from copydesk.agent.sandbox.records import Limits

OLDEST = (0, 8, 0)

HOME = Path("/tmp/home")
TOOLS = Path("/copydesk/tools")
EXTRA = Path("/copydesk/extra")
TREE = Path("/copydesk/tree")
FILES = Path("/copydesk/files")

_PLACES = ("/usr/bin", "/usr/local/bin", "/bin")
_USER = 1000
_ISOLATION = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
    *("--unshare-cgroup-try", "--disable-userns", "--uid", str(_USER), "--gid", str(_USER)),
    *("--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
)
_FROM_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "alternatives"),
    *("ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "pki/ca-trust/extracted"),
    *("crypto-policies", "services", "protocols"),
)
_ETC = {
    "/etc/passwd": f"root:x:0:0::/:/bin/false\nsandbox:x:{_USER}:{_USER}::{HOME}:/bin/sh\n",
    "/etc/group": f"root:x:0:\nsandbox:x:{_USER}:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
}
_NAMES = "passwd: files\ngroup: files\nhosts: files"


def find(
    search: Sequence[str] | None = None, outside: Sequence[Path] = ()
) -> tuple[Path | None, tuple[int, ...]]:
    """Find bubblewrap where no repository could have put it.

    Args:
        search: Folders to look in; the system's own and then PATH's when left out.
        outside: Folders whose programs are not trusted: work trees, virtual environments.

    Returns:
        The absolute path of the first bwrap and its version, or None and ().
    """
    if search is None:
        search = (*_PLACES, *os.environ.get("PATH", "").split(os.pathsep))
    distrusted = [Path.cwd(), *(folder.resolve() for folder in outside)]
    for folder in search:
        program = Path(folder, "bwrap")
        if not program.is_absolute() or not os.access(program, os.X_OK):
            continue
        if not any(
            program.resolve().is_relative_to(bad) for bad in distrusted if bad.parent != bad
        ):
            return program, version(program)
    return None, ()


def version(program: Path, patience: float = 10.0) -> tuple[int, ...]:
    """Ask a bwrap for its version; () when it does not say within patience (s)."""
    try:
        said = subprocess.run(
            [program, "--version"],
            env={},
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    numbers = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said.stdout)
    return tuple(int(n or 0) for n in numbers.groups()) if numbers else ()


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Everything a sandbox is made of.

    `shown` are folders to show read-only: where they are for us, and where they appear.
    `environment` is all the program will have of one. With `in_place` the tree itself stands at
    `appears_at`, to be written to, not a copy; `writable` are further folders to write to.
    `network` leaves the host's in reach.
    """

    program: Path
    tree: Path
    appears_at: Path
    python: InterpreterFolders
    shown: tuple[tuple[Path, Path], ...]
    environment: Mapping[str, str]
    files: Mapping[str, str]
    limits: Limits
    writable: tuple[Path, ...] = ()
    in_place: bool = False
    network: bool = False


def arguments(
    box: SandboxSpec,
    command: Sequence[str],
    *,
    found: Mapping[Path, Path],
    hold: Callable[[bytes], int],
    seccomp: bytes,
    info: int,
) -> list[str]:
    """The whole command line.

    Args:
        box: What the sandbox is made of.
        command: What to run in it.
        found: Where a source folder can be reached, when not at its own path (see stage).
        hold: Puts bytes into an inheritable file descriptor and returns its number.
        seccomp: The system-call filter.
        info: The file descriptor for --info-fd.
    """
    scratch = box.limits.tree_size // 2
    argv = [str(box.program), *_ISOLATION, "--clearenv"]
    argv += [] if box.network else ["--unshare-net"]
    for name, value in box.environment.items():
        argv += ["--setenv", name, value]
    for folder in SYSTEM:
        if folder.is_symlink():
            argv += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.exists():
            argv += ["--ro-bind", str(folder), str(folder)]
    for name in _FROM_ETC:
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    argv += ["--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"] if box.network else []
    names = {"/etc/nsswitch.conf": f"{_NAMES}{' dns' if box.network else ''}\n"}
    for name, text in (_ETC | names).items():
        argv += ["--perms", "0644", "--file", str(hold(text.encode())), name]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    argv += ["--perms", "1777", "--size", str(box.limits.tree_size // 8), "--tmpfs", "/dev/shm"]
    argv += ["--remount-ro", "/dev"]

    mounts = [
        (Path("/tmp"), ["--perms", "1777", "--size", str(scratch), "--tmpfs", "/tmp"]),
        (HOME, ["--dir", str(HOME)]),
        (box.appears_at, _ground(box, found)),
        *((at, ["--symlink", target, str(at)]) for target, at in box.python.links),
    ]
    mounts += [(path, ["--bind", str(found.get(path, path)), str(path)]) for path in box.writable]
    copied = [] if box.in_place else [(box.tree, TREE)]
    binds = [(path, path) for path in box.python.shown] + [*copied, *box.shown]
    for source, at in binds:
        mounts.append((at, ["--ro-bind", str(found.get(source, source)), str(at)]))
    for _, words in sorted(mounts, key=lambda mount: len(mount[0].parts)):  # outer ones first
        argv += words
    for name, text in box.files.items():
        argv += ["--perms", "0644", "--file", str(hold(text.encode())), str(FILES / name)]
    argv += ["--remount-ro", "/", "--chdir", str(box.appears_at)]
    argv += ["--seccomp", str(hold(seccomp)), "--info-fd", str(info)]
    return [*argv, "--", *command]


def _ground(box: SandboxSpec, found: Mapping[Path, Path]) -> list[str]:
    """What stands at `appears_at`: the tree itself, or a room for a copy of it."""
    at = str(box.appears_at)
    if box.in_place:
        return ["--bind", str(found.get(box.tree, box.tree)), at]
    return ["--size", str(box.limits.tree_size), "--tmpfs", at]
