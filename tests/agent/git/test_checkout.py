"""A commit's files are those of a checkout: with submodules, with what a build left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.git import side_objects
from copydesk.agent.git.checkout import Checkout, checkout, earlier_files
from copydesk.agent.git.repository import Repository, find, read_blob, read_blobs, tree
from copydesk.agent.git.snapshot import snapshot

Commit = Callable[..., str]
Git = Callable[..., str]


def of(repo: Path, sha: str) -> Checkout:
    return checkout(find(repo), sha)


def beside(repo: Path, sha: str) -> list[str]:
    found = of(repo, sha)
    return sorted(found.files.keys() - found.tracked.keys())


@pytest.fixture
def outer(tmp_path: Path, repo: Path, commit: Commit, git: Git) -> tuple[Path, str]:
    """A repository with a submodule that has a submodule."""
    folders = {}
    for name, files in (("deep", {"deep.py": "D = 1\n"}), ("lib", {"common.py": "import deep\n"})):
        folders[name] = tmp_path / name
        git(tmp_path, "init", "-q", str(folders[name]))
        commit(folders[name], files)
    allow = ("-c", "protocol.file.allow=always")
    git(folders["lib"], *allow, "submodule", "-q", "add", str(folders["deep"]), "inner/deep")
    git(folders["lib"], "commit", "-qm", "with a submodule")
    git(repo, *allow, "submodule", "-q", "add", str(folders["lib"]), "libs/common")
    git(repo, *allow, "submodule", "-q", "update", "--init", "--recursive")
    return repo, commit(repo, {"m.py": "import common\n"})


def test_submodules_in_submodules_are_part_of_the_checkout(outer: tuple[Path, str]) -> None:
    repo, sha = outer
    assert beside(repo, sha) == [
        "libs/common/.gitmodules",
        "libs/common/common.py",
        "libs/common/inner/deep/deep.py",
    ]
    blob = of(repo, sha).files["libs/common/inner/deep/deep.py"].blob
    assert read_blob(find(repo), blob) == b"D = 1\n"
    with snapshot(find(repo), sha) as shot:
        assert (shot.path / "libs/common/inner/deep/deep.py").read_text() == "D = 1\n"


def test_a_submodule_is_at_the_commit_that_the_tree_names(
    outer: tuple[Path, str], commit: Commit
) -> None:
    repo, sha = outer
    commit(repo / "libs/common", {"common.py": "CHANGED = 1\n"})  # not recorded in the outer one
    (repo / "libs/common/common.py").write_text("not even committed\n")
    found = of(repo, sha)
    content = read_blob(find(repo), found.files["libs/common/common.py"].blob)
    assert content == b"import deep\n"
    later = commit(repo, {"m.py": "1\n"})
    content = read_blob(find(repo), of(repo, later).files["libs/common/common.py"].blob)
    assert content == b"CHANGED = 1\n"


def test_a_submodule_that_is_not_here_is_named_and_not_fetched(
    outer: tuple[Path, str], tmp_path: Path, git: Git
) -> None:
    repo, sha = outer
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repo), str(clone))
    found = of(clone, sha)
    assert not found.files.keys() - found.tracked.keys()
    assert "git submodule update --init libs/common" in found.absent["libs/common"]


def test_a_submodule_whose_git_folder_lies_in_the_worktree_is_found(
    repo: Path, commit: Commit, git: Git
) -> None:
    git(repo, "init", "-q", "old")
    commit(repo / "old", {"a.py": "A = 1\n"})
    sha = commit(repo, {"m.py": "1\n"})
    assert beside(repo, sha) == ["old/a.py"]


def test_a_commit_made_inside_of_a_submodule_has_its_own_checkout(
    outer: tuple[Path, str], commit: Commit
) -> None:
    repo, _ = outer
    inner = repo / "libs/common"
    sha = commit(inner, {"new.py": "N = 1\n"})
    assert find(inner).worktree == inner
    assert beside(inner, sha) == ["inner/deep/deep.py"]
    with snapshot(find(inner), sha) as shot:
        assert (shot.path / "new.py").read_text() == "N = 1\n"


def test_what_was_measured_then_is_told_apart_from_what_is_there_now(
    outer: tuple[Path, str], commit: Commit
) -> None:
    repo, sha = outer
    commit(repo, {".gitignore": "_version.py\n", "m.py": "import _version\n"})
    (repo / "_version.py").write_text("V = 1\n")
    sha = commit(repo, {"n.py": "1\n"})
    then = of(repo, sha)
    (repo / "_version.py").write_text("V = 2\n")
    assert of(repo, sha).beside != then.beside
    earlier = earlier_files(find(repo), tree(find(repo), sha), then.beside)
    assert earlier == then.files
    assert read_blob(find(repo), then.files["_version.py"].blob) == b"V = 1\n"
    gone = {"submodules": {"libs/gone": "1" * 40}, "generated": {}}
    assert earlier_files(find(repo), tree(find(repo), sha), gone) is None
    assert earlier_files(find(repo), then.tracked, {}) == then.tracked


GENERATED = {
    "pkg/_version.py": "V = 1\n",
    "pkg/fast.cpython-311-x86_64-linux-gnu.so": "\x7fELF",
    "pkg/gen/__init__.py": "",
    "pkg/gen/shop_pb2.py": "import base_pb2\n",
    "pkg/gen/base_pb2.py": "B = 1\n",
}
OTHERS = {
    "pkg/scratch.py": "nobody mentions it\n",
    "pkg/secret_keys.py": "KEY = 'x'\n",
    "pkg/test_mine.py": "def test(): ...\n",
    "pkg/conftest.py": "print('mine')\n",
    "sitecustomize.py": "print('mine')\n",
    ".env": "TOKEN=x\n",
    ".hidden/_version.py": "",
    "venv/lib/_version.py": "",
    "odd/pyvenv.cfg": "",
    "odd/lib/_version.py": "",
    "build/lib/_version.py": "",
    "node_modules/_version.py": "",
}


@pytest.fixture
def built(repo: Path, commit: Commit) -> tuple[Path, str]:
    ignored = "_version.py\n*.so\ngen/\nscratch.py\nsecret*\ntest_mine.py\nconftest.py\n.env\n"
    ignored += "sitecustomize.py\n.hidden/\nvenv/\nodd/\nbuild/\nnode_modules/\n"
    source = "from pkg import _version, fast, secret_keys, test_mine, conftest, sitecustomize\n"
    source += "from pkg.gen import shop_pb2\n"
    sha = commit(repo, {".gitignore": ignored, "pkg/__init__.py": source})
    for path, text in {**GENERATED, **OTHERS, "new.py": "not ignored\n"}.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(text)
    return repo, sha


def test_generated_modules_that_are_mentioned_are_part_of_the_checkout(
    built: tuple[Path, str],
) -> None:
    repo, sha = built
    assert beside(repo, sha) == sorted(GENERATED)
    found = of(repo, sha)
    assert list(found.absent) == ["pkg/secret_keys.py"]
    assert found.extensions == [f"{p} {found.files[p].blob}" for p in GENERATED if ".so" in p]
    with snapshot(find(repo), sha) as shot:
        for path, text in GENERATED.items():
            assert (shot.path / path).read_text() == text


def test_nothing_of_it_is_written_into_the_users_objects(built: tuple[Path, str], git: Git) -> None:
    repo, sha = built
    before = git(repo, "count-objects", "-v")
    of(repo, sha)
    assert git(repo, "count-objects", "-v") == before


def test_a_file_of_the_commit_comes_before_one_of_its_name(
    built: tuple[Path, str], git: Git
) -> None:
    repo, _ = built
    git(repo, "add", "-f", "pkg/_version.py")
    git(repo, "commit", "-qm", "tracked for once")
    tracked = git(repo, "rev-parse", "HEAD")
    git(repo, "rm", "-q", "--cached", "pkg/_version.py")
    git(repo, "commit", "-qm", "no more")
    (repo / "pkg/_version.py").write_text("V = 2\n")
    assert read_blob(find(repo), of(repo, tracked).files["pkg/_version.py"].blob) == b"V = 1\n"


def test_a_generated_module_that_is_too_large_is_withheld_by_name(
    built: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, sha = built
    monkeypatch.setattr("copydesk.agent.git.generated.LARGEST", 5)
    assert "too large" in of(repo, sha).absent["pkg/_version.py"]


def test_a_blob_that_is_gone_is_left_out(repo: Path, commit: Commit) -> None:
    commit(repo, {"a.py": "1\n"})
    assert read_blobs(find(repo), ["1" * 40]) == {}


def test_a_desk_with_an_odd_name_lends_its_objects(tmp_path: Path, git: Git) -> None:
    folder = tmp_path / 'a:b "c"'
    git(tmp_path, "init", "-q", str(folder))
    (folder / ".gitignore").write_text("_v.py\n")
    (folder / "m.py").write_text("import _v\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    (folder / "_v.py").write_text("V = 1\n")
    found: Repository = find(folder)
    sha = git(folder, "rev-parse", "HEAD")
    assert read_blob(found, checkout(found, sha).files["_v.py"].blob) == b"V = 1\n"
    assert side_objects.folder(found).is_dir()


def test_a_hostile_filter_does_not_run_for_what_is_provided(
    built: tuple[Path, str], tmp_path: Path, git: Git
) -> None:
    repo, sha = built
    mark = tmp_path / "mark"
    git(repo, "config", "filter.evil.clean", f"touch {mark}; cat")
    git(repo, "config", "filter.evil.smudge", f"touch {mark}; cat")
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/attributes").write_text("* filter=evil\n")
    of(repo, sha)
    assert not mark.exists()
    assert subprocess.run(["git", "hash-object", "m"], cwd=repo, env=os.environ).returncode


def test_objects_that_nothing_needs_go_and_young_ones_stay(
    built: tuple[Path, str], tmp_path: Path
) -> None:
    found = find(built[0])
    files = [tmp_path / name for name in ("needed", "old", "young", "written again")]
    for file in files:
        file.write_text(f"{file.name}\n")
    needed, old, young, again = side_objects.add_files(found, files)
    objects = side_objects.folder(found)
    for blob in (needed, old, again):
        os.utime(objects / blob[:2] / blob[2:], (1, 1))
    assert side_objects.add_files(found, files[3:]) == [again]
    submodule = tmp_path / "submodule"
    for folder in (submodule, tmp_path / "gone"):
        folder.mkdir()
        side_objects.refer_to(found, folder)
    (tmp_path / "gone").rmdir()
    assert side_objects.prune(found, {needed}, 1000.0) > 0
    assert set(read_blobs(found, [needed, old, young, again])) == {needed, young, again}
    assert (objects / "info/alternates").read_bytes() == os.fsencode(submodule) + b"\n"
    assert side_objects.prune(found, {needed}, 1000.0) == 0


def test_where_there_are_no_objects_there_is_nothing_to_prune(repo: Path) -> None:
    assert side_objects.prune(find(repo), set(), 1000.0) == 0
    assert not side_objects.folder(find(repo)).exists()
