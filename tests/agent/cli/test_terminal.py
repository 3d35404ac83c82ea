import sys

import pytest
from rich.cells import cell_len

from copydesk.agent.cli import terminal


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """To be called in a test's own body: pytest changes the streams between the phases."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


ROWS = [
    ("1", "src/some/long/folder/module.py::" + "Class.method" * 4, "because " * 8),
    ("22", "short", "名前" * 30),
]


@pytest.mark.usefixtures("narrow")
def test_a_table_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(("ID", "About", "Why"), ROWS, right=(0,))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(cell_len(line) <= 80 for line in lines)
    assert lines[1].startswith(" 1  src/some/long/folder/")
    assert all("…" in line for line in lines[1:])


def test_a_table_in_a_pipe_is_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal.print_table(("ID", "About", "Why"), ROWS)
    out = capsys.readouterr().out
    assert ROWS[0][1] in out
    assert ROWS[1][2] in out
    assert "…" not in out


@pytest.mark.usefixtures("narrow")
def test_of_a_path_the_end_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(
        ("A path " * 15, "B"), [("long/" * 20 + "module.py::function", "名前" * 30)], ends=(0,)
    )
    head, row = capsys.readouterr().out.splitlines()
    assert head.startswith("A path A path")
    assert row.startswith("…")
    assert "module.py::function  " in row
    assert cell_len(row) <= 80


def test_a_cell_cannot_hold_a_line_break_or_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(("A",), [("x\ny\x1b[2J[bold]",)])
    assert capsys.readouterr().out == "A\nx\\x0ay\\x1b[2J[bold]\n"


def test_code_is_highlighted_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_terminal(monkeypatch)
    assert terminal.use_colour()
    assert terminal.print_code("def f():\n    return '\x1b[2J'\n", "python") == 0
    out = capsys.readouterr().out
    assert "\x1b[" in out
    assert "\x1b[2J" not in out
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.print_code("def f(): pass", "python") == 0
    assert capsys.readouterr().out == "def f(): pass\n"


def test_code_can_be_cut_to_a_number_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert terminal.print_code("a\nb\nc\n", "python", limit=2) == 1
    assert capsys.readouterr().out == "a\nb\n"


def test_headings_stand_out_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_terminal(monkeypatch)
    terminal.print_table(("A",), [("b",)])
    assert capsys.readouterr().out.startswith("\x1b[1mA")


def test_the_wheel_turns_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal.spinner("waiting") as change:
        change("still")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with terminal.spinner("waiting") as change:
        change("[red]still\x1b[2J")
    assert "\x1b[2J" not in capsys.readouterr().err


@pytest.mark.usefixtures("narrow")
def test_the_last_column_can_stand_below_rows_that_do_not_fit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    why = "no test reaches any of it; " * 5
    rows = [("a/module.py::function", "12-40", why), ("b.py::g", "3", "")]
    terminal.print_table(("Function", "Lines", "Why"), rows, ends=(0,), last_below=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Function               Lines"
    assert lines[1] == "a/module.py::function  12-40"
    assert " ".join(" ".join(lines[2:-1]).split()) == why.strip()
    assert all(line.startswith("    ") and cell_len(line) < 80 for line in lines[2:-1])
    assert lines[-1] == "b.py::g                3"


@pytest.mark.usefixtures("narrow")
def test_the_last_column_stays_where_there_is_room(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(("A", "Why"), [("f", "new")], last_below=True)
    assert capsys.readouterr().out.splitlines() == ["A  Why", "f  new"]
