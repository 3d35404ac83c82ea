"""Draw the pictures of the screen in the docs: `python docs/screen_pictures.py`.

A project is made with a few drafts, and the screen is drawn by its own program, small and large.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.records import Draft, Target
from copydesk.agent.screen.app import DeskApp

FOLDER = Path(__file__).parent / "how-to"
SIZES = ((80, 24), (200, 50))
SOURCE = """\
def discount(price, code):
    if code == "HALF":
        return price / 2
    if price < 0:
        raise ValueError("a price is not negative")
    return price


def label(price):
    if price < 0:
        return "refund"
    return f"{price:.2f} EUR"


def with_tax(price, percent):
    return price * (100 + percent) / 100


def cheapest(prices):
    if not prices:
        return None
    return min(prices)
"""
TESTS = """\
from shop.prices import discount


def test_discount_is_none_without_a_code():
    assert discount(8, "") == 8
"""
DRAFTS = (
    ("discount", 3, "discount_halves", 'assert discount(8, "HALF") == 4'),
    ("label", 11, "label_negative_is_refund", 'assert label(-1) == "refund"'),
    ("with_tax", 16, "with_tax_adds_a_fifth", "assert with_tax(50, 20) == 60"),
    ("cheapest", 21, "cheapest_empty_is_none", "assert cheapest([]) is None"),
)


def make_project(top: Path) -> Repository:
    """A repository with a module, a test of it, and a few verified drafts on its desk."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=top, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    git("config", "user.name", "You")
    git("config", "user.email", "you@example.com")
    (top / "shop").mkdir()
    (top / "tests").mkdir()
    (top / "shop" / "prices.py").write_text(SOURCE)
    (top / "tests" / "test_prices.py").write_text(TESTS)
    git("add", "-A")
    git("commit", "-qm", "Give a discount, and label prices")
    repo, sha = find(top), git("rev-parse", "HEAD")
    with open_desk(repo.desk) as db:
        for function, line, name, body in DRAFTS:
            db.drafts.add(_draft(sha, Target("shop/prices.py", function, (line,)), name, body))
    return repo


def _draft(sha: str, target: Target, name: str, body: str) -> Draft:
    rungs = ("asserts", "passes", "isolated", "reaches", "mutants", "repeats")
    evidence = {
        "verdict": "verified", "tier": "full", "seconds": 1.4, "gained_lines": list(target.lines),
        "rungs": [{"name": rung, "passed": True, "detail": "as it should"} for rung in rungs],
        "mutants_killed": 3, "mutants_total": 4, "tests": [f"test_{name}"],
        "survivors": ["shop/prices.py:4: < became <="],
    }  # fmt: skip
    return Draft(
        id=0, kind="test", state="ready", commit=sha, origin="embedded", path="", target=target,
        title=f"Tests for {target.function}", evidence=evidence,
        content=f"from shop.prices import {target.function}\n\n\n"
                f"def test_{name}():\n    {body}\n",
    )  # fmt: skip


async def draw(repo: Repository, size: tuple[int, int]) -> str:
    """The screen as SVG once it shows the first draft."""
    app = DeskApp(repo)
    async with app.run_test(size=size) as pilot:
        while app._version is None or not app._painted:
            await pilot.pause(0.05)
        await pilot.pause(1)
        picture = app.export_screenshot(title="copydesk review")
    app.stop()
    picture = re.sub(
        r"\s*@font-face \{[^}]*\}", "", picture
    )  # fonts would be fetched from elsewhere
    picture = re.sub(r"<text [^>]*>(?:&#160;)+(?:&#10;)?\s*</text>", "", picture)  # blanks
    picture = re.sub(r"terminal-\d+", "t", picture)  # shorter, and the same every time
    return re.sub(r"[ \t]+\n", "\n", picture)


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "shop"
        top.mkdir()
        repo = make_project(top)
        for size in SIZES:
            path = FOLDER / f"review-{size[0]}x{size[1]}.svg"
            path.write_text(asyncio.run(draw(repo, size)).strip() + "\n")
            print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
