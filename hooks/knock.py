"""Tell copydesk that something happened in this repository, and make sure its daemon lives.

Git waits for this: the operating system's own modules only, and no subprocess is started but
the daemon. Nothing here can stop a commit. The order is the protocol: first the event, then
the look at the lock. A daemon on its way out releases the lock and only then looks once more
for events, so whoever finds the lock held may go: the holder will see the event.
"""

from __future__ import annotations

import os
import sys
import time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

VERSION = "0.1.0"
"""copydesk's version, where a hook can read it without looking for metadata."""

DESK = "copydesk"
LOCK = "daemon.lock"
NOTE = "daemon.json"
UPGRADE = "upgrade"
"""The event that asks a daemon of an older copydesk to make room; its place is a Python."""

FAIL = "COPYDESK_FAIL"
KEPT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", FAIL)
"""Where the user's own git configuration lives; every other GIT_* belongs to this one hook.
A test's failpoints go with it."""

_DROPPED = ("GIT_", "PRE_COMMIT", "PYTEST_", "COPYDESK_")
_DROPPED_EXACT = (
    *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"),
    *("__PYVENV_LAUNCHER__", "OLDPWD", "PWD"),
)


def main() -> int:
    """Run as the hook: `copydesk-commit [HOOK]`, or `knock.py --ensure COMMON_DIR`.

    Returns:
        Always 0; what went wrong is one line on standard error.
    """
    try:
        arguments = sys.argv[1:]
        if arguments[:1] == ["--ensure"]:
            ensure(arguments[1])
        else:
            knock(arguments[0] if arguments else hook_name())
    except Exception as error:
        complain(error)
    return 0


def complain(error: Exception) -> None:
    """One line about something that must not stop git."""
    said = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    print(f"copydesk: left out ({said})", file=sys.stderr)


def hook_name() -> str:
    """The hook that pre-commit runs us for; it says so only by what it puts in the environment."""
    if "PRE_COMMIT_REWRITE_COMMAND" in os.environ:
        return "post-rewrite"
    if "PRE_COMMIT_IS_SQUASH_MERGE" in os.environ:
        return "post-merge"
    return "post-commit"


def knock(hook: str) -> None:
    """Drop an event for this repository, then make sure a daemon lives.

    Raises:
        OSError: The repository cannot be found or written.
    """
    common = common_dir()
    drop(common, hook, os.getcwd())
    ensure(common)


def common_dir() -> str:
    """The git folder that all worktrees of this repository share, found without starting git.

    Raises:
        FileNotFoundError: There is no repository here.
    """
    found = os.environ.get("GIT_DIR") or _walk_up()
    if os.path.isfile(found):
        found = os.path.join(os.path.dirname(found), _first_line(found).partition(": ")[2])
    shared = os.environ.get("GIT_COMMON_DIR", "")
    if not shared and os.path.isfile(os.path.join(found, "commondir")):
        shared = os.path.join(found, _first_line(os.path.join(found, "commondir")))
    found = os.path.realpath(shared or found)
    if not os.path.isfile(os.path.join(found, "HEAD")):
        raise FileNotFoundError("no git repository here")
    return found


def _walk_up() -> str:
    here = os.getcwd()
    while True:
        for candidate in (os.path.join(here, ".git"), here):
            if os.path.isfile(candidate) or os.path.isfile(os.path.join(candidate, "HEAD")):
                return candidate
        above = os.path.dirname(here)
        if above == here:
            raise FileNotFoundError("no git repository here")
        here = above


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.readline().rstrip("\r\n")


