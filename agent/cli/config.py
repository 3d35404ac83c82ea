"""`copydesk config`: what is in force and from where."""

from __future__ import annotations

import dataclasses

import click

from copydesk.agent import config as settings
from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import current_repository
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, set_config

PROJECT_KEYS = tuple(f.name for f in dataclasses.fields(settings.Project))


@click.command(
    epilog=examples(
        "copydesk config",
        "copydesk config --set python=~/venvs/shop/bin/python",
        "copydesk config --set sandbox=off --unset model_host",
    )
)
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Set one of your own.")
@click.option("--unset", "keys", multiple=True, metavar="KEY", help="Take one of your own out.")
@json_option
def config(pairs: tuple[str, ...], keys: tuple[str, ...], as_json: bool) -> None:
    """Show what is in force and from where, or set it.

    What could run a command, reach an address or lower a guard is yours alone and lives in
    `git config copydesk.*` of this repository: --set and --unset change it. What the project
    agrees on is [tool.copydesk] in pyproject.toml; edit it there.
    """
    repo = current_repository()
    changes = [_pair(pair) for pair in pairs] + [(_personal(key), None) for key in keys]
    for name, value in changes:
        set_config(repo, settings.PERSONAL_KEYS[name], value)
    _show(repo, as_json)


def _pair(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals:
        raise click.UsageError(f"--set takes KEY=VALUE, not {pair!r}.")
    name = _personal(key)
    settings.personal_value(name, value)
    return name, value


def _personal(key: str) -> str:
    """The personal setting a key names, spelled as here or as in git config.

    Raises:
        CopydeskError: It belongs to the project, or does not exist.
    """
    plain = key.strip().lower().removeprefix("copydesk.").replace("_", "").replace("-", "")
    for name in settings.PERSONAL_KEYS:
        if name.replace("_", "") == plain:
            return name
    for name in PROJECT_KEYS:
        if name.replace("_", "") == plain:
            raise CopydeskError(
                f"{name} is a setting of the project, which `--set` cannot change",
                slug="project-key",
                hint=f"Write {name} = … under [tool.copydesk] in pyproject.toml and commit that.",
            )
    raise settings.unknown_key(key, list(settings.PERSONAL_KEYS), "git config copydesk.*")


def _show(repo: Repository, as_json: bool) -> None:
    in_force = settings.load(repo)
    values = dataclasses.asdict(in_force.project) | dataclasses.asdict(in_force.personal)
    if as_json:
        echo_json(
            {key: {"value": values[key], "from": in_force.sources[key]} for key in in_force.sources}
        )
        return
    screen.print_table(
        ("Key", "Value", "From"),
        [(key, _text(values[key]), source) for key, source in in_force.sources.items()],
    )
    echo("\nThe keys from `python` on are yours (--set); the others live in pyproject.toml.")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value) or "-"
