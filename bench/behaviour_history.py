"""What real commits changed in what the code does: `make bench-behaviour-history CLONES=...`.

Takes fixes that come with a test, and refactors, from clones. Each is compared with its parent. A
fix counts as shown where a function of it differs and its own tests, laid over the parent, fail
there and pass at the commit. Results are stored by commit, so that a run can be resumed.
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packages import environment

from copydesk.agent.behaviour import BehaviourSearch, Limits, compare_commit, kind_of
from copydesk.agent.behaviour.changed_functions import changed_functions
from copydesk.agent.behaviour.compare_commit import changed_sources
from copydesk.agent.coverage.source import is_test_file
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, find, read_blob, set_config
from copydesk.agent.progress import silent
from copydesk.agent.testgen.project import open_workspace

RECENT = 600
MOST_FUNCTIONS = 4


def clone(source: Path, folder: Path, python: Path) -> Repository:
    """A clone with a working tree and settings of its own."""
    if not folder.is_dir():
        subprocess.run(["git", "clone", "-q", str(source), str(folder)], check=True)
    repo = find(folder)
    set_config(repo, "copydesk.python", str(python))
    return repo


def chosen(repo: Repository, what: str, most: int) -> Iterator[Commit]:
    """The newest commits that change few functions: fixes with tests, or refactors."""
    listed = subprocess.check_output(
        ["git", "-C", str(repo.worktree), "rev-list", "--no-merges", f"-{RECENT}", "HEAD"],
        text=True,
    )
    count = 0
    for sha in listed.split():
        commit = Commit(repo, sha)
        kind = kind_of(f"{commit.info.subject}\n\n{commit.info.body}")
        if kind != {"fixes": "fix", "refactors": "keeps"}[what]:
            continue
        if what == "fixes" and not any(map(is_test_file, commit.changes)):
            continue
        sources = changed_sources(commit)
        changes = changed_functions(sources.before, sources.after)
        both = [c for c in changes if c.before and c.after]
        own = [c for c in both if not c.why[0].startswith("uses ")]
        if not own or len(both) > MOST_FUNCTIONS:
            continue
        count += 1
        yield commit
        if count == most:
            return


def tests_explain(repo: Repository, commit: Commit) -> str:
    """How the commit's own tests go at the commit, and laid over its parent."""
    assert commit.parent is not None
    paths = [p for p in commit.changes if is_test_file(p) and p in commit.tree]
    files = {p: read_blob(repo, commit.tree[p].blob).decode("utf-8", "replace") for p in paths}
    words = []
    for sha in (commit.sha, commit.parent):
        with open_workspace(repo, sha, "bench") as workspace:
            command = ("python", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *paths)
            outcome = workspace.sandbox.run(command, files=files)
            words.append({0: "pass", 1: "fail"}.get(outcome.returncode or 0, "error"))
    return "/".join(words)


def compared(repo: Repository, commit: Commit, what: str, seconds: float) -> dict[str, Any]:
    """What came of one commit."""
    began = time.monotonic()
    row: dict[str, Any] = {"sha": commit.sha, "what": what, "subject": commit.info.subject}
    with open_desk(repo.desk) as db:
        search = BehaviourSearch(
            repo, db, silent, limits=Limits(MOST_FUNCTIONS, seconds), again=True
        )
        try:
            rows = list(compare_commit(search, commit.sha))
        except CopydeskError as error:
            return {**row, "error": str(error)}
    row["functions"] = [
        {
            "name": r.name,
            "verdict": r.verdict,
            "reason": r.detail["reason"],
            "why": r.detail["why"],
            "announced": r.announced,
            "differences": [
                {k: d[k] for k in ("call", "before", "after", "kind", "count")}
                for d in r.detail["differences"]
            ],
        }
        for r in rows
        if r.verdict not in ("added", "removed")
    ]
    row["seconds"] = round(time.monotonic() - began, 1)
    if what == "fixes":
        row["tests"] = tests_explain(repo, commit)
    return row


def summary(rows: list[dict[str, Any]]) -> str:
    """The figures."""
    lines = []
    for what in ("fixes", "refactors"):
        own = [row for row in rows if row["what"] == what and "functions" in row]
        functions = [f for row in own for f in row["functions"]]
        verdicts = collections.Counter(f["verdict"] for f in functions)
        told = sum(verdicts[v] for v in ("same", "differs", "signature"))
        lines.append(
            f"{what}: {len(own)} commits, {len(functions)} changed functions, {told} compared"
            f" ({dict(verdicts)})"
        )
        shown = [row for row in own if any(f["verdict"] == "differs" for f in row["functions"])]
        lines.append(f"  commits with a difference: {len(shown)}")
        if what == "fixes":
            telling = [row for row in own if row["tests"] == "pass/fail"]
            explained = [row for row in shown if row["tests"] == "pass/fail"]
            lines.append(
                f"  whose own tests fail at the parent: {len(telling)};"
                f" of these with a difference: {len(explained)}"
            )
        reasons = collections.Counter(
            "a line is never reached" if "never reached" in f["reason"] else f["reason"][:70]
            for f in functions
            if f["verdict"] == "not compared"
        )
        lines += [f"  {count} not compared: {reason}" for reason, count in reasons.most_common()]
    return "\n".join(lines)


def main() -> None:
    """Run, and print what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clones", nargs="*", type=Path)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/copydesk-bench-history"))
    parser.add_argument("--most", type=int, default=6, help="commits of each kind and clone")
    parser.add_argument("--needs", default="pytest,coverage")
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="for the functions of a commit"
    )
    parser.add_argument("--minutes", type=float, default=600.0)
    options = parser.parse_args()
    options.scratch.mkdir(exist_ok=True, parents=True)
    until = time.time() + 60 * options.minutes
    python = environment(sys.executable, options.scratch / "python", options.needs.split(","))
    rows: list[dict[str, Any]] = []
    repos = [clone(p, options.scratch / p.parent.name, python) for p in options.clones]
    for what in ("fixes", "refactors"):
        for repo in repos:
            results = options.scratch / f"{repo.worktree.name}-{what}.jsonl"
            lines = results.read_text().splitlines() if results.is_file() else []
            done = {row["sha"]: row for row in map(json.loads, lines)}
            for commit in chosen(repo, what, options.most):
                if time.time() > until:
                    break
                if commit.sha not in done:
                    done[commit.sha] = compared(repo, commit, what, options.seconds)
                    with results.open("a") as out:
                        out.write(json.dumps(done[commit.sha]) + "\n")
                    verdicts = [f["verdict"] for f in done[commit.sha].get("functions", ())]
                    print(f"  {repo.worktree.name} {commit.sha[:8]} {what}: {verdicts}", flush=True)
            rows += done.values()
    print(summary(rows))


if __name__ == "__main__":
    main()
