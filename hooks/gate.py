"""The verdict on a change before it is committed or pushed, from what has been measured.

Lines whose file version was measured keep their verdict; others are unknown, never guessed.
Nothing is run and nobody is waited for: no data, no verdict. Of what takes time to import only
sqlite3 is, for git waits for this.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from bisect import bisect_right

if not __package__:  # run as a file by an interpreter without site-packages
    _HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path.append(os.path.dirname(os.path.dirname(_HERE)))

from copydesk.hooks.diff import PYTHON_FILES, patch
from copydesk.hooks.doubts import doubts_of
from copydesk.hooks.git_files import common_dir, follow_git_file, go_to_top, is_busy
from copydesk.hooks.line_digests import may_hold
from copydesk.hooks.notify import complain, notify
from copydesk.hooks.patch import FilePatch, parse_patch
from copydesk.hooks.run_program import run_program
from copydesk.hooks.spool import DESK

BUSY_SECONDS = 0.05


def main() -> int:
    """Run as the hook.

    Returns:
        1 when the change is under the project's floor, else 0: whatever goes wrong is one line
        on standard error and stops nobody.
    """
    code = 0
    if hasattr(sys.stdout, "reconfigure"):  # a name that a terminal cannot show stops nobody
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        go_to_top()
        code = judge()
    except Exception as error:
        complain(error)
    if not _is_push() and not os.environ.get("CI"):
        try:
            notify("pre-commit")
        except Exception as error:
            complain(error)
    return code


def _is_push() -> bool:
    return "PRE_COMMIT_TO_REF" in os.environ


def judge() -> int:
    """Say what is known of the change, if anything.

    Returns:
        1 when it must not pass, else 0.
    """
    path = os.path.join(common_dir(), DESK, "desk.db")
    has_desk = os.path.isfile(path)
    if operation_in_progress():
        return 0
    if _is_push():
        return judge_push() if has_desk else _push_without_desk()
    if not has_desk:
        return _judge_without_desk(changed_files(patch(["--cached"])))
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    db = sqlite3.connect(f"file:{escaped}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        files = changed_files(patch(["--cached"], (*PYTHON_FILES, *counted_scripts(db))))
        if not files:
            _print_nothing_staged()
            return 0
        code = judge_by_desk(db, files)
        _print_waiting(db)
        return code
    finally:
        db.close()


def _print_waiting(db: sqlite3.Connection) -> None:
    """Say that tests wait to be decided on, where the eyes are anyway: at the next commit."""
    try:
        [waiting] = db.execute(
            "SELECT count(*) FROM drafts WHERE kind = 'test' AND state = 'ready'"
        ).fetchone()
    except sqlite3.Error:  # the verdict is what git waits for
        return
    if waiting:
        tests = "1 verified test waits" if waiting == 1 else f"{waiting} verified tests wait"
        print(f"copydesk: {tests}: copydesk review")


def counted_scripts(db: sqlite3.Connection) -> list[str]:
    """Pathspecs of the files that count although their names do not end in .py."""
    try:
        names = _rule(db, "scripts")
    except sqlite3.Error:  # whether the desk can be read matters once there is a change
        return []
    return [f":(top,literal){name}" for name in names.split("\n") if name]


def _print_nothing_staged() -> None:
    """Say so where it is not git that asks: `pre-commit run --all-files` would just say Passed."""
    if "PRE_COMMIT" in os.environ and "GIT_INDEX_FILE" not in os.environ:
        print("copydesk: no line of a .py file is staged, so there is nothing to judge;")
        print("  `copydesk gate --base REV` judges what is committed")


def _push_without_desk() -> int:
    """What is said of a push where nothing was measured yet: no verdict, which is no pass."""
    print("copydesk: unknown: nothing was measured here yet; `copydesk measure` does it now")
    return int(policy() == "fail")


def _judge_without_desk(files: list[FilePatch]) -> int:
    """What is said of changed files where nothing was measured yet."""
    if not files:
        _print_nothing_staged()
        return 0
    if policy() != "pass":
        return judge_staged()
    print("copydesk: nothing was measured here yet, so there is no verdict on this change")
    return 0


def judge_by_desk(db: sqlite3.Connection, files: list[FilePatch]) -> int:
    """Let a change pass by what the desk holds, or ask the whole gate where that may say no.

    A change passes here when every line of it was measured and reached, or when nothing is known
    of it and the project lets that pass. The verdict is the gate's in all other cases, so that
    the two are one.
    """
    try:
        if _rule(db, "tests_may_fail") == "never":
            return judge_staged()  # the tests have to be run
        return _judge_files(db, files)
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        return judge_staged()  # the desk of an older copydesk, which the gate brings up to date


def _judge_files(db: sqlite3.Connection, files: list[FilePatch]) -> int:
    """The verdict by the versions of the changed files that were measured."""
    new_files = []
    for file in files:
        versions = measured_versions(db, file)
        if versions is None:
            if not is_test(file.path):
                new_files.append(file)
        elif any(may_be_missing(file.new_lines, version) for version in versions):
            return judge_staged()
    if new_files and (policy() != "pass" or any(may_be_known(db, f) for f in new_files)):
        return judge_staged()
    _print_unknown(db, new_files)
    if not new_files:
        _print_doubts(db)
    _print_failing(db)
    return 0


def judge_push() -> int:
    """The verdict of the whole gate on what is pushed."""
    base, tip = os.environ.get("PRE_COMMIT_FROM_REF"), os.environ.get("PRE_COMMIT_TO_REF")
    if not (base and tip):  # the whole history is pushed: no change to judge
        return 0
    return run_gate_command([f"--base={base}", f"--head={tip}"])


def judge_staged() -> int:
    """The verdict of the whole gate on what is staged."""
    return run_gate_command(["--staged"])


def policy() -> str:
    """What the project says of lines that were not measured yet."""
    try:
        with open("pyproject.toml", "rb") as file:
            raw = file.read()
    except OSError:
        return "pass"
    if b"unknown" not in raw:
        return "pass"
    # two milliseconds, and hardly anybody sets it
    import tomllib

    table = tomllib.loads(raw.decode("utf-8", "replace")).get("tool", {}).get("copydesk", {})
    return str(table.get("unknown", "pass"))


def run_gate_command(options: list[str]) -> int:
    """The verdict of `copydesk gate`, which can also measure.

    It is asked only for what the views cannot answer, for it takes a fifth of a second.

    Args:
        options: What it is started with.

    Returns:
        1 when it says no, else 0.
    """
    import subprocess

    argv = [sys.executable, "-P", "-m", "copydesk.agent.cli.main", "gate", *options]
    sys.stdout.flush()
    if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode != 1:
        return 0
    print(f"  `git {'push' if _is_push() else 'commit'} --no-verify` goes on without.")
    return 1


def operation_in_progress() -> bool:
    """Whether a merge, rebase, cherry-pick or revert is under way in this worktree."""
    git_dir = os.environ.get("GIT_DIR") or ".git"
    if os.path.isfile(git_dir):
        git_dir = follow_git_file(git_dir)
    return is_busy(git_dir)


def changed_files(text: bytes) -> list[FilePatch]:
    """The files of a patch in which lines of source were added or changed."""
    return [file for file in parse_patch(text) if file.new_lines and file.is_source()]


Version = tuple[bytes, str, str | None, int | None]
"""A measured version of a file: its counted lines as numbits, its missing lines as JSON, their
digests, and whether git counts its lines otherwise than Python.

