"""Write the dev log entry of a commit: from a template, or worded by a model and checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from copydesk.agent.model import prompts
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.model.json_schema import parse_json
from copydesk.agent.model.types import DEFAULT_OPTIONS, AnswerOptions
from copydesk.agent.records import Fact, Json, Sentence, Story
from copydesk.agent.stories import template
from copydesk.agent.stories.check_story import check_sentence
from copydesk.agent.stories.fill_slots import UnknownSlot, cited, fill
from copydesk.agent.stories.voice import PLAIN_MANNER, Manner
from copydesk.agent.text import clean, one_line

PLAIN = "template"
"""The origin of an entry that no model has worded."""

MAX_SENTENCES = 16
MAX_LENGTH = 400
"""Characters of one sentence; more is a model that runs away."""

_MUST_SAY = ("tests", "coverage", "gap opened", "gaps opened")
"""Kinds of fact that an entry never passes over in silence."""


class ModelAnswer(Protocol):
    """What is needed of an answer."""

    @property
    def text(self) -> str:
        """JSON of the shape that was asked for."""

    @property
    def model(self) -> str:
        """The name of the model that answered."""


class ModelClient(Protocol):
    """What is needed of a model client: agent.model.client.Client is one."""

    def ask(
        self,
        prompt: str,
        *,
        purpose: str,
        system: str = "",
        version: str = "",
        options: AnswerOptions = DEFAULT_OPTIONS,
    ) -> ModelAnswer:
        """Ask once; raises ModelFault."""


class FactsWording(NamedTuple):
    """A model's sentences that hold, how many it proposed, and its name."""

    sentences: list[Sentence]
    proposed: int
    model: str


class _Proposal(NamedTuple):
    """A sentence as a model proposed it, and what is wrong with it."""

    raw: Json
    sentence: Sentence | None
    faults: tuple[str, ...]


def _ignored(_error: ModelFault | ModelUnavailable) -> None:
    """Tell nobody."""


