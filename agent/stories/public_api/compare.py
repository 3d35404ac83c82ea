"""How what modules offer differs between two commits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from copydesk.agent.stories.public_api.options import Option
from copydesk.agent.stories.public_api.read_module import ModuleApi, Parameter, PublicName
from copydesk.agent.stories.public_api.texts import TOO_LONG

_EMPTY = ModuleApi((), (), ())


@dataclass(frozen=True, slots=True)
class ApiChange:
    """One change of what a project offers.

    kind: added, removed, moved, deprecated; parameter added, parameter removed, parameter renamed,
        default changed; option added, option removed, option default.
    path: the module, at the end that has it. name: the qualified name, or the flag of an option.
    what: function, class, method, option. parameter, before, after: the parameter, and its default
        as it was and is, or where a name that moved has been ("…" for what is too long), or the
        name that a renamed parameter had.
    doc: the author's words on it.
    """

    kind: str
    path: str
    name: str
    what: str
    parameter: str = ""
    before: str = ""
    after: str = ""
    doc: str = ""


def compare_modules(
    before: Mapping[str, ModuleApi | None], after: Mapping[str, ModuleApi | None]
) -> list[ApiChange]:
    """What was added, removed and changed.

    A name that leaves one module and appears in another has moved; one that a module still binds,
    by importing it say, was not removed from it. Of a module that cannot be read nothing is told.

    Args:
        before: What the changed modules offered, by path; a module that was not there is left out.
        after: What they offer.
    """
    paths = sorted({*before, *after})
    paths = [p for p in paths if before.get(p, _EMPTY) and after.get(p, _EMPTY)]
    added: list[ApiChange] = []
    removed: list[ApiChange] = []
    changed: list[ApiChange] = []
    for path in paths:
        old, new = before.get(path) or _EMPTY, after.get(path) or _EMPTY
        added += _only_in(path, new, old, "added")
        removed += _only_in(path, old, new, "removed")
        changed += _changes_of_both(path, old, new)
        changed += _options(path, old, new)
    moved = _moved(added, removed)
    for change in moved:
        added = [a for a in added if (a.path, a.name) != (change.path, change.name)]
        removed = [r for r in removed if (r.path, r.name) != (change.before, change.name)]
    return [*_outermost(added), *changed, *moved, *_outermost(removed)]


def _only_in(path: str, here: ModuleApi, there: ModuleApi, kind: str) -> Iterator[ApiChange]:
    """The names that one end of a module offers and the other has not."""
    others = {public.name: public for public in there.names}
    for public in here.names:
        if public.name in others or public.name in there.bound or "__getattr__" in there.bound:
            continue  # a module's own __getattr__ may give any name
        owner, dot, _ = public.name.rpartition(".")
        if dot and owner in others and not _tells_of_methods(others[owner], here, owner):
            continue  # it may be inherited where it is not defined
        yield ApiChange(kind, path, public.name, public.kind, doc=public.doc)


def _tells_of_methods(there: PublicName, here: ModuleApi, owner: str) -> bool:
    """Whether both ends of a class define all their methods themselves."""
    return there.final and all(public.final for public in here.names if public.name == owner)


def _moved(added: list[ApiChange], removed: list[ApiChange]) -> list[ApiChange]:
    """The names that left one module and appeared in one other."""
    moved = []
    for change in removed:
        targets = [a for a in added if (a.name, a.what) == (change.name, change.what)]
        sources = [r for r in removed if (r.name, r.what) == (change.name, change.what)]
        if len(targets) == 1 and len(sources) == 1:
            target = targets[0]
            moved.append(
                ApiChange("moved", target.path, target.name, target.what, before=change.path)
            )
    return _outermost(moved)


def _outermost(changes: list[ApiChange]) -> list[ApiChange]:
    """The changes without those of methods whose whole class is among them."""
    classes = {(change.path, change.name) for change in changes}
    return [c for c in changes if (c.path, c.name.rpartition(".")[0]) not in classes]


def _changes_of_both(path: str, old: ModuleApi, new: ModuleApi) -> Iterator[ApiChange]:
    """The changes of the names that both ends offer."""
    former = {public.name: public for public in old.names}
    for public in new.names:
        before = former.get(public.name)
        if before is None or before.kind != public.kind:
            continue
        if public.deprecated and not before.deprecated:
            yield ApiChange("deprecated", path, public.name, public.kind, doc=public.doc)
        yield from _parameters(path, before, public)


def _parameters(path: str, old: PublicName, new: PublicName) -> Iterator[ApiChange]:
    before = {parameter.name: parameter for parameter in old.parameters}
    after = {parameter.name: parameter for parameter in new.parameters}
    for former, parameter in _renamed(old, new):
        yield _change("parameter renamed", path, new, parameter, before=former.name)
        del before[former.name], after[parameter.name]
    for name, parameter in after.items():
        default = parameter.default or ""
        if name in before:
            yield from _default_changed(path, new, before[name], parameter)
        elif not old.open_ended:  # what takes any keyword may have taken this one
            yield _change("parameter added", path, new, parameter, after=default)
    missing = [] if new.open_ended else [before[name] for name in before if name not in after]
    yield from (_change("parameter removed", path, new, parameter) for parameter in missing)


def _default_changed(
    path: str, public: PublicName, old: Parameter, new: Parameter
) -> Iterator[ApiChange]:
    """The change of a parameter's default, where both are shown."""
    if _other_default(old.default, new.default):
        was, now = old.default or "", new.default or ""
        yield _change("default changed", path, public, new, before=was, after=now)


