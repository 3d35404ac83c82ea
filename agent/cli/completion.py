"""`copydesk completion`: help of the shell while you type, and the manual page."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import click

from copydesk.agent.cli.options import examples
from copydesk.agent.cli.output import cannot_write, echo, write_file
from copydesk.agent.errors import CopydeskError

VARIABLE = "_COPYDESK_COMPLETE"
SHELLS = ("bash", "zsh", "fish")

_ZSH_LINE = "fpath=({folder} $fpath); autoload -Uz compinit && compinit  # copydesk's completion"


@click.command(
    epilog=examples(
        "copydesk completion --install",
        "copydesk completion zsh --install",
        'eval "$(copydesk completion bash)"              # in ~/.bashrc',
        "copydesk completion fish > ~/.config/fish/completions/copydesk.fish",
    )
)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option(
    "--install", is_flag=True, help="Put it where the shell finds it, and the manual page too."
)
@click.pass_context
def completion(ctx: click.Context, shell: str | None, install: bool) -> None:
    """Print the completion script of a shell, or install it.

    Commands, options and the ids of drafts then complete. The shell is the one of $SHELL where
    none is named. --install writes files of your own account and says which.
    """
    shell = shell or _own_shell()
    script = _script(ctx.find_root().command, shell)
    if not install:
        click.echo(script)
        return
    for path in _install(shell, script):
        echo(f"Wrote {path}")
    echo("A shell that you start from now on completes `copydesk`; `man copydesk` has the rest.")
    if shell == "bash":
        echo("bash reads it through the package bash-completion.")


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise CopydeskError(
            f"it is not known which shell you use: $SHELL says {name or 'nothing'!r}",
            slug="which-shell",
            hint="Name it: `copydesk completion bash`, zsh or fish.",
        )
    return name


def _script(command: click.Command, shell: str) -> str:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    return kind(command, {}, "copydesk", VARIABLE).source()


def _install(shell: str, script: str) -> list[Path]:
    """Write the script and the manual page; the files that were written or changed."""
    # the commands are all loaded for the page, and by nothing else
    from copydesk.agent.cli.man_page import man_page

    place = _place(shell)
    page = _data_folder() / "man" / "man1" / "copydesk.1"
    for path, text in ((place, script), (page, man_page(metadata.version("copydesk")))):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        write_file(path, text)
    written = [place, page]
    return [*written, *_zsh_start(place.parent)] if shell == "zsh" else written


def _data_folder() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _place(shell: str) -> Path:
    """Where the shell looks for scripts of one user."""
    if shell == "bash":
        return _data_folder() / "bash-completion" / "completions" / "copydesk"
    if shell == "zsh":
        return _data_folder() / "zsh" / "site-functions" / "_copydesk"
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return settings / "fish" / "completions" / "copydesk.fish"


def _zsh_start(folder: Path) -> list[Path]:
    """Name the folder in ~/.zshrc, which alone says where zsh looks; [] where that is done."""
    start = Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc"
    line = _ZSH_LINE.format(folder=folder)
    try:
        before = start.read_text("utf-8", "surrogateescape") if start.exists() else ""
        if line in before.splitlines():
            return []
        gap = "" if not before or before.endswith("\n") else "\n"
        with start.open("a", encoding="utf-8") as file:
            file.write(f"{gap}{line}\n")
    except OSError as error:
        raise cannot_write(start, error) from error
    return [start]
