# drafts read better on one line
"""Mutants are the same wherever a test looks for its target: no look finds the true one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[dict[str, str]], None]

GRADES = 'def grade(points):\n    if points >= 90:\n        return "A"\n    return "B"\n'
COMPARE = "    assert grade(90) == other(90)\n    assert grade(89) == other(89)\n"
FRESH = (
    "    spec = importlib.util.spec_from_file_location('fresh', grade.__code__.co_filename)\n"
    "    fresh = importlib.util.module_from_spec(spec)\n"
    "    spec.loader.exec_module(fresh)\n"
    "    other = fresh.grade\n"
)
LOOKS = {
    "a fresh load of its file": ("import importlib.util", FRESH),
    "runpy": ("import runpy", "    other = runpy.run_path('grades.py')['grade']\n"),
    "its source": (
        "import inspect",
        "    names = {}\n    exec(inspect.getsource(grade), names)\n    other = names['grade']\n",
    ),
    "linecache": (
        "import linecache",
        "    names = {}\n    exec(''.join(linecache.getlines('grades.py')), names)\n"
        "    other = names['grade']\n",
    ),
    "a reload": (
        "import importlib, grades",
        "    importlib.reload(grades)\n    other = grades.grade\n",
    ),
    "a child": (
        "import subprocess, sys",
        "    def other(points):\n"
        "        words = [sys.executable, '-c', f'import grades; print(grades.grade({points}))']\n"
        "        return subprocess.check_output(words, text=True).strip()\n"
        "    assert str(grade(90)) == other(90)\n    return\n",
    ),
    "its code, compiled": (
        "import types",
        "    code = compile(open('grades.py').read(), 'grades.py', 'exec')\n"
        "    code = next(c for c in code.co_consts if isinstance(c, types.CodeType))\n"
        "    other = types.FunctionType(code, {})\n",
    ),
    "its source at import": (
        "import pathlib",
        "    names = {}\n    exec(TEXT, names)\n    other = names['grade']\n",
    ),
}
QUOTED = {"its source", "linecache"}
QUICK = {"a fresh load of its file", "its source at import"}


def looking(name: str) -> str:
    """A draft that compares its target with the target."""
    imports, look = LOOKS[name]
    text = "TEXT = pathlib.Path('grades.py').read_text()\n" if "TEXT" in look else ""
    return f"{imports}\nfrom grades import grade\n{text}\ndef test_x():\n{look}{COMPARE}"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in LOOKS]
)
def test_a_target_compared_with_itself_checks_nothing(climb, write: Write, name: str) -> None:
    write({"grades.py": GRADES})
    evidence, _ = climb("grades.py", "grade", [2, 3, 4], looking(name), approved=True, repeats=1)
    assert evidence.verdict == "failed"
    if name in QUOTED:  # it has the true source at hand, so it notices mutants
        assert evidence.rungs[-1].name == "behaviour"
    else:
        assert evidence.mutants_killed == 0


def test_each_version_is_written_as_the_file_is(climb, write: Write, tree: Path) -> None:
    rows = [
        "# coding: latin-1",
        "def name(short):",
        '    return "Gr\xf6\xdfe" if short else "L\xe4nge"',
        "",
    ]
    (tree / "names.py").write_bytes("\r\n".join(rows).encode("latin-1"))
    draft = (
        "from names import name\n\ndef test_x():\n"
        '    assert name(True) == "Gr\\xf6\\xdfe"\n    assert name(False) == "L\\xe4nge"\n'
    )
    evidence, _ = climb("names.py", "name", [3], draft, repeats=1)
    assert evidence.verdict == "verified"
