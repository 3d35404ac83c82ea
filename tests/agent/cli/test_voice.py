import json
from pathlib import Path
from typing import Any

import pytest

POST = "---\ntags: [devlog]\n---\nHi all!\n\nWe did it. We liked it. It is {n}.\n\nBye, Ann\n"


@pytest.fixture
def blog(shop: Path, tmp_path: Path, git: Any) -> Path:
    folder = tmp_path / "blog"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.md").write_text(POST.format(n=n))
    git(shop, "config", "copydesk.posts", str(folder))
    return folder


def test_it_is_learnt_shown_and_forgotten(run: Any, shop: Path, blog: Path) -> None:
    done = run(shop, "voice")
    assert done.exit_code == 0, done.output
    assert 'greeting = "Hi all!" # 3 of 3 posts' in done.stdout
    lines = json.loads(run(shop, "voice", "--json").stdout)
    assert lines["person"] == {
        "value": "we",
        "learnt": "we",
        "evidence": "“I” in 0 and “we” in 6 of 15 sentences",
        "chosen": False,
    }
    assert "forgotten" in run(shop, "voice", "--forget").stdout
    assert json.loads(run(shop, "voice", "--forget", "--json").stdout) == {}


def test_it_is_edited(run: Any, shop: Path, blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/we/I/")
    assert 'person = "I"' in run(shop, "voice", "--edit").stdout
    monkeypatch.setenv("EDITOR", "true")
    done = run(shop, "voice", "--edit")
    assert "Nothing was changed." in done.stderr
    assert "# yours; learnt: 'we'" in done.stdout
    monkeypatch.setenv("EDITOR", "sed -i s/^person/nobody/")
    done = run(shop, "voice", "--edit")
    assert done.exit_code == 2
    assert "nobody" in done.stderr
    assert "messages.md#bad-voice" in done.stderr
    assert 'person = "I"' in run(shop, "voice").stdout
    assert run(shop, "voice", "--edit", "--forget").exit_code == 2


def test_a_story_follows_it(run: Any, shop: Path, blog: Path) -> None:
    run(shop, "voice")
    story = json.loads(run(shop, "story", "--range", "HEAD", "--json").stdout)
    assert "Greeting: Hi all![^" in story["content"]
    assert "Tags: devlog" in story["content"]
    assert story["evidence"]["problems"] == []


def test_without_posts_it_says_what_to_do(run: Any, shop: Path, git: Any) -> None:
    assert "git config copydesk.posts" in run(shop, "voice").stdout
    git(shop, "config", "copydesk.posts", "nowhere")
    done = run(shop, "voice")
    assert done.exit_code == 2
    assert "messages.md#no-posts-folder" in done.output
