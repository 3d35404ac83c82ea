"""The wheel and the sdist are whole, whatever checkout they are built from."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("agent/", "hooks/", "predictor/")


class Built(NamedTuple):
    tracked: set[str]
    wheel: Path
    sdist: Path


def run(*argv: str | Path, cwd: Path) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def git(cwd: Path, *arguments: str) -> str:
    # the checkout may belong to somebody else than who runs the suite
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    return run("git", "-c", "safe.directory=*", *identity, *arguments, cwd=cwd)


def tracked() -> set[str]:
    listed = git(ROOT, "ls-files", "-z").split("\0")
    return {name for name in listed if name and (ROOT / name).exists()}


@pytest.fixture(
    scope="module", params=[True, False], ids=["with symbolic links", "without symbolic links"]
)
def checkout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is in the working tree, made with core.symlinks as asked."""
    origin = tmp_path_factory.mktemp("origin")
    for name in tracked():
        target = origin / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    git(origin, "init", "-q")
    git(origin, "add", "-A", "-f")
    git(origin, "-c", "commit.gpgsign=false", "commit", "-q", "--no-verify", "-m", "all")
    clone = tmp_path_factory.mktemp("clone") / "copydesk"
    symlinks = "true" if request.param else "false"
    git(origin, "clone", "-q", "-c", f"core.symlinks={symlinks}", str(origin), str(clone))
    assert (clone / "src/copydesk/agent").is_symlink() == request.param
    return clone


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist of a checkout, and the wheel made from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ".", cwd=checkout)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return Built(tracked(), wheel, sdist)


def test_the_wheel_holds_every_file_of_the_rooms_and_the_pages_that_help_shows(
    built: Built,
) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    pages = {
        n for n in built.tracked if n.startswith("docs/") and n.endswith((".md", ".json", ".svg"))
    }
    wanted = {n for n in built.tracked if n.startswith(ROOMS)} | pages - {"docs/benchmarks.md"}
    assert names == {f"copydesk/{name}" for name in wanted}
    assert "copydesk/docs/reference/messages.md" in names


def test_the_sdist_holds_everything_but_the_links(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {name for name in built.tracked if not name.startswith("src/")}
    assert names - {"PKG-INFO", ""} == wanted


def test_a_wheel_made_straight_from_the_checkout_is_the_same(
    checkout: Path, built: Built, tmp_path: Path
) -> None:
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, "."),
        cwd=checkout,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as straight, zipfile.ZipFile(built.wheel) as over_sdist:
        assert sorted(straight.namelist()) == sorted(over_sdist.namelist())


def test_the_metadata_say_what_it_is(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (folder,) = {n.partition("/")[0] for n in archive.namelist() if ".dist-info/" in n}
        said = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        scripts = archive.read(f"{folder}/entry_points.txt").decode()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert said["Name"] == "copydesk"
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == ">=3.11"
    assert "demo" in said.get_all("Provides-Extra", [])
    assert "make demo" in str(said.get_payload())
    assert "copydesk contributors" in licence
    for name in ("copydesk", "copydesk-gate", "copydesk-commit"):
        assert f"{name} = copydesk." in scripts
