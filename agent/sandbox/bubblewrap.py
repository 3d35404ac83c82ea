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
from copydesk.agent.sandbox.records import USUAL, Limits, Surroundings
from copydesk.agent.source_text import encode_source

OLDEST = (0, 8, 0)

HOME = USUAL.home
TOOLS = Path("/copydesk/tools")
EXTRA = Path("/copydesk/extra")
TREE = Path("/copydesk/tree")
FILES = Path("/copydesk/files")

_PLACES = ("/usr/bin", "/usr/local/bin", "/bin")
_ISOLATION = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
    *("--unshare-cgroup-try", "--disable-userns"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
)
_FROM_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "alternatives"),
    *("ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "pki/ca-trust/extracted"),
    *("crypto-policies", "services", "protocols"),
)
_NAMES = "passwd: files\ngroup: files\nhosts: files"


def find(
    search: Sequence[str] | None = None, outside: Sequence[Path] = ()
) -> tuple[Path | None, tuple[int, ...]]:
    """Find bubblewrap, but not inside the work tree or another folder that is not trusted.

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
        if not _lies_below(program.resolve(), distrusted):
            return program, version(program)
    return None, ()


def _lies_below(program: Path, folders: Sequence[Path]) -> bool:
    """Whether a program lies in one of the folders; the root folder holds everything."""
    return any(program.is_relative_to(folder) for folder in folders if folder != folder.parent)


def version(program: Path, patience: float = 10.0) -> tuple[int, ...]:
    """Ask a bwrap for its version; () when it does not say within patience (s)."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            env={},
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    numbers = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", answer.stdout)
    return tuple(int(n or 0) for n in numbers.groups()) if numbers else ()


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """The parameters of one bubblewrap sandbox.

    `shown` are folders to show read-only: where they are for us, and where they appear.
    `environment` is all the program will have of one. With `in_place` the tree itself stands at
    `appears_at`, to be written to, not a copy; `writable` are further folders to write to.
    `network` leaves the host's in reach. `surroundings` say who and where the program is; `start`
    is the folder that it starts in.
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
    surroundings: Surroundings = USUAL
    start: Path | None = None


def arguments(
    spec: SandboxSpec,
    command: Sequence[str],
    *,
    reachable: Mapping[Path, Path],
    hold: Callable[[bytes], int],
    seccomp: bytes,
    info: int,
) -> list[str]:
    """The command line that runs a command in bubblewrap.

    Args:
        spec: What the sandbox is made of.
        command: What to run in it.
        reachable: Where a source folder can be reached, when not at its own path (bind_mounts).
        hold: Puts bytes into an inheritable file descriptor and returns its number.
        seccomp: The system-call filter.
        info: The file descriptor for --info-fd.
    """
    line = _CommandLine(spec, reachable, hold)
    line.add_environment()
    line.add_system()
    line.add_etc()
    line.add_devices()
    line.add_mounts()
    line.add_laid_over_files()
    line.words += ["--remount-ro", "/", "--chdir", str(spec.start or spec.appears_at)]
    line.words += ["--seccomp", str(hold(seccomp)), "--info-fd", str(info)]
    return [*line.words, "--", *command]


class _CommandLine:
    """Builds bubblewrap's options; it applies them in order, the host's folders first."""

    def __init__(
        self,
        spec: SandboxSpec,
        reachable: Mapping[Path, Path],
        hold: Callable[[bytes], int],
    ) -> None:
        self._spec = spec
        self._reachable = reachable
        self._hold = hold
        around = spec.surroundings
        user = str(around.user_id)
        self.words = [str(spec.program), *_ISOLATION, "--uid", user, "--gid", user]
        self.words += ["--hostname", around.host, "--clearenv"]

    def add_environment(self) -> None:
        """Add the options for the network and the environment variables."""
        if not self._spec.network:
            self.words.append("--unshare-net")
        for name, value in self._spec.environment.items():
            self.words += ["--setenv", name, value]

    def add_system(self) -> None:
        """Bind the system's folders; where one is a symbolic link, make the link."""
        for folder in SYSTEM:
            if folder.is_symlink():
                self.words += ["--symlink", str(folder.readlink()), str(folder)]
            elif folder.exists():
                self.words += ["--ro-bind", str(folder), str(folder)]

    def add_etc(self) -> None:
        """Bind the harmless part of /etc; write synthetic passwd, group, hosts, nsswitch.conf."""
        shown = [f"/etc/{name}" for name in _FROM_ETC]
        name_service = _NAMES
        if self._spec.network:
            shown.append("/etc/resolv.conf")
            name_service += " dns"
        for path in shown:
            self.words += ["--ro-bind-try", path, path]
        self._add_file("/etc/nsswitch.conf", f"{name_service}\n")
        for path, text in _identity(self._spec.surroundings).items():
            self._add_file(path, text)

    def add_devices(self) -> None:
        """Mount /proc and /dev, with shared memory of a limited size."""
        shared_memory = str(self._spec.limits.tree_size // 8)
        self.words += ["--proc", "/proc", "--dev", "/dev"]
        self.words += ["--perms", "1777", "--size", shared_memory, "--tmpfs", "/dev/shm"]
        self.words += ["--remount-ro", "/dev"]

    def add_mounts(self) -> None:
        """Mount our own folders, outer ones before what lies in them."""
        mounts = [*self._scratch_mounts(), *self._shown_mounts()]
        for _, words in sorted(mounts, key=lambda mount: len(mount[0].parts)):
            self.words += words

    def _scratch_mounts(self) -> list[tuple[Path, list[str]]]:
        """What can be written to, and the interpreter's links: where, and the options for it."""
        spec = self._spec
        scratch = str(spec.limits.tree_size // 2)
        mounts = [
            (Path("/tmp"), ["--perms", "1777", "--size", scratch, "--tmpfs", "/tmp"]),
            *((path, ["--dir", str(path)]) for path in self._own_folders()),
            (spec.appears_at, self._tree_mount()),
        ]
        mounts += [(at, ["--symlink", target, str(at)]) for target, at in spec.python.links]
        mounts += [(path, self._bind("--bind", path, path)) for path in spec.writable]
        return mounts

    def _own_folders(self) -> list[Path]:
        """The user's home, and a folder of its own for temporary files where there is one."""
        around = self._spec.surroundings
        return [path for path in (around.home, around.temporary) if path != Path("/tmp")]

    def _shown_mounts(self) -> list[tuple[Path, list[str]]]:
        """What can only be read: where, and the options for it."""
        spec = self._spec
        binds = [(path, path) for path in spec.python.shown]
        if not spec.in_place:
            binds.append((spec.tree, TREE))
        binds += spec.shown
        return [(at, self._bind("--ro-bind", source, at)) for source, at in binds]

    def _tree_mount(self) -> list[str]:
        """What stands at `appears_at`: the tree itself, or room for a copy of it."""
        spec = self._spec
        if spec.in_place:
            return self._bind("--bind", spec.tree, spec.appears_at)
        return ["--size", str(spec.limits.tree_size), "--tmpfs", str(spec.appears_at)]

    def _bind(self, option: str, source: Path, at: Path) -> list[str]:
        return [option, str(self._reachable.get(source, source)), str(at)]

    def add_laid_over_files(self) -> None:
        """Put in the files that the launch script copies over the tree."""
        for name, text in self._spec.files.items():
            self._add_file(str(FILES / name), text)

    def _add_file(self, path: str, text: str) -> None:
        self.words += ["--perms", "0644", "--file", str(self._hold(encode_source(text))), path]


def _identity(around: Surroundings) -> dict[str, str]:
    """The files of /etc that say who the user is and what the machine is called."""
    user, number = around.user, around.user_id
    root = "root:x:0:0::/:/bin/false\n"
    files = {
        "/etc/passwd": f"{root}{user}:x:{number}:{number}::{around.home}:/bin/sh\n",
        "/etc/group": f"root:x:0:\n{user}:x:{number}:\n",
        "/etc/hosts": f"127.0.0.1 localhost {around.host}\n::1 localhost\n",
    }
    if around.folder is not None:  # what another machine has, and this one shows only in part
        files["/etc/hostname"] = f"{around.host}\n"
        files["/etc/machine-id"] = f"{number:032x}\n"
        files["/etc/os-release"] = f'NAME="{around.host}"\nID={user}\nVERSION_ID="{number}"\n'
        files["/etc/timezone"] = around.variables.get("TZ", "UTC") + "\n"
    return files
