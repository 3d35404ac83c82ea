"""A story of a span from facts alone: what readers get first, numbers last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.records import Fact, Poll, Sentence, Story
from copydesk.agent.stories.api_sentences import api_sentences, call_sentence
from copydesk.agent.stories.check_story import CATEGORIES
from copydesk.agent.stories.facts import shortened
from copydesk.agent.stories.fill_slots import cited, fill
from copydesk.agent.stories.readers import (
    DONE,
    SAID,
    done_texts,
    reader_hook,
    reader_poll,
    reader_question,
    said_texts,
)
from copydesk.agent.stories.span_items import LEFT_OUT, MOST_LISTED, Item, items, sentence_of
from copydesk.agent.stories.span_voice import person_of
from copydesk.agent.stories.template import sentences as measured_sentences

PLAIN = "template"
"""The origin of a story that no model has worded."""

NEW, CHANGED = "What is new", "What changed"
READER_SECTIONS = (
    (NEW, ("Added",)),
    (CHANGED, ("Changed", "Deprecated", "Removed")),
    ("What is fixed", ("Fixed", "Security")),
)
"""The sections for readers, and the categories that each tells."""

MOST_WORDS = 420
"""Words of all the sections for readers; what does not fit stays in the list of changes."""
MOST_ITEMS = 8
MOST_NOTES = 4
LONGEST_TITLE, LONGEST_HOOK, LONGEST_ANSWER = 80, 199, 55
MOST_ANSWERS = 5

_Section = tuple[str, tuple[Sentence, ...]]
"""A heading and its sentences."""
_Texts = Iterator[tuple[str, Sequence[str]]]
"""Texts with slots, and the facts each rests on besides those of its slots."""


def span_story(facts: Sequence[Fact], *, date: str) -> Story:
    """Write the story of a span.

    Args:
        facts: What span_facts returned.
        date: The day of the story, as it is to be shown.
    """
    by_id = {fact.id: fact for fact in facts}
    things = items(facts)
    poll = reader_poll(facts) or _poll(things)
    person = person_of(facts)
    open_question = _OPEN_QUESTION.get(person, _OPEN_QUESTION[""])
    question = poll.question if poll else Sentence(open_question, (facts[0].id,))
    sections = _with_calls([*_reader_sections(things, by_id, person)], facts)
    for heading, texts in (
        (DONE, done_texts(facts)),
        (SAID, said_texts(facts)),
        ("Why", _why(facts)),
        ("How it was tested", _tested(facts)),
        ("Behind it", _behind(facts, person)),
    ):
        worded = tuple(_sentence(text, extra, by_id) for text, extra in texts)
        if heading == "How it was tested":
            worded += _measured(facts)
        if worded:
            sections.append((heading, worded))
    return Story(
        title=_title(facts, things),
        date=date,
        sections=tuple(sections),
        origin=PLAIN,
        hook=reader_hook(facts, LONGEST_HOOK) or _hook(things, by_id),
        question=reader_question(facts) or question,
        poll=poll,
        changes=_changes(things, by_id),
        tags=_tags(facts, things),
    )


def _sentence(text: str, extra: Sequence[str], by_id: dict[str, Fact]) -> Sentence:
    return Sentence(fill(text, by_id), tuple(dict.fromkeys((*cited(text), *extra))))


def _reader_sections(
    things: Sequence[Item], by_id: dict[str, Fact], person: str
) -> Iterator[tuple[str, tuple[Sentence, ...]]]:
    """The sections for readers, as far as the words last: each has its share."""
    wanted = [(h, [t for t in things if t.category in c]) for h, c in READER_SECTIONS]
    wanted = [(heading, of_section) for heading, of_section in wanted if of_section]
    words_left = MOST_WORDS
    for number, (heading, of_section) in enumerate(wanted):
        share = words_left // (len(wanted) - number) if number else words_left * 6 // 10
        worded = _worded(of_section, by_id, person)
        sentences = _fitting(worded, share if len(wanted) > 1 else words_left)
        words_left -= sum(len(sentence.text.split()) for sentence in sentences)
        yield heading, tuple(sentences)


def _with_calls(sections: list[_Section], facts: Sequence[Fact]) -> list[_Section]:
    """The sections with what the same call gave before and gives now, at the end of what changed;
    where there is no such section, in one of its own.
    """
    by_id = {fact.id: fact for fact in facts}
    calls = tuple(
        _sentence(call_sentence(fact), (), by_id) for fact in facts if fact.kind == "behaviour"
    )
    if not calls:
        return sections
    headings = [heading for heading, _ in sections]
    if CHANGED in headings:
        return [(h, (*s, *calls) if h == CHANGED else s) for h, s in sections]
    return [*sections[: headings.count(NEW)], (CHANGED, calls), *sections[headings.count(NEW) :]]


def _worded(things: Sequence[Item], by_id: dict[str, Fact], person: str) -> list[Sentence]:
    """The sentences of the things of a section."""
    worded: list[Sentence] = []
    api = [thing for thing in things if not thing.words]
    for thing in things:
        if thing.words:
            worded.append(Sentence(sentence_of(thing.words), thing.facts))
        elif thing is api[0]:
            texts = api_sentences([other.lead for other in api], person)
            worded += [_sentence(text, extra, by_id) for text, extra in texts]
    return worded


def _fitting(worded: Sequence[Sentence], words: int) -> list[Sentence]:
    """The first sentences of a section, as many as fit; one always does."""
    sentences: list[Sentence] = []
    for sentence in worded[:MOST_ITEMS]:
        words -= len(sentence.text.split())
        if sentences and words < 0:
            break
        sentences.append(sentence)
    return sentences


def _why(facts: Sequence[Fact]) -> _Texts:
    """The author's reasons, each with the commit or the name that it is about."""
    for fact in [fact for fact in facts if fact.kind == "note"][:MOST_NOTES]:
        slot = f"{{{fact.id}.%s}}"
        if "name" in fact.values:
            yield "On " + slot % "name" + ": " + slot % "note", ()
        elif "short" in fact.values:
            yield slot % "note" + " (" + slot % "short" + ")", ()
        else:
            yield slot % "note", ()


