"""Two hundred commits one after the other: one open story, in time that follows the commits."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.config import Project
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import find
from copydesk.agent.stories.open_story import StoryDesk, update_stories

BURST = 200
BLOCK = 20


@pytest.mark.slow
def test_a_burst_of_commits_is_one_story_in_bounded_time(
    repo: Path, commit: Callable[..., str]
) -> None:
    commit(repo, {f"part{n}.py": f'"""Part {n}."""\n' for n in range(20)}, "Begin")
    shas = []
    for n in range(BURST):
        path = f"part{n % 20}.py"
        source = (repo / path).read_text()
        source += f'\n\ndef f{n}(a, b={n}):\n    """Give {n}."""\n    return a + {n}\n'
        shas.append(commit(repo, {path: source}, f"Add f{n}\n\nPeople needed {n}."))
    here = find(repo)
    seconds: list[float] = []
    with open_desk(here.desk) as db:
        desk = StoryDesk(here, db, Project(), lambda _: None)
        update_stories(desk, shas[0])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for sha in shas:
            began = _cpu()
            update_stories(desk, sha)
            seconds.append(_cpu() - began)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        waiting = db.drafts.find(kind="devlog")
        assert len(waiting) == 1
        assert waiting[0].commit == shas[-1]
        began = _cpu()
        update_stories(desk, git.resolve(here, "HEAD"))
        again = _cpu() - began
    first, last = sum(seconds[1 : BLOCK + 1]) / BLOCK, sum(seconds[-BLOCK:]) / BLOCK
    print(
        f"\nCPU a commit: first {BLOCK} {first * 1e3:.0f} ms, last {BLOCK} {last * 1e3:.0f} ms,"
        f" mean {sum(seconds) / BURST * 1e3:.0f} ms, nothing new {again * 1e3:.0f} ms;"
        f" ratio of the mean to the first {sum(seconds) / BURST / first:.2f};"
        f" peak memory +{grown / 1024:.1f} MB"
    )
    assert sum(seconds) / BURST <= 2 * first


def _cpu() -> float:
    """CPU seconds of this process and of the git processes that ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def test_a_small_burst_is_one_story(repo: Path, commit: Callable[..., str]) -> None:
    shas = [commit(repo, {"a.py": f"x = {n}\n"}, f"Add x {n}") for n in range(4)]
    here = find(repo)
    with open_desk(here.desk) as db:
        desk = StoryDesk(here, db, Project(), lambda _: None)
        for sha in (*shas, *shas):
            update_stories(desk, sha)
        assert [draft.commit for draft in db.drafts.find(kind="devlog")] == [shas[-1]]
