"""Git's own hooks, without a framework: installed, chained with what was there, and removed.

notify.sh is the text of the hooks that tell the daemon, gate.sh of the one that judges; the
places of the interpreter and of notify.py and gate.py are filled in.
"""

from __future__ import annotations

import os
import sys

HOOKS = ("post-commit", "post-merge", "post-rewrite")
CHAINED = ".copydesk-chained"
_MARK = b"# copydesk: tells the daemon about new commits"
_HERE = os.path.dirname(os.path.abspath(__file__))


def install(folder: str, python: str = sys.executable) -> list[str]:
    """Install the hooks into a folder. What was there is kept beside ours and runs first.

    Args:
        folder: The folder git takes its hooks from.
        python: The interpreter that starts the daemon.

    Returns:
        What was done, a phrase each.
    """
    os.makedirs(folder, exist_ok=True)
    actions = []
    for name in HOOKS:
        path = os.path.join(folder, name)
        if is_ours(path + ".legacy"):  # pre-commit was installed over ours and runs it
            _write(path + ".legacy", name, python)
            actions.append(f"{name}: in place, run by pre-commit")
            continue
        outcome = f"{name}: installed"
        if is_ours(path):
            outcome = f"{name}: in place"
        elif os.path.lexists(path):
            os.replace(path, path + CHAINED)
            outcome = f"{name}: installed; the one that was there runs first"
        _write(path, name, python)
        actions.append(outcome)
    return actions


def remove(folder: str) -> list[str]:
    """Take our hooks out and put back what was there before.

    Returns:
        What was done, a phrase each.
    """
    actions = []
    for name in HOOKS:
        path = os.path.join(folder, name)
        for aside in (path + ".legacy", path + ".old"):  # where pre-commit and lefthook put it
            if is_ours(aside):
                os.unlink(aside)
                actions.append(f"{name}: taken out")
        if is_ours(path):
            os.unlink(path)
            actions.append(f"{name}: taken out")
        if os.path.lexists(path + CHAINED) and not os.path.lexists(path):
            os.replace(path + CHAINED, path)
            actions[-1:] = [f"{name}: taken out; the former one is back"]
        elif _text(path + CHAINED) == _text(path) != b"":  # pre-commit was installed once more
            os.unlink(path + CHAINED)
    return actions


def is_ours(path: str) -> bool:
    """Whether the file is a hook that we wrote."""
    return _MARK in _text(path)


def _text(path: str) -> bytes:
    """The start of a hook, empty where there is none that can be read."""
    try:
        with open(path, "rb") as file:
            return file.read(65536)
    except OSError:
        return b""


def is_husky(folder: str) -> bool:
    """Whether husky writes this folder, and would write over what is put there."""
    return ".husky" in os.path.normpath(folder).split(os.sep)


def write_gate_script(folder: str, python: str = sys.executable) -> None:
    """Write the script that judges a change, for a framework to run.

    Args:
        folder: A folder of copydesk's own.
        python: The interpreter it runs with.
    """
    _write(os.path.join(folder, "gate"), "pre-commit", python, "gate.sh")


def _write(path: str, name: str, python: str, script: str = "notify.sh") -> None:
    with open(os.path.join(_HERE, script), encoding="utf-8") as file:
        text = file.read()
    text = text.replace("@HOOK@", name).replace("@PYTHON@", _quoted(python))
    for mark, program in (("@NOTIFY@", "notify.py"), ("@GATE@", "gate.py")):
        text = text.replace(mark, _quoted(os.path.join(_HERE, program)))
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(temporary, 0o755)
    os.replace(temporary, path)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