def _tested(facts: Sequence[Fact]) -> _Texts:
    for fact in facts:
        slot = f"{{{fact.id}.%s}}"
        if fact.kind == "fixed tests":
            names = [slot % key for key in fact.values if key.startswith("test_")]
            if "others" in fact.values:
                names.append(slot % "others" + " other tests")
            verb = "passes" if len(names) == 1 else "pass"
            yield f"{_and(names)} failed before and {verb} now.", ()
        elif fact.kind == "accepted":
            names = [slot % key for key in fact.values if key.startswith("function_")]
            drafts = slot % "accepted" + " test drafts"
            yield f"{drafts} joined the suite, for {_and(names)}.", ()


_MEASURED = ("tests", "doubt", "coverage", "lines", "gaps closed", "gaps opened", "unmeasured")


def _measured(facts: Sequence[Fact]) -> tuple[Sentence, ...]:
    """What tests and coverage say; that nothing was measured only where nothing else is told."""
    measured_facts = [
        fact for fact in facts if fact.kind in _MEASURED and fact.kind != "unmeasured"
    ]
    by_section = measured_sentences(measured_facts)
    sentences = [*by_section.get("Tests", ()), *by_section.get("Coverage", ())]
    for fact in facts:
        if fact.kind == "floor" and fact.values["state"] == "below":
            text = f"That is below the floor of {{{fact.id}.floor}}%."
            coverage = [f.id for f in facts if f.kind == "coverage"]
            sentences.append(_sentence(text, coverage, {f.id: f for f in facts}))
    return tuple(sentences)


