"""A dev log entry from facts alone, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.records import Fact, Sentence
from copydesk.agent.stories.fill_slots import cited, fill

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What changed", ("commit", "change", "file", "functions")),
    ("Why", ("note",)),
    ("Tests", ("tests", "doubt", "unmeasured")),
    ("Coverage", ("coverage", "lines", "gaps closed", "gap closed", "gaps opened", "gap opened")),
    ("On the desk", ("drafts", "draft")),
)
"""The sections of an entry in order, and the kinds of fact that each tells."""


SPAN_HEADINGS = (
    *("What is new", "What changed", "What is fixed", "You asked, we did", "What readers said"),
    *("Why", "How it was tested", "Examples", "On the desk", "Behind it"),
)
"""The headings of a story of several commits, in order."""


def sentences(facts: Sequence[Fact]) -> dict[str, tuple[Sentence, ...]]:
    """Word every fact of a commit.

    Args:
        facts: What commit_facts returned.

    Returns:
        Sentences by section, in the order of SECTIONS; a section without facts is left out.
    """
    by_id = {fact.id: fact for fact in facts}
    sections: dict[str, tuple[Sentence, ...]] = {}
    for section, kinds in SECTIONS:
        of_section = [fact for fact in facts if fact.kind in kinds]
        texts = _WRITERS[section](of_section)
        worded = tuple(_sentence(text, extra, by_id) for text, extra in texts)
        if worded:
            sections[section] = worded
    return sections


def _sentence(text: str, extra: Sequence[str], by_id: dict[str, Fact]) -> Sentence:
    return Sentence(fill(text, by_id), tuple(dict.fromkeys((*cited(text), *extra))))


_Texts = Iterator[tuple[str, Sequence[str]]]
"""Texts with slots, and the facts each rests on besides those of its slots."""


def _kind(facts: Sequence[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact.kind == kind]


def _what_changed(facts: Sequence[Fact]) -> _Texts:
    changes = _kind(facts, "change")
    for commit in _kind(facts, "commit"):
        subject = f", {{{commit.id}.subject}}," if "subject" in commit.values else ""
        for change in changes:
            yield f"Commit {{{commit.id}.short}}{subject} {_size(change)}.", (change.id,)
    yield from _changed_files(_kind(facts, "file"), changes)
    for fact in _kind(facts, "functions"):
        yield _changed_functions(fact), ()


def _changed_files(files: Sequence[Fact], changes: Sequence[Fact]) -> _Texts:
    if len(files) == 1:
        yield f"All of it is in {{{files[0].id}.path}}.", ()
    elif files:
        names = [f"{{{file.id}.path}} ({_plus_minus(file)})" for file in files]
        names += [f"{{{c.id}.others}} other files" for c in changes if "others" in c.values]
        yield f"The change is in {_and(names)}.", ()


def _changed_functions(fact: Fact) -> str:
    names = [f"{{{fact.id}.{key}}}" for key in fact.values if key.startswith("function_")]
    if "others" in fact.values:
        names.append(f"{{{fact.id}.others}} other functions")
    noun = "function" if len(names) == 1 else "functions"
    return f"It changes the {noun} {_and(names)}."


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


def _why(facts: Sequence[Fact]) -> _Texts:
    for n, fact in enumerate(facts):
        yield ("The author's note: " if not n else "") + f"{{{fact.id}.note}}", ()


def _tests(facts: Sequence[Fact]) -> _Texts:
    for fact in facts:
        if fact.kind == "unmeasured":
            yield "Nothing was measured for this commit.", (fact.id,)
        elif fact.kind == "doubt":
            yield f"The measure has no verdict: {{{fact.id}.doubt}}.", ()
        else:
            yield from _ran(fact)


def _ran(fact: Fact) -> _Texts:
    slot = f"{{{fact.id}.%s}}"
    selected, total = fact.values.get("selected"), fact.values.get("total")
    if selected == 0:
        of_all = " of the " + slot % "total" + " tests" if total else ""
        yield f"None{of_all} was selected for this change, and none ran.", (fact.id,)
    elif selected is not None and total is not None:
        yield _ran_of_suite(fact), ()
    elif _outcome(fact):
        yield f"Of the tests that ran, {_outcome(fact)}.", (fact.id,)
    elif selected is not None:
        yield slot % "selected" + " tests ran.", ()
    else:
        yield "The suite has " + slot % "total" + " tests.", ()


def _ran_of_suite(fact: Fact) -> str:
    """How many tests of the suite ran, and how they went."""
    slot = f"{{{fact.id}.%s}}"
    if fact.values["selected"] == fact.values["total"]:
        ran = "The whole suite of " + slot % "total" + " tests ran"
    else:
        ran = slot % "selected" + " of " + slot % "total" + " tests ran"
    outcome = _outcome(fact)
    if not outcome:
        return f"{ran}."
    joint = ", and " if outcome.startswith(("all", "none")) else ": "
    return f"{ran}{joint}{outcome}."


def _outcome(fact: Fact) -> str:
    """How the tests went; "" where it is not known."""
    slot = f"{{{fact.id}.%s}}"
    failed, passed = fact.values.get("failed"), fact.values.get("passed")
    all_passed = failed == 0 and "others" not in fact.values
    parts = []
    if failed:
        parts.append(slot % "failed" + " failed")
    if passed:
        parts.append("all passed" if all_passed else slot % "passed" + " passed")
    elif failed == 0:
        parts.append("none failed")
    if "others" in fact.values:
        parts.append(slot % "others" + " neither passed nor failed")
    return _and(parts)


def _coverage(facts: Sequence[Fact]) -> _Texts:
    for fact in facts:
        if fact.kind == "coverage":
            yield _percent(fact), ()
        elif fact.kind == "lines":
            yield _counts(fact), ()
    yield from _gaps(facts, "closed", "Newly reached are")
    yield from _gaps(facts, "opened", "No test reaches")


def _percent(fact: Fact) -> str:
    slot = f"{{{fact.id}.%s}}"
    direction = fact.values.get("direction")
    if direction is None:
        return (
            "Coverage stands at "
            + slot % "after"
            + "%; there is no earlier figure to compare it with."
        )
    if direction == "unchanged":
        return "Coverage stayed at " + slot % "after" + "%."
    percents = "from " + slot % "before" + "% to " + slot % "after" + "%"
    up = "up" if direction == "rose" else "down"
    return f"Coverage {direction} {percents}, {up} " + slot % "change" + " points."


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


def _gaps(facts: Sequence[Fact], change: str, opening: str) -> _Texts:
    """Word the gaps that a commit opened or closed: their total, then those named one by one.

    Args:
        facts: All facts of the section.
        change: "opened" or "closed".
        opening: How the sentence that names them begins.
    """
    totals = _kind(facts, f"gaps {change}")
    for total in totals:
        lines, functions = f"{{{total.id}.lines}} lines", f"{{{total.id}.functions}} functions"
        if change == "closed":
            yield f"Tests newly reach {lines} in {functions}.", ()
        else:
            yield f"The commit leaves {lines} in {functions} uncovered.", ()
    parts: list[str] = []
    for gap in _kind(facts, f"gap {change}"):
        noun = "" if parts else " lines"
        parts.append(f"{{{gap.id}.lines}}{noun} of {_function(gap)}")
    if parts:
        with_others = [total for total in totals if "others" in total.values]
        parts += [f"some in {{{total.id}.others}} other functions" for total in with_others]
        yield f"{opening} {_and(parts)}.", ()


def _desk(facts: Sequence[Fact]) -> _Texts:
    drafts = _kind(facts, "draft")
    for total in _kind(facts, "drafts"):
        yield _drafts_ready(total), ()
        names = [_function(draft) + _killed(draft) for draft in drafts]
        if "others" in total.values:
            names.append(f"{{{total.id}.others}} others")
        yield f"They are for {_and(names)}.", ()
        return
    for draft in drafts:
        text = f"A test draft for {_function(draft)} is ready"
        if draft.values["mutants"]:
            text += f" and kills {{{draft.id}.killed}} of {{{draft.id}.mutants}} mutants"
        yield text + ".", ()


def _drafts_ready(total: Fact) -> str:
    text = f"{{{total.id}.drafts}} test drafts wait to be read"
    if total.values["mutants"]:
        text += f"; together they kill {{{total.id}.killed}} of {{{total.id}.mutants}} mutants"
    return text + "."


def _function(fact: Fact) -> str:
    return f"{{{fact.id}.function}} in {{{fact.id}.path}}"


def _killed(fact: Fact) -> str:
    if not fact.values["mutants"]:
        return ""
    return f" ({{{fact.id}.killed}} of {{{fact.id}.mutants}} mutants killed)"


def _and(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


_WRITERS = {
    "What changed": _what_changed,
    "Why": _why,
    "Tests": _tests,
    "Coverage": _coverage,
    "On the desk": _desk,
}
