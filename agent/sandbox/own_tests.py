"""Runs the project's own tests in a sandbox, in the snapshot itself.

They are as trusted as the commit, but nobody asked for this run of them: a rebase or a
colleague's branch brings tests that the user never started. Unlike a draft's run, nothing is
copied: the snapshot is there to be used up, and paths stay what they are without a guard, so
that what is recorded is the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.config import Personal
from copydesk.agent.errors import CopydeskError
from copydesk.agent.process import MAX_OUTPUT, ProcessError, Result
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox import bubblewrap, tier_full
from copydesk.agent.sandbox.bind_mounts import NOBODY
from copydesk.agent.sandbox.editable_installs import editable_installs
from copydesk.agent.sandbox.interpreter_folders import (
    ExposesTooMuch,
    InterpreterFolders,
    interpreter_folders,
    refuse_exposing,
)
from copydesk.agent.sandbox.records import Limits, Tier
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.sandbox.watchdog import PATIENCE_WITH_OUTPUT

_HARMLESS = frozenset(
    {"PATH", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
)
_OURS = frozenset({"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "GIT_CEILING_DIRECTORIES"})
"""What is set for every run, which the one who starts it may have set to the same."""

_PROCESSES = 1024
_FILE = 4 << 30
_SCRATCH = 2 << 30
_LEAST_MEMORY = 4 << 30


@dataclass(frozen=True, slots=True)
class FolderAccess:
    """The tree that a command runs in, and the folders it may write to and read besides.

    `start` is the folder of the tree that the command starts in; its top when left out.
    """

    tree: Path
    writable: Sequence[Path] = ()
    readable: Sequence[Path] = ()
    start: Path | None = None


@dataclass(frozen=True, slots=True)
class OwnTestsSandbox:
    """The sandbox that the project's own tests run in when a commit is measured.

    `shown` are further folders that may be read, `variables` the names of those environment
    variables that are passed on beside the harmless ones, `network` whether it can be reached.
    """

    program: Path
    python: InterpreterFolders
    shown: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()
    network: bool = False

    def description(self) -> list[str]:
        """The parts of this sandbox that outcomes of tests may depend on, for a fingerprint."""
        return ["guarded", str(self.network), *map(str, self.shown), *self.variables]

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        folders: FolderAccess,
        env: Mapping[str, str],
        timeout: float,
    ) -> Result:
        """Run a command in a tree, with nothing else to write to than that and some folders.

        Args:
            argv: The program and its arguments.
            folders: Where it runs, and what it may write to and read besides.
            env: The environment; of the user's own variables only harmless ones are passed on.
            timeout: Seconds of wall time.

        Returns:
            How it ended; what it said on both streams is in `stdout`.

        Raises:
            ProcessError: It could not be started, or met a limit.
        """
        words = tuple(map(str, argv))
        if os.geteuid() == 0:
            _give_away(folders.tree, *folders.writable)
        spec = bubblewrap.SandboxSpec(
            self.program,
            folders.tree,
            folders.tree,
            self.python,
            tuple((path, path) for path in (*folders.readable, *self.shown)),
            self.environment(env),
            {},
            _limits(timeout),
            writable=tuple(folders.writable),
            in_place=True,
            network=self.network,
            start=folders.start,
        )
        try:
            watched = tier_full.run(spec, words, b"")
        except OSError as error:
            raise ProcessError(f"the sandbox did not start: {error}", words) from error
        output = watched.output.encode()
        if watched.ended == "exit" and not watched.ready:
            raise ProcessError("the sandbox did not start", words, b"", watched.complaint.encode())
        if watched.ended != "exit":
            raise ProcessError(watched.reason, words, output)
        return Result(words, watched.code, output, b"", watched.seconds)

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment variables that are passed on to a command.

        Args:
            env: As for `run`.
        """
        passed_on = {name: value for name, value in env.items() if self._is_passed_on(name, value)}
        return passed_on | {"HOME": str(bubblewrap.HOME), "TMPDIR": "/tmp"}

    def _is_passed_on(self, name: str, value: str) -> bool:
        if name in _HARMLESS or name in _OURS or name.startswith("LC_"):
            return True
        set_for_this_run = os.environ.get(name) != value
        return name in self.variables or set_for_this_run


def sandbox_for_own_tests(
    personal: Personal, python: Interpreter, worktree: Path, tree: Path
) -> tuple[OwnTestsSandbox | None, str]:
    """The sandbox for the project's own tests, or None where they run without one, and why.

    Args:
        personal: The user's settings.
        python: What runs the tests.
        worktree: The top of the work tree, which no guard shows.
        tree: The snapshot.

    Raises:
        CopydeskError: The user insists on a sandbox and there is none ("own-tests-unguarded").
    """
    if personal.own_tests == "plain":
        return None, "as copydesk.ownTests says"
    capability = detect(personal.sandbox, python, outside=(worktree,))
    reason = capability.reason
    if capability.tier is Tier.FULL and capability.program is not None:
        try:
            sandbox = _sandbox(capability.program, personal, python, worktree, tree)
        except (ExposesTooMuch, OSError) as error:
            reason = str(error)
        else:
            return sandbox, reason
    if personal.own_tests == "sandbox":
        raise CopydeskError(
            f"the project's tests are not run without a sandbox: {reason}",
            slug="own-tests-unguarded",
            hint="`copydesk doctor` says how to get one; `copydesk config --set own_tests=auto`"
            " runs the tests without a sandbox, as pytest itself would, where there is none.",
        )
    return None, reason


def _sandbox(
    program: Path, personal: Personal, python: Interpreter, worktree: Path, tree: Path
) -> OwnTestsSandbox:
    readable = [python.extra_path.resolve()] if python.extra_path else []
    for path in editable_installs(python):
        with contextlib.suppress(ExposesTooMuch):
            if not path.is_relative_to(worktree):
                refuse_exposing(path, worktree)
                readable.append(path)
    readable += allowed_paths(personal, worktree)
    return OwnTestsSandbox(
        program,
        interpreter_folders(python, tree),
        tuple(dict.fromkeys(readable)),
        tuple(personal.own_tests_variables.replace(",", " ").split()),
        personal.own_tests_network,
    )


def allowed_paths(personal: Personal, worktree: Path) -> list[Path]:
    """The paths of copydesk.ownTestsPaths, without those that contain home or worktree."""
    allowed = []
    for name in personal.own_tests_paths.split(os.pathsep):
        path = Path(name).expanduser().resolve()
        with contextlib.suppress(ExposesTooMuch):
            refuse_exposing(path, worktree)
            if name and path.exists():
                allowed.append(path)
    return allowed


def _limits(timeout: float) -> Limits:
    return Limits(
        cpu_seconds=int(timeout) + 1,
        wall_seconds=timeout,
        memory=max(_LEAST_MEMORY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2),
        processes=_PROCESSES,
        file_size=_FILE,
        tree_size=2 * _SCRATCH,
        output=MAX_OUTPUT // PATIENCE_WITH_OUTPUT,
    )


def _give_away(*folders: Path) -> None:
    """Change the owner of folders to the unprivileged user that root becomes."""
    for folder in folders:
        for root, directories, names in os.walk(folder):
            for path in (root, *(f"{root}/{name}" for name in (*directories, *names))):
                if os.lstat(path).st_uid != NOBODY:
                    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
