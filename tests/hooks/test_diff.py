from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.hooks import diff, gate
from copydesk.hooks.patch import FilePatch

Git = Callable[..., str]
NAMES = [
    "plain.py", "with space.py", "ümläut.py", 'quo"te.py', "tab\there.py", "back\\slash.py",
    "new\nline.py", "re\rturn.py", os.fsdecode(b"not\xffutf8.py"), "a b/-o.py", "deep/er/x.py",
    "*.py", "[a].py", ":(top)x.py", "'x'.py",
]  # fmt: skip


def stage(repo: Path, git: Git, path: str, text: str) -> None:
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_bytes(text.encode())
    git(repo, "add", "-A")


def staged(repo: Path, monkeypatch: pytest.MonkeyPatch) -> list[FilePatch]:
    monkeypatch.chdir(repo)
    return gate.changed_files(diff.patch(["--cached"]))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_file_is_understood(
    repo: Path, git: Git, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, name, "a = 1\nb = 2\n")
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines, file.is_new) == (name, [1, 2], True)
    assert file.blob == git(repo, "hash-object", "--", name)


def test_a_line_that_looks_like_a_header_is_none(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, "a.py", "++ b/evil.py\nx = 1\n")
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "a.py", "++ b/evil.py\n++ b/worse.py\n@@ -1 +9,99 @@\nx = 1")
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines) == ("a.py", [2, 3, 4])


OLD = "".join(f"line_{number} = {number}\n" for number in range(60))
NEW = OLD.replace("line_20 = 20\n", "").replace("line_40 = 40", "line_40 = 41\nline_x = 0")
CONFIGURED = {
    "context": {"diff.context": "9"},
    "hunks": {"diff.interHunkContext": "40"},
    "noprefix": {"diff.noprefix": "true"},
    "mnemonic": {"diff.mnemonicPrefix": "true"},
    "prefixes": {"diff.srcPrefix": "x/", "diff.dstPrefix": "y/"},
    "algorithm": {"diff.algorithm": "patience"},
    "colour": {"color.ui": "always", "color.diff": "always", "diff.colorMoved": "zebra"},
    "external": {"diff.external": "false"},
    "quoting": {"core.quotePath": "false"},
    "submodules": {"diff.submodule": "log", "diff.ignoreSubmodules": "none"},
    "order": {"diff.orderFile": "/nowhere/order"},
    "renames": {"diff.renames": "false"},
    "relative": {"diff.relative": "true"},
    "words": {"diff.wordRegex": ".", "diff.wsErrorHighlight": "all"},
    "function": {"diff.suppressBlankEmpty": "true", "diff.indentHeuristic": "false"},
    "driver": {"diff.python.textconv": "false", "diff.python.command": "false"},
    "binary": {"diff.python.binary": "true"},
    "autocrlf": {"core.autocrlf": "true", "core.safecrlf": "false"},
    "paging": {"pager.diff": "false", "core.pager": "false"},
}


@pytest.mark.parametrize("settings", CONFIGURED.values(), ids=CONFIGURED)
def test_no_setting_changes_what_is_read(
    repo: Path, git: Git, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, "pkg/a.py", OLD)
    stage(repo, git, ".gitattributes", "*.py diff=python\n")
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "pkg/a.py", NEW)
    for key, value in settings.items():
        git(repo, "config", key, value)
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines) == ("pkg/a.py", [40, 41])


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_DIFF_OPTS": "-u3"},
        {"GIT_DIFF_OPTS": "--unified=12"},
        {"GIT_EXTERNAL_DIFF": "false"},
        {"GIT_LITERAL_PATHSPECS": "1"},
        {"GIT_NOGLOB_PATHSPECS": "1"},
        {"GIT_ICASE_PATHSPECS": "1"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "diff.context", "GIT_CONFIG_VALUE_0": "7"},
        {"GIT_CONFIG_PARAMETERS": "'diff.noprefix'='true'"},
        {"GIT_PAGER": "false"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_no_variable_changes_what_is_read(
    repo: Path, git: Git, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, "pkg/a.py", OLD)
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "pkg/a.py", NEW)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines) == ("pkg/a.py", [40, 41])


@pytest.mark.parametrize(
    "attributes",
    ["-diff", "binary", "diff=python", "-text", "eol=crlf", "text eol=lf", "filter=none", "ident"],
)
def test_no_attribute_hides_a_line(
    repo: Path, git: Git, attributes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, ".gitattributes", f"*.py {attributes}\n")
    stage(repo, git, "a.py", OLD)
    git(repo, "commit", "-q", "-m", "x")
    stage(repo, git, "a.py", NEW)
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines) == ("a.py", [40, 41])


def test_an_encoding_of_the_worktree_changes_no_line_number(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, ".gitattributes", "*.py working-tree-encoding=UTF-16LE\n")
    (repo / "a.py").write_bytes("a = 1\nb = 'ü'\n".encode("utf-16-le"))
    git(repo, "add", "-A")
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines) == ("a.py", [1, 2])


def test_files_outside_the_current_folder_are_read_too(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, "a.py", "x = 1\n")
    stage(repo, git, "deep/b.py", "x = 1\n")
    assert [file.path for file in staged(repo / "deep", monkeypatch)] == ["a.py", "deep/b.py"]


def test_links_and_submodules_hold_no_source(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, "real.py", "x = 1\n")
    stage(repo, git, "was_link.py", "x = 1\n")
    (repo / "gone.py").symlink_to("real.py")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "x")
    (repo / "alias.py").symlink_to("real.py")
    (repo / "gone.py").unlink()
    (repo / "gone.py").write_text("y = 2\n")
    (repo / "was_link.py").unlink()
    (repo / "was_link.py").symlink_to("real.py")
    git(repo, "add", "-A")
    head = git(repo, "rev-parse", "HEAD")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{head},module.py")
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines) == ("gone.py", [1])


def test_a_replaced_object_is_read_as_it_was(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(repo, git, "a.py", OLD)
    git(repo, "commit", "-q", "-m", "x")
    (repo / "other").write_text(NEW)
    blobs = git(repo, "rev-parse", "HEAD:a.py"), git(repo, "hash-object", "-w", "other")
    git(repo, "replace", *blobs)
    stage(repo, git, "a.py", NEW)
    (file,) = staged(repo, monkeypatch)
    assert (file.path, file.new_lines) == ("a.py", [40, 41])


def test_context_that_is_there_all_the_same_is_no_change() -> None:
    patch = (
        b"diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n"
        b"@@ -1,4 +1,5 @@\n one\n-two\n+2\n+more\n\n three\n\\ No newline at end of file\n"
        b"@@ -9 +10 @@\n-x\n+y\n"
    )
    (file,) = gate.changed_files(patch)
    assert (file.new_lines, file.added) == ([2, 3, 10], [[b"2", b"more"], [b"y"]])


@given(st.binary(max_size=400))
def test_no_patch_breaks_the_parser(patch: bytes) -> None:
    head = b"diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n"
    (file,) = gate.changed_files(head + b"@@ -0,0 +1,400 @@\n+\n" + patch)
    assert file.path == "x.py"
