"""Compares what a commit changed with its parent, and keeps what came of it on the desk."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from copydesk.agent.behaviour.announced import Words, why_announced, words_of
from copydesk.agent.behaviour.changed_functions import ChangedFunction, changed_functions
from copydesk.agent.behaviour.compare_function import compare_function
from copydesk.agent.behaviour.records import Comparison, Verdict, comparison_as_json
from copydesk.agent.behaviour.signatures import compare_signatures, refused_callers
from copydesk.agent.behaviour.suspicious_code import why_not_judged
from copydesk.agent.coverage.source import is_test_file
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress
from copydesk.agent.records import Sha
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.project import Workspace, open_workspace

AFTER_SLOT, BEFORE_SLOT = "behaviour", "behaviour-before"
_NOT_COMPARED = ("setup.py", "conftest.py", "noxfile.py", "conf.py", "__main__.py")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the comparison of one commit may use: functions, and seconds of work."""

    functions: int = 20
    seconds: float = 300.0


_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class BehaviourSearch:
    """What a commit is compared with.

    Attributes:
        repo: The repository.
        db: Its desk.
        say: Told what is going on.
        is_wanted: Whether to go on; asked before each function.
        limits: What may be used.
        again: Compare once more what was compared before.
    """

    repo: Repository
    db: Database
    say: Progress
    is_wanted: Callable[[], bool] = field(default=lambda: True)
    limits: Limits = _LIMITS
    again: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """The Python files that a commit changed, but for tests, at both of its ends."""

    sha: Sha
    before: Mapping[str, bytes]
    after: Mapping[str, bytes]

    def why_not_judged(self, change: ChangedFunction) -> str:
        """Why a function must not be called the same: what is new looks at what runs it."""
        for path, source in sorted(self.after.items()):
            version = change.after
            is_here = version is not None and version.path == path
            function = version.function if version is not None and is_here else ""
            if why := why_not_judged(self.before.get(path, b""), source, function):
                return f"{path} {why}"
        return ""


def changed_sources(commit: Commit) -> Sources:
    """The Python files that a commit changed; none where it has no parent."""
    parent = commit.parent
    if parent is None:
        return Sources(commit.sha, {}, {})
    old, new = commit.tree_of(parent), commit.tree
    paths = [path for path in _changed_paths(commit, parent) if _is_compared(path)]
    blobs = git.read_blobs(
        commit.repo, {tree[path].blob for tree in (old, new) for path in paths if path in tree}
    )
    before = {path: blobs[old[path].blob] for path in paths if path in old}
    after = {path: blobs[new[path].blob] for path in paths if path in new}
    return Sources(commit.sha, before, after)


def changes_functions(commit: Commit) -> bool:
    """Whether a commit changed a file whose functions are compared."""
    sources = changed_sources(commit)
    return any(path in sources.before for path in sources.after)


def _changed_paths(commit: Commit, parent: Sha) -> list[str]:
    old, new = commit.tree_of(parent), commit.tree
    return sorted(p for p in {*old, *new} if old.get(p) != new.get(p))


def _is_compared(path: str) -> bool:
    folders = path.split("/")
    name = folders[-1]
    if not name.endswith(".py") or is_test_file(path) or name in _NOT_COMPARED:
        return False
    return not {"tests", "test", "testing", "docs", "examples"} & set(folders[:-1])


def compare_commit(
    search: BehaviourSearch, sha: Sha, names: Collection[str] = ()
) -> Iterator[ComparisonRow]:
    """Compare the functions that a commit changed with its parent's.

    What was compared before is not compared again; each function is kept as soon as it is done.

    Args:
        search: What it is done with.
        sha: The commit.
        names: Only these: a path, or path::function.

    Yields:
        The rows of the desk.

    Raises:
        Superseded: They are wanted no longer; those made so far stay.
        CopydeskError: Nothing can be run: no interpreter, or no sandbox and no leave without.
    """
    commit = Commit(search.repo, sha)
    with contextlib.closing(_CommitComparison(search, commit)) as comparing:
        changes = comparing.changes(names)
        for number, change in enumerate(changes, 1):
            if not search.is_wanted():
                raise Superseded
            row = comparing.kept(change)
            if row is None:
                search.say(f"[{number}/{len(changes)}] {change.name}")
                row = comparing.compare(change)
            yield row


