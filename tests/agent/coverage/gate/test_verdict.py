from __future__ import annotations

from copydesk.agent.coverage.gate.verdict import (
    Floor,
    Floors,
    LineStatus,
    judge,
    missing_ranges,
    verdict_as_json,
)

SOURCE = "import os\n\n\ndef f(x):\n    if x:\n        return 1\n    return 2\n"


def read(_: str) -> str:
    return SOURCE


def lines(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def test_nothing_changed_passes() -> None:
    found = judge({}, Floors(), read=read)
    assert (found.verdict, found.diff, found.reasons) == ("pass", None, ())


def test_a_missing_line_is_named_with_its_function() -> None:
    found = judge({"a.py": LineStatus(lines(4, 5), lines(1, 6, 7))}, Floors(), read=read)
    assert found.verdict == "fail"
    assert [(r.first, r.last, r.gap) for r in missing_ranges(found)] == [
        (1, 1, "a.py"), (6, 7, "a.py::f"),
    ]  # fmt: skip
    assert verdict_as_json(found)["diff"]["missing"] == {"a.py": [1, 6, 7]}


def test_a_floor_stops_only_where_it_is_enforced() -> None:
    change = {"a.py": LineStatus(lines(4))}
    said = judge(change, Floors(total=Floor(95, False)), read=read, total=94.999)
    assert (said.verdict, said.remarks) == ("pass", ("the total is 94.99 %, the floor is 95 %",))
    stopped = judge(change, Floors(total=Floor(95, True)), read=read, total=94.999)
    assert (stopped.verdict, stopped.reasons) == ("fail", said.remarks)
    assert judge(change, Floors(total=Floor(95, True)), read=read, total=95.0).verdict == "pass"


def test_the_ratchet() -> None:
    def told(ratchet: bool | None, total: float, base: float | None) -> tuple[str, int]:
        found = judge({}, Floors(ratchet=ratchet), read=read, total=total, base_total=base)
        return found.verdict, len(found.remarks)

    assert told(True, 80.0, 80.0) == ("pass", 0)
    assert told(True, 79.9, 80.0) == ("fail", 0)
    assert told(False, 79.9, 80.0) == ("pass", 1)
    assert told(None, 79.9, 80.0) == ("pass", 0)
    assert told(True, 79.9, None) == ("pass", 1)


def test_unknown_lines_are_neither() -> None:
    change = {"a.py": LineStatus(lines(4), unknown=lines(6))}
    assert judge(change, Floors(), read=read).verdict == "unknown"
    assert judge(change, Floors(unknown="fail"), read=read).verdict == "fail"


def test_a_statement_counts_once_and_all_its_changed_lines_are_named() -> None:
    status = LineStatus(lines(1), lines(5, 6, 7), starts={5: 4, 6: 4})
    verdict = judge({"a.py": status}, Floors(), read=read)
    assert (verdict.counted, verdict.missing) == (3, {"a.py": (5, 6, 7)})
    assert verdict.reasons[0].startswith("2 of 3 changed lines are reached by no test (33.33 %")
