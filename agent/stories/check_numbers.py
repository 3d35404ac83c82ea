"""Whether the numbers of a sentence are its facts' numbers, told of what they are numbers of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.stories.cited_facts import Figure, Grounds, pair
from copydesk.agent.stories.tokens import NAME_KINDS, Token, next_words, number_of
from copydesk.agent.stories.vocabulary import FINITE, PARTICIPLES, UNITS

_JOINS = frozenset({"and", "but", "while", "whereas", "with", "against"})


def wrong_numbers(cut: Sequence[Token], grounds: Grounds) -> Iterator[tuple[str, str]]:
    """Find numbers and number words that the cited facts do not hold."""
    for i, token in enumerate(cut):
        value = number_of(token)
        if value is None or (token.word and not _counts(cut, i)):
            continue
        if token.word == "no" and next_words(cut, i, 3) & {"reaches", "reach", "covers", "cover"}:
            continue  # "no test reaches": a verdict, not a count
        fitting = _fitting(cut, i, grounds)
        if not fitting:
            if not (token.kind == "number" and _shown(cut, i, grounds)):
                yield token.text, _why_not(value, cut, i, grounds)
            continue
        other = _of(cut, i)
        if other is not None:
            wholes = [f for f in grounds.figures if f.value == number_of(cut[other])]
            if not pair(fitting, wholes):
                yield token.text, "the facts do not tell it as a part of that whole"


def _shown(cut: Sequence[Token], i: int, grounds: Grounds) -> bool:
    """Whether a number stands so in the author's words, or is a commit id without letters."""
    text = cut[i].text
    following = cut[i + 1].text if i + 1 < len(cut) and cut[i + 1].word else ""
    return grounds.says(f"{text} {following}") or (len(text) >= 7 and grounds.names_it(text))


def _counts(cut: Sequence[Token], i: int) -> bool:
    """Whether a number word stands for a count ("one test"), not for a pronoun ("this one")."""
    word = cut[i].word
    if word == "none" or (word not in {"one", "no"}):
        return True
    return bool(next_words(cut, i, 2) & set(UNITS)) or _of(cut, i) is not None


def _fitting(cut: Sequence[Token], i: int, grounds: Grounds) -> list[Figure]:
    token, value = cut[i], number_of(cut[i])
    unit, roles, bound = _unit(cut, i), _roles(cut, i), _bound(cut, i, grounds)
    figures = [f for f in grounds.figures if f.value == value]
    if unit:
        figures = [f for f in figures if f.unit == unit]
    if unit in {"percent", "line"} or not unit:
        roles |= _sign(token, unit)
    if not roles:  # "3 functions" is not "3 other functions"
        figures = [f for f in figures if f.role not in {"others", "neither"}]
    for role in roles:
        figures = [f for f in figures if _plays(f, role)]
    if bound:
        figures = [f for f in figures if f.fact.id in bound]
    return figures


def _plays(figure: Figure, role: str) -> bool:
    if role in {"before", "after"} and figure.unit in {"percent", "line"}:
        # a count that has no earlier or later is neither
        return figure.role == role or figure.role in {"added", "removed", "opened", "closed"}
    if role == "after":
        return True
    if role == "before":
        return False
    return figure.role == role


def _sign(token: Token, unit: str) -> set[str]:
    if token.text[:1] in "+−-" and token.kind == "number" and unit != "percent":
        return {"added" if token.text[0] == "+" else "removed"}
    return set()


def _unit(cut: Sequence[Token], i: int) -> str:
    if cut[i].text.endswith("%"):
        return "percent"
    unit = ""
    for token in _after(cut, i, past_of=True)[:5]:
        if token.word in UNITS:
            unit = UNITS[token.word]  # of "test drafts" the last word counts
        elif unit:
            break
    return unit


def _roles(cut: Sequence[Token], i: int) -> set[str]:
    """The parts that the words around a number say it plays."""
    if _whole_of_pair(cut, i):
        return {"before"} & {PARTICIPLES.get(t.word, "") for t in _after(cut, i)}
    after = [PARTICIPLES[t.word] for t in _after(cut, i, past_of=True) if t.word in PARTICIPLES]
    if after:
        return set(after[:1]) if "neither" not in after else {"neither"}
    before = [t.word for t in _before(cut, i)]
    near = [w for w in before[:3] if w in FINITE]
    return {FINITE[near[0]]} if near else set()


def _bound(cut: Sequence[Token], i: int, grounds: Grounds) -> frozenset[str]:
    """The facts of the name that a number is told of: "3 lines of `f`", "`p` (3 added)"."""
    after = _after(cut, i)
    for n, token in enumerate(after[:4]):
        if token.kind in NAME_KINDS and n and after[n - 1].word in {"of", "in"}:
            return grounds.about(token.text)
    for j in range(i - 1, 0, -1):
        if cut[j].text == ")":
            break
        if cut[j].text == "(" and cut[j - 1].kind in NAME_KINDS:
            return grounds.about(cut[j - 1].text)
    return frozenset()


def _of(cut: Sequence[Token], i: int) -> int | None:
    """The place of Y when the number at i is the X of "X of the Y"."""
    for j in range(i + 1, min(i + 5, len(cut))):
        if j == i + 1 and cut[j].word in UNITS:
            continue
        if cut[j].word in {"of", "the", "all", "its", "those", "in"}:
            continue
        if number_of(cut[j]) is not None and any(t.word == "of" for t in cut[i:j]):
            return j
        return None
    return None


def _whole_of_pair(cut: Sequence[Token], i: int) -> bool:
    return any(number_of(cut[j]) is not None and _of(cut, j) == i for j in range(max(0, i - 5), i))


def _after(cut: Sequence[Token], i: int, *, past_of: bool = False) -> list[Token]:
    """The tokens of a number's clause behind it, up to the next number or join."""
    start = i + 1
    other = _of(cut, i) if past_of else None
    found: list[Token] = [] if other is None else list(cut[start:other])
    for token in cut[start if other is None else other + 1 :]:
        if token.kind == "stop" or token.word in _JOINS or number_of(token) is not None:
            break
        found.append(token)
    return found


def _before(cut: Sequence[Token], i: int) -> list[Token]:
    """The tokens of a number's clause ahead of it, the nearest first."""
    found = []
    for token in reversed(cut[:i]):
        if token.kind == "stop" or token.word in _JOINS or number_of(token) is not None:
            break
        found.append(token)
    return found


def _why_not(value: float, cut: Sequence[Token], i: int, grounds: Grounds) -> str:
    if any(figure.value == value for figure in grounds.figures):
        return "the cited facts have this number for something else"
    return "no cited fact has this number"