class _CommitComparison:
    """The comparison of one commit with its parent.

    Args:
        search: What it is done with.
        commit: The commit.
    """

    def __init__(self, search: BehaviourSearch, commit: Commit) -> None:
        self.search, self.commit = search, commit
        self.sources = changed_sources(commit)
        self.words = _words(commit)
        self.stack = contextlib.ExitStack()
        self.ends: tuple[Workspace, Workspace] | None = None
        self.began, self.count = time.monotonic(), 0
        rows = [] if search.again else search.db.comparisons.of_commit(commit.sha)
        self.rows = {row.name: row for row in rows}

    def close(self) -> None:
        """Let go of the trees."""
        self.stack.close()

    def changes(self, names: Collection[str]) -> list[ChangedFunction]:
        """The functions that the commit changed; those of some names alone, where there are any."""
        return [
            change
            for change in changed_functions(self.sources.before, self.sources.after)
            if not names or {change.name, change.name.partition("::")[0]} & set(names)
        ]

    def kept(self, change: ChangedFunction) -> ComparisonRow | None:
        """What an earlier comparison came to; None where there was none."""
        return self.rows.get(change.name)

    def compare(self, change: ChangedFunction) -> ComparisonRow:
        """Compare a function, and keep what comes of it but for that there was no room for it."""
        if change.before is None or change.after is None:
            verdict: Verdict = "added" if change.before is None else "removed"
            return self._row(Comparison(change, verdict))
        if spent := self._spent():
            return self._row(Comparison(change, "not compared", spent), is_final=False)
        if self.ends is None:
            self.ends = _open(self.search.repo, self.commit, self.stack)
        self.count += 1
        return self._row(_compare(self.search, change, self.ends, self.sources))

    def _spent(self) -> str:
        """Which limit is reached, in words, or ""."""
        limits = self.search.limits
        if self.count >= limits.functions:
            return f"{limits.functions} functions of this commit are compared already"
        if time.monotonic() - self.began >= limits.seconds:
            return f"{limits.seconds:.0f} seconds are used"
        return ""

    def _row(self, comparison: Comparison, *, is_final: bool = True) -> ComparisonRow:
        announced = ""
        if comparison.verdict == "differs":
            announced = why_announced(comparison, self.words)
        path, _, function = comparison.change.name.partition("::")
        row = ComparisonRow(
            id=0,
            sha=self.commit.sha,
            base=self.commit.parent or "",
            path=path,
            function=function,
            verdict=comparison.verdict,
            announced=announced,
            detail=comparison_as_json(comparison),
        )
        return self.search.db.comparisons.keep(row) if is_final else row


def _open(
    repo: Repository, commit: Commit, stack: contextlib.ExitStack
) -> tuple[Workspace, Workspace]:
    """The trees of both ends, with their sandboxes."""
    assert commit.parent is not None
    before = stack.enter_context(open_workspace(repo, commit.parent, BEFORE_SLOT))
    after = stack.enter_context(open_workspace(repo, commit.sha, AFTER_SLOT))
    for workspace in (before, after):
        if workspace.sandbox.tier is Tier.NONE:
            raise CopydeskError(
                f"nothing can be compared: {workspace.sandbox.reason}",
                slug="no-sandbox",
                hint="`copydesk doctor` says how to get a sandbox.",
            )
    return before, after


def _compare(
    search: BehaviourSearch,
    change: ChangedFunction,
    ends: tuple[Workspace, Workspace],
    sources: Sources,
) -> Comparison:
    """Compare one function; where copydesk itself fails on it, that in place of a verdict."""
    before, after = ends
    refused = compare_signatures(change, sources.before, sources.after)
    if refused is not None:
        callers = refused_callers(change, after.tree, sources)
        return replace(refused, callers=callers)
    comparison = Comparison(change, "not compared", "copydesk failed on it")
    with search.db.failed_items.contained("behaviour", sources.sha, change.name, say=search.say):
        comparison = compare_function(change, before, after)
    if comparison.verdict == "same" and (why := sources.why_not_judged(change)):
        return replace(comparison, verdict="not compared", reason=why)
    return comparison


def _words(commit: Commit) -> Words:
    """What a commit says of itself."""
    added: dict[str, str] = {}
    for path, change in commit.changes.items():
        if is_test_file(path) and path in commit.tree:
            content = git.read_blob(commit.repo, commit.tree[path].blob)
            lines = decode_source(content).split("\n")
            added[path] = "\n".join(lines[n - 1] for n in change.lines if n <= len(lines))
    info = commit.info
    return words_of(f"{info.subject}\n\n{info.body}", added)
