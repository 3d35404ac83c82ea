import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from copydesk.agent.cli import main as entry
from copydesk.agent.cli import status as status_module
from copydesk.agent.cli.main import COMMANDS, SECTIONS, cli
from copydesk.agent.errors import CopydeskError


def _raises(error: BaseException) -> Callable[..., Any]:
    def act(*_: Any, **__: Any) -> Any:
        raise error

    return act


def test_the_table_says_what_the_commands_say() -> None:
    root = click.Context(cli)
    assert cli.list_commands(root) == list(COMMANDS)
    for entry_ in COMMANDS.values():
        command = cli.get_command(root, entry_.name)
        assert command is not None
        assert command.name == entry_.name
        assert (command.help or "").split("\n\n")[0] == entry_.help
        assert command.get_short_help_str(200) == entry_.help
        assert len(entry_.help) <= 60, "must not wrap in 80 columns"


def test_help_lists_every_command_and_loads_none(process: Any, tmp_path: Path) -> None:
    done = process(tmp_path, "--help")
    assert done.returncode == 0
    for section, entries in SECTIONS.items():
        assert f"{section}:" in done.stdout
        for one in entries:
            assert f"  {one.name} " in done.stdout
            assert one.help in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    heavy = "{'rich', 'ollama', 'httpx', 'git', 'coverage', 'sqlite_utils', 'watchdog'}"
    probe = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from copydesk.agent.cli.main import main\n"
        f"try: main()\nexcept SystemExit: print(sorted({heavy} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"


def test_version(run: Any, tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert done.exit_code == 0
    assert done.output.startswith("copydesk 0.")


def test_a_misspelt_command_is_answered_with_the_nearest(run: Any, tmp_path: Path) -> None:
    done = run(tmp_path, "staus")
    assert done.exit_code == 2
    assert "There is no command 'staus'. Did you mean 'status'?" in done.output
    done = run(tmp_path, "xyzzy")
    assert done.exit_code == 2
    assert "There is no command 'xyzzy'." in done.output
    assert cli.get_command(click.Context(cli), "xyzzy") is None
    assert run(tmp_path, "--nothing").exit_code == 2


def test_a_problem_is_one_line_a_hint_and_a_heading(process: Any, tmp_path: Path) -> None:
    done = process(tmp_path, "status")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"copydesk: {tmp_path} is not in a git repository",
        "Go to your project's folder, or run `git init` there.",
        "see docs/reference/messages.md#not-a-repository (`copydesk help not-a-repository`)",
    ]


