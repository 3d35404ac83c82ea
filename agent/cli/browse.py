"""`copydesk browse`: Datasette on the desk, for whoever wants to ask it in SQL."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.options import examples
from copydesk.agent.cli.output import print_progress
from copydesk.agent.errors import CopydeskError

HOST = "127.0.0.1"
_SETTINGS = {
    "allow_download": "off",
    "default_cache_ttl": "0",
    "num_sql_threads": "1",
    "sql_time_limit_ms": "5000",
}


@click.command(epilog=examples("copydesk browse", "copydesk browse --port 8001 --no-open"))
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="The port of this machine to listen on; else a free one.",
)
@click.option("--open/--no-open", "show", default=True, help="Open it in the browser.")
@click.pass_context
def browse(ctx: click.Context, port: int | None, show: bool) -> None:
    """Look through the desk's database in the browser.

    Starts Datasette, read-only, on this machine alone. Its first line is an address with a token
    that lets you in once; nobody without it sees anything. Tables are described, and the questions
    that an editor asks are there to click. Ctrl-C ends it.
    """
    if importlib.util.find_spec("datasette") is None:
        raise CopydeskError(
            "Datasette is not installed",
            slug="no-datasette",
            hint=f"`{install_command()}` adds it.",
        )
    # the desk's own tables, which a message about Datasette does not need
    from copydesk.agent.desk.browse_pages import browse_metadata

    with open_current_desk() as (repo, _):
        desk = repo.desk / "desk.db"
        if not desk.is_file():
            raise CopydeskError(
                "there is no desk here yet",
                slug="no-desk",
                hint="`copydesk init` sets one up; `copydesk measure` makes one, too.",
            )
        name = (repo.top or repo.common_dir).name
        metadata = browse_metadata(name, desk)
    with tempfile.TemporaryDirectory(prefix="copydesk-browse-") as folder:
        pages = Path(folder) / "metadata.json"
        pages.write_text(json.dumps(metadata), "utf-8")
        command = datasette_command(desk, pages, port or _free_port(), show)
        print_progress(f"reading {desk}; Ctrl-C ends it")
        ctx.exit(_run(command, folder))


def install_command() -> str:
    """The command that adds Datasette to where copydesk is installed."""
    if "pipx" in Path(sys.prefix).parts:
        return "pipx inject copydesk datasette"
    return f"{sys.executable} -m pip install 'copydesk[browse]'"


def datasette_command(desk: Path, metadata: Path, port: int, show: bool) -> list[str]:
    """The command line that starts Datasette.

    Args:
        desk: The database.
        metadata: What Datasette is told of it, as JSON.
        port: Of this machine.
        show: Open the browser.
    """
    # isolated: nothing of the folder it is started in is imported
    words = [sys.executable, "-I", "-m", "datasette", "serve", str(desk), "--root"]
    words += ["--host", HOST, "--port", str(port), "--metadata", str(metadata)]
    for name, value in _SETTINGS.items():
        words += ["--setting", name, value]
    return [*words, "--open"] if show else words


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _run(command: list[str], folder: str) -> int:
    """Run until it ends or Ctrl-C, which both get; its exit code, 0 after Ctrl-C."""
    with subprocess.Popen(command, cwd=folder) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            server.terminate()
