"""The git repository on the desk that holds coverage maps, and its way to and from remotes.

Maps are git objects, so that git itself stores what is alike once and moves only what is new. They
stay out of the user's own repository: no ref of it names them, and no `git log --all` shows them.
What comes from a remote is received into a folder of its own and counts only once it was looked at.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.revisions import checked
from copydesk.agent.records import Sha

NETWORK_SECONDS = 900.0
"""How long git may take to fetch or push."""

MAX_OBJECT = 64 << 20
"""Bytes of the largest object that is read."""

MAX_ENTRIES = 200_000
"""Entries of the largest tree that is read."""

EMPTY = "0" * 40
BUILT = "refs/copydesk/built"
_TRANSPORTS = ("https", "http", "ssh", "git", "file")
_NETWORK_VARIABLES = ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO")
_RECEIVING = (
    *("fetch.fsckObjects=true", "transfer.fsckObjects=true", "fetch.unpackLimit=1"),
    # larger objects are checked as they stream by, and never held in memory
    *("core.bigFileThreshold=8m", "core.packedGitWindowSize=32m", "core.packedGitLimit=256m"),
    "fetch.writeCommitGraph=false",
)
_MODE = {b"40000": "tree", b"100644": "blob"}
_ENTRY = re.compile(rb"(\d{5,6}) ([^\0/]+)\0")


class TreeEntry(NamedTuple):
    """An entry of a tree: "tree" or "blob", its object's id, and its path below the tree."""

    kind: str
    oid: str
    path: str


