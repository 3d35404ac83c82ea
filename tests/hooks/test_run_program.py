from __future__ import annotations

import os
import resource
import sys

import pytest

from copydesk.hooks.run_program import run_program

BOTH = "import sys; sys.stdout.write('a' * {0}); sys.stderr.write('b' * {0}); sys.exit(3)"


def test_what_a_program_says_is_read_whole_however_much_it_is() -> None:
    code, said, complaint = run_program([sys.executable, "-c", BOTH.format(1_000_000)])
    assert (code, said, complaint) == (3, b"a" * 1_000_000, b"b" * 1_000_000)


def test_it_reads_nothing_and_knows_its_signal() -> None:
    assert (
        run_program([sys.executable, "-c", "import sys; sys.exit(len(sys.stdin.read()))"])[0] == 0
    )
    assert run_program([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])[0] == -9


def test_a_program_that_is_not_there_leaves_no_file_open() -> None:
    for _ in range(resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4 + 1):
        with pytest.raises(FileNotFoundError):
            run_program(["no-such-program-anywhere"])


def test_where_programs_cannot_be_spawned_subprocess_starts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "posix_spawn")
    assert run_program([sys.executable, "-c", BOTH.format(2)]) == (3, b"aa", b"bb")
