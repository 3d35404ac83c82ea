"""Posts that copydesk exported into a site: their story and their address, from the files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.publishing import ExportedFile
from copydesk.agent.front_matter import MOST_READ, split_front_matter

MOST_FILES = 2_000
"""Files of a folder that a post which moved is looked for in."""

_POSTS = frozenset({".md", ".mdx", ".markdown"})
_ADDRESS_KEYS = ("permalink", "url", "path", "canonical_url")
_SECTIONS = ("", "params", "extra")
"""Where a generator allows keys of one's own: at the top, in Hugo's and in Zola's section."""


class BlogPost(NamedTuple):
    """A post of a site.

    `story` is the draft's id; `posted_at` is Unix time, of its day or the export; `address`
    is its permalink where the front matter has one, else its path or the last part of it.
    """

    story: str
    title: str
    posted_at: float
    address: str


def blog_posts(db: Database) -> list[BlogPost]:
    """The posts that stories were exported to, the first one first; drafts are none yet.

    The front matter says which story a file is, wherever it was moved to within its folder, and
    where it is read on the web.
    """
    posts: dict[tuple[str, str], BlogPost] = {}
    for exported in db.exported_files.all():
        if Path(exported.path).suffix not in _POSTS:
            continue
        for post in _posts_of(exported):
            posts.setdefault((post.story, post.address), post)
    return list(posts.values())


def _posts_of(exported: ExportedFile) -> Iterator[BlogPost]:
    """The post that an exported file is, or that it became: one or none."""
    path = Path(exported.path)
    candidates: Iterable[Path] = (path,) if path.is_file() else _files_around(path)
    for file in candidates:
        fields = front_matter(file)
        story = _story_of(fields)
        if file != path and story != str(exported.draft_id):
            continue
        is_public = not fields.get("draft") and fields.get("published", True) is not False
        if is_public:
            title = str(fields.get("title") or path.stem)
            story = story or str(exported.draft_id)
            yield BlogPost(story, title, _posted_at(fields, exported), _address(fields, file))
        return


def _files_around(path: Path) -> Iterator[Path]:
    """The posts of the folder that a file was in, or of the one above for a page bundle."""
    folder = path.parent.parent if path.stem == "index" else path.parent
    if not folder.is_dir():
        return
    for number, file in enumerate(sorted(folder.rglob("*"))):
        if number >= MOST_FILES:
            return
        if file.suffix in _POSTS and file.is_file():
            yield file


def front_matter(path: Path) -> Mapping[str, Any]:
    """The front matter of a post, YAML or TOML; nothing where there is none that can be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return split_front_matter(file.read(MOST_READ))[0]
    except OSError:
        return {}


def _story_of(fields: Mapping[str, Any]) -> str:
    """The story that the key `copydesk` names; "" for none."""
    for section in _SECTIONS:
        keys = fields.get(section) if section else fields
        own = keys.get("copydesk") if isinstance(keys, dict) else None
        if isinstance(own, dict) and isinstance(own.get("story"), int):
            return str(own["story"])
    return ""


def _posted_at(fields: Mapping[str, Any], exported: ExportedFile) -> float:
    """The beginning of the post's day, at the latest when it was exported: that may be again."""
    moment = datetime.fromisoformat(exported.exported_at)
    dated = fields.get("date", fields.get("pubDate"))
    with contextlib.suppress(ValueError):
        day = datetime.fromisoformat(str(dated)[:10]).replace(tzinfo=moment.tzinfo)
        moment = min(moment, day)
    return moment.timestamp()


def _address(fields: Mapping[str, Any], path: Path) -> str:
    """The permalink or path that the front matter has; else what an address ends in by the name."""
    for key in _ADDRESS_KEYS:
        address = fields.get(key)
        if isinstance(address, str) and page_path(address) and ":" not in page_path(address):
            return address if page_host(address) else f"/{page_path(address)}/"
    slug = fields.get("slug")
    if isinstance(slug, str) and slug.strip("/"):
        return f"/{slug.strip('/')}/"
    name = path.parent.name if path.stem == "index" else path.stem
    dated = name.split("-", 3)  # Jekyll's 2026-11-24-save-files
    is_dated = len(dated) == 4 and all(part.isdecimal() for part in dated[:3])
    return f"/{dated[3] if is_dated else name}/"


def page_path(address: str) -> str:
    """The path of a page without what servers add: slashes, index.html, .html."""
    path = _split(address).path.strip().strip("/").removesuffix(".html")
    folder, _, name = path.rpartition("/")
    return folder if name == "index" else path


def page_host(address: str) -> str:
    """The host of an address in lower case, "" for a path."""
    return _split(address).netloc.lower()


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # such as a bracket that is not closed, in the title of a thread
        return urlsplit("")
