"""Which Python runs the user's tests, and what it lacks."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, get_config, is_tracked, worktrees
from copydesk.agent.git.supported_versions import require_supported
from copydesk.agent.isolated_python import isolated_argv
from copydesk.agent.process import ProcessError, run, scrubbed_environment
from copydesk.agent.records import Interpreter

RECORDED = "copydesk.recordedPython"
"""The git config key under which `init` keeps the interpreter of the shell it ran in."""

_ASK = """
import importlib.machinery as i, importlib.metadata as m, json, sys
def version(name):
    for folders in (sys.path, named_folders):  # the latter are read, and never imported from
        for found in m.distributions(name=name, path=folders):
            if isinstance(found.version, str): return found.version
    # no metadata: only what was lent is imported to be asked
    if i.PathFinder.find_spec(name, sys.argv[1:]):
        return getattr(__import__(name), "__version__", "unknown")
    return "unknown" if i.PathFinder.find_spec(name, sys.path + named_folders) else None
print(json.dumps([sys.executable, list(sys.version_info[:3]), sys.prefix, sys.base_prefix,
                  version("pytest"), version("coverage")]))
"""


_PIP = "import runpy; runpy.run_module('pip', run_name='__main__', alter_sys=True)"

_ENVIRONMENTS = (".venv", "venv", "env")
_POETRYS = (Path("poetry.toml"), Path(".poetry"), *map(Path, _ENVIRONMENTS))


class ProjectPython(NamedTuple):
    """An interpreter and what it has: versions of pytest and coverage, None where missing."""

    interpreter: Interpreter
    pytest: str | None
    coverage: str | None

    @property
    def missing(self) -> list[str]:
        """The packages that measuring needs and the environment lacks."""
        return [n for n in ("pytest", "coverage") if getattr(self, n) is None]

    def require_supported(self) -> None:
        """Refuse versions with which a measure may be wrong.

        Raises:
            CopydeskError: One is out of the supported range ("unsupported-version").
        """
        versions = {"pytest": self.pytest, "coverage": self.coverage}
        require_supported(self.interpreter.path, self.interpreter.version, versions)


def find(repo: Repository, folder: str = "") -> ProjectPython:
    """The interpreter that runs this project's tests.

    Looked for in this order: `git config copydesk.python`; an environment in the project's own
    folder where that is not the top; the environment of the shell in which `copydesk init` ran;
    `.venv`, `venv` or `env` in the worktree or the main worktree; poetry's; python3 on PATH. One
    that is tracked by git is passed over unless it was named, for nothing of a repository runs
    with the user's rights before the user has said so.

    Args:
        repo: The repository.
        folder: The project's folder in it.

    Raises:
        CopydeskError: None can be started, or the one that was named cannot.
    """
    named = get_config(repo, "copydesk.python")
    if named:
        return _named(repo, Path(named).expanduser())
    tops = [repo.top] if repo.top else []
    tops += [top for top in worktrees(repo) if top not in tops]
    passed_over = _vanished(repo, tops)
    tried = []
    for path, source in _candidates(repo, tops, folder):
        if tracked := _tracked_part(path, tops):
            passed_over.append(f"{path} is not run, because git tracks {tracked}")
            continue
        try:
            return inspect(repo, path, "; ".join([source, *passed_over]))
        except ProcessError as error:
            tried.append(f"{path} ({error.reason})")
    tried += passed_over
    raise CopydeskError(
        "no Python was found to run this project's tests"
        + (f"; tried {', '.join(tried)}" if tried else ""),
        slug="no-interpreter",
        hint="Name it: git config copydesk.python /path/to/python",
    )


def _named(repo: Repository, path: Path) -> ProjectPython:
    try:
        return inspect(repo, path, "git config copydesk.python")
    except ProcessError as error:
        raise CopydeskError(
            f"git config copydesk.python names {path}, which cannot be used: {error.reason}",
            slug="no-interpreter",
            hint="Name another: git config copydesk.python /path/to/python",
        ) from error


def _vanished(repo: Repository, tops: Iterable[Path]) -> list[str]:
    """Environments that were there and are gone, in words."""
    gone = []
    recorded = get_config(repo, RECORDED)
    if recorded and not Path(recorded).exists():
        gone.append(f"the environment in which `copydesk init` ran is gone: {recorded}")
    for top in tops:
        for name in _ENVIRONMENTS:
            program = top / name / "bin" / "python"
            if program.is_symlink() and not program.exists():
                gone.append(f"{program} leads to {program.readlink()}, which is gone")
    return gone


def _tracked_part(program: Path, tops: Iterable[Path]) -> str:
    """What of an interpreter git tracks in a worktree; "" where nothing of it is.

    Args:
        program: The interpreter, which may be a link, or lie below one.
        tops: The worktrees.
    """
    parts = []
    for path in dict.fromkeys((program, program.resolve())):
        environment = path.parent.parent
        parts += [path, environment / "pyvenv.cfg", environment, environment.resolve()]
    for top in tops:
        for place in dict.fromkeys((top, top.resolve())):
            inside = [part for part in parts if part != place and part.is_relative_to(place)]
            for part in dict.fromkeys(inside):
                relative = part.relative_to(place)
                if is_tracked(top, relative):
                    return str(relative)
    return ""


def _candidates(repo: Repository, tops: Iterable[Path], folder: str) -> Iterator[tuple[Path, str]]:
    """Where an interpreter may be, the likeliest first: its path, and in words where it is from."""
    recorded = get_config(repo, RECORDED)
    for top in tops if folder else ():
        yield from _environments_in(top / folder)
        yield from _poetry_environment(top / folder)
    if recorded and Path(recorded).exists():
        yield Path(recorded), "the environment in which `copydesk init` ran"
    for top in tops:
        yield from _environments_in(top)
        yield from _poetry_environment(top)
    path = scrubbed_environment()["PATH"]
    for name in ("python3", "python"):
        if program := shutil.which(name, path=path):
            yield Path(program), f"{name} on PATH"


def _environments_in(top: Path) -> Iterator[tuple[Path, str]]:
    """The virtual environments that lie in a worktree."""
    for name in _ENVIRONMENTS:
        for program in ("bin/python", "Scripts/python.exe"):
            if (top / name / program).exists():
                yield top / name / program, f"{name} in {top}"


def _poetry_environment(top: Path) -> Iterator[tuple[Path, str]]:
    """The environment that poetry keeps for a worktree, if it does.

    Poetry runs the plugins that it finds in the project, and its environment where the project's
    settings place it there: it is not asked where those are tracked.
    """
    if not (top / "poetry.lock").is_file() or is_tracked(top, *_POETRYS):
        return
    poetry = shutil.which("poetry", path=scrubbed_environment()["PATH"])
    if poetry is None:
        return
    try:
        argv = [poetry, "--no-plugins", "env", "info", "--executable"]
        answer = run(argv, cwd=top, timeout=20)
    except ProcessError:
        return
    yield Path(answer.text.strip()), "poetry"


def shell_python() -> Path | None:
    """The interpreter of the virtual environment that is active in this shell, if any."""
    for key in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = os.environ.get(key)
        if prefix and (path := Path(prefix) / "bin" / "python").exists():
            return path
    return None


def runtime(repo: Repository, version: tuple[int, int, int]) -> Path:
    """The folder of the desk with what the user's environment lacks."""
    return repo.desk / "runtime" / f"python{version[0]}.{version[1]}"


