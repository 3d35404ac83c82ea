"""`copydesk report`: what needs attention, and why, to read or to hand on."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import measured_commit, open_current_desk
from copydesk.agent.cli.formatting import short_sha
from copydesk.agent.cli.options import examples, revision_argument
from copydesk.agent.cli.output import cannot_write, echo, print_progress, write_file
from copydesk.agent.coverage.report import (
    INDEX,
    CommunityFacts,
    Report,
    gather_report,
    render_html,
    render_json,
    render_markdown,
    render_pages,
    source_files,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import silent

_FORMS = {
    ".md": "md",
    ".markdown": "md",
    ".txt": "md",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
}
"""What the ending of a file's name says of its form."""


@click.command(
    epilog=examples(
        "copydesk report --open",
        "copydesk report HEAD~1 --format md",
        "copydesk report --format html -o report.html",
        "copydesk report --pages -o htmlreport",
    )
)
@revision_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "html", "json"]),
    help="How to write it; Markdown unless a file's name or --open says otherwise.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there instead of standard output; with --pages a folder.",
)
@click.option(
    "--insight/--no-insight",
    default=True,
    help="Have the model say what needs attention, where one answers.",
)
@click.option(
    "--pages",
    is_flag=True,
    help="Write a folder: the report, and a page for each file that counts.",
)
@click.option("--open", "show", is_flag=True, help="Write HTML and open it in the browser.")
def report(
    revision: str,
    form: str | None,
    as_json: bool,
    output: Path | None,
    insight: bool,
    pages: bool,
    show: bool,
) -> None:
    """Report on a measured commit: what needs attention, and why.

    Coverage over commits, the commit line by line with the tests that reach each line, gaps by
    risk, the slowest and flakiest tests, drafts, and what to do next. The HTML is one file that
    loads nothing; with --pages it is a folder in which each file shows the tests of each line.
    """
    form = "html" if pages else "json" if as_json else form or _form(output, show)
    with open_current_desk() as (repo, db):
        sha = measured_commit(repo, db, revision)
        report_facts = gather_report(repo, db, sha)
        failures: list[str] = []
        with db.failed_items.contained("report", sha, "what readers say", say=failures.append):
            report_facts = replace(report_facts, community=_community(repo, db))
        if insight:
            with db.failed_items.contained("report", sha, "the insight", say=failures.append):
                report_facts = _with_insight(repo, db, report_facts)
        all_failures = (*report_facts.failures, *map(str.strip, failures))
        report_facts = replace(report_facts, failures=all_failures)
        if pages:
            folder = output or repo.desk / "reports" / short_sha(sha) / "pages"
            output = _write_pages(repo, db, report_facts, folder)
            _show_written(output, show)
            return
        text = _rendered(report_facts, form)
        if output is None and (show or form == "html"):
            output = _place(repo, sha, form)
    if output is None:
        echo(text.rstrip("\n"))
        return
    write_file(output, text)
    _show_written(output, show)


def _show_written(path: Path, show: bool) -> None:
    """Say what was written, and open it where that was asked for."""
    echo(f"Wrote {path}")
    if show:
        click.launch(path.absolute().as_uri())


def _write_pages(repo: Repository, db: Database, facts: Report, folder: Path) -> Path:
    """Write a page for each file and the overview; the overview.

    Raises:
        CopydeskError: The folder holds something else, or cannot be written.
    """
    index = folder / INDEX
    if folder.exists() and not index.is_file() and any(folder.iterdir()):
        raise CopydeskError(
            f"{folder} holds something else",
            slug="pages-folder",
            hint="Name a folder that is empty or not there yet: -o FOLDER.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    for name, text in render_pages(facts, source_files(repo, db, facts.commit.sha)):
        write_file(folder / name, text)
    return index


def _community(repo: Repository, db: Database) -> CommunityFacts | None:
    """What readers say, where anything of it is on the desk."""
    if not db.feedback.count():
        return None
    # what reads messages, which a report without any need not load
    from copydesk.agent.community.label_messages import label_messages
    from copydesk.agent.community.priority import constants_of
    from copydesk.agent.community.report_section import community_facts

    label_messages(db, silent)
    return community_facts(db, time.time(), constants_of(config.load(repo).project))


def _with_insight(repo: Repository, db: Database, report: Report) -> Report:
    """The report with the model's remarks, where one answers and its facts are right."""
    # what talks to a model, which a report without one need not load
    from copydesk.agent.stories.report_insight import insight
    from copydesk.agent.testgen.pipeline import reach_model

    # that there is none is no news here: everything else is said
    client = reach_model(config.load(repo), db, silent, prose=True)
    if client is None:
        return report
    print_progress("asking the model what needs attention")
    sentences = insight(
        repo, db, report, client, lambda error: print_progress(f"no model: {error}")
    )
    return replace(report, insight=sentences)


def _form(output: Path | None, show: bool) -> str:
    """The form that a file's name asks for; Markdown where there is none."""
    ending = output.suffix.lower() if output else ""
    if not ending:
        return "html" if show else "md"
    if ending not in _FORMS:
        raise click.UsageError(
            f"No report is written as {ending!r}; name a file .md, .html or .json, or say --format."
        )
    return _FORMS[ending]


def _rendered(report: Report, form: str) -> str:
    if form == "json":
        return json.dumps(render_json(report), indent=2) + "\n"
    return render_html(report) if form == "html" else render_markdown(report)


def _place(repo: Repository, sha: str, form: str) -> Path:
    folder = repo.desk / "reports" / short_sha(sha)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"report.{form}"