@dataclass(frozen=True, slots=True)
class MapRepository:
    """A bare repository on the desk.

    Attributes:
        repo: The user's repository, whose remotes and credentials are used.
        folder: The bare repository.
        incoming: A folder of objects that were received and not looked at yet; None reads what is
            stored.
    """

    repo: Repository
    folder: Path
    incoming: Path | None = None

    @property
    def _objects(self) -> Path:
        return self.folder / "objects"

    def _variables(self) -> dict[str, str]:
        """Variables with which git finds incoming objects as well as stored ones."""
        if self.incoming is None:
            return {}
        return {
            "GIT_OBJECT_DIRECTORY": str(self.incoming),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _path_list([self._objects]),
        }

    def _git(self, *arguments: str, stdin: bytes = b"", timeout: float = 300.0) -> bytes:
        return git(
            *arguments, git_dir=self.folder, stdin=stdin, timeout=timeout, extra=self._variables()
        )

    # --- reading ---

    def tip(self, ref: str) -> Sha | None:
        """The commit that a ref names; None where there is no such ref."""
        output = self._git("for-each-ref", "--format=%(objectname)", ref).decode().split()
        return checked(output[0]) if output else None

    def tree_of(self, commit: Sha) -> str:
        """The tree of a commit.

        Raises:
            GitFailed: There is no such commit.
        """
        output = self._git("rev-parse", "--verify", "--quiet", f"{checked(commit)}^{{tree}}")
        return checked(output.decode().strip())

    def sizes(self, oids: Iterable[str]) -> dict[str, int]:
        """The sizes of some objects in bytes; those that are missing are left out."""
        names = sorted({checked(oid) for oid in oids})
        stdin = "".join(f"{oid}\n" for oid in names).encode()
        output = self._git("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=stdin)
        rows = (line.split(" ") for line in output.decode().split("\n"))
        return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}

    def read(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The contents of some objects.

        Raises:
            CopydeskError: One is missing or too large ("map-refused").
        """
        names = sorted({checked(oid) for oid in oids})
        sizes = self.sizes(names)
        for oid in names:
            if oid not in sizes:
                raise refused(f"object {oid[:12]} is missing")
            if sizes[oid] > MAX_OBJECT:
                raise refused(f"object {oid[:12]} claims {sizes[oid]:,} bytes")
        contents: dict[str, bytes] = {}
        for batch in _batches(names, sizes):
            contents |= _contents(self._git("cat-file", "--batch", stdin=batch), batch)
        return contents

    def entries(self, trees: Iterable[str]) -> dict[str, list[TreeEntry]]:
        """The entries of some trees, by the tree, each with its own name for a path.

        Raises:
            CopydeskError: One is no tree of plain files and folders ("map-refused").
        """
        return {oid: _parse_tree(oid, raw) for oid, raw in self.read(trees).items()}

    def walk(self, tree: str) -> list[TreeEntry]:
        """All files below a tree, by their paths.

        Raises:
            CopydeskError: There are too many, or something else than files ("map-refused").
        """
        files: list[TreeEntry] = []
        folders = {tree: [""]}
        while folders:
            below: dict[str, list[str]] = {}
            for oid, entries in self.entries(folders).items():
                for prefix in folders[oid]:
                    for kind, child, name in entries:
                        if kind == "tree":
                            below.setdefault(child, []).append(f"{prefix}{name}/")
                        else:
                            files.append(TreeEntry(kind, child, prefix + name))
                if len(files) > MAX_ENTRIES or sum(map(len, below.values())) > MAX_ENTRIES:
                    raise refused(f"more than {MAX_ENTRIES:,} files")
            folders = below
        return files

    # --- writing ---

    def commit(
        self,
        parent: Sha | None,
        *,
        blobs: Mapping[str, bytes],
        trees: Mapping[str, str],
        copies: Mapping[str, str],
        message: str,
    ) -> Sha:
        """Write a commit on top of another; git stores only what is new.

        Args:
            parent: What it starts from; None begins with nothing.
            blobs: Files to write, by path.
            trees: Stored trees to take in, by path.
            copies: Folders that become copies of others of the same commit, by path.
            message: What it is.
        """
        stream = [f"commit {BUILT}\ncommitter copydesk <> now\n".encode()]
        stream.append(_data(message.encode()))
        if parent is not None:
            stream.append(f"from {checked(parent)}\n".encode())
        for path, tree in trees.items():
            stream.append(f"M 040000 {checked(tree)} {_quoted(path)}\n".encode())
        for path, content in blobs.items():
            stream += [f"M 100644 inline {_quoted(path)}\n".encode(), _data(content)]
        for path, source in copies.items():
            stream.append(f"D {_quoted(path)}\nC {_quoted(source)} {_quoted(path)}\n".encode())
        stream.append(b"done\n")
        with contextlib.suppress(GitFailed):
            self._git("update-ref", "-d", BUILT)
        options = ("--quiet", "--done", "--date-format=now", "--force")
        self._git("fast-import", *options, stdin=b"".join(stream))
        built_tip = self.tip(BUILT)
        assert built_tip is not None
        return built_tip

    def point(self, ref: str, commit: Sha) -> None:
        """Let a ref name a commit."""
        self._git("update-ref", ref, checked(commit))

    def drop(self, ref: str) -> None:
        """Forget a ref."""
        self._git("update-ref", "-d", ref)

    def repack(self) -> None:
        """Put everything that a ref reaches into one pack, and drop the rest."""
        self._git("update-ref", "-d", BUILT)
        self._git("repack", "-a", "-d", "-f", "-q", timeout=NETWORK_SECONDS)
        self._git("prune", "--expire=now")

    def size(self) -> int:
        """Bytes on the disk."""
        files = (path for path in self._objects.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)

    # --- remotes ---

    def remote_tips(self, remote: str, *patterns: str) -> dict[str, Sha]:
        """What refs of a remote name.

        Args:
            remote: The remote.
            patterns: Refs, or patterns of refs.

        Raises:
            CopydeskError: It cannot be reached.
        """
        output = self._over_network("ls-remote", "--quiet", "--", remote, *patterns)
        rows = (line.split("\t") for line in output.decode("utf-8", "replace").split("\n") if line)
        return {row[1]: checked(row[0]) for row in rows if len(row) == 2}

    @contextlib.contextmanager
    def receive(self, remote: str, ref: str, known: Iterable[Sha]) -> Iterator[MapRepository]:
        """Fetch a ref of a remote into a folder that is gone afterwards.

        Args:
            remote: The remote.
            ref: Its ref.
            known: Commits of it that are stored already.

        Yields:
            The same repository with what was received; `keep` makes that stay.

        Raises:
            CopydeskError: The remote cannot be reached, or sends what is damaged.
        """
        folder = Path(tempfile.mkdtemp(prefix="incoming-", dir=self.folder))
        try:
            tips = [f"--negotiation-tip={checked(tip)}" for tip in known]
            variables = {
                "GIT_OBJECT_DIRECTORY": str(folder),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": _path_list(
                    [self._objects, self.repo.common_dir / "objects"]
                ),
            }
            self._over_network(
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="),
                *("--no-recurse-submodules", "--no-auto-maintenance", *tips, "--", remote, ref),
                settings=_RECEIVING, variables=variables,
            )  # fmt: skip
            yield MapRepository(self.repo, self.folder, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self) -> None:
        """Store what was received: it was looked at."""
        assert self.incoming is not None
        packs = self._objects / "pack"
        packs.mkdir(parents=True, exist_ok=True)
        # an index without its pack is what git must never see
        received = sorted((self.incoming / "pack").glob("pack-*"), key=lambda p: p.suffix == ".idx")
        for path in received:
            path.replace(packs / path.name)

    def push(self, remote: str, ref: str, commit: Sha, expected: Sha | None) -> None:
        """Let a ref of a remote name a commit, if it still names what is expected.

        Args:
            remote: The remote.
            ref: Its ref.
            commit: The commit.
            expected: What it names; None where there is no such ref.

        Raises:
            GitFailed: It names something else by now, or the remote refuses.
        """
        lease = f"--force-with-lease={ref}:{expected or ''}"
        options = ("--quiet", "--no-verify", "--no-recurse-submodules", "--no-follow-tags")
        variables = {
            "GIT_OBJECT_DIRECTORY": str(self._objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _path_list([self.repo.common_dir / "objects"]),
        }
        refspec = f"{checked(commit)}:{ref}"
        words = ("push", *options, "--thin", lease, "--", remote, refspec)
        self._over_network(*words, variables=variables)

    def _over_network(
        self,
        *arguments: str,
        settings: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run a command of git that talks to a remote, with the user's own configuration of it."""
        allowed = [f"protocol.{name}.allow=always" for name in _TRANSPORTS]
        words = [word for setting in (*allowed, *settings) for word in ("-c", setting)]
        network_variables = {
            name: os.environ[name] for name in _NETWORK_VARIABLES if name in os.environ
        }
        return git(
            *words, *arguments, git_dir=self.repo.common_dir, timeout=NETWORK_SECONDS,
            extra={**network_variables, **(variables or {})},
        )  # fmt: skip


def open_map_repository(repo: Repository) -> MapRepository:
    """The repository of maps on the desk, made where there is none."""
    folder = repo.desk / "map"
    if not (folder / "HEAD").is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--template=", str(folder), cwd=repo.common_dir)
    for left in folder.glob("incoming-*"):  # by a fetch that was killed
        if not _is_young(left):
            shutil.rmtree(left, ignore_errors=True)
    return MapRepository(repo, folder)


def refused(reason: str) -> CopydeskError:
    """The error for a map that is damaged, hostile or of another kind."""
    return CopydeskError(
        f"the map is refused: {reason}",
        slug="map-refused",
        hint="Nothing of it was stored. Whoever pushed it can push it anew: `copydesk map push`.",
    )


def _is_young(folder: Path) -> bool:
    import time

    return time.time() - folder.stat().st_mtime < NETWORK_SECONDS


def _path_list(folders: Iterable[Path]) -> str:
    quoted = (str(path).replace("\\", "\\\\").replace('"', '\\"') for path in folders)
    return os.pathsep.join(f'"{path}"' for path in quoted)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: str) -> str:
    """A path as fast-import reads it, and as one line whatever it holds."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _batches(names: Sequence[str], sizes: Mapping[str, int]) -> Iterator[bytes]:
    """The names in requests of which each has an answer of bounded size."""
    batch: list[str] = []
    total = 0
    for name in names:
        if batch and total + sizes[name] > MAX_OBJECT:
            yield "".join(f"{one}\n" for one in batch).encode()
            batch, total = [], 0
        batch.append(name)
        total += sizes[name]
    if batch:
        yield "".join(f"{one}\n" for one in batch).encode()


def _contents(output: bytes, batch: bytes) -> dict[str, bytes]:
    """What `git cat-file --batch` answers to some names."""
    contents, at = {}, 0
    for oid in batch.decode().split():
        end = output.index(b"\n", at)
        words = output[at:end].split()
        if len(words) != 3 or not words[2].isdigit():
            raise refused(f"object {oid[:12]} is missing")
        start, size = end + 1, int(words[2])
        contents[oid] = output[start : start + size]
        at = start + size + 1
    return contents


def _parse_tree(oid: str, raw: bytes) -> list[TreeEntry]:
    """The entries of a tree, as git stores it."""
    width = len(oid) // 2
    entries: list[TreeEntry] = []
    at = 0
    while at < len(raw):
        match = _ENTRY.match(raw, at)
        kind = _MODE.get(match[1]) if match else None
        end = match.end() + width if match else 0
        if match is None or kind is None or end > len(raw):
            raise refused(f"{oid[:12]} is no tree of plain files")
        if len(entries) >= MAX_ENTRIES:
            raise refused(f"a tree of more than {MAX_ENTRIES:,} entries")
        name = os.fsdecode(match[2])
        if name in (".", "..") or name.lower() == ".git":
            raise refused(f"a path that leads out of the tree: {name!r}")
        entries.append(TreeEntry(kind, raw[match.end() : end].hex(), name))
        at = end
    return entries
