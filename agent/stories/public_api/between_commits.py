"""What a project offers at two of its commits, read from git, each file version once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from copydesk.agent.coverage.source import is_test_file
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.source_text import decode_source
from copydesk.agent.stories.public_api.compare import ApiChange, compare_modules
from copydesk.agent.stories.public_api.read_module import ModuleApi, read_module

_CACHE = "public api/2"
_NOT_OFFERED = re.compile(
    r"^(tests?|testing|docs?|examples?|samples?|benchmarks?|bench|scripts|tools|ci|vendor|_vendor"
    r"|third_party|setup\.py|conftest\.py|noxfile\.py|tasks\.py)$"
)


def changes_between(
    db: Database,
    repo: Repository,
    before: Mapping[str, git.Entry],
    after: Mapping[str, git.Entry],
    paths: Iterable[str],
) -> list[ApiChange]:
    """How what a project offers differs between two trees.

    Args:
        db: The desk, where what was read of a file version stays.
        repo: The repository.
        before: The files of the one tree, by path.
        after: Those of the other.
        paths: The files that differ.
    """
    modules = [path for path in paths if path.endswith(".py") and offers_anything(path)]
    blobs = {tree[path].blob for tree in (before, after) for path in modules if path in tree}
    apis = _read(db, repo, blobs)
    sides = [
        {path: _visible(path, apis.get(tree[path].blob)) for path in modules if path in tree}
        for tree in (before, after)
    ]
    return compare_modules(*sides)


def offers_anything(path: str) -> bool:
    """Whether users of a project may import a file: no test, no example, no script of its own."""
    parts = PurePosixPath(path).parts
    if is_test_file(path) or any(map(_NOT_OFFERED.fullmatch, parts)):
        return False
    return not any(part.startswith("test_") for part in parts)


def _visible(path: str, api: ModuleApi | None) -> ModuleApi | None:
    """What of a module is public: of a private one the options of its commands alone."""
    if api is None:
        return None
    parts = [*PurePosixPath(path).parts[:-1], PurePosixPath(path).stem]
    is_private = any(part.startswith("_") and not part.startswith("__") for part in parts)
    return ModuleApi((), api.options, api.bound) if is_private else api


def _read(db: Database, repo: Repository, blobs: set[str]) -> dict[str, ModuleApi | None]:
    """What each file version offers, from the desk or from its source."""
    texts: dict[str, bytes] = {}

    def compute(blob: str) -> ModuleApi | None:
        return read_module(decode_source(texts[blob])) if blob in texts else None

    cache = db.content_cache(_CACHE, compute)
    texts.update(git.read_blobs(repo, cache.fetch(blobs)))
    values = {blob: cache(blob) for blob in blobs}
    cache.save()
    return {b: None if v is None else ModuleApi.from_json(v) for b, v in values.items()}
