from __future__ import annotations

import logging
from pathlib import Path

import pytest

from copydesk.agent.daemon.log import DaemonLogHandler, daemon_logger, tail


def test_lines_carry_their_time_and_nothing_that_moves_a_cursor(tmp_path: Path) -> None:
    daemon_logger(tmp_path).info("one\ntwo \x1b[2J")
    lines = tail(tmp_path, 10)
    assert [line.split(" ", 1)[1] for line in lines] == ["one", "two \\x1b[2J"]
    assert lines[0].startswith("20")


def test_the_log_cannot_grow_without_end(tmp_path: Path) -> None:
    logger = logging.Logger("small")
    logger.addHandler(DaemonLogHandler(tmp_path, max_bytes=200))
    for number in range(100):
        logger.info("line %d", number)
    assert sum(path.stat().st_size for path in tmp_path.glob("daemon.log*")) < 600
    assert tail(tmp_path, 2)[-1].endswith("line 99")
    assert tail(tmp_path, 0) == []


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    daemon_logger(tmp_path / "missing").info("anything")
    assert tail(tmp_path / "missing", 5) == []


def test_a_warning_is_marked_and_a_bug_is_told_whole(tmp_path: Path) -> None:
    logger = daemon_logger(tmp_path)
    logger.warning("the disk is %s", "full")
    try:
        raise ValueError("a bug")
    except ValueError:
        logger.exception("ended")
    lines = [line.split(" ", 1)[1] for line in tail(tmp_path, 10)]
    assert lines[:2] == ["warning: the disk is full", "error: ended"]
    assert lines[-1] == "error: ValueError: a bug"


def test_two_processes_write_and_rotate_one_log(tmp_path: Path) -> None:
    first, second = (logging.Logger(name) for name in "ab")
    for logger in (first, second):
        logger.addHandler(DaemonLogHandler(tmp_path, max_bytes=400))
    for number in range(50):
        first.info("first %d", number)
        second.info("second %d", number)
    assert tail(tmp_path, 2)[0].endswith("first 49")
    assert tail(tmp_path, 2)[1].endswith("second 49")


def test_a_full_disk_is_borne_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COPYDESK_FAIL", "log.write:enospc")
    daemon_logger(tmp_path).info("anything")
    assert tail(tmp_path, 5) == []
    assert capsys.readouterr().err == ""
