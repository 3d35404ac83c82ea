"""Runs inside the probe sandbox, by the user's interpreter (Python 3.9 and newer), and looks
whether the sandbox holds. Standard library only; never imported.

Reads a JSON object from standard input and writes the list of what failed to the report.
"""
# pathlib would hide which call was refused
# ruff: noqa: PTH109, PTH110, PTH112, PTH116, PTH118, PTH123

from __future__ import annotations

import json
import os
import resource
import socket
import sys

EXPECTED_STATUS = {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
"""Lines of /proc/self/status: no capability, none to gain, and a filter in force."""


def main() -> None:
    """Run every check and write what failed to the report."""
    request = json.load(sys.stdin)
    partial = request["partial"]
    check_host_files = check_unreadable if partial else check_hidden
    failed = [
        *check_host_files(request["hidden"]),
        *check_write_protected(request["protected"]),
        *check_network(request["port"]),
        *check_limits(request["processes"], partial),
    ]
    top = os.getcwd() if partial else request["top"]
    if not partial:
        failed += check_privileges()
    if os.getcwd() != top or not os.path.exists("escape_checks.py"):
        failed.append("the copy does not stand at the repository's own path")
    try:
        with open("written", "w") as file:
            file.write("x")
    except OSError:
        failed.append("the copy cannot be written to")
    with open(int(os.environ["COPYDESK_REPORT_FD"]), "wb") as report:
        report.write(json.dumps(failed).encode())


def check_hidden(hidden: list[list[object]]) -> list[str]:
    """Files and folders of the host, as [path, device, inode], that can be seen."""
    failed = []
    for path, device, inode in hidden:
        try:
            status = os.stat(str(path))
        except OSError:
            continue
        if [status.st_dev, status.st_ino] == [device, inode]:
            failed.append(f"{path} can be seen")
    return failed


def check_unreadable(hidden: list[list[object]]) -> list[str]:
    """Files of the host that can be read, where names and sizes cannot be hidden."""
    failed = []
    for path, _, _ in hidden:
        try:
            os.close(os.open(str(path), os.O_RDONLY))
        except OSError:
            continue
        failed.append(f"{path} can be read")
    return failed


def check_write_protected(protected: list[str]) -> list[str]:
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


def check_network(port: int) -> list[str]:
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


def check_privileges() -> list[str]:
    """What the kernel says about this process that it should not say."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    failed = []
    for name, expected in EXPECTED_STATUS.items():
        if status.get(name) != expected:
            failed.append(f"{name} is {status.get(name)}")
    if os.getuid() == 0:
        failed.append("it runs as root")
    return failed


def check_limits(processes: int, partial: bool) -> list[str]:
    """Limits that are not in force."""
    failed = []
    for name in ("RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_AS"):
        _, hard = resource.getrlimit(getattr(resource, name))
        if hard == resource.RLIM_INFINITY:
            failed.append(f"{name} is not set")
    if partial:  # the kernel counts all processes of the user there
        return failed
    if not 0 <= resource.getrlimit(resource.RLIMIT_NPROC)[1] <= processes:
        failed.append("RLIMIT_NPROC is not set")
    return failed


if __name__ == "__main__":
    main()
