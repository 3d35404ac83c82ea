"""Renaming between folders that are one file system for the user and several in the sandbox.

A test that renames a file of the tree into a temporary folder works there, and ends with EXDEV
where both are mounts of their own. So such a rename copies and removes, as `mv` does, and a hard
link is a copy. Installed by `sitecustomize` where $COPYDESK_ONE_MOUNT names the folders.
"""

from __future__ import annotations

import errno
import functools
import os
import sys
from typing import Any, Callable

VARIABLE = "COPYDESK_ONE_MOUNT"
"""The variable that names the folders, as PATH does."""


def install(folders: str) -> None:
    """Let `os.rename`, `os.replace` and `os.link` work between some folders.

    Args:
        folders: The value of the variable.
    """
    roots = tuple(os.path.join(folder, "") for folder in folders.split(os.pathsep))
    _replace("rename", _between(roots, os.rename, _move))
    _replace("replace", _between(roots, os.replace, _move))
    _replace("link", _between(roots, os.link, _copy))


def _replace(name: str, function: Callable[..., Any]) -> None:
    original = getattr(os, name)
    accessor: Any = None
    if sys.hexversion < 0x030B0000:  # pathlib keeps references of its own, as methods of a class
        import pathlib

        accessor = getattr(pathlib, "_NormalAccessor", None)
    setattr(os, name, function)
    if getattr(accessor, name, None) is original:
        setattr(accessor, name, staticmethod(function))
    for supported in (os.supports_dir_fd, os.supports_follow_symlinks):
        if original in supported:
            supported.add(function)


def _between(
    roots: tuple[str, ...], original: Callable[..., Any], instead: Callable[[str, str], None]
) -> Callable[..., Any]:
    """A function that does something else where the original fails for two mounts."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        try:
            return original(*args, **options)
        except OSError as error:
            if error.errno != errno.EXDEV or len(args) != 2 or options:
                raise
            source, target = (os.path.abspath(os.fsdecode(path)) for path in args)
            if not source.startswith(roots) or not target.startswith(roots):
                raise
        return instead(source, target)

    return function


def _move(source: str, target: str) -> None:
    import shutil

    if os.path.isdir(source) and not os.path.islink(source):
        if os.path.lexists(target):
            os.rmdir(target)  # what is not empty, or no folder, is as wrong as in a rename
        shutil.copytree(source, target, symlinks=True)
        shutil.rmtree(source)
        return
    if os.path.isdir(target) and not os.path.islink(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), source, None, target)
    partial = f"{target}.{os.getpid()}"
    shutil.copy2(source, partial, follow_symlinks=False)
    os.replace(partial, target)
    os.unlink(source)


def _copy(source: str, target: str) -> None:
    import shutil

    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), source, None, target)
    shutil.copy2(source, target, follow_symlinks=False)
