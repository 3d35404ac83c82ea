"""Which of a program's names are offered to readers.

A library offers what can be imported. A program that is installed as a command has names, too,
that only its own modules call; of such a project those count that it offers itself: in an
`__all__`, from the package that holds them, or on a page of its documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.source_text import decode_source
from copydesk.agent.stories.public_api.compare import ApiChange
from copydesk.agent.stories.public_api.read_module import read_module

MOST_PAGES = 300
"""Pages of documentation that are read."""

_SCRIPTS = re.compile(
    r"^\[(?:project\.scripts|tool\.poetry\.scripts|tool\.flit\.scripts)\]|console_scripts", re.M
)
_SETUPS = ("pyproject.toml", "setup.cfg", "setup.py")
_PAGE = re.compile(r"^(?:readme[^/]*|docs?/.*)\.(?:md|rst|txt)$", re.I)
_HISTORY = re.compile(r"change|history|news|release", re.I)


def offered(
    repo: Repository,
    trees: Sequence[Mapping[str, git.Entry]],
    changes: Sequence[ApiChange],
) -> list[ApiChange]:
    """The changes of what a project offers; all of them where it installs no command.

    Args:
        repo: The repository.
        trees: The files before and after.
        changes: How its public names differ.
    """
    if not changes or not any(map(_has_scripts, _texts(repo, trees[1], _SETUPS))):
        return list(changes)
    exported = {name for tree in trees for name in _exported(repo, tree, changes)}
    pages = " ".join(text for tree in trees for text in _pages(repo, tree))
    return [
        change
        for change in changes
        if change.what == "option" or _top(change) in exported or _is_in(pages, change.name)
    ]


def _pages(repo: Repository, tree: Mapping[str, git.Entry]) -> Iterator[str]:
    """The texts of the pages of documentation of a tree."""
    return _texts(repo, tree, [path for path in tree if _is_page(path)][:MOST_PAGES])


def _is_in(pages: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", pages) is not None


def _has_scripts(setup: str) -> bool:
    return _SCRIPTS.search(setup) is not None


def _is_page(path: str) -> bool:
    return bool(_PAGE.match(path)) and not _HISTORY.search(PurePosixPath(path).stem)


def _top(change: ApiChange) -> str:
    return change.name.partition(".")[0]


def _exported(
    repo: Repository, tree: Mapping[str, git.Entry], changes: Sequence[ApiChange]
) -> Iterator[str]:
    """The names that an `__all__` of a changed module has, or a package on the way to one binds."""
    modules = {change.path for change in changes if change.path in tree}
    packages = {
        f"{folder}/__init__.py" for path in modules for folder in PurePosixPath(path).parents
    }
    wanted = {_top(change) for change in changes}
    for text in _texts(repo, tree, sorted(packages & {*tree})):
        api = read_module(text)
        yield from wanted & {*api.bound, *(n.name for n in api.names)} if api else ()
    for text in _texts(repo, tree, sorted(modules)):
        if match := re.search(r"^__all__\s*=\s*[\[(](.*?)[\])]", text, re.M | re.S):
            yield from wanted & {*re.findall(r"\w+", match[1])}


def _texts(repo: Repository, tree: Mapping[str, git.Entry], paths: Sequence[str]) -> Iterator[str]:
    """The texts of files of a tree; those that are not there are left out."""
    blobs = [tree[path].blob for path in paths if path in tree]
    return map(decode_source, git.read_blobs(repo, blobs).values())
