"""Random keys and clicks on a real desk: nothing crashes, no decision is lost or made twice, and
the working tree holds exactly what was accepted and not taken back."""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.daemon import control
from copydesk.agent.desk.decision_queue import DecisionQueue
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.records import Target
from copydesk.agent.review import decisions, edits
from copydesk.agent.screen.keys import KEYS

LEAVING = {"q", "ctrl+z"}
DECIDING = ["a", "u", "space", "A", "r", "1", "2", "s", "escape", "down", "up"]
OTHERS = [one.key for one in KEYS if one.key not in LEAVING]
MOVING = ["left", "right", "home", "end", "pagedown", "pageup", "enter", "tab", "j", "k", "x"]
SIZES = [(80, 24), (100, 40), (40, 12), (200, 50)]
FILES = 3


class Requests:
    """The last decision that was asked for of each draft, in the order of the desk."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.last: dict[int, str] = {}
        add, reject, take_back = DecisionQueue.add, decisions.reject, edits.take_back

        def logged_add(queue: DecisionQueue, action: Any, drafts: Any) -> list[int]:
            added = add(queue, action, drafts)
            self.last |= dict.fromkeys(drafts, action)
            return added

        def logged_reject(repo: Any, db: Any, draft: int, why: str) -> Any:
            after = reject(repo, db, draft, why)
            self.last[draft] = "reject"
            return after

        def logged_undo(repo: Any, db: Any, draft: int) -> Any:
            after = take_back(repo, db, draft)
            self.last[draft] = "undo"
            return after

        patch.setattr(DecisionQueue, "add", logged_add)
        patch.setattr(decisions, "reject", logged_reject)
        patch.setattr(edits, "take_back", logged_undo)


def check_desk(repo: Any, requests: Requests) -> int:
    """Compare what was asked for with the desk and the working tree; the decisions there are."""
    expected = {f"test_shop{n}.py": {"test_f"} for n in range(FILES)}
    with open_desk(repo.desk) as db:
        assert db.decision_queue.count_waiting() == 0
        assert db.decision_queue.pending_writes() == []
        failed = {one.draft_id for one in db.decision_queue.all()}
        log = db.drafts.decisions(100_000)[::-1]
        standing: dict[int, str] = {}
        for one in log:
            former = standing.get(one["draft"], "undo")
            assert (former == "undo") == (one["action"] != "undo"), f"decided twice: {one}"
            standing[one["draft"]] = one["action"]
        for draft in db.drafts.find(()):
            wanted = requests.last.get(draft.id, "undo")
            state = {"accept": "accepted", "reject": "rejected"}.get(wanted, "not_run")
            assert draft.state == state or draft.id in failed, draft.id
            if draft.state == "accepted":
                number = re.findall(r"def (test_\d+)", draft.content)[0]
                expected[f"test_{draft.target.path if draft.target else ''}"].add(number)
    for name, tests in expected.items():
        written = re.findall(r"def (test_\w+)", (repo.worktree / name).read_text())
        assert sorted(written) == sorted(tests), name
    changed = subprocess.run(
        ["git", "status", "--porcelain"],
        cwd=repo.worktree,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    assert {line[3:] for line in changed if line} <= set(expected)
    return len(log)


async def press_at_random(screen: Any, shop: Any, dice: random.Random, events: int) -> None:
    for number in range(events):
        lot = dice.random()
        if lot < 0.02 and screen.app.screen_stack:
            await screen.pilot.resize_terminal(*dice.choice(SIZES))
        elif lot < 0.12:
            width, height = screen.app.size
            at = (dice.randrange(width), dice.randrange(height - 1))
            await screen.pilot.click(offset=at, times=dice.choice([1, 1, 2]))
        else:
            keys = DECIDING if lot < 0.75 else OTHERS if lot < 0.9 else MOVING
            await screen.pilot.press(dice.choice(keys))
        if number % 97 == 96:
            file = dice.randrange(FILES)
            shop.add(1000 + number, target=Target(f"shop{file}.py", "f", (3,)), content=_test(
                1000 + number, file))  # fmt: skip
    for _ in range(3):
        await screen.pilot.press("escape")
    await screen.settled()
    while screen.app.slow.is_idle is False or screen.app._under_way:
        await screen.settled()


def _test(number: int, file: int) -> str:
    return f"from shop{file} import f\n\n\ndef test_{number}():\n    assert f({number}) == 1\n"


@pytest.fixture
def shops(shop: Any, commit: Callable[..., str]) -> Any:
    """The shop with several files, and drafts for each of them."""
    files = {}
    for n in range(FILES):
        files[f"shop{n}.py"] = "def f(n):\n    if n:\n        return 1\n    return 0\n"
        files[f"test_shop{n}.py"] = (
            f"from shop{n} import f\n\n\ndef test_f():\n    assert not f(0)\n"
        )
    sha = commit(shop.repo.worktree, {**files, "shop.py": None, "test_shop.py": None}, "Split")
    shop = shop._replace(sha=sha)
    for number in range(24):
        file = number % FILES
        shop.add(number, target=Target(f"shop{file}.py", "f", (3,)), content=_test(number, file))
    return shop


@pytest.mark.parametrize(
    ("seed", "events", "daemon"),
    [
        (1, 120, False),
        pytest.param(2, 10_000, True, marks=(pytest.mark.slow, pytest.mark.timeout(3600))),
    ],
)
def test_random_keys_and_clicks(
    shops: Any, drive: Any, monkeypatch: pytest.MonkeyPatch, seed: int, events: int, daemon: bool
) -> None:
    seed = int(os.environ.get("COPYDESK_SEED") or seed)
    monkeypatch.setenv("VISUAL", "true")
    requests = Requests(monkeypatch)
    if daemon:
        control.start(shops.repo)

    async def script(screen: Any) -> None:
        await press_at_random(screen, shops, random.Random(seed), events)

    drive(script, size=(80, 24))
    made = check_desk(find(Path(shops.repo.worktree)), requests)
    print(f"{events} events, {made} decisions")
    assert made > events // 50
