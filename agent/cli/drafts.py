"""`copydesk drafts` and `copydesk show`: what lies on the desk."""

from __future__ import annotations

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.formatting import (
    draft_counts,
    draft_subject,
    evidence_summary,
    short_age,
    short_sha,
)
from copydesk.agent.cli.options import examples, id_argument, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.drafts import WAITING, draft_as_json
from copydesk.agent.records import Draft, DraftKind
from copydesk.agent.scoring import order_drafts as scores
from copydesk.agent.text import plural

KINDS = ("test", "devlog")
MOST_SUSPECTS = 5


@click.command(
    epilog=examples(
        "copydesk drafts",
        "copydesk drafts --kind test --json",
        "copydesk drafts --all",
    )
)
@click.option("--all", "everything", is_flag=True, help="List decided and discarded ones too.")
@click.option("--kind", type=click.Choice(KINDS), help="List drafts of one kind only.")
@json_option
def drafts(everything: bool, kind: DraftKind | None, as_json: bool) -> None:
    """List the drafts on your desk.

    Without options these are the ones that wait for your decision, the likeliest to be accepted
    first; one in ten stands where chance put it, so that your decisions teach something.
    """
    with open_current_desk() as (_, db):
        listed = db.drafts.find(()) if everything else scores.ordered(db, db.drafts.find())
        listed = [d for d in listed if kind in (None, d.kind)]
        counts = db.drafts.count_by_state()
        suspects = db.comparisons.suspects() if kind != "devlog" else []
    if as_json:
        echo_json([draft_as_json(draft) for draft in listed])
        return
    for row in suspects[:MOST_SUSPECTS]:
        _print_suspect(row)
    if not listed:
        echo(f"Nothing waits for you (drafts: {draft_counts(counts)}).")
        echo("`copydesk gaps` shows what could be tested; `copydesk draft` writes tests for it.")
        return
    _table(listed, everything)
    if not everything:
        echo(f"\n{plural(len(listed), 'draft')}; `copydesk review` goes through them.")


def _print_suspect(row: ComparisonRow) -> None:
    """A function that does something else since a commit that does not say so."""
    from copydesk.agent.behaviour import difference_words  # only where there is one

    echo(f"Suspect change: {row.name} since {short_sha(row.sha)}")
    for difference in (row.detail.get("differences") or ())[:1]:
        echo(f"  {difference_words(difference)}")
    echo(
        f"  `copydesk behaviour --test {row.id}` makes a test of it, `--fine {row.id}` is your yes"
    )


def _table(listed: list[Draft], states: bool) -> None:
    headings = ["ID", "Kind", *(["State"] if states else []), "About", "Evidence", "By", "Made"]
    screen.print_table(
        headings,
        [
            [
                str(d.id),
                d.kind,
                *([d.state.replace("_", " ")] if states else []),
                draft_subject(d),
                evidence_summary(d),
                d.origin,
                short_age(d.created_at),
            ]
            for d in listed
        ],
        right=(0,),
        ends=(headings.index("About"),),
    )


@click.command(epilog=examples("copydesk show 3", "copydesk show 3 --json"))
@id_argument
@json_option
def show(identity: int, as_json: bool) -> None:
    """Show one draft with its evidence.

    The evidence of a test says which steps of the check it passed, which lines it reaches and
    how many deliberate faults it notices; that of a story lists its facts.
    """
    with open_current_desk() as (_, db):
        draft = db.drafts.get(identity)
    if as_json:
        echo_json(draft_as_json(draft))
        return
    screen.print_heading(draft)
    echo()
    screen.print_code(draft.content, screen.draft_language(draft))
    echo()
    screen.print_evidence(draft)
    if draft.state in WAITING:
        yes = " --yes" if draft.state == "asks" else ""
        words = f"`copydesk accept {identity}{yes}`, `edit {identity}` or"
        echo(f"\n{words} `reject {identity} --why …`")
