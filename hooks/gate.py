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

from copydesk.hooks import child, knock

BUSY_SECONDS = 0.05
DEFAULT_FLOOR = 95.0
"""Percent of changed lines that must be reached when the project names no other."""

_BUSY = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
DIFF_OPTIONS = (
    *("-U0", "--inter-hunk-context=0", "--full-index", "--find-renames", "--no-color"),
    *("--no-ext-diff", "--no-textconv", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/"),
)
"""How `git diff` is asked for a patch that `parse` reads, whatever the user has configured."""

_DIFF = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true", "diff", *DIFF_OPTIONS)
_ESCAPES = dict(zip('abtnvfr"\\', '\a\b\t\n\v\f\r"\\', strict=True))

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
        knock.complain(error)
    if "PRE_COMMIT_TO_REF" not in os.environ and not os.environ.get("CI"):
        try:
            knock.knock("pre-commit")
        except Exception as error:
            knock.complain(error)
    return code


def judge() -> int:
    """Say what is known of the change, if anything; 1 when it must not pass."""
    common = knock.common_dir()
    desk = os.path.join(common, knock.DESK, "desk.db")
    there = os.path.isfile(desk)
    if not (there or policy() != "pass") or in_progress():
        return 0
    changed = parse(diff(os.environ))
    if not changed:
        return 0
    if not there:
        return 0 if os.environ.get("PRE_COMMIT_TO_REF") else whole(["--staged"])
    name = desk.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    db = sqlite3.connect(f"file:{name}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        found = sort(db, changed)
        if os.environ.get("PRE_COMMIT_TO_REF"):
            return tell(db, found, changed) or whole(
                [
                    "--base",
                    os.environ["PRE_COMMIT_FROM_REF"],
                    "--head",
                    os.environ["PRE_COMMIT_TO_REF"],
                ]
            )
        missing, _, unknown = found
        new_tests = missing and any(map(is_test, changed))
        if new_tests or (unknown and policy() != "pass"):
            return whole(["--staged"])
        return tell(db, found, changed)
    finally:
        db.close()


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


def whole(words: list[str]) -> int:
    """The verdict of `copydesk gate`, which can also measure; 1 when it says no.

    It is asked only for what the views cannot answer, for it takes a fifth of a second.
    """
    import subprocess

    argv = [sys.executable, "-P", "-m", "copydesk.agent.cli.main", "gate", *words]
    sys.stdout.flush()
    return int(subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode == 1)


def in_progress() -> bool:
    """Whether a merge, rebase, cherry-pick or revert is under way in this worktree."""
    git_dir = os.environ.get("GIT_DIR") or ".git"
    if os.path.isfile(git_dir):
        with open(git_dir, encoding="utf-8", errors="surrogateescape") as file:
            git_dir = file.readline().rstrip("\n").partition(": ")[2]
    return any(os.path.exists(os.path.join(git_dir, mark)) for mark in _BUSY)


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
    code, said, complaint = child.run([*_DIFF, *words, "--", "*.py"])
    if code:
        raise OSError(complaint.decode("utf-8", "replace").strip() or "git diff failed")
    return said


def parse(patch: bytes) -> Change:
    """The changed Python files of a patch made with -U0 --full-index."""
    changed: Change = {}
    blob, path, left = "", "", 0
    for line in patch.split(b"\n"):
        if left:  # a line of a hunk, whatever it looks like
            left -= not line.startswith(b"\\")
        elif line.startswith(b"diff --git "):
            blob, path = "", ""
        elif line.startswith(b"index "):
            blob = line.split()[1].partition(b"..")[2].decode()
        elif line.startswith((b"+++ b/", b'+++ "b/')):
            path = unquoted(line[4:])[2:]
            changed[path] = (blob, [])
        elif line.startswith(b"@@ ") and path:
            removed, added = line.split()[1:3]
            first, count = _range(added)
            changed[path][1].extend(range(first, first + count))
            left = count + _range(removed)[1]
    return {path: change for path, change in changed.items() if change[1]}


def _range(side: bytes) -> tuple[int, int]:
    first, comma, count = side[1:].partition(b",")
    return int(first), int(count) if comma else 1


def unquoted(name: bytes) -> str:
    """A path as it is, from the way git writes it."""
    name = name.rstrip(b"\t")
    if not name.startswith(b'"'):
        return os.fsdecode(name)
    raw, at, body = bytearray(), 0, name[1:-1].decode("latin-1")
    while at < len(body):
        char = body[at]
        if char == "\\" and body[at + 1].isdigit():
            raw.append(int(body[at + 1 : at + 4], 8))
            at += 4
            continue
        if char == "\\":
            at += 1
            char = _ESCAPES[body[at]]
        raw += char.encode("latin-1")
        at += 1
    return os.fsdecode(bytes(raw))


Found = tuple[dict[str, list[int]], int, int]
"""The lines reached by no test by path, how many have a verdict, and how many have none.

A plain tuple: importing typing for a name would cost every commit three milliseconds.
"""


def sort(db: sqlite3.Connection, changed: Change) -> Found:
    """What the views made for it say of the changed lines."""
    missing: dict[str, list[int]] = {}
    known = unknown = 0
    for path, (blob, lines) in sorted(changed.items()):
        version = (path, blob)
        if db.execute("SELECT 1 FROM gate_files WHERE path = ? AND blob = ?", version).fetchone():
            rows = db.execute("SELECT line FROM gate_lines WHERE path = ? AND blob = ?", version)
            open_lines = {int(line) for (line,) in rows}.intersection(lines)
            known += len(lines)
            if open_lines:
                missing[path] = sorted(open_lines)
        elif not is_test(path):
            unknown += len(lines)
    return missing, known, unknown


def tell(db: sqlite3.Connection, found: Found, changed: Change) -> int:
    """Print what there is to say; 1 when the change is under the floor."""
    missing, known, unknown = found
    count = sum(map(len, missing.values()))
    floor = _floor(db)
    percent = 100.0 * (1 - count / known) if known else 100.0
    if count and percent < floor:
        print(f"copydesk: {_lines(count, known)} reached by no test", end="")
        print(f" ({percent:.0f} % are, the floor is {floor:g} %)")
        places = named(db, missing, changed)
        for place in places[:SHOWN]:
            print(f"  {place}")
        if len(places) > SHOWN:
            print(f"  ... and {len(places) - SHOWN} more; `copydesk gate` counts them")
        doing = "push" if os.environ.get("PRE_COMMIT_TO_REF") else "commit"
        print(f"  `git {doing} --no-verify` goes on without.")
        return 1
    if unknown:
        noun = "line" if unknown == 1 else "lines"
        said = f"copydesk: {unknown} changed {noun} not measured yet; the daemon will"
        print(said + _total(db))
    return 0


def named(db: sqlite3.Connection, missing: dict[str, list[int]], changed: Change) -> list[str]:
    """The missing lines: where, in which function, and the command that drafts its test."""
    spans: dict[str, list[tuple[str, int, int]]] = {}
    blobs = [changed[path][0] for path in missing][:SHOWN]
    marks = ",".join("?" * len(blobs))
    try:
        rows = db.execute(
            "SELECT blob, function, first_line, last_line FROM gate_functions"
            f" WHERE blob IN ({marks})",
            blobs,
        ).fetchall()
    except sqlite3.Error:  # the desk of an older copydesk has no such view
        rows = []
    for blob, name, first, last in rows:
        spans.setdefault(blob, []).append((name, first, last))
    found = []
    for path, lines in missing.items():
        by_function: dict[str, list[int]] = {}
        there = spans.get(changed[path][0], [])
        for line in lines:
            name = next((name for name, first, last in there if first <= line <= last), "")
            by_function.setdefault(name, []).append(line)
        shown = _printable(path)
        for name, inside in by_function.items():
            function = f"  {name or MODULE}" if there else ""
            gap = f"{shown}::{name}" if name else shown
            found.append(f"{shown}:{ranges(inside)}{function}  \u2192 copydesk draft {gap}")
    return found


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
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def _lines(count: int, known: int) -> str:
    return f"{count} of {known} changed line{'s are' if known != 1 else ' is'}"


def _printable(path: str) -> str:
    return path if path.isprintable() else ascii(path)


def _floor(db: sqlite3.Connection) -> float:
    row = db.execute("SELECT value FROM gate_policy WHERE key = 'diff_fail_under'").fetchone()
    return float(row[0]) if row else DEFAULT_FLOOR


def _total(db: sqlite3.Connection) -> str:
    said = child.run(["git", "rev-parse", "--verify", "--quiet", "HEAD"])[1]
    head = said.decode("ascii", "replace").strip()
    row = db.execute("SELECT percent FROM gate_totals WHERE sha = ?", (head,)).fetchone()
    return f" (HEAD: {float(row[0]):.1f} % covered)" if row else ""


if __name__ == "__main__":
    sys.exit(main())
