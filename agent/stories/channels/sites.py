"""A story as a post of Hugo, Jekyll, Astro or Zola: front matter, body, and file names."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from copydesk.agent.records import Picture, Sha, Story
from copydesk.agent.stories.channels.markdown import ASTRO, HUGO, JEKYLL, ZOLA, Dialect
from copydesk.agent.stories.channels.post import Style, body, description, plain, title_of

MORE = "<!--more-->"
_SLUG = 60

SiteName = Literal["hugo", "jekyll", "astro", "zola"]


@dataclass(frozen=True, slots=True)
class Post:
    """What a post says of itself.

    `story` is the draft's id, by which what readers say is joined to it later; `links` are the
    addresses that may be linked. `tags`, `draft_key` and `custom` say whether the site's own
    rules allow tags, a switch for drafts and keys that they do not name; `categories` whether they
    have those, where a generator has none by itself.
    """

    story: int
    slug: str
    commits: tuple[Sha, ...] = ()
    draft: bool = False
    links: tuple[str, ...] = ()
    tags: bool = True
    draft_key: bool = True
    custom: bool = True
    categories: bool = False


class Site(NamedTuple):
    """A site generator.

    Attributes:
        name: What it is called.
        dialect: How it reads Markdown.
        fields: The front matter of a post, in order.
        write: What writes that down.
        file: A post's file below the folder of posts.
        pictures: The folder of a post's pictures: below that of posts, or where it starts with a
            slash below the site's top.
        picture: The address of a picture in the post.
        more: What ends the introduction.
    """

    name: SiteName
    dialect: Dialect
    fields: Callable[[Story, Post], dict[str, Any]]
    write: Callable[[Mapping[str, Any]], str]
    file: str
    pictures: str
    picture: str
    more: str = MORE


def render(site: Site, story: Story, post: Post) -> str:
    """A post as the site generator reads it: front matter and body.

    Args:
        site: The generator, of SITES.
        story: The story.
        post: What the post says of itself.

    Returns:
        The text of a UTF-8 file without a byte order mark.
    """

    def address(picture: Picture) -> str:
        return filled(site.picture, story, post, f"{file_name(picture.name)}.svg")

    style = Style(site.dialect, address, site.more, post.links)
    return f"{site.write(site.fields(story, post))}\n{body(story, style)}"


def filled(pattern: str, story: Story, post: Post, name: str = "") -> str:
    """A path or address of a Site, with the post's date and slug and a file's name in it."""
    texts = {"@date": story.date[:10] or "undated", "@slug": post.slug, "@name": name}
    return re.sub("@date|@slug|@name", lambda match: texts[match[0]], pattern)


def file_name(text: str) -> str:
    """A name for a file or an address: lower-case letters, digits and dashes."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return "-".join(re.findall(r"[a-z0-9]+", ascii_only.lower()))


def slug_of(title: str, story: int) -> str:
    """What stands for a title in addresses, at most 60 characters."""
    words = file_name(title.replace("'", "").replace("’", "")).split("-")
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word[:_SLUG]
        if len(longer) > _SLUG:
            break
        slug = longer
    return slug or f"story-{story}"


def _when(text: str) -> date | datetime | None:
    """A story's date as front matter takes it, with its time where it has one."""
    try:
        return datetime.fromisoformat(text) if len(text) > 10 else date.fromisoformat(text)
    except ValueError:
        return None


def _dated(fields: dict[str, Any], story: Story, name: str) -> dict[str, Any]:
    when = _when(story.date)
    return fields | ({name: when} if when is not None else {})


def _joined(post: Post) -> dict[str, Any]:
    return {"story": post.story, "commits": [sha[:12] for sha in post.commits]}


def _tags(story: Story, post: Post) -> list[str]:
    return [plain(tag) for tag in story.tags] if post.tags else []


def _categories(story: Story) -> dict[str, list[str]]:
    """The author's categories as a field of their own; none where there are none."""
    return {"categories": [plain(word) for word in story.categories]} if story.categories else {}


def _hugo(story: Story, post: Post) -> dict[str, Any]:
    fields = _dated({"title": title_of(story)}, story, "date")
    fields |= {"draft": post.draft, "slug": post.slug}
    fields |= {"description": description(story), "summary": description(story)}
    if tags := _tags(story, post):
        fields["tags"] = tags
    fields |= _categories(story)
    return fields | {"params": {"copydesk": _joined(post)}}


def _jekyll(story: Story, post: Post) -> dict[str, Any]:
    fields = _dated({"layout": "post", "title": title_of(story)}, story, "date")
    fields |= {"published": not post.draft, "description": description(story)}
    if tags := _tags(story, post):
        fields["tags"] = tags
    fields |= _categories(story)
    return fields | {"excerpt_separator": MORE, "copydesk": _joined(post)}


def _astro(story: Story, post: Post) -> dict[str, Any]:
    named = {"title": title_of(story), "description": description(story)}
    fields = _dated(named, story, "pubDate")
    if post.draft_key:
        fields["draft"] = post.draft
    if tags := _tags(story, post):
        fields["tags"] = tags
    if post.categories:
        fields |= _categories(story)
    return fields | ({"copydesk": _joined(post)} if post.custom else {})


def _zola(story: Story, post: Post) -> dict[str, Any]:
    named = {"title": title_of(story), "description": description(story)}
    fields = _dated(named, story, "date")
    fields |= {"draft": post.draft, "slug": post.slug}
    tags = _tags(story, post)
    taxonomies = {"tags": tags} if tags else {}
    if post.categories:
        taxonomies |= _categories(story)
    if taxonomies:
        fields["taxonomies"] = taxonomies
    return fields | {"extra": {"copydesk": _joined(post)}}


def _yaml(fields: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    yaml = YAML()
    yaml.width = 2**20  # a folded string is read as one, but reads badly
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump(CommentedMap(_quoted(fields)), text)
    return f"---\n{text.getvalue()}---\n"


def _quoted(value: Any) -> Any:
    """Values whose strings are written between quotes.

    A plain `yes`, `1e3` or `2026-01-01` is another value to a reader of YAML 1.1 than to one of
    1.2, and the generators read both.
    """
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, str):
        return DoubleQuotedScalarString(value)
    if isinstance(value, Mapping):
        return {key: _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    return value


def _toml(fields: Mapping[str, Any]) -> str:
    import tomlkit

    return f"+++\n{tomlkit.dumps(fields)}+++\n"


_SITES: Sequence[Site] = (
    Site("hugo", HUGO, _hugo, _yaml, file="@slug/index.md", pictures="@slug", picture="@name"),
    Site(
        "jekyll",
        JEKYLL,
        _jekyll,
        _yaml,
        file="@date-@slug.md",
        pictures="/assets/copydesk/@slug",
        picture="{{ '/assets/copydesk/@slug/@name' | relative_url }}",
    ),
    Site(
        "astro",
        ASTRO,
        _astro,
        _yaml,
        file="@slug.md",
        pictures="@slug",
        picture="./@slug/@name",
        more="",
    ),
    Site("zola", ZOLA, _zola, _toml, file="@slug/index.md", pictures="@slug", picture="@name"),
)

SITES: dict[str, Site] = {site.name: site for site in _SITES}
"""The generators by name."""
