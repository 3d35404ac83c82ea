import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest


@pytest.fixture
def fresh(repo: Path, git: Callable[..., str], run: Any) -> Iterator[Path]:
    """A repository that is not set up, whose daemon is ended afterwards."""
    git(repo, "config", "copydesk.python", sys.executable)
    yield repo
    run(repo, "daemon", "stop")


def test_it_says_what_it_will_do_and_asks(run: Any, fresh: Path) -> None:
    done = run(fresh, "init", input="n\n")
    assert done.exit_code == 0
    assert f"copydesk will set up {fresh}:" in done.output
    assert ".pre-commit-config.yaml" in done.output
    assert done.output.endswith("Nothing was done.\n")
    assert not (fresh / ".pre-commit-config.yaml").exists()


def test_nobody_there_to_say_yes(run: Any, fresh: Path) -> None:
    done = run(fresh, "init", input="")
    assert done.exit_code == 2
    assert "`copydesk init --yes` does not ask." in done.output
    assert not (fresh / ".pre-commit-config.yaml").exists()


def test_ctrl_c_at_the_question(run: Any, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> bool:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise click.Abort from None

    monkeypatch.setattr("click.confirm", interrupted)
    assert run(fresh, "init").exit_code == 130


def test_native_hooks_there_and_back(run: Any, fresh: Path, git: Callable[..., str]) -> None:
    done = run(fresh, "init", "--native", input="y\n")
    assert done.exit_code == 0, done.output
    assert "post-commit: installed" in done.output
    assert "Next: commit as always." in done.output
    hook = fresh / ".git/hooks/post-commit"
    assert hook.is_file()
    done = run(fresh, "init", "--undo", "--yes")
    assert done.exit_code == 0, done.output
    assert f"copydesk will leave {fresh}:" in done.output
    assert not hook.exists()
    assert git(fresh, "status", "--short") == ""


def test_nothing_to_undo(run: Any, fresh: Path) -> None:
    done = run(fresh, "init", "--undo", "--yes")
    assert done.exit_code == 0
    assert "There was nothing to undo." in done.output


def test_pre_commit_hooks(run: Any, fresh: Path) -> None:
    done = run(fresh, "init", "--yes", "--repo", "https://example.com/copydesk", "--rev", "v1")
    assert done.exit_code == 0, done.output
    assert "https://example.com/copydesk" in (fresh / ".pre-commit-config.yaml").read_text()
    assert "Commit .pre-commit-config.yaml when you want" in done.output
    assert run(fresh, "init", "--undo", "--yes").exit_code == 0
    assert not (fresh / ".pre-commit-config.yaml").exists()


@pytest.mark.parametrize("words", [("--repo", "x"), ("--rev", "x"), ("--undo", "--native")])
def test_options_that_do_not_go_together(run: Any, fresh: Path, words: tuple[str, ...]) -> None:
    assert run(fresh, "init", *words).exit_code == 2


def test_a_bare_repository_cannot_be_set_up(
    run: Any, tmp_path: Path, git: Callable[..., str]
) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    done = run(tmp_path / "bare.git", "init", "--yes")
    assert done.exit_code == 2
    assert "messages.md#bare-repository" in done.output


def test_every_file_for_gitlab_is_named_before_it_is_written(run: Any, fresh: Path) -> None:
    words = ("init", "--ci", "gitlab")
    said = run(fresh, *words, input="n\n").output
    assert "copydesk will write .gitlab/copydesk.yml and .gitlab-ci.yml in" in said
    assert not list(fresh.glob(".gitlab*"))
    (fresh / ".gitlab-ci.yml").write_text("stages: [test]\n")
    assert "copydesk will write .gitlab/copydesk.yml in" in run(fresh, *words, input="n\n").output


def test_it_says_what_will_be_stopped_and_when(run: Any, fresh: Path) -> None:
    said = run(fresh, "init", input="n\n").output
    assert "stop a commit when tests reach under 95 % of its changed lines" in said
    assert "stop a push for that" in said
    assert "kept as `git config copydesk.floor`" in said
    assert "`copydesk gaps` leads the way to 95 %" in said
    (fresh / "pyproject.toml").write_text("[tool.copydesk]\nfail_under = 60\n")
    assert "60 %, as pyproject.toml says" in run(fresh, "init", input="n\n").output
    assert "stop nothing" in run(fresh, "init", "--native", input="n\n").output
