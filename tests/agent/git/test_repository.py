from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git_room
from copydesk.agent.git.command import GitFailed, git_program, streaming
from copydesk.agent.git.command import git as run_git


def test_a_repository_is_found_from_any_folder_in_it(repo: Path) -> None:
    (repo / "sub").mkdir()
    found = git_room.find(repo / "sub")
    assert (found.top, found.git_dir, found.common_dir) == (repo, repo / ".git", repo / ".git")
    assert found.worktree == repo
    assert found.desk == repo / ".git" / "copydesk"


def test_a_linked_worktree_shares_the_common_folder(repo: Path, git, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "other", str(tmp_path / "wt"))
    found = git_room.find(tmp_path / "wt")
    assert found.common_dir == repo / ".git"
    assert found.git_dir != found.common_dir
    assert found.desk == git_room.find(repo).desk
    assert set(git_room.worktrees(found)) == {repo, tmp_path / "wt"}


def test_no_repository_an_empty_one_a_bare_one_and_the_git_folder(tmp_path: Path, git) -> None:
    with pytest.raises(CopydeskError) as caught:
        git_room.find(tmp_path)
    assert caught.value.slug == "not-a-repository"
    git(tmp_path, "init", "-q", "empty")
    empty = git_room.find(tmp_path / "empty")
    with pytest.raises(CopydeskError) as caught:
        git_room.resolve(empty, "HEAD")
    assert caught.value.slug == "no-commits"
    assert git_room.tips(empty) == set()
    with pytest.raises(CopydeskError) as caught:
        git_room.find(tmp_path / "empty" / ".git")
    assert caught.value.slug == "inside-git-dir"
    git(tmp_path, "init", "-q", "--bare", "bare")
    with pytest.raises(CopydeskError) as caught:
        _ = git_room.find(tmp_path / "bare").worktree
    assert caught.value.slug == "bare-repository"


def test_revisions_are_resolved_and_never_read_as_options(repo: Path, git) -> None:
    found = git_room.find(repo)
    assert git_room.resolve(found, "HEAD") == git(repo, "rev-parse", "HEAD")
    for name in ("nothing", "--output=x", "HEAD~9"):
        with pytest.raises(CopydeskError) as caught:
            git_room.resolve(found, name)
        assert caught.value.slug == "no-such-revision"
    with pytest.raises(CopydeskError, match="not an object id"):
        git_room.checked("--help")


def test_tips_ranges_and_ancestors(repo: Path, git, commit) -> None:
    found = git_room.find(repo)
    first = git_room.resolve(found, "HEAD")
    second = commit(repo, {"a.py": "x = 1\n"})
    git(repo, "checkout", "-q", "--detach")
    third = commit(repo, {"a.py": "x = 2\n"})
    assert git_room.tips(found) == {second, third}
    assert git_room.between(found, f"{first}..HEAD") == [second, third]
    assert git_room.between(found, "HEAD") == [third]
    assert git_room.ancestors(found, third, 2) == [third, second]
    assert git_room.reachable(found, [third], [second]) == [third]
    assert git_room.reachable(found, [], []) == []
    assert git_room.exists(found, [third, "0" * 40]) == {third}


def test_what_a_commit_says_of_itself(repo: Path, commit) -> None:
    sha = commit(repo, {"a.py": ""}, "Subject é\n\nBody line\n\nMore")
    info = git_room.commit_info(git_room.find(repo), sha)
    assert (info.subject, info.body, info.author) == (
        "Subject é",
        "Body line\n\nMore",
        "Ada Author",
    )
    assert len(info.parents) == 1


def test_trees_and_blobs(repo: Path, commit) -> None:
    files = {"a b.py": "one\n", "sub/ü.py": "two", "empty.py": ""}
    sha = commit(repo, dict(files))
    found = git_room.find(repo)
    tree = git_room.tree(found, sha)
    assert set(tree) == set(files)
    texts = git_room.read_blobs(found, [e.blob for e in tree.values()])
    assert {p: texts[e.blob].decode() for p, e in tree.items()} == files
    assert git_room.read_blobs(found, []) == {}
    assert git_room.read_file(found, sha, "sub/ü.py") == b"two"
    for there in ("a b.py", "empty.py"):
        assert git_room.read_file(found, sha, there) == files[there].encode()
    for missing in ("none", "a blob", "sub", "a\nb.py"):
        assert git_room.read_file(found, sha, missing) is None
    odd = commit(repo, {"a\nb.py": "1"})
    assert git_room.read_file(found, odd, "a\nb.py") == b"1"