def _behind(facts: Sequence[Fact], person: str) -> _Texts:
    kinds = {fact.kind for fact in facts}
    for fact in facts:
        slot = f"{{{fact.id}.%s}}"
        if fact.kind == "releases":
            days = "from " + slot % "date_1" + " to " + slot % "date_2"
            names = slot % "tag_1" + " to " + slot % "tag_2"
            yield slot % "releases" + f" releases were tagged {days}, {names}.", ()
        if fact.kind == "release" and "releases" not in kinds:
            yield slot % "tag" + " was tagged on " + slot % "date" + ".", ()
    for fact in facts:
        if fact.kind == "span":
            yield from _span(fact, person)
    others = [fact for fact in facts if fact.kind == "other contributors"]
    yield from _people([fact for fact in facts if fact.kind == "contributor"], others)


def _span(fact: Fact, person: str) -> _Texts:
    slot = f"{{{fact.id}.%s}}"
    values = fact.values
    days = "of " + slot % "date_1"
    if values["date_1"] != values["date_2"]:
        days = "from " + slot % "date_1" + " to " + slot % "date_2"
    commits, files = slot % "commits" + " commits", slot % "files" + " files"
    verb = "differs" if values["files"] == 1 else "differ"
    lines = [f"{slot % 'added'} lines added"] if values["added"] else []
    if values["removed"]:
        lines.append(slot % "removed" + ("" if lines else " lines") + " removed")
    tail = f", with {_and(lines)}" if lines else ""
    lead = f"After the {commits} {days}, "
    if person:
        lead = f"{person[:1].upper()}{person[1:]} made {commits} {days.replace('of', 'on', 1)}: "
    yield f"{lead}{files} {verb}{tail}.", ()
    if "behind" in values and values["behind"] != values["commits"]:
        verb = "is" if values["behind"] == 1 else "are"
        yield (
            (
                f"Going by {_and(_grouped_by(fact))}, {slot % 'behind'} of the {commits} {verb}"
                " documentation, tests and upkeep."
            ),
            (),
        )


def _grouped_by(span: Fact) -> list[str]:
    """What says of the commits what they are, in words."""
    ways = {
        "by_type": "the type in their subject",
        "by_files": "the files that they touch",
        "by_word": "the words of their subject",
    }
    return [words for key, words in ways.items() if key in span.values] or ["their subject"]


def _people(people: Sequence[Fact], others: Sequence[Fact]) -> _Texts:
    """Who made the commits, where it is more than one; then who is here for the first time."""
    names = [f"{{{fact.id}.author}}" for fact in people]
    more = [f"{{{fact.id}.others}} others" for fact in others]
    if len(names) > 1:
        yield f"The commits are by {_and([*names, *more])}.", ()
    new = [f"{{{fact.id}.author}}" for fact in people if "first" in fact.values]
    if new and len(names) > 1:
        noun = "A first commit here is" if len(new) == 1 else "First commits here are"
        yield f"{noun} by {_and(new)}.", ()


def _title(facts: Sequence[Fact], things: Sequence[Item]) -> str:
    """A release by its tag; else the new names; else the first thing, in the author's words."""
    span = next(fact for fact in facts if fact.kind == "span")
    tags = [str(fact.values["tag"]) for fact in facts if fact.kind == "release"]
    if tags:
        return " ".join(filter(None, ("What is new in", _project(span, tags[-1]), tags[-1])))
    names = _new_names(things)
    if names:
        return shortened(f"New: {_and(names[:3])}", LONGEST_TITLE)
    for thing in things:
        title = sentence_of(thing.words).removesuffix(".") if thing.words else ""
        if title and len(title) <= LONGEST_TITLE:
            return title
    return f"Changes up to {span.values['date_2']}"


def _project(span: Fact, tag: str) -> str:
    """The project's name, unless the tag has it already."""
    name = str(span.values.get("project", ""))
    return "" if name in tag else name


def _new_names(things: Sequence[Item]) -> list[str]:
    """The names of the API that are new, as far as they are told for themselves."""
    facts = [
        fact
        for thing in things
        for fact in (thing.lead, *thing.others)
        if fact.kind in ("api added", "option added")
    ]
    names = [str(fact.values.get("option") or fact.values["name"]) for fact in facts]
    return [name for name in dict.fromkeys(names) if len(name) <= LONGEST_ANSWER]


