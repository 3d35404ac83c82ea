"""Runs inside the probe sandbox, by the user's interpreter (Python 3.9 and newer), and looks
whether the guard holds. Standard library only; never imported.

Reads a JSON object from standard input and writes the list of what failed to the report.
"""
# pathlib would hide which call the guard refused
# ruff: noqa: PTH109, PTH110, PTH112, PTH116, PTH118, PTH123

from __future__ import annotations

import json
import os
import resource
import socket
import sys


def main() -> None:
    """Look at everything and report what failed."""
    told = json.load(sys.stdin)
    less = told["partial"]
    failed = [*(read if less else seen)(told["hidden"]), *written(told["protected"])]
    failed += [*reached(told["port"]), *limits(told["processes"], less)]
    if less:
        told["top"] = os.getcwd()
    else:
        failed += privileges()
    if os.getcwd() != told["top"] or not os.path.exists("escape_checks.py"):
        failed.append("the copy does not stand at the repository's own path")
    try:
        with open("written", "w") as file:
            file.write("x")
    except OSError:
        failed.append("the copy cannot be written to")
    with open(int(os.environ["COPYDESK_REPORT_FD"]), "wb") as report:
        report.write(json.dumps(failed).encode())


def seen(hidden: list[list[object]]) -> list[str]:
    """Files and folders of the host, as [path, device, inode], that can be seen."""
    failed = []
    for path, device, inode in hidden:
        try:
            found = os.stat(str(path))
        except OSError:
            continue
        if [found.st_dev, found.st_ino] == [device, inode]:
            failed.append(f"{path} can be seen")
    return failed


def read(hidden: list[list[object]]) -> list[str]:
    """Files of the host that can be read, where names and sizes cannot be hidden."""
    failed = []
    for path, _, _ in hidden:
        try:
            os.close(os.open(str(path), os.O_RDONLY))
        except OSError:
            continue
        failed.append(f"{path} can be read")
    return failed


def written(protected: list[str]) -> list[str]:
    """Folders and files outside the copy that can be written to."""
    failed = []
    for path in protected:
        target = os.path.join(path, "copydesk-probe") if os.path.isdir(path) else path
        if not os.path.exists(path):
            continue
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
        except OSError:
            continue
        failed.append(f"{path} can be written to")
    return failed


def reached(port: int) -> list[str]:
    """Whether a server that listens on the host's loopback can be reached."""
    failed = []
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        failed.append("the network can be reached")
    except OSError:
        pass
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
        failed.append("the system-call filter is not in force")
    except OSError:
        pass
    return failed


def privileges() -> list[str]:
    """What the kernel says about this process."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    wanted = {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
    failed = [
        f"{name} is {status.get(name)}" for name in wanted if status.get(name) != wanted[name]
    ]
    if os.getuid() == 0:
        failed.append("it runs as root")
    return failed


def limits(processes: int, less: bool) -> list[str]:
    """Limits that are not in force."""
    names = ("RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_AS")
    failed = [
        f"{name} is not set"
        for name in names
        if resource.getrlimit(getattr(resource, name))[1] == resource.RLIM_INFINITY
    ]
    if less:  # the kernel counts all processes of the user there
        return failed
    if not 0 <= resource.getrlimit(resource.RLIMIT_NPROC)[1] <= processes:
        failed.append("RLIMIT_NPROC is not set")
    return failed


if __name__ == "__main__":
    main()
