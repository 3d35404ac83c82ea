"""Writing the dev log of commits and putting it on the desk."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.agent.coverage.source import functions
from copydesk.agent.coverage.store import Measure
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.agent.model.circuit_breaker import is_temporary
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.progress import Progress
from copydesk.agent.records import Draft, Fact, Gap, Sha
from copydesk.agent.stories.channels import devlog
from copydesk.agent.stories.check_story import check
from copydesk.agent.stories.facts import (
    CommitFacts,
    FileChange,
    GapChange,
    ReadyDraft,
    commit_facts,
)
from copydesk.agent.stories.word_devlog import PLAIN, Asks, write_devlog


def facts_of(db: Database, commits: Sequence[Commit]) -> list[Fact]:
    """Everything known of commits: what git says, what was measured, what waits on the desk.

    Args:
        db: The repository's desk.
        commits: Commits that follow each other, oldest first; the last one gives the subject.
    """
    infos = [commit.info for commit in commits]
    base, last = commits[0].parent, infos[-1]
    if len(commits) == 1:
        changes = commits[0].changes
    else:
        changes = git.changes(commits[0].repo, base, last.sha)
    after, before = db.measures.get(last.sha), db.measures.get(base) if base else None
    opened, closed = _gap_changes(db, last.sha, base if before else None, after)
    return commit_facts(
        CommitFacts(
            sha=last.sha,
            subject=last.subject,
            body="\n\n".join(info.body for info in infos if info.body),
            author=last.author,
            date=last.date,
            files=tuple(FileChange(p, c.added, c.removed) for p, c in sorted(changes.items())),
            functions=_functions(commits[-1], changes),
            tests_selected=after.selected if after else None,
            tests_total=after.total if after else None,
            tests_passed=after.passed if after else None,
            tests_failed=after.failed if after else None,
            percent_before=before.percent if before else None,
            percent_after=after.percent if after else None,
            covered_before=before.covered if before else None,
            executable_before=before.executable if before else None,
            covered_after=after.covered if after else None,
            executable_after=after.executable if after else None,
            gaps_opened=opened,
            gaps_closed=closed,
            drafts=_ready(db, last.sha),
        )
    )


def _functions(commit: Commit, changes: dict[str, git.FileChange]) -> tuple[str, ...]:
    tree = commit.tree
    paths = [p for p in changes if p.endswith(".py") and p in tree]
    texts = git.read_blobs(commit.repo, [tree[p].blob for p in paths])
    found = []
    for path in sorted(paths):
        source = texts[tree[path].blob].decode("utf-8", "replace")
        lines = changes[path].lines
        found += [
            span.name
            for span in functions(source)
            if any(span.first <= n <= span.last for n in lines)
        ]
    return tuple(dict.fromkeys(found))


def _gap_changes(
    db: Database, sha: Sha, parent: Sha | None, after: Measure | None
) -> tuple[tuple[GapChange, ...], tuple[GapChange, ...]]:
    """Functions with more uncovered lines than before, and with fewer."""
    if after is None or parent is None:
        return (), ()
    now, then = _by_function(db.gaps.of_commit(sha)), _by_function(db.gaps.of_commit(parent))
    opened, closed = [], []
    for key in sorted(now.keys() | then.keys()):
        difference = now.get(key, 0) - then.get(key, 0)
        if difference > 0:
            opened.append(GapChange(*key, difference))
        elif difference < 0:
            closed.append(GapChange(*key, -difference))
    return tuple(opened), tuple(closed)


def _by_function(gaps: Sequence[Gap]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for gap in gaps:
        key = (gap.path, gap.function)
        found[key] = found.get(key, 0) + len(gap.lines)
    return found


def _ready(db: Database, sha: Sha) -> tuple[ReadyDraft, ...]:
    return tuple(
        ReadyDraft(
            d.target.path,
            d.target.function,
            int(d.evidence.get("mutants_killed", 0)),
            int(d.evidence.get("mutants_total", 0)),
        )
        for d in db.drafts.find(("ready",), kind="test", commit=sha)
        if d.target
    )


def write_story(
    repo: Repository,
    db: Database,
    shas: Sequence[Sha],
    *,
    say: Progress,
    client: Asks | None = None,
) -> Draft:
    """Draft the dev log entry of a commit, or of several that follow each other.

    Where no model words it that could have, the commit waits for one. What a model worded takes
    the place of a plain entry that waits for the editor as it was written.

    Args:
        repo: The repository.
        db: Its desk.
        shas: The commits, oldest first; at least one.
        say: Told what is going on.
        client: The model that words it, where there is one.

    Returns:
        The draft, every sentence of which was checked against its facts.
    """
    sha = shas[-1]
    commits = [Commit(repo, sha) for sha in shas]
    facts = facts_of(db, commits)
    date = commits[-1].info.date[:10]
    asked, trouble = db.model_calls.last_id(), list[str]() if client else ["no model answered"]

    def failed(error: ModelFault | ModelUnavailable) -> None:
        say(f"no model: {error}")
        if is_temporary(error):
            trouble.append(str(error))

    story = write_devlog(facts, client, date=date, on_fault=failed)
    problems = check(story, facts)
    worded = story.origin != PLAIN
    say(f"dev log by {story.origin}: {len(facts)} facts, {len(problems)} problems")
    draft = Draft(
        id=0,
        kind="devlog",
        state="ready",
        commit=sha,
        title=story.title,
        origin=story.origin,
        path=f"outbox/{date}-{sha[:8]}.md",
        content=devlog.render(story, facts),
        evidence={
            "verdict": "checked" if not problems else "doubtful",
            "facts": [{"id": f.id, "kind": f.kind, "text": f.text} for f in facts],
            "problems": [
                {"sentence": p.sentence, "token": p.token, "why": p.why} for p in problems
            ],
        }
        | ({"calls": list(range(asked + 1, db.model_calls.last_id() + 1))} if worded else {}),
    )
    identity = db.drafts.add(draft)
    with transaction(db):
        db.story_facts.replace(sha, facts)
        if worded:
            db.drafts.supersede_stories(sha, PLAIN)
    if trouble and len(shas) == 1:  # of several it is not kept which
        deferred_work.defer(db, "story", sha, trouble[0])
    elif not trouble:
        deferred_work.cancel(db, "story", sha)
    return db.drafts.get(identity)


def decided(db: Database, sha: Sha) -> bool:
    """Whether the editor has decided on a dev log entry of a commit: no other is wanted."""
    return bool(db.drafts.find(("accepted", "rejected"), kind="devlog", commit=sha))
