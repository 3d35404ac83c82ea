"""What becomes of lines without a verdict, with the real pre-commit at real commits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, find, resolve, set_config
from copydesk.agent.setup.initialise import set_up

Git = Callable[..., str]

SHOP = "def price(amount):\n    return amount * 2\n"
TEST = "from shop import price\n\n\ndef test_price():\n    assert price(3) == 6\n"
UNTESTED = "def price(amount):\n    if amount < 0:\n        return 0\n    return amount * 2\n"
TESTED = TEST + "\n\ndef test_none():\n    assert price(-1) == 0\n"
LABEL = "\n\ndef label(amount):\n    return str(amount)\n"
NOTICE = "not measured yet"

pytestmark = pytest.mark.slow


class Shop:
    """A repository set up by `copydesk init`, and what somebody does in it."""

    def __init__(self, path: Path, git: Git) -> None:
        self.path, self.git = path, git
        self.repo: Repository = find(path)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.path / f"{name}.py").write_text(text)

    def policy(self, policy: str) -> None:
        (self.path / "pyproject.toml").write_text(f'[tool.copydesk]\nunknown = "{policy}"\n')
        self.git(self.path, "add", "pyproject.toml")

    def commit(self, *words: str) -> tuple[bool, str]:
        """Commit as always: whether it was made, and what was said."""
        argv = ["git", "commit", "-m", "change", *words]
        done = subprocess.run(
            argv, cwd=self.path, capture_output=True, text=True, timeout=300, check=False
        )
        return done.returncode == 0, done.stdout + done.stderr

    def stage(self, **files: str) -> None:
        self.write(**files)
        self.git(self.path, "add", "-A")

    def measure(self) -> None:
        with open_desk(self.repo.desk) as db:
            measure(db, Commit(self.repo, resolve(self.repo, "HEAD")))

    def gate(self, *words: str) -> dict[str, object]:
        argv = [sys.executable, "-m", "copydesk.agent.cli.main", "gate", "--json", *words]
        said = subprocess.run(argv, cwd=self.path, capture_output=True, check=False)
        found = json.loads(said.stdout)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def fresh(repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Set up, with nothing in it; no daemon is started, as on a CI machine."""
    monkeypatch.setenv("CI", "1")
    shop = Shop(repo, git)
    set_config(shop.repo, "copydesk.python", sys.executable)
    set_up(shop.repo, progress=lambda _: None)
    return shop


@pytest.fixture
def shop(fresh: Shop) -> Shop:
    """Set up and measured."""
    fresh.stage(shop=SHOP, test_shop=TEST)
    assert fresh.commit("--no-verify")[0]
    fresh.measure()
    return fresh


def test_an_untested_branch_passes_with_a_notice_and_the_push_decides(shop: Shop) -> None:
    before = resolve(shop.repo, "HEAD")
    shop.stage(shop=UNTESTED)
    made, said = shop.commit()
    assert made, said
    assert f"copydesk: 1 changed file is {NOTICE}; the daemon will (HEAD: 100.0 % covered)" in said
    shop.measure()
    assert shop.gate("--base", before)["verdict"] == "fail"


@pytest.mark.parametrize("policy", ["measure", "fail"])
def test_an_untested_branch_is_stopped(shop: Shop, policy: str) -> None:
    shop.policy(policy)
    shop.stage(shop=UNTESTED)
    made, said = shop.commit()
    assert not made, said
    if policy == "measure":
        step = "commit first (git commit --no-verify), then copydesk draft shop.py::price"
        assert f"shop.py:3  price  → {step}" in said
    else:
        assert f"Stop: 2 changed lines in 1 file {NOTICE}." in said
        assert shop.gate("--unknown", "measure")["verdict"] == "fail"
        made, said = shop.commit()  # now it is known, and the hook alone says it
        assert (made, "1 of 2 changed lines are reached by no test" in said) == (False, True), said
    shop.stage(test_shop=TESTED)
    if policy == "fail":
        assert not shop.commit()[0]
        assert shop.gate("--unknown", "measure")["verdict"] == "pass"
    made, said = shop.commit()
    assert made, said


