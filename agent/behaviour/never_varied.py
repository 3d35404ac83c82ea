"""Whether the calls that were made could have shown what a changed line does with a parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.agent.behaviour.choose_inputs import Tried
from copydesk.agent.behaviour.one_side import Side
from copydesk.agent.records import Json
from copydesk.agent.sandboxed.copydesk_tools.source import (
    Signature,
    is_bound,
    read_parameters,
    signature_of,
)
from copydesk.agent.testgen.project import target_functions


def never_varied(after: Side, before: Side, entry: str, tried: Sequence[Tried]) -> str:
    """A parameter that changed lines read and that had one value in all calls that reach them.

    Args:
        after: The function at the commit.
        before: It at the parent.
        entry: What was called. Where that is another function, which calls this one, nothing is
            known of the parameters.
        tried: The calls that both ends were given.

    Returns:
        Its name; "" where every one of them had two values at least.
    """
    if entry != after.version.function:
        return ""
    calls = [one.call for one in tried if one.reached and one.is_of_use]
    if any(call.get("origin") == "command" for call in calls):
        return ""
    return next(_of_one_value(after, before, calls), "")


def _of_one_value(after: Side, before: Side, calls: Sequence[Json]) -> Iterator[str]:
    for side in (after, before):
        version = side.version
        for node in target_functions(side.source, version.function, [version.line])[:1]:
            signature = signature_of(node, bound=is_bound(node, _owner(version.function)))
            for name in read_parameters(node, signature, version.changed):
                if len({_value(call, signature, name) for call in calls}) < 2:
                    yield name


def _owner(function: str) -> str:
    return function.rpartition(".")[0]


def _value(call: Json, signature: Signature, name: str) -> str:
    """What a call gives for a parameter, as Python writes it; "" for its default."""
    places = [parameter.arg for parameter, _ in signature.by_position]
    arguments = call.get("arguments") or ()
    if name in places and places.index(name) < len(arguments):
        return str(arguments[places.index(name)][0])
    return next((str(value[0]) for key, value in call.get("keywords") or () if key == name), "")
