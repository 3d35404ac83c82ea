"""What a sandbox promises, with and without a guard."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import signal
import threading
import uuid
from pathlib import Path

import pytest
from tests.agent.sandbox.conftest import LIMITS, MakeSandbox, alive

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.runner import Capability, Limits, Outcome, SandboxRunner, Tier, Visible

both = pytest.mark.parametrize("tier", ["full", "off"])


OPEN_REPORT = "import os; report = open(int(os.environ['COPYDESK_REPORT_FD']), 'wb')\n"


def tell(sandbox: SandboxRunner, code: str, **options: object) -> Outcome:
    return sandbox.run(["python", "-c", code], **options)  # type: ignore[arg-type]


@both
def test_a_command_runs_and_its_end_is_told(make: MakeSandbox, tier: str) -> None:
    outcome = tell(make(tier), "import sys; print('said'); print('loud', file=sys.stderr)")
    assert (outcome.ended, outcome.returncode, outcome.tier) == ("exit", 0, Tier(tier))
    assert sorted(outcome.output.split()) == ["loud", "said"]
    assert outcome.report == b""
    assert 0 < outcome.seconds < 30


@both
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("raise SystemExit(3)", 3, id="its exit code"),
        pytest.param("import os; os.kill(os.getpid(), 15)", 128 + 15, id="128 + the signal"),
    ],
)
def test_the_return_code_is(make: MakeSandbox, tier: str, code: str, expected: int) -> None:
    outcome = tell(make(tier), code)
    assert (outcome.ended, outcome.returncode) == ("exit", expected)


@both
def test_a_program_that_does_not_exist_ends_with_127(make: MakeSandbox, tier: str) -> None:
    outcome = make(tier).run(["no-such-program"])
    assert (outcome.ended, outcome.returncode) == ("exit", 127)
    assert "no-such-program" in outcome.output


@both
def test_it_reads_what_it_is_given(make: MakeSandbox, tier: str) -> None:
    code = "import sys; print(len(sys.stdin.read()))"
    assert tell(make(tier), code, stdin=b"x" * 300_000).output == "300000\n"
    assert tell(make(tier), code).output == "0\n"


@both
def test_files_are_laid_over_the_copy(make: MakeSandbox, tier: str, tree: Path) -> None:
    outcome = tell(
        make(tier),
        "print(*(open(n).read() for n in ('data.txt', 'link.txt', 'new dir/é.py', 'conftest.py')))",
        files={"link.txt": "no link", "new dir/é.py": "new", "conftest.py": "# ü\r\n"},
    )
    assert outcome.output == "as committed\n no link new # ü\n\n"
    assert (tree / "link.txt").is_symlink()
    assert not (tree / "new dir").exists()


@both
def test_every_run_starts_afresh_and_nothing_is_written_back(
    make: MakeSandbox, tier: str, tree: Path, top: Path
) -> None:
    sandbox = make(tier)
    code = "import pathlib as p; f = p.Path('data.txt'); print(f.read_text()); f.write_text('x')"
    before = sorted(path.name for path in tree.rglob("*"))
    assert tell(sandbox, code).output == tell(sandbox, code).output == "as committed\n\n"
    assert (tree / "data.txt").read_text() == "as committed\n"
    assert sorted(path.name for path in tree.rglob("*")) == before
    assert [path.name for path in top.iterdir()] == [".git"]


@both
@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "a\0b"])
def test_a_path_out_of_the_tree_is_refused(make: MakeSandbox, tier: str, name: str) -> None:
    with pytest.raises(ValueError, match="not a path inside the tree"):
        make(tier).run(["true"], files={name: ""})


@both
def test_a_file_over_a_folder_means_it_is_not_run(make: MakeSandbox, tier: str) -> None:
    outcome = make(tier).run(["true"], files={"src": "a file"})
    assert (outcome.ended, outcome.returncode) == ("not run", None)
    assert "src" in outcome.reason


@both
def test_the_environment_is_fixed_and_not_inherited(
    make: MakeSandbox, tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    env = json.loads(tell(make(tier), code, env={"PYTHONHASHSEED": "7", "MINE": "é"}).output)
    assert "GITHUB_TOKEN" not in env
    assert (env["TZ"], env["LANG"], env["PYTHONDONTWRITEBYTECODE"]) == ("UTC", "C.UTF-8", "1")
    assert (env["PYTHONHASHSEED"], env["MINE"]) == ("7", "é")
    assert json.loads(tell(make(tier), code).output)["PYTHONHASHSEED"] == "0"


@both
def test_home_and_scratch_folders_are_there_and_empty(make: MakeSandbox, tier: str) -> None:
    code = (
        "import os, tempfile; from pathlib import Path; print(os.listdir(Path.home()));"
        "Path('~/x').expanduser().write_text('x'); print(tempfile.mkstemp()[0] > 0, os.getcwd())"
    )
    outcome = tell(make(tier), code)
    assert outcome.output.startswith("[]\nTrue /"), outcome


@both
def test_tools_then_the_sources_then_what_the_environment_lacks_come_first_on_the_path(
    make: MakeSandbox, tier: str, tmp_path: Path, python: Interpreter, tree: Path, top: Path
) -> None:
    tools, extra = tmp_path / "tools", tmp_path / "extra"
    for folder in (tools, extra):
        folder.mkdir()
        (folder / "data.txt").touch()
    sandbox = SandboxRunner(
        tree,
        top,
        dataclasses.replace(python, extra_path=extra),
        Capability(Tier(tier), "") if tier == "off" else Capability(make(tier).tier, ""),
        visible=Visible(source_roots=("src", ".", "missing"), tools=tools),
    )
    code = "import os, sys; print(*sys.path[1:5], os.environ['COPYDESK_TOOLS'], sep='\\n')"
    seen = tell(sandbox, code).output.splitlines()
    at_top = tell(sandbox, "import os; print(os.getcwd())").output.strip()
    assert seen[0] == seen[4]
    if tier == "off":
        assert (seen[0], seen[3]) == (str(tools), str(extra))
    else:
        assert at_top == str(top)
        assert [seen[1], seen[2]] == [f"{top}/src", str(top)]
        assert "data.txt" in tell(sandbox, "import os; print(os.listdir('/copydesk/extra'))").output


@both
def test_a_report_comes_back_whole(make: MakeSandbox, tier: str) -> None:
    outcome = tell(make(tier), OPEN_REPORT + "report.write(b'ab' * 400_000)")
    assert (outcome.ended, outcome.report) == ("exit", b"ab" * 400_000)


@both
def test_too_long_a_report_ends_the_run(make: MakeSandbox, tier: str) -> None:
    outcome = tell(make(tier), OPEN_REPORT + "while True: report.write(b'a' * 65536)")
    assert (outcome.ended, outcome.returncode) == ("output", None)
    assert outcome.reason == "wrote too long a report"
    assert len(outcome.report) == LIMITS.report


@both
def test_a_report_just_too_long_is_noticed_after_the_end(make: MakeSandbox, tier: str) -> None:
    limits = dataclasses.replace(LIMITS, report=2000)
    outcome = tell(make(tier), OPEN_REPORT + "report.write(b'a' * 2001)", limits=limits)
    assert (outcome.ended, len(outcome.report)) == ("output", 2000)


@both
def test_long_output_keeps_its_beginning_and_its_end(make: MakeSandbox, tier: str) -> None:
    outcome = tell(make(tier), "print('first' + 'x' * 200_000 + 'last')")
    assert (outcome.ended, outcome.returncode) == ("exit", 0)
    assert outcome.output.startswith("first")
    assert outcome.output.endswith("last\n")
    assert "bytes left out" in outcome.output
    assert LIMITS.output < len(outcome.output) < LIMITS.output + 100


@both
def test_a_flood_of_output_ends_the_run(make: MakeSandbox, tier: str) -> None:
    outcome = tell(make(tier), "while True: print('x' * 10_000)")
    assert (outcome.ended, outcome.returncode) == ("output", None)
    assert len(outcome.output) < LIMITS.output + 100


@both
def test_wall_time_is_kept_although_signals_are_ignored(make: MakeSandbox, tier: str) -> None:
    mark = uuid.uuid4().hex
    code = (
        "import signal, time\nfor s in range(1, 65):\n"
        "  try: signal.signal(s, signal.SIG_IGN)\n  except (OSError, ValueError): pass\n"
        "while True:\n  time.sleep(0.01)"
    )
    limits = dataclasses.replace(LIMITS, wall_seconds=1.0)
    outcome = make(tier).run(["python", "-c", code, mark], limits=limits)
    assert (outcome.ended, outcome.returncode) == ("timeout", None)
    assert outcome.reason == "took longer than 1 s"
    assert outcome.seconds < 10
    assert alive(mark) == []


@both
def test_cpu_time_is_kept(make: MakeSandbox, tier: str) -> None:
    limits = dataclasses.replace(LIMITS, cpu_seconds=1)
    outcome = tell(make(tier), "while True: pass", limits=limits)
    assert (outcome.ended, outcome.returncode) == ("timeout", None)
    assert outcome.reason == "used more than 1 s of CPU time"


@both
def test_memory_of_the_whole_run_is_kept(make: MakeSandbox, tier: str) -> None:
    mark = uuid.uuid4().hex
    code = (  # each process stays below what one process may have
        "import os, time\nfor _ in range(6):\n  if os.fork() == 0:\n"
        "    held = bytearray(os.urandom(1 << 20) * 100)\n    time.sleep(60)\n"
        "time.sleep(60)"
    )
    outcome = make(tier).run(["python", "-c", code, mark])
    assert (outcome.ended, outcome.reason) == ("memory", "used more than 256 MiB of memory")
    assert alive(mark) == []


@both
def test_forks_that_share_their_memory_are_not_counted_twice(make: MakeSandbox, tier: str) -> None:
    code = (
        "import os, time\nheld = bytearray(os.urandom(1 << 20) * 60)\n"
        "pids = [os.fork() for _ in range(1)]\n"
        "for _ in range(3): os.fork()\n"
        "time.sleep(1)"
    )
    assert tell(make(tier), code).ended == "exit"


@both
def test_a_file_may_not_grow_beyond_its_limit(make: MakeSandbox, tier: str) -> None:
    code = "open('big', 'wb').write(bytes(17 << 20))"
    outcome = tell(make(tier), code)
    assert outcome.returncode == 1
    assert "File too large" in outcome.output


@both
def test_a_daemonised_child_is_ended_and_its_open_pipes_do_not_hold_us(
    make: MakeSandbox, tier: str
) -> None:
    mark = uuid.uuid4().hex
    code = (
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n"
        "    time.sleep(60)\n  os._exit(0)\nos.wait()\nprint('done')"
    )
    outcome = make(tier).run(["python", "-c", code, mark])
    assert (outcome.ended, outcome.output) == ("exit", "done\n")
    assert outcome.seconds < 10
    assert alive(mark) == []


@both
def test_runs_in_parallel_do_not_meet(make: MakeSandbox, tier: str) -> None:
    sandbox = make(tier)
    code = "import os, time; open('x', 'x').close(); time.sleep(0.2); print(os.listdir('src'))"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: tell(sandbox, code), range(4)))
    assert [o.output for o in outcomes] == ["['calc']\n"] * 4, outcomes


@both
def test_an_interrupted_run_leaves_nothing_behind(make: MakeSandbox, tier: str) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    mark = uuid.uuid4().hex
    sandbox = make(tier)
    before = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(Interrupted):
            sandbox.run(["python", "-c", "import time; time.sleep(60)", mark])
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert alive(mark) == []


@both
def test_no_file_descriptor_and_no_temporary_folder_is_left(
    make: MakeSandbox, tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make(tier)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    sandbox.run(["true"])
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        sandbox.run(["true"], files={"a": "b"})
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert list(scratch.iterdir()) == []


def test_without_a_guard_nothing_is_run(make: MakeSandbox, tmp_path: Path) -> None:
    outcome = make("none").run(["touch", str(tmp_path / "trace")])
    assert outcome == Outcome("not run", None, "", b"", 0.0, Tier.NONE, "asked for none")
    assert not (tmp_path / "trace").exists()


def test_a_bubblewrap_that_is_gone_means_not_run(
    tree: Path, top: Path, python: Interpreter, tmp_path: Path
) -> None:
    sandbox = SandboxRunner(tree, top, python, Capability(Tier.FULL, "", "", tmp_path / "bwrap"))
    outcome = sandbox.run(["true"])
    assert (outcome.ended, outcome.tier) == ("not run", Tier.FULL)
    assert str(tmp_path / "bwrap") in outcome.reason


def test_a_tree_that_cannot_be_copied_means_not_run(make: MakeSandbox, tree: Path) -> None:
    (tree / "big").write_bytes(bytes(9 << 20))
    sandbox = make("full", limits=dataclasses.replace(LIMITS, tree_size=8 << 20))
    outcome = sandbox.run(["true"])
    assert outcome.ended == "not run"
    assert "No space left on device" in outcome.reason


def test_an_interpreter_around_the_repository_cannot_be_guarded(
    tree: Path, top: Path, python: Interpreter
) -> None:
    around = dataclasses.replace(python, prefix=top)
    sandbox = SandboxRunner(tree, top, around, Capability(Tier.FULL, "fine"))
    assert (sandbox.tier, sandbox.run(["true"]).ended) == (Tier.NONE, "not run")
    assert str(top) in sandbox.reason


def test_further_folders_may_be_read_where_they_are(make: MakeSandbox, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "x").write_text("readable")
    code = f"print(open({str(data / 'x')!r}).read()); open({str(data / 'y')!r}, 'w')"
    outcome = tell(make("full", read_only=[data]), code)
    assert outcome.output.endswith("readable\n")
    assert "Read-only file system" in outcome.output
    assert tell(make("full"), code).output.count("readable") == 0


def test_a_folder_of_the_tree_is_not_covered_by_the_one_outside(
    make: MakeSandbox, top: Path
) -> None:
    (top / "src").mkdir()
    sandbox = make("full", read_only=[top / "src", top / ".git"])
    assert tell(sandbox, "import os; print(os.listdir('src'))").output == "['calc']\n"


def test_the_default_limits_are_those_of_the_design() -> None:
    assert Limits() == Limits(30, 60.0, 2 << 30, 128, 64 << 20, 512 << 20, 1 << 20, 16 << 20)
