import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def copy(measured_shop: Path, tmp_path: Path) -> Path:
    """The measured shop, to be written to."""
    return Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))


def test_a_story_of_a_commit_and_of_a_range(run: Any, copy: Path) -> None:
    done = run(copy, "story")
    assert done.exit_code == 0, done.output
    assert "1: New: discount and label: checked" in done.stdout
    assert "no model:" in done.stderr
    made = json.loads(run(copy, "story", "--range", "HEAD~1..HEAD", "--json").stdout)
    assert made["kind"] == "devlog"
    assert "prices" in made["content"]
    done = run(copy, "story", "--range", "HEAD..HEAD~1")
    assert done.exit_code == 2
    assert "messages.md#empty-range" in done.output


def test_options_that_exclude_each_other(run: Any, shop: Path) -> None:
    done = run(shop, "story", "--week", "--since", "HEAD")
    assert done.exit_code == 2
    assert "Only one of" in done.output


def test_a_note_says_why(run: Any, copy: Path) -> None:
    done = run(copy, "note", "Prices were wrong.", "--on", "price", "--json")
    assert json.loads(done.stdout) == {"note": 1, "story": 1}
    assert "On `price`: “Prices were wrong.”" in run(copy, "show", "1").stdout
    done = run(copy, "note", " ")
    assert done.exit_code == 2
    assert "messages.md#empty-note" in done.output


def test_a_story_is_exported(
    run: Any,
    shop: Path,
    add_test: Callable[..., int],
    add_story: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = "# a \u202e b\n"
    story = str(add_story(content=content))
    assert run(shop, "export", story, "--to", "devlog").stdout == content
    path = tmp_path / "entry.md"
    assert run(shop, "export", story, "--to", "devlog", "-o", str(path)).exit_code == 0
    assert path.read_text() == content
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    assert run(shop, "export", story, "--to", "devlog").stdout == "# a \\u202e b\n"
    done = run(shop, "export", str(add_test()), "--to", "devlog")
    assert done.exit_code == 2
    assert "messages.md#not-a-story" in done.output


def test_questions_are_answered_skipped_and_listed(
    run: Any, copy: Path, commit: Callable[..., str]
) -> None:
    source = (copy / "prices.py").read_text()
    without = source[: source.index("def label")]
    commit(copy, {"prices.py": without}, "Remove label")
    done = run(copy, "story")
    assert "1: Why is `label` gone?" in done.stdout
    assert "copydesk note --answer 1" in done.stdout
    assert json.loads(run(copy, "note", "--questions", "--json").stdout) == [
        {"id": 1, "about": "label", "question": "Why is `label` gone?"}
    ]
    assert "1: Why" in run(copy, "note", "--questions").stdout
    done = run(copy, "note", "--answer", "1", "It was wrong.", "--json")
    assert json.loads(done.stdout)["note"] == 1
    assert "On `label`: “It was wrong.”" in run(copy, "show", "1").stdout
    assert "Nothing is asked." in run(copy, "note", "--questions").stdout
    assert "not asked again" in run(copy, "note", "--skip", "1").stdout
    assert json.loads(run(copy, "note", "--skip", "1", "--json").stdout)["state"] == "skipped"
    done = run(copy, "note", "--answer", "7", "x")
    assert done.exit_code == 2
    assert "messages.md#no-question" in done.output


def test_questions_are_answered_in_a_review(
    run: Any, copy: Path, commit: Callable[..., str]
) -> None:
    source = (copy / "prices.py").read_text()
    commit(copy, {"prices.py": source[: source.index("def label")]}, "Remove label")
    run(copy, "story")
    done = run(copy, "review", "--kind", "devlog", input="w\nIt was wrong.\nw\nq\n")
    assert done.exit_code == 0, done.output
    assert "Why is `label` gone?" in done.stdout
    assert "Nothing is asked about this draft." in done.stdout
    assert "On `label`: “It was wrong.”" in run(copy, "show", "1").stdout