def write_devlog(
    facts: Sequence[Fact],
    client: ModelClient | None,
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
    by_template = template.sentences(facts)
    by_model, model = _worded(facts, client, on_fault) if client is not None else ({}, "")
    sections = []
    for section, kinds in template.SECTIONS:
        plain = by_template.get(section, ())
        sentences = by_model.get(section) or plain
        must_say = {f.id for f in facts if f.kind in kinds and f.kind in _MUST_SAY}
        sentences += _missing(must_say, sentences, plain)
        if sentences:
            sections.append((section, sentences))
    return Story(_title(facts), date, tuple(sections), model if by_model else PLAIN)


def _title(facts: Sequence[Fact]) -> str:
    for fact in facts:
        if fact.kind == "commit":
            return str(fact.values.get("subject") or f"Commit {fact.values['short']}")
    return "Dev log"


def _missing(
    must_say: set[str], sentences: tuple[Sentence, ...], plain: tuple[Sentence, ...]
) -> tuple[Sentence, ...]:
    """The template's sentences for the facts that must be said and are not.

    Args:
        must_say: The ids of these facts.
        sentences: What is said.
        plain: The template's sentences.
    """
    unsaid = must_say.difference(*(sentence.facts for sentence in sentences))
    return tuple(sentence for sentence in plain if not unsaid.isdisjoint(sentence.facts))


def _worded(
    facts: Sequence[Fact],
    client: ModelClient,
    on_fault: Callable[[ModelFault | ModelUnavailable], None],
) -> tuple[dict[str, tuple[Sentence, ...]], str]:
    """The model's sentences that hold, by section; none when too few do."""
    wording = word_facts(facts, client, "devlog", on_fault)
    count = len(wording.sentences)
    if count < 2 or count * 2 < wording.proposed:
        return {}, ""
    kinds_by_id = {fact.id: fact.kind for fact in facts}
    sections: dict[str, tuple[Sentence, ...]] = {}
    for sentence in wording.sentences:
        section = _section_of(kinds_by_id[sentence.facts[0]])
        sections[section] = (*sections.get(section, ()), sentence)
    return sections, wording.model


def _section_of(kind: str) -> str:
    """The section that tells a kind of fact."""
    return next(section for section, kinds in template.SECTIONS if kind in kinds)


def word_facts(
    facts: Sequence[Fact],
    client: ModelClient,
    name: str,
    on_fault: Callable[[ModelFault | ModelUnavailable], None] = _ignored,
    *,
    manner: Manner = PLAIN_MANNER,
) -> FactsWording:
    """Have a model word facts, and keep what they hold.

    Bad sentences go back once with what is wrong with them.

    Args:
        facts: What it may say.
        client: The model.
        name: The prompt, which is also the purpose in the log.
        on_fault: Told what went wrong when the model failed.
        manner: How the author writes.

    Returns:
        The sentences that hold, each once; none when the model failed.
    """
    request = _WordingRequest(client, name, facts, manner)
    try:
        proposals, model = request.propose()
    except (ModelFault, ModelUnavailable) as error:
        on_fault(error)
        return FactsWording([], 0, "")
    request.repair(proposals)
    sentences = dict.fromkeys(p.sentence for p in proposals if p.sentence and not p.faults)
    return FactsWording(list(sentences), len(proposals), model)


class _WordingRequest:
    """Asks a model to word facts, and to word again what is wrong.

    Args:
        client: The model.
        name: The prompt.
        facts: What it may say.
        manner: How the author writes.
    """

    def __init__(
        self, client: ModelClient, name: str, facts: Sequence[Fact], manner: Manner
    ) -> None:
        self._client = client
        self._name = name
        self._facts = facts
        self._manner = manner
        self._instructions = prompts.load(name)
        self._prompt = self._instructions.fill(facts=_sheet(facts), voice=manner.prompt).strip()

    def propose(self) -> tuple[list[_Proposal], str]:
        """The sentences that the model proposes, and its name."""
        answer = self._ask(self._prompt, self._name, self._instructions.version)
        return [self._check(raw) for raw in _sentences_of(answer.text)], answer.model

    def repair(self, proposals: list[_Proposal]) -> None:
        """Send the bad sentences back once, each with what is wrong with it; mend the list."""
        bad = [i for i, proposal in enumerate(proposals) if proposal.faults]
        if not bad:
            return
        faulty = [
            {"text": proposals[i].raw["text"], "wrong": list(proposals[i].faults)} for i in bad
        ]
        again = prompts.load("devlog-again")
        prompt = again.fill(prompt=self._prompt, sentences=json.dumps(faulty, ensure_ascii=False))
        try:
            answer = self._ask(prompt, f"{self._name}-repair", again.version)
        except (ModelFault, ModelUnavailable):
            return  # what holds of the first answer still does
        for i, raw in zip(bad, _sentences_of(answer.text), strict=False):
            proposals[i] = self._check(raw)

    def _check(self, raw: Json) -> _Proposal:
        """A proposed sentence, and what is wrong with it: by its facts, or in its manner."""
        proposal = _check(raw, self._facts)
        if proposal.sentence is None:
            return proposal
        faults = self._manner.faults(proposal.sentence.text)
        return proposal._replace(faults=(*proposal.faults, *faults))

    def _ask(self, prompt: str, purpose: str, version: str) -> ModelAnswer:
        return self._client.ask(
            prompt,
            purpose=purpose,
            system=self._instructions.system,
            version=version,
            options=AnswerOptions(max_tokens=1200, schema=_schema(self._facts)),
        )


def _sentences_of(text: str) -> list[Json]:
    """The sentences of an answer; what has not the shape that was asked for is left out."""
    try:
        data = parse_json(text)
    except ValueError:
        return []
    sentences: Any = data.get("sentences") if isinstance(data, dict) else None
    if not isinstance(sentences, list):
        return []
    return [raw for raw in sentences[:MAX_SENTENCES] if _is_sentence(raw)]


def _is_sentence(raw: Any) -> bool:
    if not isinstance(raw, dict):
        return False
    return isinstance(raw.get("text"), str) and isinstance(raw.get("facts"), list)


def _check(raw: Json, facts: Sequence[Fact]) -> _Proposal:
    """A proposed sentence with its slots filled, and what its facts do not support."""
    by_id = {fact.id: fact for fact in facts}
    text = clean(" ".join(raw["text"].split()), keep="")
    if not text or len(text) > MAX_LENGTH:
        return _Proposal(raw, None, (f"a sentence has 1 to {MAX_LENGTH} characters",))
    named = [str(fact) for fact in raw["facts"]]
    ids = tuple(dict.fromkeys((*cited(text), *filter(by_id.__contains__, named))))
    if not ids:
        return _Proposal(raw, None, ("it cites no fact",))
    try:
        sentence = Sentence(fill(text, by_id), ids)
    except UnknownSlot as error:
        return _Proposal(raw, None, (str(error),))
    problems = check_sentence(sentence, facts)
    faults = tuple(f"{one_line(problem.token, 60)}: {problem.why}" for problem in problems)
    return _Proposal(raw, sentence, faults)


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
