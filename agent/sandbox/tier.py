"""Which sandbox this machine offers, found out by running one. When in doubt: none."""

from __future__ import annotations

import functools
import json
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox import bubblewrap, processes, seccomp, tier_partial
from copydesk.agent.sandbox.interpreter_folders import home_folders
from copydesk.agent.sandbox.records import Capability, Limits, Outcome, Tier
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.agent.text import one_line

__all__ = ["Capability", "Tier", "detect"]

_INSTALL = {
    "apt": "sudo apt install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
    "apk": "sudo apk add bubblewrap",
}
_SWITCHES = (
    (
        "sys/user/max_user_namespaces",
        "0",
        "user namespaces are switched off",
        "sudo sysctl user.max_user_namespaces=15000",
    ),
    (
        "sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are switched off for ordinary users",
        "sudo sysctl kernel.unprivileged_userns_clone=1",
    ),
    (
        "sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps bubblewrap from making user namespaces",
        "sudo apt install apparmor-profiles && sudo ln -sf"
        " /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/"
        " && sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict",
    ),
)


def detect(
    setting: str = "auto",
    python: Interpreter | None = None,
    *,
    search: Sequence[str] | None = None,
    outside: Sequence[Path] = (),
) -> Capability:
    """Find out the tier of this machine; cached for the life of the process.

    Args:
        setting: The user's copydesk.sandbox: "off" for no sandbox, anything else for the best.
        python: The interpreter the probe sandbox is to run; our own when left out.
        search: Folders to look for bubblewrap in; the system's and PATH's when left out.
        outside: Folders whose programs are not trusted, such as the work tree.
    """
    if setting == "off":
        return Capability(
            Tier.OFF,
            "switched off by copydesk.sandbox: tests and drafts run without a sandbox",
            "git config --unset copydesk.sandbox",
        )
    where = None if search is None else tuple(search)
    return _detect(python or _own_interpreter(), where, tuple(outside))


@functools.cache
def _detect(
    python: Interpreter, search: tuple[str, ...] | None, outside: tuple[Path, ...]
) -> Capability:
    full = _full(python, search, outside)
    if full.tier is Tier.FULL:
        return full
    partial = _partial(python)
    return Capability(partial.tier, f"{full.reason}; {partial.reason}", full.fix)


def _full(
    python: Interpreter, search: tuple[str, ...] | None, outside: tuple[Path, ...]
) -> Capability:
    if sys.platform != "linux":
        return Capability(Tier.NONE, "the full sandbox needs Linux")
    if seccomp.program(platform.machine()) is None:
        return Capability(Tier.NONE, f"there is no system-call filter for {platform.machine()}")
    program, version = bubblewrap.find(search, outside)
    if program is None:
        return Capability(Tier.NONE, "bubblewrap is not installed", install_command())
    if version < bubblewrap.OLDEST:
        number = ".".join(map(str, version)) or "of an unknown version"
        return Capability(Tier.NONE, f"{program} is {number}, and 0.8 is needed", install_command())
    return probed_capability(program, version, python)


def _partial(python: Interpreter) -> Capability:
    """Tier partial, where a probe run shows that it works."""
    if why := tier_partial.missing():
        return Capability(Tier.NONE, f"no partial tier either: {why}")
    mechanism = "sandbox-exec" if sys.platform == "darwin" else "Landlock"
    if wrong := run_probe(None, python):
        return Capability(Tier.NONE, f"{mechanism} does not hold: {wrong}")
    return Capability(Tier.PARTIAL, f"{mechanism} confines them instead")


def probed_capability(
    program: Path,
    version: tuple[int, ...],
    python: Interpreter,
    proc: Path = processes.PROC,
) -> Capability:
    """The tier of a bubblewrap, found out by a probe run.

    Args:
        program: A bubblewrap.
        version: Its version.
        python: The interpreter to run in it.
        proc: Where the kernel shows its settings.
    """
    wrong = run_probe(program, python)
    if not wrong:
        number = ".".join(map(str, version))
        return Capability(Tier.FULL, f"bubblewrap {number}", "", program)
    why, fix = disabling_switch(proc)
    if why:
        return Capability(Tier.NONE, f"{why} ({wrong})", fix)
    if os.geteuid() == 0 and ("not permitted" in wrong or "denied" in wrong):
        wrong += "; copydesk runs as root here and becomes nobody for it: try as an ordinary user"
    return Capability(Tier.NONE, f"the probe sandbox failed: {wrong}")


def run_probe(program: Path | None, python: Interpreter) -> str:
    """Run the escape checks in a sandbox.

    Args:
        program: A bubblewrap; None for the partial tier.
        python: The interpreter to run in it.

    Returns:
        What is wrong, or "" when the sandbox holds.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-probe-") as folder, _listener() as server:
        top, tree = Path(folder, "repository").resolve(), Path(folder, "tree")
        for path in (top, tree):
            path.mkdir()
        shutil.copy(Path(__file__).with_name("escape_checks.py"), tree)
        (top / "canary").touch()
        hidden = (
            [top / "canary"] if program is None else [top, top / "canary", tree, *home_folders()]
        )
        request = {
            "partial": program is None,
            "hidden": [_identity(path) for path in hidden if path.exists()],
            "protected": [*_PROTECTED, str(python.prefix), str(python.base_prefix)],
            "port": server.getsockname()[1],
            "processes": _LIMITS.processes,
            "top": str(top),
        }
        tier = Tier.PARTIAL if program is None else Tier.FULL
        sandbox = SandboxRunner(
            tree, top, python, Capability(tier, "", "", program), limits=_LIMITS
        )
        try:
            outcome = sandbox.run(
                ["python", "-S", "escape_checks.py"], stdin=json.dumps(request).encode()
            )
        except CopydeskError as error:
            return str(error)
    return _failures(outcome)


_LIMITS = Limits(wall_seconds=20.0)
_PROTECTED = ("/", "/usr", "/etc", "/dev", "/copydesk/tree", "/proc/sys/kernel/core_pattern")


def _failures(outcome: Outcome) -> str:
    """What the checks inside found wrong, or how they ended; "" when all is well."""
    if outcome.ended == "exit" and outcome.returncode == 0:
        try:
            failed = json.loads(outcome.report)
        except ValueError:
            return "its checks reported nothing"
        return "; ".join(map(str, failed))
    last = outcome.output.strip().splitlines()[-1:] or [f"ended with {outcome.returncode}"]
    return one_line(outcome.reason or last[0])


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _identity(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return (str(path), status.st_dev, status.st_ino)


def _own_interpreter() -> Interpreter:
    return Interpreter(
        Path(sys.executable),
        sys.version_info[:3],
        Path(sys.prefix),
        Path(sys.base_prefix),
        "copydesk's own",
    )


def install_command() -> str:
    """The command that installs bubblewrap here, or "" when no package manager is known."""
    return next((command for name, command in _INSTALL.items() if shutil.which(name)), "")


def disabling_switch(proc: Path = processes.PROC) -> tuple[str, str]:
    """Which of the kernel's switches forbids user namespaces, and the command that allows them.

    Args:
        proc: Where the kernel shows its settings.

    Returns:
        Reason and command, or ("", "") when no known switch is the cause.
    """
    for name, forbidding, reason, fix in _SWITCHES:
        try:
            if (proc / name).read_text().strip() == forbidding:
                return reason, fix
        except OSError:
            continue
    return "", ""
