"""What stands of the drafts for a gap, and what is left of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from copydesk.agent.records import Candidate, Draft, Evidence, Gap, Rung
from copydesk.agent.testgen.verify import CheckedDraft, RungName
from copydesk.agent.text import plural

_NO_INPUT = Rung(RungName.REACHES, False, "no input was found that reaches these lines")
_NO_ANSWER = Rung(
    RungName.ASSERTS, False, "no answer held a test that asserts something about the call"
)


def without_reached(gap: Gap, drafts: Iterable[Draft]) -> Gap:
    """What of a gap no draft has reached, of those whose word counts."""
    lines: set[int] = set()
    arcs: set[tuple[int, ...]] = set()
    for draft in drafts:
        if draft.state not in ("discarded", "asks"):
            lines.update(draft.evidence.get("gained_lines", ()))
            arcs.update(tuple(arc) for arc in draft.evidence.get("gained_branches", ()))
    return dataclasses.replace(
        gap,
        lines=tuple(line for line in gap.lines if line not in lines),
        branches=tuple(arc for arc in gap.branches if arc not in arcs),
    )


def has_open_lines(gap: Gap) -> bool:
    """Whether anything of a gap is left to reach, lines or branches."""
    return bool(gap.lines or gap.branches)


def is_due(written: Draft | None) -> bool:
    """Whether a model is to be asked about a gap, given what it wrote for it before."""
    return written is None or bool(written.evidence.get("unfinished"))


def no_test(gap: Gap, writer: str, tier: str, notes: tuple[str, ...] = ()) -> CheckedDraft:
    """What stands on the desk for a writer that wrote no test, so that it is not asked again.

    Args:
        gap: The gap.
        writer: Whose draft it would have been.
        tier: What drafts are run in.
        notes: Why the calls that were found became no test.
    """
    rung = _NO_INPUT if writer == "embedded" else _NO_ANSWER
    if notes:
        rung = Rung(rung.name, False, f"{rung.detail} and that a test could be made of")
    candidate = Candidate(gap, writer, f"# {rung.detail}\n", ())
    return CheckedDraft(Evidence("failed", tier, (rung,), notes=notes), candidate)


def failed_drafting(gap: Gap, writer: str, tier: str, error: str) -> CheckedDraft:
    """What stands on the desk for a gap on which copydesk itself failed, so that it is not tried
    again before the function, or copydesk, has changed.

    Args:
        gap: The gap.
        writer: Whose draft it would have been.
        tier: What drafts are run in.
        error: What went wrong, in one line.
    """
    rung = Rung(RungName.REACHES, False, f"copydesk failed on it: {error}")
    candidate = Candidate(gap, writer, f"# {rung.detail}\n", ())
    return CheckedDraft(Evidence("failed", tier, (rung,)), candidate)


def worth(evidence: Evidence) -> tuple[bool, bool, int, int]:
    """What a draft is worth beside another: that it stands, what it reaches, what it kills."""
    gained = len(evidence.gained_lines) + len(evidence.gained_branches)
    verdict = evidence.verdict
    return verdict == "verified", verdict == "asks", gained, evidence.mutants_killed


def failure(evidence: Evidence) -> str:
    """Why a draft was not kept, for the model to read."""
    rung = _failed_rung(evidence)
    return f"{rung.name}: {rung.detail}" if rung else evidence.verdict


def in_words(evidence: Evidence) -> str:
    """What came of checking a draft, in one line."""
    if evidence.verdict == "verified":
        return (
            f"{plural(len(evidence.tests), 'test')} verified, "
            f"{plural(len(evidence.gained_lines), 'line')} gained, "
            f"{evidence.mutants_killed} of {plural(evidence.mutants_total, 'mutant')} killed"
        )
    if evidence.verdict == "asks":
        return f"asks: {', '.join(evidence.asks)}"
    rung = _failed_rung(evidence)
    if rung is None:
        return evidence.verdict
    if rung in (_NO_INPUT, _NO_ANSWER):
        return rung.detail
    return f"{evidence.verdict}: {rung.name}: {rung.detail}"


def _failed_rung(evidence: Evidence) -> Rung | None:
    for rung in evidence.rungs:
        if not rung.passed:
            return rung
    return None
