"""The one way to start a program and read what it says."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import clean
from copydesk.hooks import environment, filesystem

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
        ends = [
            stream.decode("utf-8", "replace").strip()[-2000:] for stream in (out, err) if stream
        ]
        output = clean("\n".join(ends))
        message = f"{shlex.join(argv)}: {reason}" + (f"\n{output}" if output else "")
        super().__init__(message, slug="program-failed")
        self.reason = reason
        self.output = output


def scrubbed_environment(
    extra: Mapping[str, str] | None = None, *, keep: tuple[str, ...] = ()
) -> dict[str, str]:
    """The environment without what a hook, a virtual environment or a test run left in it.

    A leaked GIT_DIR once made a test suite commit to the user's branch; a hook's VIRTUAL_ENV
    names the hook's own interpreter. Folders of that environment leave PATH too.

    Args:
        extra: Variables to set afterwards.
        keep: Names of variables that stay in any case.
    """
    scrubbed = environment.scrubbed(os.environ, keep=keep, also_dropped=_ALSO_DROPPED)
    return scrubbed | dict(extra or {})


def find_program(name: str) -> str | None:
    """The absolute path of a program on PATH, or None.

    Folders on PATH that depend on the current one are passed over: a repository may hold anything.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    usable = [folder for folder in folders if Path(folder).is_absolute()]
    return shutil.which(name, path=os.pathsep.join(usable))


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
    words = tuple(str(word) for word in argv)
    started = time.monotonic()
    child = _start(words, cwd, scrubbed_environment() if env is None else dict(env))
    out = _Stream(child, child.stdout, max_output)
    err = _Stream(child, child.stderr, max_output)
    with _ended(child, (out, err)):
        writer = threading.Thread(target=_feed, args=(child, stdin), daemon=True)
        writer.start()
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            end_group(child)
            child.wait()
            reason = f"took longer than {timeout:g} s"
            raise ProcessError(reason, words, out.content(), err.content()) from None
        for thread in (out.reader, err.reader, writer):
            thread.join(2.0)  # a grandchild that keeps the pipe open must not hold us
    if out.overflowed or err.overflowed:
        reason = f"said more than {max_output:,} bytes"
        raise ProcessError(reason, words, out.content()[:2000], err.content()[:2000])
    if check and code:
        raise ProcessError(f"ended with exit code {code}", words, out.content(), err.content())
    return Result(words, code, out.content(), err.content(), time.monotonic() - started)


def _start(words: Sequence[str], cwd: Path | None, env: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessError(f"cannot be started: {error.strerror}", words) from error


class _Stream:
    """A stream of a child, read in a thread of its own.

    Args:
        child: The child; it is ended when it says too much.
        pipe: The stream.
        max_bytes: How much it may say.
    """

    def __init__(
        self, child: subprocess.Popen[bytes], pipe: IO[bytes] | None, max_bytes: int
    ) -> None:
        assert pipe
        self._child = child
        self._max_bytes = max_bytes
        self._content = bytearray()
        self.pipe = pipe
        self.overflowed = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def content(self) -> bytes:
        """What has been read."""
        return bytes(self._content)

    def _read(self) -> None:
        while chunk := os.read(self.pipe.fileno(), 1 << 16):
            if len(self._content) + len(chunk) > self._max_bytes:
                self.overflowed = True
                end_group(self._child)
                return
            self._content += chunk


def _feed(child: subprocess.Popen[bytes], stdin: bytes) -> None:
    assert child.stdin
    with contextlib.suppress(BrokenPipeError, OSError, ValueError), child.stdin:
        child.stdin.write(stdin)


@contextlib.contextmanager
def _ended(child: subprocess.Popen[bytes], streams: Sequence[_Stream]) -> Iterator[None]:
    """End a child and its group in any case, and close what was read from."""
    try:
        yield
    finally:
        end_group(child)
        child.wait()
        for stream in streams:
            stream.reader.join(2.0)
            if not stream.reader.is_alive():  # closing under a reader would free its number
                stream.pipe.close()


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


SCRATCH = "copydesk-run-"
"""How the temporary folders of runs of tests are called."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder that is gone afterwards; those that a SIGKILL has left are swept first.

    It is locked as long as its process lives, so that another one can tell.
    """
    sweep_scratch_folders()
    with tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / _LOCK).open("w") as lock:
            filesystem.take_lock(lock.fileno())
            yield folder


_LOCK = ".lock"
_YOUNG_SECONDS = 60.0


def sweep_scratch_folders() -> int:
    """Remove the folders of runs whose process is gone; their number."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError):
            # one without a lock, or with a new one, may be somebody's who is about to take it
            if time.time() - (folder / _LOCK).stat().st_mtime < _YOUNG_SECONDS:
                continue
            with (folder / _LOCK).open("r+") as lock:
                is_left = filesystem.take_lock(lock.fileno())
            if is_left:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


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
