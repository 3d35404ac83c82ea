"""`copydesk daemon`: the work in the background."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click

from copydesk.agent.cli.current_desk import current_repository
from copydesk.agent.cli.formatting import duration
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.daemon import control
from copydesk.agent.daemon import log as daemon_log

POLL_SECONDS = 0.2


@click.group(epilog=examples("copydesk daemon status", "copydesk daemon logs -f"))
def daemon() -> None:
    """Start, stop and watch the work in the background.

    A commit starts the daemon, and it ends by itself when there was nothing to do for a while
    (idle_seconds), so these commands are seldom needed.
    """


@daemon.command(epilog=examples("copydesk daemon start"))
def start() -> None:
    """Start the daemon, or wake it."""
    state = control.start(current_repository())
    echo(f"The daemon runs (process {state.pid}); `copydesk wait` waits for its work.")


@daemon.command(epilog=examples("copydesk daemon stop"))
def stop() -> None:
    """End the daemon; a job in hand goes back to the queue.

    The next commit starts it again.
    """
    echo("The daemon has ended." if control.stop(current_repository()) else "No daemon runs.")


@daemon.command(epilog=examples("copydesk daemon status", "copydesk daemon status --json"))
@json_option
def status(as_json: bool) -> None:
    """Say whether a daemon runs; exit code 1 when none does."""
    state = control.status(current_repository())
    if as_json:
        echo_json(
            {
                "running": state.running,
                "pid": state.pid,
                "version": state.version,
                "prefix": state.prefix,
                "started": state.started,
            }
        )
    elif not state.running:
        echo("No daemon runs; a commit or `copydesk daemon start` starts one.")
    else:
        since = f", for {duration(time.time() - state.started)}" if state.started else ""
        echo(f"The daemon runs{since}: process {state.pid}, copydesk {state.version}.")
        echo(f"Its copydesk is installed in {state.prefix}.")
    if not state.running:
        sys.exit(1)


@daemon.command(epilog=examples("copydesk daemon logs", "copydesk daemon logs -f -n 5"))
@click.option("-f", "--follow", "stay", is_flag=True, help="Go on printing what is added.")
@click.option(
    "-n", "count", type=click.IntRange(min=0), default=50, show_default=True, help="Last lines."
)
def logs(stay: bool, count: int) -> None:
    """Print the daemon's log; -f until Ctrl-C."""
    repo = current_repository()
    path = repo.desk / daemon_log.NAME
    lines = follow(path) if stay else iter(())
    for line in control.logs(repo, count):
        echo(line)
    if not path.exists() and not stay:
        echo("The log is empty: no daemon has run here yet.")
    for line in lines:
        echo(line)
        sys.stdout.flush()


def follow(path: Path, *, stop: threading.Event | None = None) -> Iterator[str]:
    """Lines that are added to a file from now on, through its rotation too.

    Args:
        path: The file; it may not be there yet.
        stop: Ends it when set; without one it never ends.
    """
    # a file that is there is read from its present end, one that appears from its start
    offset = path.stat().st_size if path.exists() else 0
    return _added_lines(path, offset, stop or threading.Event())


def _added_lines(path: Path, offset: int, stop: threading.Event) -> Iterator[str]:
    while True:
        ended = stop.is_set()  # what was written before the end is still to be read
        if path.exists():
            if path.stat().st_size < offset:
                offset = 0
            with path.open("rb") as file:
                file.seek(offset)
                for raw in file:
                    if raw.endswith(b"\n"):
                        offset += len(raw)
                        yield raw.decode("utf-8", "reoffset").rstrip("\n")
        if ended:
            return
        stop.wait(POLL_SECONDS)


@daemon.command(epilog=examples("copydesk daemon run"))
def run() -> None:
    """Be the daemon in this terminal until Ctrl-C, with its log on the screen."""
    # watchdog and the rest of the daemon, which no other command needs
    from copydesk.agent.daemon import service

    repo = current_repository()
    state = control.status(repo)
    if state.running:
        echo(f"A daemon runs already (process {state.pid}); `copydesk daemon stop` ends it.")
        sys.exit(1)
    echo(f"Watching {repo.top or repo.common_dir}; Ctrl-C ends it.")
    stop_reading = threading.Event()
    lines = follow(repo.desk / daemon_log.NAME, stop=stop_reading)
    reader = threading.Thread(target=_echo_all, args=(lines,), daemon=True)
    reader.start()
    try:
        code = service.run(repo.common_dir)
    finally:
        stop_reading.set()
        reader.join(2.0)
    sys.exit(code)


def _echo_all(lines: Iterator[str]) -> None:
    for line in lines:
        echo(line)
