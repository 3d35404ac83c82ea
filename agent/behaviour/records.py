"""What came of comparing two versions of a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from copydesk.agent.behaviour.changed_functions import ChangedFunction
from copydesk.agent.records import Json, LineNo

Verdict = Literal["same", "differs", "signature", "not compared", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that does something else now.

    Attributes:
        call: As Python writes it.
        before: What it did at the parent, in words.
        after: What it does at the commit.
        kind: What differs: "value", "raises now", "raises no longer", "exception", "output",
            "argument", "object", "files", "warning", "global" or "inner state".
        lines: The changed lines that explain it: those that the call reaches at the commit.
        count: How many calls of its kind were found.
        recorded: The call as the search writes it, from which a test can be made.
    """

    call: str
    before: str
    after: str
    kind: str
    lines: tuple[LineNo, ...] = ()
    count: int = 1
    recorded: Json | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one changed function.

    Attributes:
        change: The function.
        verdict: "same": on inputs that reach every changed line. "differs": see `differences`.
            "signature": calls of the parent's form are refused now. "not compared": see `reason`.
        reason: Why it could not be compared, or what of its signature is another.
        inputs: Calls made at both ends, each twice in fresh processes.
        tried: Calls made at both ends while inputs were looked for.
        differences: At most five, the most readable first, one of each group.
        unstable: Calls that do not even do the same twice at one end, and on what they hang.
        callers: Places that call it in a way it refuses now.
    """

    change: ChangedFunction
    verdict: Verdict
    reason: str = ""
    inputs: int = 0
    tried: int = 0
    differences: tuple[Difference, ...] = ()
    unstable: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()


def comparison_as_json(comparison: Comparison) -> Json:
    """A comparison as `--json` and the desk have it."""
    change = comparison.change
    path, _, function = change.name.partition("::")
    return {
        "path": path,
        "function": function,
        "why": list(change.why),
        "before": _version_as_json(change.before),
        "after": _version_as_json(change.after),
        "verdict": comparison.verdict,
        "reason": comparison.reason,
        "inputs": comparison.inputs,
        "tried": comparison.tried,
        "differences": [_difference_as_json(each) for each in comparison.differences],
        "unstable": list(comparison.unstable),
        "callers": list(comparison.callers),
    }


def _version_as_json(version: object) -> Json | None:
    if version is None:
        return None
    names = ("path", "function", "line", "changed")
    plain = {name: getattr(version, name) for name in names}
    return {**plain, "changed": list(plain["changed"])}


def _difference_as_json(difference: Difference) -> Json:
    return {
        "call": difference.call,
        "before": difference.before,
        "after": difference.after,
        "kind": difference.kind,
        "lines": list(difference.lines),
        "count": difference.count,
        "recorded": difference.recorded,
    }


def difference_from_json(plain: Mapping[str, object]) -> Difference:
    """The difference that comparison_as_json wrote."""
    values = dict(plain)
    values["lines"] = tuple(values.get("lines") or ())  # type: ignore[arg-type]
    return Difference(**values)  # type: ignore[arg-type]