def test_changes_by_line(repo: Path, commit) -> None:
    found = git_room.find(repo)
    first = commit(repo, {"a.py": "1\n2\n3\n4\n", 'q"\t.py': "x\n", "gone.py": "x\n"})
    second = commit(repo, {"a.py": "1\nnew\n3\n", 'q"\t.py': "y\n", "gone.py": None})
    changes = git_room.changes(found, first, second)
    assert changes["a.py"] == git_room.FileChange((2, 3), 1, 2)
    assert changes['q"\t.py'] == git_room.FileChange((1,), 1, 1)
    assert changes["gone.py"].removed == 1
    root = git_room.changes(found, None, git_room.resolve(found, first + "~1"))
    assert root == {}
    assert git_room.changes(found, None, first)["a.py"].added == 4


@settings(deadline=None, max_examples=15)
@given(st.lists(st.sampled_from(["a\n", "+b\n", "--- a/x\n", "@@ -1 +1 @@\n", ""]), max_size=6))
def test_lines_that_look_like_a_diff_do_not_confuse_it(lines: list[str]) -> None:
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)

        def git(*args: str) -> str:
            done = subprocess.run(["git", *args], cwd=where, capture_output=True, check=True)
            return done.stdout.decode().strip()

        git("init", "-q")
        (where / "f.py").write_text("first\n")
        git("add", "-A")
        git("commit", "-qm", "one")
        (where / "f.py").write_text("first\n" + "".join(lines))
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", "two")
        found = git_room.find(where)
        base, head = git("rev-parse", "HEAD~1"), git("rev-parse", "HEAD")
        changes = git_room.changes(found, base, head)
        count = len([line for line in lines if line])
        assert changes.get("f.py", git_room.FileChange((), 0, 0)).added == count


def test_an_operation_under_way_is_noticed(repo: Path) -> None:
    found = git_room.find(repo)
    assert not git_room.busy(found)
    (repo / ".git" / "MERGE_HEAD").write_text("x")
    assert git_room.busy(found)


def test_configuration_is_set_read_and_taken_out(repo: Path) -> None:
    found = git_room.find(repo)
    assert git_room.get_config(found, "copydesk.python") is None
    git_room.set_config(found, "copydesk.python", "/x")
    assert git_room.get_config(found, "copydesk.python") == "/x"
    git_room.set_config(found, "copydesk.python", None)
    git_room.set_config(found, "copydesk.python", None)
    assert git_room.get_config(found, "copydesk.python") is None


def test_nothing_a_hostile_configuration_names_is_run(
    repo: Path, git, commit, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    script.chmod(0o755)
    first = commit(repo, {"a.py": "x\n", ".gitattributes": "*.py filter=evil diff=evil\n"})
    second = commit(repo, {"a.py": "y\n"})
    for key in ("core.fsmonitor", "diff.external", "filter.evil.smudge", "filter.evil.clean"):
        git(repo, "config", key, str(script))
    git(repo, "config", "diff.evil.textconv", str(script))
    git(repo, "config", "diff.evil.command", str(script))
    found = git_room.find(repo)
    git_room.changes(found, first, second)
    tree = git_room.tree(found, second)
    git_room.read_blob(found, tree["a.py"].blob)
    git_room.commit_info(found, second)
    git_room.tips(found)
    git_room.worktrees(found)
    assert not mark.exists()


def test_git_that_is_not_there_and_git_that_fails(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(GitFailed, match="git rev-parse"):
        run_git("rev-parse", "--verify", "nope", git_dir=repo / ".git")
    git_program.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CopydeskError, match="git is not on PATH"):
        git_program()
    git_program.cache_clear()


def test_a_long_lived_git_command_answers(repo: Path, commit) -> None:
    sha = commit(repo, {"a.py": "text"})
    with streaming(repo / ".git", "cat-file", "--batch-check") as (ask, answer):
        ask.write(f"{sha}\n".encode())
        ask.flush()
        assert answer.readline().split()[1] == b"commit"


def test_another_users_repository_is_refused_with_the_cure(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "a folder").mkdir()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    # our own environment drops GIT_*, so git is asked through a wrapper that sets it
    wrapper = repo.parent / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {git_program()} "$@"\n')
    wrapper.chmod(0o755)
    git_program.cache_clear()
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin")
    try:
        with pytest.raises(CopydeskError) as caught:
            git_room.find(repo / "a folder")
        assert caught.value.slug == "dubious-ownership"
        # git trusts the top folder or nothing, and a path may hold spaces
        assert caught.value.hint.endswith(f"safe.directory {shlex.quote(str(repo))}")
    finally:
        git_program.cache_clear()


def test_a_head_whose_commit_is_gone_is_not_taken_for_an_empty_repository(repo: Path, git) -> None:
    (repo / ".git" / "refs" / "heads" / "main").write_text("1" * 40 + "\n")
    with pytest.raises(CopydeskError) as caught:
        git_room.resolve(git_room.find(repo), "HEAD")
    assert caught.value.slug == "no-such-revision"
