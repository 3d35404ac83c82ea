"""`copydesk backup`: a checked copy of the desk."""

from __future__ import annotations

from pathlib import Path

import click

from copydesk.agent.cli.current_desk import current_repository, open_current_desk
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.desk import backup as copies


@click.command(
    epilog=examples("copydesk backup", "copydesk backup ~/desk.db", "copydesk backup --list")
)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--list", "listing", is_flag=True, help="List the backups there are instead.")
@json_option
def backup(file: Path | None, listing: bool, as_json: bool) -> None:
    """Copy the desk, checked, while it is in use.

    The copy goes to FILE, or into the desk's own folder of backups. One is made by itself
    before each upgrade of the desk's schema; the last three of each kind are kept.
    """
    if listing:
        copies_made = copies.listed(current_repository().desk)
    else:
        with open_current_desk(create=True) as (repo, _):
            copies_made = [copies.backup(repo.desk, file.absolute() if file else None)]
    rows = [{"path": str(path), "bytes": path.stat().st_size} for path in copies_made]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        echo(f"{row['path']} ({int(str(row['bytes'])) / 1e6:,.1f} MB)")
    if not rows:
        echo("There is no backup yet; `copydesk backup` makes one.")
