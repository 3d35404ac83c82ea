"""`copydesk init`: set a repository up, or undo that."""

from __future__ import annotations

from typing import Literal

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import current_repository
from copydesk.agent.cli.options import examples
from copydesk.agent.cli.output import echo, print_progress
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.setup import ci_job, initialise, precommit_config
from copydesk.agent.setup.git_hooks import hooks_folder


@click.command(
    epilog=examples(
        "copydesk init",
        "copydesk init --framework",
        "copydesk init --native --yes",
        "copydesk init --repo https://example.com/copydesk --rev v0.1.0",
        "copydesk init --ci github --repo https://example.com/copydesk --rev v0.1.0",
        "copydesk init --undo",
    )
)
@click.option(
    "--framework",
    "way",
    flag_value="framework",
    help="Have pre-commit run the notification after a commit too, at 150 ms a commit.",
)
@click.option(
    "--native",
    "way",
    flag_value="native",
    help="Do without pre-commit: 1 ms a commit, and nothing is checked before it.",
)
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
    way: Literal["framework", "native"] | None,
    back: bool,
    yes: bool,
    repo_url: str | None,
    rev: str | None,
    host: ci_job.Kind | None,
) -> None:
    """Set copydesk up in this repository.

    Says what it is going to do and asks; then finds the Python that runs your tests, puts the
    hooks in place (the gate into pre-commit, the notification as a hook of git's own beside it),
    measures the present commit in the background, and says what it did. Doing it twice is doing
    it once.
    """
    _check_options(way, back, repo_url, rev, host)
    repo = current_repository()
    if host:
        _write_job(repo, host, f"git+{repo_url}@{rev}" if repo_url else None, yes)
    elif back:
        _undo(repo, yes)
    else:
        _set_up(repo, way or "beside", repo_url, rev, yes)


def _check_options(
    way: str | None, back: bool, repo_url: str | None, rev: str | None, host: ci_job.Kind | None
) -> None:
    if (repo_url is None) != (rev is None):
        raise click.UsageError("--repo and --rev go together.")
    if back and (way or repo_url or host):
        raise click.UsageError("--undo goes with no other option than --yes.")
    if host and way:
        raise click.UsageError(f"--ci and --{way} exclude each other.")


def _set_up(
    repo: Repository, way: initialise.Way, repo_url: str | None, rev: str | None, yes: bool
) -> None:
    _print_plan(f"copydesk will set up {repo.worktree}:", _plan(repo, way))
    if not _confirmed(yes):
        return
    for step in initialise.set_up(
        repo, way=way, repo_url=repo_url, rev=rev, progress=print_progress
    ):
        echo(step)
    _print_next_steps(repo)


def _undo(repo: Repository, yes: bool) -> None:
    _print_plan(f"copydesk will leave {repo.worktree}:", _undo_plan(repo))
    if not _confirmed(yes):
        return
    steps = initialise.undo(repo)
    for step in steps:
        echo(step)
    if not steps:
        echo("There was nothing to undo.")


def _print_plan(heading: str, plan: list[str]) -> None:
    echo(heading)
    for line in plan:
        echo(f"  - {line}")


def _confirmed(yes: bool) -> bool:
    """Whether to go on: --yes, or the user's answer; says so where the answer is no."""
    if yes or _ask():
        return True
    echo("Nothing was done.")
    return False


def _write_job(repo: Repository, host: ci_job.Kind, source: str | None, yes: bool) -> None:
    files = ci_job.PLACES[host]
    if host == "gitlab" and not (repo.worktree / ci_job.GITLAB).exists():
        files += f" and {ci_job.GITLAB}"
    echo(f"copydesk will write {files} in {repo.worktree}")
    if _confirmed(yes):
        for step in ci_job.write_job(repo, host, source):
            echo(step)


def _plan(repo: Repository, way: initialise.Way) -> list[str]:
    return [
        "find the Python that runs your tests; your environment is not changed",
        *_hooks(repo, way),
        *_stops(repo, way),
        f"keep what it learns in {repo.desk}",
        "measure the present commit in the background, and every commit after it",
    ]


def _hooks(repo: Repository, way: initialise.Way) -> list[str]:
    """Which hooks will be put where."""
    if way == "framework":
        return [f"add two hooks to {precommit_config.NAME} and have pre-commit install them"]
    native = f"add hooks to {hooks_folder(repo)} that tell the daemon; what is there keeps running"
    if way == "native":
        return [native]
    return [f"add the gate to {precommit_config.NAME} and have pre-commit install it", native]


def _stops(repo: Repository, way: initialise.Way) -> list[str]:
    """What will be stopped and when; nothing where the gate runs in no hook."""
    if way == "native" and not (repo.worktree / precommit_config.NAME).exists():
        return ["stop nothing: `copydesk gate` judges when you ask it"]
    project = config.load_project(repo)[0]
    return [
        f"stop a commit when tests reach under {project.diff_fail_under:g} % of its changed lines,"
        " as far as they are measured",
        f"stop a push for that, for a total that falls, and for a total under the floor:"
        f" {_floor_in_words(repo)}",
        "let both go on with `--no-verify`",
    ]


def _floor_in_words(repo: Repository) -> str:
    project, sources = config.load_project(repo)
    if sources["fail_under"] != "default":
        return f"{project.fail_under:g} %, as {sources['fail_under']} says"
    return (
        f"{project.fail_under:g} %, or where the project stands at the first measure if that is"
        " less, kept as `git config copydesk.floor` until pyproject.toml sets `fail_under`;"
        f" `copydesk gaps` leads the way to {project.fail_under:g} %"
    )


def _undo_plan(repo: Repository) -> list[str]:
    return [
        "stop the daemon",
        f"take its hooks out of git and of {precommit_config.NAME}; yours stay",
        f"keep what was measured and drafted in {repo.desk}",
    ]


def _ask() -> bool:
    try:
        return click.confirm("Go on?", default=True)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            raise CopydeskError(
                "nothing was done: there is no terminal to ask you on",
                slug="no-answer",
                hint="`copydesk init --yes` does not ask.",
            ) from None
        raise


def _print_next_steps(repo: Repository) -> None:
    echo("\nNext: commit as always. `copydesk status` says how things stand, `copydesk wait`")
    echo("returns when measuring and drafting are done, `copydesk review` shows the drafts.")
    if (repo.worktree / precommit_config.NAME).exists():
        echo(f"Commit {precommit_config.NAME} when you want others to have the hooks too.")