A plain tuple: importing typing for a name would cost every commit three milliseconds.
"""

_VERSIONS = "SELECT statements, missing, digests, lone_cr FROM gate_versions WHERE path = ?"


def measured_versions(db: sqlite3.Connection, file: FilePatch) -> list[Version] | None:
    """What was measured of a file as it is staged; None where that is nothing."""
    return db.execute(f"{_VERSIONS} AND blob = ?", (file.path, file.blob)).fetchall() or None


def may_be_missing(lines: list[int], version: Version) -> bool:
    """Whether some line may belong to a statement that no test reaches.

    A line belongs to the counted line before it, or to none.
    """
    statements, missing_json, digests, lone_cr = version
    missing = {int(word) for word in missing_json[1:-1].split(",") if word.strip()}
    if not missing:
        return False
    if digests is None or lone_cr:
        return True
    counted = [
        8 * index + bit
        for index, byte in enumerate(statements)
        for bit in range(8)
        if byte >> bit & 1
    ]
    for line in lines:
        before = bisect_right(counted, line)
        if before and counted[before - 1] in missing:
            return True
    return False


def may_be_known(db: sqlite3.Connection, file: FilePatch) -> bool:
    """Whether more is known of a version that was not measured: the whole gate says what.

    It may hold a line known to be reached by no test, or coverage.py may pass the file over.
    """
    if is_passed_over(db, file):
        return True
    for _, missing, digests, _ in db.execute(_VERSIONS, (file.path,)):
        if missing != "[]" and (digests is None or may_hold(file.added, digests)):
            return True
    return False


def is_passed_over(db: sqlite3.Connection, file: FilePatch) -> bool:
    """Whether coverage.py says nothing of a file in some measured commit: the gate knows why."""
    query = "SELECT 1 FROM gate_passed_over WHERE path = ? LIMIT 1"
    return db.execute(query, (file.path,)).fetchone() is not None


def _print_unknown(db: sqlite3.Connection, files: list[FilePatch]) -> None:
    """Say of how many files nothing is known yet."""
    if not files:
        return
    is_measured, percent = _measured_head(db)
    count = sum(not (is_measured and _is_left_out(db, file)) for file in files)
    if count:
        noun = "file is" if count == 1 else "files are"
        print(f"copydesk: {count} changed {noun} not measured yet; the daemon will{percent}")


def _rule(db: sqlite3.Connection, key: str) -> str:
    """A rule of the gate as it was published last; "" where there is none."""
    row = db.execute("SELECT value FROM gate_policy WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


def _print_failing(db: sqlite3.Connection) -> None:
    """Name a test that fails at HEAD: a commit goes on, a push will not."""
    if db.execute("SELECT 1 FROM gate_failures LIMIT 1").fetchone() is None:
        return
    output = run_program(["git", "rev-parse", "--verify", "--quiet", "HEAD"])[1]
    head = output.decode("ascii", "replace").strip()
    query = "SELECT test, error FROM gate_failures WHERE sha = ? ORDER BY test"
    failing = db.execute(query, (head,)).fetchall()
    if failing:
        test, error = failing[0]
        more = f" and {len(failing) - 1} more" if len(failing) > 1 else ""
        print(f"copydesk: at HEAD {test} fails{more} ({error})")


def _is_left_out(db: sqlite3.Connection, file: FilePatch) -> bool:
    """Whether a file that the measured HEAD has does not count there."""
    query = "SELECT 1 FROM gate_versions WHERE path = ?"
    return not file.is_new and db.execute(query, (file.path,)).fetchone() is None


def is_test(path: str) -> bool:
    """Whether a file's name says that it holds tests, which need no tests themselves."""
    folders, _, name = path.rpartition("/")
    return (
        name == "conftest.py"
        or name.startswith("test_")
        or name.endswith("_test.py")
        or not {"test", "tests"}.isdisjoint(folders.split("/"))
    )


