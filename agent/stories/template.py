"""A dev log entry from facts alone, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.records import Fact, Sentence
from copydesk.agent.stories.fill_slots import cited, fill

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What changed", ("commit", "change", "file", "functions")),
    ("Why", ("note",)),
    ("Tests", ("tests", "unmeasured")),
    ("Coverage", ("coverage", "lines", "gaps closed", "gap closed", "gaps opened", "gap opened")),
    ("On the desk", ("drafts", "draft")),
)
"""The sections of an entry in order, and the kinds of fact that each tells."""


def sentences(facts: Sequence[Fact]) -> dict[str, tuple[Sentence, ...]]:
    """Word every fact of a commit.

    Args:
        facts: What commit_facts returned.

    Returns:
        Sentences by section, in the order of SECTIONS; a section without facts is left out.
    """
    table = {fact.id: fact for fact in facts}
    said: dict[str, tuple[Sentence, ...]] = {}
    for section, kinds in SECTIONS:
        own = [fact for fact in facts if fact.kind in kinds]
        lines = [_sentence(text, ids, table) for text, ids in _WRITERS[section](own)]
        if lines:
            said[section] = tuple(lines)
    return said


def _sentence(text: str, extra: Sequence[str], table: dict[str, Fact]) -> Sentence:
    return Sentence(fill(text, table), tuple(dict.fromkeys((*cited(text), *extra))))


_Said = Iterator[tuple[str, Sequence[str]]]
"""Texts with slots, and the facts each rests on besides those of its slots."""


def _kind(facts: Sequence[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact.kind == kind]


def _what(facts: Sequence[Fact]) -> _Said:
    commits, changes, files = (_kind(facts, kind) for kind in ("commit", "change", "file"))
    functions = _kind(facts, "functions")
    for commit in commits:
        subject = f", {{{commit.id}.subject}}," if "subject" in commit.values else ""
        for change in changes:
            yield f"Commit {{{commit.id}.short}}{subject} {_size(change)}.", (change.id,)
    if len(files) == 1:
        yield f"All of it is in {{{files[0].id}.path}}.", ()
    elif files:
        listed = [f"{{{f.id}.path}} ({_plus_minus(f)})" for f in files]
        listed += [f"{{{c.id}.others}} other files" for c in changes if "others" in c.values]
        yield f"The change is in {_and(listed)}.", ()
    for fact in functions:
        names = [f"{{{fact.id}.{key}}}" for key in fact.values if key.startswith("function_")]
        if "others" in fact.values:
            names.append(f"{{{fact.id}.others}} other functions")
        noun = "function" if len(names) == 1 else "functions"
        yield f"It changes the {noun} {_and(names)}.", ()


def _size(change: Fact) -> str:
    slot = f"{{{change.id}.%s}}"
    if not change.values["files"]:
        return "changes no file"
    text = "touches " + slot % "files" + " files"
    parts = []
    if change.values["added"]:
        parts.append(slot % "added" + " lines added")
    if change.values["removed"]:
        noun = " removed" if parts else " lines removed"
        parts.append(slot % "removed" + noun)
    return text + (", with " + " and ".join(parts) if parts else "")


def _plus_minus(file: Fact) -> str:
    parts = [f"{{{file.id}.{key}}} {key}" for key in ("added", "removed") if file.values[key]]
    return ", ".join(parts) or "no text lines"


def _why(facts: Sequence[Fact]) -> _Said:
    for n, fact in enumerate(facts):
        yield ("The author's note: " if not n else "") + f"{{{fact.id}.note}}", ()


def _tests(facts: Sequence[Fact]) -> _Said:
    for fact in facts:
        if fact.kind == "unmeasured":
            yield "Nothing was measured for this commit.", (fact.id,)
            continue
        yield from _ran(fact)


def _ran(fact: Fact) -> _Said:
    slot = f"{{{fact.id}.%s}}"
    selected, total = fact.values.get("selected"), fact.values.get("total")
    if selected == 0:
        of_all = " of the " + slot % "total" + " tests" if total else ""
        yield f"None{of_all} was selected for this change, and none ran.", (fact.id,)
        return
    if selected is not None and total is not None:
        if selected == total:
            ran = "The whole suite of " + slot % "total" + " tests ran"
        else:
            ran = slot % "selected" + " of " + slot % "total" + " tests ran"
        outcome = _outcome(fact)
        joint = ", and " if outcome.startswith(("all", "none")) else ": "
        yield f"{ran}{joint}{outcome}." if outcome else f"{ran}.", ()
    elif _outcome(fact):
        yield f"Of the tests that ran, {_outcome(fact)}.", (fact.id,)
    elif selected is not None:
        yield slot % "selected" + " tests ran.", ()
    else:
        yield "The suite has " + slot % "total" + " tests.", ()


def _outcome(fact: Fact) -> str:
    slot = f"{{{fact.id}.%s}}"
    failed, passed = fact.values.get("failed"), fact.values.get("passed")
    parts = []
    if failed:
        parts.append(slot % "failed" + " failed")
    if passed and (failed or "others" in fact.values):
        parts.append(slot % "passed" + " passed")
    elif passed:
        parts.append("all passed" if failed == 0 else slot % "passed" + " passed")
    elif failed == 0:
        parts.append("none failed")
    if "others" in fact.values:
        parts.append(slot % "others" + " neither passed nor failed")
    return _and(parts)


def _coverage(facts: Sequence[Fact]) -> _Said:
    for fact in facts:
        if fact.kind == "coverage":
            yield _percent(fact), ()
        elif fact.kind == "lines":
            yield _counts(fact), ()
    yield from _gaps(facts, "closed", "Newly reached are")
    yield from _gaps(facts, "opened", "No test reaches")


def _percent(fact: Fact) -> str:
    slot = f"{{{fact.id}.%s}}"
    way = fact.values.get("direction")
    if way is None:
        return (
            "Coverage stands at "
            + slot % "after"
            + "%; there is no earlier figure to compare it with."
        )
    if way == "unchanged":
        return "Coverage stayed at " + slot % "after" + "%."
    up = "up" if way == "rose" else "down"
    change = slot % "change" + " points"
    return (
        f"Coverage {way} from " + slot % "before" + "% to " + slot % "after" + f"%, {up} {change}."
    )


def _counts(fact: Fact) -> str:
    slot = f"{{{fact.id}.%s}}"
    now = slot % "covered_after" + " of " + slot % "executable_after" + " executable lines"
    if "covered_before" not in fact.values:
        return f"Tests reach {now}."
    same = all(
        fact.values[f"{key}_before"] == fact.values[f"{key}_after"]
        for key in ("covered", "executable")
    )
    if same:
        return f"As before, tests reach {now}."
    then = slot % "covered_before" + " of " + slot % "executable_before"
    return f"Tests now reach {now}; it was {then} before."


def _gaps(facts: Sequence[Fact], way: str, opening: str) -> _Said:
    gaps = _kind(facts, f"gap {way}")
    for total in _kind(facts, f"gaps {way}"):
        lines, functions = f"{{{total.id}.lines}} lines", f"{{{total.id}.functions}} functions"
        if way == "closed":
            yield f"Tests newly reach {lines} in {functions}.", ()
        else:
            yield f"The commit leaves {lines} in {functions} uncovered.", ()
    if gaps:
        listed = [
            f"{{{fact.id}.lines}}{'' if n else ' lines'} of {{{fact.id}.function}} "
            f"in {{{fact.id}.path}}"
            for n, fact in enumerate(gaps)
        ]
        listed += [
            f"some in {{{total.id}.others}} other functions"
            for total in _kind(facts, f"gaps {way}")
            if "others" in total.values
        ]
        yield f"{opening} {_and(listed)}.", ()


def _desk(facts: Sequence[Fact]) -> _Said:
    drafts = _kind(facts, "draft")
    for total in _kind(facts, "drafts"):
        text = f"{{{total.id}.drafts}} test drafts wait to be read"
        if total.values["mutants"]:
            text += f"; together they kill {{{total.id}.killed}} of {{{total.id}.mutants}} mutants"
        yield text + ".", ()
        listed = [_place(fact) + _killed(fact) for fact in drafts]
        if "others" in total.values:
            listed.append(f"{{{total.id}.others}} others")
        yield f"They are for {_and(listed)}.", ()
        return
    for fact in drafts:
        text = f"A test draft for {_place(fact)} is ready"
        if fact.values["mutants"]:
            text += f" and kills {{{fact.id}.killed}} of {{{fact.id}.mutants}} mutants"
        yield text + ".", ()


def _place(fact: Fact) -> str:
    return f"{{{fact.id}.function}} in {{{fact.id}.path}}"


def _killed(fact: Fact) -> str:
    if not fact.values["mutants"]:
        return ""
    return f" ({{{fact.id}.killed}} of {{{fact.id}.mutants}} mutants killed)"


def _and(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


_WRITERS = {
    "What changed": _what,
    "Why": _why,
    "Tests": _tests,
    "Coverage": _coverage,
    "On the desk": _desk,
}
