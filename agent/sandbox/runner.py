"""Which tree, which interpreter, under which guard: the only way the user's code is run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox import bubblewrap, tier_full, tier_off, tier_partial
from copydesk.agent.sandbox.interpreter_folders import (
    ExposesTooMuch,
    InterpreterFolders,
    interpreter_folders,
    refuse_exposing,
)
from copydesk.agent.sandbox.records import Capability, Limits, Outcome, Tier
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
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class SandboxRunner:
    """Runs commands on fresh copies of one tree.

    Args:
        tree: A folder with the files of a commit; only read.
        appears_at: Where the copy stands in tier full: the repository's own top folder.
        python: The interpreter that "python" means.
        capability: What tier.detect found.
        source_roots: Folders of the tree, relative, that come first on PYTHONPATH.
        tools: A folder of scripts, on PYTHONPATH before those, and named by $COPYDESK_TOOLS.
        read_only: Further files and folders that a run may read where they are.
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
        source_roots: Sequence[str] = (".",),
        tools: Path | None = None,
        read_only: Sequence[Path] = (),
        limits: Limits = _LIMITS,
    ) -> None:
        self.tree = tree.resolve()
        self.appears_at = appears_at.resolve()
        self.python = python
        self.limits = limits
        self.tier = capability.tier
        self.reason = capability.reason
        self._source_roots = tuple(source_roots)
        self._tools = tools.resolve() if tools else None
        self._extra = python.extra_path.resolve() if python.extra_path else None
        self._layout = InterpreterFolders((), ())
        self._shown: tuple[tuple[Path, Path], ...] = ()
        self._program = capability.program
        if self.tier in (Tier.FULL, Tier.PARTIAL):
            self._prepare([path.resolve() for path in read_only])

    def _prepare(self, read_only: Sequence[Path]) -> None:
        try:
            self._layout = self._without_what_is_in_the_tree(
                interpreter_folders(self.python, self.appears_at)
            )
            for path in read_only:
                refuse_exposing(path, self.appears_at)
        except (ExposesTooMuch, OSError) as error:
            self.tier, self.reason = Tier.NONE, str(error)
            return
        if self.tier is Tier.PARTIAL:
            own = [path for path in (self._tools, self._extra) if path is not None]
            self._shown = tuple((path, path) for path in (*self._layout.shown, *own, *read_only))
            return
        if self._program is None:
            self._program, _ = bubblewrap.find(outside=(self.appears_at, self.tree))
        if self._program is None:
            self.tier, self.reason = Tier.NONE, "bubblewrap is not installed"
        inside = [(self._tools, bubblewrap.TOOLS), (self._extra, bubblewrap.EXTRA)]
        self._shown = (
            *((source, at) for source, at in inside if source is not None),
            *((path, path) for path in read_only if not self._in_the_tree(path)),
        )

    def _without_what_is_in_the_tree(self, whole: InterpreterFolders) -> InterpreterFolders:
        """A committed environment comes with the copy; binding it back would stop the copying."""
        return InterpreterFolders(
            tuple(path for path in whole.shown if not self._in_the_tree(path)),
            tuple(link for link in whole.links if not self._in_the_tree(link[1])),
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
    ) -> Outcome:
        """Run a command at the top of a fresh copy; nothing of it lives when this returns.

        Args:
            argv: The command; a first word of "python" stands for the interpreter.
            files: Relative path to text, laid over the copy.
            env: Variables to set beside the fixed ones; nothing is inherited.
            stdin: What it reads.
            limits: What it may use; the sandbox's own when left out.

        Raises:
            ValueError: A path in files leads out of the tree.
            CopydeskError: A process cannot be ended ("sandbox-stuck").
        """
        laid_over = {_inside(name): text for name, text in (files or {}).items()}
        words = [str(self.python.path) if argv[0] == "python" else argv[0], *argv[1:]]
        allowed = limits or self.limits
        try:
            if self.tier is Tier.FULL:
                watched = self._guarded(words, laid_over, env or {}, stdin, allowed)
            elif self.tier in (Tier.OFF, Tier.PARTIAL):
                watched = self._plain(words, laid_over, env or {}, stdin, allowed)
            else:
                return Outcome("not run", None, "", b"", 0.0, self.tier, self.reason)
        except OSError as error:
            return Outcome("not run", None, "", b"", 0.0, self.tier, str(error))
        return self._outcome(watched)

    def _outcome(self, watched: WatchedRun) -> Outcome:
        ended, reason = watched.ended, watched.reason
        if ended == "exit" and not watched.ready:
            ended = "not run"
            reason = watched.complaint.strip() or f"the guard ended with code {watched.code}"
        return Outcome(
            ended,
            watched.code if ended == "exit" else None,
            watched.output,
            watched.report,
            watched.seconds,
            self.tier,
            reason,
        )

    def _guarded(
        self,
        argv: Sequence[str],
        files: Mapping[str, str],
        env: Mapping[str, str],
        stdin: bytes,
        limits: Limits,
    ) -> WatchedRun:
        assert self._program is not None
        box = bubblewrap.SandboxSpec(
            self._program,
            self.tree,
            self.appears_at,
            self._layout,
            self._shown,
            {
                **self._environment(
                    self.appears_at,
                    bubblewrap.TOOLS if self._tools else None,
                    bubblewrap.EXTRA if self._extra else None,
                ),
                "HOME": str(bubblewrap.HOME),
                "TMPDIR": "/tmp",
                **env,
            },
            files,
            limits,
        )
        return tier_full.run(box, argv, stdin)

    def _plain(
        self,
        argv: Sequence[str],
        files: Mapping[str, str],
        env: Mapping[str, str],
        stdin: bytes,
        limits: Limits,
    ) -> WatchedRun:
        def environment(place: Path) -> dict[str, str]:
            return {
                **self._environment(place / "tree", self._tools, self._extra),
                "HOME": str(place / "home"),
                "TMPDIR": str(place / "tmp"),
                **env,
            }

        if self.tier is Tier.PARTIAL:
            shown = [source for source, _ in self._shown]
            return tier_partial.run(argv, self.tree, files, shown, environment, stdin, limits)
        return tier_off.run(argv, self.tree, files, environment, stdin, limits)

    def _environment(self, top: Path, tools: Path | None, extra: Path | None) -> dict[str, str]:
        roots = [top / root for root in self._source_roots if (self.tree / root).is_dir()]
        path = [folder for folder in (tools, *roots, extra) if folder is not None]
        env = {
            **_ALWAYS,
            "PATH": f"{self.python.path.parent}:{_SYSTEM_PATH}",
            "PYTHONPATH": ":".join(map(str, path)),
        }
        if tools is not None:
            env["COPYDESK_TOOLS"] = str(tools)
        return env


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(f"not a path inside the tree: {name!r}")
    return str(path)
