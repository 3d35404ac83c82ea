"""The `copydesk` command: one group whose commands are loaded when they are called."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click

from copydesk.agent.cli.options import examples
from copydesk.agent.errors import CopydeskError


class Entry(NamedTuple):
    """A command as the help lists it. `module` is the file of this folder that holds it."""

    name: str
    module: str
    help: str


SECTIONS: dict[str, tuple[Entry, ...]] = {
    "Set up": (
        Entry("init", "init", "Set copydesk up in this repository."),
        Entry("config", "config", "Show what is in force and from where, or set it."),
        Entry("daemon", "daemon", "Start, stop and watch the work in the background."),
        Entry("doctor", "doctor", "Check what copydesk needs here, and say how to fix it."),
        Entry("backup", "backup", "Copy the desk, checked, while it is in use."),
        Entry("model", "model", "Download a model for Ollama."),
        Entry("demo", "demo", "Show copydesk at work in a sample repository."),
        Entry("completion", "completion", "Print the completion script of a shell, or install it."),
        Entry("help", "help", "Print what the documentation says of a message or a page."),
    ),
    "Look": (
        Entry("status", "status", "Show what is measured, running and waiting for you."),
        Entry("wait", "status", "Wait until nothing is left to do."),
        Entry("measure", "measure", "Measure a commit now, in the foreground."),
        Entry("watch", "watch", "Run the affected tests whenever you save."),
        Entry("coverage", "measure", "Show the stored coverage of a commit."),
        Entry("gaps", "gaps", "List uncovered code by function, the riskiest first."),
        Entry("replay", "replay", "Prove on history that a measure equals a full run."),
        Entry("gate", "gate", "Say whether a change passes the gate."),
        Entry("ci", "ci", "Measure HEAD and judge what it adds: a whole CI job."),
        Entry("behaviour", "behaviour", "Show what a commit changed in what the code does."),
        Entry("map", "map", "Share what was measured with others, through git."),
        Entry("report", "report", "Report on a measured commit: what needs attention, and why."),
        Entry("open", "open_report", "Open the report of a commit in the browser."),
        Entry("browse", "browse", "Look through the desk's database in the browser."),
        Entry("predict", "predict", "Say which functions a commit put at risk, and why."),
        Entry("train", "predict", "Train the predictor on this repository, or on prices."),
        Entry("log", "log", "List decisions, model calls, predictions, or what failed."),
    ),
    "Write": (
        Entry("draft", "draft", "Draft tests for gaps now, in the foreground."),
        Entry("story", "story", "Tell what has changed since the last story, now."),
        Entry("note", "story", "Say why, for the story that grows."),
        Entry("voice", "voice", "Show how you write, as learnt from your posts; change it."),
    ),
    "Listen": (
        Entry("feedback", "feedback", "Bring in what readers say, and see what they wait for."),
    ),
    "Decide": (
        Entry("drafts", "drafts", "List the drafts on your desk."),
        Entry("show", "drafts", "Show one draft with its evidence."),
        Entry("review", "review", "Go through the waiting drafts."),
        Entry("accept", "decisions", "Put a draft where it belongs."),
        Entry("edit", "decisions", "Change a draft in your editor and check it again."),
        Entry("reject", "decisions", "Turn a draft down and say why."),
        Entry("undo", "decisions", "Take back the last decision, or an edit, of a draft."),
        Entry("export", "export", "Write a story for a channel."),
        Entry("send", "send", "Post an approved story to Discord, through your webhook."),
    ),
}
"""The one table of commands; a test holds it against the commands themselves."""

COMMANDS = {entry.name: entry for entries in SECTIONS.values() for entry in entries}

EXIT_SET_UP, EXIT_BUG, EXIT_INTERRUPTED, EXIT_PIPE = 2, 70, 130, 141
"""Exit codes besides 0 (fine) and 1 (the gate or check says no); 70 is EX_SOFTWARE."""


class Copydesk(click.Group):
    """Imports a command's module when it is called, and turns its errors into one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, as the table has them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None when there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"copydesk.agent.cli.{entry.module}")
        command = getattr(module, entry.name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was called, or say which one was probably meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {name!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without loading one of them."""
        for section, entries in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(entry.name, entry.help) for entry in entries])

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete a command's name from the table, without loading one of them."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(entry.name, help=entry.help)
            for entry in COMMANDS.values()
            if entry.name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the one place where exceptions become messages and exit codes."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a reader that has gone away shows here, not after the exit
        except (click.ClickException, click.exceptions.Exit):
            raise
        except CopydeskError as error:
            from copydesk.agent.cli import error_report  # here and below: 10 ms without an error

            error_report.print_error(error)
            ctx.exit(EXIT_SET_UP)
        except click.Abort as abort:
            if not isinstance(abort.__context__, EOFError):
                ctx.exit(EXIT_INTERRUPTED)
            from copydesk.agent.cli import error_report

            error_report.print_error(error_report.no_answer_error())
            ctx.exit(EXIT_SET_UP)
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            _close_output()
            ctx.exit(EXIT_PIPE)
        except Exception as error:
            from copydesk.agent.cli import error_report

            refusal = error_report.refusal_of_system(error)
            if refusal is not None:
                error_report.print_error(refusal)
                ctx.exit(EXIT_SET_UP)
            error_report.print_bug(error)
            ctx.exit(EXIT_BUG)
        return result


def _close_output() -> None:
    # what is still buffered would fail once more when Python shuts down
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_version(ctx: click.Context, _: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        # a twentieth of a second, which no other command needs
        from importlib import metadata

        python = ".".join(map(str, sys.version_info[:3]))
        click.echo(f"copydesk {metadata.version('copydesk')} (Python {python})")
        ctx.exit()


@click.group(
    cls=Copydesk,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
    epilog=examples(
        "copydesk",
        "copydesk init",
        "copydesk review",
        "copydesk -C ../other measure HEAD",
    ),
)
@click.option(
    "-C",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Run as if started in DIR.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context, folder: Path | None) -> None:
    """Commit normally; copydesk measures, drafts and leaves it on your desk.

    It measures what you changed, drafts the tests you did not write and the dev log you would
    rather not, checks every draft, and waits for your decision. Only `accept` changes your code.
    Without a command it shows what waits for you and what to do next.
    """
    if folder is not None:
        ctx.with_resource(contextlib.chdir(folder))
    if ctx.invoked_subcommand is None:
        _show_status(ctx)


def _show_status(ctx: click.Context) -> None:
    """Show the status; the help where there is no repository to tell of."""
    command = cli.get_command(ctx, "status")
    assert command is not None
    try:
        ctx.invoke(command)
    except CopydeskError as error:
        if error.slug != "not-a-repository":
            raise
        click.echo(ctx.get_help())


def main(run: Callable[..., Any] = cli) -> NoReturn:
    """The entry point of the `copydesk` script: run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character must not end the command
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            # what was started is ended, and temporary folders go
            signal.signal(number, _end)
    run(prog_name="copydesk")
    sys.exit(0)


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
