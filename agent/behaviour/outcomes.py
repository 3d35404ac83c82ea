"""Whether two outcomes are the same, and what differs where they are not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from copydesk.agent.records import Json

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How far two floats may lie apart: what another order of the same sums makes."""
INNER = "inner state"
"""The kind of a difference that only a look into private attributes shows."""


def same_value(one: Any, other: Any, *, inner: bool = True) -> bool:
    """Whether two descriptions of values are equal, floats nearly so.

    Args:
        one: A description; see sandboxed/copydesk_tools/compare/describe.py.
        other: Another one.
        inner: Whether private attributes count.
    """
    if isinstance(one, list) and isinstance(other, list):
        if one[:1] == other[:1] == ["float"]:
            return _same_float(one, other)
        if len(one) != len(other):
            return False
        return all(same_value(a, b, inner=inner) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        names = {*one, *other} - (set() if inner else {"inner"})
        return all(same_value(one.get(name), other.get(name), inner=inner) for name in names)
    return type(one) is type(other) and bool(one == other)


def _same_float(one: list[Any], other: list[Any]) -> bool:
    if one == other:
        return True
    try:
        first, second = float(one[1]), float(other[1])
    except (ValueError, TypeError, IndexError):
        return False
    return math.isclose(first, second, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def is_steady(first: Json, second: Json) -> bool:
    """Whether a call did the same in two processes at one end; what is private may differ."""
    return difference_kind(first, second) in ("", INNER)


def difference_kind(before: Json, after: Json) -> str:
    """What differs between two outcomes of a call; "" where nothing does."""
    return next(_differences(before, after), "")


def _differences(before: Json, after: Json) -> Iterator[str]:
    kinds = (before.get("kind"), after.get("kind"))
    if kinds == ("raises", "raises"):
        if not (before.get("misuse") and after.get("misuse")):
            names = ("exception", "message")
            if any(before.get(name) != after.get(name) for name in names):
                yield "exception"
    elif kinds == ("value", "raises"):
        yield "raises now"
    elif kinds == ("raises", "value"):
        yield "raises no longer"
    elif kinds[0] != kinds[1]:
        yield "ending"
    elif not same_value(before.get("value"), after.get("value"), inner=False) or before.get(
        "wrap"
    ) != after.get("wrap"):
        yield "value"
    yield from _effects(before, after)


def _effects(before: Json, after: Json) -> Iterator[str]:
    if before.get("printed") != after.get("printed"):
        yield "output"
    if before.get("files") != after.get("files"):
        yield "files"
    if before.get("warned") != after.get("warned"):
        yield "warning"
    changed = list(_changed_inputs(before, after, inner=False))
    if changed:
        yield "object" if changed[0][0] == 0 else "argument"
    if _globals(before, after):
        yield "global"
    is_other_inside = not same_value(before.get("value"), after.get("value"))
    if is_other_inside or any(_changed_inputs(before, after, inner=True)):
        yield INNER


def _changed_inputs(before: Json, after: Json, *, inner: bool) -> Iterator[tuple[int, str, str]]:
    """The objects and arguments that end up otherwise: their place, and both in words."""
    others = {entry[0]: entry for entry in after.get("after") or ()}
    for index, value, shown in before.get("after") or ():
        other = others.get(index)
        if other is not None and not same_value(value, other[1], inner=inner):
            yield index, shown, other[2]


def _globals(before: Json, after: Json) -> dict[str, tuple[Any, Any]]:
    """The globals that both ends change, to something else, or that one of them alone changes."""
    one, other = _named(before), _named(after)
    names = {*one, *other}
    return {
        name: (one.get(name), other.get(name))
        for name in sorted(names)
        if not same_value(one.get(name), other.get(name))
    }


def _named(outcome: Json) -> Mapping[str, Any]:
    return dict(outcome.get("globals") or ())


def in_words(before: Json, after: Json, kind: str) -> tuple[str, str]:
    """What a call did at both ends, as a person reads it."""
    if kind in ("value", "exception", "raises now", "raises no longer"):
        return _result(before), _result(after)
    if kind == "output":
        return (f"printed {o.get('printed')!r}" for o in (before, after))  # type: ignore[return-value]
    if kind == "files":
        return _files(before), _files(after)
    if kind == "warning":
        return _warnings(before), _warnings(after)
    if kind == "global":
        changed = ", ".join(_globals(before, after))
        return f"left {changed} otherwise", f"changes {changed}"
    for index, was, now in _changed_inputs(before, after, inner=kind == INNER):
        owner = "its object" if index == 0 else f"argument {index}"
        if was != now:
            return f"left {owner} as {was}", f"leaves {owner} as {now}"
        return f"left {owner} in another state", f"leaves {owner} in another state"
    return _result(before), _result(after)


def _result(outcome: Json) -> str:
    text = str(outcome.get("text", ""))
    match outcome.get("kind"):
        case "raises":
            return f"raised {text}"
        case "value":
            return text
        case "died":
            return "ended its process"
    return "did not come back"


def _files(outcome: Json) -> str:
    files = outcome.get("files") or {}
    if not files:
        return "wrote no file"
    return "; ".join(f"{name}: {text.rpartition(' ')[0][:80]!r}" for name, text in files.items())


def _warnings(outcome: Json) -> str:
    return f"warned {', '.join(outcome.get('warned') or ['of nothing'])}"
