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
from copydesk.agent.sandbox.watchdog import Launch, WatchedRun, pipes, run_watched


def run(box: bubblewrap.SandboxSpec, argv: Sequence[str], stdin: bytes) -> WatchedRun:
    """Run argv in a sandbox made for it, and leave nothing of it alive.

    Args:
        box: What the sandbox is made of.
        argv: The command as it is called inside.
        stdin: What it reads.

    Raises:
        OSError: bubblewrap cannot be started, or root cannot show it the folders.
        CopydeskError: A process cannot be ended ("sandbox-stuck").
    """
    if os.geteuid() != 0:
        return _run(box, argv, stdin, {}, None, None)
    sources = [box.tree, *box.writable, *box.python.shown, *(source for source, _ in box.shown)]
    return _in_own_thread(
        lambda stop: _run(box, argv, stdin, bind_for_nobody(sources), NOBODY, stop),
    )


def _run(
    box: bubblewrap.SandboxSpec,
    argv: Sequence[str],
    stdin: bytes,
    found: dict[Path, Path],
    user: int | None,
    stop: threading.Event | None,
) -> WatchedRun:
    filter_ = seccomp.program(platform.machine())
    if filter_ is None:
        raise OSError(f"no system-call filter for {platform.machine()}")
    already = 0 if counts_per_namespace() else processes.threads_of(user or os.getuid())
    command = _command(box, argv, already)
    with (
        pipes(box.limits) as streams,
        _held_bytes() as (hold, held),
        contextlib.closing(PidNamespace()) as namespace,
    ):
        environment = {**box.environment, "COPYDESK_REPORT_FD": str(streams.report.other_end)}
        words = bubblewrap.arguments(
            replace(box, environment=environment),
            command,
            found=found,
            hold=hold,
            seccomp=filter_,
            info=namespace.info,
        )
        start = Launch(words, {}, Path("/"), stdin, (*held, namespace.info), user)
        return run_watched(start, streams, box.limits, namespace.end, stop=stop)


def _command(box: bubblewrap.SandboxSpec, argv: Sequence[str], already: int) -> list[str]:
    if box.in_place:
        return ["/bin/sh", "-c", launch_script.plain_script(box.limits, already), "sh", *argv]
    script = launch_script.guarded_script(
        box.limits, str(bubblewrap.TREE), str(bubblewrap.FILES), already
    )
    names = list(box.files)
    return ["/bin/sh", "-c", script, "sh", str(len(names)), *names, *argv]


@contextlib.contextmanager
def _held_bytes() -> Iterator[tuple[Callable[[bytes], int], list[int]]]:
    """Something that puts bytes into file descriptors, the list of those, closed at the end."""
    held: list[int] = []

    def hold(content: bytes) -> int:
        fd = os.memfd_create("copydesk")
        held.append(fd)
        with open(fd, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    try:
        yield hold, held
    finally:
        for fd in held:
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
    done: list[WatchedRun] = []
    failed: list[BaseException] = []

    def body() -> None:
        try:
            done.append(work(stop))
        except BaseException as error:
            failed.append(error)
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
    if failed:
        raise failed[0]
    return done[0]
