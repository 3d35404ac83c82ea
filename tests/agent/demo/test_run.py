from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from copydesk.agent.cli import demo as command
from copydesk.agent.daemon import control
from copydesk.agent.demo import project, run
from copydesk.agent.desk.measures import Measures
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.records import Draft
from copydesk.agent.sandbox.records import Capability, Tier

GOOD = run.DemoResult(Path("/place"), "full", "", 8, 1, 56.0, 60.5, ())


class Paper:
    """A screen that keeps everything."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.said: list[str] = []
        self.rows: list[Sequence[str]] = []
        self.drafts: list[Draft] = []
        self.news: list[str] = []

    def step(self, title: str) -> None:
        self.steps.append(title)

    def say(self, text: str) -> None:
        self.said.append(text)

    def table(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
    ) -> None:
        assert all(len(row) == len(headings) for row in rows)
        self.rows += rows

    def draft(self, draft: Draft, limit: int | None) -> None:
        self.drafts.append(draft)

    def progress(self, text: str) -> AbstractContextManager[Callable[[str], None]]:
        @contextmanager
        def kept() -> Iterator[Callable[[str], None]]:
            yield self.news.append

        return kept()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample project, but with one draft a commit, on a machine without a sandbox."""
    sample = tmp_path / "sample"
    copytree(project.SAMPLE, sample)
    settings = sample / "pyproject.toml"
    settings.write_text(
        settings.read_text().replace("drafts_per_commit = 8", "drafts_per_commit = 1")
    )
    monkeypatch.setattr(project, "SAMPLE", sample)
    none = Capability(Tier.NONE, "bubblewrap is not installed", "sudo apt install bubblewrap")
    monkeypatch.setattr(run, "detect", lambda *_a, **_k: none)
    return tmp_path / "desk" / "stock-predictor"


def test_every_step_is_shown_and_what_was_missed_is_told(small: Path) -> None:
    paper = Paper()
    outcome = run.demo(paper, small)
    said = "\n".join(paper.said)

    assert outcome.folder == small
    assert (outcome.tier, outcome.verified, outcome.stories) == ("off", 1, 1)
    assert outcome.after > outcome.before
    assert outcome.missed == ("1 verified test draft, 5 expected",)
    assert [draft.kind for draft in paper.drafts] == ["test", "devlog"]
    assert any("::position" in row[0] and row[2] == "yes" for row in paper.rows)
    assert any("1 test verified" in line or "tests verified" in line for line in paper.news)
    assert "In this sample repository alone it is switched off" in said
    assert "sudo apt install bubblewrap" in said
    assert "copydesk gate" in said
    assert f"{outcome.before:.1f} % before, {outcome.after:.1f} % after" in said
    assert f"cd {small}" in said

    repo = git.find(small)
    assert git.get_config(repo, "copydesk.sandbox") == "off"
    assert not control.status(repo).running
    with open_desk(repo.desk) as db:
        assert len(db.drafts.find(("accepted",))) == 1
    log = subprocess.run(
        ["git", "log", "--format=%an %s"], cwd=small, capture_output=True, text=True, check=True
    )
    assert log.stdout.splitlines() == [
        "Sam Sample Test position",
        "Sam Sample Size positions by risk",
        "Sam Sample A small stock predictor",
    ]
    clean = subprocess.run(
        ["git", "status", "--short"], cwd=small, capture_output=True, text=True, check=True
    )
    assert clean.stdout == ""


@pytest.mark.slow
def test_the_whole_demo_comes_to_its_figures(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copydesk.agent.cli.main", "demo", "--folder", tmp_path / "demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Verified") >= run.NEEDED_DRAFTS
    assert "Dev log" in done.stdout


def test_the_users_git_configuration_neither_matters_nor_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    personal = Path(os.environ["HOME"]) / ".gitconfig"
    hostile = (
        "[commit]\n\tgpgsign = true\n[core]\n\thooksPath = /nowhere\n[gpg]\n\tprogram = false\n"
    )
    personal.write_text(hostile)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(personal))
    with project.without_user_git_config(tmp_path / "sample"):
        repo = project.create(tmp_path / "sample")
        said = project.commit(repo, "first")
        assert "10 files" in said or "9 files" in said
        assert "predict.py" in project.change(repo)
        project.commit(repo, "second")
    assert os.environ["GIT_CONFIG_GLOBAL"] == str(personal)
    assert personal.read_text() == hostile


