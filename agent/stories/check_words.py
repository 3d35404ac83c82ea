"""Whether the telling words of a sentence are held by its facts: directions, verdicts, causes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from copydesk.agent.stories.cited_facts import WORD, Grounds
from copydesk.agent.stories.tokens import Token, next_words, number_of
from copydesk.agent.stories.vocabulary import BANNED, CAUSE, LOOSE, UNITS, WAYS, words

_Found = Iterator[tuple[str, str]]


def wrong_words(cut: Sequence[Token], grounds: Grounds) -> _Found:
    """Find directions that no cited figure took, opinions and comparisons."""
    coverage_only = any(token.word == "coverage" for token in cut)
    ways = grounds.directions(coverage_only=coverage_only)
    for i, token in enumerate(cut):
        word = token.word
        if not word or (word in grounds.words and grounds.says(token.text)):
            continue
        way = WAYS.get(word) or _up_or_down(cut, i)
        if way and way not in ways:
            yield token.text, "the cited facts did not go that way"
        elif word in BANNED and (word not in LOOSE or _measures(cut, i)):
            yield token.text, "an opinion or a comparison that no fact holds"
        elif word == "more" and next_words(cut, i, 1) & {*UNITS, "than"} and "rose" not in ways:
            yield token.text, "the cited facts did not go that way"


def _up_or_down(cut: Sequence[Token], i: int) -> str:
    """up and down tell a direction next to a figure; elsewhere they belong to a verb."""
    if cut[i].word not in {"up", "down"}:
        return ""
    following = cut[i + 1] if i + 1 < len(cut) else None
    previous = cut[i - 1].word if i else ""
    beside = following is not None and (
        number_of(following) is not None or following.word in {"by", "from"}
    )
    if beside or previous in {"is", "was", "went", "goes", "coverage"}:
        return "rose" if cut[i].word == "up" else "fell"
    return ""


def _measures(cut: Sequence[Token], i: int) -> bool:
    following = cut[i + 1] if i + 1 < len(cut) else None
    return following is not None and (
        number_of(following) is not None or bool(next_words(cut, i, 2) & set(UNITS))
    )


def wrong_verdicts(cut: Sequence[Token], grounds: Grounds) -> _Found:
    """Find what is claimed without a number: all passed, nothing measured, no test reaches."""
    said = [token.word for token in cut]
    yield from _outcomes(frozenset(said), grounds)
    text = " ".join(said)
    if re.search(r"\bno tests? (?:reach|cover)|\bno longer\b|\bun(?:covered|tested)\b", text) and (
        not _gap(grounds, "opened")
    ):
        yield "uncovered", "no cited fact tells of lines that became uncovered"
    now = r"\bnewly\b|\bnow (?:reach|cover)"
    if re.search(now, text) and not (_gap(grounds, "closed") or grounds.has("lines")):
        yield "now", "no cited fact tells of lines that became covered"
    for key, verbs in _EDITS.items():
        done = [verb for verb in said if verb in verbs]
        told = any(f.key == key and f.value for f in grounds.figures)
        if done and not told and not any(map(grounds.says, done)):
            yield done[0], f"the cited facts have nothing {key}"


_EDITS = {
    "added": frozenset({"add", "adds", "added", "adding"}),
    "removed": frozenset(words("remove removes removed removing delete deletes deleted deleting")),
}
_FAILING = frozenset({"fail", "fails", "failed", "failing"})


def _outcomes(said: frozenset[str], grounds: Grounds) -> _Found:
    failed, passed, others, selected, total = (
        grounds.value("tests", key) for key in ("failed", "passed", "others", "selected", "total")
    )
    every = said & {"all", "every", "everything", "each"}
    if every and "passed" in said and (failed != 0 or not passed or others):
        yield "passed", "the cited facts do not say that all passed"
    if every and said & _FAILING and (passed != 0 or not failed or others):
        yield "failed", "the cited facts do not say that all failed"
    denied = said & {"no", "none", "neither", "zero"}
    if said & _FAILING and not denied and not failed and not any(map(grounds.says, _FAILING)):
        yield "failed", "the cited facts have no failure"
    if said & {"whole", "entire"} and "suite" in said and (selected is None or selected != total):
        yield "suite", "the cited facts do not say that the whole suite ran"
    if said & {"nothing", "unmeasured"} and not grounds.has("unmeasured"):
        yield "nothing", "the cited facts do not say so"


def _gap(grounds: Grounds, way: str) -> bool:
    return grounds.has(f"gap {way}") or grounds.has(f"gaps {way}")


def wrong_causes(cut: Sequence[Token], text: str, grounds: Grounds) -> _Found:
    """Find a cause that no cited note of the author gives; most of its words must be there."""
    for token in cut:
        if token.kind in {"quote", "code"}:  # somebody's words are judged as a quotation
            end = token.start + len(token.text) + 2
            text = text[: token.start] + " " * (end - token.start) + text[end:]
    match = CAUSE.search(text)
    if match is None:
        return
    notes = _content(" ".join(str(f.values.get("note", "")) for f in grounds.facts))
    given = _content(text[match.end() :])
    if not notes or not given or len(given & notes) < 0.6 * len(given):
        yield match[0].strip(",; "), "no note of the author gives this reason"


def _content(text: str) -> set[str]:
    """The words of a text that carry meaning: four letters and more."""
    return {word.lower() for word in WORD.findall(text) if len(word) > 3}
