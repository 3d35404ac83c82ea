"""The story that grows: one for all commits since the last one, until something closes it.

While the editor has not touched it, it is written anew as commits come. Once the editor has, the
text is theirs: facts that come later are offered beside it, and told in the next story.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from copydesk.agent.config import Project
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.stories import Span, StoryNote
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import LoggedCommit, Repository
from copydesk.agent.progress import Progress
from copydesk.agent.records import Draft, Fact, Sha, Story
from copydesk.agent.stories.check_story import check
from copydesk.agent.stories.edited_story import evidence_of
from copydesk.agent.stories.editing_form import to_text
from copydesk.agent.stories.example_facts import (
    ExampleRuns,
    carried_over,
    example_facts,
    is_of_examples,
    with_examples,
)
from copydesk.agent.stories.facts import numbered
from copydesk.agent.stories.questions import ask, waiting_questions
from copydesk.agent.stories.readers import ReaderOffer, reader_facts
from copydesk.agent.stories.span import (
    AuthorNote,
    ClosingRules,
    Part,
    SpanOptions,
    gather_span,
    is_substantial,
    logged_commits,
    span_facts,
    split_spans,
)
from copydesk.agent.stories.span_items import LEFT_OUT, left_out
from copydesk.agent.stories.span_template import PLAIN
from copydesk.agent.stories.stored_stories import (
    StoredStory,
    growing_story,
    load_story,
    save_story,
)
from copydesk.agent.stories.voice import (
    VOICE,
    Manner,
    author_posts,
    load_voice,
    manner_of,
    voice_facts,
)
from copydesk.agent.stories.word_span import Wording, word_story
from copydesk.agent.text import plural

MOST_COMMITS = 2000
"""Commits that one story may tell; of more the newest."""

_ALWAYS_DIFFERENT = frozenset(
    {"span", "contributor", "other contributors", "touched", VOICE, LEFT_OUT}
)
"""Kinds of fact whose figures every commit changes; they are not offered."""


Readers = Callable[[Sequence[Sha]], Sequence[ReaderOffer]]
"""What readers said that a story of some commits could take up."""


def nobody(_shas: Sequence[Sha]) -> Sequence[ReaderOffer]:
    """No reader said anything."""
    return ()


@dataclass(frozen=True, slots=True)
class StoryDesk:
    """What stories are written with: the repository, its desk, the project's settings, somebody
    who is told what is going on, the model that words them where there is one, and what readers
    said.
    """

    repo: Repository
    db: Database
    project: Project
    say: Progress
    wording: Wording = field(default_factory=Wording)
    readers: Readers = nobody


def update_stories(desk: StoryDesk, tip: Sha) -> StoredStory | None:
    """Bring the stories up to a commit: close what is to be closed, write the one that grows.

    Args:
        desk: What they are written with.
        tip: The commit; of one that the story that grows tells already, that story's last.

    Returns:
        The story that grows, or was closed last; None while there is too little to tell.
    """
    growing = growing_story(desk.db)
    if growing and git.merge_base(desk.repo, tip, growing.span.last) == tip:
        tip = growing.span.last
    since = _since(desk, tip, growing)
    desk.db.stories.settle_start(since)
    rules = ClosingRules(desk.project.story_closes, desk.project.story_quiet_days)
    parts = split_spans(_commits(desk, since, tip), git.tags(desk.repo), rules)
    story = growing
    waiting: tuple[LoggedCommit, ...] = ()
    for part in parts:
        part = part._replace(commits=(*waiting, *part.commits))
        written = _tell(desk, since, part, growing)
        waiting = () if written else part.commits
        if written is None:  # too little: it waits for more
            continue
        story = written
        if part.closed_by:
            desk.db.stories.close(written.draft_id, part.closed_by)
            story, growing, since = load_story(desk.db, written.draft_id), None, written.span.last
    return story


def write_span(desk: StoryDesk, shas: Sequence[Sha], *, since: Sha) -> StoredStory:
    """Write a story of just these commits. It takes the place of one that grew and tells no other,
    and of one of the same commits, unless the editor has touched that.

    Args:
        desk: What it is written with.
        shas: The commits, oldest first; at least one.
        since: The commit before them, "" where there is none.
    """
    span = Span(since, shas[0], shas[-1])
    growing = growing_story(desk.db)
    is_covered = growing is not None and growing.span.last in shas
    former = _untouched(growing) if is_covered else None
    if former is None:
        former = next(filter(_untouched, _of_span(desk.db, span)), None)
    notes = _notes(desk.db) if former and former is growing else ()
    facts, _ = _facts(desk, shas, since, notes)
    last_call = desk.db.model_calls.last_id()
    story = _write(desk, facts, span.last)
    stored = former or StoredStory(0, 0, span, "open", story, facts)
    saved = _save(desk, replace(stored, span=span, story=story, facts=facts), last_call)
    desk.db.stories.close(saved.draft_id, "hand")
    return load_story(desk.db, saved.draft_id)


def _untouched(stored: StoredStory | None) -> StoredStory | None:
    return stored if stored is not None and stored.state == "open" else None


def _of_span(db: Database, span: Span) -> list[StoredStory]:
    return [load_story(db, draft_id) for draft_id in db.stories.waiting_of_span(span)]


def _since(desk: StoryDesk, tip: Sha, growing: StoredStory | None) -> Sha:
    """The commit after which the story that grows begins, "" for the beginning of the history.

    It is the end of the last story, of the last dev log entry that was accepted before there were
    spans, or what the oldest entry that waits begins with; else the commit before this one.
    """
    candidates = [growing.span.since] if growing else desk.db.stories.told_up_to()
    if not growing:
        accepted = desk.db.drafts.find(("accepted",), kind="devlog")
        candidates += [draft.commit for draft in reversed(accepted)]
        start = desk.db.stories.start()
        candidates += [] if start is None else [start]
    for sha in candidates:
        base = git.merge_base(desk.repo, sha, tip) if sha else ""
        if base is not None:
            return base
    waiting = {draft.commit for draft in desk.db.drafts.find(("ready",), kind="devlog")}
    near = git.ancestors(desk.repo, tip, MOST_COMMITS)
    oldest = max((place for place, sha in enumerate(near) if sha in waiting), default=0)
    return git.parent_of(desk.repo, near[oldest]) or ""


def _commits(desk: StoryDesk, since: Sha, tip: Sha) -> list[LoggedCommit]:
    shas = git.reachable(desk.repo, [tip], [since] if since else [])
    return logged_commits(desk.repo, desk.db, shas[-MOST_COMMITS:])


def _tell(
    desk: StoryDesk, since: Sha, part: Part, growing: StoredStory | None
) -> StoredStory | None:
    """Write the story of a part, or offer its facts beside the editor's text.

    Returns:
        The story; None where there is too little to tell.
    """
    shas = [commit.sha for commit in part.commits]
    facts, is_enough = _facts(desk, shas, since, _notes(desk.db))
    if growing is not None and growing.state == "edited":
        return _offer(desk, growing, facts)
    if growing is None and not is_enough:
        desk.say(f"{plural(len(shas), 'commit')} with too little to tell: waiting for more")
        return None
    span = Span(since, shas[0], shas[-1])
    if growing is not None and not _is_outdated(desk, growing, span, facts):
        return growing
    last_call = desk.db.model_calls.last_id()
    story = _write(desk, facts, span.last)
    if growing is not None and growing.span == span:
        story, facts = carried_over(story, facts, growing.facts)
    stored = growing or StoredStory(0, 0, span, "open", story, facts)
    saved = _save(desk, replace(stored, span=span, story=story, facts=facts), last_call)
    retired = desk.db.stories.supersede_single_entries(shas)
    if retired:
        entries = plural(retired, "entry", "entries")
        desk.say(f"{entries} of single commits went into story {saved.draft_id}")
    return saved


def _is_outdated(
    desk: StoryDesk, growing: StoredStory, span: Span, facts: tuple[Fact, ...]
) -> bool:
    """Whether there is more to tell than a story does, or a model could word it."""
    could_be_worded = desk.wording.client is not None and growing.story.origin == PLAIN
    without_examples = tuple(fact for fact in growing.facts if not is_of_examples(fact))
    return growing.span != span or without_examples != facts or could_be_worded


def save_examples(db: Database, draft_id: int, span: Span, runs: ExampleRuns) -> None:
    """Show examples in a story, unless it tells other commits by now; beside one that the editor
    touched they are offered.

    Args:
        db: The desk.
        draft_id: The story's draft.
        span: The commits that the examples were run for.
        runs: The examples, or why there are none.
    """
    stored = load_story(db, draft_id)
    if stored.span != span:
        return
    if stored.state == "edited" and runs.examples:
        first = 1 + _last_number((*stored.facts, *stored.offered))
        offered = (*stored.offered, *numbered(example_facts(runs), first))
        saved = save_story(db, replace(stored, offered=offered))
        evidence = evidence_of(saved, waiting_questions(db, saved))
        db.stories.set_evidence(draft_id, evidence)
    if stored.state != "open":
        return
    story, facts = with_examples(stored.story, stored.facts, runs)
    problems = tuple(check(story, facts))
    stored = replace(stored, story=story, facts=facts, problems=problems)
    calls = db.drafts.get(draft_id).evidence.get("calls", [])
    save_story(db, stored, _draft(stored, calls, waiting_questions(db, stored)))


def _notes(db: Database) -> tuple[AuthorNote, ...]:
    """What the author told of the story that grows."""
    return tuple(AuthorNote(n.text, n.subject) for n in db.stories.notes() if n.state == "told")


def _facts(
    desk: StoryDesk, shas: Sequence[Sha], since: Sha, notes: tuple[AuthorNote, ...]
) -> tuple[tuple[Fact, ...], bool]:
    """The facts of a span, and whether they are enough to tell."""
    project = desk.project
    options = SpanOptions(project.story_contributors, project.fail_under, notes)
    inputs = gather_span(desk.repo, desk.db, shas, since=since, options=options)
    facts = span_facts(inputs)
    facts += numbered(left_out(facts), len(facts) + 1)
    facts += numbered(reader_facts(desk.readers(shas)), len(facts) + 1)
    facts += numbered(voice_facts(load_voice(desk.db)), len(facts) + 1)
    return tuple(facts), is_substantial(inputs)


def _write(desk: StoryDesk, facts: Sequence[Fact], last: Sha) -> Story:
    (commit,) = logged_commits(desk.repo, desk.db, [last])
    date = commit.committed[:10]
    if desk.wording.client is not None:
        items = desk.db.failed_items
        with items.contained("story", last, "a model's wording", say=desk.say):
            wording = replace(desk.wording, manner=_manner(desk, facts))
            return word_story(facts, date=date, wording=wording)
    return word_story(facts, date=date, wording=Wording())


def _manner(desk: StoryDesk, facts: Sequence[Fact]) -> Manner:
    """How a model is to word facts; as anybody would where the author's posts cannot be read."""
    try:
        posts = author_posts(desk.repo, desk.db)
    except CopydeskError as error:
        desk.say(f"no posts to write like: {error}")
        posts = []
    return manner_of(load_voice(desk.db), posts, facts)


