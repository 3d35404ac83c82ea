"""The filter, run by a small interpreter of the same byte code, for both machines."""

from __future__ import annotations

import errno
import struct

import pytest

from copydesk.agent.sandbox import seccomp

ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter of a machine answers to one system call."""
    program = seccomp.program(machine)
    assert program is not None
    return verdict_of(program, machine, number, *arguments, architecture=architecture)


def verdict_of(
    program: bytes, machine: str, number: int, *arguments: int, architecture: int | None = None
) -> int:
    """What a filter answers to one system call."""
    arch = ARCHITECTURES[machine] if architecture is None else architecture
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", number, arch, 0, *padded)
    code = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x06:
            return int(value)
        else:
            tests = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }
            position += if_true if tests[operation] else if_false


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_ordinary_calls_pass(machine: str) -> None:
    for number in {"x86_64": (0, 1, 9, 57, 59, 60), "aarch64": (56, 63, 64, 222)}[machine]:
        assert verdict(machine, number) == ALLOW


@pytest.mark.parametrize(
    ("machine", "name", "number"),
    [
        ("x86_64", "ptrace", 101),
        ("x86_64", "mount", 165),
        ("x86_64", "unshare", 272),
        ("x86_64", "io_uring_setup", 425),
        ("aarch64", "ptrace", 117),
        ("aarch64", "mount", 40),
        ("aarch64", "unshare", 97),
        ("aarch64", "io_uring_setup", 425),
    ],
)
def test_dangerous_calls_are_not_permitted(machine: str, name: str, number: int) -> None:
    assert verdict(machine, number) == ERROR | errno.EPERM, name


@pytest.mark.parametrize(("machine", "memfd_create"), [("x86_64", 319), ("aarch64", 279)])
def test_calls_with_an_older_way_do_not_exist(machine: str, memfd_create: int) -> None:
    assert verdict(machine, memfd_create) == ERROR | errno.ENOSYS
    assert verdict(machine, 435) == ERROR | errno.ENOSYS


@pytest.mark.parametrize(("machine", "socket"), [("x86_64", 41), ("aarch64", 198)])
@pytest.mark.parametrize(
    ("family", "expected"),
    [(1, ALLOW), (2, ALLOW), (10, ALLOW)] + [(f, ERROR | errno.EAFNOSUPPORT) for f in (16, 17, 40)],
)
def test_only_unix_and_internet_sockets_can_be_made(
    machine: str, socket: int, family: int, expected: int
) -> None:
    assert verdict(machine, socket, family) == expected
    assert verdict(machine, socket, family | 1 << 32) == expected  # the kernel reads the low half


@pytest.mark.parametrize(
    ("machine", "clone", "ioctl", "prctl"), [("x86_64", 56, 16, 157), ("aarch64", 220, 29, 167)]
)
def test_some_calls_depend_on_their_arguments(
    machine: str, clone: int, ioctl: int, prctl: int
) -> None:
    refused = ERROR | errno.EPERM
    assert verdict(machine, clone, 0x10000000 | 17) == refused
    assert verdict(machine, clone, 17) == ALLOW
    assert [verdict(machine, ioctl, 0, request) for request in (0x5412, 0x541C)] == [refused] * 2
    assert verdict(machine, ioctl, 0x5412, 0x5401) == ALLOW
    assert [verdict(machine, prctl, option) for option in (4, 15)] == [refused, ALLOW]


def test_the_calls_of_another_architecture_kill() -> None:
    assert verdict("x86_64", 0, architecture=0x40000003) == KILL
    assert verdict("aarch64", 0, architecture=0x40000028) == KILL


def test_the_x32_calls_do_not_exist() -> None:
    assert verdict("x86_64", 0x40000000 | 101) == ERROR | errno.ENOSYS


def test_an_unknown_machine_has_no_filter() -> None:
    assert seccomp.program("riscv64") is None
