"""What needs attention, in the words of a model, every one of them checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from copydesk.agent.coverage.report import Insight, Report
from copydesk.agent.desk.database import Database
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.records import Fact
from copydesk.agent.stories.word_devlog import Asks, checked_sentences
from copydesk.agent.stories.write_story import facts_of
from copydesk.agent.text import one_line, plural

GAPS, UNSTEADY = 4, 2
"""How many of the riskiest gaps and of the least steady tests a model is told of."""


def insight(
    repo: Repository,
    db: Database,
    report: Report,
    client: Asks,
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
    facts = [
        f
        for f in facts_of(db, [Commit(repo, report.commit.sha)])
        if f.kind not in ("draft", "drafts")
    ]
    facts = attention(report, facts)
    good, asked, model = checked_sentences(facts, client, "insight", on_fault)
    if not good:
        return None
    return Insight(tuple(sentence.text for sentence in good), model, asked - len(good))


def attention(report: Report, facts: Sequence[Fact]) -> list[Fact]:
    """The facts of a commit, with its riskiest gaps and least steady tests after them."""
    found = list(facts)

    def add(kind: str, text: str, values: dict[str, str | int | float]) -> None:
        found.append(Fact(f"F{len(found) + 1}", kind, text, values))

    for gap in [g for g in report.gaps if g.lines][:GAPS]:
        path, function = one_line(gap.path), one_line(gap.function)
        lines = f"{plural(len(gap.lines), 'line')} of `{function}` in `{path}`"
        verb = "is" if len(gap.lines) == 1 else "are"
        why = one_line("; ".join(gap.reasons))
        add(
            "open gap", f"{lines} {verb} not reached by any test: {why}.",
            {"path": path, "function": function, "lines": len(gap.lines), "reasons": why},
        )  # fmt: skip
    for test in report.flaky[:UNSTEADY]:
        name = one_line(test.name)
        add(
            "unsteady test",
            f"`{name}` changed its outcome {plural(test.flips, 'time')} in"
            f" {plural(test.runs, 'run')} while all that it depends on stayed the same.",
            {"test": name, "flips": test.flips, "runs": test.runs},
        )
    return found
