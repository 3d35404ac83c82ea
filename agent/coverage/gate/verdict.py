"""The verdict on a change: one function, whatever asks and wherever the facts come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from copydesk.agent.coverage.source import MODULE, functions
from copydesk.agent.coverage.store import FileLines
from copydesk.agent.records import Json, LineNo
from copydesk.agent.text import plural

Answer = Literal["pass", "fail", "unknown"]


class Judged(NamedTuple):
    """The changed lines of one file. Lines that coverage.py does not count are in none.

    `partial` lines are reached, and also among `reached`.
    """

    reached: frozenset[LineNo] = frozenset()
    missing: frozenset[LineNo] = frozenset()
    partial: frozenset[LineNo] = frozenset()
    unknown: frozenset[LineNo] = frozenset()


class Rule(NamedTuple):
    """A floor in percent of 100, and whether being under it stops anybody.

    `note` is said to whoever is stopped.
    """

    floor: float
    enforced: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Floors:
    """What is asked of a change.

    `ratchet` says whether a total under the base's stops anybody; None asks nothing.
    `unknown` is "pass", or "fail" where lines without a verdict may not pass.
    """

    diff: float = 95.0
    total: Rule | None = None
    ratchet: bool | None = None
    unknown: Literal["pass", "fail"] = "pass"


class Range(NamedTuple):
    """Neighbouring lines of one function: what is named, and what a draft is asked for."""

    path: str
    first: LineNo
    last: LineNo
    function: str

    @property
    def gap(self) -> str:
        """The name that `copydesk draft` takes."""
        return self.path if self.function == MODULE else f"{self.path}::{self.function}"

    @property
    def place(self) -> str:
        """Where it is: the path and the lines."""
        last = f"-{self.last}" if self.last != self.first else ""
        return f"{self.path}:{self.first}{last}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says. Percentages are of 100, None where nothing is known.

    `missing`, `partial` and `unknown` hold changed lines by path, without empty entries;
    `counted` is how many changed lines have a verdict; `functions` names the function of each
    missing line; `reasons` say in words what stops the change, `remarks` what else is to be said.
    """

    verdict: Answer
    total: float | None
    base_total: float | None
    diff: float | None
    counted: int
    missing: dict[str, tuple[LineNo, ...]]
    partial: dict[str, tuple[LineNo, ...]]
    unknown: dict[str, tuple[LineNo, ...]]
    functions: dict[str, dict[LineNo, str]]
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def judge(
    judged: Mapping[str, Judged],
    floors: Floors,
    *,
    read: Callable[[str], str],
    total: float | None = None,
    base_total: float | None = None,
) -> Verdict:
    """The verdict on a change.

    Args:
        judged: Its changed lines, by path.
        floors: What is asked of it.
        read: The text of a changed file as the change leaves it, by path.
        total: Percent of the whole project that tests reach, where known.
        base_total: The same of what the change is compared with.

    Returns:
        "fail" where something asked for is not given; "unknown" where changed lines have no
        verdict; else "pass".
    """
    missing = _lines((p, j.missing) for p, j in judged.items())
    unknown = _lines((p, j.unknown) for p, j in judged.items())
    reached = sum(len(j.reached) for j in judged.values())
    lost = sum(map(len, missing.values()))
    diff = 100.0 * reached / (reached + lost) if reached + lost else None
    reasons: list[str] = []
    remarks: list[str] = []
    if diff is not None and diff < floors.diff:
        reasons.append(
            f"{lost:,} of {reached + lost:,} changed lines are reached by no test"
            f" ({_percent(diff)} are, the floor is {floors.diff:g} %)"
        )
    _judge_total(total, base_total, floors, reasons, remarks)
    if unknown:
        count = plural(sum(map(len, unknown.values())), "changed line")
        said = f"{count} in {plural(len(unknown), 'file')} not measured yet"
        (reasons if floors.unknown == "fail" else remarks).append(said)
    return Verdict(
        "fail" if reasons else "unknown" if unknown else "pass",
        total, base_total, diff, reached + lost, missing,
        _lines((p, j.partial) for p, j in judged.items()), unknown,
        {path: _functions(read(path), lines) for path, lines in missing.items()},
        tuple(reasons), tuple(remarks),
    )  # fmt: skip


def _judge_total(
    total: float | None,
    base_total: float | None,
    floors: Floors,
    reasons: list[str],
    remarks: list[str],
) -> None:
    if total is None:
        if floors.total or floors.ratchet is not None:
            remarks.append("the total is not known: this commit was not measured")
        return
    if floors.total and total < floors.total.floor:
        said = f"the total is {_percent(total)}, the floor is {floors.total.floor:g} %"
        (reasons if floors.total.enforced else remarks).append(said)
        if floors.total.enforced and floors.total.note:
            remarks.append(floors.total.note)
    if floors.ratchet is not None and base_total is not None and total < base_total - 1e-9:
        said = f"the total falls from {_percent(base_total)} to {_percent(total)}"
        (reasons if floors.ratchet else remarks).append(said)
    elif floors.ratchet and base_total is None:
        remarks.append("whether the total falls is not known: the base was not measured")


def _percent(value: float) -> str:
    """Two digits, and never a roundness that would hide why a floor was missed."""
    return f"{int(value * 100) / 100:g} %"


def _lines(found: Iterable[tuple[str, frozenset[LineNo]]]) -> dict[str, tuple[LineNo, ...]]:
    return {path: tuple(sorted(lines)) for path, lines in sorted(found) if lines}


def _functions(source: str, lines: Sequence[LineNo]) -> dict[LineNo, str]:
    spans = functions(source)
    return {
        line: next((s.name for s in spans if s.first <= line <= s.last), MODULE) for line in lines
    }


def ranges(verdict: Verdict) -> list[Range]:
    """The missing lines as ranges within one function, in order."""
    found: list[Range] = []
    for path, lines in verdict.missing.items():
        for line in lines:
            function = verdict.functions[path][line]
            last = found[-1] if found else None
            if last and (last.path, last.function, last.last) == (path, function, line - 1):
                found[-1] = last._replace(last=line)
            else:
                found.append(Range(path, line, line, function))
    return found


def of_data(
    changed: Mapping[str, Sequence[LineNo]], data: Mapping[str, FileLines]
) -> dict[str, Judged]:
    """The changed lines of the files that a coverage file holds, by what it says of them."""
    found = {}
    for path, lines in changed.items():
        if path in data:
            file, asked = data[path], frozenset(lines)
            missing = asked & file.missing
            found[path] = Judged(
                (asked & file.statements) - missing, missing, (asked & file.partial) - missing
            )
    return found


def as_json(verdict: Verdict) -> Json:
    """A verdict as `--json` prints it."""
    return {
        "verdict": verdict.verdict,
        "total": {"percent": verdict.total, "base": verdict.base_total},
        "diff": {
            "percent": verdict.diff,
            "lines": verdict.counted,
            "missing": {p: list(lines) for p, lines in verdict.missing.items()},
            "partial": {p: list(lines) for p, lines in verdict.partial.items()},
            "unknown": {p: list(lines) for p, lines in verdict.unknown.items()},
        },
        "functions": [
            {
                "path": r.path, "first": r.first, "last": r.last, "function": r.function,
                "draft": r.gap,
            }
            for r in ranges(verdict)
        ],
        "reasons": list(verdict.reasons),
        "remarks": list(verdict.remarks),
    }  # fmt: skip