@pytest.mark.parametrize("policy", ["pass", "measure", "fail"])
def test_commit_a_is_judged_by_what_it_takes(shop: Shop, policy: str) -> None:
    shop.policy(policy)
    assert shop.commit()[0]
    shop.write(shop=UNTESTED)
    made, said = shop.commit("-a")
    assert made == (policy == "pass"), said
    if policy == "measure":
        shop.write(test_shop=TESTED)
        made, said = shop.commit("-a")
        assert made, said


def test_what_is_not_staged_is_not_judged(shop: Shop) -> None:
    shop.policy("measure")
    shop.write(shop=SHOP.replace("2", "(1 + 1)") + LABEL)
    answers = "s\ny\nn\n"
    subprocess.run(
        ["git", "add", "-p"], cwd=shop.path, input=answers, text=True, check=True,
        capture_output=True,
    )  # fmt: skip
    staged = shop.git(shop.path, "show", ":shop.py")
    if "label" in staged:  # one hunk to git: the label is taken out of the index by hand
        text = SHOP.replace("2", "(1 + 1)")
        blob = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"], cwd=shop.path, input=text, text=True,
            check=True, capture_output=True,
        ).stdout.strip()  # fmt: skip
        shop.git(shop.path, "update-index", "--cacheinfo", f"100644,{blob},shop.py")
    made, said = shop.commit()
    assert made, said
    assert "Unstaged files detected" in said
    assert "label" in (shop.path / "shop.py").read_text()
    made, said = shop.commit("-a")
    assert (made, "shop.py:6  label" in said) == (False, True), said


@pytest.mark.parametrize("policy", ["measure", "fail"])
def test_renames_and_deletions(shop: Shop, policy: str) -> None:
    shop.policy(policy)
    assert shop.commit()[0]
    shop.git(shop.path, "mv", "shop.py", "store.py")
    shop.stage(test_shop=TEST.replace("shop", "store"))
    made, said = shop.commit()  # nothing in it changed, so there is nothing to judge
    assert made, said
    shop.measure()
    shop.git(shop.path, "mv", "store.py", "market.py")
    shop.stage(market=SHOP + LABEL, test_shop=TEST.replace("shop", "market"))
    made, said = shop.commit()
    assert not made, said
    if policy == "measure":
        assert "market.py:6  label" in said
    shop.git(shop.path, "reset", "-q", "--hard")
    shop.git(shop.path, "rm", "-q", "store.py", "test_shop.py")
    made, said = shop.commit()
    assert made, said


@pytest.mark.parametrize("policy", ["pass", "measure", "fail"])
def test_a_merge_is_judged_when_it_is_pushed(shop: Shop, policy: str) -> None:
    shop.policy(policy)
    assert shop.commit()[0]
    shop.git(shop.path, "switch", "-q", "-c", "branch")
    shop.stage(shop=SHOP + LABEL)
    assert shop.commit("--no-verify")[0]
    shop.git(shop.path, "switch", "-q", "main")
    shop.stage(shop=UNTESTED)
    assert shop.commit("--no-verify")[0]
    merge = ["git", "merge", "--no-edit", "branch"]
    done = subprocess.run(merge, cwd=shop.path, capture_output=True, text=True, check=False)
    if done.returncode:
        shop.stage(shop=UNTESTED + LABEL)
        made, said = shop.commit()
        assert made, said
    assert len(shop.git(shop.path, "log", "-1", "--format=%P").split()) == 2
    shop.measure()
    found = shop.gate("--base", "HEAD^1")
    assert found["verdict"] == "fail"
    assert found["diff"]["missing"] == {"shop.py": [8]}  # type: ignore[index]


@pytest.mark.parametrize(("policy", "made"), [("pass", True), ("measure", False), ("fail", False)])
def test_the_first_commit(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch, policy: str, made: bool
) -> None:
    monkeypatch.setenv("CI", "1")
    path = tmp_path / "first"
    path.mkdir()
    git(path, "init", "-q")
    shop = Shop(path, git)
    set_config(shop.repo, "copydesk.python", sys.executable)
    set_up(shop.repo, progress=lambda _: None)
    shop.policy(policy)
    shop.stage(shop=UNTESTED, test_shop=TEST)
    done, said = shop.commit()
    assert done is made, said
    if policy == "measure":
        assert "shop.py:3  price" in said
        shop.stage(test_shop=TESTED)
        done, said = shop.commit()
        assert done, said
