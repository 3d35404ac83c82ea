"""A snapshot's files are as git's own checkout makes them; no filter is run for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import find
from copydesk.agent.git.snapshot import snapshot

Git = Callable[..., str]

ATTRIBUTES = (
    "*.crlf eol=crlf\n*.auto text=auto eol=crlf\n*.id ident\n"
    "*.utf16 text working-tree-encoding=UTF-16LE eol=lf\n*.bin -text\n"
    "*.lfs filter=lfs diff=lfs merge=lfs -text\n*.odd filter=odd\n"
)
CONTENTS = {
    "a.crlf": b"one\ntwo\n",
    "binary.auto": b"one\ntwo\0\n",
    "text.auto": b"one\ntwo\n",
    "a.id": b"x = '$Id$'\ny = '$Id: old $'\n",
    "deep/a.bin": b"one\r\ntwo\n",
    "deep/plain.py": b"one\ntwo\n",
}


@pytest.fixture
def converted(repo: Path, git: Git) -> tuple[Path, str]:
    (repo / ".gitattributes").write_text(ATTRIBUTES)
    for path, content in CONTENTS.items():
        (repo / path).parent.mkdir(exist_ok=True)
        (repo / path).write_bytes(content)
    (repo / "a.utf16").write_bytes("größe\n".encode("utf-16-le"))
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "one")
    return repo, git(repo, "rev-parse", "HEAD")


def contents(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {name.as_posix(): p.read_bytes() for name, p in files.items() if name.parts[0] != ".git"}


def test_built_in_conversions_are_those_of_a_clone(
    converted: tuple[Path, str], tmp_path: Path, git: Git
) -> None:
    repo, sha = converted
    git(tmp_path, "clone", "-q", str(repo), "clone")
    with snapshot(find(repo), sha) as shot:
        assert contents(shot.path) == contents(tmp_path / "clone")
        assert not shot.unconverted


def test_other_rules_write_everything_anew(
    converted: tuple[Path, str], tmp_path: Path, git: Git
) -> None:
    repo, sha = converted
    with snapshot(find(repo), sha):
        pass
    (repo / ".gitattributes").write_text("*.py eol=crlf\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "two")
    git(tmp_path, "clone", "-q", str(repo), "clone")
    for _ in range(2):
        with snapshot(find(repo), git(repo, "rev-parse", "HEAD")) as shot:
            assert contents(shot.path) == contents(tmp_path / "clone")


def pointer(content: bytes) -> tuple[bytes, str]:
    name = hashlib.sha256(content).hexdigest()
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {len(content)}\n"
    return text.encode(), name


def test_what_lfs_has_stored_is_taken_and_what_it_has_not_is_named(
    converted: tuple[Path, str], git: Git, tmp_path: Path
) -> None:
    repo, _ = converted
    mark = tmp_path / "mark"
    big, name = pointer(b"big" * 100)
    (repo / "big.lfs").write_bytes(big)
    (repo / "x.odd").write_text("odd\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "pointers")
    for filter_name in ("lfs", "odd"):
        git(repo, "config", f"filter.{filter_name}.smudge", f"touch {mark}")
        git(repo, "config", f"filter.{filter_name}.process", f"touch {mark}")
    sha = git(repo, "rev-parse", "HEAD")
    with snapshot(find(repo), sha) as shot:
        assert (shot.path / "big.lfs").read_bytes() == big
        assert "git lfs pull" in shot.unconverted["big.lfs"]
        assert "its filter odd is a program" in shot.unconverted["x.odd"]
    stored = repo / ".git/lfs/objects" / name[:2] / name[2:4] / name
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"bad" * 100)  # not what the pointer says
    with snapshot(find(repo), sha) as shot:
        assert (shot.path / "big.lfs").read_bytes() == big
    stored.write_bytes(b"big" * 100)
    with snapshot(find(repo), sha) as shot:
        assert (shot.path / "big.lfs").read_bytes() == b"big" * 100
        assert list(shot.unconverted) == ["x.odd"]
    assert not mark.exists()


def test_a_name_that_is_too_long_is_left_out_and_named(repo: Path, git: Git) -> None:
    long, deep = f"{'x' * 300}.txt", "/".join(["y" * 100] * 6)
    blob = git(repo, "hash-object", "-w", "--stdin", "--path=x")
    for path in (long, f"{deep}/a.py", "ok.py"):
        git(repo, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    git(repo, "commit", "-qm", "long names")
    with snapshot(find(repo), git(repo, "rev-parse", "HEAD")) as shot:
        assert (shot.path / deep / "a.py").is_file()
        assert (shot.path / "ok.py").is_file()
        assert "too long" in shot.unconverted[long]


def test_a_content_that_is_not_here_is_named(repo: Path, git: Git) -> None:
    (repo / "a.py").write_text("one\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "one")
    sha, blob = git(repo, "rev-parse", "HEAD"), git(repo, "rev-parse", "HEAD:a.py")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(CopydeskError, match=r"content of a\.py is not in") as caught:  # noqa: SIM117
        with snapshot(find(repo), sha):
            pass
    assert caught.value.slug == "content-missing"
