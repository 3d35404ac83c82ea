"""Run a program and read what it prints, without what importing subprocess costs.

That import takes 16 ms of every commit (it brings re, enum, locale, threading and selectors).
"""

from __future__ import annotations

import os


def run_program(argv: list[str], env: dict[str, str] | None = None) -> tuple[int, bytes, bytes]:
    """Run a program that reads nothing.

    Args:
        argv: The program, looked up on PATH, and its arguments.
        env: Its environment; this process's where left out.

    Returns:
        Its exit code (negative: the signal that ended it), and what it wrote to standard output
        and to standard error.

    Raises:
        OSError: It cannot be started.
    """
    variables = dict(os.environ) if env is None else env
    if not hasattr(os, "posix_spawn"):  # Windows
        import subprocess

        ended = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=variables
        )
        return ended.returncode, ended.stdout, ended.stderr
    pipes = os.pipe(), os.pipe()
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            *((os.POSIX_SPAWN_DUP2, pipe[1], 1 + number) for number, pipe in enumerate(pipes)),
        ]
        pid = os.posix_spawn(program_path(argv[0]), argv, variables, file_actions=actions)
    except OSError:
        for end in (*pipes[0], *pipes[1]):
            os.close(end)
        raise
    for pipe in pipes:
        os.close(pipe[1])
    output, errors = _read([pipe[0] for pipe in pipes])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output, errors


def program_path(name: str) -> str:
    """Where on PATH a program is, in a folder that does not depend on the current one.

    Git runs hooks in the top folder of the worktree, where a commit may have put a file of any
    name.

    Raises:
        FileNotFoundError: It is in none.
    """
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(2, "not on PATH", name)


def _read(files: list[int]) -> list[bytes]:
    """All that comes out of some pipes, read side by side lest a full one stops its writer."""
    import select

    parts: dict[int, list[bytes]] = {file: [] for file in files}
    open_files = list(files)
    while open_files:
        for file in select.select(open_files, [], [])[0]:
            part = os.read(file, 65536)
            if part:
                parts[file].append(part)
            else:
                open_files.remove(file)
                os.close(file)
    return [b"".join(parts[file]) for file in files]
