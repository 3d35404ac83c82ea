"""Runs a command on a fresh copy of a commit, in the best sandbox that this machine offers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox import bubblewrap, tier_full, tier_off, tier_partial
from copydesk.agent.sandbox.interpreter_folders import (
    ExposesTooMuch,
    InterpreterFolders,
    interpreter_folders,
    refuse_exposing,
)
from copydesk.agent.sandbox.records import (
    USUAL,
    Capability,
    Command,
    Limits,
    Outcome,
    Surroundings,
    Tier,
)
from copydesk.agent.sandbox.watchdog import WatchedRun

__all__ = ["Capability", "Limits", "Outcome", "SandboxRunner", "Tier"]

_ALWAYS = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    # a thread counts as a process, and numeric libraries start one for each core
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Visible:
    """What a run sees besides its copy of the tree and the interpreter.

    Args:
        source_roots: Folders of the tree, relative, that come first on PYTHONPATH.
        tools: A folder of modules, on PYTHONPATH before those, and named by $COPYDESK_TOOLS.
        read_only: Further files and folders that a run may read where they are.
    """

    source_roots: Sequence[str] = (".",)
    tools: Path | None = None
    read_only: Sequence[Path] = ()


_THE_TREE_ALONE = Visible()


class SandboxRunner:
    """Runs commands on fresh copies of one tree.

    Args:
        tree: A folder with the files of a commit; only read.
        appears_at: Where the copy stands in tier full: the repository's own top folder.
        python: The interpreter that "python" means.
        capability: What tier.detect found.
        visible: What a run sees besides.
        limits: What a run may use unless it is given others.

    Attributes:
        tier: The capability's, or none when this interpreter and tree cannot be guarded.
        reason: Why nothing is run in tier none.
    """

    def __init__(
        self,
        tree: Path,
        appears_at: Path,
        python: Interpreter,
        capability: Capability,
        *,
        visible: Visible = _THE_TREE_ALONE,
        limits: Limits = _LIMITS,
    ) -> None:
        self.tree = tree.resolve()
        self.appears_at = appears_at.resolve()
        self.python = python
        self.limits = limits
        self.tier = capability.tier
        self.reason = capability.reason
        self._source_roots = tuple(visible.source_roots)
        self._tools = visible.tools.resolve() if visible.tools else None
        self._extra = python.extra_path.resolve() if python.extra_path else None
        self._folders = InterpreterFolders((), ())
        self._shown: tuple[tuple[Path, Path], ...] = ()
        self._program = capability.program
        if self.tier in (Tier.FULL, Tier.PARTIAL):
            self._prepare([path.resolve() for path in visible.read_only])

    def _prepare(self, read_only: Sequence[Path]) -> None:
        """Find out what has to be shown; no tier is left where that would show too much."""
        try:
            needed = interpreter_folders(self.python, self.appears_at)
            self._folders = self._without_what_is_in_the_tree(needed)
            for path in read_only:
                refuse_exposing(path, self.appears_at)
        except (ExposesTooMuch, OSError) as error:
            self.tier, self.reason = Tier.NONE, str(error)
            return
        if self.tier is Tier.PARTIAL:
            self._shown = self._shown_in_place(read_only)
        else:
            self._shown = self._shown_in_namespace(read_only)
            self._find_bubblewrap()

    def _shown_in_place(self, read_only: Sequence[Path]) -> tuple[tuple[Path, Path], ...]:
        """What tier partial shows: everything where it is."""
        own = [path for path in (self._tools, self._extra) if path is not None]
        return tuple((path, path) for path in (*self._folders.shown, *own, *read_only))

    def _shown_in_namespace(self, read_only: Sequence[Path]) -> tuple[tuple[Path, Path], ...]:
        """What tier full shows besides the interpreter: where it is, and where it appears."""
        shown = []
        if self._tools is not None:
            shown.append((self._tools, bubblewrap.TOOLS))
        if self._extra is not None:
            shown.append((self._extra, bubblewrap.EXTRA))
        shown += [(path, path) for path in read_only if not self._in_the_tree(path)]
        return tuple(shown)

    def _find_bubblewrap(self) -> None:
        if self._program is None:
            self._program, _ = bubblewrap.find(outside=(self.appears_at, self.tree))
        if self._program is None:
            self.tier, self.reason = Tier.NONE, "bubblewrap is not installed"

    def _without_what_is_in_the_tree(self, needed: InterpreterFolders) -> InterpreterFolders:
        """A committed environment comes with the copy; binding it back would stop the copying."""
        return InterpreterFolders(
            tuple(path for path in needed.shown if not self._in_the_tree(path)),
            tuple(link for link in needed.links if not self._in_the_tree(link[1])),
        )

    def _in_the_tree(self, path: Path) -> bool:
        if not path.is_relative_to(self.appears_at):
            return False
        return os.path.lexists(self.tree / path.relative_to(self.appears_at))

    def run(
        self,
        argv: Sequence[str],
        *,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        limits: Limits | None = None,
        surroundings: Surroundings = USUAL,
    ) -> Outcome:
        """Run a command at the top of a fresh copy; nothing of it lives when this returns.

        Args:
            argv: The command; a first word of "python" stands for the interpreter.
            files: Relative path to text, laid over the copy.
            env: Variables to set beside the fixed ones; nothing is inherited.
            stdin: What it reads.
            limits: What it may use; the runner's own when left out.
            surroundings: Who and where it is, as far as the tier can tell it otherwise.

        Raises:
            ValueError: A path in files leads out of the tree.
            CopydeskError: A process cannot be ended ("sandbox-stuck").
        """
        laid_over = {_inside(name): text for name, text in (files or {}).items()}
        words = [str(self.python.path) if argv[0] == "python" else argv[0], *argv[1:]]
        command = Command(words, laid_over, stdin, limits or self.limits)
        try:
            watched = self._run(command, env or {}, surroundings)
        except OSError as error:
            return Outcome("not run", None, "", b"", 0.0, self.tier, str(error))
        if watched is None:
            return Outcome("not run", None, "", b"", 0.0, self.tier, self.reason)
        return self._outcome(watched)

    def _run(
        self, command: Command, env: Mapping[str, str], around: Surroundings
    ) -> WatchedRun | None:
        """Run a command as the tier has it; None where nothing is run."""
        if self.tier is Tier.FULL:
            return self._run_in_namespace(command, env, around)
        if self.tier is Tier.PARTIAL:
            shown = [source for source, _ in self._shown]
            return tier_partial.run(command, self.tree, shown, self._environment_below(env, around))
        if self.tier is Tier.OFF:
            return tier_off.run(command, self.tree, self._environment_below(env, around))
        return None

    def _outcome(self, watched: WatchedRun) -> Outcome:
        ended, reason = watched.ended, watched.reason
        if ended == "exit" and not watched.ready:
            ended = "not run"
            unsaid = f"the sandbox ended with code {watched.code}, the program not started"
            reason = watched.complaint.strip() or unsaid
        return Outcome(
            ended,
            watched.code if ended == "exit" else None,
            watched.output,
            watched.report,
            watched.seconds,
            self.tier,
            reason,
        )

    def _run_in_namespace(
        self, command: Command, env: Mapping[str, str], around: Surroundings
    ) -> WatchedRun:
        assert self._program is not None
        top = around.folder or self.appears_at
        environment = self._environment(
            around,
            top,
            bubblewrap.TOOLS if self._tools else None,
            bubblewrap.EXTRA if self._extra else None,
        )
        environment |= {"HOME": str(around.home), "TMPDIR": str(around.temporary), **env}
        spec = bubblewrap.SandboxSpec(
            self._program,
            self.tree,
            top,
            self._folders,
            tuple((source, self._moved(at, top)) for source, at in self._shown),
            environment,
            command.files,
            command.limits,
            surroundings=around,
        )
        return tier_full.run(spec, command.argv, command.stdin)

    def _moved(self, path: Path, top: Path) -> Path:
        """Where a path is when the tree stands at `top`: what lies in it moves with it."""
        if not path.is_relative_to(self.appears_at):
            return path
        return top / path.relative_to(self.appears_at)

    def _environment_below(
        self, env: Mapping[str, str], around: Surroundings
    ) -> Callable[[Path], dict[str, str]]:
        """A function that makes the environment for a run, given its temporary folder."""

        def environment(folder: Path) -> dict[str, str]:
            return {
                **self._environment(around, folder / "tree", self._tools, self._extra),
                "HOME": str(folder / "home"),
                "TMPDIR": str(folder / "tmp"),
                **env,
            }

        return environment

    def _environment(
        self, around: Surroundings, top: Path, tools: Path | None, extra: Path | None
    ) -> dict[str, str]:
        roots = [top / root for root in self._source_roots if (self.tree / root).is_dir()]
        path = [folder for folder in (tools, *roots, extra) if folder is not None]
        env = {
            **_ALWAYS,
            "PATH": f"{self.python.path.parent}:{around.system_path}",
            "PYTHONPATH": ":".join(map(str, path)),
            **around.variables,
        }
        if tools is not None:
            env["COPYDESK_TOOLS"] = str(tools)
        return {name: value for name, value in env.items() if name not in around.unset}


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(f"not a path inside the tree: {name!r}")
    return str(path)
