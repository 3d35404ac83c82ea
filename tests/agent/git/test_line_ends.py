"""Line ends of a snapshot against those of git's own checkout, on generated files."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.git.line_ends import LineEnds
from copydesk.agent.git.repository import find
from copydesk.agent.git.snapshot import snapshot

Git = Callable[..., str]
PIECES = (
    *(b"x = 1\n", b"x = 1\r\n", b"\n", b"\r", b"\0", b"\x1a", b"\x7f", b"\x01", b"\x0c\n"),
    *("größe\n".encode(), b"a" * 200 + b"\n", b"\x1b[0m\n", b"no end", b""),
)
RULES = (
    *("text", "-text", "text=auto", "text=input", "text=odd", "!text", "binary", ""),
    *("crlf", "-crlf", "crlf=input", "crlf=auto", "text -crlf"),
)
EOLS = ("", " eol=lf", " eol=crlf", " eol=odd", " -eol")
SETTINGS = (
    ("", ""), ("true", ""), ("input", ""), ("false", ""), ("", "crlf"), ("", "lf"), ("", "native"),
    ("true", "lf"), ("true", "crlf"), ("false", "crlf"), ("input", "lf"), ("yes", ""),
    ("0", "crlf"),
)  # fmt: skip


def content(rng: random.Random) -> bytes:
    """The content of a file: text mostly, with odd line ends and bytes."""
    plain = [b"x = 1\n"] * rng.randrange(40)
    return b"".join([*plain, *(rng.choice(PIECES) for _ in range(rng.randrange(4)))])


def fill(repo: Path, seed: int, count: int) -> None:
    """Commit generated files under every combination of attributes, as they are, byte by byte."""
    rng = random.Random(seed)
    kinds = [(rule + eol).strip() for rule in RULES for eol in EOLS]
    attributes = "".join(f"*.k{number} {kind}\n" for number, kind in enumerate(kinds))
    rows = []
    files = {".gitattributes": attributes.encode()}
    for number in range(len(kinds) * count):
        files[f"f{number}.k{number % len(kinds)}"] = content(rng)
    for number in range(count):
        files[f"f{number}.py"] = content(rng)
    for path, text in files.items():
        (repo / path).write_bytes(text)
    hashed = subprocess.run(
        ["git", "hash-object", "-w", "--no-filters", "--stdin-paths"],
        input="\n".join(files), cwd=repo, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for path, blob in zip(files, hashed.stdout.split(), strict=True):
        rows.append(f"100644 {blob}\t{path}\n")
    subprocess.run(
        ["git", "update-index", "--index-info"],
        input="".join(rows),
        cwd=repo,
        text=True,
        check=True,
    )
    subprocess.run(["git", "commit", "-q", "-m", "files"], cwd=repo, check=True)


def held_against_git(repo: Path, git: Git, settings: tuple[str, str]) -> None:
    """Compare a snapshot, under some settings of the user, with what git checks out."""
    for name, value in zip(("core.autocrlf", "core.eol"), settings, strict=True):
        if value:
            git(repo, "config", name, value)
    (repo / ".git" / "index").unlink()
    for path in repo.glob("f*"):
        path.unlink()
    git(repo, "reset", "-q", "--hard")
    with snapshot(find(repo), git(repo, "rev-parse", "HEAD")) as shot:
        for path in repo.glob("f*"):
            assert (shot.path / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("settings", [("", ""), ("true", ""), ("", "crlf"), ("input", "lf")])
def test_they_are_those_of_git(repo: Path, git: Git, settings: tuple[str, str]) -> None:
    fill(repo, 1, 3)
    held_against_git(repo, git, settings)


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_they_are_those_of_git_for_many_files(
    repo: Path, git: Git, settings: tuple[str, str]
) -> None:
    fill(repo, 2, 60)
    held_against_git(repo, git, settings)


def test_what_git_takes_for_a_setting() -> None:
    assert LineEnds.of({"core.autocrlf": "Input", "core.eol": "CRLF"}) == ("input", "crlf")
    assert LineEnds.of({"core.autocrlf": "On"}) == ("true", "")
    assert (LineEnds("true").are_crlf, LineEnds("input", "crlf").are_crlf) == (True, False)
    assert LineEnds.of({"core.autocrlf": "false", "core.eol": "native"}) == ("", "")
