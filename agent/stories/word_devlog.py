"""Write the dev log entry of a commit: from a template, or worded by a model and checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from copydesk.agent.model import prompts
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.model.json_schema import loads
from copydesk.agent.records import Fact, Json, Sentence, Story
from copydesk.agent.stories import template
from copydesk.agent.stories.check_story import check_sentence
from copydesk.agent.stories.fill_slots import UnknownSlot, cited, fill
from copydesk.agent.text import clean, one_line

PLAIN = "template"
"""The origin of an entry that no model has worded."""

MAX_SENTENCES = 16
MAX_LENGTH = 400
"""Characters of one sentence; more is a model that runs away."""

_MUST_SAY = ("tests", "coverage", "gap opened", "gaps opened")
"""Kinds of fact that an entry never passes over in silence."""


class Answers(Protocol):
    """What is needed of an answer."""

    @property
    def text(self) -> str:
        """JSON of the asked shape."""

    @property
    def model(self) -> str:
        """The name of the model that answered."""


class Asks(Protocol):
    """What is needed of a model client: agent.model.client.Client is one."""

    def ask(
        self,
        prompt: str,
        *,
        system: str = "",
        purpose: str,
        max_tokens: int = 512,
        schema: Json | None = None,
        seed: int = 0,
        version: str = "",
    ) -> Answers:
        """Ask once; raises ModelFault."""


class _Wording(NamedTuple):
    """A sentence as a model proposed it, and what is wrong with it."""

    raw: Json
    sentence: Sentence | None
    faults: tuple[str, ...]


def _ignored(_error: ModelFault | ModelUnavailable) -> None:
    """Tell nobody."""


def write_devlog(
    facts: Sequence[Fact],
    client: Asks | None,
    *,
    date: str,
    on_fault: Callable[[ModelFault | ModelUnavailable], None] = _ignored,
) -> Story:
    """Write the entry of one commit.

    A model only words sentences: it names facts by id and puts slots where numbers and names go.
    Each sentence is checked; bad ones go back once with the reasons; what is still bad is left
    out, and what is then untold the template tells. When the model fails, or little of what it
    wrote holds, the template writes the whole entry.

    Args:
        facts: What commit_facts returned.
        client: A model, or None.
        date: The day of the entry, as it is to be shown.
        on_fault: Told what went wrong when the model failed.

    Returns:
        A story whose origin is "template" or the model's name.
    """
    plain = template.sentences(facts)
    worded, model = _worded(facts, client, on_fault) if client is not None else ({}, "")
    sections = []
    for section, kinds in template.SECTIONS:
        lines = worded.get(section) or plain.get(section, ())
        lines += _missing(lines, plain.get(section, ()), kinds, facts)
        if lines:
            sections.append((section, lines))
    return Story(_title(facts), date, tuple(sections), model if worded else PLAIN)


def _title(facts: Sequence[Fact]) -> str:
    for fact in facts:
        if fact.kind == "commit":
            return str(fact.values.get("subject") or f"Commit {fact.values['short']}")
    return "Dev log"


def _missing(
    lines: tuple[Sentence, ...],
    plain: tuple[Sentence, ...],
    kinds: Sequence[str],
    facts: Sequence[Fact],
) -> tuple[Sentence, ...]:
    """The template's sentences for what must be said and is not."""
    told = {fact for sentence in lines for fact in sentence.facts}
    due = {f.id for f in facts if f.kind in kinds and f.kind in _MUST_SAY} - told
    return tuple(sentence for sentence in plain if due & set(sentence.facts))


def _worded(
    facts: Sequence[Fact], client: Asks, on_fault: Callable[[ModelFault | ModelUnavailable], None]
) -> tuple[dict[str, tuple[Sentence, ...]], str]:
    """The model's sentences that hold, by section; none when too few do."""
    good, asked, model = checked_sentences(facts, client, "devlog", on_fault)
    if len(good) < 2 or len(good) * 2 < asked:
        return {}, ""
    kind = {fact.id: fact.kind for fact in facts}
    sections: dict[str, tuple[Sentence, ...]] = {}
    for sentence in good:
        section = next(s for s, kinds in template.SECTIONS if kind[sentence.facts[0]] in kinds)
        sections[section] = (*sections.get(section, ()), sentence)
    return sections, model


