"""`copydesk init`: set a repository up, or undo that."""

from __future__ import annotations

import click

from copydesk.agent.cli.current_desk import current_repository
from copydesk.agent.cli.options import examples
from copydesk.agent.cli.output import echo, print_progress
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.setup import ci, precommit
from copydesk.agent.setup import init as setup
from copydesk.agent.setup.hooks import hooks_folder


@click.command(
    epilog=examples(
        "copydesk init",
        "copydesk init --native --yes",
        "copydesk init --repo https://example.com/copydesk --rev v0.1.0",
        "copydesk init --ci github --repo https://example.com/copydesk --rev v0.1.0",
        "copydesk init --undo",
    )
)
@click.option("--native", is_flag=True, help="Install git's own hooks: 1 ms a commit, not 150.")
@click.option("--undo", "back", is_flag=True, help="Take out all that init put in.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--repo",
    "repo_url",
    metavar="URL",
    help="Where pre-commit (and CI) gets copydesk from, so that others can use the file too.",
)
@click.option("--rev", metavar="REV", help="The revision of --repo.")
@click.option(
    "--ci",
    "host",
    type=click.Choice(["github", "gitlab"]),
    help="Write the CI job that measures and judges every pull request, and do nothing else.",
)
def init(
    native: bool,
    back: bool,
    yes: bool,
    repo_url: str | None,
    rev: str | None,
    host: ci.Kind | None,
) -> None:
    """Set copydesk up in this repository.

    Says what it is going to do and asks; then finds the Python that runs your tests, puts the
    hooks in place, measures the present commit in the background, and says what it did. Doing
    it twice is doing it once.
    """
    if (repo_url is None) != (rev is None):
        raise click.UsageError("--repo and --rev go together.")
    if back and (native or repo_url or host):
        raise click.UsageError("--undo goes with no other option than --yes.")
    if host and native:
        raise click.UsageError("--ci and --native exclude each other.")
    repo = current_repository()
    if host:
        _write_job(repo, host, f"git+{repo_url}@{rev}" if repo_url else None, yes)
        return
    plan = _undo_plan(repo) if back else _plan(repo, native)
    echo(f"copydesk {'will leave' if back else 'will set up'} {repo.worktree}:")
    for line in plan:
        echo(f"  - {line}")
    if not yes and not _agreed():
        echo("Nothing was done.")
        return
    if back:
        done = setup.undo(repo)
    else:
        done = setup.initialise(
            repo, native=native, repo_url=repo_url, rev=rev, progress=print_progress
        )
    for line in done:
        echo(line)
    if not done:
        echo("There was nothing to undo.")
    elif not back:
        _tell_next(repo)


def _write_job(repo: Repository, host: ci.Kind, source: str | None, yes: bool) -> None:
    including = host == "gitlab" and not (repo.worktree / ci.GITLAB).exists()
    also = f" and {ci.GITLAB}" if including else ""
    echo(f"copydesk will write {ci.PLACES[host]}{also} in {repo.worktree}")
    if not yes and not _agreed():
        echo("Nothing was done.")
        return
    for line in ci.write(repo, host, source):
        echo(line)


def _plan(repo: Repository, native: bool) -> list[str]:
    if native:
        hooks = f"add hooks to {hooks_folder(repo)}; what is there keeps running, before ours"
    else:
        hooks = f"add two hooks to {precommit.NAME} and have pre-commit install them"
    return [
        "find the Python that runs your tests; your environment is not changed",
        hooks,
        f"keep what it learns in {repo.desk}",
        "measure the present commit in the background, and every commit after it",
    ]


def _undo_plan(repo: Repository) -> list[str]:
    return [
        "stop the daemon",
        f"take its hooks out of git and of {precommit.NAME}; yours stay",
        f"keep what was measured and drafted in {repo.desk}",
    ]


def _agreed() -> bool:
    try:
        return click.confirm("Go on?", default=True)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            raise CopydeskError(
                "nobody is there to say yes, so nothing was done",
                slug="no-answer",
                hint="`copydesk init --yes` does not ask.",
            ) from None
        raise


def _tell_next(repo: Repository) -> None:
    echo("\nNext: commit as always. `copydesk wait` returns when the first measure is done,")
    echo("`copydesk status` says how things stand, `copydesk review` shows the drafts.")
    if (repo.worktree / precommit.NAME).exists():
        echo(f"Commit {precommit.NAME} when you want others to have the hooks too.")
