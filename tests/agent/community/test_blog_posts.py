"""Exported posts are found by the files, and what is said below them joins their story."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.community.blog_posts import blog_posts, front_matter, page_path
from copydesk.agent.community.import_files import add_own_names, import_file
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.community.responses import (
    Post,
    PostPart,
    ResponseFinder,
    known_posts,
    with_pages,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.progress import silent
from copydesk.agent.records import Draft, Sentence, Story
from copydesk.agent.stories.channels import sites
from copydesk.agent.stories.channels.sites import SITES

NOW = 1_796_000_000.0
SECTIONS = (("What changed", (Sentence("x", ()),)),)
STORY = Story(title="Save files", date="2026-11-18", sections=SECTIONS, origin="template")


@pytest.fixture
def export(db: Database, tmp_path: Path) -> Callable[..., Path]:
    """Write a story for a generator as `copydesk export` does; the file."""

    shas: list[str] = []

    def write(name: str, slug: str = "save-files", **rules: bool) -> Path:
        sha = f"{len(shas):040x}"
        shas.append(sha)
        draft = db.drafts.add(Draft(0, "devlog", "accepted", sha, "T", "template", "o.md", "x"))
        post = sites.Post(draft, slug, ("a" * 40,), **rules)
        site = SITES[name]
        path = tmp_path / name / "posts" / sites.filled(site.file, STORY, post)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sites.render(site, STORY, post), "utf-8")
        db.exported_files.keep(draft, name, [(str(path), "0" * 64)])
        return path

    return write


@pytest.mark.parametrize("name", SITES)
def test_the_file_says_which_story_it_is(
    db: Database, export: Callable[..., Path], name: str
) -> None:
    path = export(name)
    (post,) = blog_posts(db)
    assert (post.story, post.title, post.address) == ("1", "Save files", "/save-files/")
    assert post.posted_at == 1_794_960_000.0  # the post's day, though it was exported later
    moved = path.parent / "renamed.md" if path.stem != "index" else path.parent.parent / "b.md"
    path.rename(moved)
    (post,) = blog_posts(db)
    assert post.story == "1"
    moved.unlink()
    assert blog_posts(db) == []


@pytest.mark.parametrize("name", ["hugo", "jekyll"])
@pytest.mark.parametrize(
    "comments", ["wordpress_wxr.xml", "disqus.xml", "giscus_github_discussion.json"]
)
def test_comments_below_an_exported_post_join_its_story(
    db: Database, data: Path, export: Callable[..., Path], name: str, comments: str
) -> None:
    export(name)
    export(name, slug="other-post")
    add_own_names(db, ["mira", "Mira", "mira-dev"])
    import_file(db, data / comments, names=False, complete=True, progress=silent)
    label_messages(db, silent)
    posts = {post.story: post for post in known_posts(db)}
    assert set(posts) == {"1", "2"}
    answers = ResponseFinder(db).response(posts["1"], NOW).windows[1].messages
    assert len(answers) >= 1
    assert len(answers) == len([m for m in db.feedback.messages() if not m.flags])
    assert ResponseFinder(db).response(posts["2"], NOW).windows[1].messages == ()


@pytest.mark.parametrize(
    "title", ["https://example.org/blog/save-files/", "/blog/save-files", "blog/save-files.html"]
)
@pytest.mark.parametrize(
    "permalink", ["", "/blog/save-files/", "https://example.org/blog/save-files"]
)
def test_giscus_discussions_named_by_address_or_path_join(
    db: Database,
    data: Path,
    tmp_path: Path,
    export: Callable[..., Path],
    title: str,
    permalink: str,
) -> None:
    path = export("jekyll")
    if permalink:
        text = path.read_text().replace("---\n", f"---\npermalink: {permalink}\n", 1)
        path.write_text(text)
    document = json.loads((data / "giscus_github_discussion.json").read_text())
    document["data"]["repository"]["discussion"]["title"] = title
    file = tmp_path / "giscus.json"
    file.write_text(json.dumps(document))
    import_file(db, file, names=False, complete=True, progress=silent)
    label_messages(db, silent)
    post = next(post for post in known_posts(db) if post.story == "1")
    assert ResponseFinder(db).response(post, NOW).windows[1].messages


def test_drafts_are_not_posted_and_the_key_wins(db: Database, export: Callable[..., Path]) -> None:
    for name in ("hugo", "jekyll", "zola"):
        export(name, draft=True)
    assert blog_posts(db) == []
    path = export("jekyll", slug="theme")
    path.write_text(path.read_text().replace("story: 4", "story: 77"))
    assert [(post.story, post.address) for post in blog_posts(db)] == [("77", "/theme/")]
    plain = export("astro", slug="plain", custom=False)
    assert {post.story for post in blog_posts(db)} == {"77", "5"}
    plain.write_text("no front matter")
    assert "plain" in {post.title for post in blog_posts(db)}


@pytest.mark.parametrize(
    "text", ["", "---\n: [\n---\n", "+++\n= 1\n+++\n", "---\n- a\n---\n", "---\ncopydesk: 3\n---\n"]
)
def test_what_is_no_front_matter_is_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(text)
    assert dict(front_matter(path)) in ({}, {"copydesk": 3})
    assert front_matter(tmp_path / "nowhere.md") == {}


def test_paths_of_pages() -> None:
    for address in ("https://a.example/b/c/", "/b/c.html", "b/c/index.html", "//x/b/c"):
        assert page_path(address) == "b/c"
    assert page_path("/reindex/") == "reindex"
    assert page_path("https://[broken") == ""


def test_a_story_that_was_sent_and_exported_is_one_post(
    db: Database, export: Callable[..., Path]
) -> None:
    export("hugo")
    export("zola", slug="b")
    pages = blog_posts(db)
    sent = Post("1", "Save files", NOW, (PostPart("hook", "discord", "7", "8"),))
    joined = with_pages([sent], [*pages, pages[0]._replace(address="/elsewhere/")])
    assert [(post.story, post.address, len(post.parts)) for post in joined] == [
        *(("1", "/save-files/", 1), ("2", "/b/", 0), ("1", "/elsewhere/", 0)),
    ]
