"""The system-call filter, assembled by hand: classic BPF as in seccomp(2) and <linux/filter.h>.

It takes away what a test has no use for and a kernel bug or a resource limit could be reached
with: tracing, mounting, namespaces, io_uring, keys, sockets other than Unix and Internet ones,
and memory that no process maps (memfd, System V IPC), which the watchdog could not see.
"""

from __future__ import annotations

import errno
import struct

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_NEWUSER = 0x10000000
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_PR_SET_DUMPABLE = 4
_X32 = 0x40000000

# linux/arch/x86/entry/syscalls/syscall_64.tbl; from 424 on the numbers are the same everywhere
_SINCE_424 = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
}
_X86_64 = _SINCE_424 | {
    "ioctl": 16,
    "shmget": 29,
    "socket": 41,
    "clone": 56,
    "semget": 64,
    "msgget": 68,
    "ptrace": 101,
    "syslog": 103,
    "uselib": 134,
    "personality": 135,
    "modify_ldt": 154,
    "pivot_root": 155,
    "prctl": 157,
    "acct": 163,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "quotactl": 179,
    "lookup_dcookie": 212,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "memfd_create": 319,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}
# linux/include/uapi/asm-generic/unistd.h
_AARCH64 = _SINCE_424 | {
    "lookup_dcookie": 18,
    "ioctl": 29,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "quotactl": 60,
    "acct": 89,
    "personality": 92,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "prctl": 167,
    "msgget": 186,
    "semget": 190,
    "shmget": 194,
    "socket": 198,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "clone": 220,
    "swapon": 224,
    "swapoff": 225,
    "perf_event_open": 241,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "memfd_create": 279,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}
# what Landlock has no say in: modes, owners, times and attributes of files, and how the user's
# other processes are scheduled
_CONFINED = {
    "x86_64": {
        "chmod": 90,
        "fchmod": 91,
        "chown": 92,
        "fchown": 93,
        "lchown": 94,
        "utime": 132,
        "setpriority": 141,
        "sched_setparam": 142,
        "sched_setscheduler": 144,
        "setxattr": 188,
        "lsetxattr": 189,
        "fsetxattr": 190,
        "removexattr": 197,
        "lremovexattr": 198,
        "fremovexattr": 199,
        "sched_setaffinity": 203,
        "utimes": 235,
        "ioprio_set": 251,
        "fchownat": 260,
        "futimesat": 261,
        "fchmodat": 268,
        "utimensat": 280,
        "prlimit64": 302,
        "sched_setattr": 314,
    },
    "aarch64": {
        "setxattr": 5,
        "lsetxattr": 6,
        "fsetxattr": 7,
        "removexattr": 14,
        "lremovexattr": 15,
        "fremovexattr": 16,
        "ioprio_set": 30,
        "fchmod": 52,
        "fchmodat": 53,
        "fchownat": 54,
        "fchown": 55,
        "utimensat": 88,
        "sched_setparam": 118,
        "sched_setscheduler": 119,
        "sched_setaffinity": 122,
        "setpriority": 140,
        "prlimit64": 261,
        "sched_setattr": 274,
    },
}
_CONFINED_SINCE_424 = {
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
    "file_setattr": 469,
}
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}

_Instruction = tuple[int, int, int, int]

_LOOKED_INTO = frozenset({"socket", "clone", "ioctl", "prctl"})
# "no such call" makes callers fall back on the older way; "not permitted" would not
_UNKNOWN = frozenset({"clone3", "memfd_create", "memfd_secret", "shmget", "msgget", "semget"})


def program(machine: str, *, confined: bool = False) -> bytes | None:
    """The filter for a machine, as bubblewrap's --seccomp reads it.

    Args:
        machine: As os.uname() names it, for example "x86_64".
        confined: There are no namespaces around it, only Landlock, so what that leaves open goes
            too: every socket but a pair, modes, owners, times and attributes of files.

    Returns:
        An array of struct sock_filter, or None for a machine whose numbers are not known here.
    """
    if machine not in _MACHINES:
        return None
    architecture, numbers = _MACHINES[machine]
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32), _refuse(errno.ENOSYS)]
    refused = dict(numbers)
    if confined:
        refused |= _CONFINED[machine] | _CONFINED_SINCE_424
        own = refused.pop("prlimit64")
        code += _when(own, 0, [(_EQUAL, 1, 0, 0), _refuse(errno.EPERM)])
    for name, number in sorted(refused.items(), key=lambda pair: pair[1]):
        if name not in _LOOKED_INTO:
            code += [
                (_EQUAL, 0, 1, number),
                _refuse(errno.ENOSYS if name in _UNKNOWN else errno.EPERM),
            ]
    code += _when(numbers["clone"], 0, [(_ANY_BIT, 0, 1, _CLONE_NEWUSER), _refuse(errno.EPERM)])
    code += _when(numbers["ioctl"], 1, _if_any((_TIOCSTI, _TIOCLINUX), _refuse(errno.EPERM)))
    # a process that is not dumpable hides its memory from the watchdog
    code += _when(numbers["prctl"], 0, _if_any((_PR_SET_DUMPABLE,), _refuse(errno.EPERM)))
    families = [] if confined else _if_any(_FAMILIES, (_RETURN, 0, 0, _ALLOW))
    code += _when(numbers["socket"], 0, [*families, _refuse(errno.EAFNOSUPPORT)])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _refuse(error: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERROR | error)


def _if_any(values: tuple[int, ...], then: _Instruction) -> list[_Instruction]:
    code = []
    for value in values:
        code += [(_EQUAL, 0, 1, value), then]
    return code


def _when(number: int, argument: int, body: list[_Instruction]) -> list[_Instruction]:
    """Look at the low half of an argument of one call, then fetch the number again.

    Both machines store the low half first, and the kernel reads only that half of these.
    """
    body = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *body, (_LOAD, 0, 0, _NUMBER)]
    return [(_EQUAL, 0, len(body), number), *body]
