from __future__ import annotations

from pathlib import Path

from copydesk.agent.daemon.log import Log, tail


def test_lines_carry_their_time_and_nothing_that_moves_a_cursor(tmp_path: Path) -> None:
    Log(tmp_path).say("one\ntwo \x1b[2J")
    lines = tail(tmp_path, 10)
    assert [line.split(" ", 1)[1] for line in lines] == ["one", "two \\x1b[2J"]
    assert lines[0].startswith("20")


def test_the_log_cannot_grow_without_end(tmp_path: Path) -> None:
    log = Log(tmp_path, max_bytes=200)
    for number in range(100):
        log.say(f"line {number}")
    assert sum(path.stat().st_size for path in tmp_path.glob("daemon.log*")) < 600
    assert tail(tmp_path, 2)[-1].endswith("line 99")
    assert tail(tmp_path, 0) == []


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    Log(tmp_path / "missing").say("anything")
    assert tail(tmp_path / "missing", 5) == []
