"""What a message is: a question, a request, a bug report, praise, a complaint, an answer.

Each cue of `kind_cues` and each word of `kind_words` speaks for some kinds and against others, by
weights fitted on messages that were labelled by hand. The kind with the highest sum is the
message's, and the cue that spoke loudest for it is the reason, or the words where no cue did.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

from copydesk.agent.community.kind_cues import Cues, Facts, cues_of, facts_of
from copydesk.agent.community.kind_phrases import REPORT_FORM, WONDERS
from copydesk.agent.community.kind_words import load_words, loudest_word, word_scores, words_of

KindName = Literal[
    "bug report", "request", "question", "answer", "praise", "complaint", "off-topic", "remark"
]
KINDS: tuple[KindName, ...] = (
    *("bug report", "request", "question", "answer"),
    *("praise", "complaint", "off-topic", "remark"),
)


class Kind(NamedTuple):
    """What a message is, and the words in it that say so."""

    name: KindName
    reason: str


_FEW_WORDS = 12
_TRACEBACK = re.compile(
    r"Traceback \(most recent call last\)|^\s*File \"[^\"]+\", line \d+|"
    r"^\s*at [\w.$<>]+\([\w.]+:\d+\)|^\w+(?:\.\w+)*(?:Error|Exception|Warning): ",
    re.MULTILINE,
)
_ME_TOO = re.compile(
    r"\s*(?:\+1|👍|same here|me too|same (?:issue|problem)|\+1 .{0,60})[.! ]*", re.I
)


def kind_of(
    text: str, *, title: str = "", tone: str = "", is_reply: bool = False, by_author: bool = False
) -> Kind:
    """What a message is, with the reason.

    Args:
        text: The message.
        title: The title of the thread, if the message opens one.
        tone: Its tone, as `Classifier.classify` tells it; "" if that is not known.
        is_reply: Whether it answers another message.
        by_author: Whether the project's author wrote it.

    Returns:
        The kind, and the words that decided.
    """
    facts = facts_of(text, title, tone, is_reply, by_author)
    return _certain(facts) or _likeliest(cues_of(facts), words_of(facts))


def _certain(facts: Facts) -> Kind | None:
    """The kind of a message that leaves no doubt."""
    if not any(character.isalnum() for character in facts.text):
        if any(symbol in facts.text for symbol in "❤👍🎉🚀😍👏🙌"):
            return Kind("praise", f"it is only {facts.text.strip()[:20]}")
        return Kind("off-topic", "it has no words")
    if facts.prose and _ME_TOO.fullmatch(facts.prose):
        return Kind("request", f'it says "{_short(facts.prose)}"')
    match = _TRACEBACK.search(facts.text) or REPORT_FORM.search(facts.prose)
    if match and not facts.by_author:
        return Kind("bug report", f'it shows "{_short(match[0])}"')
    return _certain_question(facts)


def _certain_question(facts: Facts) -> Kind | None:
    if WONDERS.match(facts.prose) and not facts.is_reply:
        return Kind("question", f'it asks "{_short(facts.sentences[0])}"')
    if facts.title.rstrip().endswith("?") and facts.words <= _FEW_WORDS and "?" not in facts.text:
        return Kind("question", f'its title says "{_short(facts.title)}"')
    return None


def _likeliest(cues: Cues, words: set[str]) -> Kind:
    """The kind that the cues and the words speak for most."""
    weights = load_weights()
    learned = load_words()
    scores = word_scores(words, learned)
    by_cue = _weights_by_cue()
    rows = [by_cue[cue] for cue in cues if cue in by_cue]
    spoken = map(sum, zip(*rows, strict=True)) if rows else (0.0,) * len(KINDS)
    for name, bias, loudness in zip(KINDS, by_cue[""], spoken, strict=True):
        scores[name] += bias + loudness
    best = max(KINDS, key=lambda name: scores[name])
    speaking = [cue for cue in cues if weights[best].get(cue, 0.0) > 0]
    if speaking:
        loudest = max(speaking, key=lambda cue: (weights[best][cue], cue))
        return Kind(best, _reason(loudest, cues[loudest]))
    loudest = loudest_word(words, best, learned)
    return Kind(best, f'it says "{loudest}"' if loudest else "nothing speaks for another kind")


def _reason(cue: str, words: str) -> str:
    if not words:
        return cue if cue.startswith(("it ", "its ", "the ")) else "it asks out of courtesy"
    if cue.startswith("title"):
        return f'its title says "{_short(words)}"'
    if "asks" in cue or "asking" in cue:
        return f'it asks "{_short(words)}"'
    return f'it says "{_short(words)}"'


@cache
def load_weights() -> dict[str, dict[str, float]]:
    """By kind, how loud each cue speaks for it; "" is what speaks for it without any cue."""
    text = resources.files(__package__).joinpath("kind_weights.json").read_text("utf-8")
    weights: dict[str, dict[str, float]] = json.loads(text)["weights"]
    return weights


@cache
def _weights_by_cue() -> dict[str, tuple[float, ...]]:
    """By cue, how loud it speaks for each of KINDS."""
    weights = load_weights()
    cues = {cue for name in KINDS for cue in weights[name]} | {""}
    return {cue: tuple(weights[name].get(cue, 0.0) for name in KINDS) for cue in cues}


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 60 else line[:59] + "…"
