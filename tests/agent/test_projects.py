"""Which folders of a repository are Python projects of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.projects import find_projects, nearest

PROJECT = '[project]\nname = "x"\n'
PYTEST = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n'
RUFF = "[tool.ruff]\nline-length = 100\n"
LIB = {"pyproject.toml": PROJECT + PYTEST, "x/a.py": "", "tests/test_a.py": ""}


def at(folder: str, files: dict[str, str] | None = None) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in (files or LIB).items()}


CASES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "no configuration": ({"a.py": "", "test_a.py": ""}, ("",)),
    "one at the top": (LIB, ("",)),
    "with examples and docs": (LIB | at("examples/app") | at("docs/demo"), ("",)),
    "with projects as data of tests": (LIB | at("tests/data/pkg"), ("",)),
    "in a subfolder": (at("backend") | {"web/package.json": "{}"}, ("backend",)),
    "two beside each other": (at("backend") | at("worker"), ("backend", "worker")),
    "a name with spaces": (at("my app") | at("b"), ("b", "my app")),
    "tool settings at the top": (
        at("backend") | at("worker") | {"pyproject.toml": RUFF, "setup.cfg": "[flake8]\nx = 1\n"},
        ("backend", "worker"),
    ),
    "tests at the top too": (
        at("backend") | {"pyproject.toml": RUFF, "tests/test_all.py": ""},
        ("", "backend"),
    ),
    "a project at the top that tests its own": (LIB | at("plugins/p"), ("", "plugins/p")),
    "a project at the top that tests all": (
        {"pyproject.toml": PROJECT, "x.py": "", "test_x.py": ""} |
        at("lib", {"pyproject.toml": PROJECT, "y.py": "", "test_y.py": ""}),
        ("",),
    ),
    "a project at the top whose pytest names the other": (
        {"pyproject.toml": PROJECT + '[tool.pytest.ini_options]\ntestpaths = ["t", "lib"]\n',
         "x.py": "", "t/test_x.py": ""} | at("lib"),
        ("",),
    ),
    "nested": (at("a") | at("a/plugins/b"), ("a", "a/plugins/b")),
    "a workspace without code at the top": (
        {"pyproject.toml": PROJECT + '[tool.uv.workspace]\nmembers = ["packages/*"]\n' + PYTEST}
        | at("packages/one") | at("packages/two"),
        ("packages/one", "packages/two"),
    ),
    "a poetry project": (
        at("api", {"pyproject.toml": '[tool.poetry]\nname = "x"\n', "a.py": ""}), ("api",)
    ),
    "other files configure": (
        at("a", {"setup.cfg": "[tool:pytest]\n", "a.py": ""})
        | at("b", {"pytest.ini": "[pytest]\n", "b.py": ""})
        | at("c", {"tox.ini": "[testenv]\n", "c.py": ""})
        | at("d", {"setup.py": "", "d.py": ""}),
        ("a", "b", "c", "d"),
    ),
    "requirements only": (
        at("api", {"requirements.txt": "", "a.py": "", "test_a.py": ""}), ("api",)
    ),
    "no Python": (
        at("chart", {"pyproject.toml": PROJECT}) | {"a.py": "", "test_a.py": ""}, ("",)
    ),
    "broken configuration": (
        at("api", {"pyproject.toml": "[[", "a.py": "", "test_a.py": ""}), ("api",)
    ),
    "named by hand": (
        {"pyproject.toml": '[tool.copydesk]\nprojects = ["./b/", "."]\n'} | at("a") | at("b"),
        ("", "b"),
    ),
    "the top's own tests name the subfolder": (
        {"pyproject.toml": '[tool.copydesk]\ntests = ["backend/tests"]\n'} | at("backend"), ("",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_projects(case: str) -> None:
    files, expected = CASES[case]
    assert find_projects(files.keys(), files.__getitem__) == expected


@given(st.lists(st.sampled_from(["a", "a/b", "b", "a/b/c", ""]), max_size=4), st.booleans())
def test_the_nearest_folder_is_the_deepest(folders: list[str], deep: bool) -> None:
    path = "a/b/c/d.py" if deep else "a.py"
    found = nearest(path, folders)
    assert path.startswith(found)
    assert all(len(f) <= len(found) for f in folders if f and path.startswith(f + "/"))
