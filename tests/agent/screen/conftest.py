"""A project with drafts on its desk, and the screen driven by a pilot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.pilot import Pilot

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.records import Draft, Target
from copydesk.agent.screen.app import DeskApp

SOURCE = "def f(n):\n    if n:\n        return 1\n    return 0\n"
TEST = "from shop import f\n\n\ndef test_f():\n    assert f(0) == 0\n"

Script = Callable[["Driver"], Awaitable[None]]


class Shop(NamedTuple):
    """A project with a function and a test, and a way to put drafts on its desk."""

    repo: Repository
    tests: Path
    sha: str

    def add(self, number: int = 1, **changes: Any) -> int:
        """Put a draft on the desk that was not run, so that accepting runs nothing."""
        content = f"from shop import f\n\n\ndef test_{number}():\n    assert f({number}) == 1\n"
        values: dict[str, Any] = {
            "id": 0, "kind": "test", "state": "not_run", "commit": self.sha, "title": "t",
            "origin": f"writer{number}", "path": "", "content": content,
            "target": Target("shop.py", "f", (3,)),
            "evidence": {"verdict": "not run", "gained_lines": [3], "notes": ["no sandbox"]},
        }  # fmt: skip
        with open_desk(self.repo.desk) as db:
            return db.drafts.add(Draft(**values | changes))

    def state(self, draft: int) -> str:
        """The state of a draft."""
        with open_desk(self.repo.desk) as db:
            return db.drafts.get(draft).state

    def names(self) -> list[str]:
        """The tests that stand in the working tree."""
        lines = self.tests.read_text().split("\n")
        return [line[4:-3] for line in lines if line.startswith("def ")]


@pytest.fixture
def shop(repo: Path, commit: Callable[..., str]) -> Shop:
    sha = commit(repo, {"shop.py": SOURCE, "test_shop.py": TEST}, "Add a shop")
    return Shop(find(repo), repo / "test_shop.py", sha)


class Driver(NamedTuple):
    """A screen and its pilot."""

    app: DeskApp
    pilot: Pilot[None]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something; the test's own time limit is the only one."""
        while not condition():
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        """Press keys and wait until everything that they ask for is done."""
        await self.pilot.press(*keys)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing is under way and the panes show what is chosen."""
        threads = (self.app.quick, self.app.slow, self.app.looking, self.app.reading)

        def at_rest() -> bool:
            return not self.app.is_waiting and all(thread.is_idle for thread in threads)

        for _ in range(2):
            await self.until(at_rest)
            await self.pilot.pause()
            self.app.look()
        await self.until(at_rest)
        await self.pilot.pause()

    @property
    def rows(self) -> list[str]:
        """What stands on the screen, line by line."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(self.rows)

    @property
    def status(self) -> str:
        """The last thing that was said."""
        return self.app._message


@pytest.fixture
def drive(shop: Shop) -> Callable[..., DeskApp]:
    """Drive a screen of the shop with a script."""

    def run(script: Script, *, size: tuple[int, int] = (100, 40), **more: Any) -> DeskApp:
        app = DeskApp(shop.repo, **more)

        async def main() -> None:
            async with app.run_test(size=size) as pilot:
                driver = Driver(app, pilot)
                await driver.until(lambda: app._version is not None)
                await driver.settled()
                await script(driver)

        try:
            asyncio.run(main())
        finally:
            app.stop()
        return app

    return run
