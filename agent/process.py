"""The one way to start a program and read what it says."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import clean
from copydesk.hooks import environment

MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes kept of each stream; a program that says more is ended."""

_ALSO_DROPPED = ("COVERAGE_", "COV_CORE_", "OLLAMA_API_KEY")
"""What else leaves an environment: prefixes of what measures or pays for something else."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished program left: its exit code, its streams (bytes) and its wall time (s)."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode("utf-8", "replace")


class ProcessError(CopydeskError):
    """A program ended badly, took too long or could not be started."""

    def __init__(
        self, reason: str, argv: Sequence[str], out: bytes = b"", err: bytes = b""
    ) -> None:
        said = clean(
            "\n".join(s.decode("utf-8", "replace").strip()[-2000:] for s in (out, err) if s)
        )
        super().__init__(
            f"{shlex.join(argv)}: {reason}" + (f"\n{said}" if said else ""), slug="program-failed"
        )
        self.reason = reason
        self.output = said


def scrubbed_environment(
    extra: Mapping[str, str] | None = None, *, kept: tuple[str, ...] = ()
) -> dict[str, str]:
    """The environment without what a hook, a virtual environment or a test run left in it.

    A leaked GIT_DIR once made a test suite commit to the user's branch; a hook's VIRTUAL_ENV
    names the hook's own interpreter. Folders of that environment leave PATH too.

    Args:
        extra: Variables to set afterwards.
        kept: Names of variables that stay in any case.
    """
    scrubbed = environment.scrubbed(os.environ, kept=kept, also_dropped=_ALSO_DROPPED)
    return scrubbed | dict(extra or {})


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = 60.0,
    check: bool = True,
    max_output: int = MAX_OUTPUT,
) -> Result:
    """Run a program to its end, with its whole process group ended on a time-out.

    Args:
        argv: The program and its arguments; never a shell line.
        cwd: Where to run it.
        env: The whole environment; the scrubbed one when left out.
        stdin: What it reads.
        timeout: Seconds of wall time; None waits for ever.
        check: Raise on an exit code other than 0.
        max_output: Bytes of each stream after which it is ended.

    Raises:
        ProcessError: It could not be started, took too long, said too much, or (with check)
            ended with another code than 0.
    """
    words = tuple(str(a) for a in argv)
    started = time.monotonic()
    try:
        child = subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(env) if env is not None else scrubbed_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessError(f"cannot be started: {error.strerror}", words) from error
    streams = {"out": bytearray(), "err": bytearray()}
    flooded = threading.Event()

    def drain(name: str, fd: int) -> None:
        while chunk := os.read(fd, 1 << 16):
            if len(streams[name]) + len(chunk) > max_output:
                flooded.set()
                end_group(child)
                return
            streams[name] += chunk

    assert child.stdout
    assert child.stderr
    readers = [
        threading.Thread(target=drain, args=("out", child.stdout.fileno()), daemon=True),
        threading.Thread(target=drain, args=("err", child.stderr.fileno()), daemon=True),
    ]
    for reader in readers:
        reader.start()
    with _ended(child, readers):
        writer = threading.Thread(target=_feed, args=(child, stdin), daemon=True)
        writer.start()
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            end_group(child)
            child.wait()
            raise ProcessError(
                f"took longer than {timeout:g} s",
                words,
                bytes(streams["out"]),
                bytes(streams["err"]),
            ) from None
        for reader in readers:
            reader.join(2.0)  # a grandchild that keeps the pipe open must not hold us
        writer.join(2.0)
    out, err = bytes(streams["out"]), bytes(streams["err"])
    if flooded.is_set():
        raise ProcessError(f"said more than {max_output:,} bytes", words, out[:2000], err[:2000])
    if check and code:
        raise ProcessError(f"ended with exit code {code}", words, out, err)
    return Result(words, code, out, err, time.monotonic() - started)


def _feed(child: subprocess.Popen[bytes], stdin: bytes) -> None:
    assert child.stdin
    with contextlib.suppress(BrokenPipeError, OSError, ValueError), child.stdin:
        child.stdin.write(stdin)


@contextlib.contextmanager
def _ended(child: subprocess.Popen[bytes], readers: Sequence[threading.Thread]) -> Iterator[None]:
    try:
        yield
    finally:
        end_group(child)
        child.wait()
        for reader, pipe in zip(readers, (child.stdout, child.stderr), strict=True):
            reader.join(2.0)
            if pipe and not reader.is_alive():  # closing under a reader would free its number
                pipe.close()


def end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill the process group that a child leads, so that no grandchild stays."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:  # Windows: /T takes the processes it started along
            subprocess.call(
                ["taskkill", "/F", "/T", "/PID", str(child.pid)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )


def lower_priority() -> None:
    """Give this process the lowest CPU priority and, where there is one, the idle I/O class."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), 0x40)  # IDLE_PRIORITY_CLASS
        return
    with contextlib.suppress(OSError):
        os.nice(19)
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        # ioprio_set(IOPRIO_WHO_PROCESS, self, IOPRIO_CLASS_IDLE << 13); see ioprio_set(2)
        number = {"x86_64": 251, "aarch64": 30}.get(os.uname().machine)
        if number is not None:
            libc.syscall(number, 1, 0, 3 << 13)
