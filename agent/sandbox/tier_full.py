"""Tier full: run a command in bubblewrap, as an ordinary user whoever we are."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from copydesk.agent.sandbox import bubblewrap, launch_script, processes, seccomp
from copydesk.agent.sandbox.bind_mounts import NOBODY, bind_for_nobody
from copydesk.agent.sandbox.pid_namespace import PidNamespace
from copydesk.agent.sandbox.pipes import open_pipes
from copydesk.agent.sandbox.watchdog import Launch, WatchedRun, run_watched


def run(spec: bubblewrap.SandboxSpec, argv: Sequence[str], stdin: bytes) -> WatchedRun:
    """Run argv in a new bubblewrap sandbox, then kill every process in it.

    Args:
        spec: What the sandbox is made of.
        argv: The command as it is called inside.
        stdin: What it reads.

    Raises:
        OSError: bubblewrap cannot be started, or root cannot show it the folders.
        CopydeskError: A process cannot be ended ("sandbox-stuck").
    """
    if os.geteuid() != 0:
        return _run(spec, argv, stdin, {}, None, None)
    sources = [spec.tree, *spec.writable, *spec.python.shown, *(source for source, _ in spec.shown)]
    return _in_own_thread(
        lambda stop: _run(spec, argv, stdin, bind_for_nobody(sources), NOBODY, stop),
    )


def _run(
    spec: bubblewrap.SandboxSpec,
    argv: Sequence[str],
    stdin: bytes,
    reachable: dict[Path, Path],
    user: int | None,
    stop: threading.Event | None,
) -> WatchedRun:
    syscall_filter = seccomp.program(platform.machine())
    if syscall_filter is None:
        raise OSError(f"no system-call filter for {platform.machine()}")
    already = 0 if counts_per_namespace() else processes.threads_of(user or os.getuid())
    command = _command(spec, argv, already)
    with (
        open_pipes(spec.limits) as streams,
        _memory_files() as (hold, descriptors),
        contextlib.closing(PidNamespace()) as namespace,
    ):
        environment = {**spec.environment, "COPYDESK_REPORT_FD": str(streams.report.other_end)}
        words = bubblewrap.arguments(
            replace(spec, environment=environment),
            command,
            reachable=reachable,
            hold=hold,
            seccomp=syscall_filter,
            info=namespace.info,
        )
        start = Launch(words, {}, Path("/"), stdin, (*descriptors, namespace.info), user)
        return run_watched(start, streams, spec.limits, namespace.end, stop=stop)


def _command(spec: bubblewrap.SandboxSpec, argv: Sequence[str], already: int) -> list[str]:
    if spec.in_place:
        return ["/bin/sh", "-c", launch_script.plain_script(spec.limits, already), "sh", *argv]
    script = launch_script.guarded_script(
        spec.limits, str(bubblewrap.TREE), str(bubblewrap.FILES), already
    )
    names = list(spec.files)
    return ["/bin/sh", "-c", script, "sh", str(len(names)), *names, *argv]


@contextlib.contextmanager
def _memory_files() -> Iterator[tuple[Callable[[bytes], int], list[int]]]:
    """What puts bytes into file descriptors, and the list of those; closed at the end."""
    descriptors: list[int] = []

    def hold(content: bytes) -> int:
        fd = os.memfd_create("copydesk")
        descriptors.append(fd)
        with open(fd, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    try:
        yield hold, descriptors
    finally:
        for fd in descriptors:
            os.close(fd)


def counts_per_namespace(release: str | None = None) -> bool:
    """Whether RLIMIT_NPROC counts each user namespace by itself: since Linux 5.14.

    Args:
        release: As uname tells it; this machine's when left out.
    """
    numbers = re.match(r"(\d+)\.(\d+)", platform.release() if release is None else release)
    return numbers is not None and tuple(map(int, numbers.groups())) >= (5, 14)


def _in_own_thread(work: Callable[[threading.Event], WatchedRun]) -> WatchedRun:
    """Do work in a thread of its own, whose mount namespace ends with it.

    The work starts bubblewrap and waits for it in that same thread, so --die-with-parent, which
    goes by the thread, does not end a run early.
    """
    stop, ended = threading.Event(), threading.Event()
    results: list[WatchedRun] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(work(stop))
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=body, name="copydesk-sandbox", daemon=True)
    thread.start()
    try:
        ended.wait()  # not join: interrupted once, it no longer waits (bpo-45274)
    except BaseException:
        stop.set()
        ended.wait()
        raise
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
