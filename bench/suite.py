"""A made-up project of any size: `python bench/suite.py FOLDER [FILES] [TESTS IN EACH]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FUNCTIONS = 20
"""In each module of the project."""


def module(number: int, modules: int) -> str:
    """A module of functions with a branch each; it imports one that stands before it."""
    first = f"from shop.part{number // 2} import work0 as before\n\n\n" if number else ""
    body = [
        f"def work{n}(value):\n    if value > {n}:\n        value += {number}\n"
        f"    else:\n        value -= {n}\n    return value\n"
        for n in range(FUNCTIONS)
    ]
    return first + "\n\n".join(body)


def tests(number: int, modules: int, count: int) -> str:
    """A test file of one module, each test for another of its functions."""
    part = number % modules
    body = [
        f"def test_work{n}():\n    assert part.work{n % FUNCTIONS}({n}) is not None\n"
        for n in range(count)
    ]
    return f"from shop import part{part} as part\n\n\n" + "\n\n".join(body)


def write(folder: Path, files: int = 2000, count: int = 10) -> None:
    """Write the project and commit it.

    Args:
        folder: Where; made.
        files: How many test files; there is a module for every ten.
        count: How many tests in each.
    """
    modules = max(files // 10, 1)
    (folder / "src" / "shop").mkdir(parents=True)
    (folder / "src" / "shop" / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\ntestpaths = ['tests']\n")
    for number in range(modules):
        (folder / "src" / "shop" / f"part{number}.py").write_text(module(number, modules))
    for number in range(files):
        path = folder / "tests" / f"group{number // 50}" / f"test_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tests(number, modules, count))
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "A project")):
        who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
        subprocess.run(["git", *who, *words], cwd=folder, check=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:]))
