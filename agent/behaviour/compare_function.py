"""Compares the two versions of one changed function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from copydesk.agent.behaviour.changed_functions import ChangedFunction
from copydesk.agent.behaviour.choose_inputs import Tried, both_tried, call_text, choose
from copydesk.agent.behaviour.never_varied import never_varied
from copydesk.agent.behaviour.one_side import CannotCompare, Exploration, Side, key_of
from copydesk.agent.behaviour.outcomes import INNER, difference_kind, in_words, is_steady
from copydesk.agent.behaviour.records import Comparison, Difference
from copydesk.agent.records import Json, LineNo
from copydesk.agent.testgen.project import Workspace, target_functions
from copydesk.agent.testgen.verify import PROBE, with_raise

MOST_TRIED = 400
"""Calls that are tried of each version, besides some at random."""
MOST_SHOWN = 5
_RANK = {"raises now": 1, "exception": 2, "global": 3, INNER: 4}
"""Kinds of differences that stand behind others."""


def compare_function(
    change: ChangedFunction,
    before: Workspace,
    after: Workspace,
    calls: Sequence[Json] = (),
    *,
    most: int = MOST_TRIED,
) -> Comparison:
    """Run the same inputs at both ends and compare what they do.

    Args:
        change: The function.
        before: The parent's tree.
        after: The commit's.
        calls: Calls to try first, such as those of kept drafts.
        most: How many calls are tried of each version.

    Returns:
        The verdict. "same" only where the inputs reach every changed line at both ends, and the
        answers were seen to depend on the function.
    """
    if change.before is None or change.after is None:
        return Comparison(change, "added" if change.before is None else "removed")
    try:
        sides = Sides(Side.of(before, change.before), Side.of(after, change.after))
        return _compared(change, sides, calls, most)
    except CannotCompare as why:
        return Comparison(change, "not compared", str(why))


@dataclass(frozen=True, slots=True)
class Sides:
    """A function at both ends."""

    before: Side
    after: Side

    def explore(self, calls: Sequence[Json], most: int) -> tuple[Exploration, Exploration]:
        """Try calls of both; what is tried of one is tried of the other as well."""
        after = self.after.explore(self.before, {"calls": list(calls), "most": most})
        entry = self._entry_before(after.entry)
        tried = [word["call"] for word in after.tried.values()]
        request = {"calls": tried, "most": most, "entry": entry}
        before = self.before.explore(self.after, request)
        more = [word["call"] for key, word in before.tried.items() if key not in after.tried]
        if more:
            request = {"calls": more, "most": 0, "entry": after.entry}
            again = self.after.explore(self.before, request)
            after = replace(after, tried={**again.tried, **after.tried})
        return before, after

    def _entry_before(self, entry: str) -> str:
        """The parent's name of the function that is called."""
        if entry == self.after.version.function:
            return self.before.version.function
        return entry


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A call and what it did at both ends, twice at each."""

    call: Json
    before: tuple[Json, Json]
    after: tuple[Json, Json]

    @property
    def kind(self) -> str:
        """What differs between the ends; "" for nothing that is the same twice at each of them."""
        kind = difference_kind(self.before[0], self.after[0])
        if kind == INNER and (difference_kind(*self.before) or difference_kind(*self.after)):
            return ""
        return kind

    @property
    def is_steady(self) -> bool:
        """Whether it did the same twice at each end."""
        return is_steady(*self.before) and is_steady(*self.after)

    @property
    def outcomes(self) -> tuple[Json, ...]:
        """All four."""
        return (*self.before, *self.after)

    @property
    def obstacle(self) -> str:
        """On what the outcome hangs besides the code, or why there is none; "" for nothing."""
        for outcome in self.outcomes:
            if touched := outcome.get("touched") or outcome.get("why"):
                return f"it reaches for {touched}"
        kinds = {outcome.get("kind") for outcome in self.outcomes}
        if kinds & {"inputs", "given up", "died"}:
            return "it does not come to an end"
        return "" if self.is_steady else self._why_unsteady

    @property
    def is_newly_unsteady(self) -> bool:
        """Whether it hangs on more than the code at the commit, and did not at the parent."""
        before, after = ([hangs_on_more(o) for o in end] for end in (self.before, self.after))
        is_unsteady = any(after) or not is_steady(*self.after)
        return is_unsteady and not any(before) and is_steady(*self.before)

    @property
    def _why_unsteady(self) -> str:
        if any(outcome.get("clock") for outcome in self.outcomes):
            return "it depends on the time"
        if any(outcome.get("variables") for outcome in self.outcomes):
            return "it depends on the environment"
        return "it does not do the same twice"


def hangs_on_more(outcome: Json) -> bool:
    """Whether a call reached for something outside, or did not come to an end."""
    is_cut = outcome.get("kind") in ("inputs", "given up", "died")
    return is_cut or bool(outcome.get("touched") or outcome.get("why"))


def _compared(
    change: ChangedFunction, sides: Sides, calls: Sequence[Json], most: int
) -> Comparison:
    before, after = sides.explore(calls, most)
    tried = both_tried(before, after)
    chosen = choose(tried, sides.before.version.changed, sides.after.version.changed)
    if not chosen:
        reason = _why_none(before, after) if not tried else _unreached_at_all(sides)
        return Comparison(change, "not compared", reason, tried=len(tried))
    recorded = _recorded(sides, before.entry, after.entry, chosen)
    useful = [one for one in recorded if not one.obstacle]
    unstable = tuple(dict.fromkeys(_unstable(recorded, after.entry)))
    result = Comparison(
        change, "differs", "", len(useful), len(tried), _grouped(useful, after.entry), unstable
    )
    if result.differences:
        return result
    reason = _why_not_same(sides, after.entry, tried, recorded, unstable)
    return replace(result, verdict="not compared" if reason else "same", reason=reason)


def _unreached_at_all(sides: Sides) -> str:
    return _unreached(sides.after, (), "") or _unreached(sides.before, (), " of the parent")


def _why_none(before: Exploration, after: Exploration) -> str:
    """Why there is no call that both ends were given."""
    return after.why_none if not after.tried else before.why_none


def _recorded(
    sides: Sides, entry_before: str, entry_after: str, calls: Sequence[Json]
) -> list[_Recorded]:
    """What calls do at both ends, in two fresh processes at each."""
    before = sides.before.record(entry_before, calls)
    after = sides.after.record(entry_after, calls)
    before_again = sides.before.record_again(entry_before, calls, before)
    after_again = sides.after.record_again(entry_after, calls, after)
    return [
        _Recorded(call, (before[n], before_again[n]), (after[n], after_again[n]))
        for n, call in enumerate(calls)
    ]


def _unstable(recorded: Sequence[_Recorded], entry: str) -> Iterator[str]:
    name = short_name(entry)
    for one in recorded:
        if one.obstacle:
            yield f"{call_text(one.call, name)}: {one.obstacle}"


def short_name(entry: str) -> str:
    """How a function is called: its class for a constructor, else its own name."""
    owner, _, name = entry.rpartition(".")
    return owner if name in ("__init__", "__new__", "__post_init__") else name


# -- what is shown


def _grouped(recorded: Sequence[_Recorded], entry: str) -> tuple[Difference, ...]:
    """The smallest difference of each group: of one kind, explained by the same changed lines."""
    groups: dict[tuple[str, tuple[LineNo, ...], str], list[_Recorded]] = {}
    for one in recorded:
        if kind := one.kind:
            lines = tuple(one.after[0].get("reached") or ())
            groups.setdefault((kind, lines, _exceptions(one)), []).append(one)
    ordered = sorted(groups.items(), key=lambda item: (_rank(item[0][0], item[1][0]), _size(item)))
    return tuple(
        _difference(kind, lines, ones, entry) for (kind, lines, _), ones in ordered[:MOST_SHOWN]
    )


def _exceptions(one: _Recorded) -> str:
    return f"{one.before[0].get('exception', '')}/{one.after[0].get('exception', '')}"


def _rank(kind: str, one: _Recorded) -> tuple[bool, int]:
    is_misuse = any(outcome.get("misuse") for outcome in one.outcomes)
    return is_misuse, _RANK.get(kind, 0)


def _size(item: tuple[object, list[_Recorded]]) -> int:
    return len(call_text(item[1][0].call, ""))


def _difference(
    kind: str, lines: tuple[LineNo, ...], ones: Sequence[_Recorded], entry: str
) -> Difference:
    smallest = min(ones, key=lambda one: (len(call_text(one.call, "")), call_text(one.call, "")))
    was, now = in_words(smallest.before[0], smallest.after[0], kind)
    return Difference(
        call_text(smallest.call, short_name(entry)), was, now, kind, lines, len(ones), smallest.call
    )


# -- when it may be called the same


def _why_not_same(
    sides: Sides,
    entry: str,
    tried: Sequence[Tried],
    every: Sequence[_Recorded],
    unstable: Sequence[str],
) -> str:
    """Why nothing can be said although no difference was seen; "" where it is the same."""
    recorded = [one for one in every if not one.obstacle]
    if _steady_by_patches_alone(recorded, unstable):
        return _why_unstable(unstable)
    before, after = ([one.before[0] for one in recorded], [one.after[0] for one in recorded])
    unreached = _unreached(sides.after, after, "")
    unreached = unreached or _unreached(sides.before, before, " of the parent")
    if unreached:
        return unreached
    if name := never_varied(sides.after, sides.before, entry, tried):
        return f"`{name}` was never given another value"
    if _hangs_on_calls_before(tried, recorded):
        return "it depends on the calls before it"
    if obstacle := _new_obstacle(every):
        return obstacle
    return "" if _depends(sides, entry, recorded) else "its answers do not depend on it"


def _steady_by_patches_alone(recorded: Sequence[_Recorded], unstable: Sequence[str]) -> bool:
    """Whether nothing was steady but under a clock or seed that was set, or nothing at all."""
    return all(one.call.get("patches") for one in recorded) and bool(unstable or not recorded)


def _why_unstable(unstable: Sequence[str]) -> str:
    return unstable[0].rpartition(": ")[2] if unstable else "no input was found for it"


def _new_obstacle(recorded: Sequence[_Recorded]) -> str:
    """On what a call hangs at the commit that did not hang on it at the parent; "" for nothing."""
    return next((one.obstacle for one in recorded if one.is_newly_unsteady), "")


def _hangs_on_calls_before(tried: Sequence[Tried], recorded: Sequence[_Recorded]) -> bool:
    """Whether a call that differed between the ends while others were made before it does exactly
    the same in a process of its own.
    """
    differing = {key_of(one.call) for one in tried if one.differs}
    return any(
        key_of(one.call) in differing and _essence(one.before[0]) == _essence(one.after[0])
        for one in recorded
    )


def _essence(outcome: Json) -> Json:
    return {name: outcome.get(name) for name in ("kind", "value", "exception", "printed", "files")}


def _unreached(side: Side, outcomes: Sequence[Json], of_what: str) -> str:
    reached = {line for outcome in outcomes for line in outcome.get("reached") or ()}
    missed = [line for line in side.version.changed if line not in reached]
    if not missed:
        return ""
    lines = ", ".join(f"{line}" if line > 0 else f"{-line} (its lambda)" for line in missed[:4])
    word = "line" if len(missed) == 1 else "lines"
    return f"{word} {lines}{of_what} never reached"


def _depends(sides: Sides, entry: str, recorded: Sequence[_Recorded]) -> bool:
    """Whether the answers are the function's own: they are others where it raises.

    What forges its answers, or answers from somewhere else, gives the same again.
    """
    source = _raising(sides.after)
    if source is None:
        return False
    files = {sides.after.version.path: source}
    calls = [one.call for one in recorded]
    try:
        raised = sides.after.record(entry, calls, files)
    except CannotCompare as error:
        return PROBE in str(error)  # the import of the module calls it
    return any(
        difference_kind(one.after[0], probe) for one, probe in zip(recorded, raised, strict=True)
    )


def _raising(side: Side) -> str | None:
    """The module's text with a raise at the start of the function."""
    source, version = side.source, side.version
    definitions = target_functions(source, version.function, [version.line])
    if not definitions:
        return None
    return with_raise(source, [node.lineno for node in definitions], inside=True)
