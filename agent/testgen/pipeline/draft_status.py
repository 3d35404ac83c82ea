"""What stands of the drafts for a gap, and what is left of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from copydesk.agent.records import Candidate, Draft, Evidence, Gap, Rung
from copydesk.agent.text import plural

Found = tuple[Evidence, Candidate]

_NO_INPUT = Rung("reaches", False, "no input was found that reaches these lines")
_NO_ANSWER = Rung("asserts", False, "no answer held a test that asserts something about the call")


def left_of(gap: Gap, known: Iterable[Draft]) -> Gap:
    """What of a gap no draft that stands has reached."""
    stands = [d.evidence for d in known if d.state != "discarded"]
    lines = {line for evidence in stands for line in evidence.get("gained_lines", ())}
    arcs = {tuple(arc) for evidence in stands for arc in evidence.get("gained_branches", ())}
    return dataclasses.replace(
        gap,
        lines=tuple(line for line in gap.lines if line not in lines),
        branches=tuple(arc for arc in gap.branches if arc not in arcs),
    )


def is_due(written: Draft | None) -> bool:
    """Whether a model is to be asked about a gap, given what it wrote for it before."""
    return written is None or bool(written.evidence.get("unfinished"))


def nothing(gap: Gap, writer: str, tier: str) -> Found:
    """What stands on the desk for a writer that wrote no test, so that it is not asked again."""
    rung = _NO_INPUT if writer == "embedded" else _NO_ANSWER
    return Evidence("failed", tier, (rung,)), Candidate(gap, writer, f"# {rung.detail}\n", ())


def worth(evidence: Evidence) -> tuple[bool, int, int]:
    """What a draft is worth beside another: that it stands, what it reaches, what it kills."""
    gained = len(evidence.gained_lines) + len(evidence.gained_branches)
    return evidence.verdict == "verified", gained, evidence.mutants_killed


def failure(evidence: Evidence) -> str:
    """Why a draft was not kept, for the model to read."""
    fell = next((r for r in evidence.rungs if not r.passed), None)
    return f"{fell.name}: {fell.detail}" if fell else evidence.verdict


def in_words(evidence: Evidence) -> str:
    """What came of a draft's climb, in one line."""
    if evidence.verdict == "verified":
        return (
            f"{plural(len(evidence.tests), 'test')} verified, "
            f"{plural(len(evidence.gained_lines), 'line')} gained, "
            f"{evidence.mutants_killed} of {plural(evidence.mutants_total, 'mutant')} killed"
        )
    fell = next((r for r in evidence.rungs if not r.passed), None)
    if fell in (_NO_INPUT, _NO_ANSWER):
        return fell.detail
    return f"{evidence.verdict}: {fell.name}: {fell.detail}" if fell else evidence.verdict
