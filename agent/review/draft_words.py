"""Drafts in words: what they are about, what stands behind them, how old they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from copydesk.agent.records import Draft, Json, Sha
from copydesk.agent.text import clean, one_line, plural, ranges

_UNITS = ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"))
_SHORT = {"day": "d", "hou": "h", "min": "min"}
_LONG_AGO = 30 * 86_400.0

_TIERS = {
    "full": "in the sandbox",
    "partial": "in the partial sandbox",
    "off": "without a sandbox (copydesk.sandbox is off)",
    "none": "without having been run",
}


def short_sha(sha: Sha) -> str:
    """The first eight digits of a commit's id."""
    return sha[:8]


def duration(seconds: float) -> str:
    """A span of time: "0.4 s", "12 s", "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds_left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds_left} s"
    return f"{minutes // 60} h {minutes % 60} min"


def time_ago(moment: str, now: datetime | None = None) -> str:
    """How long ago an ISO 8601 moment was; its date when that is more than thirty days."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return clean(moment)
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds > _LONG_AGO:
        return then.date().isoformat()
    for size, name in _UNITS:
        if seconds >= size:
            return f"{plural(int(seconds // size), name)} ago"
    return "just now"


def short_age(moment: str, now: datetime | None = None) -> str:
    """How long ago a moment was, for tables: "now", "5 min", "3 h", "2 d", or its date."""
    words = time_ago(moment, now).removesuffix(" ago")
    if words == "just now":
        return "now"
    number, _, unit = words.partition(" ")
    return f"{number} {_SHORT[unit[:3]]}" if unit[:3] in _SHORT else words


def branch_text(arc: Iterable[int]) -> str:
    """A branch: "4→6", or "4→exit" where it leaves the function."""
    first, last = arc
    return f"{abs(first)}→{'exit' if last < 0 else last}"


def draft_subject(draft: Draft) -> str:
    """What a draft is about: path::function of a test, the title of a story."""
    if draft.target is None:
        return one_line(draft.title)
    return clean(f"{draft.target.path}::{draft.target.function}", keep="")


def evidence_lines(draft: Draft) -> list[str]:
    """The evidence for a draft, as lines to print."""
    if draft.kind == "test":
        return [clean(line) for line in _test_evidence(draft.evidence)]
    lines = list(_story_evidence(draft.evidence))
    if "[^F1]:" not in draft.content:  # else the facts are its footnotes
        facts = draft.evidence.get("facts") or ()
        lines += [f"  {fact.get('id')}: {fact.get('text')}" for fact in facts]
    return [clean(line) for line in lines]


def evidence_summary(draft: Draft) -> str:
    """The evidence in one line, for lists."""
    evidence = draft.evidence
    if draft.kind == "devlog":
        problems = len(evidence.get("problems") or ())
        return plural(problems, "doubt") if problems else "checked"
    if evidence.get("suspect_bugs"):
        return "suspect bug"
    if evidence.get("verdict") == "asks":
        return f"asks: {clean(', '.join(evidence.get('asks') or ()), keep='')}"
    if evidence.get("verdict") != "verified":
        return str(evidence.get("verdict") or "no evidence")
    killed, total = evidence.get("mutants_killed", 0), evidence.get("mutants_total", 0)
    return f"{plural(len(evidence.get('gained_lines') or ()), 'line')}, {killed}/{total} mutants"


def _test_evidence(evidence: Json) -> Iterator[str]:
    if not evidence:
        yield "No evidence was kept."
        return
    yield _verdict_line(evidence)
    for rung in evidence.get("rungs") or ():
        mark = "✓" if rung.get("passed") else "✗"
        yield f"  {mark} {rung.get('name')}: {rung.get('detail')}"
    yield from _gains(evidence)
    yield from _caveats(evidence)


def _caveats(evidence: Json) -> Iterator[str]:
    """What the editor should know before accepting."""
    for bug in evidence.get("suspect_bugs") or ():
        test, expected, observed = (bug.get(key) for key in ("test", "expected", "observed"))
        yield f"Suspect bug: {test} expects {expected}, and the code gives {observed}."
    yield from _asked(evidence)
    for survivor in evidence.get("survivors") or ():
        yield f"Not noticed: {survivor}"
    if recorded := evidence.get("recorded"):
        names = ", ".join(str(name).rpartition("::")[2] for name in recorded)
        yield f"Recorded, not predicted: {names}. The expected values are what the code gave."
    for note in evidence.get("notes") or ():
        yield f"Note: {note}"


def _asked(evidence: Json) -> Iterator[str]:
    """What it asks for, and who said yes to it."""
    if names := evidence.get("asks"):
        yield f"Asks: {', '.join(names)}."
    if yes := evidence.get("yes"):
        yield f"Yes: {yes.get('by')}, {yes.get('at')}, to: {', '.join(yes.get('names') or ())}."


def _verdict_line(evidence: Json) -> str:
    """How the check ended, in which sandbox, and how long it took."""
    tier = str(evidence.get("tier", ""))
    where = _TIERS.get(tier, f"in the sandbox (tier {tier})")
    verdict = str(evidence.get("verdict", "")).capitalize()
    edited = ", as you edited it," if evidence.get("edited") else ""
    return f"{verdict}{edited} {where}, {duration(float(evidence.get('seconds') or 0))}."


def _gains(evidence: Json) -> Iterator[str]:
    gains = []
    if lines := evidence.get("gained_lines"):
        gains.append(f"lines {ranges(lines)}")
    if arcs := evidence.get("gained_branches"):
        gains.append(f"branches {', '.join(map(branch_text, arcs))}")
    if gains:
        yield f"Gains {'; '.join(gains)}."
    if total := evidence.get("mutants_total"):
        yield f"Mutants: {evidence.get('mutants_killed', 0)} of {total} killed."


def _story_evidence(evidence: Json) -> Iterator[str]:
    facts, problems = evidence.get("facts") or (), evidence.get("problems") or ()
    if problems:
        yield f"Doubtful: {plural(len(problems), 'problem')} against {plural(len(facts), 'fact')}."
    elif facts:
        yield f"Checked: every sentence rests on its facts ({len(facts)} of them)."
    else:
        yield "No facts were kept."
    for problem in problems:
        yield f"  ✗ {problem.get('token')}: {problem.get('why')} ({problem.get('sentence')})"
