"""How many honest tests are asked about: `python bench/questions.py FOLDER...`.

Each folder is a project, or a folder of them (unpacked source distributions, site-packages). Every
test module in them is looked at as a draft for its own project would be.
"""

from __future__ import annotations

import argparse
import ast
import collections
import re
import sys
from pathlib import Path

from copydesk.agent.testgen.verify.known_packages import declared_packages
from copydesk.agent.testgen.verify.questions import questions

_IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)


def test_files(folder: Path) -> list[Path]:
    """The test modules of a project."""
    return [p for p in sorted(folder.rglob("*.py")) if re.fullmatch(r"test_.*|.*_test", p.stem)]


def packages(folder: Path) -> dict[Path, set[str]]:
    """The packages that each file of a project is or imports, and that the project declares."""
    names = {folder: {folder.name, *declared_packages(folder)}}
    for path in folder.rglob("*.py"):
        imported = {name.decode() for name in _IMPORT.findall(path.read_bytes())}
        names[path] = {path.stem, path.parent.name, *imported}
    return names


def known(packages: dict[Path, set[str]], draft: Path) -> set[str]:
    """The packages that a project knows without one of its test modules."""
    others = [names for path, names in packages.items() if path != draft]
    return set().union(*others, {draft.parent.name})


def main() -> int:
    """Print how many were asked about, and what for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=60, help="test modules of one project")
    parser.add_argument("--list", action="store_true", help="name the modules asked about")
    options = parser.parse_args()
    looked = asked = 0
    reasons: collections.Counter[str] = collections.Counter()
    for folder in options.folders:
        files = test_files(folder)[:: max(1, len(test_files(folder)) // options.most)]
        names = packages(folder) if files else {}
        for path in files[: options.most]:
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError):
                continue
            target = path.stem.removeprefix("test_") + ".py"
            found = questions(tree, target, known(names, path).__contains__, listens=True)
            looked += 1
            asked += bool(found)
            reasons.update(found)
            if found and options.list:
                print(path, found)
    for words, count in reasons.most_common(40):
        print(f"{count:5} {words}")
    print(f"{asked} of {looked} test modules are asked about: {100 * asked / max(looked, 1):.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