def _hook(things: Sequence[Item], by_id: dict[str, Fact]) -> Sentence | None:
    """One sentence that opens a thread: an entry, else the new names, else what is short."""
    in_words = [thing for thing in things if thing.words]
    entries = [t for t in in_words if t.lead.kind == "entry" and t.category == "Added"]
    candidates = [Sentence(sentence_of(t.words), t.facts) for t in entries]
    candidates += _new_names_sentence(things, by_id)
    candidates += [Sentence(sentence_of(t.words), t.facts) for t in in_words]
    return next((hook for hook in candidates if len(hook.text) <= LONGEST_HOOK), None)


def _new_names_sentence(things: Sequence[Item], by_id: dict[str, Fact]) -> list[Sentence]:
    """A sentence with the first new names; none where there are none."""
    new = [thing.lead for thing in things if thing.lead.kind in ("api added", "option added")]
    slots = [f"{{{f.id}.{'option' if 'option' in f.values else 'name'}}}" for f in new[:3]]
    if not slots:
        return []
    return [_sentence(f"{_and(slots)} {'is' if len(slots) == 1 else 'are'} new.", (), by_id)]


_QUESTIONS = {
    "What is new": "Which of these will you try first?",
    "What changed": "Which of these changes matters to you?",
    "What is fixed": "Which of these had you waited for?",
}
_OPEN_QUESTION = {
    "": "What should come next?",
    "I": "What should I do next?",
    "we": "What should we do next?",
}


def _poll(things: Sequence[Item]) -> Poll | None:
    """A closed question about what readers get; None where there is nothing to choose from."""
    for heading, categories in READER_SECTIONS:
        answers = _answers([thing for thing in things if thing.category in categories])
        if len(answers) > 1:
            cited_ids = tuple(dict.fromkeys(i for answer in answers for i in answer.facts))
            return Poll(Sentence(_QUESTIONS[heading], cited_ids), tuple(answers))
    return None


def _answers(things: Sequence[Item]) -> list[Sentence]:
    """What readers may choose from: new names and short things."""
    answers: dict[str, Sentence] = {}
    for thing in things:
        name = thing.lead.values.get("option") or thing.lead.values.get("name")
        text = sentence_of(thing.words).removesuffix(".") if thing.words else str(name)
        if len(text) <= LONGEST_ANSWER and not text.endswith("…"):
            answers.setdefault(text.lower(), Sentence(text, thing.facts))
    return list(answers.values())[:MOST_ANSWERS]


def _changes(
    things: Sequence[Item], by_id: dict[str, Fact]
) -> tuple[tuple[str, tuple[Sentence, ...]], ...]:
    """The list of changes, by category."""
    changes = []
    for category in CATEGORIES:
        of_category = [thing for thing in things if thing.category == category]
        entries = [Sentence(_entry(t.words), t.facts) for t in of_category if t.words]
        entries += [
            _sentence(text, extra, by_id)
            for thing in of_category
            if not thing.words
            for text, extra in api_sentences([thing.lead])
        ]
        entries = _shortened(entries, category, by_id)
        if entries:
            changes.append((category, tuple(entries)))
    return tuple(changes)


def _shortened(entries: list[Sentence], category: str, by_id: dict[str, Fact]) -> list[Sentence]:
    """A list as it is; where a fact counts what it leaves out, its beginning and that number."""
    for fact in by_id.values():
        if fact.kind == LEFT_OUT and fact.values["listed"] == category:
            return [
                *entries[: MOST_LISTED - 1],
                _sentence(f"And {{{fact.id}.others}} more.", (), by_id),
            ]
    return entries


def _entry(words: str) -> str:
    """The author's words as an entry of a list, whole."""
    return words[:1].upper() + words[1:] if words[:1].isalpha() else words


def _tags(facts: Sequence[Fact], things: Sequence[Item]) -> tuple[str, ...]:
    kinds = {fact.kind for fact in facts}
    categories = {thing.category for thing in things}
    tags = ["release"] if "release" in kinds else []
    tags += ["features"] if "Added" in categories else []
    tags += ["fixes"] if "Fixed" in categories else []
    return tuple(tags)


def _and(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
