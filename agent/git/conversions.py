"""What git's own checkout changes in the contents of files, without running any filter.

Built in to git are line ends, `ident` and encodings of the working tree. Filters are programs that
the configuration names: none is run. What Git LFS would put in place of a pointer is taken from its
store where it lies there, which runs nothing; of any other filter the file is named.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.agent.git import side_objects
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.configuration import get_section
from copydesk.agent.git.line_ends import LineEnds
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.objects import Entry, read_blobs

_ATTRIBUTES = ("text", "crlf", "eol", "ident", "working-tree-encoding", "filter")
_RELEVANT = re.compile(rb"\b(eol|ident|working-tree-encoding|filter|crlf)\b")
_IDENT = re.compile(rb"\$Id(?::[^$\n]*)?\$")
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)
LARGEST = 256 << 20
"""Bytes of a file of Git LFS."""


@dataclass(slots=True)
class Conversions:
    """How a checkout changes files.

    Attributes:
        digest: A name for the rules: another one where they may differ.
        attributes: The attributes that matter, by path, of the files that have some.
        unconverted: Why some files are not as a checkout would have them, in words by path.
        line_ends: How the user's configuration would have line ends.
    """

    digest: str = ""
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    unconverted: dict[str, str] = field(default_factory=dict)
    _stores: tuple[Path, ...] = ()
    line_ends: LineEnds = field(default_factory=LineEnds)

    def always_new(self, path: str) -> bool:
        """Whether a file may differ from what it was though its blob is the same."""
        return "filter" in self.attributes.get(path, {})

    def apply(self, path: str, blob: str, content: bytes) -> bytes:
        """The content of a file as it is checked out."""
        attributes = self.attributes.get(path, {})
        if not attributes and not self.line_ends.are_crlf:
            return content
        if attributes.get("ident") == "set":
            content = _IDENT.sub(f"$Id: {blob} $".encode(), content)
        content = self.line_ends.apply(content, attributes)
        encoding = attributes.get("working-tree-encoding", "")
        if encoding not in ("", "unset", "set"):
            content = self._encoded(path, content, encoding)
        filter_name = attributes.get("filter", "")
        if filter_name not in ("", "unset", "set"):
            content = self._filtered(path, content, filter_name)
        return content

    def _encoded(self, path: str, content: bytes, encoding: str) -> bytes:
        try:
            return content.decode("utf-8").encode(encoding)
        except (UnicodeError, LookupError):
            self.unconverted[path] = f"{path} cannot be written as {encoding}, as it should be"
            return content

    def _filtered(self, path: str, content: bytes, name: str) -> bytes:
        pointer = _POINTER.match(content)
        if name != "lfs":
            self.unconverted[path] = (
                f"{path} is as git keeps it: its filter {name} is a program, which is not run"
            )
        elif pointer is not None:
            stored = self._stored(pointer[1].decode(), int(pointer[2]))
            if stored is not None:
                return stored
            self.unconverted[path] = (
                f"{path} is a pointer of Git LFS, whose content is not here (git lfs pull)"
            )
        return content

    def _stored(self, identity: str, size: int) -> bytes | None:
        """The content behind a pointer, if it is in a store of Git LFS and what it should be."""
        for store in self._stores:
            path = store / identity[:2] / identity[2:4] / identity
            try:
                if path.is_symlink() or path.stat().st_size != size or size > LARGEST:
                    continue
                content = path.read_bytes()
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == identity:
                return content
        return None


def read_conversions(repo: Repository, files: Mapping[str, Entry]) -> Conversions:
    """How a checkout changes files.

    Args:
        repo: The repository.
        files: The files by path, those that hold attributes among them.
    """
    sources = dict(filter(_holds_attributes, files.items()))
    own = _own_attributes(repo)
    line_ends = LineEnds.of(get_section(repo, "core"))
    if not sources and not own and not line_ends.are_crlf:
        return Conversions()
    contents = read_blobs(repo, (entry.blob for entry in sources.values()))
    if not line_ends.are_crlf and not any(map(_RELEVANT.search, [own, *contents.values()])):
        return Conversions()
    parts = [repr(line_ends).encode(), own]
    for path, entry in sorted(sources.items()):
        parts.append(os.fsencode(f"{path}\0{entry.blob}"))
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
    attributes: dict[str, dict[str, str]] = {}
    for path, name, value in _ask(repo, sources, files):
        if value != "unspecified":
            attributes.setdefault(path, {})[name] = value
    return Conversions(digest, attributes, {}, _stores(repo), line_ends)


def _holds_attributes(item: tuple[str, Entry]) -> bool:
    path, entry = item
    return path.rpartition("/")[2] == ".gitattributes" and entry.mode != "120000"


def _stores(repo: Repository) -> tuple[Path, ...]:
    """Where Git LFS keeps contents: those of the repository and of its submodules."""
    modules = repo.common_dir / "modules"
    of_modules = sorted(modules.glob("**/lfs/objects")) if modules.is_dir() else []
    return (repo.common_dir / "lfs" / "objects", *of_modules)


def _own_attributes(repo: Repository) -> bytes:
    """The attributes that the repository has of its own, outside of any commit."""
    try:
        return (repo.common_dir / "info" / "attributes").read_bytes()
    except OSError:
        return b""


def _ask(
    repo: Repository, sources: Mapping[str, Entry], files: Mapping[str, Entry]
) -> Iterator[tuple[str, str, str]]:
    """What git says of the attributes of files: path, attribute and value.

    Read from an index that holds the files with the attributes, and nothing else.
    """
    rows = [
        f"{entry.mode} {entry.blob}\t".encode() + os.fsencode(p) for p, entry in sources.items()
    ]
    paths = b"".join(os.fsencode(path) + b"\0" for path in files)
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        extra = {"GIT_INDEX_FILE": f"{folder}/index", **side_objects.variables(repo)}
        try:
            git(
                "update-index", "-z", "--index-info", git_dir=repo.common_dir,
                stdin=b"".join(row + b"\0" for row in rows), extra=extra,
            )  # fmt: skip
            output = git(
                "check-attr", "--cached", "--stdin", "-z", *_ATTRIBUTES, git_dir=repo.common_dir,
                stdin=paths, extra=extra,
            )  # fmt: skip
        except GitFailed:
            return
    fields = os.fsdecode(output).split("\0")
    for at in range(0, len(fields) - 2, 3):
        yield fields[at], fields[at + 1], fields[at + 2]
