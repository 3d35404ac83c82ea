"""`copydesk completion`: help of the shell while you type."""

from __future__ import annotations

import click

from copydesk.agent.cli.options import examples

VARIABLE = "_COPYDESK_COMPLETE"


@click.command(
    epilog=examples(
        'eval "$(copydesk completion bash)"              # in ~/.bashrc',
        'eval "$(copydesk completion zsh)"               # in ~/.zshrc',
        "copydesk completion fish > ~/.config/fish/completions/copydesk.fish",
    )
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Put it where the shell reads it at its start; commands, options and the ids of drafts then
    complete.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "copydesk", VARIABLE).source())