def test_a_problem_cannot_write_escapes(
    run: Any, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = CopydeskError("bad \x1b[2J", slug="bad-desk")
    monkeypatch.setattr(status_module, "_state", _raises(error))
    assert run(repo, "status").output == (
        "copydesk: bad \\x1b[2J\n"
        "see docs/reference/messages.md#bad-desk (`copydesk help bad-desk`)\n"
    )
    monkeypatch.setenv("COPYDESK_DEBUG", "1")
    assert "Traceback" in run(repo, "status").output


def test_another_folder_can_be_named(run: Any, repo: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "-C", "repo", "drafts")
    assert done.exit_code == 0
    assert Path.cwd() == tmp_path
    assert run(tmp_path, "-C", "nowhere", "drafts").exit_code == 2


@pytest.mark.parametrize("with_desk", [True, False])
def test_a_bug_is_kept_in_a_file_and_not_shown(
    run: Any, repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, with_desk: bool
) -> None:
    monkeypatch.setattr(status_module, "_state", _raises(ZeroDivisionError("by\nnothing")))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if with_desk:
        (repo / ".git/copydesk").mkdir()
        log = repo / ".git/copydesk/crash.log"
    else:
        monkeypatch.setattr(
            "copydesk.agent.cli.status.open_current_desk", _raises(ZeroDivisionError("by"))
        )
    done = run(repo, "status")
    assert done.exit_code == 70
    assert "copydesk: this is a bug: ZeroDivisionError: by" in done.output
    assert "Traceback" not in done.output
    if not with_desk:
        (log,) = tmp_path.glob("copydesk-crash-*.log")
    assert str(log) in done.output
    text = log.read_text()
    assert text.startswith("copydesk 0.")
    assert "ZeroDivisionError" in text
    assert log.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("COPYDESK_DEBUG", "1")
    assert "Traceback" in run(repo, "status").output


def test_a_bug_on_a_full_disk_is_still_told(
    run: Any, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copydesk.agent.cli.status.open_current_desk", _raises(KeyError("x")))
    monkeypatch.setattr(tempfile, "tempdir", str(repo / "nowhere"))
    done = run(repo, "status")
    assert done.exit_code == 70
    assert "COPYDESK_DEBUG=1 shows it here" in done.output


def test_a_bug_outside_any_repository_goes_to_the_temporary_folder(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copydesk.agent.cli.status.open_current_desk", _raises(KeyError("x")))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(tmp_path, "status").exit_code == 70
    assert len(list(tmp_path.glob("copydesk-crash-*.log"))) == 1


def test_the_output_is_closed_for_good(capfd: pytest.CaptureFixture[str]) -> None:
    with open(os.dup(1), "w") as kept:  # noqa: PTH123
        os.write(kept.fileno(), b"before")
        entry._close_output()
        os.write(1, b"nobody reads this")
        os.dup2(kept.fileno(), 1)
    assert "nobody" not in capfd.readouterr().out


def test_a_desk_that_is_no_database_is_a_problem_not_a_bug(run: Any, repo: Path) -> None:
    (repo / ".git/copydesk").mkdir()
    (repo / ".git/copydesk/desk.db").write_text("hello " * 500)
    done = run(repo, "drafts")
    assert done.exit_code == 2
    assert "messages.md#bad-desk" in done.output


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (BrokenPipeError(), 141, ""),
        (click.exceptions.Exit(3), 3, ""),
        (click.UsageError("no"), 2, "Error: no"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_end_has_its_code(
    run: Any, repo: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    monkeypatch.setattr(entry, "_close_output", lambda: None)
    monkeypatch.setattr(status_module, "_state", _raises(error))
    done = run(repo, "status")
    assert done.exit_code == code
    assert said in done.output
    assert bool(done.output) == bool(said)


def test_an_ended_input_at_a_question_says_which_option_answers(
    run: Any, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_module, "_state", lambda *_: click.prompt("really"))
    done = run(repo, "status", input="")
    assert done.exit_code == 2
    assert "messages.md#no-answer" in done.output


def test_a_reader_that_goes_away_is_no_problem(repo: Path) -> None:
    with (repo / "out").open("w+b") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "copydesk.agent.cli.main", "config"],
            cwd=repo,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert child.stdout
        child.stdout.close()
        assert child.wait(60) == 141
        errors.seek(0)
        assert errors.read() == b""


def test_ctrl_c_ends_quietly(repo: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "copydesk.agent.cli.main", "daemon", "logs", "-f"],
        cwd=repo,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        log = repo / ".git/copydesk/daemon.log"
        log.parent.mkdir(exist_ok=True)
        assert child.stdout
        lines: list[bytes] = []
        while not lines:
            with log.open("a") as file:
                file.write("a line\n")
            time.sleep(0.2)
            os.set_blocking(child.stdout.fileno(), False)
            lines += child.stdout.readlines()
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        assert set(lines + child.stdout.readlines()) == {b"a line\n"}


def test_a_terminal_without_unicode_still_gets_the_words(repo: Path, process: Any) -> None:
    environment = dict(os.environ) | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    name = "a\u2192b"
    subprocess.run(["git", "config", "copydesk.modelHost", name], cwd=repo, check=True)
    done = process(repo, "config", env=environment)
    assert done.returncode == 0
    assert "a\\u2192b" in done.stdout


def test_main_exits_with_zero_when_all_is_well() -> None:
    called: dict[str, Any] = {}
    with pytest.raises(SystemExit) as end:
        entry.main(lambda **words: called.update(words))
    assert end.value.code == 0
    assert called == {"prog_name": "copydesk"}


def test_without_a_command_the_next_step_is_shown(run: Any, shop: Path, tmp_path: Path) -> None:
    done = run(shop)
    assert done.exit_code == 0
    assert done.output == run(shop, "status").output
    assert "Next: " in done.output
    done = run(tmp_path)
    assert (done.exit_code, "Usage: copydesk" in done.output) == (0, True)


def _complete(where: Path, *words: str) -> list[str]:
    environment = dict(os.environ) | {
        "_COPYDESK_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["copydesk", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "copydesk.agent.cli.main"],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_the_shell_completes_commands_and_ids(
    shop: Path, add_test: Callable[..., int], tmp_path: Path
) -> None:
    identity = add_test()
    assert _complete(shop, "st") == ["status", "story"]
    assert _complete(shop, "show", "") == [str(identity)]
    assert _complete(shop, "accept", "9") == []
    assert _complete(tmp_path, "show", "") == []


def test_completions_in_this_process(
    run: Any, shop: Path, add_test: Callable[..., int], tmp_path: Path
) -> None:
    identity = add_test()
    root = click.Context(cli, info_name="copydesk")
    assert [item.value for item in cli.shell_complete(root, "wa")] == ["wait", "watch"]
    show = cli.get_command(root, "show")
    assert show
    context = click.Context(show, parent=root)
    run(shop, "drafts")  # goes there
    (item,) = show.params[0].shell_complete(context, "")
    assert (item.value, item.help) == (str(identity), "Tests for label in prices.py")
    assert show.params[0].shell_complete(context, "7") == []
    run(tmp_path, "completion", "fish")
    assert show.params[0].shell_complete(context, "") == []


def test_a_desk_locked_by_a_writer_is_waited_for_not_given_up(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    add_test()
    writer = sqlite3.connect(shop / ".git/copydesk/desk.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert run(shop, "drafts").exit_code == 0
    writer.execute("ROLLBACK")
    writer.close()