def test_the_sample_project_passes_its_own_tests(tmp_path: Path) -> None:
    with project.without_user_git_config(tmp_path / "sample"):
        repo = project.create(tmp_path / "sample")
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
                cwd=repo.worktree,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout
            project.change(repo)


@pytest.mark.parametrize(("idle", "slug"), [(True, "demo-not-measured"), (False, "demo-too-slow")])
def test_a_step_that_comes_to_nothing_ends_the_demo_and_its_daemon(
    small: Path, monkeypatch: pytest.MonkeyPatch, idle: bool, slug: str
) -> None:
    monkeypatch.setattr(run, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(run.control, "wait", lambda *_: idle)
    monkeypatch.setattr(Measures, "get", lambda *_: None)
    full = Capability(Tier.FULL, "bubblewrap 0.8.0")
    monkeypatch.setattr(run, "detect", lambda *_a, **_k: full)
    monkeypatch.setattr(run, "reach_model", lambda *_: SimpleNamespace(name="tiny:1b"))
    paper = Paper()
    with pytest.raises(CopydeskError) as caught:
        run.demo(paper, small)
    assert "Drafts are run in a sandbox: bubblewrap 0.8.0." in paper.said
    assert "Ollama answers: tiny:1b gets what the embedded drafter leaves." in paper.said
    assert caught.value.slug == slug
    assert "daemon.log" in caught.value.hint
    assert not control.status(git.find(small)).running


@pytest.mark.parametrize("name", ["full", "file"])
def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    if name == "full":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    else:
        place.write_text("mine")
    with pytest.raises(CopydeskError, match="not an empty folder") as caught:
        run.demo(Paper(), place)
    assert caught.value.slug == "demo-folder"


def test_missing_packages_are_named_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(run.shutil, "which", lambda _name, path=None: None)
    monkeypatch.setattr(run.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(CopydeskError, match="pytest and pre-commit") as caught:
        run.demo(Paper())
    assert caught.value.hint.endswith("-m pip install pytest pre-commit")


def test_a_cure_is_named_where_none_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "install_command", lambda: "")
    said = run.sandbox_off_text(Capability(Tier.NONE, "the sandbox needs Linux"))
    assert "For a project of yours, first: bubblewrap 0.8 or later, on Linux" in said


@pytest.mark.parametrize(
    ("outcome", "missed"),
    [
        (GOOD, ()),
        (replace(GOOD, verified=4), ("4 verified test drafts, 5 expected",)),
        (replace(GOOD, stories=0), ("no dev log draft",)),
        (replace(GOOD, after=56.0), ("coverage did not rise: 56.0 %, 56.0 %",)),
    ],
)
def test_the_figures_decide(outcome: run.DemoResult, missed: tuple[str, ...]) -> None:
    assert run.with_shortfalls(outcome).missed == missed


def test_the_command_answers_with_its_exit_code_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [GOOD, replace(GOOD, missed=("no dev log draft",))]

    def played(screen: run.Screen, folder: Path | None) -> run.DemoResult:
        assert folder is None
        play(screen)
        return outcomes.pop(0)

    monkeypatch.setattr(command.run, "demo", played)
    well = CliRunner().invoke(command.demo, ["--json"])
    assert well.exit_code == 0
    assert json.loads(well.stdout)["verified"] == 8
    badly = CliRunner().invoke(command.demo, [])
    assert badly.exit_code == 1
    assert "Missed: no dev log draft" in badly.stderr
    assert "1. Title" in badly.stdout
    assert "name" in badly.stdout
    assert "  going on" in badly.stdout
    assert "… 2 more lines: copydesk show 3" in badly.stdout


def play(screen: run.Screen) -> None:
    screen.step("Title")
    screen.say("A paragraph")
    screen.table(("name", "lines"), [("a", "1")], (1,))
    screen.draft(
        Draft(3, "test", "ready", "0" * 40, "Tests", "embedded", "tests/t.py", "a\nb\nc\n"), 1
    )
    with screen.progress("working") as progress:
        progress("going on")


def test_what_the_demo_lacks_is_added_as_copydesk_was_installed(tmp_path: Path) -> None:
    folder = tmp_path / "copydesk"
    folder.mkdir()
    assert run.install_hint(folder, ["pytest"]).endswith("-m pip install pytest")
    (folder / "uv-receipt.toml").touch()
    assert run.install_hint(folder, ["a", "b"]) == "uv tool install copydesk --with a --with b"
    (folder / "pipx_metadata.json").touch()
    assert run.install_hint(folder, ["pytest"]) == "pipx inject copydesk pytest"