def _renamed(old: PublicName, new: PublicName) -> list[tuple[Parameter, Parameter]]:
    """The parameters that only one end has each, which stand at the same place with the same
    default and are given the same way. One with a default must have a word of its name in common,
    too: `lax=False` and `strict=False` are two things.
    """
    if old.open_ended or new.open_ended or len(old.parameters) != len(new.parameters):
        return []  # a place says nothing where others came or went
    former_names = {parameter.name for parameter in old.parameters}
    current_names = {parameter.name for parameter in new.parameters}
    return [
        (former, current)
        for former, current in zip(old.parameters, new.parameters, strict=True)
        if former.name not in current_names
        and current.name not in former_names
        and former[1:] == current[1:]
        and _may_be_renamed(former, current)
    ]


_NEGATIONS = frozenset({"no", "not", "non", "without", "disable", "disabled", "skip", "ignore"})


def _may_be_renamed(former: Parameter, current: Parameter) -> bool:
    """Whether two parameters of one place may be one thing, going by their names."""
    before, after = _words(former.name), _words(current.name)
    if (before ^ after) & _NEGATIONS:
        return False  # `detect_types` and `no_detect_types` are opposites
    return former.default is None or bool(before & after)


def _words(name: str) -> set[str]:
    """The words of an identifier in snake or camel case, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def _other_default(before: str | None, after: str | None) -> bool:
    """Whether both are shown, and differ."""
    return before != after and not {None, TOO_LONG} & {before, after}


def _change(
    kind: str,
    path: str,
    public: PublicName,
    parameter: Parameter,
    *,
    before: str = "",
    after: str = "",
) -> ApiChange:
    return ApiChange(
        kind, path, public.name, public.kind, parameter=parameter.name, before=before, after=after
    )


def _options(path: str, old: ModuleApi, new: ModuleApi) -> Iterator[ApiChange]:
    """The changes of options: by flag, whichever command has it."""
    before, after = _by_flag(old), _by_flag(new)
    for flag, options in after.items():
        first = options[0]
        if flag not in before:
            yield ApiChange("option added", path, flag, "option", doc=first.help)
        elif len(options) == 1 and len(before[flag]) == 1:
            was = before[flag][0].default
            if was != "None" and first.default != "None" and _other_default(was, first.default):
                yield ApiChange(
                    "option default",
                    path,
                    flag,
                    "option",
                    before=was or "",
                    after=first.default or "",
                )
    for flag in before:
        if flag not in after:
            yield ApiChange("option removed", path, flag, "option")


def _by_flag(module: ModuleApi) -> dict[str, list[Option]]:
    flags: dict[str, list[Option]] = {}
    for option in module.options:
        flags.setdefault(option.flag, []).append(option)
    return flags