def _measured_head(db: sqlite3.Connection) -> tuple[bool, str]:
    """Whether HEAD was measured, and its total in words."""
    output = run_program(["git", "rev-parse", "--verify", "--quiet", "HEAD"])[1]
    head = output.decode("ascii", "replace").strip()
    row = db.execute("SELECT percent FROM gate_totals WHERE sha = ?", (head,)).fetchone()
    if row is None:
        return False, ""
    doubts = ", ".join(_doubts(db, "WHERE sha = ?", head))
    if doubts or row[0] is None:
        return True, f" (HEAD: {doubts or 'nothing is known'})"
    return True, f" (HEAD: {float(row[0]):.1f} % covered)"


def _print_doubts(db: sqlite3.Connection) -> None:
    """Say that what was measured last proves nothing, where it does not."""
    for doubt in _doubts(db, "ORDER BY number DESC LIMIT 1"):
        print(f"copydesk: no verdict on this change: {doubt} in the last measure")


def _doubts(db: sqlite3.Connection, which: str, *values: str) -> list[str]:
    """Why a measure proves nothing.

    Args:
        db: The desk.
        which: The end of a query that finds the measure.
        values: What it is given.
    """
    counts = "total, passed, failed, skipped, executable"
    try:
        row = db.execute(f"SELECT {counts} FROM gate_totals {which}", values).fetchone()
    except sqlite3.Error:  # the desk of an older copydesk has no such columns
        return []
    return doubts_of(*row) if row else []


if __name__ == "__main__":
    sys.exit(main())
