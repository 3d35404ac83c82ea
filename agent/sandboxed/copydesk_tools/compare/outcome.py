"""What one call did: everything that a caller could notice, as plain data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict, List

from ..search.run import invoke, observations, side_effects
from ..search.values.call import Call, Json, Subject
from ..search.values.sample_files import FILES
from .describe import Describer

MAX_FILE_TEXT = 2000
_UNCHANGING = (int, float, complex, str, bytes, bool, type(None), range, frozenset)


def outcome_of(
    subject: Subject, call: Call, run: invoke.Run, folder: Path, *, shown: bool = True
) -> Json:
    """What a finished call did.

    Args:
        subject: What was called.
        call: The call.
        run: How it went.
        folder: Its temporary folder.
        shown: Whether to say it in words as well; only looking around needs none.

    Returns:
        `kind` is "value", "raises", "inputs" (its arguments could not be made) or "given up"
        (it took too long, or reached out of the sandbox's folder: `why`).
    """
    describer = Describer(str(folder))
    if run.kind == "inputs":
        return {"kind": "inputs"}
    if isinstance(run.value, side_effects.GivenUp):
        reached = str(run.value.args[0]) if run.value.args else ""
        return {"kind": "given up", "why": reached}
    outcome: Json = {"kind": run.kind, "wrap": run.wrap}
    if run.kind == "raises":
        outcome.update(_raised(subject, run.value, describer))
    elif subject.shape == "command":
        result = run.value
        outcome["value"] = ["result", int(result.exit_code), describer.plain(result.output)]
        outcome["text"] = f"exit code {result.exit_code}: {describer.shown(result.output)}"
    else:
        outcome["value"] = describer.describe(run.value)
        if shown:
            outcome["text"] = describer.shown(run.value)
    outcome["printed"] = describer.plain(run.printed[:MAX_FILE_TEXT])
    outcome["warned"] = sorted(run.warned)
    outcome["files"] = _files(folder, call.uses_files, describer)
    outcome["after"] = _inputs_after(run.inputs, describer, shown)
    return outcome


def _raised(subject: Subject, error: BaseException, describer: Describer) -> Json:
    """An exception by its class and its words, and whether it speaks of a wrong call only."""
    name = type(error).__qualname__
    message = describer.plain(_message(error))
    return {
        "exception": name,
        "message": message[:MAX_FILE_TEXT],
        "misuse": observations.is_misuse(subject, error),
        "text": f"{name}: {message[:120]}" if message else name,
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the user's class may raise anything
        return "<unreadable>"


def _files(folder: Path, is_filled: bool, describer: Describer) -> Dict[str, str]:
    """The files of the call's folder that were not there before it, or say something else."""
    before = FILES if is_filled else {}
    files: Dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            files[name + "/"] = "link" if path.is_symlink() else "folder"
            continue
        content = path.read_bytes()
        if content != before.get(name, "\0").encode():
            text = describer.plain(content[:MAX_FILE_TEXT].decode("utf-8", "replace"))
            digest = hashlib.sha256(describer.plain(content.decode("latin-1")).encode())
            files[name] = f"{text} {digest.hexdigest()[:16]}"
    for name in before:
        if not (folder / name).exists():
            files[name] = "removed"
    return files


def _inputs_after(inputs: List[Any], describer: Describer, shown: bool) -> List[Any]:
    """What can change of a call's object and arguments, as it is behind the call."""
    after: List[Any] = []
    for index, value in enumerate(inputs):
        if isinstance(value, _UNCHANGING) or (index == 0 and value is None):
            continue
        after.append([index, describer.describe(value), describer.shown(value) if shown else ""])
    return after