def inspect(repo: Repository, path: Path, source: str) -> ProjectPython:
    """Ask an interpreter what it is and has, the desk's runtime folder included.

    Raises:
        ProcessError: It cannot be started or gives no sensible answer.
    """
    answer = _answer(path, None)
    version = (answer[1][0], answer[1][1], answer[1][2])
    extra = runtime(repo, version)
    folder = None
    if None in answer[4:] and extra.is_dir():
        answer, folder = _answer(path, extra), extra
    executable = path if path.is_absolute() else Path(answer[0])
    executable, prefix = Path(answer[0]), Path(answer[2])
    real = prefix / "bin" / f"python{version[0]}.{version[1]}"
    if not executable.is_relative_to(prefix) and real.exists():
        executable = real  # a version manager's shim, which costs a shell script at every start
    interpreter = Interpreter(executable, version, prefix, Path(answer[3]), source, folder)
    return ProjectPython(interpreter, answer[4], answer[5])


def _answer(path: Path, extra: Path | None) -> list[Any]:
    lent = [extra] if extra else []
    argv = isolated_argv(path, _ASK, folders=lent, words=list(map(str, lent)))
    output = run(argv, cwd=Path("/"), timeout=30).text
    try:
        answer = json.loads(output)
    except ValueError:
        raise ProcessError("it does not answer like a Python", [str(path)]) from None
    if not isinstance(answer, list) or len(answer) != 6:
        raise ProcessError("it does not answer like a Python", [str(path)])
    return answer


