"""The verdict on a change before it is committed or pushed, from what has been measured.

Lines whose file version was measured keep their verdict; others are unknown, never guessed.
Nothing is run and nobody is waited for: no data, no verdict. Of what takes time to import only
sqlite3 is, for git waits for this.
"""

from __future__ import annotations

import os
import sqlite3
import sys

if not __package__:  # run as a file by an interpreter without site-packages
    _HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path.append(os.path.dirname(os.path.dirname(_HERE)))

from copydesk.hooks.git_files import common_dir, follow_git_file, is_busy
from copydesk.hooks.notify import complain, notify
from copydesk.hooks.patch import parse_patch
from copydesk.hooks.run_program import run_program
from copydesk.hooks.spool import DESK

BUSY_SECONDS = 0.05
DEFAULT_FLOOR = 95.0
"""Percent of changed lines that must be reached when the project names no other."""

DIFF_OPTIONS = (
    *("-U0", "--inter-hunk-context=0", "--full-index", "--find-renames", "--no-color"),
    *("--no-ext-diff", "--no-textconv", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/"),
)
"""How `git diff` is asked for a patch that `changed_lines` reads, whatever the user has configured.
"""

_DIFF = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true", "diff", *DIFF_OPTIONS)

SHOWN = 40
"""Places that are named on the screen."""

MODULE = "<module>"
"""What is named where lines belong to no function."""

Change = dict[str, tuple[str, list[int]]]
"""By path: the new blob's id and the lines that were added or changed."""


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
    if not has_desk and policy() == "pass":
        return 0
    if operation_in_progress():
        return 0
    change = changed_lines(diff(os.environ))
    if not change:
        return 0
    if not has_desk:
        return 0 if _is_push() else run_gate_command(["--staged"])
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    db = sqlite3.connect(f"file:{escaped}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        return _judge_by_desk(db, change)
    finally:
        db.close()


def _judge_by_desk(db: sqlite3.Connection, change: Change) -> int:
    verdicts = look_up(db, change)
    if _is_push():
        ends = [os.environ["PRE_COMMIT_FROM_REF"], os.environ["PRE_COMMIT_TO_REF"]]
        return report(db, verdicts, change) or run_gate_command(
            ["--base", ends[0], "--head", ends[1]]
        )
    missing, _, unknown = verdicts
    new_tests = missing and any(map(is_test, change))
    if new_tests or (unknown and policy() != "pass"):
        return run_gate_command(["--staged"])
    return report(db, verdicts, change)


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
    return int(subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode == 1)


def operation_in_progress() -> bool:
    """Whether a merge, rebase, cherry-pick or revert is under way in this worktree."""
    git_dir = os.environ.get("GIT_DIR") or ".git"
    if os.path.isfile(git_dir):
        git_dir = follow_git_file(git_dir)
    return is_busy(git_dir)


def diff(environ: os._Environ[str] | dict[str, str]) -> bytes:
    """The staged change, or before a push what it adds to the other side.

    GIT_INDEX_FILE stays as git set it: `git commit -a` stages into another index.
    """
    base, tip = environ.get("PRE_COMMIT_FROM_REF"), environ.get("PRE_COMMIT_TO_REF")
    if tip and not base:  # the whole history is pushed: no change to judge
        return b""
    ranges = [["--cached"]]
    if base and tip:
        ranges = [["--end-of-options", f"{base}...{tip}"], ["--end-of-options", base, tip]]
    for words in ranges[:-1]:
        try:
            return patch(words)
        except OSError:  # no common ancestor is known here
            continue
    return patch(ranges[-1])


def patch(words: list[str]) -> bytes:
    """The Python files of a `git diff`, as a patch.

    Raises:
        OSError: Git ended with an error; the message is git's own.
    """
    code, output, errors = run_program([*_DIFF, *words, "--", "*.py"])
    if code:
        raise OSError(errors.decode("utf-8", "replace").strip() or "git diff failed")
    return output


def changed_lines(patch: bytes) -> Change:
    """The files of a patch in which lines were added or changed."""
    change: Change = {}
    for file in parse_patch(patch):
        lines = file.new_lines()
        if lines:
            change[file.path] = (file.blob, lines)
    return change


Verdicts = tuple[dict[str, list[int]], int, int]
"""The lines reached by no test by path, how many have a verdict, and how many have none.

A plain tuple: importing typing for a name would cost every commit three milliseconds.
"""


def look_up(db: sqlite3.Connection, change: Change) -> Verdicts:
    """What the views made for it say of the changed lines."""
    missing: dict[str, list[int]] = {}
    judged = unknown = 0
    for path, (blob, lines) in sorted(change.items()):
        version = (path, blob)
        if db.execute("SELECT 1 FROM gate_files WHERE path = ? AND blob = ?", version).fetchone():
            rows = db.execute("SELECT line FROM gate_lines WHERE path = ? AND blob = ?", version)
            open_lines = {int(line) for (line,) in rows}.intersection(lines)
            judged += len(lines)
            if open_lines:
                missing[path] = sorted(open_lines)
        elif not is_test(path):
            unknown += len(lines)
    return missing, judged, unknown


def report(db: sqlite3.Connection, verdicts: Verdicts, change: Change) -> int:
    """Print what there is to say; 1 when the change is under the floor."""
    missing, judged, unknown = verdicts
    count = sum(map(len, missing.values()))
    floor = _floor(db)
    percent = 100.0 * (1 - count / judged) if judged else 100.0
    if count and percent < floor:
        print(f"copydesk: {_lines(count, judged)} reached by no test", end="")
        print(f" ({percent:.0f} % are, the floor is {floor:g} %)")
        _print_places(missing_places(db, missing, change))
        return 1
    if unknown:
        noun = "line" if unknown == 1 else "lines"
        line = f"copydesk: {unknown} changed {noun} not measured yet; the daemon will"
        print(line + _total(db))
    return 0


def _print_places(places: list[str]) -> None:
    for line in places[:SHOWN]:
        print(f"  {line}")
    if len(places) > SHOWN:
        print(f"  ... and {len(places) - SHOWN} more; `copydesk gate` counts them")
    command = "push" if os.environ.get("PRE_COMMIT_TO_REF") else "commit"
    print(f"  `git {command} --no-verify` goes on without.")


Span = tuple[str, int, int]
"""A function's name, its first and its last line."""


def missing_places(
    db: sqlite3.Connection, missing: dict[str, list[int]], change: Change
) -> list[str]:
    """The missing lines: where, in which function, and the command that drafts its test."""
    spans = _function_spans(db, [change[path][0] for path in missing][:SHOWN])
    places = []
    for path, lines in missing.items():
        functions = spans.get(change[path][0], [])
        shown = _printable(path)
        for name, inside in _by_function(lines, functions).items():
            column = f"  {name or MODULE}" if functions else ""
            gap = f"{shown}::{name}" if name else shown
            places.append(f"{shown}:{ranges(inside)}{column}  \u2192 copydesk draft {gap}")
    return places


def _function_spans(db: sqlite3.Connection, blobs: list[str]) -> dict[str, list[Span]]:
    """Where the functions of some blobs stand, as far as that is known."""
    marks = ",".join("?" * len(blobs))
    query = (
        f"SELECT blob, function, first_line, last_line FROM gate_functions WHERE blob IN ({marks})"
    )
    try:
        rows = db.execute(query, blobs).fetchall()
    except sqlite3.Error:  # the desk of an older copydesk has no such view
        return {}
    spans: dict[str, list[Span]] = {}
    for blob, name, first, last in rows:
        spans.setdefault(blob, []).append((name, first, last))
    return spans


def _by_function(lines: list[int], functions: list[Span]) -> dict[str, list[int]]:
    """Lines by the name of their function; "" where they belong to none."""
    by_function: dict[str, list[int]] = {}
    for line in lines:
        name = next((name for name, first, last in functions if first <= line <= last), "")
        by_function.setdefault(name, []).append(line)
    return by_function


def is_test(path: str) -> bool:
    """Whether a file's name says that it holds tests, which need no tests themselves."""
    folders, _, name = path.rpartition("/")
    return (
        name == "conftest.py"
        or name.startswith("test_")
        or name.endswith("_test.py")
        or not {"test", "tests"}.isdisjoint(folders.split("/"))
    )


def ranges(lines: list[int]) -> str:
    """Line numbers in the short form: 3-5, 9."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _lines(count: int, judged: int) -> str:
    return f"{count} of {judged} changed line{'s are' if judged != 1 else ' is'}"


def _printable(path: str) -> str:
    return path if path.isprintable() else ascii(path)


def _floor(db: sqlite3.Connection) -> float:
    row = db.execute("SELECT value FROM gate_policy WHERE key = 'diff_fail_under'").fetchone()
    return float(row[0]) if row else DEFAULT_FLOOR


def _total(db: sqlite3.Connection) -> str:
    output = run_program(["git", "rev-parse", "--verify", "--quiet", "HEAD"])[1]
    head = output.decode("ascii", "replace").strip()
    row = db.execute("SELECT percent FROM gate_totals WHERE sha = ?", (head,)).fetchone()
    return f" (HEAD: {float(row[0]):.1f} % covered)" if row else ""


if __name__ == "__main__":
    sys.exit(main())
