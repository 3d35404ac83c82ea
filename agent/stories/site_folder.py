"""The folder of somebody's site: where its posts belong, and what its rules allow in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.stories.channels.sites import SITES, Post, file_name, filled, render
from copydesk.agent.stories.outbox import sha256
from copydesk.agent.stories.publish import Publication

_CONFIGURATIONS = {
    "hugo": (
        *(f"hugo.{ending}" for ending in ("toml", "yaml", "yml", "json")),
        *(f"config.{ending}" for ending in ("toml", "yaml", "yml", "json")),
        "config/_default",
    ),
    "jekyll": ("_config.yml", "_config.yaml", "_config.toml"),
    "astro": tuple(f"astro.config.{ending}" for ending in ("mjs", "js", "ts", "mts", "cjs")),
    "zola": ("config.toml", "zola.toml"),
}
_POSTS = {
    "hugo": ("content/posts", "content/post", "content/blog"),
    "jekyll": ("_posts",),
    "astro": ("src/content/blog", "src/content/posts", "src/content/post", "src/data/blog"),
    "zola": ("content/blog", "content/posts"),
}
_SCHEMAS = tuple(
    f"src/content{place}.{ending}"
    for place in (".config", "/config")
    for ending in ("ts", "mts", "js", "mjs")
)


@dataclass(frozen=True, slots=True)
class SiteFolder:
    """A site: its top, the folder of its posts, and what its rules allow; see `Post`."""

    top: Path
    posts: Path
    tags: bool = True
    draft_key: bool = True
    custom: bool = True
    categories: bool = False


def find_site(name: str, folder: Path) -> SiteFolder:
    """The site that a folder belongs to.

    Args:
        name: The generator, of SITES.
        folder: The site's top, or the folder of its posts.

    Raises:
        CopydeskError: The folder is not there, or no site of that generator.
    """
    here = folder.resolve()
    if not here.is_dir():
        raise _no_site(f"{folder} is not a folder", name)
    for top in (here, *here.parents):
        if any((top / file).exists() for file in _CONFIGURATIONS[name]):
            posts = here if here != top else _folder_of_posts(name, top)
            return _with_rules(name, SiteFolder(top, posts))
    raise _no_site(f"{folder} is in no site of {name.capitalize()}", name)


def _folder_of_posts(name: str, top: Path) -> Path:
    for candidate in _POSTS[name]:
        if (top / candidate).is_dir():
            return top / candidate
    return top / _POSTS[name][0]


def _with_rules(name: str, site: SiteFolder) -> SiteFolder:
    if name == "zola":
        names = _taxonomies(site.top)
        return replace(site, tags="tags" in names, categories="categories" in names)
    if name != "astro":
        return site
    for file in _SCHEMAS:
        if (site.top / file).is_file():
            schema = (site.top / file).read_text("utf-8", "replace")
            return replace(
                site,
                tags=bool(re.search(r"\btags\s*:", schema)),
                draft_key=bool(re.search(r"\bdraft\s*:", schema)),
                categories=bool(re.search(r"\bcategories\s*:", schema)),
                custom=not re.search(r"\bstrict(?:Object)?\s*\(", schema),
            )
    return site


def _taxonomies(top: Path) -> set[str]:
    """The names of a Zola site's taxonomies: a post with another one breaks its build."""
    names = set[str]()
    for file in _CONFIGURATIONS["zola"]:
        try:
            settings = tomllib.loads((top / file).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        names |= {str(one.get("name")) for one in settings.get("taxonomies", ())}
    return names


def _no_site(what: str, name: str) -> CopydeskError:
    files = ", ".join(_CONFIGURATIONS[name][:2])
    return CopydeskError(
        what,
        slug="no-site",
        hint=f"--into names the site's own folder, the one with {files}, or that of its posts.",
    )


def site_files(name: str, site: SiteFolder, publication: Publication) -> dict[Path, bytes]:
    """The files of a post in a site: itself and its pictures.

    Args:
        name: The generator, of SITES.
        site: The site.
        publication: The story.

    Raises:
        CopydeskError: It is to be a draft, and the site knows no drafts.
    """
    rules = publication.post
    post = Post(
        *(rules.story, rules.slug, rules.commits, rules.draft, rules.links),
        tags=site.tags,
        draft_key=site.draft_key,
        custom=site.custom,
        categories=site.categories,
    )
    if post.draft and not post.draft_key:
        raise CopydeskError(
            "the schema of this site's posts has no draft, so the post would be public",
            slug="no-draft-switch",
            hint="Add `draft: z.boolean().default(false)` to it, or leave --draft out.",
        )
    kind, story = SITES[name], publication.story
    files = {site.posts / filled(kind.file, story, post): render(kind, story, post).encode()}
    folder = filled(kind.pictures, story, post)
    home = site.top / folder[1:] if folder.startswith("/") else site.posts / folder
    for picture in story.pictures:
        files[home / f"{file_name(picture.name)}.svg"] = picture.svg.encode()
    return files


def write_site_files(
    db: Database, draft_id: int, channel: str, files: Mapping[Path, bytes]
) -> list[Path]:
    """Write the files of a post, all or none; nothing is committed.

    Args:
        db: The desk.
        draft_id: The story's draft.
        channel: The generator.
        files: What `site_files` gave.

    Returns:
        Those that were written; what was already there as it should be is not.

    Raises:
        CopydeskError: One is there that copydesk did not write, or that was changed since, or it
            cannot be written.
    """
    missing = [path for path, content in files.items() if _must_write(db, draft_id, path, content)]
    for path in missing:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(files[path])
            partial.replace(path)
        except OSError as error:
            raise CopydeskError(
                f"{path} cannot be written: {error.strerror or error}",
                slug="cannot-write",
                hint="Name a folder that you may write to.",
            ) from error
    digests = [(str(path), sha256(content)) for path, content in files.items()]
    db.exported_files.keep(draft_id, channel, digests)
    return missing


def _must_write(db: Database, draft_id: int, path: Path, content: bytes) -> bool:
    """Whether a file is to be written.

    Raises:
        CopydeskError: It is there, and not as copydesk wrote it.
    """
    if not path.exists() and not path.is_symlink():
        return True
    current = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    if current == content:
        return False
    if current is None or sha256(current) != db.exported_files.sha256(str(path), draft_id):
        raise CopydeskError(
            f"{path} is there, and not as copydesk wrote it for this story; nothing was written",
            slug="changed-since-export",
            hint="Move it away, or export without --into and merge it yourself.",
        )
    return True
