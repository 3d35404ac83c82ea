"""Sentences about what a project offers: names, parameters, defaults, options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from copydesk.agent.records import Fact

_Text = tuple[str, Sequence[str]]
"""A text with slots, and the facts it rests on besides those of its slots."""

TOGETHER = 3
"""New names of one module from which on those without a docstring are told together."""


def api_sentences(facts: Sequence[Fact], person: str = "") -> Iterator[_Text]:
    """Word changes of an API; new names of one module one after the other.

    Args:
        facts: Facts of the kinds in check_changes.CHANGES_OF_API.
        person: Who did it: "I", "we", or "" where the sentences name nobody.
    """
    new: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.kind == "api added":
            new.setdefault(str(fact.values["path"]), []).append(fact)
    for of_module in new.values():
        yield from _new_names(of_module, person)
        person = ""  # who did it is said once
    for fact in facts:
        if fact.kind == "api added":
            continue
        slot = f"{{{fact.id}.%s}}"
        if person and fact.kind in _ACTIVE:
            yield f"{_capital(person)} {_ACTIVE[fact.kind](slot)}", ()
            person = ""
        else:
            yield _WRITERS[fact.kind](slot, fact), ()


def call_sentence(fact: Fact) -> str:
    """What the same call gives or raises since a commit, and what it gave or raised.

    Args:
        fact: One of the kind `behaviour`.
    """
    slot = f"{{{fact.id}.%s}}"
    gives = "raises" if fact.values.get("raises_now") else "gives"
    gave = "raised" if fact.values.get("raised_before") else "gave"
    return (
        f"Since {slot % 'short'} the call {slot % 'call'} {gives} {slot % 'now'};"
        f" before it {gave} {slot % 'was'}."
    )


def _capital(person: str) -> str:
    return person[:1].upper() + person[1:]


def _new_names(facts: Sequence[Fact], person: str) -> Iterator[_Text]:
    """The new names of a module; who added them is said of the first that stands alone."""
    bare = [fact for fact in facts if "doc" not in fact.values]
    together = bare if len(bare) >= TOGETHER else []
    alone = [fact for fact in facts if fact not in together]
    for number, fact in enumerate(alone):
        text = _first_of_module(fact, person) if not number else f"{{{fact.id}.name}} is new, too"
        yield text + (f": {{{fact.id}.doc}}" if "doc" in fact.values else "."), ()
    if together:
        names = [f"{{{fact.id}.name}}" for fact in together]
        yield f"New in {{{together[0].id}.path}} are {', '.join(names[:-1])} and {names[-1]}.", ()


def _first_of_module(fact: Fact, person: str) -> str:
    """The beginning of a sentence that says where a new name is."""
    slot = f"{{{fact.id}.%s}}"
    place = f", a {fact.values['what']} in {slot % 'path'}"
    if person:
        return f"{_capital(person)} added {slot % 'name'}{place}"
    return slot % "name" + " is new" + place


def _removed(slot: str, _fact: Fact) -> str:
    return slot % "name" + " is gone from " + slot % "path" + "."


def _moved(slot: str, _fact: Fact) -> str:
    return f"{slot % 'name'} has moved from {slot % 'old_path'} to {slot % 'path'}."


def _deprecated(slot: str, _fact: Fact) -> str:
    return f"{slot % 'name'} in {slot % 'path'} is deprecated."


def _parameter_added(slot: str, fact: Fact) -> str:
    default = f" (default {slot % 'now'})" if "now" in fact.values else ""
    if fact.values["what"] == "class":
        return f"{slot % 'name'} in {slot % 'path'} takes {slot % 'parameter'} now{default}."
    return f"{slot % 'name'} takes a new parameter, {slot % 'parameter'}{default}."


def _parameter_removed(slot: str, _fact: Fact) -> str:
    return f"{slot % 'name'} in {slot % 'path'} no longer takes {slot % 'parameter'}."


def _parameter_renamed(slot: str, _fact: Fact) -> str:
    return (
        f"The parameter {slot % 'old_parameter'} of {slot % 'name'} was renamed"
        f" to {slot % 'parameter'}."
    )


def _default_changed(slot: str, _fact: Fact) -> str:
    return (
        f"The default of {slot % 'parameter'} in {slot % 'name'} is {slot % 'now'} now;"
        f" it was {slot % 'was'}."
    )


def _option_added(slot: str, fact: Fact) -> str:
    text = f"The option {slot % 'option'} is new"
    return f"{text}: {slot % 'doc'}" if "doc" in fact.values else f"{text} in {slot % 'path'}."


def _option_removed(slot: str, _fact: Fact) -> str:
    return f"The option {slot % 'option'} is gone from {slot % 'path'}."


def _option_default(slot: str, _fact: Fact) -> str:
    return f"The default of {slot % 'option'} is {slot % 'now'} now; it was {slot % 'was'}."


_ACTIVE: dict[str, Callable[[str], str]] = {
    "api removed": lambda slot: f"removed {slot % 'name'} from {slot % 'path'}.",
    "api moved": lambda slot: f"moved {slot % 'name'} from {slot % 'old_path'} to {slot % 'path'}.",
    "api deprecated": lambda slot: f"deprecated {slot % 'name'} in {slot % 'path'}.",
}
"""What somebody did, for the sentences that say who."""

_WRITERS = {
    "api removed": _removed,
    "api moved": _moved,
    "api deprecated": _deprecated,
    "parameter added": _parameter_added,
    "parameter removed": _parameter_removed,
    "parameter renamed": _parameter_renamed,
    "default changed": _default_changed,
    "option added": _option_added,
    "option removed": _option_removed,
    "option default": _option_default,
}