def drop(common: str, hook: str, worktree: str) -> str:
    """Put an event into the spool, so that it is there whole or not at all, even after a crash.

    Returns:
        The name of its file.
    """
    spool = os.path.join(common, DESK, "spool")
    for folder in (os.path.dirname(spool), spool, spool + "/tmp", spool + "/new"):
        try:  # noqa: SIM105  # contextlib is one more import that git would wait for
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
    name = f"{time.time_ns()}-{os.getpid()}.{hook}"
    failpoint("knock.create")
    file = os.open(f"{spool}/tmp/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        failpoint("knock.write")
        os.write(file, os.fsencode(f"{hook}\n{worktree}\n"))
        failpoint("knock.sync")
        os.fsync(file)
    finally:
        os.close(file)
    failpoint("knock.rename")
    os.rename(f"{spool}/tmp/{name}", f"{spool}/new/{name}")
    failpoint("knock.renamed")
    sync_folder(spool + "/new")
    failpoint("knock.dropped")
    return name


def sync_folder(folder: str) -> None:
    """Have what was made or renamed in a folder survive a power cut."""
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals the rename itself
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def failpoint(name: str) -> None:
    """A place where a test can have copydesk fail: `COPYDESK_FAIL=name:kill|enospc|eio|exception`.

    Several are separated by commas. Without the variable this is one look at the environment.

    Raises:
        OSError: The variable asks for a full disk (enospc) or a broken one (eio) here.
        RuntimeError: It asks for an exception here.
    """
    asked = os.environ.get(FAIL)
    if asked:
        for word in asked.split(","):
            where, _, how = word.partition(":")
            if where == name:
                _fail(name, how)


def _fail(name: str, how: str) -> None:
    import errno  # a test is running
    import signal

    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exception":
        raise RuntimeError(f"failpoint {name}")
    number = {"enospc": errno.ENOSPC, "eio": errno.EIO}[how]
    raise OSError(number, os.strerror(number), name)


def take_lock(file: int, *, shared: bool = False) -> bool:
    """Take a file's lock without waiting; False when somebody else has it.

    The operating system drops it with its process, however that ends.
    """
    try:
        if fcntl:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            import msvcrt  # there is no shared lock there: who only looks has it for a moment

            os.lseek(file, 0, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True


def wait_lock(file: int) -> None:
    """Take a file's lock, however long that takes; asleep meanwhile where the system can."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX)
    else:
        while not take_lock(file):
            time.sleep(1.0)


def drop_lock(file: int) -> None:
    """Give a file's lock back."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_UN)
    else:
        import msvcrt

        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]


def daemon_lives(common: str) -> bool:
    """Whether a process holds the daemon's lock.

    Asked with a shared lock, so that two who ask at once do not take each other for a daemon.
    """
    try:
        lock = os.open(os.path.join(common, DESK, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:  # nothing has been here yet
        return False
    try:
        if not take_lock(lock, shared=True):
            return True
        drop_lock(lock)
    finally:
        os.close(lock)
    return False


def older(common: str) -> bool:
    """Whether the daemon's note names an older copydesk than this one."""
    try:
        with open(os.path.join(common, DESK, NOTE), encoding="utf-8") as file:
            text = file.read(4096)
    except OSError:
        return False
    said = text.partition('"version": "')[2].partition('"')[0]  # json would take 6 ms to import
    return bool(said) and numbers(said) < numbers(VERSION)


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version such as 1.2.3, to compare with another's."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def ensure(common: str, argv: list[str] | None = None) -> bool:
    """Start a daemon for the repository unless one lives, or this is a CI machine.

    Args:
        common: The shared git folder, absolute.
        argv: What to start instead of copydesk's daemon.

    Returns:
        Whether one was started.
    """
    common = os.path.realpath(common)
    if os.environ.get("CI"):
        return False
    if daemon_lives(common):
        if older(common):
            drop(common, UPGRADE, sys.executable)
        return False
    failpoint("knock.start")
    detach(argv or service(common), common)
    return True


def service(common: str, python: str = sys.executable) -> list[str]:
    """The command that is the daemon of a repository."""
    return [python, "-P", "-m", "copydesk.agent.daemon.service", common]


def detach(argv: list[str], folder: str) -> None:
    """Start a program that shares nothing with us: no stream, no session, no parent.

    A child that kept one of the three streams would hang every caller of `git commit` that
    reads from a pipe.
    """
    if not hasattr(os, "fork"):
        _detach_on_windows(argv, folder)
        return
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            os.chdir(folder)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            os.closerange(3, 1024)
            os.execve(argv[0], argv, scrubbed(os.environ))
    finally:
        os._exit(0)


def _detach_on_windows(argv: list[str], folder: str) -> None:
    import subprocess  # 10 ms that only Windows pays

    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    flags |= getattr(subprocess, "CREATE_NO_WINDOW", 0)  # DETACHED_PROCESS would pop up windows
    null = subprocess.DEVNULL
    subprocess.Popen(
        argv,
        # an open handle on a folder forbids to rename or delete it
        cwd=os.path.dirname(folder.rstrip("/\\")) or None,
        env=scrubbed(os.environ),
        stdin=null,
        stdout=null,
        stderr=null,
        close_fds=True,
        creationflags=flags,
    )


def scrubbed(environ: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """An environment without what git, pre-commit or a virtual environment put there.

    pre-commit runs a hook with the hook's own environment first on PATH; a daemon that kept it
    would run the user's tests with the wrong Python.
    """
    env = {
        key: value
        for key, value in environ.items()
        if key in KEPT or not (key.startswith(_DROPPED) or key in _DROPPED_EXACT)
    }
    hidden = {os.path.join(environ.get("VIRTUAL_ENV") or "/nonexistent", "bin")}
    own = os.path.dirname(sys.executable)
    if os.path.isfile(os.path.join(os.path.dirname(own), "pyvenv.cfg")):
        hidden.add(own)
    path = env.get("PATH", os.defpath).split(os.pathsep)
    env["PATH"] = os.pathsep.join(p for p in path if p not in hidden)
    return env


if __name__ == "__main__":
    sys.exit(main())