def provide(repo: Repository, python: ProjectPython) -> ProjectPython:
    """Install what is missing into the desk's runtime folder, never into the user's environment.

    coverage comes from copydesk's own installation where the versions allow it (no network);
    pytest, and coverage for other versions, by the user's own pip.

    Raises:
        CopydeskError: pip cannot install them.
    """
    if not python.missing:
        return python
    folder = runtime(repo, python.interpreter.version)
    folder.mkdir(parents=True, exist_ok=True)
    packages = python.missing
    if "coverage" in packages and _lend_coverage(python, folder):
        packages.remove("coverage")
    if packages:
        try:
            words = ["install", "--quiet", "--disable-pip-version-check", "--no-input"]
            words += ["--only-binary", ":all:", "--target", str(folder), *packages]
            run(
                isolated_argv(python.interpreter.path, _PIP, words=words),
                timeout=600,
                cwd=Path("/"),
            )
        except ProcessError as error:
            raise missing_error(python, error.output) from error
    return inspect(repo, python.interpreter.path, python.interpreter.source)


def _lend_coverage(python: ProjectPython, folder: Path) -> bool:
    """Link copydesk's own coverage package in; its C tracer serves the same minor version."""
    import sys

    if python.interpreter.version[:2] != sys.version_info[:2]:
        return False
    import coverage

    package = Path(coverage.__file__).parent
    link = folder / "coverage"
    if not link.exists():
        link.unlink(missing_ok=True)
        shutil.copytree(package, link, ignore=shutil.ignore_patterns("__pycache__"))
    return True


def missing_error(python: ProjectPython, output: str = "") -> CopydeskError:
    """What to say when the environment lacks pytest or coverage."""
    names = " and ".join(python.missing)
    path = python.interpreter.path
    return CopydeskError(
        f"{path} ({python.interpreter.source}) has no {names}" + (f"\n{output}" if output else ""),
        slug="missing-packages",
        hint=f"{_install_hint(python)}; or name another interpreter: git config copydesk.python"
        " /path/to/python",
    )


def _install_hint(python: ProjectPython) -> str:
    """How to install what is missing, in a way that this environment allows."""
    interpreter, names = python.interpreter, " ".join(python.missing)
    version = f"python{interpreter.version[0]}.{interpreter.version[1]}"
    library = interpreter.base_prefix / "lib"
    if interpreter.prefix != interpreter.base_prefix:
        if (interpreter.prefix / "lib" / version / "site-packages" / "pip").is_dir():
            return f"Install: {interpreter.path} -m pip install {names}"
        return f"Install: uv pip install --python {interpreter.path} {names}"
    managed = [library / version, library / "python3"]
    if any((folder / "EXTERNALLY-MANAGED").is_file() for folder in managed):
        # PEP 668: the system's own Python takes no packages from pip
        return (
            "The system's Python takes no packages from pip. In the project's folder:"
            f" {interpreter.path} -m venv .venv && .venv/bin/python -m pip install {names}"
            " (and what the project needs)"
        )
    return f"Install: {interpreter.path} -m pip install {names}"


def ready(repo: Repository, folder: str = "") -> Interpreter:
    """The interpreter, with everything that measuring needs.

    Args:
        repo: The repository.
        folder: The project's folder in it.

    Raises:
        CopydeskError: There is none, it lacks pytest or coverage and neither is at hand, or has
            one that copydesk does not know.
    """
    python = find(repo, folder)
    if python.missing == ["coverage"]:
        python = provide(repo, python)
    if python.missing:
        raise missing_error(python)
    python.require_supported()
    return python.interpreter
