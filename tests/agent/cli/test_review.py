import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from copydesk.agent.desk.drafts import Drafts
from copydesk.agent.records import Draft
from copydesk.agent.testgen.accept.run_in_place import InPlace

LONG = "def test_long():\n" + "".join(f"    assert {n} == {n}\n" for n in range(60))


@pytest.fixture
def three(add_test: Callable[..., int], add_story: Callable[..., int]) -> list[int]:
    return [add_test(), add_test(origin="model"), add_story()]


def test_nothing_to_review(run: Any, shop: Path) -> None:
    done = run(shop, "review")
    assert done.exit_code == 0
    assert "Nothing waits for you." in done.output


def test_a_test_that_could_not_be_tried_here_is_said(
    run: Any, shop: Path, add_test: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_test()
    outcome = InPlace("not run", "pytest is not installed")
    monkeypatch.setattr("copydesk.agent.review.placed_tests.run_in_copy", lambda *_: outcome)
    done = run(shop, "review", input="a\n")
    assert done.exit_code == 0, done.output
    line = "not tried in your own environment (not run: pytest is not installed)"
    assert line in done.output


def test_accept_reject_and_skip(run: Any, shop: Path, three: list[int]) -> None:
    done = run(shop, "review", input="a\nr\ntoo vague\ns\n")
    assert done.exit_code == 0, done.output
    said = done.output
    assert [f"── {n} of 3 " in said for n in (1, 2, 3)] == [True] * 3
    assert "wrote test_prices.py" in said
    assert "why? " in said
    assert "1 accepted, 1 rejected, 1 skipped; 1 draft left on the desk." in said
    assert "`copydesk undo ID`" in said
    log = run(shop, "log").output
    assert "too vague" in log


def test_words_do_as_well_as_letters_and_the_rest_is_explained(
    run: Any, shop: Path, three: list[int]
) -> None:
    done = run(shop, "review", input="?\nwhat\nMORE\nSkip\nquit\n")
    assert done.output.count("a  accept: a test goes into its test module") == 2
    assert "0 accepted, 0 rejected, 1 skipped; 3 drafts left" in done.output


def test_the_last_decision_can_be_taken_back(run: Any, shop: Path, three: list[int]) -> None:
    before = (shop / "test_prices.py").read_text()
    done = run(shop, "review", "--kind", "test", input="u\na\nu\ns\nu\nq\n")
    assert "Nothing was decided yet in this review." in done.output
    assert done.output.count("── 1 of 2") == 3
    assert "0 accepted, 0 rejected, 0 skipped; 2 drafts left" in done.output
    assert (shop / "test_prices.py").read_text() == before


def test_an_input_that_ends_keeps_what_was_decided(run: Any, shop: Path, three: list[int]) -> None:
    done = run(shop, "review", input="r\n")
    assert done.exit_code == 0
    assert "0 accepted, 0 rejected, 0 skipped; 3 drafts left" in done.output
    done = run(shop, "review", input="s\nr\nwhy not\n")
    assert "0 accepted, 1 rejected, 1 skipped; 2 drafts left" in done.output


def test_one_draft_that_cannot_be_placed_does_not_end_the_review(
    run: Any, shop: Path, three: list[int]
) -> None:
    outside = shop.parent / "outside.py"
    outside.write_text("x = 1\n")
    (shop / "test_prices.py").unlink()
    (shop / "test_prices.py").symlink_to(outside)
    done = run(shop, "review", input="a\ns\nq\n")
    assert done.exit_code == 0, done.output
    assert outside.read_text() == "x = 1\n"


def test_an_error_is_shown_and_the_draft_stays(
    run: Any, shop: Path, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    done = run(shop, "review", input="e\ns\nq\n")
    assert "copydesk: the editor did not work" in done.output
    assert "EDITOR=nano" in done.output
    assert "0 accepted, 0 rejected, 1 skipped; 3 drafts left" in done.output


def test_edit_shows_the_draft_again(
    run: Any, shop: Path, three: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "editor"
    script.write_text("""#!/bin/sh\nsed -i 's/adds prices/brings prices/' "$1"\n""")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    done = run(shop, "review", "--kind", "devlog", input="e\ne\na\n")
    assert done.output.count("── 1 of 1") == 3
    assert "Commit `abc` brings prices." in done.output
    assert "Nothing was changed." in done.output
    assert "1 accepted" in done.output


def test_an_edit_that_is_taken_back_in_the_review_is_kept_in_a_file(
    run: Any, shop: Path, three: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "editor"
    script.write_text("""#!/bin/sh\nsed -i 's/adds prices/brings prices/' "$1"\n""")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    done = run(shop, "review", "--kind", "devlog", input="e\nu\nq\n")
    assert "Your version is kept in .git/copydesk/edits/" in done.output
    assert done.output.rstrip().count("Commit `abc` adds prices.") == 2  # as at first
    (kept,) = (shop / ".git/copydesk/edits").glob("*.undone-1.md")
    assert "brings prices" in kept.read_text()


def test_what_was_decided_elsewhere_is_passed_over(
    run: Any, shop: Path, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:

    former = Drafts.get

    def get(self: Drafts, identity: int) -> Draft:
        if identity == three[1]:
            self._db.execute("UPDATE drafts SET state = 'superseded' WHERE id = ?", (identity,))
        return former(self, identity)

    monkeypatch.setattr(Drafts, "get", get)
    done = run(shop, "review", input="s\ns\n")
    assert "── 2 of 3" not in done.output
    assert "2 skipped; 2 drafts left" in done.output


def test_a_short_screen_in_this_process(
    run: Any, shop: Path, add_test: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = {"verdict": "verified", "notes": [f"note {n}" for n in range(30)]}
    add_test(content=LONG, evidence=notes)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setattr(
        "shutil.get_terminal_size", lambda *_: os.terminal_size((80, 24)), raising=True
    )
    said = run(shop, "review", "--plain", input="q\n").output
    assert "more lines: m shows all" in said
    assert "more lines of evidence" in said


def test_ctrl_c_while_asking_for_the_reason(
    run: Any, shop: Path, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> str:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise click.Abort from None

    monkeypatch.setattr("click.prompt", interrupted)
    assert run(shop, "review").exit_code == 130


class Terminal:
    """A real terminal of 80 columns and 24 lines with copydesk in it."""

    def __init__(self, where: Path, *words: str) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = dict(os.environ) | {"TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.child = subprocess.Popen(
            [sys.executable, "-m", "copydesk.agent.cli.main", *words],
            cwd=where,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, pattern: str) -> str:
        said, end = b"", time.monotonic() + 60
        while not re.search(pattern.encode(), said):
            assert time.monotonic() < end, said
            if select.select([self.ours], [], [], 0.2)[0]:
                try:
                    said += os.read(self.ours, 65536)
                except OSError:
                    break
        return said.decode()

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it is heard: input() is deaf between its prompt and its read."""
        end = time.monotonic() + 60
        while self.child.poll() is None and time.monotonic() < end:
            self.child.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(5)

    def close(self) -> int:
        try:
            return self.child.wait(60)
        finally:
            self.child.kill()
            self.child.wait()
            os.close(self.ours)


def test_a_screen_holds_a_long_draft_its_evidence_and_the_question(
    shop: Path, add_test: Callable[..., int]
) -> None:
    evidence = {"verdict": "verified", "tier": "full", "notes": [f"note {n}" for n in range(30)]}
    add_test(content=LONG, evidence=evidence)
    terminal = Terminal(shop, "review", "--plain")
    screen = terminal.until(r"\[\?\] > ")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen).replace("\r", "")
    lines = plain.split("\n")
    assert "\x1b[" in screen, "highlighted"
    assert len([line for line in lines if line]) <= 24
    assert max(map(len, (line.rstrip() for line in lines))) <= 80
    assert "more lines: m shows all" in plain
    assert "more lines of evidence" in plain
    terminal.type("m\n")
    whole = terminal.until(r"\[\?\] > ")
    assert "59" in whole
    assert "note 29" in whole
    terminal.type("q\n")
    assert "1 draft left" in terminal.until("left on the desk")
    assert terminal.close() == 0


def test_ctrl_c_at_the_question_leaves_quietly(shop: Path, add_test: Callable[..., int]) -> None:
    add_test()
    terminal = Terminal(shop, "review", "--plain")
    terminal.until(r"\[\?\] > ")
    terminal.interrupt()
    assert terminal.close() == 130
