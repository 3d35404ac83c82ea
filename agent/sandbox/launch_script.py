"""The few lines of shell that stand between the guard and the program.

A shell starts in one millisecond and is there wherever Python is. Its error stream is the set-up
channel: what goes wrong is said there, and READY when all went right; then the program takes over
with its error stream joined to its output.
"""

from __future__ import annotations

from copydesk.agent.sandbox.records import Limits

_OPEN_FILES = 1024


def limits_script(limits: Limits, already: int = 0) -> str:
    """Set the limits that the kernel keeps for each process.

    A limit that is lower already stays. The address space gets twice the memory, since threads
    and libraries reserve more than they use; what is really used is the watchdog's to measure.

    Args:
        limits: What a run may use.
        already: Processes of the same user that the kernel counts too.
    """
    processes = limits.processes + already
    return f"""
lower() {{ ulimit "$@" 2>/dev/null; }}
lower -c 0
lower -t {limits.cpu_seconds + 1}
lower -S -t {limits.cpu_seconds}
lower -f {limits.file_size // 512}
lower -v {2 * limits.memory // 1024}
lower -n {_OPEN_FILES}
lower -u {processes} || lower -p {processes}
"""


def plain_script(limits: Limits, already: int) -> str:
    """For a run without a guard, in a copy that has been made already: "sh -c <this> sh argv"."""
    return f'umask 022{limits_script(limits, already)}\necho ready >&2\nexec "$@" 2>&1'


def guarded_script(limits: Limits, tree: str, laid_over: str, already: int = 0) -> str:
    """For a run in the sandbox: copy the tree into the working folder first.

    Called as "sh -c <this> sh N path1 … pathN argv…", the N paths being those that are laid over
    the tree. They are removed first, so that one which is a link in the tree is replaced.

    Args:
        limits: What a run may use.
        tree: Where the tree can be read.
        laid_over: Where the files to lay over it can be read.
        already: Processes of the same user that the kernel counts too.
    """
    return f"""set -e
umask 022
/bin/cp -RP {tree}/. .
count=$1
shift
if [ "$count" -gt 0 ]; then
    left=$count
    while [ "$left" -gt 0 ]; do
        if [ -L "$1" ] || [ -f "$1" ]; then /bin/rm -f -- "$1"; fi
        left=$((left - 1))
        shift
    done
    /bin/cp -RP {laid_over}/. .
fi
set +e
{limits_script(limits, already)}
echo ready >&2
exec "$@" 2>&1"""