def checked_sentences(
    facts: Sequence[Fact],
    client: Asks,
    name: str,
    on_fault: Callable[[ModelFault | ModelUnavailable], None] = _ignored,
) -> tuple[list[Sentence], int, str]:
    """Have a model word facts, and keep what they hold.

    Bad sentences go back once with what is wrong with them.

    Args:
        facts: What it may say.
        client: The model.
        name: The prompt, which is also the purpose in the log.
        on_fault: Told what went wrong when the model failed.

    Returns:
        The sentences that hold, how many there were, and the model's name.
    """
    known = prompts.load(name)
    prompt = known.fill(facts=_sheet(facts)).strip()
    try:
        answer = _ask(client, prompt, facts, name, known.version, known.system)
    except (ModelFault, ModelUnavailable) as error:
        on_fault(error)
        return [], 0, ""
    wordings = [_wording(raw, facts) for raw in _sentences_of(answer.text)]
    wordings = _repaired(wordings, facts, client, prompt, name)
    good = dict.fromkeys(w.sentence for w in wordings if w.sentence and not w.faults)
    return list(good), len(wordings), answer.model


def _ask(
    client: Asks, prompt: str, facts: Sequence[Fact], purpose: str, version: str, system: str
) -> Answers:
    return client.ask(
        prompt,
        system=system,
        purpose=purpose,
        max_tokens=1200,
        schema=_schema(facts),
        version=version,
    )


def _repaired(
    wordings: list[_Wording], facts: Sequence[Fact], client: Asks, prompt: str, name: str
) -> list[_Wording]:
    """Send the bad sentences back once, each with what is wrong with it."""
    bad = [i for i, wording in enumerate(wordings) if wording.faults]
    if not bad:
        return wordings
    listed = [{"text": wordings[i].raw["text"], "wrong": list(wordings[i].faults)} for i in bad]
    known = prompts.load("devlog-again")
    again = known.fill(prompt=prompt, sentences=json.dumps(listed, ensure_ascii=False))
    try:
        system = prompts.load(name).system
        answer = _ask(client, again, facts, f"{name}-repair", known.version, system)
    except (ModelFault, ModelUnavailable):
        return wordings  # what holds of the first answer still does
    for i, raw in zip(bad, _sentences_of(answer.text), strict=False):
        wordings[i] = _wording(raw, facts)
    return wordings


def _sentences_of(text: str) -> list[Json]:
    """The sentences of an answer; what has not the asked shape is left out."""
    try:
        data = loads(text)
    except ValueError:
        return []
    listed: Any = data.get("sentences") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return []
    return [
        raw
        for raw in listed[:MAX_SENTENCES]
        if isinstance(raw, dict)
        and isinstance(raw.get("text"), str)
        and isinstance(raw.get("facts"), list)
    ]


def _wording(raw: Json, facts: Sequence[Fact]) -> _Wording:
    table = {fact.id: fact for fact in facts}
    text = clean(" ".join(raw["text"].split()), keep="")
    if not text or len(text) > MAX_LENGTH:
        return _Wording(raw, None, (f"a sentence has 1 to {MAX_LENGTH} characters",))
    named = (str(i) for i in raw["facts"])
    ids = tuple(dict.fromkeys((*cited(text), *(i for i in named if i in table))))
    if not ids:
        return _Wording(raw, None, ("it cites no fact",))
    try:
        sentence = Sentence(fill(text, table), ids)
    except UnknownSlot as error:
        return _Wording(raw, None, (str(error),))
    faults = tuple(f"{one_line(p.token, 60)}: {p.why}" for p in check_sentence(sentence, facts))
    return _Wording(raw, sentence, faults)


def _schema(facts: Sequence[Fact]) -> Json:
    """The shape of an answer; the ids are closed, so a made-up fact cannot be cited."""
    item = {
        "type": "object",
        "required": ["text", "facts"],
        "properties": {
            "text": {"type": "string", "maxLength": MAX_LENGTH},
            "facts": {
                "type": "array",
                "items": {"type": "string", "enum": [f.id for f in facts]},
                "maxItems": len(facts),
            },
        },
    }
    return {
        "type": "object",
        "required": ["sentences"],
        "properties": {"sentences": {"type": "array", "items": item, "maxItems": MAX_SENTENCES}},
    }


def _sheet(facts: Sequence[Fact]) -> str:
    rows = [
        {"id": f.id, "kind": f.kind, "text": f.text, "slots": [f"{{{f.id}.{k}}}" for k in f.values]}
        for f in facts
    ]
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
