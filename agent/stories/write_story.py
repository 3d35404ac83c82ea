"""Writing the dev log entry of commits and putting it on the desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.model import deferred_work
from copydesk.agent.model.circuit_breaker import is_temporary
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.progress import Progress
from copydesk.agent.records import Draft, Fact, Json, Sha, Story
from copydesk.agent.stories.channels import devlog
from copydesk.agent.stories.check_story import Problem, check
from copydesk.agent.stories.gather_facts import gather_facts
from copydesk.agent.stories.word_devlog import PLAIN, ModelClient, write_devlog


@dataclass(slots=True)
class _FaultLog:
    """Tells what went wrong with a model, and keeps what may be over later."""

    say: Progress
    temporary: list[str] = field(default_factory=list)

    def __call__(self, error: ModelFault | ModelUnavailable) -> None:
        self.say(f"no model: {error}")
        if is_temporary(error):
            self.temporary.append(str(error))


def write_story(
    repo: Repository,
    db: Database,
    shas: Sequence[Sha],
    *,
    say: Progress,
    client: ModelClient | None = None,
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
    commits = [Commit(repo, sha) for sha in shas]
    last = commits[-1]
    facts = gather_facts(db, commits)
    faults = _FaultLog(say, [] if client else ["no model answered"])
    last_call = db.model_calls.last_id()
    story = _worded(db, last, facts, client, faults)
    problems = check(story, facts)
    say(f"dev log by {story.origin}: {len(facts)} facts, {len(problems)} problems")
    evidence = _evidence(facts, problems)
    if story.origin != PLAIN:
        evidence["calls"] = list(range(last_call + 1, db.model_calls.last_id() + 1))
    identity = db.drafts.add(_draft(last.sha, story, facts, evidence))
    _store_facts(db, last.sha, facts, story)
    if not faults.temporary:
        deferred_work.cancel(db, "story", last.sha)
    elif len(commits) == 1:  # of several it is not kept which
        deferred_work.defer(db, "story", last.sha, faults.temporary[0])
    return db.drafts.get(identity)


def _worded(
    db: Database,
    last: Commit,
    facts: Sequence[Fact],
    client: ModelClient | None,
    faults: _FaultLog,
) -> Story:
    """The story as a model words it; as the template does where copydesk fails on that."""
    date = last.info.date[:10]
    if client is not None:
        with db.failed_items.contained("story", last.sha, "a model's wording", say=faults.say):
            return write_devlog(facts, client, date=date, on_fault=faults)
    return write_devlog(facts, None, date=date, on_fault=faults)


def _evidence(facts: Sequence[Fact], problems: Sequence[Problem]) -> Json:
    """What the draft shows of how it was checked."""
    return {
        "verdict": "checked" if not problems else "doubtful",
        "facts": [{"id": f.id, "kind": f.kind, "text": f.text} for f in facts],
        "problems": [{"sentence": p.sentence, "token": p.token, "why": p.why} for p in problems],
    }


def _draft(sha: Sha, story: Story, facts: Sequence[Fact], evidence: Json) -> Draft:
    return Draft(
        id=0,
        kind="devlog",
        state="ready",
        commit=sha,
        title=story.title,
        origin=story.origin,
        path=f"outbox/{story.date}-{sha[:8]}.md",
        content=devlog.render(story, facts),
        evidence=evidence,
    )


def _store_facts(db: Database, sha: Sha, facts: Sequence[Fact], story: Story) -> None:
    """Keep the facts of a story; one that a model worded retires the plain one."""
    with transaction(db):
        db.story_facts.replace(sha, facts)
        if story.origin != PLAIN:
            db.drafts.supersede_stories(sha, PLAIN)


def decided(db: Database, sha: Sha) -> bool:
    """Whether the editor has decided on a dev log entry of a commit: no other is wanted."""
    return bool(db.drafts.find(("accepted", "rejected"), kind="devlog", commit=sha))
