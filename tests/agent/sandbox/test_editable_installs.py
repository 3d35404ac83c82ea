"""Editable installs are read from what every installer leaves in site-packages."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.editable_installs import editable_installs, editable_roots

SETUPTOOLS = "from __future__ import annotations\nMAPPING: dict[str, str] = {mapping!r}\n"
EDITABLES = "from editables.redirector import F\nF.install()\nF.map_module({name!r}, {place!r})\n"
SCIKIT_BUILD = "install({mapping!r}, {{}}, None, False)\n"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "top" / ".venv" / "lib" / "python3.12" / "site-packages"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def python(packages: Path) -> Interpreter:
    prefix = packages.parents[2]
    return Interpreter(Path(sys.executable), sys.version_info[:3], prefix, prefix, "a test")


def test_packages_that_are_used_from_where_they_stand_are_found(
    tmp_path: Path, packages: Path, python: Interpreter
) -> None:
    (packages / "b-1.dist-info").mkdir(parents=True)
    (packages / "c-1.dist-info").mkdir()
    for name in ("a", "b c"):
        (tmp_path / name).mkdir()
    (packages / "x.pth").write_text(f"import os\n# {tmp_path}\n{tmp_path / 'a'}\n/nowhere\n")
    url = json.dumps({"url": f"file://{tmp_path}/b%20c", "dir_info": {"editable": True}})
    (packages / "b-1.dist-info" / "direct_url.json").write_text(url)
    (packages / "c-1.dist-info" / "direct_url.json").write_text("[1")
    assert editable_installs(python) == [tmp_path / "a", tmp_path / "b c"]


def test_every_kind_of_install_names_its_folder(
    tmp_path: Path, packages: Path, python: Interpreter
) -> None:
    top = tmp_path / "top"
    for name in ("a/one", "b/two", "c/three", "d/four", "e/ns/five", "flat/six"):
        (top / name).mkdir(parents=True)
        (top / name / "__init__.py").touch()
    (top / "c/seven.py").touch()
    (packages / "__editable__.one.pth").write_text(f"{top}/a\n")
    (packages / "two.egg-link").write_text(f"{top}/b\n.")
    (packages / "relative.pth").write_text("../../../../d\n")
    mapping = {"three": f"{top}/c/three", "other": f"{top}/code_of_other"}
    (packages / "__editable___three_1_finder.py").write_text(SETUPTOOLS.format(mapping=mapping))
    place = f"{top}/e/ns/five/__init__.py"
    (packages / "_editable_impl_five.py").write_text(EDITABLES.format(name="ns.five", place=place))
    (packages / "_seven_editable.py").write_text(
        SCIKIT_BUILD.format(mapping={"seven": f"{top}/c/seven.py"})
    )
    (packages / "_broken_editable.py").write_text("(")
    (packages / "six").symlink_to(top / "flat/six")
    (packages / "inside.pth").write_text(f"{packages}/inner\n")
    (packages / "elsewhere.pth").write_text("/usr/lib\n")
    assert set(editable_roots(python, [tmp_path / "not", top])) == {"a", "b", "c", "d", "e", "flat"}


def test_a_link_to_the_working_tree_names_the_same_folder(
    tmp_path: Path, packages: Path, python: Interpreter
) -> None:
    (tmp_path / "top" / "lib").mkdir()
    (tmp_path / "link").symlink_to("top")
    (packages / "x.pth").write_text(f"{tmp_path}/link/lib\n{tmp_path}/top\n")
    assert editable_roots(python, [tmp_path / "top"]) == ("lib", ".")