def _save(desk: StoryDesk, stored: StoredStory, last_call: int) -> StoredStory:
    """Check a story and keep it, with its text for the editor.

    Args:
        desk: What it was written with.
        stored: The story.
        last_call: The number of the last call of a model before it was worded.
    """
    problems = tuple(check(stored.story, stored.facts))
    origin, facts = stored.story.origin, plural(len(stored.facts), "fact")
    desk.say(f"story by {origin}: {facts}, {plural(len(problems), 'problem')}")
    stored = replace(stored, problems=problems)
    calls = range(last_call + 1, desk.db.model_calls.last_id() + 1)
    new_questions = [] if stored.closed_by else ask(desk.db, stored.facts)
    draft = _draft(stored, list(calls) if origin != PLAIN else [], new_questions)
    return save_story(desk.db, stored, draft)


def _draft(stored: StoredStory, calls: Sequence[int], questions: Sequence[StoryNote] = ()) -> Draft:
    story = stored.story
    evidence = evidence_of(stored, questions)
    return Draft(
        id=stored.draft_id,
        kind="devlog",
        state="ready",
        commit=stored.span.last,
        title=story.title,
        origin=story.origin,
        path=f"outbox/{story.date}-{stored.span.last[:8]}.md",
        content=to_text(story, stored.facts, stored.offered),
        evidence=evidence | {"calls": list(calls)} if calls else evidence,
    )


def _last_number(facts: Sequence[Fact]) -> int:
    return max((int(fact.id[1:]) for fact in facts), default=0)


def _offer(desk: StoryDesk, growing: StoredStory, facts: Sequence[Fact]) -> StoredStory:
    """Keep the facts that came after the editor's edit beside the text."""
    told_facts = {(fact.kind, fact.text) for fact in growing.facts}
    first = 1 + _last_number(growing.facts)
    examples = tuple(fact for fact in growing.offered if is_of_examples(fact))
    new = [fact for fact in facts if fact.kind not in _ALWAYS_DIFFERENT]
    new = [fact for fact in new if (fact.kind, fact.text) not in told_facts]
    new += examples
    offered = tuple(replace(fact, id=f"F{number}") for number, fact in enumerate(new, first))
    if offered == growing.offered:
        return growing
    desk.say(f"{plural(len(offered), 'new fact')} beside the edited story {growing.draft_id}")
    saved = save_story(desk.db, replace(growing, offered=offered))
    questions = waiting_questions(desk.db, saved)
    desk.db.stories.set_evidence(growing.draft_id, evidence_of(saved, questions))
    return saved
