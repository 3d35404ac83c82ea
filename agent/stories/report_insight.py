"""What needs attention, in the words of a model, every one of them checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from copydesk.agent.coverage.report import Insight, Report
from copydesk.agent.desk.database import Database
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.records import Fact, Gap, TestId
from copydesk.agent.stories.facts import Values
from copydesk.agent.stories.gather_facts import gather_facts
from copydesk.agent.stories.word_devlog import ModelClient, word_facts
from copydesk.agent.text import one_line, plural

GAPS, UNSTEADY = 4, 2
"""How many of the riskiest gaps and of the least steady tests a model is told of."""


def insight(
    repo: Repository,
    db: Database,
    report: Report,
    client: ModelClient,
    on_fault: Callable[[ModelFault | ModelUnavailable], None],
) -> Insight | None:
    """Have a model say what needs attention; None when nothing it said holds.

    Args:
        repo: The repository.
        db: Its desk.
        report: What is known.
        client: The model.
        on_fault: Told what went wrong when the model failed.
    """
    facts = gather_facts(db, [Commit(repo, report.commit.sha)])
    without_drafts = [fact for fact in facts if fact.kind not in ("draft", "drafts")]
    wording = word_facts(attention(report, without_drafts), client, "insight", on_fault)
    if not wording.sentences:
        return None
    dropped = wording.proposed - len(wording.sentences)
    return Insight(tuple(sentence.text for sentence in wording.sentences), wording.model, dropped)


def attention(report: Report, facts: Sequence[Fact]) -> list[Fact]:
    """The facts of a commit, with its riskiest gaps and least steady tests after them."""
    unnumbered = [_open_gap(gap) for gap in report.gaps if gap.lines][:GAPS]
    for test in report.flaky[:UNSTEADY]:
        unnumbered.append(_unsteady_test(test.name, test.flips, test.runs))
    more = [
        Fact(f"F{number}", kind, text, values)
        for number, (kind, text, values) in enumerate(unnumbered, len(facts) + 1)
    ]
    return [*facts, *more]


def _open_gap(gap: Gap) -> tuple[str, str, Values]:
    path, function = one_line(gap.path), one_line(gap.function)
    lines = f"{plural(len(gap.lines), 'line')} of `{function}` in `{path}`"
    verb = "is" if len(gap.lines) == 1 else "are"
    why = one_line("; ".join(gap.reasons))
    values: Values = {
        "path": path,
        "function": function,
        "lines": len(gap.lines),
        "reasons": why,
    }
    return "open gap", f"{lines} {verb} not reached by any test: {why}.", values


def _unsteady_test(test_id: TestId, flips: int, runs: int) -> tuple[str, str, Values]:
    name = one_line(test_id)
    text = (
        f"`{name}` changed its outcome {plural(flips, 'time')} in"
        f" {plural(runs, 'run')} while all that it depends on stayed the same."
    )
    return "unsteady test", text, {"test": name, "flips": flips, "runs": runs}
