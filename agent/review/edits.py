"""Edits that are under way: the file that the editor has open, which outlives whatever goes wrong.

What was typed is taken away only once it is on the desk. An editor that crashes, a check that
raises, a desk that is locked, Ctrl-C: the file stays, and the next edit goes on from it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft
from copydesk.agent.review import decisions


class Edit(NamedTuple):
    """A draft and the file that the editor changes.

    `opened` is the text that the file held when it was opened; `resumed` says that this is not the
    draft's, but what was typed before.
    """

    draft: Draft
    path: Path
    opened: str
    resumed: bool


@contextlib.contextmanager
def editing(repo: Repository, db: Database, identity: int) -> Iterator[Edit]:
    """Hold the file of a draft that is edited.

    Raises:
        CopydeskError: The draft does not wait for a decision, or is open in another editor.
    """
    draft = decisions.waiting(db, identity)
    path = _file(repo, draft)
    with _locked(path.with_suffix(".lock"), identity):
        kept = _read(path)
        resumed = kept is not None and kept not in ("", draft.content)
        if not resumed:
            _write(path, draft.content)
        opened = kept if kept is not None and resumed else draft.content
        yield Edit(draft, path, opened, resumed)


def finish(repo: Repository, db: Database, edit: Edit) -> Draft | None:
    """Take what the editor saved to the desk.

    Returns:
        The draft as it stands now; None when nothing was changed.

    Raises:
        CopydeskError: See decisions.edit. The file stays, except where it was emptied.
    """
    text = _read(edit.path)
    if text is None or text == edit.draft.content:
        edit.path.unlink(missing_ok=True)
        return None
    if not text.strip():
        _forget(edit)
        raise decisions.emptied(edit.draft)
    after = decisions.edit(repo, db, edit.draft.id, text, basis=edit.draft.content)
    edit.path.unlink()
    return after


def was_typed(edit: Edit) -> bool:
    """Whether the file holds anything that is not on the desk; one without is taken away."""
    with contextlib.suppress(CopydeskError):
        text = _read(edit.path)
        if text is None or text == edit.draft.content or not text.strip():
            _forget(edit)
            return edit.resumed
    return True


def _forget(edit: Edit) -> None:
    """Take an edit's file away; what was typed before this edit stays."""
    if edit.resumed:
        _write(edit.path, edit.opened)
    else:
        edit.path.unlink(missing_ok=True)


def take_back(repo: Repository, db: Database, identity: int) -> tuple[Draft, Path | None]:
    """Take back the last decision on a draft, as decisions.undo does.

    Returns:
        The draft as it stands then, and the file that an edit stays in which was taken back.

    Raises:
        CopydeskError: See decisions.undo.
    """
    before = db.drafts.get(identity)
    after = decisions.undo(repo, db, identity)
    return after, None if after.content == before.content else _keep_undone(repo, before)


def _keep_undone(repo: Repository, draft: Draft) -> Path:
    number = 1
    while (path := _file(repo, draft).with_suffix(f".undone-{number}{_suffix(draft)}")).exists():
        number += 1
    _write(path, draft.content)
    return path


def _file(repo: Repository, draft: Draft) -> Path:
    folder = repo.desk / "edits"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"draft-{draft.id}{_suffix(draft)}"


def _suffix(draft: Draft) -> str:
    return ".py" if draft.kind == "test" else ".md"


def _read(path: Path) -> str | None:
    """The text of a file with its line ends as one character; None where it is not there."""
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return None
    except UnicodeError as error:
        raise CopydeskError(
            f"{path} is not UTF-8: {error}",
            slug="draft-not-text",
            hint="Save it as UTF-8; nothing was changed.",
        ) from error


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(text.encode("utf-8", "surrogatepass"))
    partial.chmod(0o600)
    partial.replace(path)


@contextlib.contextmanager
def _locked(path: Path, identity: int) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CopydeskError(
                f"draft {identity} is open in another editor",
                slug="edit-open",
                hint="Close that one first.",
            ) from error
        yield
    finally:
        os.close(lock)
