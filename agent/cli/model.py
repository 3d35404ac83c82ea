"""`copydesk model`: the model server's models."""

from __future__ import annotations

import sys

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import current_repository
from copydesk.agent.cli.options import examples
from copydesk.agent.cli.output import echo, print_progress
from copydesk.agent.text import clean

_BAR = 24


@click.group(epilog=examples("copydesk model pull qwen2.5-coder:7b"))
def model() -> None:
    """Download a model for Ollama.

    Copydesk never does so by itself.
    """


@model.command(epilog=examples("copydesk model pull qwen2.5-coder:7b"))
@click.argument("name")
def pull(name: str) -> None:
    """Download the model NAME into your Ollama, with a progress bar."""
    # the model's client takes a while to import
    from copydesk.agent.model.pull import pull as download
    from copydesk.agent.model.settings import model_settings

    shown = _Shown()
    download(model_settings(config.load(current_repository())), name, shown.progress)
    shown.end()
    echo(f"{clean(name, keep='')} is installed.")


class _Shown:
    """A progress bar on a terminal; elsewhere a line for each new step."""

    def __init__(self) -> None:
        self.last = ""

    def progress(self, status: str, received: int, total: int) -> None:
        words = clean(status, keep="")[:40]
        if not sys.stderr.isatty():
            if words != self.last:
                print_progress(words)
        elif total:
            full = round(_BAR * received / total)
            bar = "█" * full + "·" * (_BAR - full)
            sys.stderr.write(f"\r{bar} {received / 1e9:6.2f} of {total / 1e9:.2f} GB  {words:40}")
            sys.stderr.flush()
        self.last = words

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\n")
